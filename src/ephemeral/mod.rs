//! What may be forgotten: tickets, codes, throttle counts, replay guards. Owns time to live and single use;
//! what a value means is the caller's. In this process's memory for one replica, in Redis for several.

mod memory;
mod recent;
mod redis;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

pub use recent::Recent;

use crate::{
    domain::{clock::Timestamp, shelf::Place},
    telemetry::Metrics,
};
use memory::Memory;
// The module, not the package, whose one home it is.
use self::redis as shared;

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

impl Namespace {
    /// As keys spell it.
    fn as_str(self) -> &'static str {
        match self {
            Namespace::Ticket => "ticket",
            Namespace::Upstream => "upstream",
            Namespace::Turned => "turned",
            Namespace::Code => "code",
            Namespace::Device => "device",
            Namespace::UserCode => "user-code",
            Namespace::DeviceCode => "device-code",
            Namespace::SpentCode => "spent-code",
            Namespace::RevokedToken => "revoked-token",
            Namespace::SeenToken => "seen-token",
            Namespace::PostedRequest => "posted-request",
            Namespace::PushedRequest => "pushed-request",
            Namespace::Badge => "badge",
            Namespace::Throttle => "throttle",
            Namespace::Wish => "wish",
            Namespace::Departure => "departure",
            Namespace::Visit => "visit",
            Namespace::Answer => "answer",
        }
    }

    /// Whether losing a value harms nobody, but finding it again would: it opens something, once. What only guards or
    /// counts is the other way round.
    fn opens(self) -> bool {
        !matches!(self, Namespace::SpentCode | Namespace::RevokedToken | Namespace::SeenToken | Namespace::Throttle)
    }
}

/// What a shelf that others keep says of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// By its clock.
    pub now: Timestamp,
    /// The policy by which it throws values away when its memory is full, where it does.
    pub evicts: Option<String>,
    /// Whether what it holds outlives its restart, but for the last moments.
    pub keeps: bool,
}

/// The shelf did not answer. Never a reason to let somebody pass.
#[derive(Debug, thiserror::Error)]
#[error("the shelf does not answer: {0}")]
pub struct Away(pub String);

/// Where values are put for a while. Both kinds keep the same promises: `tests.rs` holds them to it.
pub enum Shelf {
    Memory(Memory),
    Redis(Box<shared::Redis>),
}

impl Default for Shelf {
    fn default() -> Self {
        Shelf::Memory(Memory::default())
    }
}

impl Shelf {
    /// The shelf at `place`, shared with every replica that names the same. Whether it answers shows when it is asked.
    /// `authorities`: PEM; absent, the public ones are trusted.
    ///
    /// # Errors
    /// Where the authorities cannot be read.
    pub fn at(place: &Place, authorities: Option<Vec<u8>>) -> Result<Shelf, Away> {
        Ok(Shelf::Redis(Box::new(shared::Redis::at(place, authorities)?)))
    }

    /// The same, with its answers measured.
    #[must_use]
    pub fn measured(mut self, metrics: Arc<Metrics>) -> Shelf {
        if let Shelf::Redis(redis) = &mut self {
            redis.measured(metrics);
        }
        self
    }

    /// `memory` or `redis`.
    pub fn kind(&self) -> &'static str {
        match self {
            Shelf::Memory(_) => "memory",
            Shelf::Redis(_) => "redis",
        }
    }

    /// How it stands; `None` where it is in this process.
    ///
    /// # Errors
    /// `Away`, with why.
    pub async fn standing(&self) -> Result<Option<Standing>, Away> {
        match self {
            Shelf::Memory(_) => Ok(None),
            Shelf::Redis(redis) => redis.standing().await.map(Some),
        }
    }

    /// Whether it answers at all.
    ///
    /// # Errors
    /// `Away`, with why.
    pub async fn ping(&self) -> Result<(), Away> {
        match self {
            Shelf::Memory(_) => Ok(()),
            Shelf::Redis(redis) => redis.ping().await,
        }
    }

    /// For how long nothing was forgotten before its time. A shelf in memory lives and dies with its process; Redis may have
    /// been flushed, or restarted without its data, and then counts say less than they seem to.
    ///
    /// # Errors
    /// `Away`.
    pub async fn remembers_since(&self) -> Result<Duration, Away> {
        match self {
            Shelf::Memory(_) => Ok(Duration::MAX),
            Shelf::Redis(redis) => redis.remembers_since().await,
        }
    }

    /// Puts `value` there for `ttl`, whatever was there before.
    pub async fn put(&self, space: Namespace, key: &str, value: Vec<u8>, ttl: Duration) -> Result<(), Away> {
        match self {
            Shelf::Memory(memory) => memory.put(space, key, value, ttl),
            Shelf::Redis(redis) => redis.put(space, key, value, ttl).await,
        }
    }

    /// Puts `value` there unless something is; says whether it did. A replay guard.
    pub async fn put_new(&self, space: Namespace, key: &str, value: Vec<u8>, ttl: Duration) -> Result<bool, Away> {
        match self {
            Shelf::Memory(memory) => memory.put_new(space, key, value, ttl),
            Shelf::Redis(redis) => redis.put_new(space, key, value, ttl).await,
        }
    }

    pub async fn get(&self, space: Namespace, key: &str) -> Result<Option<Vec<u8>>, Away> {
        match self {
            Shelf::Memory(memory) => memory.get(space, key),
            Shelf::Redis(redis) => redis.get(space, key).await,
        }
    }

    /// Takes the value away: of many who ask at once, exactly one gets it.
    pub async fn take(&self, space: Namespace, key: &str) -> Result<Option<Vec<u8>>, Away> {
        match self {
            Shelf::Memory(memory) => memory.take(space, key),
            Shelf::Redis(redis) => redis.take(space, key).await,
        }
    }

    /// Adds `by` to the counter and says what it is now and how long its window still lasts.
    /// The window begins with the first count. `by` may be 0, to look only.
    pub async fn count(&self, space: Namespace, key: &str, by: u64, window: Duration) -> Result<(u64, Duration), Away> {
        match self {
            Shelf::Memory(memory) => memory.count(space, key, by, window),
            Shelf::Redis(redis) => redis.count(space, key, by, window).await,
        }
    }

    /// Takes `by` off a counter again, never below nothing.
    pub async fn give_back(&self, space: Namespace, key: &str, by: u64) -> Result<(), Away> {
        match self {
            Shelf::Memory(memory) => memory.give_back(space, key, by),
            Shelf::Redis(redis) => redis.give_back(space, key, by).await,
        }
    }

    pub async fn forget(&self, space: Namespace, key: &str) -> Result<(), Away> {
        match self {
            Shelf::Memory(memory) => memory.forget(space, key),
            Shelf::Redis(redis) => redis.forget(space, key).await,
        }
    }
}
