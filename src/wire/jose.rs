//! JSON Web Signatures: signed tokens, keys as JWK, base64url. Owns the bytes; which keys exist, which of them signs
//! and what a token must say are `keyring`'s. The only home of `jsonwebtoken`, beside `keyring`.
//!
//! `sign` works with key pairs of ours; `public` reads keys that others publish and verifies what they signed.

mod pair;
mod pem;
mod public;
mod sign;

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use jsonwebtoken as jwt;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use self::{
    pem::pem,
    public::{Accept, BadKey, Foreign, PublicJwk, PublicJwks, Refused, verify_by_own_key},
    sign::SigningKey,
};

/// The signature algorithms of the house (RFC 7518 section 3.1, RFC 8037 section 3.1). There is no other: `none` and
/// the HMACs have no name here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Algorithm {
    #[serde(rename = "RS256")]
    Rs256,
    #[serde(rename = "ES256")]
    Es256,
    #[serde(rename = "PS256")]
    Ps256,
    /// By Ed25519.
    #[serde(rename = "EdDSA")]
    EdDsa,
}

impl Algorithm {
    pub const ALL: [Algorithm; 4] = [Algorithm::Rs256, Algorithm::Es256, Algorithm::Ps256, Algorithm::EdDsa];

    pub const fn as_str(self) -> &'static str {
        match self {
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
            Algorithm::Ps256 => "PS256",
            Algorithm::EdDsa => "EdDSA",
        }
    }

    pub fn named(name: &str) -> Option<Algorithm> {
        Algorithm::ALL.into_iter().find(|a| a.as_str() == name)
    }

    fn jwt(self) -> jwt::Algorithm {
        match self {
            Algorithm::Rs256 => jwt::Algorithm::RS256,
            Algorithm::Es256 => jwt::Algorithm::ES256,
            Algorithm::Ps256 => jwt::Algorithm::PS256,
            Algorithm::EdDsa => jwt::Algorithm::EdDSA,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the key cannot be used: {0}")]
    BadKey(String),
    #[error("signing failed: {0}")]
    Signing(String),
    #[error("no signed token, or one with header fields that are not ours")]
    Malformed,
    #[error("the signature is not by this key")]
    Signature,
}

/// All that a header of ours ever holds. A header with anything else (`crit`, `jwk`, `jku`, `x5u` …) does not parse,
/// so no such field can talk us into another key.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Header {
    pub alg: String,
    pub kid: String,
    pub typ: String,
}

impl Header {
    /// Reads the header alone, to find the key by. Nothing of it is proven yet.
    ///
    /// # Errors
    /// `Malformed` for anything that is not three parts with a header of ours.
    pub fn of(token: &str) -> Result<Header, Error> {
        let parts = Parts::of(token).ok_or(Error::Malformed)?;
        let header = from_base64url(parts.header).ok_or(Error::Malformed)?;
        serde_json::from_slice(&header).map_err(|_| Error::Malformed)
    }
}

/// A token in compact serialization (RFC 7515 section 7.1), cut at its two dots.
struct Parts<'a> {
    header: &'a str,
    claims: &'a str,
    signature: &'a str,
    /// What is signed: header, dot, claims.
    signed: &'a str,
}

impl<'a> Parts<'a> {
    fn of(token: &'a str) -> Option<Parts<'a>> {
        let (signed, signature) = token.rsplit_once('.')?;
        let (header, claims) = signed.split_once('.')?;
        (!claims.contains('.')).then_some(Parts { header, claims, signature, signed })
    }
}

/// Base64url without padding (RFC 7515 section 2).
pub fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

/// `None` where `text` is not base64url without padding, in its one spelling.
pub fn from_base64url(text: &str) -> Option<Vec<u8>> {
    URL_SAFE_NO_PAD.decode(text).ok()
}

/// The left half of a token's hash, for `at_hash` and its like (OIDC Core section 3.1.3.6), by the hash of the ID
/// token's own algorithm. Ed25519 hashes with SHA-512 inside, and certified implementations use that.
pub fn half_hash(algorithm: Algorithm, token: &str) -> String {
    let hash = match algorithm {
        Algorithm::Rs256 | Algorithm::Es256 | Algorithm::Ps256 => &digest::SHA256,
        Algorithm::EdDsa => &digest::SHA512,
    };
    let hash = digest::digest(hash, token.as_bytes());
    let half = hash.as_ref().len() / 2;
    base64url(hash.as_ref().get(..half).unwrap_or_default())
}

/// RFC 7638: SHA-256 over the required members in alphabetical order (`Value` may keep another).
fn thumbprint(members: &Value) -> Result<String, Error> {
    let sorted: BTreeMap<_, _> = members.as_object().into_iter().flatten().collect();
    let canonical = serde_json::to_vec(&sorted).map_err(|e| Error::BadKey(e.to_string()))?;
    Ok(base64url(digest::digest(&digest::SHA256, &canonical)))
}

#[cfg(test)]
mod tests;
