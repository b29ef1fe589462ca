//! What a relying party is told when a session ends that went through to it.

use super::{
    clock::Timestamp,
    id::{PatronId, SessionId, VendorId},
};

/// One relying party that an ended session had a grant at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parting {
    pub session: SessionId,
    pub patron: PatronId,
    pub vendor: VendorId,
    pub protocol: String,
    pub relying_party: String,
}

/// A message that somebody is about to send: nobody else sends it for a while.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    pub parting: Parting,
    /// This try included.
    pub tries: u32,
}

/// How a try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tried {
    pub parting: Parting,
    pub tries: u32,
    pub at: Timestamp,
    pub outcome: Outcome,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Told,
    /// Why not, by a stable code, and when it is tried again.
    Later(String, Timestamp),
    GivenUp(String),
}

/// Where a message stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub session: SessionId,
    pub vendor: VendorId,
    pub relying_party: String,
    pub created_at: Timestamp,
    pub tries: u32,
    pub due_at: Option<Timestamp>,
    pub told_at: Option<Timestamp>,
    /// Why the last try failed.
    pub trouble: Option<String>,
}
