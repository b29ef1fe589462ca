//! The authorization endpoint (RFC 6749 section 3.1, OIDC Core section 3.1.2): a browser arrives with a request, and
//! leaves for a page of ours or with a code.

use super::{
    NAME, Peer, Provider,
    client::{Client, GrantType},
    code::{self, Code},
    error::{self, Error, Going, Stop},
    params::{Params, is_form},
    pushed,
    request::{Words, checked, registered_address},
    request_object,
    terms::Terms,
};
use crate::{
    domain::{reason::Reason, scope::Scopes},
    signon::{Ask, Next, Ready, visitor::Visitor},
};
use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

/// It waits on the shelf, and its state travels on: what is longer is no request of a browser.
const LONGEST_REQUEST: usize = 16 * 1024;
pub(super) const RESUME: &str = "/oidc/resume/";

pub(super) async fn arrive(
    State(provider): State<Provider>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let visitor = provider.visitor(&headers, peer);
    let query = query.unwrap_or_default();
    let outcome = authorize(&provider, &query, &visitor).await;
    if let Some(id) = Params::read(query.as_bytes()).get("client_id") {
        provider.went(id, "authorize", &outcome);
    }
    match outcome {
        Ok(going) => going.response(&provider, &headers),
        Err(stop) => stop.response(&provider, &headers),
    }
}

/// A form posted by the vendor's page comes without our `SameSite=Lax` cookie; the GET that it is turned into has it.
pub(super) async fn arrive_by_post(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_form(&headers) {
        let hint = "a POST here must be application/x-www-form-urlencoded";
        return error::page(provider.app(), &headers, StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", hint);
    }
    error::see_other(&format!("/oidc/authorize?{}", Params::read(&body).to_query()))
}

async fn authorize(provider: &Provider, query: &str, visitor: &Visitor) -> Result<Going, Stop> {
    if query.len() > LONGEST_REQUEST {
        return Err(Stop::Page(Error::invalid_request("the request is too long")));
    }
    let params = Params::read(query.as_bytes());
    let client = known_client(provider, &params)?;
    let (params, pushed) = &effective(provider, &client, params).await?;
    let back = registered_address(&client, params)?;
    let now = provider.now();
    let request = checked(provider, &client, params, &back, now).map_err(|error| Stop::Tell(back.clone(), error))?;
    let ask = Ask {
        protocol: NAME.to_owned(),
        relying_party: client.id.clone(),
        vendor: client.vendor.clone(),
        scopes: entitling(&client, &request.words.terms.scopes),
        fresh_after: request.fresh_after,
        password: request.password,
        interactive: request.interactive,
        consent: request.consent.then(|| request.words.terms.question()),
        offline: request.words.terms.offline,
        renewable: renewable(&client, &request.words.terms).transpose().map_err(broken)?,
        card_hint: request.card_hint,
        languages: request.languages,
        resume: RESUME.to_owned(),
        state: serde_json::to_value(Words { pushed: pushed.clone(), ..request.words }).map_err(broken)?,
    };
    match provider.signon.begin(ask, visitor).await? {
        Next::Issue(ready) => issue(provider, *ready).await,
        Next::Page(path) => Ok(Going::Here(path)),
        Next::Refuse { page: Some(path), .. } => Ok(Going::Here(path)),
        Next::Refuse { page: None, reason } => Err(Stop::Tell(back, access_denied(&reason))),
        Next::SignInNeeded => Err(Stop::Tell(back, sign_in_needed())),
        Next::ConsentNeeded => Err(Stop::Tell(back, consent_needed())),
    }
}

/// Policy said yes: the grant and its audit event are written, then the code is shelved, then the browser goes.
pub(super) async fn issue(provider: &Provider, ready: Ready) -> Result<Going, Stop> {
    let words = Words::of(ready.ask())?;
    let back = words.back();
    if let Some(key) = &words.pushed
        && !pushed::spend(provider, key).await?
    {
        return Err(Stop::Tell(back, Error::invalid_request("request_uri was used before")));
    }
    let (ask, assertion) = provider.signon.finish(ready).await?;
    if words.expected_subject.is_some_and(|expected| expected != assertion.subject) {
        provider.signon.revoke(assertion.grant, "not whom id_token_hint names").await?;
        return Err(Stop::Tell(back, Error::new("login_required", "somebody else than id_token_hint names is here")));
    }
    let passage = Code {
        client_id: ask.relying_party,
        redirect_uri: words.redirect_uri,
        challenge: words.challenge,
        nonce: words.nonce,
        jkt: words.jkt,
        terms: Terms { offline: ask.offline, ..words.terms },
        grant: assertion.grant,
    };
    let code = code::issue(&provider.app().shelf, &passage).await?;
    Ok(Going::Back(back, code))
}

/// The vendor learns that, not why: the reason is the patron's. Who says no says it to the vendor.
pub(super) fn access_denied(reason: &Reason) -> Error {
    let hint = match reason {
        Reason::Declined => "the reader said no",
        _ => "the library does not let this person in here",
    };
    Error::new("access_denied", hint)
}

pub(super) fn sign_in_needed() -> Error {
    Error::new("login_required", "nobody is signed in, or not recently enough")
}

pub(super) fn consent_needed() -> Error {
    Error::new("consent_required", "the reader must be asked first")
}

fn broken(error: serde_json::Error) -> Stop {
    Stop::Broken(crate::signon::Fault::Broken(format!("request state: {error}")))
}

/// What counts of a request: itself, or what the client pushed (then with the key of that) or signed (RFC 9126 section 4,
/// RFC 9101 section 5). Of such a request nothing beside it does.
async fn effective<'a>(
    provider: &Provider,
    client: &Client,
    params: Params<'a>,
) -> Result<(Params<'a>, Option<String>), Stop> {
    let page = |hint: &str| Stop::Page(Error::invalid_request(hint));
    if params.repeats("request_uri") || params.repeats("request") {
        return Err(page("request or request_uri is given twice"));
    }
    match (params.get("request_uri"), params.get("request")) {
        (Some(_), Some(_)) => Err(page("request and request_uri are both given")),
        (Some(uri), None) if !uri.starts_with(pushed::URN) => {
            let hint = "request_uri is taken only from the pushed authorization request endpoint";
            Err(whoever_can_be_told(client, &params, Error::new("request_uri_not_supported", hint)))
        }
        (Some(uri), None) => pushed::look_up(provider, client, uri).await.map(|(params, key)| (params, Some(key))),
        (None, _) if client.pushes => Err(page("this client must push its requests (RFC 9126)")),
        (None, Some(jwt)) => match request_object::open(provider, client, jwt).await {
            Ok(inner) => Ok((inner, None)),
            Err(error) => Err(whoever_can_be_told(client, &params, error)),
        },
        (None, None) if client.signed_requests => Err(page("this client must sign its requests (RFC 9101)")),
        (None, None) => Ok((params, None)),
    }
}

/// The client, where the bare request names an address that is registered; else whoever sits there.
fn whoever_can_be_told(client: &Client, params: &Params<'_>, error: Error) -> Stop {
    match registered_address(client, params) {
        Ok(back) => Stop::Tell(back, error),
        Err(_) => Stop::Page(error),
    }
}

/// RFC 6749 section 4.1.2.1: without a client that we know there is nobody to redirect to.
fn known_client(provider: &Provider, params: &Params<'_>) -> Result<std::sync::Arc<Client>, Stop> {
    if params.repeats("client_id") {
        return Err(Stop::Page(Error::invalid_request("client_id is given twice")));
    }
    let id = params.get("client_id").ok_or_else(|| Stop::Page(Error::invalid_request("client_id is missing")))?;
    provider.client(id).ok_or_else(|| Stop::Page(Error::new("unauthorized_client", "client_id is not known here")))
}

/// Who asks for `openid` alone wants to know who is there: that takes a reader to whom something here is open, whatever
/// it is. The token still carries what was asked for, which is nothing.
pub(super) fn entitling(client: &Client, asked: &Scopes) -> Scopes {
    if asked.is_empty() { client.scopes.clone() } else { asked.clone() }
}

/// What is kept with the grant where the client may renew it.
pub(super) fn renewable(client: &Client, terms: &Terms) -> Option<Result<serde_json::Value, serde_json::Error>> {
    client.grants.contains(&GrantType::RefreshToken).then(|| serde_json::to_value(terms))
}
