//! Signing keys: where each stands, who is on which, and turning them. What turns when by itself is `keyring`'s.

use std::path::Path;

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::Desk;
pub use crate::keyring::{Algorithm, Emergency, Rotation};
use crate::{
    domain::{
        clock::{Date, Timestamp},
        key::{LONGEST_TOKEN_LIFE, Life, Reader, Reading, State, readings},
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
    /// Clients whose tokens it signs now.
    pub signs_for: Vec<String>,
}

/// One client and one algorithm that its tokens are signed with.
#[derive(Debug, Serialize)]
pub struct VendorView {
    pub vendor: String,
    pub client: String,
    pub jwks: Reader,
    pub algorithm: String,
    pub signed_with: Option<String>,
    /// The newest key is in use for it.
    pub ready: bool,
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

/// Begins a rotation. `pinned_until` is the last day on which pinned vendors stay on their key.
///
/// # Errors
/// `rotation-in-flight`, `too-early`; those of the database.
pub async fn rotate(
    desk: &Desk,
    algorithms: Vec<Algorithm>,
    pinned_until: Option<Date>,
    force: bool,
) -> Result<Vec<Rotation>> {
    let pinned_until = pinned_until.map(|day| desk.config.library.time_zone.end_of(day));
    let wish = Rotate { algorithms, pinned_until, force };
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
pub async fn defer(desk: &Desk, algorithms: &[Algorithm], until: Date) -> Result<Vec<Deferred>> {
    let until = desk.config.library.time_zone.end_of(until);
    Ok(desk.keyring.defer(&desk.db, algorithms, until, desk.clock.now()).await?)
}

/// # Errors
/// Where a key-encryption key cannot be used; those of the database.
pub async fn rewrap(desk: &Desk, new: Option<&Path>) -> Result<Rewrapped> {
    Ok(desk.keyring.rewrap(&desk.db, new, desk.clock.now()).await?)
}

/// A published key, as a vendor puts it into its configuration.
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
    let published = desk.keyring.lives().into_iter().filter(Life::is_published);
    published
        .map(|life| {
            let jwk = desk.keyring.public(&life.id).unwrap_or(json!({}));
            let pem = desk.keyring.pem(&life.id).with_context(|| format!("{} has no PEM form", life.id))?;
            Ok(Exported { state: life.state(now), id: life.id, jwk, pem })
        })
        .collect()
}

async fn readings_of(desk: &Desk) -> Result<Vec<Reading>> {
    Ok(readings(&desk.db.catalogue().load().await?))
}

fn standing(desk: &Desk, lives: &[Life], reading: &Reading, now: Timestamp) -> Vec<VendorView> {
    let margin = desk.keyring.schedule().margin;
    let one = |algorithm: &String| {
        let of_it = || lives.iter().filter(move |life| life.algorithm == *algorithm);
        let today = signs_for(of_it(), reading.reader, now, margin);
        // Far enough that every key has come to its time.
        let newest = of_it().filter(|life| life.is_published() && life.retiring_from.is_none());
        let newest = newest.max_by_key(|life| (life.active_from, life.published_at));
        let moves = newest.filter(|newest| today.is_some_and(|today| today.id != newest.id));
        VendorView {
            vendor: reading.vendor.to_string(),
            client: reading.party.clone(),
            jwks: reading.reader,
            algorithm: algorithm.clone(),
            signed_with: today.map(|life| life.id.clone()),
            ready: today.is_some() && moves.is_none(),
            moves_to: moves.map(|life| life.id.clone()),
            moves_at: moves.map(|life| life.from(reading.reader, margin).rfc3339()),
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
    let schedule = desk.keyring.schedule();
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
    }
}

/// Half a year beyond what is usual: somebody forgot.
const OLD: std::time::Duration = std::time::Duration::from_secs(400 * 86_400);

fn weaknesses(desk: &Desk, lives: &[Life], readings: &[Reading], now: Timestamp) -> Vec<String> {
    let mut all = Vec::new();
    let schedule = desk.keyring.schedule();
    if schedule.rotate_every.is_none() {
        all.push("keys.rotate_every is \"never\": keys turn only when somebody thinks of it".to_owned());
    }
    for life in lives.iter().filter(|life| life.state(now) == State::Active && now.since(life.active_from) > OLD) {
        all.push(format!("{} has signed for {} days", life.id, now.since(life.active_from).as_secs() / 86_400));
    }
    let overlap = LONGEST_TOKEN_LIFE + schedule.cache_lifetime + schedule.margin;
    let stalled = |life: &&Life| {
        life.state(now) == State::Retiring && life.retiring_from.is_some_and(|at| at + overlap * 2 < now)
    };
    for life in lives.iter().filter(stalled) {
        all.push(format!("{} should be retired by now: is a server running?", life.id));
    }
    for reading in readings.iter().filter(|reading| reading.reader == Reader::Pinned) {
        all.push(format!(
            "{} has its key by hand: every rotation waits for its vendor, {}",
            reading.party, reading.vendor
        ));
    }
    let old = desk.keyring.file_of_before();
    if old.exists() {
        let why = "is still there: remove it when no backup of the database needs it any more";
        all.push(format!("the key-encryption key of before, {}, {why}", old.display()));
    }
    all
}
