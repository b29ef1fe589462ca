//! Token introspection (RFC 7662; signed answers by RFC 9701): a vendor's own servers ask whether a token still holds.
//! They learn of their own vendor's tokens only; of any other, as of nonsense, that it is not active.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    NAME, Provider,
    client::{Auth, Client},
    client_auth,
    error::{Error, Failure, no_store},
    presented::{self, Presented},
    refresh::RefreshToken,
    terms::Terms,
    token,
    tokens::{self, Confirmation},
};
use crate::signon::{Fault, LiveGrant};

/// As vendors look back at it.
const STEP: &str = "introspection";
const KNOWN: &[&str] =
    &["token", "token_type_hint", "client_id", "client_secret", "client_assertion", "client_assertion_type"];
/// RFC 9701 section 4.
const SIGNED: &str = "application/token-introspection+jwt";
const SIGNED_TYPE: &str = "token-introspection+jwt";

pub(super) async fn introspect(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    match answer(&provider, &headers, &body).await {
        Ok(response) => response,
        Err(failure) => {
            provider.failed(&headers, &body, STEP, &failure);
            failure.at_token_endpoint()
        }
    }
}

/// RFC 7662 section 2.2. Only what an API needs: nothing of the reader beyond the pseudonym.
#[derive(Debug, Default, Serialize)]
struct Introspection {
    active: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sub: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<Vec<String>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    token_type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
    #[serde(skip_serializing_if = "Option::is_none")]
    jti: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    iat: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exp: Option<i64>,
}

async fn answer(provider: &Provider, headers: &HeaderMap, body: &[u8]) -> Result<Response, Failure> {
    let params = token::form(headers, body, KNOWN)?;
    let client = client_auth::authenticated(provider, headers, &params).await?;
    if client.auth == Auth::None {
        return Err(Error::invalid_client("who asks about tokens must prove itself").into());
    }
    let token = params.get("token").ok_or_else(|| Error::invalid_request("token is missing"))?;
    let found = look(provider, &client, token).await?.unwrap_or_default();
    provider.did(&client, STEP, if found.active { "active" } else { "not active" });
    let wants_signed = headers.get_all(header::ACCEPT).iter().any(|accept| names_signed(accept.as_bytes()));
    if wants_signed { signed(provider, &client, &found) } else { plain(&found) }
}

fn names_signed(accept: &[u8]) -> bool {
    let accept = std::str::from_utf8(accept).unwrap_or_default();
    accept.split(',').any(|range| range.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case(SIGNED))
}

/// `None`: not active, or none of this caller's business, which must look alike (section 2.2).
async fn look(provider: &Provider, client: &Client, token: &str) -> Result<Option<Introspection>, Failure> {
    match presented::verified(provider, token) {
        Ok(token) => access_token(provider, client, token).await,
        Err(_) => refresh_token(provider, client, token).await,
    }
}

async fn access_token(
    provider: &Provider,
    client: &Client,
    token: Presented,
) -> Result<Option<Introspection>, Failure> {
    let owner = provider.client(&token.client_id).filter(|owner| owner.vendor == client.vendor);
    if owner.is_none() || !presented::still_holds(provider, &token).await? {
        return Ok(None);
    }
    Ok(Some(Introspection {
        active: true,
        iss: Some(provider.issuer().to_owned()),
        sub: Some(token.sub),
        aud: Some(token.aud),
        client_id: Some(token.client_id),
        scope: Some(token.scope),
        token_type: Some(tokens::type_of(token.cnf.is_some())),
        cnf: token.cnf,
        jti: Some(token.jti),
        iat: Some(token.iat),
        exp: Some(token.exp),
    }))
}

async fn refresh_token(provider: &Provider, client: &Client, token: &str) -> Result<Option<Introspection>, Failure> {
    let Some(shown) = RefreshToken::read(&provider.app().keyring, &client.id, token) else { return Ok(None) };
    let Ok(LiveGrant { grant, assertion }) = provider.signon.renewable(shown.grant).await? else { return Ok(None) };
    let ours = grant.protocol == NAME && grant.relying_party == client.id;
    let Some(renewal) = grant.renewal.as_ref().filter(|renewal| ours && renewal.generation == shown.generation) else {
        return Ok(None);
    };
    let terms: Terms = serde_json::from_value(renewal.terms.clone()).map_err(|e| Fault::Broken(e.to_string()))?;
    Ok(Some(Introspection {
        active: tokens::holds(&assertion, provider.now()),
        iss: Some(provider.issuer().to_owned()),
        scope: Some(terms.scope(
            &assertion.scopes,
            &assertion.release.standard,
            &provider.app().catalogue(),
            provider.now(),
        )),
        sub: Some(assertion.subject),
        client_id: Some(client.id.clone()),
        iat: Some(renewal.turned_at.seconds()),
        exp: Some(assertion.expires_at.seconds()),
        ..Introspection::default()
    }))
}

fn plain(found: &Introspection) -> Result<Response, Failure> {
    let body = serde_json::to_string(found).map_err(|e| Fault::Broken(e.to_string()))?;
    Ok(no_store((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], body).into_response()))
}

fn signed(provider: &Provider, client: &Client, found: &Introspection) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Answer<'a> {
        iss: &'a str,
        aud: &'a str,
        iat: i64,
        token_introspection: &'a Introspection,
    }
    let now = provider.now();
    let answer = Answer { iss: provider.issuer(), aud: &client.id, iat: now.seconds(), token_introspection: found };
    let body = tokens::sign(&provider.app().keyring, client, client.id_token_alg, now, SIGNED_TYPE, &answer)?;
    Ok(no_store((StatusCode::OK, [(header::CONTENT_TYPE, SIGNED)], body).into_response()))
}
