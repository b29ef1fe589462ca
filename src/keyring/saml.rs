//! The keys that sign for SAML: published as certificates instead of a key set, and it is kept who is known to have
//! which. They are a type of their own, so that no token is signed or judged by one of them, and no XML by a token's key.
//! What metadata and responses look like is `wire::saml`'s, when these keys turn `plan`'s.

use std::{collections::HashMap, fmt, sync::Arc, time::Instant};

use aws_lc_rs::digest;
use serde_json::{Value, json};

use super::{
    Error, KeyRing,
    change::event,
    kek::random,
    plan,
    ring::{Ring, half_of},
};
use crate::{
    domain::{
        clock::Timestamp,
        holding::{Holding, How, held},
        key::{Life, Reader, Reading, SAML, Schedule, State},
    },
    store::{Db, audit, keys::SigningRow},
    telemetry::Metrics,
    wire::{
        certificate::{self, Says},
        jose::{self, SigningKey},
    },
};

/// A key of the ring that signs for SAML.
#[derive(Clone)]
pub(super) struct SamlKey {
    pub life: Life,
    pub jwk: Value,
    certificate: Written,
    /// Forgotten when the key was retired.
    private: Option<Arc<SigningKey>>,
}

/// A certificate as it is handed on.
#[derive(Clone)]
struct Written {
    base64: Arc<str>,
    sha256: String,
    not_after: Timestamp,
}

/// What signs for one party at one moment. Cheap to clone.
#[derive(Clone)]
pub struct SamlSigner {
    key: Arc<SigningKey>,
    certificate: Arc<str>,
    metrics: Arc<Metrics>,
}

/// A certificate that metadata lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    /// The key's id.
    pub id: String,
    pub kid: String,
    pub state: State,
    /// Whether it signs for whoever reads metadata as it should.
    pub signs: bool,
    /// DER in base64 without line breaks, as `ds:X509Certificate` has it.
    pub der_base64: Arc<str>,
    /// The fingerprint that people compare: SHA-256 over the DER, hex.
    pub sha256: String,
    pub not_after: Timestamp,
}

impl Certificate {
    /// As PEM.
    pub fn pem(&self) -> String {
        certificate::pem(&self.der_base64)
    }
}

impl SamlSigner {
    pub fn kid(&self) -> &str {
        self.key.kid()
    }

    /// DER in base64 without line breaks.
    pub fn certificate(&self) -> &str {
        &self.certificate
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256 over `octets`. Costs about 0.25 ms of this thread.
    ///
    /// # Errors
    /// `Signing` where the key fails.
    #[tracing::instrument(level = "debug", name = "key.sign", skip_all)]
    pub fn sign(&self, octets: &[u8]) -> Result<Vec<u8>, jose::Error> {
        let began = Instant::now();
        let signed = self.key.sign_octets(octets);
        self.metrics.signing.observe(&[SAML], began.elapsed());
        signed
    }
}

impl KeyRing {
    /// The key that signs for this SAML party at `now`.
    pub fn saml_signer(&self, reader: Reader, entity_id: &str, now: Timestamp) -> Option<SamlSigner> {
        let ring = self.ring();
        let holdings = ring.holdings.of(entity_id);
        let reader_for = |life: &Life| reader.holding(holdings, &life.kid);
        let lives = ring.saml.iter().map(|key| &key.life);
        let life = plan::signs_for(lives, reader_for, now, self.schedules.saml.margin)?;
        let key = ring.saml.iter().find(|key| key.life.id == life.id)?;
        let (metrics, certificate) = (self.metrics.clone(), key.certificate.base64.clone());
        Some(SamlSigner { key: key.private.clone()?, certificate, metrics })
    }

    /// The published certificates in the order that metadata lists them, since some parties take the first alone: the
    /// one that signs for ordinary readers, then the next, then those that only lagging parties still need.
    pub fn certificates(&self, now: Timestamp) -> Vec<Certificate> {
        let ring = self.ring();
        let lives = ring.saml.iter().map(|key| &key.life);
        let signer = plan::signs_for(lives, |_| Reader::Normal, now, self.schedules.saml.margin).map(|life| &life.id);
        let mut published: Vec<&SamlKey> = ring.saml.iter().filter(|key| key.life.is_published()).collect();
        published.sort_by_key(|key| {
            let order = match key.life.state(now) {
                _ if Some(&key.life.id) == signer => 0,
                State::Next => 1,
                State::Active => 2,
                _ => 3,
            };
            (order, std::cmp::Reverse((key.life.active_from, key.life.published_at)))
        });
        published
            .into_iter()
            .map(|key| Certificate {
                id: key.life.id.clone(),
                kid: key.life.kid.clone(),
                state: key.life.state(now),
                signs: Some(&key.life.id) == signer,
                der_base64: key.certificate.base64.clone(),
                sha256: key.certificate.sha256.clone(),
                not_after: key.certificate.not_after,
            })
            .collect()
    }

    /// When these keys turn. `cache_lifetime` is what metadata says of itself.
    pub fn saml_schedule(&self) -> &Schedule {
        &self.schedules.saml
    }

    /// This registered party, and surely it, fetches our metadata: it has every certificate that is published. Ask this
    /// before the metadata is written, so that it is never said of a certificate which is not in it. Touches the database
    /// only where something new is learnt.
    ///
    /// # Errors
    /// Those of the database; then nothing was learnt.
    pub async fn seen_fetching(&self, db: &Db, entity_id: &str, now: Timestamp) -> Result<(), Error> {
        let ring = self.ring();
        let known = ring.holdings.of(entity_id);
        let is_new = |life: &&Life| life.is_published() && !known.iter().any(|holding| holding.kid == life.kid);
        let new: Vec<Life> = ring.saml.iter().map(|key| &key.life).filter(is_new).cloned().collect();
        self.write_down(db, entity_id, How::Fetched, &new, now).await
    }

    /// An operator vouches that this party has every certificate that signs or will, and it moves with everybody. Says of
    /// which of them that was not known before.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn attest(&self, db: &Db, entity_id: &str, now: Timestamp) -> Result<Vec<Life>, Error> {
        self.reload(db, now).await?;
        let ring = self.ring();
        let known = ring.holdings.of(entity_id);
        let new: Vec<Life> = ring.in_use(now).filter(|life| held(known, &life.kid).is_none()).cloned().collect();
        self.write_down(db, entity_id, How::Attested, &new, now).await?;
        Ok(new)
    }

    /// An operator knows that this party has not the newest certificate, whatever was seen or said: it goes back to the
    /// one of before until the deadline. Says which one it has not.
    ///
    /// # Errors
    /// `no-rotation` where no earlier certificate signs any more; those of the database.
    pub async fn withdraw(&self, db: &Db, entity_id: &str, now: Timestamp) -> Result<Life, Error> {
        self.reload(db, now).await?;
        let ring = self.ring();
        let in_use: Vec<&Life> = ring.in_use(now).collect();
        let newest = plan::newest(&in_use).filter(|newest| in_use.len() > 1 && now < newest.pinned_from);
        let Some(newest) = newest.cloned() else {
            let why = "there is no earlier certificate to go back to".to_owned();
            return Err(Error::Refused { code: "no-rotation", why });
        };
        self.write_down(db, entity_id, How::Withdrawn, std::slice::from_ref(&newest), now).await?;
        Ok(newest)
    }

    /// Who reads, with what is known of each.
    pub fn told(&self, readings: &[Reading]) -> Vec<Reading> {
        self.ring().holdings.told(readings)
    }

    async fn write_down(&self, db: &Db, party: &str, how: How, keys: &[Life], at: Timestamp) -> Result<(), Error> {
        if keys.is_empty() {
            return Ok(());
        }
        let mut tx = db.begin().await?;
        tx.keys().touch().await?;
        let mut events = Vec::new();
        for life in keys {
            tx.keys().hold(&Holding { party: party.to_owned(), kid: life.kid.clone(), how, at }).await?;
            let mut event = event(at, how.as_str(), life, "command");
            event.payload["party"] = json!(party);
            events.push(event);
        }
        // What a party did itself is in the records, and no decision of anybody's.
        if how != How::Fetched {
            audit::append_alone(&mut tx, &events).await?;
        }
        tx.commit().await?;
        self.reload(db, at).await
    }
}

impl Ring {
    /// The keys that sign for SAML, or will.
    fn in_use(&self, now: Timestamp) -> impl Iterator<Item = &Life> {
        let lives = self.saml.iter().map(|key| &key.life);
        lives.filter(move |life| matches!(life.state(now), State::Next | State::Active))
    }
}

impl SamlKey {
    /// One that `before` held already is not parsed again.
    pub fn of(row: &SigningRow, secrets: &HashMap<&str, Vec<u8>>, before: Option<&Ring>) -> Result<SamlKey, Error> {
        let broken = |why: String| Error::Key { id: row.life.id.clone(), why };
        let jwk: Value = serde_json::from_str(&row.jwk).map_err(|e| broken(e.to_string()))?;
        let base64 = jwk["x5c"][0].as_str().ok_or_else(|| broken("its certificate is missing".into()))?;
        let der = certificate::from_base64(base64).ok_or_else(|| broken("its certificate is no base64".into()))?;
        let read = certificate::Certificate::of(&der).map_err(|e| broken(e.to_string()))?;
        let known = before.and_then(|ring| ring.saml.iter().find(|key| key.life.id == row.life.id));
        let private = match (known.and_then(|key| key.private.clone()), secrets.get(row.life.id.as_str())) {
            (Some(key), Some(_)) => Some(key),
            (None, Some(secret)) => {
                let key = half_of(row, super::Use::Saml, secret)?;
                let signature = key.sign_octets(b"check").map_err(|e| broken(e.to_string()))?;
                if !read.signed(b"check", &signature) {
                    return Err(broken("its certificate is another key's".into()));
                }
                Some(Arc::new(key))
            }
            (_, None) if row.life.is_published() => return Err(broken("its private half is missing".into())),
            (_, None) => None,
        };
        let certificate = Written {
            base64: base64.into(),
            sha256: hex::encode(digest::digest(&digest::SHA256, &der)),
            not_after: Timestamp(read.not_after.saturating_mul(1000)),
        };
        Ok(SamlKey { life: row.life.clone(), jwk, certificate, private })
    }
}

impl fmt::Debug for SamlKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SamlKey({} {})", self.life.id, self.life.kid)
    }
}

impl fmt::Debug for SamlSigner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SamlSigner({})", self.kid())
    }
}

/// The public half of a key for SAML, with its certificate in `x5c` (RFC 7517 section 4.7): made once, and never again for
/// the same key. `alg` is a word of tokens, and not in it.
pub(super) fn certified(id: &str, key: &SigningKey, secret: &[u8], at: Timestamp) -> Result<Value, Error> {
    let common_name = format!("oneaccess SAML signing {id}");
    let (not_before, not_after) = (at.seconds() - DAY, at.seconds() + TEN_YEARS);
    let says = Says { common_name: &common_name, serial: random::<16>()?, not_before, not_after };
    let der = certificate::self_signed(secret, &says).map_err(|e| Error::Key { id: id.into(), why: e.to_string() })?;
    let mut jwk = key.jwk().clone();
    jwk.as_object_mut().and_then(|members| members.remove("alg"));
    jwk["x5c"] = json!([certificate::to_base64(&der)]);
    Ok(jwk)
}

/// Seconds. A party's clock may be late.
const DAY: i64 = 86_400;
/// Longer than any key is used, so that no certificate ends before its key.
const TEN_YEARS: i64 = 3_652 * DAY;
