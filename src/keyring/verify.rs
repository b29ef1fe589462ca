//! Judging tokens of our own: the allow-list that stands between a string and its claims.

use serde::{Deserialize, de::DeserializeOwned};

use super::KeyRing;
use crate::{
    domain::{clock::Timestamp, key::Life},
    wire::jose,
};

/// What a token must say to be taken.
#[derive(Debug, Clone, Copy)]
pub struct Expect<'a> {
    /// The header's `typ`, exactly: keeps an ID token from being taken for an access token.
    pub typ: &'a str,
    /// The claim `iss`, exactly.
    pub issuer: &'a str,
    pub lifetime: Lifetime,
}

#[derive(Debug, Clone, Copy)]
pub enum Lifetime {
    /// `exp` lies after this instant, without leeway: the clock that wrote it is ours.
    LiveAt(Timestamp),
    /// An old token will do, as for `id_token_hint` (OpenID Connect RP-Initiated Logout section 4).
    Any,
}

/// Why a token is not taken. For the log; who sent it learns only that it is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Invalid {
    #[error("not a token of ours: its form or header")]
    Malformed,
    #[error("signed by no key of ours, or with another algorithm than that key's")]
    UnknownKey,
    #[error("of another type")]
    WrongType,
    #[error("the signature does not fit")]
    Signature,
    #[error("of another issuer")]
    WrongIssuer,
    #[error("over")]
    Expired,
}

impl KeyRing {
    /// The claims of a token that we signed. The key is found by `kid` and brings its algorithm: what the header says
    /// of either is only ever compared.
    ///
    /// # Errors
    /// `Invalid`, the first thing found wrong.
    pub fn verify<T: DeserializeOwned>(&self, token: &str, expect: &Expect<'_>) -> Result<T, Invalid> {
        self.verify_until(token, expect).map(|(claims, _)| claims)
    }

    /// The same, and when its time is over (`exp`, unix seconds).
    ///
    /// # Errors
    /// Those of `verify`.
    pub fn verify_until<T: DeserializeOwned>(&self, token: &str, expect: &Expect<'_>) -> Result<(T, i64), Invalid> {
        let header = jose::Header::of(token).map_err(|_| Invalid::Malformed)?;
        let ring = self.ring();
        let key = ring.by_kid(&header.kid).ok_or(Invalid::UnknownKey)?;
        if header.alg != key.algorithm.as_str() || !is_good_for(&key.life, expect.lifetime) {
            return Err(Invalid::UnknownKey);
        }
        if header.typ != expect.typ {
            return Err(Invalid::WrongType);
        }
        let claims: Envelope<T> = key.open(token).map_err(|error| match error {
            jose::Error::Signature => Invalid::Signature,
            _ => Invalid::Malformed,
        })?;
        if claims.iss != expect.issuer {
            return Err(Invalid::WrongIssuer);
        }
        match expect.lifetime {
            Lifetime::LiveAt(now) if now.seconds() >= claims.exp => Err(Invalid::Expired),
            _ => Ok((claims.rest, claims.exp)),
        }
    }
}

/// A lost key proves nothing, and a retired one only what was said long ago.
fn is_good_for(life: &Life, lifetime: Lifetime) -> bool {
    match lifetime {
        _ if life.lost_at.is_some() => false,
        Lifetime::LiveAt(_) => life.retired_at.is_none(),
        Lifetime::Any => true,
    }
}

#[derive(Deserialize)]
struct Envelope<T> {
    iss: String,
    exp: i64,
    #[serde(flatten)]
    rest: T,
}
