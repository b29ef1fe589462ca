//! What was read lately and is likely to be asked for again: sessions, patrons, grants, and cards shown at faces without
//! pages. Kept for minutes at most, and forgotten at once when something about it changes.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use moka::sync::Cache;

use super::{Fault, SignOn, verify::Shown};
use crate::domain::{
    grant::Grant,
    id::{GrantId, PatronId, SessionId},
    patron::Patron,
    pin::KeyedPin,
    session::Session,
};

pub struct Known {
    /// By the handle's hex SHA-256.
    sessions: Cache<String, Arc<Session>>,
    patrons: Cache<(Generation, PatronId), Arc<Patron>>,
    grants: Cache<GrantId, Arc<Grant>>,
    /// Sessions that ended while a grant of theirs may still be remembered here.
    ended: Cache<SessionId, ()>,
    /// By a keyed digest of what was shown, and where.
    shown: Cache<(Generation, [u8; 32]), Shown>,
    generation: AtomicU64,
}

/// Goes on whenever something changed. What was read before a change is kept under the generation before it, however
/// late it is put there, and so is never found again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Generation(u64);

const MINUTES: Duration = Duration::from_secs(5 * 60);

impl Known {
    /// `shown_for`: how long a card and PIN just shown need not be hashed again.
    pub fn new(shown_for: Duration) -> Known {
        Known {
            sessions: Cache::builder().max_capacity(20_000).time_to_live(MINUTES).build(),
            patrons: Cache::builder().max_capacity(20_000).time_to_live(MINUTES).build(),
            grants: Cache::builder().max_capacity(50_000).time_to_live(MINUTES).build(),
            ended: Cache::builder().max_capacity(100_000).time_to_live(MINUTES * 2).build(),
            shown: Cache::builder().max_capacity(100_000).time_to_live(shown_for).build(),
            generation: AtomicU64::new(0),
        }
    }

    pub fn forget_all(&self) {
        self.forget_shown();
        // What is asked last goes first, so that nobody sees a new session beside an old grant.
        self.grants.invalidate_all();
        self.patrons.invalidate_all();
        self.sessions.invalidate_all();
    }

    /// A grant was revoked by another process.
    pub fn forget_grants(&self) {
        self.grants.invalidate_all();
    }

    /// A PIN was changed.
    pub fn forget_shown(&self) {
        self.generation.fetch_add(1, Ordering::SeqCst);
        self.shown.invalidate_all();
    }

    pub fn generation(&self) -> Generation {
        Generation(self.generation.load(Ordering::SeqCst))
    }

    pub fn shown(&self, generation: Generation, key: &KeyedPin) -> Option<Shown> {
        self.shown.get(&(generation, key.0))
    }

    /// `generation` is of before what was shown was looked at.
    pub fn remember_shown(&self, generation: Generation, key: KeyedPin, shown: Shown) {
        self.shown.insert((generation, key.0), shown);
    }

    pub fn remember_session(&self, handle: String, session: Arc<Session>) {
        self.sessions.insert(handle, session);
    }

    /// The session ended, and every grant through it.
    pub fn session_ended(&self, handle: &str, id: SessionId) {
        self.sessions.invalidate(handle);
        self.ended.insert(id, ());
    }

    /// The session goes on under another handle.
    pub fn forget_session(&self, handle: &str) {
        self.sessions.invalidate(handle);
    }

    pub fn remember_grant(&self, grant: Arc<Grant>) {
        self.grants.insert(grant.id, grant);
    }

    pub fn forget_grant(&self, id: GrantId) {
        self.grants.invalidate(&id);
    }
}

impl SignOn {
    /// The session behind a handle's hash, ended ones left out.
    pub(super) async fn session_by(&self, handle: &str) -> Result<Option<Arc<Session>>, Fault> {
        let known = &self.0.known;
        // Also where it goes on here under a handle that another process replaced, or was read before it ended.
        let goes_on = |session: &Session| session.ended_at.is_none() && !known.ended.contains_key(&session.id);
        if let Some(session) = known.sessions.get(handle) {
            return Ok(Some(session).filter(|session| goes_on(session)));
        }
        let Some(session) = self.app().store.sessions().by_handle(handle).await? else { return Ok(None) };
        if !goes_on(&session) {
            return Ok(None);
        }
        let session = Arc::new(session);
        known.sessions.insert(handle.to_owned(), session.clone());
        Ok(Some(session))
    }

    pub(super) async fn patron_by(&self, id: PatronId) -> Result<Option<Arc<Patron>>, Fault> {
        let known = &self.0.known;
        let generation = known.generation();
        if let Some(patron) = known.patrons.get(&(generation, id)) {
            return Ok(Some(patron));
        }
        let Some(record) = self.app().store.patrons().by_id(id).await? else { return Ok(None) };
        let patron = Arc::new(record.patron);
        known.patrons.insert((generation, id), patron.clone());
        Ok(Some(patron))
    }

    pub(super) async fn grant_by(&self, id: GrantId) -> Result<Option<Arc<Grant>>, Fault> {
        let known = &self.0.known;
        let grant = match known.grants.get(&id) {
            Some(grant) => grant,
            None => {
                let Some(grant) = self.app().store.passages().by_id(id).await? else { return Ok(None) };
                let grant = Arc::new(grant);
                known.grants.insert(id, grant.clone());
                grant
            }
        };
        let holds = grant.offline || !known.ended.contains_key(&grant.session);
        Ok(holds.then_some(grant))
    }
}
