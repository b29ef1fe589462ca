//! The messages of single logout (core 3.7): a request read and judged, ours written, each way by the binding that the
//! service provider's metadata names.

use std::{sync::Arc, time::Duration};

use axum::{http::HeaderMap, response::Response};
use serde::{Deserialize, Serialize};

use super::{
    Provider, SLO,
    error::{Refusal, Status, Stop},
    message::{Message, Received},
    names::{self, Form},
    party::Party,
    request::SKEW,
    respond::{broken, message_id, signed, signing},
};
use crate::{
    domain::{clock::Timestamp, session::Session},
    ephemeral::Namespace,
    protocols::answer::{hand_over, see_other},
    signon::{Fault, Visit},
    wire::{
        dsig::Signer,
        saml::{
            NameId, Subject, binding, format,
            logout::{self, Logout, LogoutRequest},
            metadata::{Endpoint, Reach},
            posted, reason,
            redirect::{self, Kind},
            response::{self, Reply},
            status,
        },
        xml,
        xml::write::Element,
    },
};

/// How old a request may be, and how long ours hold.
const LIFE: Duration = Duration::from_secs(5 * 60);

/// What is kept of a request while others are told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Asked {
    pub entity_id: String,
    /// The request's ID.
    pub id: String,
    pub relay_state: Option<String>,
    pub name: String,
    pub name_format: Option<String>,
    pub session_indexes: Vec<String>,
    /// Whether it is proven to be from whom it says.
    pub signed: bool,
}

/// A service provider's request, judged; and whose it is. Who is not known is nobody to answer.
///
/// # Errors
/// `Refusal`: outside where nobody knows whose it is.
pub(super) async fn asked(
    provider: &Provider,
    received: &Received,
    now: Timestamp,
) -> Result<(Arc<Party>, Result<Asked, Refusal>), Stop> {
    let (party, judged) = {
        // 1. XML within its limits, and a LogoutRequest of SAML 2.0 in it.
        let document = xml::parse(&received.xml, &xml::MESSAGE)?;
        let message = Message { received, root: document.root_element() };
        let request = logout::read_request(message.root)?;
        // 2. Who asks is known by metadata.
        let party = provider.asking(&request.issuer)?;
        let judged = judged(provider, &party, message, request, now);
        (party, judged)
    };
    let asked = match judged {
        Ok(asked) => asked,
        Err(refusal) => return Ok((party, Err(refusal))),
    };
    // 6. Never seen before.
    let key = format!("saml {} {}", asked.entity_id, asked.id);
    let fresh = provider.app().shelf.put_new(Namespace::SeenToken, &key, Vec::new(), LIFE + SKEW + SKEW).await?;
    let replayed = || Refusal::new("replayed", "this request was answered before");
    Ok((party, fresh.then_some(asked).ok_or_else(replayed)))
}

fn judged(
    provider: &Provider,
    party: &Party,
    message: Message<'_, '_, '_>,
    request: LogoutRequest,
    now: Timestamp,
) -> Result<Asked, Refusal> {
    // 3. Its signature: whoever has keys signs.
    message.is_from(party, !party.signing.is_empty())?;
    // 4. Meant for us.
    message.is_for(&provider.url(SLO), request.destination.as_deref())?;
    // 5. Of now.
    let issued = Timestamp(request.issue_instant);
    if now.since(issued) > LIFE + SKEW || issued.since(now) > SKEW {
        return Err(Refusal::new("request-too-old", "the request is not of this time: begin again at the vendor"));
    }
    if request.not_on_or_after.is_some_and(|end| now.since(Timestamp(end)) > SKEW) {
        return Err(Refusal::new("request-too-old", "the request's NotOnOrAfter is over"));
    }
    let Subject::Named(name) = request.subject else {
        let hint = "the request must name whom it is about by a NameID in plain text";
        return Err(Refusal::new("name-unreadable", hint));
    };
    Ok(Asked {
        entity_id: party.entity_id.clone(),
        id: request.id,
        relay_state: message.received.relay_state.clone(),
        name: name.value,
        name_format: name.format,
        session_indexes: request.session_indexes,
        signed: !party.signing.is_empty(),
    })
}

/// Whether a request is about this session: by the name that it got there, and by its SessionIndex where it says one.
pub(super) fn is_about(provider: &Provider, asked: &Asked, party: &Party, session: &Session) -> bool {
    let keyring = &provider.app().keyring;
    let index = names::session_index(keyring, &party.entity_id, session.id);
    if !asked.session_indexes.is_empty() && !asked.session_indexes.contains(&index) {
        return false;
    }
    let email = asked.name_format.as_deref() == Some(format::EMAIL) && asked.session_indexes.contains(&index);
    email
        || asked.name == names::transient(keyring, &party.entity_id, session.id)
        || provider.signon.subject_at(&party.vendor, session.patron).is_some_and(|subject| subject == asked.name)
}

/// How an answer to a LogoutRequest ends.
pub(super) enum Answer {
    Success,
    /// Somebody was not reached (core 3.7.3.2).
    Partial,
    Refused(Status),
}

/// The answer to whoever asked; `None` where its metadata says nowhere to send it.
pub(super) fn response(provider: &Provider, asked: &Asked, how: &Answer) -> Result<Option<Sending>, Fault> {
    let Ok(party) = provider.asking(&asked.entity_id) else { return Ok(None) };
    let Some(place) = place(&party) else { return Ok(None) };
    let to = place.response_location().to_owned();
    let id = message_id()?;
    let (top, second, message) = match how {
        Answer::Success => (status::SUCCESS, None, None),
        Answer::Partial => (
            status::SUCCESS,
            Some(status::PARTIAL_LOGOUT),
            Some("somebody else could not be reached or does not answer"),
        ),
        Answer::Refused(status) => (status.top, Some(status.second), Some(status.hint.as_str())),
    };
    let entity_id = super::entity_id(provider.issuer());
    let reply = Reply {
        id: &id,
        in_response_to: Some(&asked.id),
        destination: Some(&to),
        issuer: &entity_id,
        issued_at: provider.now().millis(),
        status: response::Status { top, second, message },
    };
    let message = logout::response(&reply);
    let (kind, relay_state) = (Kind::Response, asked.relay_state.clone());
    let outgoing = Outgoing { kind, to: to.clone(), id: id.clone(), relay_state, message };
    send(provider, &party, &place.binding, outgoing).map(Some)
}

/// The request that a visit carries, whose ID is the visit's ticket; `None` where the service provider is gone, or says
/// no more where to send it.
pub(super) fn request(provider: &Provider, ticket: &str, visit: &Visit) -> Result<Option<Sending>, Fault> {
    let app = provider.app();
    let leaving = &visit.leaving;
    let Some(party) = provider.parties.by_key(&app.catalogue(), &leaving.relying_party) else { return Ok(None) };
    let Some(place) = place(&party) else { return Ok(None) };
    let entity_id = super::entity_id(provider.issuer());
    let terms = visit.terms.as_ref().and_then(|terms| terms.get("name")).cloned();
    let form = terms.and_then(|form| serde_json::from_value::<Form>(form).ok()).unwrap_or(Form::Persistent);
    let value = match form {
        Form::Transient => names::transient(&app.keyring, &party.entity_id, leaving.session),
        // An address that was told is not kept; the SessionIndex says which session it was.
        Form::Persistent | Form::Email => leaving.subject.clone(),
    };
    let form = if form == Form::Email { Form::Persistent } else { form };
    let name_id = NameId {
        value,
        format: Some(form.uri().to_owned()),
        name_qualifier: Some(entity_id.clone()),
        sp_name_qualifier: Some(party.entity_id.clone()),
        ..NameId::default()
    };
    let now = provider.now();
    let id = format!("_{ticket}");
    let to = place.location.clone();
    let index = names::session_index(&app.keyring, &party.entity_id, leaving.session);
    let message = logout::request(&Logout {
        id: &id,
        issued_at: now.millis(),
        destination: &to,
        issuer: &entity_id,
        not_on_or_after: (now + LIFE).millis(),
        reason: Some(reason::USER),
        name_id: &name_id,
        session_indexes: &[&index],
    });
    let outgoing = Outgoing { kind: Kind::Request, to, id, relay_state: None, message };
    send(provider, &party, &place.binding, outgoing).map(Some)
}

/// A service provider's answer to a visit: the visit's ticket, and whether it says that the patron is signed out there.
pub(super) async fn answered(provider: &Provider, received: &Received) -> Result<(String, Result<(), String>), Stop> {
    let (ticket, relying_party, told) = {
        let document = xml::parse(&received.xml, &xml::MESSAGE)?;
        let message = Message { received, root: document.root_element() };
        let answer = logout::read_response(message.root)?;
        let party = provider.asking(&answer.issuer)?;
        // The ID that it answers to is known to the browser and to the one whom it was sent to. A signature that is
        // there must hold.
        message.is_from(&party, false).inspect_err(|refusal| provider.refused(&party, "single logout", refusal))?;
        message.is_for(&provider.url(SLO), answer.destination.as_deref())?;
        let ticket = answer.in_response_to.as_deref().and_then(|id| id.strip_prefix('_'));
        let unasked = || Refusal::new("unasked", "this answers nothing that was asked here");
        let ticket = ticket.ok_or_else(unasked)?.to_owned();
        let told = if answer.status.top == status::SUCCESS { Ok(()) } else { Err("refused".to_owned()) };
        let detail = if told.is_ok() { "it was told of a sign-out" } else { "it does not sign the reader out" };
        provider.note(&party, "single logout", if told.is_ok() { "ok" } else { "refused" }, detail);
        (ticket, party.key.clone(), told)
    };
    // An answer counts for the one who was visited.
    match provider.signon.visit(&ticket).await? {
        Some(visit) if visit.leaving.relying_party == relying_party => Ok((ticket, told)),
        Some(_) => Err(Refusal::new("unasked", "somebody else was asked this").into()),
        None => Ok((ticket, told)),
    }
}

/// Where logout messages go: by Redirect if there is one, else by POST.
pub(super) fn place(party: &Party) -> Option<&Endpoint> {
    let fit = |wanted: &'static str| {
        let safe = |slo: &Endpoint| slo.reach() != Reach::Unsafe && slo.response_reach() != Reach::Unsafe;
        let good = |slo: &&Endpoint| slo.binding == wanted && safe(slo);
        party.metadata.slo.iter().find(good)
    };
    fit(binding::REDIRECT).or_else(|| fit(binding::POST))
}

/// A message on its way, signed.
#[derive(Debug)]
pub(super) enum Sending {
    /// 303 to here.
    Redirect(String),
    Post {
        to: String,
        kind: Kind,
        xml: String,
        relay_state: Option<String>,
    },
}

impl Sending {
    pub fn response(&self, provider: &Provider, headers: &HeaderMap) -> Response {
        match self {
            Sending::Redirect(to) => see_other(to),
            Sending::Post { to, kind, xml, relay_state } => {
                let message = posted::write(xml);
                let mut fields = vec![(kind.parameter(), message.as_str())];
                fields.extend(relay_state.as_deref().map(|state| ("RelayState", state)));
                hand_over(provider.app(), headers, to, &fields)
            }
        }
    }
}

/// A message to be sent, and what it answers to.
struct Outgoing {
    kind: Kind,
    to: String,
    id: String,
    relay_state: Option<String>,
    message: Element,
}

fn send(provider: &Provider, party: &Party, by: &str, outgoing: Outgoing) -> Result<Sending, Fault> {
    let Outgoing { kind, to, id, relay_state, message } = outgoing;
    let signer = provider.signer(party, provider.now())?;
    if by == binding::POST {
        return Ok(Sending::Post { to, kind, xml: signed(message, &id, &signer)?, relay_state });
    }
    let sign = signing(&signer);
    let with = Signer { certificate: signer.certificate(), sign: &sign };
    let query = redirect::write(kind, &message.render(), relay_state.as_deref(), Some(&with));
    let query = query.map_err(|e| broken("a message cannot be signed", &e))?;
    let glue = if to.contains('?') { '&' } else { '?' };
    Ok(Sending::Redirect(format!("{to}{glue}{query}")))
}
