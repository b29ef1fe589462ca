//! The end of a session, told to every relying party that it went to: at once where a patron waits for it, else by a
//! job that tries again for hours. How a relying party is told is its protocol's to say.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use serde_json::json;
use tokio::{sync::Semaphore, task::JoinSet};

use super::{Fault, SignOn};
use crate::{
    app::App,
    domain::{
        audit::{AuditEvent, Kind},
        clock::Timestamp,
        farewell::{Due, Outcome, Parting, Standing, Tried},
        id::{PatronId, SessionId, VendorId},
    },
    policy::subject::subject,
    store::{farewells::Party, journal::Record},
};

/// How one protocol tells its relying parties that a session has ended. Protocols implement it, `compose` hands the
/// list over.
pub trait Farewell: Send + Sync {
    /// The name that its relying parties are kept under.
    fn protocol(&self) -> &'static str;

    /// How this relying party wants to be told.
    fn ways(&self, app: &App, leaving: &Leaving) -> Ways;

    /// Tells it, from here to there.
    fn tell<'a>(&'a self, app: &'a App, leaving: &'a Leaving) -> Telling<'a>;
}

pub type Telling<'a> = Pin<Box<dyn Future<Output = Result<(), Untold>> + Send + 'a>>;

/// Who leaves whom.
#[derive(Debug, Clone)]
pub struct Leaving {
    pub session: SessionId,
    pub relying_party: String,
    /// The patron's pseudonym there.
    pub subject: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Ways {
    /// By a message from here to there.
    pub by_message: bool,
    /// By this address, loaded in the patron's own browser.
    pub in_browser: Option<String>,
    /// By the patron's own browser going there and coming back: through the protocol's page at this local path and the
    /// visit's ticket behind it.
    pub by_visit: Option<&'static str>,
}

/// Why a relying party was not told, by a stable code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Untold {
    Yet(String),
    /// Trying again cannot help.
    Ever(String),
}

/// After each failure, until the next try; after the last one nothing more is tried.
const PAUSES: [Duration; 6] = [
    Duration::from_secs(5),
    Duration::from_secs(30),
    Duration::from_secs(2 * 60),
    Duration::from_secs(10 * 60),
    Duration::from_secs(3600),
    Duration::from_secs(6 * 3600),
];

/// Whoever has claimed a message and then died leaves it to others after this.
const CLAIMED_FOR: Duration = Duration::from_secs(60);
/// Messages to one relying party in one round, at least a second long: no withdrawal of a whole school floods a vendor.
const ROUND: u32 = 20;
const ROUND_TAKES: Duration = Duration::from_secs(1);
/// Of them, how many at the same time.
const AT_ONCE: usize = 4;
/// Nobody of a whole round was told: the relying party is away, and is left alone for a while.
const AWAY_FOR: Duration = Duration::from_secs(15);
/// How often a patron's page looks whether somebody else has told.
const GLANCE: Duration = Duration::from_millis(50);
/// Ended sessions of one transaction.
const SESSIONS: u32 = 200;

impl SignOn {
    /// Ends sessions whose time is over. Returns how many.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn expire(&self) -> Result<usize, Fault> {
        let app = self.app();
        let mut total = 0;
        loop {
            let over = app.store.sessions().expire(&app.config.session, app.clock.now(), SESSIONS).await?;
            for (id, handle) in &over {
                self.0.known.session_ended(handle, *id);
            }
            total += over.len();
            if over.len() < SESSIONS as usize {
                return Ok(total);
            }
        }
    }

    /// Puts down who must be told of sessions that ended, whoever ended them. Returns how many sessions that were.
    ///
    /// # Errors
    /// A fault where the store does not answer; the rest is put down next time.
    pub async fn part(&self) -> Result<usize, Fault> {
        let app = self.app();
        let mut total = 0;
        loop {
            let (sessions, partings) = app.store.farewells().ended(SESSIONS).await?;
            if sessions.is_empty() {
                return Ok(total);
            }
            let to_tell: Vec<Parting> = partings.into_iter().filter(|parting| self.ways(parting).by_message).collect();
            let now = app.clock.now();
            app.store.farewells().part(&sessions, &to_tell, now, now).await?;
            total += sessions.len();
        }
    }

    /// Tells whom something is due for; each relying party in a task of its own, so that one that is slow delays nobody
    /// else. Returns when all were asked for, not when all were told.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn tell_due(&self) -> Result<(), Fault> {
        let app = self.app();
        for party in app.store.farewells().parties_due(app.clock.now()).await? {
            if !self.0.telling.begin(&party) {
                continue;
            }
            let signon = self.clone();
            tokio::spawn(async move {
                if let Err(error) = signon.tell_party(&party).await {
                    tracing::warn!(%error, relying_party = party.1, "what is due cannot be read; trying again");
                }
                signon.0.telling.end(&party);
            });
        }
        Ok(())
    }

    async fn tell_party(&self, party: &Party) -> Result<(), Fault> {
        let app = self.app();
        loop {
            let round = tokio::time::Instant::now();
            let now = app.clock.now();
            let due = app.store.farewells().claim(party, now, now + CLAIMED_FOR, ROUND).await?;
            if due.is_empty() {
                return Ok(());
            }
            let (all, told) = (due.len(), self.tell_all(due, AT_ONCE).await?);
            let pause = if told == 0 && all > 1 { AWAY_FOR } else { ROUND_TAKES };
            tokio::time::sleep_until(round + pause).await;
        }
    }

    /// Tells at once what one session leaves to be said, and nobody else was quicker to say.
    pub(super) async fn tell_of(&self, session: SessionId, to_tell: &[Parting]) -> Result<(), Fault> {
        let app = self.app();
        let now = app.clock.now();
        let ours = app.store.farewells().part(&[session], to_tell, now, now + CLAIMED_FOR).await?;
        let due = ours.into_iter().map(|parting| Due { parting, tries: 1 }).collect();
        self.tell_all(due, to_tell.len()).await.map(drop)
    }

    /// Returns when everybody of this session was tried, by whomever: the job may have been there first.
    pub(super) async fn tried(&self, session: SessionId) -> Result<(), Fault> {
        let untried = |message: &Standing| message.told_at.is_none() && message.trouble.is_none();
        while self.app().store.farewells().standing(session).await?.iter().any(untried) {
            tokio::time::sleep(GLANCE).await;
        }
        Ok(())
    }

    /// How many of these were told; each is written down.
    async fn tell_all(&self, due: Vec<Due>, at_once: usize) -> Result<usize, Fault> {
        let places = Arc::new(Semaphore::new(at_once.max(1)));
        let mut telling = JoinSet::new();
        for due in due {
            let (signon, places) = (self.clone(), places.clone());
            telling.spawn(async move {
                let _place = places.acquire().await;
                signon.tell(due).await
            });
        }
        let mut told = 0;
        let (mut records, mut events) = (Vec::new(), Vec::new());
        while let Some(tried) = telling.join_next().await {
            let Ok(tried) = tried else { continue };
            told += usize::from(tried.outcome == Outcome::Told);
            events.extend(event(&tried));
            records.push(Record::FarewellTried(tried));
        }
        if !records.is_empty() {
            self.app().journal.keep(records, events).await?;
        }
        Ok(told)
    }

    async fn tell(&self, due: Due) -> Tried {
        let app = self.app();
        let Due { parting, tries } = due;
        let told = match (self.farewell(&parting), self.leaving(&parting)) {
            (Some(farewell), Some(leaving)) => farewell.tell(app, &leaving).await,
            _ => Err(Untold::Ever("unknown-relying-party".into())),
        };
        let at = app.clock.now();
        let outcome = match told {
            Ok(()) => Outcome::Told,
            Err(Untold::Ever(why)) => Outcome::GivenUp(why),
            Err(Untold::Yet(why)) => match next_try(tries, at) {
                Some(next) => Outcome::Later(why, next),
                None => Outcome::GivenUp(why),
            },
        };
        if let Outcome::Later(why, _) | Outcome::GivenUp(why) = &outcome {
            tracing::info!(relying_party = parting.relying_party, why, tries, "not told of a session's end");
        }
        let said = match &outcome {
            Outcome::Told => "told",
            Outcome::Later(..) => "later",
            Outcome::GivenUp(_) => "given-up",
        };
        app.metrics.farewells.count(&[parting.vendor.as_str(), &parting.protocol, said]);
        Tried { parting, tries, at, outcome }
    }

    /// How the relying party of this parting wants to be told; no way where it is unknown by now.
    pub(super) fn ways(&self, parting: &Parting) -> Ways {
        match (self.farewell(parting), self.leaving(parting)) {
            (Some(farewell), Some(leaving)) => farewell.ways(self.app(), &leaving),
            _ => Ways::default(),
        }
    }

    fn farewell(&self, parting: &Parting) -> Option<&dyn Farewell> {
        self.0.farewells.iter().find(|farewell| farewell.protocol() == parting.protocol).map(AsRef::as_ref)
    }

    /// The patron's pseudonym at a vendor; `None` where the vendor is gone.
    pub fn subject_at(&self, vendor: &VendorId, patron: PatronId) -> Option<String> {
        let uid = self.app().catalogue().vendors.get(vendor)?.uid;
        Some(subject(self.app().keyring.pseudonym_key(), uid, patron))
    }

    pub(super) fn leaving(&self, parting: &Parting) -> Option<Leaving> {
        Some(Leaving {
            session: parting.session,
            relying_party: parting.relying_party.clone(),
            subject: self.subject_at(&parting.vendor, parting.patron)?,
        })
    }
}

/// When to try again after so many tries; `None`: never.
fn next_try(tries: u32, now: Timestamp) -> Option<Timestamp> {
    let pause = PAUSES.get(usize::try_from(tries).ok()?.checked_sub(1)?)?;
    Some(now + *pause)
}

/// What the audit keeps: how it ended, not each try.
pub(super) fn event(tried: &Tried) -> Option<AuditEvent> {
    let (outcome, trouble) = match &tried.outcome {
        Outcome::Told => ("told", None),
        Outcome::GivenUp(why) => ("given-up", Some(why)),
        Outcome::Later(..) => return None,
    };
    let parting = &tried.parting;
    let payload = json!({
        "patron": parting.patron.to_string(),
        "session": parting.session.to_string(),
        "vendor": parting.vendor.as_str(),
        "protocol": parting.protocol,
        "relying_party": parting.relying_party,
        "outcome": outcome,
        "why": trouble,
        "tries": tried.tries,
    });
    Some(AuditEvent { at: tried.at, kind: Kind::Farewell, payload })
}

/// The relying parties that a task of this process is busy with.
#[derive(Default)]
pub(super) struct TellingNow(std::sync::Mutex<std::collections::HashSet<Party>>);

impl TellingNow {
    /// Whether nobody was.
    fn begin(&self, party: &Party) -> bool {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).insert(party.clone())
    }

    fn end(&self, party: &Party) {
        self.0.lock().unwrap_or_else(|e| e.into_inner()).remove(party);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_come_to_an_end() {
        let start = Timestamp(0);
        let pauses: Vec<i64> = (1..).map_while(|tries| next_try(tries, start)).map(Timestamp::seconds).collect();
        assert_eq!(pauses, [5, 30, 120, 600, 3600, 21600]);
        assert_eq!(next_try(0, start), None);
    }
}
