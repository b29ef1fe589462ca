//! Turning keys: what `plan` or the operator says is carried out in one transaction each, with its audit. Of two
//! processes that would turn the same key one wins, and the other looks again.

use std::{collections::BTreeSet, path::Path};

use serde_json::{Value, json};

use super::{
    Algorithm, Error, KeyRing, Made, SIGN, Secret,
    kek::{self, Kek, Seal, random},
    plan::{self, Turn},
    unwrap_all,
};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        clock::{Clock, Timestamp},
        key::{Life, Reading, Schedule, State},
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

/// A signing key to be made, and its dates.
struct Make {
    algorithm: Algorithm,
    id: String,
    at: Timestamp,
    active_from: Timestamp,
    pinned_from: Timestamp,
}

/// What the operator asks for with `keys rotate`.
#[derive(Debug, Clone, Default)]
pub struct Rotate {
    /// All that there are keys for, where none is named.
    pub algorithms: Vec<Algorithm>,
    pub pinned_until: Option<Timestamp>,
    /// Even where one is under way.
    pub force: bool,
}

/// A rotation that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rotation {
    pub next: Life,
    /// What signs today.
    pub before: Option<Life>,
}

/// Which keys are lost.
#[derive(Debug, Clone)]
pub enum Emergency {
    Key(String),
    Algorithms(Vec<Algorithm>),
}

/// What an emergency rotation did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Lost {
    pub lost: Vec<Life>,
    /// In use from now on: made now, or published before.
    pub instead: Vec<Life>,
}

/// A deadline of pinned readers that was moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deferred {
    pub next: Life,
    pub was: Timestamp,
}

/// A change of the key-encryption key.
#[derive(Debug)]
pub struct Rewrapped {
    pub keys: usize,
    /// Why the files could not change names, as on a mount that is read alone: everything goes on with `kek.next`.
    pub misnamed: Option<Error>,
}

impl KeyRing {
    /// Carries out what is due by schedule, and says what that was. Costs nothing where nothing is.
    ///
    /// # Errors
    /// Those of the database and of the key-encryption key; then it is due still.
    pub async fn turn(&self, db: &Db, readings: &[Reading], now: Timestamp) -> Result<Vec<Turn>, Error> {
        if plan::plan(&self.lives(), &self.schedule, readings, now).is_empty() {
            return Ok(Vec::new());
        }
        self.change(db, now, |lives| {
            let turns = plan::plan(&lives.all(), &self.schedule, readings, now);
            let change = scheduled(lives, &self.schedule, &turns, now);
            Ok((change, turns))
        })
        .await
    }

    /// Begins a rotation: the next key is published now, and used when every reader can have it.
    ///
    /// # Errors
    /// `rotation-in-flight` where one is under way for one of these algorithms, `too-early` where pinned readers would
    /// have to change before the others.
    pub async fn rotate(&self, db: &Db, wish: &Rotate, now: Timestamp) -> Result<Vec<Rotation>, Error> {
        let active_from = self.schedule.had_by_all(now);
        let pinned_from = wish.pinned_until.unwrap_or(now + self.schedule.pinned_for).max(active_from);
        if wish.pinned_until.is_some_and(|until| until < active_from) {
            let why =
                format!("pinned vendors cannot change before everybody has the key, at {}", active_from.rfc3339());
            return Err(Error::Refused { code: "too-early", why });
        }
        let ids = self
            .change(db, now, |lives| {
                let mut change = Change::default();
                let mut begun = Vec::new();
                for algorithm in lives.algorithms(&wish.algorithms) {
                    let of_it = lives.of(algorithm);
                    let before = plan::newest(&of_it).map(|life| life.id.clone());
                    if before.is_none() {
                        let name = algorithm.as_str();
                        let why = format!("there is no key for {name}: it is made when a vendor is registered for it");
                        return Err(Error::Refused { code: "unknown-key", why });
                    }
                    if plan::in_flight(&of_it, now) && !wish.force {
                        let name = algorithm.as_str();
                        let why = format!("a rotation of {name} is under way: see oneaccess keys list, or say --force");
                        return Err(Error::Refused { code: "rotation-in-flight", why });
                    }
                    let id = lives.next_id(algorithm);
                    begun.push((id.clone(), before));
                    change.make.push(Make { algorithm, id, at: now, active_from, pinned_from });
                }
                Ok((change, begun))
            })
            .await?;
        let lives = self.lives();
        let life = |id: &String| lives.iter().find(|life| life.id == *id).cloned();
        Ok(ids
            .iter()
            .filter_map(|(id, before)| Some(Rotation { next: life(id)?, before: before.as_ref().and_then(life) }))
            .collect())
    }

    /// A key is lost: it is refused everywhere from now on, and another one signs at once, for all readers.
    ///
    /// # Errors
    /// `unknown-key` where there is none of that name, `lost-already`.
    pub async fn lose(&self, db: &Db, which: &Emergency, now: Timestamp) -> Result<Lost, Error> {
        let (lost, instead) = self
            .change(db, now, |lives| {
                let ids: BTreeSet<String> = match which {
                    Emergency::Key(name) => [lives.named(name)?.id.clone()].into(),
                    Emergency::Algorithms(all) => {
                        let theirs =
                            lives.rows.iter().filter(|row| all.iter().any(|a| a.as_str() == row.life.algorithm));
                        theirs.filter(|row| row.life.lost_at.is_none()).map(|row| row.life.id.clone()).collect()
                    }
                };
                if ids.iter().any(|id| lives.row(id).is_some_and(|row| row.life.lost_at.is_some())) || ids.is_empty() {
                    let why = "this key was declared lost before".to_owned();
                    return Err(Error::Refused { code: "lost-already", why });
                }
                let mut change = Change::default();
                let mut instead = Vec::new();
                for id in &ids {
                    let Some(mut row) = lives.row(id).cloned() else { continue };
                    row.life.lost_at = Some(now);
                    change.events.push(event(now, "lost", &row.life, "command"));
                    change.put.push(row);
                }
                for algorithm in lives.algorithms(&[]) {
                    let of_it = lives.of(algorithm);
                    let signed = |life: &&&Life| ids.contains(&life.id) && life.state(now) == State::Active;
                    if of_it.iter().any(|life| signed(&life)) {
                        // One that is published already is the better one: many have it.
                        let waiting =
                            of_it.iter().find(|life| life.state(now) == State::Next && !ids.contains(&life.id));
                        match waiting.and_then(|life| lives.row(&life.id)).cloned() {
                            Some(mut row) => {
                                (row.life.active_from, row.life.pinned_from) = (now, now);
                                change.events.push(event(now, "active at once", &row.life, "command"));
                                instead.push(row.life.id.clone());
                                change.put.push(row);
                            }
                            None => {
                                let id = lives.next_id(algorithm);
                                instead.push(id.clone());
                                change.make.push(Make { algorithm, id, at: now, active_from: now, pinned_from: now });
                            }
                        }
                    }
                }
                Ok((change, (ids, instead)))
            })
            .await?;
        let all = self.lives();
        let pick = |ids: &mut dyn Iterator<Item = &String>| -> Vec<Life> {
            ids.filter_map(|id| all.iter().find(|life| life.id == *id).cloned()).collect()
        };
        Ok(Lost { lost: pick(&mut lost.iter()), instead: pick(&mut instead.iter()) })
    }

    /// Ends a retiring key before its time.
    ///
    /// # Errors
    /// `unknown-key`; `key-in-use` where it still signs or will; `key-needed` where tokens that it signed may still be
    /// good, unless `force`.
    pub async fn retire(&self, db: &Db, name: &str, force: bool, now: Timestamp) -> Result<Life, Error> {
        let id = self
            .change(db, now, |lives| {
                let life = lives.named(name)?;
                let refuse = |code, why: String| Err(Error::Refused { code, why });
                let (state, id) = (life.state(now), &life.id);
                let Some(from) = life.retiring_from.filter(|_| state == State::Retiring) else {
                    return refuse(
                        "key-in-use",
                        format!("{id} is {}: only a retiring key can be retired", state.as_str()),
                    );
                };
                let last = from + crate::domain::key::LONGEST_TOKEN_LIFE + self.schedule.margin;
                if now < last && !force {
                    let last = last.rfc3339();
                    return refuse(
                        "key-needed",
                        format!("tokens that {id} signed may be good until {last}: wait, or say --force"),
                    );
                }
                let turns = [Turn::Retire { id: id.clone() }];
                let mut change = scheduled(lives, &self.schedule, &turns, now);
                change.events = vec![event(now, "retired", life, "command")];
                Ok((change, id.clone()))
            })
            .await?;
        self.lives().into_iter().find(|life| life.id == id).ok_or_else(|| unknown(name))
    }

    /// Moves the deadline of pinned readers of the rotations under way.
    ///
    /// # Errors
    /// `no-rotation` where none of them waits for pinned readers, `too-early` as for `rotate`.
    pub async fn defer(
        &self,
        db: &Db,
        algorithms: &[Algorithm],
        until: Timestamp,
        now: Timestamp,
    ) -> Result<Vec<Deferred>, Error> {
        self.change(db, now, |lives| {
            let mut change = Change::default();
            let mut moved = Vec::new();
            for algorithm in lives.algorithms(algorithms) {
                let Some(newest) = plan::newest(&lives.of(algorithm)) else { continue };
                if newest.pinned_from <= now {
                    continue;
                }
                if until < newest.active_from.max(now) {
                    let why = format!("pinned vendors cannot change before {}", newest.active_from.max(now).rfc3339());
                    return Err(Error::Refused { code: "too-early", why });
                }
                if let Some(mut row) = lives.row(&newest.id).cloned() {
                    let was = std::mem::replace(&mut row.life.pinned_from, until);
                    change.events.push(event(now, "deferred", &row.life, "command"));
                    moved.push(Deferred { next: row.life.clone(), was });
                    change.put.push(row);
                }
            }
            if moved.is_empty() {
                let why = "no rotation under way waits for pinned vendors".to_owned();
                return Err(Error::Refused { code: "no-rotation", why });
            }
            Ok((change, moved))
        })
        .await
    }

    /// Wraps every key anew, by the key of `new` or one made now, and puts that file in the place of the old one, which
    /// stays beside it as `kek.old`. Broken off at any point, nothing is lost, and doing
    /// it again goes on from there.
    ///
    /// # Errors
    /// As `open`; `Kek` where `new` cannot be used.
    pub async fn rewrap(&self, db: &Db, new: Option<&Path>, now: Timestamp) -> Result<Rewrapped, Error> {
        let next = kek::next(&self.kek);
        for _ in 0..TRIES {
            let snapshot = db.keys().load().await?;
            let secrets = unwrap_all(&snapshot, &self.kek)?;
            let places =
                snapshot.material.iter().map(|row| (row.id.as_str(), row.purpose.as_str(), row.wrapped.as_str()));
            let (_, in_use) = Kek::for_rows(&self.kek, places)?;
            if in_use == next {
                // Broken off between the rows and the files.
                return Ok(Rewrapped { keys: secrets.len(), misnamed: kek::change_names(&self.kek).err() });
            }
            let fresh = match new {
                Some(file) => Kek::copy(file, &next)?,
                None => Kek::create(&next)?,
            };
            let mut tx = db.begin().await?;
            if !tx.keys().claim(snapshot.version).await? {
                continue;
            }
            for row in &snapshot.material {
                // A row that this release does not know cannot be left behind under a key that goes.
                let secret = secrets.get(row.id.as_str()).ok_or_else(|| Error::Key {
                    id: row.id.clone(),
                    why: "a newer release made it: change the key-encryption key with that one".into(),
                })?;
                tx.keys().rewrap(&row.id, &fresh.wrap(&row.id, &row.purpose, secret)?).await?;
            }
            let payload =
                json!({ "what": "key-encryption key changed", "keys": snapshot.material.len(), "by": "command" });
            audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Kind::KeyTurn, payload }]).await?;
            tx.commit().await?;
            return Ok(Rewrapped { keys: snapshot.material.len(), misnamed: kek::change_names(&self.kek).err() });
        }
        Err(contended())
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
            let (change, answer) = decide(&Lives { rows: &snapshot.signing })?;
            if write(db, &self.kek, &snapshot, change).await? {
                self.reload(db, now).await?;
                return Ok(answer);
            }
        }
        Err(contended())
    }
}

/// All keys of the database, with what a first start must make.
pub(super) async fn with_first_keys(db: &Db, path: &Path, clock: &Clock) -> Result<(Snapshot, Vec<Made>), Error> {
    let mut made = Vec::new();
    for _ in 0..TRIES {
        let snapshot = db.keys().load().await?;
        if snapshot.material.is_empty() && Kek::read(path)?.is_none() {
            Kek::create(path)?;
        }
        let secrets = unwrap_all(&snapshot, path)?;
        let mut change = Change { put: adopted(&snapshot, &secrets)?, ..Change::default() };
        let now = clock.now();
        let known: Vec<SigningRow> = snapshot.signing.iter().chain(&change.put).cloned().collect();
        let lives = Lives { rows: &known };
        let turns = plan::plan(&lives.all(), &Schedule { rotate_every: None, ..Schedule::default() }, &[], now);
        let firsts = turns.into_iter().filter(|turn| matches!(turn, Turn::Make { first: true, .. }));
        change.make = scheduled(&lives, &Schedule::default(), &firsts.collect::<Vec<_>>(), now).make;
        let secrets = Secret::ALL.into_iter().filter(|what| !secrets.contains_key(what.id()));
        let missing: Vec<Secret> = secrets.collect();
        if change.put.is_empty() && change.make.is_empty() && missing.is_empty() {
            return Ok((snapshot, made));
        }
        let of_keys = change.make.iter().map(|make| (make.id.clone(), SIGN, make.algorithm.as_str()));
        let of_secrets = missing.iter().map(|what| (what.id().to_owned(), what.purpose(), what.algorithm()));
        let all = of_keys.chain(of_secrets);
        let all: Vec<Made> =
            all.map(|(id, purpose, alg)| Made { id, purpose: purpose.into(), algorithm: alg.into() }).collect();
        if write_with(db, path, &snapshot, change, &missing, now).await? {
            made = all;
        }
    }
    Err(contended())
}

/// Signing keys of a release that kept no dates: in use since they were made.
fn adopted(snapshot: &Snapshot, secrets: &std::collections::HashMap<&str, Vec<u8>>) -> Result<Vec<SigningRow>, Error> {
    let unknown = |row: &&WrappedKey| row.purpose == SIGN && !snapshot.signing.iter().any(|key| key.life.id == row.id);
    let mut rows = Vec::new();
    for row in snapshot.material.iter().filter(unknown) {
        let (Some(algorithm), Some(secret)) = (Algorithm::named(&row.algorithm), secrets.get(row.id.as_str())) else {
            continue;
        };
        let broken = |e: crate::wire::jose::Error| Error::Key { id: row.id.clone(), why: e.to_string() };
        let key = SigningKey::from_pkcs8(algorithm, secret).map_err(broken)?;
        rows.push(signing_row(&key, row.id.clone(), row.created_at, row.created_at, row.created_at));
    }
    Ok(rows)
}

/// What carries out `turns`.
fn scheduled(lives: &Lives<'_>, schedule: &Schedule, turns: &[Turn], now: Timestamp) -> Change {
    let mut change = Change::default();
    for turn in turns {
        match turn {
            Turn::Make { algorithm, first } => {
                let Some(algorithm) = Algorithm::named(algorithm) else { continue };
                let active_from = if *first { now } else { schedule.had_by_all(now) };
                let pinned_from = if *first { now } else { active_from.max(now + schedule.pinned_for) };
                let id = lives.next_id(algorithm);
                change.make.push(Make { algorithm, id, at: now, active_from, pinned_from });
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

async fn write(db: &Db, path: &Path, seen: &Snapshot, change: Change) -> Result<bool, Error> {
    let now = change.make.first().map_or(Timestamp(0), |make| make.at);
    write_with(db, path, seen, change, &[], now).await
}

/// One transaction: `false`, and nothing written, where the keys changed since `seen`.
async fn write_with(
    db: &Db,
    path: &Path,
    seen: &Snapshot,
    change: Change,
    secrets: &[Secret],
    now: Timestamp,
) -> Result<bool, Error> {
    let Change { make, put, mut events } = change;
    let made = tokio::task::spawn_blocking(move || make.into_iter().map(made).collect::<Result<Vec<_>, _>>());
    let made = made.await.map_err(|e| Error::Key { id: "new".into(), why: e.to_string() })??;
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
        material.push(WrappedKey { id, purpose: SIGN.into(), algorithm, wrapped, created_at: row.life.published_at });
    }
    for what in secrets {
        let wrapped = kek.wrap(what.id(), what.purpose(), &random::<32>()?)?;
        let (id, purpose, algorithm) = (what.id().into(), what.purpose().into(), what.algorithm().into());
        material.push(WrappedKey { id, purpose, algorithm, wrapped, created_at: now });
    }
    let begun = material.iter().map(|row| AuditEvent {
        at: row.created_at,
        kind: Kind::KeyMade,
        payload: json!({ "id": row.id, "purpose": row.purpose, "algorithm": row.algorithm }),
    });
    events.splice(0..0, begun.collect::<Vec<_>>());
    let mut tx = db.begin().await?;
    if !tx.keys().claim(seen.version).await? {
        return Ok(false);
    }
    for row in &material {
        tx.keys().add_material(row).await?;
    }
    for row in put.iter().chain(made.iter().map(|(row, _)| row)) {
        tx.keys().put_signing(row).await?;
        if !row.life.is_published() {
            tx.keys().forget_material(&row.life.id).await?;
        }
    }
    if !events.is_empty() {
        audit::append_alone(&mut tx, &events).await?;
    }
    tx.commit().await?;
    Ok(true)
}

fn made(make: Make) -> Result<(SigningRow, Vec<u8>), Error> {
    let failed = |e: crate::wire::jose::Error| Error::Key { id: make.id.clone(), why: e.to_string() };
    let secret = SigningKey::generate(make.algorithm).map_err(failed)?;
    let key = SigningKey::from_pkcs8(make.algorithm, &secret).map_err(failed)?;
    let row = signing_row(&key, make.id.clone(), make.at, make.active_from, make.pinned_from);
    Ok((row, secret))
}

fn signing_row(
    key: &SigningKey,
    id: String,
    at: Timestamp,
    active_from: Timestamp,
    pinned_from: Timestamp,
) -> SigningRow {
    let (kid, algorithm) = (key.kid().to_owned(), key.algorithm().as_str().to_owned());
    let dates = (None, None, None);
    let (retiring_from, retired_at, lost_at) = dates;
    let life =
        Life { id, kid, algorithm, published_at: at, active_from, pinned_from, retiring_from, retired_at, lost_at };
    SigningRow { life, jwk: key.jwk().to_string() }
}

/// The rows of one look, as decisions ask for them.
struct Lives<'s> {
    rows: &'s [SigningRow],
}

impl<'s> Lives<'s> {
    fn all(&self) -> Vec<Life> {
        self.rows.iter().map(|row| row.life.clone()).collect()
    }

    fn row(&self, id: &str) -> Option<&'s SigningRow> {
        self.rows.iter().find(|row| row.life.id == id)
    }

    /// Those of one algorithm that are published.
    fn of(&self, algorithm: Algorithm) -> Vec<&'s Life> {
        let lives = self.rows.iter().map(|row| &row.life);
        lives.filter(|life| life.algorithm == algorithm.as_str() && life.is_published()).collect()
    }

    /// `asked`, or all that there are published keys for.
    fn algorithms(&self, asked: &[Algorithm]) -> Vec<Algorithm> {
        let there = |algorithm: &Algorithm| !self.of(*algorithm).is_empty();
        match asked {
            [] => Algorithm::ALL.into_iter().filter(there).collect(),
            some => some.to_vec(),
        }
    }

    /// By id or `kid`.
    fn named(&self, name: &str) -> Result<&'s Life, Error> {
        let lives = self.rows.iter().map(|row| &row.life);
        lives.into_iter().find(|life| life.id == name || life.kid == name).ok_or_else(|| unknown(name))
    }

    /// Algorithm and generation.
    fn next_id(&self, algorithm: Algorithm) -> String {
        let name = algorithm.as_str().to_ascii_lowercase();
        let generation = |life: &Life| life.id.strip_prefix(&name)?.strip_prefix('-')?.parse::<u64>().ok();
        let last = self.rows.iter().filter_map(|row| generation(&row.life)).max().unwrap_or(0);
        format!("{name}-{}", last + 1)
    }
}

fn event(at: Timestamp, what: &str, life: &Life, by: &str) -> AuditEvent {
    let payload: Value = json!({ "what": what, "id": life.id, "kid": life.kid, "algorithm": life.algorithm, "by": by });
    AuditEvent { at, kind: Kind::KeyTurn, payload }
}

fn unknown(name: &str) -> Error {
    Error::Refused { code: "unknown-key", why: format!("there is no key {name:?}: see oneaccess keys list") }
}

fn contended() -> Error {
    Error::Refused { code: "keys-contended", why: "other processes keep changing the keys: try again".into() }
}
