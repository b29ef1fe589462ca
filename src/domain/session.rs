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
    /// Begun on a computer that many readers share: it ends sooner, and nothing outlives it.
    pub shared: bool,
}

impl Session {
    pub fn is_live(&self, limits: &SessionLimits, now: Timestamp) -> bool {
        self.ended_at.is_none() && !self.left(limits, now).is_zero()
    }

    /// How long it goes on from `now` if it is not used.
    pub fn left(&self, limits: &SessionLimits, now: Timestamp) -> Duration {
        let unused = limits.of(self.shared).idle.saturating_sub(now.since(self.last_seen));
        unused.min(self.longest(limits, now))
    }

    /// How long it may go on from `now`, however much it is used. Nothing where it began further ahead than it may last:
    /// the clock was wrong then, and would keep it alive until that day comes.
    pub fn longest(&self, limits: &SessionLimits, now: Timestamp) -> Duration {
        let absolute = limits.of(self.shared).absolute;
        if self.authenticated_at.since(now) > absolute {
            return Duration::ZERO;
        }
        absolute.saturating_sub(now.since(self.authenticated_at))
    }
}

/// How long a session lives without use, and at most.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Life {
    pub idle: Duration,
    pub absolute: Duration,
}

/// How long sessions live; and how long what outlives them.
#[derive(Debug, Clone, Copy)]
pub struct SessionLimits {
    pub idle: Duration,
    pub absolute: Duration,
    /// Of sessions on shared computers, as far as these are the shorter ones.
    pub shared: Life,
    /// An app or e-reader that may stay: from its approval on.
    pub offline: Duration,
}

impl SessionLimits {
    /// Those of a session, by whether it is a shared one.
    pub fn of(&self, shared: bool) -> Life {
        match shared {
            true => Life { idle: self.shared.idle.min(self.idle), absolute: self.shared.absolute.min(self.absolute) },
            false => Life { idle: self.idle, absolute: self.absolute },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_shared_session_ends_sooner_and_never_later_than_another() {
        let minutes = |n: u64| Duration::from_secs(60 * n);
        let limits = SessionLimits {
            idle: minutes(30),
            absolute: minutes(480),
            shared: Life { idle: minutes(5), absolute: minutes(60) },
            offline: minutes(1),
        };
        let begun = Timestamp(1_800_000_000_000);
        let session = |shared| Session {
            id: SessionId::new(),
            patron: PatronId::new(),
            method: Method::Pin,
            authenticated_at: begun,
            last_seen: begun + minutes(50),
            ended_at: None,
            pin_change_due: false,
            shared,
        };
        let live = |shared, at: u64| session(shared).is_live(&limits, begun + minutes(at));
        assert!(live(true, 54) && !live(true, 55) && live(false, 55) && live(false, 79) && !live(false, 80));
        let near_its_end = Session { last_seen: begun + minutes(58), ..session(true) };
        assert_eq!(near_its_end.left(&limits, begun + minutes(58)), minutes(2), "used or not, an hour is the most");
        assert!(!Session { ended_at: Some(begun), ..session(true) }.is_live(&limits, begun + minutes(50)));
        assert!(session(false).is_live(&limits, begun - minutes(480)), "a clock set back signs nobody out");
        assert!(!session(false).is_live(&limits, begun - minutes(481)), "and makes nobody stay for ever");
        let hasty = SessionLimits { idle: minutes(2), ..limits };
        assert_eq!(hasty.of(true).idle, minutes(2));
    }
}
