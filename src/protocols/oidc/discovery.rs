//! What a client reads before it first comes: OpenID Connect Discovery 1.0 (with RFC 8414 and RFC 9207) and the JWKS.
//! Both are rendered once; a request costs a comparison and no copy.

use std::sync::{PoisonError, RwLock};

use aws_lc_rs::digest;
use axum::{
    extract::State,
    http::{HeaderMap, StatusCode},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};

use super::{Provider, client_assertion};
use crate::{keyring::Jwks, protocols::answer::Kept, wire::jose::base64url};

pub(super) async fn configuration(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    match &*provider.discovery {
        Some(document) => document.answer(&headers),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// The key set that was asked for last, as it is sent.
#[derive(Default)]
pub(super) struct KeySet(RwLock<Option<Kept>>);

impl KeySet {
    fn of(&self, jwks: &Jwks) -> Option<Kept> {
        let last = self.0.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(last) = last.filter(|last| last.is_tagged(&jwks.etag)) {
            return Some(last);
        }
        let now = Kept::new(jwks.body.clone(), &jwks.etag, "application/jwk-set+json", &jwks.cache_control);
        self.0.write().unwrap_or_else(PoisonError::into_inner).clone_from(&now);
        now
    }
}

/// Short-lived, so that a rotation is seen in time.
pub(super) async fn jwks(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    let jwks = provider.app().keyring.jwks();
    jwks.was_fetched(provider.now());
    match provider.key_set.of(&jwks) {
        Some(document) => document.answer(&headers),
        None => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

pub(super) fn document(issuer: &str, registration: bool) -> Option<Kept> {
    let mut metadata = metadata(issuer);
    if registration {
        metadata["registration_endpoint"] = json!(format!("{issuer}/oidc/register"));
    }
    let body = metadata.to_string();
    let hash = digest::digest(&digest::SHA256, body.as_bytes());
    let etag = format!("\"{}\"", base64url(hash.as_ref().get(..16).unwrap_or_default()));
    Kept::new(body, &etag, "application/json", "public, max-age=3600")
}

fn metadata(issuer: &str) -> Value {
    let endpoint = |name: &str| format!("{issuer}/oidc/{name}");
    let foreign: Vec<_> = client_assertion::ALGORITHMS.iter().map(|algorithm| algorithm.as_str()).collect();
    json!({
        "issuer": issuer,
        "authorization_endpoint": endpoint("authorize"),
        "token_endpoint": endpoint("token"),
        "introspection_endpoint": endpoint("introspect"),
        "revocation_endpoint": endpoint("revoke"),
        "pushed_authorization_request_endpoint": endpoint("par"),
        "require_pushed_authorization_requests": false,
        "device_authorization_endpoint": endpoint("device-authorization"),
        "userinfo_endpoint": endpoint("userinfo"),
        "jwks_uri": endpoint("jwks"),
        "end_session_endpoint": endpoint("end-session"),
        "scopes_supported": ["openid", "offline_access", "profile", "email", "address", "phone"],
        "response_types_supported": ["code"],
        "response_modes_supported": ["query", "form_post"],
        "grant_types_supported": super::client::GrantType::ALL.map(super::client::GrantType::as_str),
        "subject_types_supported": ["pairwise"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "PS256", "EdDSA"],
        "userinfo_signing_alg_values_supported": ["RS256", "ES256", "PS256", "EdDSA"],
        "introspection_signing_alg_values_supported": ["RS256", "ES256", "PS256", "EdDSA"],
        "token_endpoint_auth_methods_supported":
            ["client_secret_basic", "client_secret_post", "private_key_jwt", "none"],
        "token_endpoint_auth_signing_alg_values_supported": foreign,
        "dpop_signing_alg_values_supported": foreign,
        "request_object_signing_alg_values_supported": foreign,
        "code_challenge_methods_supported": ["S256"],
        "acr_values_supported": [super::tokens::ACR],
        "prompt_values_supported": ["none", "login", "consent", "select_account"],
        "claim_types_supported": ["normal"],
        "claims_supported": [
            "iss", "sub", "aud", "exp", "iat", "auth_time", "nonce", "acr", "amr", "at_hash", "sid",
            "audience_band", "patron_type", "card_number", "name", "given_name", "family_name", "middle_name",
            "nickname", "preferred_username", "profile", "picture", "website", "gender", "birthdate", "zoneinfo",
            "locale", "updated_at", "email", "email_verified", "address", "phone_number", "phone_number_verified",
        ],
        "display_values_supported": ["page"],
        "ui_locales_supported": ["en", "es"],
        "claims_parameter_supported": true,
        "request_parameter_supported": true,
        "request_uri_parameter_supported": false,
        "require_request_uri_registration": false,
        "authorization_response_iss_parameter_supported": true,
        "frontchannel_logout_supported": true,
        "frontchannel_logout_session_supported": true,
        "backchannel_logout_supported": true,
        "backchannel_logout_session_supported": true,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discovery_says_what_we_do_and_nothing_more() {
        insta::assert_snapshot!(serde_json::to_string_pretty(&metadata("https://access.library.example")).unwrap());
    }
}
