//! The signing keys as this process holds them now: replaced whole when anything changes, never changed.

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::digest;
use serde_json::{Value, json};

use super::{Error, Use, plan, saml::SamlKey};
use crate::{
    domain::{
        clock::Timestamp,
        holding::Holdings,
        key::{Life, Reader, Schedule, State},
    },
    store::keys::{Fetches, SigningRow, Snapshot},
    wire::jose::{self, Algorithm, PublicJwk, SigningKey},
};

#[derive(Clone)]
pub(super) struct Ring {
    /// That of the rows which it was made from.
    pub version: i64,
    /// Those of tokens, oldest first, retired and lost ones included.
    pub keys: Vec<Key>,
    /// Those of SAML, in the same way.
    pub saml: Vec<SamlKey>,
    pub holdings: Arc<Holdings>,
    pub jwks: Arc<Jwks>,
}

#[derive(Clone)]
pub(super) struct Key {
    pub life: Life,
    pub algorithm: Algorithm,
    pub jwk: Value,
    halves: Halves,
}

#[derive(Clone)]
enum Halves {
    Both(Arc<SigningKey>),
    /// The private half was forgotten when the key was retired.
    Public(PublicJwk),
}

/// The published key set, rendered once.
#[derive(Debug)]
pub struct Jwks {
    /// JSON (RFC 7517 section 5).
    pub body: String,
    /// A strong entity tag, quotes included.
    pub etag: String,
    /// `Cache-Control`, by the same figure that the schedule waits for.
    pub cache_control: String,
    fetches: AtomicI64,
    last_fetch: AtomicI64,
}

impl Ring {
    /// Keys that `before` held already are not parsed again.
    pub fn of(
        snapshot: &Snapshot,
        secrets: &HashMap<&str, Vec<u8>>,
        before: Option<&Ring>,
        schedule: &Schedule,
        now: Timestamp,
    ) -> Result<Ring, Error> {
        let (mut keys, mut saml) = (Vec::new(), Vec::new());
        for row in &snapshot.signing {
            match Use::named(&row.life.algorithm) {
                Some(Use::Jose(algorithm)) => keys.push(Key::of(row, algorithm, secrets, before)?),
                Some(Use::Saml) => saml.push(SamlKey::of(row, secrets, before)?),
                // An algorithm of a newer release.
                None => {}
            }
        }
        let jwks = Jwks::of(&keys, schedule.cache_lifetime, now, before.map(|ring| &ring.jwks));
        let holdings = Arc::new(snapshot.holdings.iter().cloned().collect());
        Ok(Ring { version: snapshot.version, keys, saml, holdings, jwks })
    }

    /// The same keys, published in the order that holds at `now`; `None` where that has not changed.
    pub fn reordered(&self, schedule: &Schedule, now: Timestamp) -> Option<Ring> {
        let jwks = Jwks::of(&self.keys, schedule.cache_lifetime, now, Some(&self.jwks));
        let changed = !Arc::ptr_eq(&jwks, &self.jwks);
        changed.then(|| Ring { jwks, ..self.clone() })
    }

    pub fn key(&self, id: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.life.id == id)
    }

    /// The public half, whatever the key is for.
    pub fn jwk(&self, id: &str) -> Option<&Value> {
        let of_saml = || self.saml.iter().find(|key| key.life.id == id).map(|key| &key.jwk);
        self.key(id).map(|key| &key.jwk).or_else(of_saml)
    }

    pub fn by_kid(&self, kid: &str) -> Option<&Key> {
        self.keys.iter().find(|key| key.life.kid == kid)
    }

    pub fn lives(&self) -> Vec<Life> {
        let (keys, saml) = (self.keys.iter().map(|key| &key.life), self.saml.iter().map(|key| &key.life));
        let mut lives: Vec<Life> = keys.chain(saml).cloned().collect();
        lives.sort_by(|a, b| (a.published_at, &a.id).cmp(&(b.published_at, &b.id)));
        lives
    }

    pub fn signer(
        &self,
        algorithm: Algorithm,
        reader: Reader,
        now: Timestamp,
        margin: Duration,
    ) -> Option<&SigningKey> {
        let of_it = self.keys.iter().filter(|key| key.algorithm == algorithm).map(|key| &key.life);
        let life = plan::signs_for(of_it, |_| reader, now, margin)?;
        match &self.key(&life.id)?.halves {
            Halves::Both(key) => Some(key),
            Halves::Public(_) => None,
        }
    }
}

impl Key {
    fn of(
        row: &SigningRow,
        algorithm: Algorithm,
        secrets: &HashMap<&str, Vec<u8>>,
        before: Option<&Ring>,
    ) -> Result<Key, Error> {
        let broken = |why: String| Error::Key { id: row.life.id.clone(), why };
        let jwk: Value = serde_json::from_str(&row.jwk).map_err(|e| broken(e.to_string()))?;
        let known = before.and_then(|ring| ring.key(&row.life.id)).map(|key| &key.halves);
        let halves = match (known, secrets.get(row.life.id.as_str())) {
            (Some(Halves::Both(key)), Some(_)) => Halves::Both(key.clone()),
            (_, Some(secret)) => {
                let key = half_of(row, algorithm.into(), secret)?;
                self_check(&key).map_err(|e| broken(e.to_string()))?;
                Halves::Both(Arc::new(key))
            }
            (_, None) if row.life.is_published() => return Err(broken("its private half is missing".into())),
            (_, None) => Halves::Public(PublicJwk::read(&jwk).map_err(|e| broken(e.to_string()))?),
        };
        Ok(Key { life: row.life.clone(), algorithm, jwk, halves })
    }

    pub fn open<T: serde::de::DeserializeOwned>(&self, token: &str) -> Result<T, jose::Error> {
        match &self.halves {
            Halves::Both(key) => key.open(token),
            Halves::Public(key) => key.open(self.algorithm, token),
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({} {})", self.life.id, self.life.kid)
    }
}

impl Jwks {
    /// Those that sign come first, the newest of them at the very front: some clients take the first key that fits.
    /// One of before that says the same stays, with the fetches that it saw.
    pub(super) fn of(keys: &[Key], cache_lifetime: Duration, now: Timestamp, before: Option<&Arc<Jwks>>) -> Arc<Jwks> {
        let mut published: Vec<&Key> = keys.iter().filter(|key| key.life.is_published()).collect();
        published.sort_by_key(|key| {
            let order = match key.life.state(now) {
                State::Active => 0,
                State::Retiring => 1,
                _ => 2,
            };
            (order, std::cmp::Reverse((key.life.active_from, key.life.published_at)))
        });
        let keys: Vec<&Value> = published.iter().map(|key| &key.jwk).collect();
        let body = json!({ "keys": keys }).to_string();
        if let Some(same) = before.filter(|before| before.body == body) {
            return same.clone();
        }
        let hash = digest::digest(&digest::SHA256, body.as_bytes());
        Arc::new(Jwks {
            etag: format!("\"{}\"", jose::base64url(hash.as_ref().get(..16).unwrap_or_default())),
            cache_control: format!("public, max-age={}", cache_lifetime.as_secs()),
            body,
            fetches: AtomicI64::new(0),
            last_fetch: AtomicI64::new(0),
        })
    }

    /// Somebody asked for it. Advice for the operator: most clients ask only on an unknown `kid`, and none says who
    /// it is.
    pub fn was_fetched(&self, now: Timestamp) {
        self.fetches.fetch_add(1, Ordering::Relaxed);
        self.last_fetch.store(now.millis(), Ordering::Relaxed);
    }

    /// Fetches since this was last asked.
    pub fn take_fetches(&self) -> Option<Fetches> {
        let count = self.fetches.swap(0, Ordering::Relaxed);
        (count > 0).then(|| Fetches { count, last_at: Timestamp(self.last_fetch.load(Ordering::Relaxed)) })
    }
}

/// A row's private half, parsed.
pub(super) fn half_of(row: &SigningRow, of: Use, secret: &[u8]) -> Result<SigningKey, Error> {
    let broken = |why: String| Error::Key { id: row.life.id.clone(), why };
    let key = SigningKey::from_pkcs8(of.pair(), secret).map_err(|e| broken(e.to_string()))?;
    if key.kid() != row.life.kid {
        return Err(broken("its private half is another key's".into()));
    }
    Ok(key)
}

fn self_check(key: &SigningKey) -> Result<(), jose::Error> {
    let claims = json!({ "check": key.kid() });
    let token = key.sign("JWT", &claims)?;
    if key.open::<Value>(&token)? == claims { Ok(()) } else { Err(jose::Error::Signature) }
}
