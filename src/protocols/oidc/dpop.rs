//! DPoP (RFC 9449): whoever uses a token proves to hold the key that it was issued to. A stolen token is worth nothing.

use std::time::Duration;

use aws_lc_rs::{digest, hmac};
use axum::{
    http::{HeaderMap, HeaderName, HeaderValue},
    response::Response,
};
use serde::Deserialize;
use subtle::ConstantTimeEq;
use url::Url;

use super::{
    Provider,
    client::Profile,
    error::{Error, Failure},
};
use crate::{
    domain::clock::Timestamp,
    ephemeral::Namespace,
    keyring::KeyRing,
    signon::Fault,
    wire::jose::{Accept, base64url, from_base64url, verify_by_own_key},
};

const PROOF: HeaderName = HeaderName::from_static("dpop");
const NONCE: HeaderName = HeaderName::from_static("dpop-nonce");
const TYPES: &[&str] = &["dpop+jwt"];
/// How old a proof may be, and how far ahead its clock.
const FRESH: i64 = 60;
/// A proof is remembered for longer than it is good.
const REMEMBERED: Duration = Duration::from_secs(3 * FRESH as u64);
/// A nonce names its minute, and is good for this many minutes.
const NONCE_MINUTES: i64 = 5;

/// What a proof must fit.
pub(super) struct Use<'a> {
    pub method: &'a str,
    /// Behind the issuer: `/oidc/token`.
    pub path: &'a str,
    /// The token that comes with it, at a resource (section 7).
    pub token: Option<&'a str>,
    pub profile: Profile,
    /// Whether the proof must hold a nonce of ours (section 8): then none can be made in advance.
    pub nonce: bool,
}

#[derive(Deserialize)]
struct Claims {
    jti: String,
    htm: String,
    htu: String,
    iat: i64,
    #[serde(default)]
    nonce: Option<String>,
    #[serde(default)]
    ath: Option<String>,
}

/// The thumbprint of the key that the caller proved to hold; `None` where it brought no proof.
pub(super) async fn proven(
    provider: &Provider,
    headers: &HeaderMap,
    what: &Use<'_>,
) -> Result<Option<String>, Failure> {
    let mut proofs = headers.get_all(PROOF).iter();
    let Some(proof) = proofs.next() else { return Ok(None) };
    let wrong = |why: &str| Failure::from(Error::new("invalid_dpop_proof", format!("DPoP: {why}").replace('`', "'")));
    if proofs.next().is_some() {
        return Err(wrong("more than one proof is given"));
    }
    let accept = Accept { algorithms: what.profile.algorithms(), types: TYPES, untyped: false };
    let proof = proof.to_str().map_err(|_| wrong("it is no JWT"))?;
    let (key, _, claims) =
        verify_by_own_key::<Claims>(proof, &accept).map_err(|refused| wrong(&refused.to_string()))?;
    let now = provider.now();
    if claims.htm != what.method || !same_target(&claims.htu, provider.issuer(), what.path) {
        return Err(wrong("htm and htu are not those of this request"));
    }
    let bound = what.token.map(|token| base64url(digest::digest(&digest::SHA256, token.as_bytes())));
    if bound.is_some() && bound != claims.ath {
        return Err(wrong("ath is not the hash of the token"));
    }
    let keyring = &provider.app().keyring;
    match &claims.nonce {
        Some(nonce) if !is_ours(keyring, nonce, now) => return Err(nonce_wanted()),
        None if what.nonce => return Err(nonce_wanted()),
        _ => {}
    }
    if (now.seconds() - claims.iat).abs() > FRESH {
        return Err(wrong("iat is not now"));
    }
    if claims.jti.is_empty() || claims.jti.len() > 256 {
        return Err(wrong("jti must have 1 to 256 characters"));
    }
    let once = format!("dpop {} {}", key.thumbprint(), claims.jti);
    let shelf = &provider.app().shelf;
    if !shelf.put_new(Namespace::SeenToken, &once, Vec::new(), REMEMBERED).await.map_err(Fault::from)? {
        return Err(wrong("jti was used before"));
    }
    Ok(Some(key.thumbprint().to_owned()))
}

fn nonce_wanted() -> Failure {
    Error::new("use_dpop_nonce", "DPoP: put the nonce of the DPoP-Nonce header into the proof").into()
}

/// Section 4.3: without query and fragment, by the rules of URLs.
fn same_target(htu: &str, issuer: &str, path: &str) -> bool {
    let (Ok(mut said), Ok(ours)) = (Url::parse(htu), Url::parse(&format!("{issuer}{path}"))) else { return false };
    said.set_query(None);
    said.set_fragment(None);
    said == ours
}

/// Hands out a nonce with every answer to a caller that speaks DPoP (section 8.2).
pub(super) fn with_nonce(provider: &Provider, asked: &HeaderMap, mut response: Response) -> Response {
    if asked.contains_key(PROOF)
        && let Ok(nonce) = HeaderValue::from_str(&nonce(&provider.app().keyring, provider.now()))
    {
        response.headers_mut().insert(NONCE, nonce);
    }
    response
}

/// The minute, sealed: nothing is kept of it, and every replica knows it.
fn nonce(keyring: &KeyRing, now: Timestamp) -> String {
    sealed(keyring, now.seconds() / 60)
}

fn sealed(keyring: &KeyRing, minute: i64) -> String {
    let minute = minute.to_be_bytes();
    let seal = hmac::sign(keyring.form_key(), &[b"dpop-nonce".as_slice(), &minute].concat());
    base64url([minute.as_slice(), seal.as_ref().get(..16).unwrap_or_default()].concat())
}

fn is_ours(keyring: &KeyRing, nonce: &str, now: Timestamp) -> bool {
    let bytes = from_base64url(nonce).unwrap_or_default();
    let Some(minute) = bytes.first_chunk::<8>().map(|minute| i64::from_be_bytes(*minute)) else { return false };
    let age = (now.seconds() / 60).saturating_sub(minute);
    (0..=NONCE_MINUTES).contains(&age) && bool::from(sealed(keyring, minute).as_bytes().ct_eq(nonce.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_proof_is_for_one_address_however_it_is_spelt() {
        let same = |htu| same_target(htu, "https://access.library.example", "/oidc/token");
        for htu in [
            "https://access.library.example/oidc/token",
            "https://access.library.example:443/oidc/token?x=1#y",
            "HTTPS://Access.Library.Example/oidc/token",
        ] {
            assert!(same(htu), "{htu}");
        }
        for htu in
            ["https://access.library.example/oidc/par", "http://access.library.example/oidc/token", "/oidc/token", ""]
        {
            assert!(!same(htu), "{htu}");
        }
    }
}
