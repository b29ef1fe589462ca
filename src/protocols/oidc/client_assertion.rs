//! `private_key_jwt` (RFC 7523 section 3, OIDC Core section 9): a client proves itself by a key whose public half alone
//! we know.

use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use super::{
    Provider,
    client::{Auth, Client},
    client_keys,
    error::{Error, Failure},
};
use crate::{
    ephemeral::Namespace,
    keyring::Algorithm,
    signon::Fault,
    wire::jose::{Accept, from_base64url},
};

pub(super) const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
const TYPES: &[&str] = &["JWT", "client-authentication+jwt"];
/// Clocks differ; an assertion is good for a moment only anyway.
const SKEW: i64 = 30;
/// One that lives longer would have to be remembered longer.
const LONGEST_LIFE: i64 = 3600;

#[derive(Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    exp: i64,
    #[serde(default)]
    nbf: Option<i64>,
    jti: String,
}

/// Whom an assertion says it is of. Nothing is proven by that yet.
pub(super) fn claimed_client(assertion: &str) -> Option<String> {
    let claims: Value = serde_json::from_slice(&from_base64url(assertion.split('.').nth(1)?)?).ok()?;
    Some(claims.get("sub")?.as_str()?.to_owned())
}

/// # Errors
/// `invalid_client`, with what is wrong: whoever made the assertion has to mend it.
pub(super) async fn check(provider: &Provider, client: &Client, assertion: &str) -> Result<(), Failure> {
    let wrong = |why: String| Failure::from(Error::invalid_client(format!("client_assertion: {why}")));
    let Auth::PrivateKeyJwt { algorithm, audience } = &client.auth else {
        return Err(wrong("this client is not registered for private_key_jwt".into()));
    };
    let algorithms = algorithm.map_or_else(|| client.profile.algorithms().to_vec(), |one| vec![one]);
    let accept = Accept { algorithms: &algorithms, types: TYPES, untyped: true };
    let (_, claims) = client_keys::verify::<Claims>(provider, client, assertion, &accept)
        .await
        .map_err(|unverified| wrong(unverified.to_string()))?;
    if claims.iss != client.id || claims.sub != client.id {
        return Err(wrong("iss and sub must both be the client_id".into()));
    }
    // One string: an assertion for several servers could be taken to another by any of them.
    let token_endpoint = format!("{}/oidc/token", provider.issuer());
    let ours =
        |said: &str| said == provider.issuer() || (*audience == Audience::TokenEndpoint && said == token_endpoint);
    if !claims.aud.as_str().is_some_and(ours) {
        return Err(wrong("aud must be the issuer, as one string".into()));
    }
    let now = provider.now().seconds();
    if now >= claims.exp + SKEW || claims.nbf.is_some_and(|nbf| nbf > now + SKEW) {
        return Err(wrong("it is over, or not yet good".into()));
    }
    if claims.exp > now + LONGEST_LIFE {
        return Err(wrong("exp is more than an hour away".into()));
    }
    if claims.jti.is_empty() || claims.jti.len() > 256 {
        return Err(wrong("jti must have 1 to 256 characters".into()));
    }
    let seconds = u64::try_from(claims.exp + SKEW - now).unwrap_or_default();
    let once = format!("{} {}", client.id, claims.jti);
    let first = provider
        .app()
        .shelf
        .put_new(Namespace::SeenToken, &once, Vec::new(), Duration::from_secs(seconds))
        .await
        .map_err(Fault::from)?;
    if first { Ok(()) } else { Err(wrong("jti was used before".into())) }
}

/// What `aud` may be.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Audience {
    #[default]
    Issuer,
    /// A marked exception for libraries that know no better.
    TokenEndpoint,
}

/// Signatures that a client may make (FAPI 2.0 Security Profile section 5.4 leaves RS256 out).
pub(super) const ALGORITHMS: &[Algorithm] = &[Algorithm::Rs256, Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];
pub(super) const FAPI_ALGORITHMS: &[Algorithm] = &[Algorithm::Ps256, Algorithm::Es256, Algorithm::EdDsa];
