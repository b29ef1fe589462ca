//! Group commit: records and audit events of many requests share one transaction, and so one flush to disk.
//! Nobody is answered before theirs is durable.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::{
    sync::{mpsc, oneshot},
    time::timeout,
};
use tracing::Instrument;

use super::{Db, Error, Result, Tx, audit::Chain, farewells, passages, sessions, upstreams};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        clock::Timestamp,
        farewell::Tried,
        grant::Grant,
        id::{GrantId, PatronId, SessionId},
        session::Session,
    },
    telemetry::{Metrics, measure::OTHER},
};

/// Something to be kept together with the events that tell of it.
#[derive(Debug, Clone)]
pub enum Record {
    /// A new session under its handle's hex SHA-256.
    SessionStarted(Session, String),
    /// A session that goes on under a new handle.
    SessionRenewed(Session, String),
    SessionSeen(SessionId, Timestamp),
    /// Ends the session and revokes its passages.
    SessionEnded(SessionId, Timestamp),
    /// Ends every session of the patron but this one.
    OtherSessionsEnded(PatronId, SessionId, Timestamp),
    /// A PIN that the patron chose, as its verifier.
    PinChosen {
        patron: PatronId,
        verifier: String,
        change_due: bool,
        at: Timestamp,
    },
    /// Somebody of an upstream is this patron. Refused where either is bound otherwise.
    UpstreamLinked(upstreams::Link),
    Passage(Grant),
    PassageRevoked(GrantId, Timestamp),
    /// The grant was renewed from this generation; does nothing where it was already.
    PassageTurned(GrantId, u64, Timestamp),
    /// A relying party was told of a session's end, or not.
    FarewellTried(Tried),
}

struct Entry {
    records: Vec<Record>,
    events: Vec<AuditEvent>,
    done: oneshot::Sender<Result<()>>,
}

/// The handle of this process's one writer; cheap to clone.
#[derive(Clone)]
pub struct Journal(mpsc::Sender<Entry>);

/// Requests that may wait for the writer; more wait at the door.
const WAITING: usize = 4096;
/// The largest group, so that one transaction stays short.
const GROUP: usize = 256;
/// A database that says nothing for so long is away.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);

impl Journal {
    /// Starts the writer, which lives until the last handle is dropped.
    pub fn start(db: Db) -> Journal {
        Journal::measured(db, Arc::default())
    }

    /// The same, with what it writes counted: refusals and clicks are in the metrics when they are in the audit.
    pub fn measured(db: Db, metrics: Arc<Metrics>) -> Journal {
        let (send, receive) = mpsc::channel(WAITING);
        tokio::spawn(write_groups(db, metrics, receive));
        Journal(send)
    }

    /// Returns when everything given is durable.
    ///
    /// # Errors
    /// `Unavailable` where it could not be made durable; then none of it is there.
    pub async fn keep(&self, records: Vec<Record>, events: Vec<AuditEvent>) -> Result<()> {
        let gone = || Error::Unavailable("the journal has ended".into());
        let (done, answer) = oneshot::channel();
        self.0.send(Entry { records, events, done }).await.map_err(|_| gone())?;
        answer.instrument(tracing::debug_span!("store.keep")).await.map_err(|_| gone())?
    }
}

async fn write_groups(db: Db, metrics: Arc<Metrics>, mut receive: mpsc::Receiver<Entry>) {
    // After a failure the writer begins a new chain: whether the old one moved on, only the database knows.
    let mut chain = Chain::begin();
    let mut group = Vec::with_capacity(GROUP);
    while receive.recv_many(&mut group, GROUP).await > 0 {
        match timed(&metrics, write(&db, &chain, &group)).await {
            Ok(next) => {
                chain = next;
                for entry in group.drain(..) {
                    kept(&metrics, &entry.events);
                    entry.done.send(Ok(())).ok();
                }
            }
            Err(error) => {
                tell_apart(&db, &metrics, error, group.drain(..)).await;
                chain = Chain::begin();
            }
        }
    }
}

/// A group was not written. One entry may be what the database refuses, so each gets a transaction of its own; where it
/// is the database that is away or full, all hear of it now instead of one after the other.
async fn tell_apart(db: &Db, metrics: &Metrics, error: Error, group: impl ExactSizeIterator<Item = Entry>) {
    let mut away = if group.len() == 1 { Some(error.clone()) } else { hopeless(db, &error).await };
    if away.is_none() {
        tracing::warn!(%error, entries = group.len(), "a group was not written; trying one by one");
    }
    for entry in group {
        let outcome = match &away {
            Some(error) => Err(error.clone()),
            None => timed(metrics, write(db, &Chain::begin(), std::slice::from_ref(&entry))).await.map(drop),
        };
        if let (Err(error), None) = (&outcome, &away) {
            away = hopeless(db, error).await;
        }
        match &outcome {
            Ok(()) => kept(metrics, &entry.events),
            Err(_) => metrics.journal_entries.count(&["failed"]),
        }
        // Somebody else was quicker: whoever tries again sees that.
        let outcome = outcome.map_err(|error| match error {
            Error::Conflict(why) => Error::Unavailable(why),
            other => other,
        });
        entry.done.send(outcome).ok();
    }
}

/// The error, where the next one to try would meet it as well.
async fn hopeless(db: &Db, error: &Error) -> Option<Error> {
    let for_all = match error {
        Error::Full(_) => true,
        Error::Unavailable(_) => !matches!(timeout(ANSWER_WITHIN, db.ping()).await, Ok(Ok(()))),
        Error::Conflict(_) | Error::Corrupt(_) => false,
    };
    for_all.then(|| error.clone())
}

async fn timed<T>(metrics: &Metrics, writing: impl Future<Output = T>) -> T {
    let began = Instant::now();
    let written = writing.await;
    metrics.journal_commit.observe(&[], began.elapsed());
    written
}

/// What was written down happened, and is counted.
fn kept(metrics: &Metrics, events: &[AuditEvent]) {
    metrics.journal_entries.count(&["kept"]);
    for event in events {
        let said = |name: &str| event.payload.get(name).and_then(|value| value.as_str());
        match event.kind {
            Kind::Refusal => {
                metrics.refusals.count(&[said("reason").unwrap_or(OTHER), said("protocol").unwrap_or("none")]);
            }
            Kind::Issue => {
                metrics.clicks.count(&[said("protocol").unwrap_or(OTHER), said("vendor").unwrap_or(OTHER)]);
            }
            _ => {}
        }
    }
}

async fn write(db: &Db, chain: &Chain, group: &[Entry]) -> Result<Chain> {
    let late = |_| Error::Unavailable("it took too long to write".into());
    timeout(db.patience(), write_all(db, chain, group)).await.map_err(late)?
}

async fn write_all(db: &Db, chain: &Chain, group: &[Entry]) -> Result<Chain> {
    let mut tx = db.begin().await?;
    let mut grants = Vec::new();
    // Before any other row: whoever waits for this one holds none that somebody else waits for.
    if group.iter().flat_map(|entry| &entry.records).any(|record| matches!(record, Record::PassageRevoked(..))) {
        passages::some_are_revoked(&mut tx).await?;
    }
    for record in group.iter().flat_map(|entry| &entry.records) {
        match record {
            Record::Passage(grant) => grants.push(grant.clone()),
            other => other.write(db, &mut tx).await?,
        }
    }
    passages::insert(&mut tx, &grants).await?;
    let events: Vec<AuditEvent> = group.iter().flat_map(|entry| entry.events.iter().cloned()).collect();
    let next = chain.append(&mut tx, &events).await?;
    tx.commit().await?;
    Ok(next)
}

impl Record {
    async fn write(&self, db: &Db, tx: &mut Tx) -> Result<()> {
        match self {
            Record::SessionStarted(session, handle) => sessions::insert(tx, session, handle).await,
            Record::SessionRenewed(session, handle) => sessions::renew(tx, session, handle).await,
            Record::SessionSeen(id, at) => sessions::seen(tx, *id, *at).await,
            Record::SessionEnded(id, at) => sessions::end(tx, *id, *at).await,
            Record::OtherSessionsEnded(patron, except, at) => {
                sessions::end_all_of(tx, *patron, Some(*except), *at).await
            }
            Record::PinChosen { patron, verifier, change_due, at } => {
                db.patrons().set_pin(tx, *patron, verifier, *change_due, *at).await.map(drop)
            }
            Record::UpstreamLinked(link) => upstreams::bind(tx, link).await,
            Record::Passage(grant) => passages::insert(tx, std::slice::from_ref(grant)).await,
            Record::PassageRevoked(id, at) => passages::revoke(tx, *id, *at).await,
            Record::PassageTurned(id, from, at) => passages::turn(tx, *id, *from, *at).await,
            Record::FarewellTried(tried) => farewells::tried(tx, tried).await,
        }
    }
}
