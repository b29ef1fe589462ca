//! The key ring: makes, keeps, uses, turns and publishes the house's keys. How a token looks in bytes is `wire::jose`'s,
//! how rows are kept is `store`'s, what a token says is the protocols'.
//!
//! `plan` says which turn is due, `change` carries it out, `ring` holds what came of it, `kek` wraps it all at rest.
//! Tokens are signed and judged here and in `verify`; what SAML needs is in `saml`.

mod change;
mod kek;
mod plan;
mod ring;
mod saml;
mod uses;
mod verify;

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, PoisonError, RwLock},
    time::Instant,
};

use aws_lc_rs::hmac;
use serde::Serialize;

pub use self::{
    change::{
        command::{Deferred, Emergency, Lost, Rotate, Rotation},
        rewrap::Rewrapped,
    },
    plan::{rotation_due, signs_for},
    ring::Jwks,
    saml::{Certificate, SamlSigner},
    uses::Use,
    verify::{Expect, Invalid, Lifetime},
};
use self::{
    kek::{Kek, Seal},
    ring::Ring,
};
pub use crate::wire::jose::Algorithm;
use crate::{
    domain::{
        clock::{Clock, Timestamp},
        key::{Life, Reader, Schedules},
        pin::PinKey,
    },
    store::{
        self, Db,
        keys::{Snapshot, WrappedKey},
    },
    telemetry::Metrics,
    wire::jose,
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
    /// What was asked for is not done, and nothing changed. The code is stable.
    #[error("{why} ({code})")]
    Refused { code: &'static str, why: String },
}

/// Every key that the house works with, unwrapped and parsed. Those that sign are replaced whole when they turn.
pub struct KeyRing {
    kek: PathBuf,
    clock: Clock,
    schedules: Schedules,
    pin: PinKey,
    pseudonym: hmac::Key,
    form: hmac::Key,
    made: Vec<Made>,
    metrics: Arc<Metrics>,
    now: RwLock<Arc<Ring>>,
}

/// A key that was made, for the audit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Made {
    pub id: String,
    pub purpose: String,
    pub algorithm: String,
}

/// What a secret that never turns is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Secret {
    Pin,
    Pseudonym,
    Form,
}

impl Secret {
    const ALL: [Secret; 3] = [Secret::Pin, Secret::Pseudonym, Secret::Form];

    fn purpose(self) -> &'static str {
        match self {
            Secret::Pin => "pin",
            Secret::Pseudonym => "pseudonym",
            Secret::Form => "form",
        }
    }

    fn algorithm(self) -> &'static str {
        "HMAC-SHA256"
    }

    /// Purpose and generation.
    fn id(self) -> &'static str {
        match self {
            Secret::Pin => "pin-1",
            Secret::Pseudonym => "pseudonym-1",
            Secret::Form => "form-1",
        }
    }
}

/// The purpose that signing keys are kept under.
const SIGN: &str = "sign";

impl KeyRing {
    /// Opens the ring: reads the key-encryption key and unwraps every key of the database. What is missing is made, and
    /// audited; processes that start together end up with the same keys. Tries each signing key before anybody relies
    /// on it.
    ///
    /// # Errors
    /// A sentence for the operator: the file's rights are too wide, it is missing or of another database, a key of
    /// the ring is broken, the database is away. No key is made where one cannot be opened.
    pub async fn open(db: &Db, kek: &Path, clock: &Clock) -> Result<KeyRing, Error> {
        let (snapshot, made) = change::first::with_first_keys(db, kek, clock).await?;
        let secrets = unwrap_all(&snapshot, kek)?;
        let secret = |what: Secret| {
            let found = secrets.get(what.id());
            found.ok_or_else(|| Error::Key { id: what.id().into(), why: "it is missing".into() })
        };
        let hmac = |what| Ok::<_, Error>(hmac::Key::new(hmac::HMAC_SHA256, secret(what)?));
        let schedules = Schedules::default();
        let ring = Ring::of(&snapshot, &secrets, None, &schedules.tokens, clock.now())?;
        Ok(KeyRing {
            kek: kek.into(),
            clock: clock.clone(),
            schedules,
            pin: PinKey::new(secret(Secret::Pin)?),
            pseudonym: hmac(Secret::Pseudonym)?,
            form: hmac(Secret::Form)?,
            made,
            metrics: Arc::default(),
            now: RwLock::new(Arc::new(ring)),
        })
    }

    /// Whether the key-encryption key opens every key that the database holds. Makes and changes nothing.
    ///
    /// # Errors
    /// A sentence for the operator, where it does not.
    pub async fn opens(db: &Db, kek: &Path) -> Result<(), Error> {
        unwrap_all(&db.keys().load().await?, kek).map(drop)
    }

    /// Whether the file of the key-encryption key is there, and is one that may be used.
    ///
    /// # Errors
    /// A sentence for the operator, where it is there and is not.
    pub fn reads(kek: &Path) -> Result<bool, Error> {
        Ok(Kek::read(kek)?.is_some())
    }

    /// The ring with the operator's wishes in place of the defaults.
    #[must_use]
    pub fn on_schedule(mut self, schedules: Schedules, now: Timestamp) -> KeyRing {
        self.schedules = schedules;
        let ring = self.ring();
        let jwks = Jwks::of(&ring.keys, schedules.tokens.cache_lifetime, now, None);
        self.replace(Ring { jwks, ..Ring::clone(&ring) });
        self
    }

    /// The ring with its signatures timed.
    #[must_use]
    pub fn measured(mut self, metrics: Arc<Metrics>) -> KeyRing {
        self.metrics = metrics;
        self
    }

    /// A token signed for `reader` by the key that it can be expected to have at `now`; `kid` and `typ` are in the
    /// header. Costs about 0.25 ms of this thread with RS256 and PS256, 0.02 ms with the others.
    ///
    /// # Errors
    /// `jose::Error::BadKey` where there is no key for `algorithm` yet, `Signing` where the claims are no JSON object.
    #[tracing::instrument(level = "debug", name = "key.sign", skip_all)]
    pub fn sign(
        &self,
        algorithm: Algorithm,
        reader: Reader,
        now: Timestamp,
        typ: &str,
        claims: &impl Serialize,
    ) -> Result<String, jose::Error> {
        let ring = self.ring();
        let Some(key) = ring.signer(algorithm, reader, now, self.schedules.tokens.margin) else {
            return Err(jose::Error::BadKey(format!("no key for {}", algorithm.as_str())));
        };
        let began = Instant::now();
        let signed = key.sign(typ, claims);
        self.metrics.signing.observe(&[algorithm.as_str()], began.elapsed());
        signed
    }

    /// The published key set as it is now.
    pub fn jwks(&self) -> Arc<Jwks> {
        self.ring().jwks.clone()
    }

    /// The lives of all signing keys, oldest first.
    pub fn lives(&self) -> Vec<Life> {
        self.ring().lives()
    }

    /// When the next key of each algorithm is due, where keys turn by themselves.
    pub fn rotations_due(&self) -> Vec<(String, Timestamp)> {
        let lives = self.lives();
        let mut of_each: BTreeMap<&str, Vec<&Life>> = BTreeMap::new();
        for life in &lives {
            of_each.entry(&life.algorithm).or_default().push(life);
        }
        let due = |(algorithm, lives): (&str, Vec<&Life>)| {
            let schedule = self.schedules.of(algorithm);
            let (newest, every) = (plan::newest(&lives)?, schedule.rotate_every?);
            Some((algorithm.to_owned(), rotation_due(newest, schedule, every)))
        };
        of_each.into_iter().filter_map(due).collect()
    }

    /// The public half of a key, as JWK.
    pub fn public(&self, id: &str) -> Option<serde_json::Value> {
        self.ring().jwk(id).cloned()
    }

    /// The same as PEM.
    pub fn pem(&self, id: &str) -> Option<String> {
        jose::pem(&self.public(id)?)
    }

    /// Where the key-encryption key of before stays after a change.
    pub fn file_of_before(&self) -> PathBuf {
        kek::old(&self.kek)
    }

    /// When keys turn; those of tokens and those of SAML each in their own time.
    pub fn schedules(&self) -> &Schedules {
        &self.schedules
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

    /// What this start made; it is in the audit already.
    pub fn made(&self) -> &[Made] {
        &self.made
    }

    /// Reads the signing keys anew, where another process turned them.
    ///
    /// # Errors
    /// As `open`; then what was known goes on.
    pub async fn reload(&self, db: &Db, now: Timestamp) -> Result<(), Error> {
        self.take_over(&db.keys().load().await?, now)
    }

    /// Brings the published order up to date where an instant has passed. Cheap where none has.
    pub fn look_at_the_clock(&self, now: Timestamp) {
        if let Some(ring) = self.ring().reordered(&self.schedules.tokens, now) {
            self.replace(ring);
        }
    }

    fn take_over(&self, snapshot: &Snapshot, now: Timestamp) -> Result<(), Error> {
        let secrets = unwrap_all(snapshot, &self.kek)?;
        let ring = Ring::of(snapshot, &secrets, Some(&self.ring()), &self.schedules.tokens, now)?;
        self.replace(ring);
        Ok(())
    }

    /// One moment's keys: signing holds no lock.
    fn ring(&self) -> Arc<Ring> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Of two who read the rows at once, the later reading stays.
    fn replace(&self, ring: Ring) {
        let mut now = self.now.write().unwrap_or_else(PoisonError::into_inner);
        if now.version <= ring.version {
            *now = Arc::new(ring);
        }
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ring = self.ring();
        f.debug_struct("KeyRing").field("signing", &ring.keys).field("saml", &ring.saml).finish_non_exhaustive()
    }
}

/// Every secret of the house by its row's id. Rows of purposes that this release does not know are left alone: a newer
/// one made them.
fn unwrap_all<'s>(snapshot: &'s Snapshot, path: &Path) -> Result<HashMap<&'s str, Vec<u8>>, Error> {
    let rows = || snapshot.material.iter().filter(is_known);
    let places = rows().map(|row| (row.id.as_str(), row.purpose.as_str(), row.wrapped.as_str()));
    let (kek, file) = Kek::for_rows(path, places)?;
    rows()
        .map(|row| {
            let secret = kek.unwrap(&row.id, &row.purpose, &row.wrapped);
            let secret = secret.ok_or_else(|| Error::KekWrong { path: file.clone(), id: row.id.clone() })?;
            Ok((row.id.as_str(), secret))
        })
        .collect()
}

fn is_known(row: &&WrappedKey) -> bool {
    row.purpose == SIGN || Secret::ALL.into_iter().any(|secret| secret.purpose() == row.purpose)
}

#[cfg(test)]
mod tests;
