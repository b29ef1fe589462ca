//! When keys turn: *next* → *active* → *retiring* → *retired*. Pure: from the keys' dates, the schedule, who reads
//! and an instant follow the turns that are due. Carrying them out is `change`'s.

use std::{collections::BTreeSet, time::Duration};

use super::Use;
use crate::domain::{
    clock::Timestamp,
    key::{Life, Reader, Reading, SAML, Schedule, Schedules, State},
};

/// A step of one key's life that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turn {
    /// Make and publish a key for this algorithm: the first one, which is used at once since there is no other, or
    /// the next one.
    Make { algorithm: String, first: bool },
    /// Nobody is signed for with this key any more.
    Rest { id: String },
    /// Stop publishing it, and forget its private half.
    Retire { id: String },
}

/// The key that signs at `now`, among keys of one algorithm, for whom `reader_for` says as which reader they count for each
/// of them.
pub fn signs_for<'k>(
    keys: impl IntoIterator<Item = &'k Life>,
    reader_for: impl Fn(&Life) -> Reader,
    now: Timestamp,
    margin: Duration,
) -> Option<&'k Life> {
    let rank = |key: &&Life| {
        let state = key.state(now);
        let due = key.from(reader_for(key), margin) <= now;
        // First whom it is meant for, the newest of them. Where none is, as after an emergency or for a reader who
        // came late, whatever signs for others; at the very last a key that only just was published.
        let order = match (state, due) {
            (State::Active, true) => 3,
            (State::Active, false) => 2,
            (State::Next, _) => 1,
            _ => 0,
        };
        (order, if due { key.active_from } else { Timestamp(key.active_from.0.saturating_neg()) }, key.published_at)
    };
    keys.into_iter()
        .filter(|key| matches!(key.state(now), State::Next | State::Active))
        .max_by(|a, b| rank(a).cmp(&rank(b)).then_with(|| a.id.cmp(&b.id)))
}

/// Every turn that is due at `now`. Carried out, it leaves nothing due.
pub fn plan(keys: &[Life], schedules: &Schedules, readings: &[Reading], now: Timestamp) -> Vec<Turn> {
    let mut turns = Vec::new();
    for algorithm in wanted(keys, readings) {
        let schedule = schedules.of(algorithm);
        let of_it: Vec<&Life> = keys.iter().filter(|key| key.algorithm == algorithm && key.is_published()).collect();
        let Some(newest) = newest(&of_it) else {
            turns.push(Turn::Make { algorithm: algorithm.to_owned(), first: true });
            continue;
        };
        for key in &of_it {
            match key.retiring_from {
                Some(at) if schedule.needed_by_none(at) <= now => turns.push(Turn::Retire { id: key.id.clone() }),
                Some(_) => {}
                None if key.id != newest.id && !is_used(key, &of_it, schedule, readings, now) => {
                    turns.push(Turn::Rest { id: key.id.clone() });
                }
                None => {}
            }
        }
        let due = schedule.rotate_every.is_some_and(|every| rotation_due(newest, schedule, every) <= now);
        if due && !in_flight(&of_it, now) {
            turns.push(Turn::Make { algorithm: algorithm.to_owned(), first: false });
        }
    }
    turns
}

/// When the next key is published, so that this one was used for `every` when that one takes over.
pub fn rotation_due(newest: &Life, schedule: &Schedule, every: Duration) -> Timestamp {
    newest.active_from + every.saturating_sub(schedule.cache_lifetime + schedule.margin)
}

/// Whether a rotation is under way: a key waits for its readers, or some of them are still on the one before.
pub fn in_flight<'k>(of_one_algorithm: impl IntoIterator<Item = &'k &'k Life>, now: Timestamp) -> bool {
    let signing = |key: &&&Life| matches!(key.state(now), State::Next | State::Active);
    of_one_algorithm.into_iter().filter(signing).count() > 1
}

pub fn newest<'k>(of_one_algorithm: &[&'k Life]) -> Option<&'k Life> {
    let signing = of_one_algorithm.iter().filter(|key| key.retiring_from.is_none() && key.is_published());
    signing.max_by_key(|key| (key.active_from, key.published_at, &key.id)).copied()
}

/// Whether `key` signs for anybody. Whoever is not registered yet is an ordinary reader.
fn is_used(key: &Life, of_it: &[&Life], schedule: &Schedule, readings: &[Reading], now: Timestamp) -> bool {
    let theirs = readings.iter().filter(|reading| reading.algorithms.contains(&key.algorithm));
    let signs = |reader_for: &dyn Fn(&Life) -> Reader| {
        signs_for(of_it.iter().copied(), reader_for, now, schedule.margin).is_some_and(|signer| signer.id == key.id)
    };
    // A key that waits is not unused: its time comes.
    key.state(now) == State::Next
        || signs(&|_| Reader::Normal)
        || theirs.into_iter().any(|r| signs(&|life| r.reader_for(life)))
}

/// What is signed with at all: RS256, ES256 and for SAML always, the others from when a relying party first wants them.
fn wanted<'a>(keys: &'a [Life], readings: &'a [Reading]) -> BTreeSet<&'a str> {
    let kept = keys.iter().filter(|key| key.is_published()).map(|key| key.algorithm.as_str());
    let asked = readings.iter().flat_map(|reading| &reading.algorithms).map(String::as_str);
    let ours = |name: &&str| Use::named(name).is_some();
    kept.chain(asked).chain(["RS256", "ES256", SAML]).filter(ours).collect()
}

#[cfg(test)]
mod tests;
