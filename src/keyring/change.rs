//! Turning keys by schedule, and carrying any change out: in one transaction each, with its audit. Of two processes that
//! would turn the same key one wins, and the other looks again. What the operator says beside the schedule is in
//! `command`, the first start in `first`, the key-encryption key's own change in `rewrap`.

pub(super) mod command;
pub(super) mod first;
pub(super) mod rewrap;

use std::path::Path;

use serde_json::{Value, json};

use super::{
    Error, KeyRing, SIGN, Secret, Use,
    kek::{Kek, Seal, random},
    plan::{self, Turn},
    saml::certified,
};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        clock::{Clock, Timestamp},
        holding::{Holding, Holdings},
        key::{Life, Reading, Schedules},
    },
    store::{
        Db, audit,
        keys::{SigningRow, Snapshot, WrappedKey},
    },
    wire::jose::SigningKey,
};

/// Looks taken at keys that others change under our hands, before that is called a fault.
const TRIES: usize = 20;

/// What a change writes, all of it or nothing.
#[derive(Default)]
struct Change {
    make: Vec<Make>,
    put: Vec<SigningRow>,
    events: Vec<AuditEvent>,
}

/// A signing key to be made, and its dates if it were published `at` once.
struct Make {
    of: Use,
    id: String,
    at: Timestamp,
    active_from: Timestamp,
    pinned_from: Timestamp,
}

impl KeyRing {
    /// Carries out what is due by schedule, and says what that was. Costs nothing where nothing is.
    ///
    /// # Errors
    /// Those of the database and of the key-encryption key; then it is due still.
    pub async fn turn(&self, db: &Db, readings: &[Reading], now: Timestamp) -> Result<Vec<Turn>, Error> {
        if plan::plan(&self.lives(), &self.schedules, &self.told(readings), now).is_empty() {
            return Ok(Vec::new());
        }
        self.change(db, now, |lives| {
            let turns = plan::plan(&lives.all(), &self.schedules, &lives.holdings().told(readings), now);
            let change = scheduled(lives, &self.schedules, &turns, now);
            Ok((change, turns))
        })
        .await
    }

    /// Looks, lets `decide`, writes; again from the look where somebody else was faster.
    async fn change<T>(
        &self,
        db: &Db,
        now: Timestamp,
        decide: impl Fn(&Lives) -> Result<(Change, T), Error>,
    ) -> Result<T, Error> {
        for _ in 0..TRIES {
            let snapshot = db.keys().load().await?;
            let (change, answer) = decide(&Lives { rows: &snapshot.signing, holdings: &snapshot.holdings })?;
            if write(db, &self.kek, &self.clock, &snapshot, change, &[]).await? {
                self.reload(db, now).await?;
                return Ok(answer);
            }
        }
        Err(contended())
    }
}

/// What carries out `turns`.
fn scheduled(lives: &Lives<'_>, schedules: &Schedules, turns: &[Turn], now: Timestamp) -> Change {
    let mut change = Change::default();
    for turn in turns {
        match turn {
            Turn::Make { algorithm, first } => {
                let Some(of) = Use::named(algorithm) else { continue };
                let schedule = schedules.of(algorithm);
                let active_from = if *first { now } else { schedule.had_by_all(now) };
                let pinned_from = if *first { now } else { active_from.max(now + schedule.pinned_for) };
                let id = lives.next_id(of);
                change.make.push(Make { of, id, at: now, active_from, pinned_from });
            }
            Turn::Rest { id } => {
                let Some(mut row) = lives.row(id).cloned() else { continue };
                row.life.retiring_from = Some(now);
                change.events.push(event(now, "retiring", &row.life, "schedule"));
                change.put.push(row);
            }
            Turn::Retire { id } => {
                let Some(mut row) = lives.row(id).cloned() else { continue };
                row.life.retired_at = Some(now);
                change.events.push(event(now, "retired", &row.life, "schedule"));
                change.put.push(row);
            }
        }
    }
    change
}

/// One transaction: `false`, and nothing written, where the keys changed since `seen`.
async fn write(
    db: &Db,
    path: &Path,
    clock: &Clock,
    seen: &Snapshot,
    change: Change,
    secrets: &[Secret],
) -> Result<bool, Error> {
    let Change { make, put, mut events } = change;
    let made = tokio::task::spawn_blocking(move || make.into_iter().map(made).collect::<Result<Vec<_>, _>>());
    let mut made = made.await.map_err(|e| Error::Key { id: "new".into(), why: e.to_string() })??;
    let places = seen
        .material
        .iter()
        .filter(super::is_known)
        .map(|row| (row.id.as_str(), row.purpose.as_str(), row.wrapped.as_str()));
    let (kek, _) = Kek::for_rows(path, places)?;
    let mut material = Vec::new();
    for (row, secret) in &made {
        let (id, algorithm) = (row.life.id.clone(), row.life.algorithm.clone());
        let wrapped = kek.wrap(&id, SIGN, secret)?;
        material.push(WrappedKey { id, purpose: SIGN.into(), algorithm, wrapped, created_at: Timestamp(0) });
    }
    for what in secrets {
        let wrapped = kek.wrap(what.id(), what.purpose(), &random::<32>()?)?;
        let (id, purpose, algorithm) = (what.id().into(), what.purpose().into(), what.algorithm().into());
        material.push(WrappedKey { id, purpose, algorithm, wrapped, created_at: Timestamp(0) });
    }
    let mut tx = db.begin().await?;
    if !tx.keys().claim(seen.version).await? {
        return Ok(false);
    }
    // Making a key and waiting for the writer take time on a busy machine: a key counts as published from here on.
    let now = clock.now();
    material.iter_mut().for_each(|row| row.created_at = now);
    made.iter_mut().for_each(|(row, _)| publish_at(&mut row.life, now));
    let begun = material.iter().map(|row| AuditEvent {
        at: now,
        kind: Kind::KeyMade,
        payload: json!({ "id": row.id, "purpose": row.purpose, "algorithm": row.algorithm }),
    });
    events.splice(0..0, begun.collect::<Vec<_>>());
    for row in &material {
        tx.keys().add_material(row).await?;
    }
    for row in put.iter().chain(made.iter().map(|(row, _)| row)) {
        tx.keys().put_signing(row).await?;
        if !row.life.is_published() {
            tx.keys().forget_material(&row.life.id).await?;
            tx.keys().forget_holdings().await?;
        }
    }
    if !events.is_empty() {
        audit::append_alone(&mut tx, &events).await?;
    }
    tx.commit().await?;
    Ok(true)
}

/// Later than was thought: every date that counts from publishing moves along.
fn publish_at(life: &mut Life, now: Timestamp) {
    let late = now.since(life.published_at);
    life.published_at = life.published_at + late;
    life.active_from = life.active_from + late;
    life.pinned_from = life.pinned_from.max(life.active_from);
}

fn made(make: Make) -> Result<(SigningRow, Vec<u8>), Error> {
    let failed = |e: crate::wire::jose::Error| Error::Key { id: make.id.clone(), why: e.to_string() };
    let secret = SigningKey::generate(make.of.pair()).map_err(failed)?;
    let key = SigningKey::from_pkcs8(make.of.pair(), &secret).map_err(failed)?;
    let jwk = match make.of {
        Use::Jose(_) => key.jwk().clone(),
        Use::Saml => certified(&make.id, &key, &secret, make.at)?,
    };
    Ok((make.row(key.kid(), &jwk), secret))
}

impl Make {
    fn row(self, kid: &str, jwk: &Value) -> SigningRow {
        let life = Life {
            id: self.id,
            kid: kid.to_owned(),
            algorithm: self.of.as_str().to_owned(),
            published_at: self.at,
            active_from: self.active_from,
            pinned_from: self.pinned_from,
            retiring_from: None,
            retired_at: None,
            lost_at: None,
        };
        SigningRow { life, jwk: jwk.to_string() }
    }
}

/// The rows of one look, as decisions ask for them.
struct Lives<'s> {
    rows: &'s [SigningRow],
    holdings: &'s [Holding],
}

impl<'s> Lives<'s> {
    fn all(&self) -> Vec<Life> {
        self.rows.iter().map(|row| row.life.clone()).collect()
    }

    fn row(&self, id: &str) -> Option<&'s SigningRow> {
        self.rows.iter().find(|row| row.life.id == id)
    }

    fn holdings(&self) -> Holdings {
        self.holdings.iter().cloned().collect()
    }

    /// Those of one use that are published.
    fn of(&self, of: Use) -> Vec<&'s Life> {
        let lives = self.rows.iter().map(|row| &row.life);
        lives.filter(|life| life.algorithm == of.as_str() && life.is_published()).collect()
    }

    /// All that there are published keys for.
    fn uses(&self) -> impl Iterator<Item = Use> {
        Use::ALL.into_iter().filter(|of| !self.of(*of).is_empty())
    }

    /// `asked`, or those of tokens: what is announced to vendors must be asked for.
    fn asked(&self, asked: &[Use]) -> Vec<Use> {
        match asked {
            [] => self.uses().filter(|of| *of != Use::Saml).collect(),
            some => some.to_vec(),
        }
    }

    /// By id or `kid`.
    fn named(&self, name: &str) -> Result<&'s Life, Error> {
        let lives = self.rows.iter().map(|row| &row.life);
        lives.into_iter().find(|life| life.id == name || life.kid == name).ok_or_else(|| unknown(name))
    }

    /// Algorithm and generation.
    fn next_id(&self, of: Use) -> String {
        let name = of.as_str().to_ascii_lowercase();
        let generation = |life: &Life| life.id.strip_prefix(&name)?.strip_prefix('-')?.parse::<u64>().ok();
        let last = self.rows.iter().filter_map(|row| generation(&row.life)).max().unwrap_or(0);
        format!("{name}-{}", last + 1)
    }
}

pub(super) fn event(at: Timestamp, what: &str, life: &Life, by: &str) -> AuditEvent {
    let payload: Value = json!({ "what": what, "id": life.id, "kid": life.kid, "algorithm": life.algorithm, "by": by });
    AuditEvent { at, kind: Kind::KeyTurn, payload }
}

fn unknown(name: &str) -> Error {
    Error::Refused { code: "unknown-key", why: format!("there is no key {name:?}: see oneaccess keys list") }
}

fn contended() -> Error {
    Error::Refused { code: "keys-contended", why: "other processes keep changing the keys: try again".into() }
}
