//! What the operator does to keys: begins a rotation, moves its deadline, ends a key early, declares one lost.

use std::collections::BTreeSet;

use super::{Change, Make, event, scheduled, unknown};
use crate::{
    domain::{
        clock::Timestamp,
        key::{LONGEST_TOKEN_LIFE, Life, State},
    },
    keyring::{
        Error, KeyRing, Use,
        plan::{self, Turn},
    },
    store::Db,
};

/// What the operator asks for with `keys rotate`.
#[derive(Debug, Clone, Default)]
pub struct Rotate {
    /// Those of tokens that there are keys for, where none is named.
    pub uses: Vec<Use>,
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
    All(Vec<Use>),
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

impl KeyRing {
    /// Begins a rotation: the next key is published now, and used when every reader can have it.
    ///
    /// # Errors
    /// `rotation-in-flight` where one is under way for one of these algorithms, `too-early` where pinned readers would
    /// have to change before the others.
    pub async fn rotate(&self, db: &Db, wish: &Rotate, now: Timestamp) -> Result<Vec<Rotation>, Error> {
        let ids = self
            .change(db, now, |lives| {
                let mut change = Change::default();
                let mut begun = Vec::new();
                for of in lives.asked(&wish.uses) {
                    let (of_it, schedule) = (lives.of(of), self.schedules.of(of.as_str()));
                    let active_from = schedule.had_by_all(now);
                    let pinned_from = wish.pinned_until.unwrap_or(now + schedule.pinned_for).max(active_from);
                    if wish.pinned_until.is_some_and(|until| until < active_from) {
                        let at = active_from.rfc3339();
                        let why = format!("pinned vendors cannot change before everybody has the key, at {at}");
                        return Err(Error::Refused { code: "too-early", why });
                    }
                    let before = plan::newest(&of_it).map(|life| life.id.clone());
                    if before.is_none() {
                        let name = of.as_str();
                        let why = format!("there is no key for {name}: it is made when a vendor is registered for it");
                        return Err(Error::Refused { code: "unknown-key", why });
                    }
                    if plan::in_flight(&of_it, now) && !wish.force {
                        let name = of.as_str();
                        let why = format!("a rotation of {name} is under way: see oneaccess keys list, or say --force");
                        return Err(Error::Refused { code: "rotation-in-flight", why });
                    }
                    let id = lives.next_id(of);
                    begun.push((id.clone(), before));
                    change.make.push(Make { of, id, at: now, active_from, pinned_from });
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
                    Emergency::All(all) => {
                        let theirs =
                            lives.rows.iter().filter(|row| all.iter().any(|of| of.as_str() == row.life.algorithm));
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
                for of in lives.uses() {
                    let of_it = lives.of(of);
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
                                let id = lives.next_id(of);
                                instead.push(id.clone());
                                change.make.push(Make { of, id, at: now, active_from: now, pinned_from: now });
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
                let last = from + LONGEST_TOKEN_LIFE + self.schedules.of(&life.algorithm).margin;
                if now < last && !force {
                    let last = last.rfc3339();
                    return refuse(
                        "key-needed",
                        format!("what {id} signed may be good until {last}: wait, or say --force"),
                    );
                }
                let turns = [Turn::Retire { id: id.clone() }];
                let mut change = scheduled(lives, &self.schedules, &turns, now);
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
    pub async fn defer(&self, db: &Db, uses: &[Use], until: Timestamp, now: Timestamp) -> Result<Vec<Deferred>, Error> {
        self.change(db, now, |lives| {
            let mut change = Change::default();
            let mut moved = Vec::new();
            for of in lives.asked(uses) {
                let Some(newest) = plan::newest(&lives.of(of)) else { continue };
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
}
