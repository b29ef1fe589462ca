//! Token revocation (RFC 7009): a client gives back what it has. Whichever of a grant's tokens comes, the grant goes.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};

use super::{
    Provider, client_auth,
    error::{Error, Failure, no_store},
    presented,
    refresh::RefreshToken,
    token, tokens,
};
use crate::{domain::id::GrantId, ephemeral::Namespace};

/// As vendors look back at it.
const STEP: &str = "revocation";
const KNOWN: &[&str] =
    &["token", "token_type_hint", "client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// For the audit.
const GIVEN_BACK: &str = "the vendor gave it back";

/// 200 whether or not there was something to revoke (section 2.2): a client cannot do anything about it anyway.
pub(super) async fn revoke(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    match give_back(&provider, &headers, &body).await {
        Ok(()) => no_store(StatusCode::OK.into_response()),
        Err(failure) => {
            provider.failed(&headers, &body, STEP, &failure);
            failure.at_token_endpoint()
        }
    }
}

async fn give_back(provider: &Provider, headers: &HeaderMap, body: &[u8]) -> Result<(), Failure> {
    let params = token::form(headers, body, KNOWN)?;
    let client = client_auth::authenticated(provider, headers, &params).await?;
    let token = params.get("token").ok_or_else(|| Error::invalid_request("token is missing"))?;
    provider.did(&client, STEP, "a token was given back");
    if let Some(refresh) = RefreshToken::read(&provider.app().keyring, &client.id, token) {
        return revoke_grant(provider, refresh.grant).await;
    }
    let Ok(token) = presented::verified(provider, token) else { return Ok(()) };
    if token.client_id != client.id {
        return Err(Error::invalid_grant("the token was issued to another client").into());
    }
    match token.grant() {
        Some(grant) => revoke_grant(provider, grant).await,
        None => Ok(provider
            .app()
            .shelf
            .put(Namespace::RevokedToken, &token.jti, Vec::new(), tokens::LIFE)
            .await
            .map_err(crate::signon::Fault::from)?),
    }
}

async fn revoke_grant(provider: &Provider, grant: GrantId) -> Result<(), Failure> {
    Ok(provider.signon.revoke(grant, GIVEN_BACK).await?)
}
