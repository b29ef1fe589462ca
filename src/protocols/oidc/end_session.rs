//! OpenID Connect RP-Initiated Logout 1.0: a vendor's sign-out button. A valid hint for this browser's session signs it
//! out; whatever is less certain asks the patron.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    Peer, Provider,
    client::Client,
    error::{self, Error, Stop},
    params::{Params, is_form},
    redirect, tokens,
};
use crate::{
    keyring::{Expect, Lifetime},
    signon::visitor::Visitor,
};

const KNOWN: &[&str] =
    &["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales"];

/// The page that asks, and says what was signed out.
const ASK: &str = "/sign-out";

pub(super) async fn arrive(
    State(provider): State<Provider>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let visitor = provider.visitor(&headers, peer);
    let query = query.unwrap_or_default();
    let outcome = end_session(&provider, &Params::read(query.as_bytes()), &visitor).await;
    outcome.unwrap_or_else(|stop| stop.response(&provider, &headers))
}

/// A POST from the vendor's page comes without our cookie; the GET that it is turned into has it.
pub(super) async fn arrive_by_post(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    if !is_form(&headers) {
        let hint = "a POST here must be application/x-www-form-urlencoded";
        return error::page(provider.app(), &headers, StatusCode::UNSUPPORTED_MEDIA_TYPE, "invalid_request", hint);
    }
    error::see_other(&format!("/oidc/end-session?{}", Params::read(&body).to_query()))
}

async fn end_session(provider: &Provider, params: &Params<'_>, visitor: &Visitor) -> Result<Response, Stop> {
    if let Some(name) = params.repeated(KNOWN) {
        return Err(Stop::Page(Error::invalid_request(format!("{name} is given twice"))));
    }
    let hint = hint(provider, params)?;
    let back = return_address(provider, params, hint.as_ref())?;
    let Some((client, hint)) = hint else { return Ok(error::see_other(ASK)) };
    if let Some(here) = provider.signon.who(visitor).await? {
        if tokens::session_at(&provider.app().keyring, &client, here.session.id) != hint.sid {
            // Somebody else, or a later session, sits at this browser.
            return Ok(error::see_other(ASK));
        }
        provider.signon.end(visitor).await?;
    }
    Ok(error::see_other(back.as_deref().unwrap_or(ASK)))
}

/// The client and session that a hint proves (section 2): an ID token of ours, however old, for a client that we know.
fn hint(provider: &Provider, params: &Params<'_>) -> Result<Option<(Arc<Client>, tokens::Hint)>, Stop> {
    let Some(token) = params.get("id_token_hint") else { return Ok(None) };
    let expect = Expect { typ: tokens::ID_TOKEN, issuer: provider.issuer(), lifetime: Lifetime::Any };
    let claims: Option<tokens::Hint> = provider.app().keyring.verify(token, &expect).ok();
    let known = claims.and_then(|claims| Some((provider.client(&claims.aud)?, claims)));
    let (client, claims) =
        known.ok_or_else(|| Stop::Page(Error::invalid_request("id_token_hint is no ID token of ours")))?;
    if params.get("client_id").is_some_and(|id| id != client.id) {
        return Err(Stop::Page(Error::invalid_request("client_id is not the audience of id_token_hint")));
    }
    Ok(Some((client, claims)))
}

/// Where to go afterwards: registered, byte by byte, and never without a hint that says whose registration counts
/// (section 3).
fn return_address(
    provider: &Provider,
    params: &Params<'_>,
    hint: Option<&(Arc<Client>, tokens::Hint)>,
) -> Result<Option<String>, Stop> {
    let Some(uri) = params.get("post_logout_redirect_uri") else { return Ok(None) };
    let client = match (hint, params.get("client_id")) {
        (Some((client, _)), _) => Some(client.clone()),
        (None, Some(id)) => provider.client(id),
        (None, None) => None,
    };
    let Some(client) = client else { return Ok(None) };
    if !redirect::is_registered(uri, &client.post_logout_redirect_uris, client.native) {
        let hint = "post_logout_redirect_uri is not one of those registered for this client, byte by byte";
        return Err(Stop::Page(Error::invalid_request(hint)));
    }
    Ok(Some(match params.get("state") {
        Some(state) => redirect::with_answer(uri, &[("state", state)]),
        None => uri.to_owned(),
    }))
}
