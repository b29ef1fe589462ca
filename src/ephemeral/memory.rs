//! The shelf in this process's memory: one replica, and gone with it.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Mutex,
    time::{Duration, Instant},
};

use super::{Away, Namespace};

pub struct Memory {
    parts: Vec<Mutex<Part>>,
    hasher: RandomState,
}

type Key = (Namespace, String);
type Part = HashMap<Key, Slot>;

struct Slot {
    value: Vec<u8>,
    count: u64,
    until: Instant,
}

const PARTS: usize = 16;
/// A part this full is swept of what is over before it grows further.
const SWEEP_AT: usize = 1024;

impl Default for Memory {
    fn default() -> Self {
        Memory { parts: (0..PARTS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Memory {
    pub fn put(&self, space: Namespace, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Away> {
        self.with(space, key, |part, key, now| {
            part.insert(key, Slot { value, count: 0, until: now + ttl });
        })
    }

    pub fn put_new(&self, space: Namespace, key: &str, value: Vec<u8>, ttl: Duration) -> Result<bool, Away> {
        self.with(space, key, |part, key, now| {
            if part.get(&key).is_some_and(|slot| slot.until > now) {
                return false;
            }
            part.insert(key, Slot { value, count: 0, until: now + ttl });
            true
        })
    }

    pub fn get(&self, space: Namespace, key: &str) -> Result<Option<Vec<u8>>, Away> {
        self.with(space, key, |part, key, now| {
            part.get(&key).filter(|slot| slot.until > now).map(|slot| slot.value.clone())
        })
    }

    pub fn take(&self, space: Namespace, key: &str) -> Result<Option<Vec<u8>>, Away> {
        self.with(space, key, |part, key, now| part.remove(&key).filter(|slot| slot.until > now).map(|slot| slot.value))
    }

    pub fn count(&self, space: Namespace, key: &str, by: u64, window: Duration) -> Result<(u64, Duration), Away> {
        self.with(space, key, |part, key, now| {
            if by == 0 && part.get(&key).is_none_or(|slot| slot.until <= now) {
                return (0, Duration::ZERO);
            }
            let slot = part.entry(key).or_insert(Slot { value: Vec::new(), count: 0, until: now + window });
            if slot.until <= now {
                *slot = Slot { value: Vec::new(), count: 0, until: now + window };
            }
            slot.count = slot.count.saturating_add(by);
            (slot.count, slot.until - now)
        })
    }

    pub fn give_back(&self, space: Namespace, key: &str, by: u64) -> Result<(), Away> {
        self.with(space, key, |part, key, _| {
            if let Some(slot) = part.get_mut(&key) {
                slot.count = slot.count.saturating_sub(by);
            }
        })
    }

    pub fn forget(&self, space: Namespace, key: &str) -> Result<(), Away> {
        self.with(space, key, |part, key, _| {
            part.remove(&key);
        })
    }

    fn with<T>(&self, space: Namespace, key: &str, act: impl FnOnce(&mut Part, Key, Instant) -> T) -> Result<T, Away> {
        let key = (space, key.to_owned());
        let place = self.hasher.hash_one(&key) as usize % PARTS;
        let mut part = self.parts[place].lock().map_err(|_| Away("a thread died holding it".into()))?;
        let now = Instant::now();
        if part.len() >= SWEEP_AT && part.len() == part.capacity() {
            part.retain(|_, slot| slot.until > now);
        }
        Ok(act(&mut part, key, now))
    }
}
