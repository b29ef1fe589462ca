//! The key ring: makes, keeps, uses and publishes the house's keys. How a token looks in bytes is `wire::jose`'s,
//! how rows are kept is `store`'s, what a token says is the protocols'.

mod kek;
mod verify;

use std::{
    fmt,
    path::{Path, PathBuf},
};

use aws_lc_rs::{digest, hmac};
use serde::Serialize;
use serde_json::json;

use self::kek::{Kek, random};
pub use self::verify::{Expect, Invalid, Lifetime};
pub use crate::wire::jose::Algorithm;
use crate::{
    domain::{
        clock::{Clock, Timestamp},
        key::Reader,
        pin::PinKey,
    },
    store::{self, Db, keys::WrappedKey},
    wire::jose::{self, SigningKey},
};

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    /// The file of the key-encryption key cannot be used.
    #[error("key-encryption key {path}: {why}", path = path.display())]
    Kek { path: PathBuf, why: String },
    #[error(
        "key-encryption key {path} is missing, but the database holds keys that were wrapped by it; \
         put the file back from its backup",
        path = path.display()
    )]
    KekMissing { path: PathBuf },
    #[error(
        "key-encryption key {path} does not open key {id:?} of the database: it is another database's key, \
         or the row was changed",
        path = path.display()
    )]
    KekWrong { path: PathBuf, id: String },
    /// A key of the ring cannot be used.
    #[error("key {id:?}: {why}")]
    Key { id: String, why: String },
    #[error("the machine gives no randomness")]
    NoRandomness,
}

/// Every key that the house works with, unwrapped and parsed.
pub struct KeyRing {
    /// Oldest first. The newest of an algorithm signs; the others still verify and are still published.
    signing: Vec<SigningKey>,
    pin: PinKey,
    pseudonym: hmac::Key,
    form: hmac::Key,
    jwks: Jwks,
    made: Vec<Made>,
}

/// The published key set, rendered once.
#[derive(Debug)]
pub struct Jwks {
    /// JSON (RFC 7517 section 5).
    pub body: String,
    /// A strong entity tag, quotes included.
    pub etag: String,
}

/// A key that this start made, for the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    pub id: String,
    pub purpose: String,
    pub algorithm: String,
}

/// What a key is for, and how its first generation is called.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Purpose {
    Sign(Algorithm),
    Pin,
    Pseudonym,
    Form,
}

impl Purpose {
    const ALL: [Purpose; 5] = [
        Purpose::Sign(Algorithm::Rs256),
        Purpose::Sign(Algorithm::Es256),
        Purpose::Pin,
        Purpose::Pseudonym,
        Purpose::Form,
    ];

    fn name(self) -> &'static str {
        match self {
            Purpose::Sign(_) => "sign",
            Purpose::Pin => "pin",
            Purpose::Pseudonym => "pseudonym",
            Purpose::Form => "form",
        }
    }

    fn algorithm(self) -> &'static str {
        match self {
            Purpose::Sign(algorithm) => algorithm.as_str(),
            Purpose::Pin | Purpose::Pseudonym | Purpose::Form => "HMAC-SHA256",
        }
    }

    /// Purpose and generation: fixed, so that processes starting together make the same row and one of them wins.
    fn first_id(self) -> &'static str {
        match self {
            Purpose::Sign(Algorithm::Rs256) => "rs256-1",
            Purpose::Sign(Algorithm::Es256) => "es256-1",
            Purpose::Sign(Algorithm::Ps256) => "ps256-1",
            Purpose::Sign(Algorithm::EdDsa) => "eddsa-1",
            Purpose::Pin => "pin-1",
            Purpose::Pseudonym => "pseudonym-1",
            Purpose::Form => "form-1",
        }
    }

    fn of(row: &WrappedKey) -> Option<Purpose> {
        Purpose::ALL.into_iter().find(|p| p.name() == row.purpose && p.algorithm() == row.algorithm)
    }

    fn new_secret(self) -> Result<Vec<u8>, Error> {
        match self {
            Purpose::Sign(algorithm) => SigningKey::generate(algorithm)
                .map_err(|e| Error::Key { id: self.first_id().into(), why: e.to_string() }),
            Purpose::Pin | Purpose::Pseudonym | Purpose::Form => random::<32>().map(|bytes| bytes.to_vec()),
        }
    }
}

impl KeyRing {
    /// Opens the ring: reads the key-encryption key and unwraps every key of the database. What is missing is made;
    /// processes that start together end up with the same keys. Tries each signing key before anybody relies on it.
    ///
    /// # Errors
    /// A sentence for the operator: the file's rights are too wide, it is missing or of another database, a key of
    /// the ring is broken, the database is away. No key is made where one cannot be opened.
    pub async fn open(db: &Db, kek: &Path, clock: &Clock) -> Result<KeyRing, Error> {
        let rows = db.keys().all().await?;
        let file = match Kek::read(kek)? {
            Some(file) => file,
            None if rows.is_empty() => Kek::create(kek)?,
            // Another process may have made both between our two looks.
            None => Kek::read(kek)?.ok_or_else(|| Error::KekMissing { path: kek.into() })?,
        };
        let mut keys = unwrap_all(&rows, &file, kek)?;
        let mut missing = Vec::new();
        for purpose in Purpose::ALL.into_iter().filter(|p| keys.iter().all(|key| key.purpose != *p)) {
            let id = purpose.first_id();
            missing.push(WrappedKey {
                id: id.into(),
                purpose: purpose.name().into(),
                algorithm: purpose.algorithm().into(),
                wrapped: file.wrap(id, purpose.name(), &purpose.new_secret()?)?,
                created_at: clock.now(),
            });
        }
        let mut made = Vec::new();
        if !missing.is_empty() {
            let added = db.keys().add_missing(&missing).await?;
            made = missing
                .into_iter()
                .filter(|row| added.contains(&row.id))
                .map(|row| Made { id: row.id, purpose: row.purpose, algorithm: row.algorithm })
                .collect();
            keys = unwrap_all(&db.keys().all().await?, &file, kek)?;
        }
        KeyRing::assemble(keys, made)
    }

    fn assemble(keys: Vec<Unwrapped>, made: Vec<Made>) -> Result<KeyRing, Error> {
        let newest = |purpose: Purpose| {
            let found = keys.iter().rev().find(|key| key.purpose == purpose);
            found.ok_or_else(|| Error::Key { id: purpose.first_id().into(), why: "it is missing".into() })
        };
        let secret = |purpose| Ok::<_, Error>(hmac::Key::new(hmac::HMAC_SHA256, &newest(purpose)?.secret));
        let mut signing = Vec::new();
        for key in &keys {
            if let Purpose::Sign(algorithm) = key.purpose {
                let broken = |e: jose::Error| Error::Key { id: key.id.clone(), why: e.to_string() };
                let parsed = SigningKey::from_pkcs8(algorithm, &key.secret).map_err(broken)?;
                self_check(&parsed).map_err(broken)?;
                signing.push(parsed);
            }
        }
        let ring = KeyRing {
            jwks: Jwks::of(&signing),
            signing,
            pin: PinKey::new(&newest(Purpose::Pin)?.secret),
            pseudonym: secret(Purpose::Pseudonym)?,
            form: secret(Purpose::Form)?,
            made,
        };
        Ok(ring)
    }

    /// A token signed by the newest key of `algorithm`, its `kid` and `typ` in the header. Costs about 0.25 ms of
    /// this thread with RS256, 0.02 ms with ES256.
    ///
    /// # Errors
    /// `jose::Error::Signing` where the claims are no JSON object.
    pub fn sign(
        &self,
        algorithm: Algorithm,
        _reader: Reader,
        _now: Timestamp,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String, jose::Error> {
        match self.signing.iter().rev().find(|key| key.algorithm() == algorithm) {
            Some(key) => key.sign(typ, claims),
            None => Err(jose::Error::BadKey(format!("no key for {}", algorithm.as_str()))),
        }
    }

    pub fn jwks(&self) -> &Jwks {
        &self.jwks
    }

    /// Keys every PIN before it is stored or compared.
    pub fn pin_key(&self) -> &PinKey {
        &self.pin
    }

    /// Pairwise pseudonyms are made with it. Never rotated.
    pub fn pseudonym_key(&self) -> &hmac::Key {
        &self.pseudonym
    }

    /// Ties forms to sessions (CSRF).
    pub fn form_key(&self) -> &hmac::Key {
        &self.form
    }

    /// What this start made; to be audited by whoever opened the ring.
    pub fn made(&self) -> &[Made] {
        &self.made
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRing").field("signing", &self.signing).finish_non_exhaustive()
    }
}

impl Jwks {
    /// Newest first: some clients take the first key that fits.
    fn of(signing: &[SigningKey]) -> Jwks {
        let keys: Vec<_> = signing.iter().rev().map(SigningKey::jwk).collect();
        let body = json!({ "keys": keys }).to_string();
        let hash = digest::digest(&digest::SHA256, body.as_bytes());
        let etag = format!("\"{}\"", jose::base64url(hash.as_ref().get(..16).unwrap_or_default()));
        Jwks { body, etag }
    }
}

struct Unwrapped {
    id: String,
    purpose: Purpose,
    secret: Vec<u8>,
}

/// Rows of purposes that this release does not know are left alone: a newer one made them.
fn unwrap_all(rows: &[WrappedKey], file: &Kek, path: &Path) -> Result<Vec<Unwrapped>, Error> {
    let known = rows.iter().filter_map(|row| Some((row, Purpose::of(row)?)));
    known
        .map(|(row, purpose)| {
            let secret = file.unwrap(&row.id, &row.purpose, &row.wrapped);
            let secret = secret.ok_or_else(|| Error::KekWrong { path: path.into(), id: row.id.clone() })?;
            Ok(Unwrapped { id: row.id.clone(), purpose, secret })
        })
        .collect()
}

fn self_check(key: &SigningKey) -> Result<(), jose::Error> {
    let claims = json!({ "check": key.kid() });
    let token = key.sign("JWT", &claims)?;
    if key.open::<serde_json::Value>(&token)? == claims { Ok(()) } else { Err(jose::Error::Signature) }
}

#[cfg(test)]
mod tests;
