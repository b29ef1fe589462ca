//! Signing keys: where each stands, who is on which, and turning them. What turns when by itself is `keyring`'s, what is
//! done with the certificates of SAML in `certificates`.

mod certificates;

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

pub use self::certificates::{Handed, Said, attest, certificates, withdraw};
use super::Desk;
pub use crate::keyring::{Emergency, Rotation, Use};
use crate::{
    domain::{
        clock::{Date, Timestamp},
        holding::{How, held},
        key::{Life, Reader, Reading, SAML, State, readings},
    },
    keyring::{Deferred, Lost, Rewrapped, Rotate, rotation_due, signs_for},
};

/// Everything that an operator wants to know before and during a rotation.
#[derive(Debug, Serialize)]
pub struct Overview {
    pub keys: Vec<KeyView>,
    pub vendors: Vec<VendorView>,
    /// Fetches of the key set as it is published now. Advice: most clients fetch it only on an unknown `kid`.
    pub fetches: Option<FetchView>,
    pub weaknesses: Vec<String>,
}

#[derive(Debug, Serialize)]
pub struct KeyView {
    pub id: String,
    pub kid: String,
    pub algorithm: String,
    pub state: State,
    pub published_at: String,
    pub active_from: String,
    /// Where pinned vendors wait for a deadline of their own.
    pub pinned_from: Option<String>,
    pub retiring_from: Option<String>,
    /// When it stops being published, as far as that is known.
    pub gone_at: Option<String>,
    /// When its successor is published by schedule.
    pub next_at: Option<String>,
    /// Whom it signs for now.
    pub signs_for: Vec<String>,
    /// Where it is a key for SAML.
    pub certificate: Option<CertificateView>,
}

#[derive(Debug, Serialize)]
pub struct CertificateView {
    /// The fingerprint, hex.
    pub sha256: String,
    pub not_after: String,
}

/// One relying party and one algorithm that is signed for it with.
#[derive(Debug, Serialize)]
pub struct VendorView {
    pub vendor: String,
    /// Its client_id or entityID.
    pub client: String,
    /// How it comes by our keys: its setting `jwks`, for SAML `certificate`.
    pub jwks: Reader,
    pub algorithm: String,
    pub signed_with: Option<String>,
    /// The newest key is in use for it.
    pub ready: bool,
    /// For SAML: how it is known to have the newest certificate, and since when; absent where it is not.
    pub known: Option<How>,
    pub known_at: Option<String>,
    pub moves_to: Option<String>,
    pub moves_at: Option<String>,
}

#[derive(Debug, Serialize)]
pub struct FetchView {
    pub count: i64,
    pub last_at: String,
}

/// # Errors
/// Those of the database.
pub async fn overview(desk: &Desk) -> Result<Overview> {
    let now = desk.clock.now();
    let readings = readings_of(desk).await?;
    let lives = desk.keyring.lives();
    let vendors: Vec<VendorView> = readings.iter().flat_map(|reading| standing(desk, &lives, reading, now)).collect();
    let fetches = desk.db.keys().fetches(&desk.keyring.jwks().etag).await?;
    let keys = lives.iter().map(|life| view(desk, &lives, life, &vendors, &readings, now)).collect();
    Ok(Overview {
        weaknesses: weaknesses(desk, &lives, &readings, now),
        keys,
        vendors,
        fetches: fetches.map(|seen| FetchView { count: seen.count, last_at: seen.last_at.rfc3339() }),
    })
}

/// Begins a rotation, of tokens' keys where none is named. `pinned_until` is the last day on which pinned vendors stay on their key.
///
/// # Errors
/// `rotation-in-flight`, `too-early`; those of the database.
pub async fn rotate(desk: &Desk, uses: Vec<Use>, pinned_until: Option<Date>, force: bool) -> Result<Vec<Rotation>> {
    let pinned_until = pinned_until.map(|day| desk.config.library.time_zone.end_of(day));
    let wish = Rotate { uses, pinned_until, force };
    Ok(desk.keyring.rotate(&desk.db, &wish, desk.clock.now()).await?)
}

/// A key is lost.
///
/// # Errors
/// `unknown-key`, `lost-already`; those of the database.
pub async fn lose(desk: &Desk, which: &Emergency) -> Result<(Lost, Vec<Reading>)> {
    let lost = desk.keyring.lose(&desk.db, which, desk.clock.now()).await?;
    let theirs = |reading: &Reading| lost.lost.iter().any(|life| reading.algorithms.contains(&life.algorithm));
    let tell = readings_of(desk).await?.into_iter().filter(theirs).collect();
    Ok((lost, tell))
}

/// # Errors
/// `unknown-key`, `key-in-use`, `key-needed`; those of the database.
pub async fn retire(desk: &Desk, name: &str, force: bool) -> Result<Life> {
    Ok(desk.keyring.retire(&desk.db, name, force, desk.clock.now()).await?)
}

/// `until` is the last day on which pinned vendors stay on their key.
///
/// # Errors
/// `no-rotation`, `too-early`; those of the database.
pub async fn defer(desk: &Desk, uses: &[Use], until: Date) -> Result<Vec<Deferred>> {
    let until = desk.config.library.time_zone.end_of(until);
    Ok(desk.keyring.defer(&desk.db, uses, until, desk.clock.now()).await?)
}

/// # Errors
/// Where a key-encryption key cannot be used; those of the database.
pub async fn rewrap(desk: &Desk, new: Option<&Path>) -> Result<Rewrapped> {
    Ok(desk.keyring.rewrap(&desk.db, new, desk.clock.now()).await?)
}

/// A published key of tokens, as a vendor puts it into its configuration.
#[derive(Debug, Serialize)]
pub struct Exported {
    pub id: String,
    pub state: State,
    pub jwk: Value,
    pub pem: String,
}

/// # Errors
/// Where a key cannot be written as PEM.
pub fn export(desk: &Desk) -> Result<Vec<Exported>> {
    let now = desk.clock.now();
    let is_of_tokens = |life: &Life| life.is_published() && life.algorithm != SAML;
    let published = desk.keyring.lives().into_iter().filter(is_of_tokens);
    published
        .map(|life| {
            let jwk = desk.keyring.public(&life.id).unwrap_or(json!({}));
            let pem = desk.keyring.pem(&life.id).with_context(|| format!("{} has no PEM form", life.id))?;
            Ok(Exported { state: life.state(now), id: life.id, jwk, pem })
        })
        .collect()
}

async fn readings_of(desk: &Desk) -> Result<Vec<Reading>> {
    Ok(desk.keyring.told(&readings(&desk.db.catalogue().load().await?)))
}

fn standing(desk: &Desk, lives: &[Life], reading: &Reading, now: Timestamp) -> Vec<VendorView> {
    let one = |algorithm: &String| {
        let margin = desk.keyring.schedules().of(algorithm).margin;
        let of_it = || lives.iter().filter(move |life| life.algorithm == *algorithm);
        let today = signs_for(of_it(), |life| reading.reader_for(life), now, margin);
        // Far enough that every key has come to its time.
        let newest = of_it().filter(|life| life.is_published() && life.retiring_from.is_none());
        let newest = newest.max_by_key(|life| (life.active_from, life.published_at));
        let known = newest.and_then(|newest| held(&reading.holdings, &newest.kid));
        let moves = newest.filter(|newest| today.is_some_and(|today| today.id != newest.id));
        VendorView {
            vendor: reading.vendor.to_string(),
            client: reading.party.clone(),
            jwks: reading.reader,
            algorithm: algorithm.clone(),
            signed_with: today.map(|life| life.id.clone()),
            ready: today.is_some() && moves.is_none(),
            known: known.map(|holding| holding.how),
            known_at: known.map(|holding| holding.at.rfc3339()),
            moves_to: moves.map(|life| life.id.clone()),
            moves_at: moves.map(|life| life.from(reading.reader_for(life), margin).rfc3339()),
        }
    };
    reading.algorithms.iter().map(one).collect()
}

fn view(
    desk: &Desk,
    lives: &[Life],
    life: &Life,
    vendors: &[VendorView],
    readings: &[Reading],
    now: Timestamp,
) -> KeyView {
    let schedule = desk.keyring.schedules().of(&life.algorithm);
    let certificates = desk.keyring.certificates(now);
    let certificate = certificates.iter().find(|certificate| certificate.id == life.id);
    let pinned = readings.iter().any(|r| r.reader == Reader::Pinned && r.algorithms.contains(&life.algorithm));
    let of_it = lives.iter().filter(|other| other.algorithm == life.algorithm && other.is_published());
    let is_newest = of_it.max_by_key(|life| (life.active_from, life.published_at)).is_some_and(|n| n.id == life.id);
    let next_at = schedule.rotate_every.filter(|_| is_newest).map(|every| rotation_due(life, schedule, every));
    let gone_at = life.lost_at.or(life.retired_at).or(life.retiring_from.map(|from| schedule.needed_by_none(from)));
    let signs_for = vendors.iter().filter(|v| v.signed_with.as_ref() == Some(&life.id)).map(|v| v.client.clone());
    KeyView {
        id: life.id.clone(),
        kid: life.kid.clone(),
        algorithm: life.algorithm.clone(),
        state: life.state(now),
        published_at: life.published_at.rfc3339(),
        active_from: life.active_from.rfc3339(),
        pinned_from: (pinned && life.pinned_from > life.active_from).then(|| life.pinned_from.rfc3339()),
        retiring_from: life.retiring_from.map(Timestamp::rfc3339),
        gone_at: gone_at.map(Timestamp::rfc3339),
        next_at: next_at.map(|at| at.max(now).rfc3339()),
        signs_for: signs_for.collect(),
        certificate: certificate.map(|certificate| CertificateView {
            sha256: certificate.sha256.clone(),
            not_after: certificate.not_after.rfc3339(),
        }),
    }
}

/// Half a year beyond what is usual: somebody forgot.
const OLD: std::time::Duration = std::time::Duration::from_secs(400 * 86_400);

fn weaknesses(desk: &Desk, lives: &[Life], readings: &[Reading], now: Timestamp) -> Vec<String> {
    let mut all = Vec::new();
    let schedules = desk.keyring.schedules();
    for (name, schedule) in [("rotate_every", schedules.tokens), ("saml_rotate_every", schedules.saml)] {
        if schedule.rotate_every.is_none() {
            all.push(format!("keys.{name} is \"never\": keys turn only when somebody thinks of it"));
        }
    }
    let is_old = |life: &&Life| life.state(now) == State::Active && now.since(life.active_from) > OLD;
    for life in lives.iter().filter(|life| life.algorithm != SAML).filter(is_old) {
        all.push(format!("{} has signed for {} days", life.id, now.since(life.active_from).as_secs() / 86_400));
    }
    let stalled = |life: &&Life| {
        let gone = |at| schedules.of(&life.algorithm).needed_by_none(at);
        let overdue = |at: Timestamp| gone(at) + gone(at).since(at) < now;
        life.state(now) == State::Retiring && life.retiring_from.is_some_and(overdue)
    };
    for life in lives.iter().filter(stalled) {
        all.push(format!("{} should be retired by now: is a server running?", life.id));
    }
    let by_hand =
        |reading: &&Reading| reading.reader == Reader::Pinned && !reading.algorithms.iter().any(|a| a == SAML);
    for reading in readings.iter().filter(by_hand) {
        all.push(format!(
            "{} has its key by hand: every rotation waits for its vendor, {}",
            reading.party, reading.vendor
        ));
    }
    all.extend(certificates::weaknesses(desk, lives, readings, now));
    let old = desk.keyring.file_of_before();
    if old.exists() {
        let why = "is still there: remove it when no backup of the database needs it any more";
        all.push(format!("the key-encryption key of before, {}, {why}", old.display()));
    }
    all
}
