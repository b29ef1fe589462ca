//! OpenID Connect RP-Initiated Logout 1.0: a vendor's sign-out button. A valid hint for this browser's session signs it
//! out; whatever is less certain asks the patron.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
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
    pages::Locale,
    signon::{
        Onward, Wish,
        visitor::{Visitor, no_session_cookie},
    },
};

/// As vendors look back at it.
const STEP: &str = "end session";

const KNOWN: &[&str] =
    &["id_token_hint", "client_id", "post_logout_redirect_uri", "state", "logout_hint", "ui_locales"];

/// The page that asks, and the page that says what was signed out; each knows more behind a ticket.
const ASK: &str = "/sign-out";
const DONE: &str = "/signed-out";

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
    let client = match &hint {
        Some((client, _)) => Some(client.clone()),
        None => params.get("client_id").and_then(|id| provider.client(id)),
    };
    let back = return_address(params, client.as_deref()).inspect_err(|error| {
        if let Some(client) = &client {
            provider.refused(client, STEP, error);
        }
    });
    let back = back.map_err(Stop::Page)?;
    let here = provider.signon.who(visitor).await?;
    match (&hint, &here) {
        // Nobody to sign out, and nothing that would say whose wish it is to go elsewhere.
        (None, None) => return Ok(in_language(DONE, params)),
        (Some(_), None) => return Ok(back.map_or_else(|| in_language(DONE, params), |back| error::see_other(&back))),
        (Some((client, hint)), Some(here)) => {
            if tokens::session_at(&provider.app().keyring, client, here.session.id) == hint.sid {
                provider.did(client, STEP, "the reader is signed out");
                return sign_out(provider, params, visitor, back).await;
            }
        }
        (None, Some(_)) => {}
    }
    // No hint, or somebody else, or a later session, sits at this browser: she is asked (section 6).
    let Some(client) = client else { return Ok(in_language(ASK, params)) };
    provider.did(&client, STEP, "the reader is asked");
    let ticket = provider.signon.wish_to_leave(&Wish { vendor: client.vendor.clone(), then: back }).await?;
    Ok(in_language(&format!("{ASK}/{ticket}"), params))
}

async fn sign_out(
    provider: &Provider,
    params: &Params<'_>,
    visitor: &Visitor,
    back: Option<String>,
) -> Result<Response, Stop> {
    let departed = provider.signon.leave(visitor, back.clone(), None).await?;
    let mut response = match (departed.map(|departed| departed.onward), back) {
        (Some(Onward::Page(page)), _) => in_language(&page, params),
        (Some(Onward::Visit(to) | Onward::Back(to)), _) => error::see_other(&to),
        (None, Some(back)) => error::see_other(&back),
        (None, None) => in_language(DONE, params),
    };
    if let Ok(cookie) = HeaderValue::from_str(&no_session_cookie(provider.issuer())) {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// A page of ours, in the first of `ui_locales` that we speak.
fn in_language(page: &str, params: &Params<'_>) -> Response {
    let asked = params.get("ui_locales").unwrap_or_default();
    match asked.split_whitespace().find_map(Locale::from_tag) {
        Some(locale) => error::see_other(&format!("{page}?lang={}", locale.tag())),
        None => error::see_other(page),
    }
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

/// Where to go afterwards: registered, byte by byte, and never without a client whose registration counts (section 3).
fn return_address(params: &Params<'_>, client: Option<&Client>) -> Result<Option<String>, Error> {
    let (Some(uri), Some(client)) = (params.get("post_logout_redirect_uri"), client) else { return Ok(None) };
    if !redirect::is_registered(uri, &client.post_logout_redirect_uris, client.native) {
        let hint = "post_logout_redirect_uri is not one of those registered for this client, byte by byte";
        return Err(Error::invalid_request(hint));
    }
    Ok(Some(match params.get("state") {
        Some(state) => redirect::with_answer(uri, &[("state", state)]),
        None => uri.to_owned(),
    }))
}
