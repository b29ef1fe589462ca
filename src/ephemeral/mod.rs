//! What may be forgotten: tickets, codes, throttle counts, replay guards. Owns time to live and single use;
//! what a value means is the caller's. In this process's memory, so one replica.

mod recent;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::Mutex,
    time::{Duration, Instant},
};

pub use recent::Recent;

/// Kinds of values, so that a ticket can never be spent as a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Namespace {
    /// A pending grant, between authorize and the end of sign-in.
    Ticket,
    /// A browser that was sent to an upstream, under the state that comes back with it.
    Upstream,
    /// Why an upstream did not let somebody in, for the page that says so.
    Turned,
    /// An authorization code.
    Code,
    /// A device that waits for its reader, under its hashed device code.
    Device,
    /// What a waiting device shows to be typed in, hashed.
    UserCode,
    /// A device code that was said yes to.
    DeviceCode,
    /// A spent code, which remembers its grant until it would have expired.
    SpentCode,
    /// A token about no reader that its client gave back.
    RevokedToken,
    /// The id of a token that must not come twice: client assertions, DPoP proofs.
    SeenToken,
    /// A request that a vendor's page posted, until the browser comes back for it.
    PostedRequest,
    /// A pushed authorization request.
    PushedRequest,
    /// A badge that was read, while its pictures are picked.
    Badge,
    /// Wrong tries.
    Throttle,
    /// A vendor's wish that a patron signs out, while she is asked.
    Wish,
    /// A sign-out just done, for the page that tells of it.
    Departure,
    /// A browser on its way to a relying party and back, to tell it of a sign-out.
    Visit,
    /// What a relying party that asked for a sign-out is answered when everybody else was told.
    Answer,
}

/// The shelf did not answer. Never a reason to let somebody pass.
#[derive(Debug, thiserror::Error)]
#[error("the shelf does not answer: {0}")]
pub struct Away(pub String);

/// The in-process shelf.
pub struct Shelf {
    parts: Vec<Mutex<HashMap<(Namespace, String), Slot>>>,
    hasher: RandomState,
}

struct Slot {
    value: Vec<u8>,
    count: u64,
    until: Instant,
}

const PARTS: usize = 16;
/// A part this full is swept of what is over before it grows further.
const SWEEP_AT: usize = 1024;

impl Default for Shelf {
    fn default() -> Self {
        Shelf { parts: (0..PARTS).map(|_| Mutex::default()).collect(), hasher: RandomState::new() }
    }
}

impl Shelf {
    /// Puts `value` there for `ttl`, whatever was there before.
    pub async fn put(&self, space: Namespace, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Away> {
        self.with(space, key, |part, key, now| {
            part.insert(key, Slot { value, count: 0, until: now + ttl });
        })
    }

    /// Puts `value` there unless something is; says whether it did. A replay guard.
    pub async fn put_new(&self, space: Namespace, key: &str, value: Vec<u8>, ttl: Duration) -> Result<bool, Away> {
        self.with(space, key, |part, key, now| {
            if part.get(&key).is_some_and(|slot| slot.until > now) {
                return false;
            }
            part.insert(key, Slot { value, count: 0, until: now + ttl });
            true
        })
    }

    pub async fn get(&self, space: Namespace, key: &str) -> Result<Option<Vec<u8>>, Away> {
        self.with(space, key, |part, key, now| {
            part.get(&key).filter(|slot| slot.until > now).map(|slot| slot.value.clone())
        })
    }

    /// Takes the value away: of many who ask at once, exactly one gets it.
    pub async fn take(&self, space: Namespace, key: &str) -> Result<Option<Vec<u8>>, Away> {
        self.with(space, key, |part, key, now| part.remove(&key).filter(|slot| slot.until > now).map(|slot| slot.value))
    }

    /// Adds `by` to the counter and says what it is now and how long its window still lasts.
    /// The window begins with the first count. `by` may be 0, to look only.
    pub async fn count(&self, space: Namespace, key: &str, by: u64, window: Duration) -> Result<(u64, Duration), Away> {
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

    /// Takes `by` off a counter again, never below nothing.
    pub async fn give_back(&self, space: Namespace, key: &str, by: u64) -> Result<(), Away> {
        self.with(space, key, |part, key, _| {
            if let Some(slot) = part.get_mut(&key) {
                slot.count = slot.count.saturating_sub(by);
            }
        })
    }

    pub async fn forget(&self, space: Namespace, key: &str) -> Result<(), Away> {
        self.with(space, key, |part, key, _| {
            part.remove(&key);
        })
    }

    fn with<T>(
        &self,
        space: Namespace,
        key: &str,
        act: impl FnOnce(&mut HashMap<(Namespace, String), Slot>, (Namespace, String), Instant) -> T,
    ) -> Result<T, Away> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const LONG: Duration = Duration::from_secs(60);

    #[tokio::test(flavor = "multi_thread")]
    async fn of_sixty_four_who_take_at_once_one_gets_it() {
        let shelf = Arc::new(Shelf::default());
        shelf.put(Namespace::Code, "c", b"grant".to_vec(), LONG).await.unwrap();
        let takers: Vec<_> = (0..64)
            .map(|_| {
                let shelf = shelf.clone();
                tokio::spawn(async move { shelf.take(Namespace::Code, "c").await.unwrap().is_some() })
            })
            .collect();
        let mut winners = 0;
        for taker in takers {
            winners += usize::from(taker.await.unwrap());
        }
        assert_eq!(winners, 1);
    }

    #[tokio::test]
    async fn a_ticket_is_no_code() {
        let shelf = Shelf::default();
        shelf.put(Namespace::Ticket, "same", b"x".to_vec(), LONG).await.unwrap();
        assert_eq!(shelf.take(Namespace::Code, "same").await.unwrap(), None);
        assert!(shelf.take(Namespace::Ticket, "same").await.unwrap().is_some());
    }

    #[tokio::test]
    async fn what_is_over_is_not_there() {
        let shelf = Shelf::default();
        shelf.put(Namespace::Code, "c", b"x".to_vec(), Duration::ZERO).await.unwrap();
        assert_eq!(shelf.get(Namespace::Code, "c").await.unwrap(), None);
        assert!(shelf.put_new(Namespace::Code, "c", b"y".to_vec(), LONG).await.unwrap());
        assert!(!shelf.put_new(Namespace::Code, "c", b"z".to_vec(), LONG).await.unwrap());
    }

    #[tokio::test]
    async fn looking_at_a_counter_does_not_count() {
        let shelf = Shelf::default();
        assert_eq!(shelf.count(Namespace::Throttle, "k", 0, LONG).await.unwrap().0, 0);
        assert_eq!(shelf.count(Namespace::Throttle, "k", 1, LONG).await.unwrap().0, 1);
        assert_eq!(shelf.count(Namespace::Throttle, "k", 0, LONG).await.unwrap().0, 1);
        assert_eq!(shelf.count(Namespace::Throttle, "k", 1, LONG).await.unwrap().0, 2);
    }
}
