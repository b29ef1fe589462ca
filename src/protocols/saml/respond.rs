//! The answer (profiles 4.1.4.2): an assertion with what may be told, signed as its service provider reads it, encrypted
//! where it asks for that, and carried over by the browser in a form.

use std::{sync::Arc, time::Duration};

use axum::{http::HeaderMap, response::Response};

use super::{
    Provider,
    attributes::{self, About},
    context,
    error::Status,
    names,
    party::{Party, Signs},
    request::Words,
};
use crate::{
    domain::handle,
    keyring::SamlSigner,
    protocols::answer::hand_over,
    signon::{Assertion, Fault},
    wire::{
        dsig::{self, Signer},
        saml::{
            posted,
            response::{self, Reply, Statement},
            status,
        },
        xml::write::Element,
        xmlenc,
    },
};

/// How long an assertion may take from here to there.
pub(super) const LIFE: Duration = Duration::from_secs(5 * 60);
/// What a service provider's clock may be behind.
pub(super) const BEHIND: Duration = Duration::from_secs(60);

/// Where an answer goes: an address of the service provider's metadata, and its own words to give back.
#[derive(Debug, Clone)]
pub(super) struct ReturnTo {
    pub party: Arc<Party>,
    pub acs: String,
    pub in_response_to: Option<String>,
    pub relay_state: Option<String>,
}

impl ReturnTo {
    /// A page that posts the answer, by its button where no scripts run.
    pub fn hand_over(&self, provider: &Provider, headers: &HeaderMap, xml: &str) -> Response {
        let message = posted::write(xml);
        let mut fields = vec![("SAMLResponse", message.as_str())];
        fields.extend(self.relay_state.as_deref().map(|state| ("RelayState", state)));
        hand_over(provider.app(), headers, &self.acs, &fields)
    }
}

/// The answer to whom policy said yes to.
///
/// # Errors
/// Inside: a status for the service provider. Outside: a fault, where a key or the machine fails.
pub(super) fn success(
    provider: &Provider,
    party: &Party,
    words: &Words,
    assertion: &Assertion,
) -> Result<Result<String, Status>, Fault> {
    let app = provider.app();
    let now = app.clock.now();
    let scopes = provider.spelled(&assertion.scopes);
    let about = About {
        issuer: provider.issuer(),
        scope_domain: &app.config.library.scope_domain,
        subject: &assertion.subject,
        release: &assertion.release,
        scopes: &scopes,
    };
    let transient = names::transient(&app.keyring, &party.entity_id, assertion.session);
    let Some(name_id) = names::name_id(words.name, &about, party, &transient) else {
        let hint = "this reader has no NameID of the form that was asked for";
        return Ok(Err(Status::responder(status::INVALID_NAME_ID_POLICY, hint)));
    };
    if words.expected.as_ref().is_some_and(|expected| *expected != name_id.value) {
        let hint = "somebody else is signed in than the request is about";
        return Ok(Err(Status::responder(status::UNKNOWN_PRINCIPAL, hint)));
    }
    let class = if assertion.method.is_a_password() { Some(&words.class) } else { words.class_of_a_badge.as_ref() };
    let Some(class) = class else { return Ok(Err(context::no_password())) };
    let (told, _) = attributes::told(&about, party, words.service);
    let session_index = names::session_index(&app.keyring, &party.entity_id, assertion.session);
    let (id, assertion_id) = (message_id()?, message_id()?);
    let entity_id = super::entity_id(provider.issuer());
    let statement = Statement {
        assertion_id: &assertion_id,
        issuer: &entity_id,
        issued_at: now.millis(),
        not_before: now.millis() - BEHIND.as_millis() as i64,
        not_on_or_after: (now + LIFE).min(assertion.expires_at).millis(),
        recipient: &words.acs,
        in_response_to: words.in_response_to.as_deref(),
        audience: &party.entity_id,
        name_id: Some(name_id),
        authn_instant: assertion.authenticated_at.millis(),
        session_index: &session_index,
        session_not_on_or_after: Some(assertion.expires_at.millis()),
        authn_context_class: class,
        attributes: told.into_iter().map(|told| told.attribute).collect(),
    };
    let signer = provider.signer(party, now)?;
    let body = response::assertion(&statement);
    let body = match party.signs {
        Signs::Both | Signs::Assertion => signed(body, &assertion_id, &signer)?,
        Signs::Response => body.render(),
    };
    let body = match &party.encryption {
        None => body,
        Some(to) => {
            let data = xmlenc::encrypt(&body, &to.recipient, to.data, to.transport);
            response::encrypted_assertion(data.map_err(|e| broken("an assertion cannot be encrypted", &e))?)
        }
    };
    let reply = Reply {
        id: &id,
        in_response_to: words.in_response_to.as_deref(),
        destination: Some(&words.acs),
        issuer: &entity_id,
        issued_at: now.millis(),
        status: response::Status { top: status::SUCCESS, second: None, message: None },
    };
    let whole = response::response(&reply, Some(body));
    Ok(Ok(match party.signs {
        Signs::Both | Signs::Response => signed(whole, &id, &signer)?,
        Signs::Assertion => whole.render(),
    }))
}

/// A response that asserts nothing, signed, since its status is to be believed.
pub(super) fn refusal(provider: &Provider, to: &ReturnTo, status: &Status) -> Result<String, Fault> {
    let now = provider.now();
    let id = message_id()?;
    let entity_id = super::entity_id(provider.issuer());
    let reply = Reply {
        id: &id,
        in_response_to: to.in_response_to.as_deref(),
        destination: Some(&to.acs),
        issuer: &entity_id,
        issued_at: now.millis(),
        status: response::Status { top: status.top, second: Some(status.second), message: Some(&status.hint) },
    };
    signed(response::response(&reply, None), &id, &provider.signer(&to.party, now)?)
}

/// With one signature over the whole of it, by our key for this service provider.
pub(super) fn signed(element: Element, id: &str, signer: &SamlSigner) -> Result<String, Fault> {
    let sign = signing(signer);
    let with = Signer { certificate: signer.certificate(), sign: &sign };
    dsig::sign(element, id, &with).map_err(|e| broken("a message cannot be signed", &e))
}

/// What signs, as `wire` calls it.
pub(super) fn signing(signer: &SamlSigner) -> impl Fn(&[u8]) -> Result<Vec<u8>, dsig::Error> + '_ {
    |octets| signer.sign(octets).map_err(|e| dsig::Error::Signing(e.to_string()))
}

/// 128 random bits and more (core 1.3.4), as an XML name.
pub(super) fn message_id() -> Result<String, Fault> {
    Ok(format!("_{}", handle::random()?))
}

pub(super) fn broken(what: &str, why: &dyn std::fmt::Display) -> Fault {
    Fault::Broken(format!("{what}: {why}"))
}
