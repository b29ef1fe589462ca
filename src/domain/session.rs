//! A patron's browser, signed in.

use std::time::Duration;

use super::{
    clock::Timestamp,
    id::{PatronId, SessionId},
    method::Method,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub patron: PatronId,
    pub method: Method,
    /// When that was last shown: OIDC's auth_time.
    pub authenticated_at: Timestamp,
    pub last_seen: Timestamp,
    pub ended_at: Option<Timestamp>,
    /// The PIN that opened it must first be changed.
    pub pin_change_due: bool,
}

impl Session {
    pub fn is_live(&self, limits: &SessionLimits, now: Timestamp) -> bool {
        self.ended_at.is_none()
            && now.since(self.last_seen) < limits.idle
            && now.since(self.authenticated_at) < limits.absolute
    }
}

/// How long a session lives without use, and at most; and how long what outlives it.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    pub idle: Duration,
    pub absolute: Duration,
    /// An app or e-reader that may stay: from its approval on.
    pub offline: Duration,
}
