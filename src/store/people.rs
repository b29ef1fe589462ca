//! All that is kept of one person, wherever it lies, and its end: at once, or a configured time after they left. What is
//! erased no run can bring back, since it goes out of every run; the audit's chains still verify.

use std::{
    collections::{BTreeMap, HashMap},
    time::Duration,
};

use serde_json::json;
use sqlx::AssertSqlSafe;

use super::{
    Db, Engine, Error, Result, Tx, audit, corrupt,
    retention::{Telling, TellingRow, forget},
    rosters::{self, BUMP},
};
use crate::domain::{
    audit::{AuditEvent, Kind},
    clock::{TimeZone, Timestamp},
    id::{PatronId, SourceId, VendorId},
};

pub struct People<'a>(&'a Db);

impl Db {
    pub fn people(&self) -> People<'_> {
        People(self)
    }
}

/// How much is kept of a person beside the card.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Belongings {
    pub created_at: Timestamp,
    /// When the run that withdrew them went live.
    pub withdrawn_at: Option<Timestamp>,
    pub roster_rows: u64,
    pub open: u64,
    pub ended: u64,
    /// Grants that still hold and may outlive their session.
    pub lasting: u64,
    pub passages: BTreeMap<VendorId, u64>,
    pub exports: Vec<String>,
}

/// What an erasure took away.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    pub people: u64,
    pub roster_rows: u64,
    pub sessions: u64,
    pub passages: u64,
    pub events: u64,
}

/// Events that name somebody, by whom they name.
#[derive(Default)]
pub struct Events(HashMap<String, Vec<Telling>>);

impl Events {
    pub fn len(&self) -> usize {
        self.0.values().map(Vec::len).sum()
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Events looked at in one statement.
const PAGE: i64 = 2_000;

/// People erased in one transaction, so that the writer stays free for clicks.
const AT_ONCE: usize = 200;

/// People for whom the audit is looked through once.
const AT_MOST: i64 = 20_000;

/// How often a log that somebody reads is tried again, and how long after.
const TRIES: usize = 20;
const BREATH: Duration = Duration::from_millis(50);

/// Whom the roster has not listed since before `$1`. While an import of their source is under way nobody is: it may have
/// read them already.
const LONG_WITHDRAWN: &str = "SELECT e.patron FROM roster_entry e JOIN roster_source s ON s.source = e.source \
     JOIN roster_run r ON r.id = e.run WHERE NOT e.present AND e.run <= s.live_run AND s.holder IS NULL \
     AND r.finished_at < $1 AND NOT EXISTS (SELECT 1 FROM roster_entry n WHERE n.patron = e.patron AND n.run > e.run \
     AND n.run <= s.live_run) ORDER BY e.patron LIMIT $2";

impl People<'_> {
    /// # Errors
    /// `Unavailable` or `Corrupt`; also where there is no such person.
    pub async fn belongings(&self, id: PatronId, now: Timestamp) -> Result<Belongings> {
        const LIFE: &str = "SELECT p.created_at, (SELECT COUNT(*) FROM roster_entry e WHERE e.patron = p.id) \
                            FROM patron p WHERE p.id = $1";
        const LEFT: &str = "SELECT e.present, r.finished_at FROM roster_entry e JOIN roster_source s ON \
                            s.source = e.source LEFT JOIN roster_run r ON r.id = e.run WHERE e.patron = $1 \
                            AND e.run <= s.live_run ORDER BY e.run DESC LIMIT 1";
        const SESSIONS: &str = "SELECT COUNT(*), COUNT(ended_at) FROM session WHERE patron = $1";
        const LASTING: &str = "SELECT COUNT(*) FROM passage WHERE patron = $1 AND offline AND revoked_at IS NULL \
                               AND expires_at > $2";
        const PASSAGES: &str = "SELECT vendor, COUNT(*) FROM passage WHERE patron = $1 GROUP BY vendor";
        const EXPORTS: &str = "SELECT export FROM export_line WHERE patron = $1 ORDER BY export";
        let id = id.to_string();
        let (created, rows): (i64, i64) = on!(self.0, pool => sqlx::query_as(LIFE).bind(&id).fetch_one(pool).await)?;
        let left: Option<(bool, Option<i64>)> =
            on!(self.0, pool => sqlx::query_as(LEFT).bind(&id).fetch_optional(pool).await)?;
        let (sessions, ended): (i64, i64) =
            on!(self.0, pool => sqlx::query_as(SESSIONS).bind(&id).fetch_one(pool).await)?;
        let (lasting,): (i64,) =
            on!(self.0, pool => sqlx::query_as(LASTING).bind(&id).bind(now.0).fetch_one(pool).await)?;
        let passages: Vec<(String, i64)> =
            on!(self.0, pool => sqlx::query_as(PASSAGES).bind(&id).fetch_all(pool).await)?;
        let exports: Vec<(String,)> = on!(self.0, pool => sqlx::query_as(EXPORTS).bind(&id).fetch_all(pool).await)?;
        let by_vendor = |(vendor, n): (String, i64)| Ok((vendor.parse().map_err(corrupt)?, count(n)));
        Ok(Belongings {
            created_at: Timestamp(created),
            withdrawn_at: left.filter(|(present, _)| !present).and_then(|(_, at)| at).map(Timestamp),
            roster_rows: count(rows),
            open: count(sessions - ended),
            ended: count(ended),
            lasting: count(lasting),
            passages: passages.into_iter().map(by_vendor).collect::<Result<_>>()?,
            exports: exports.into_iter().map(|(export,)| export).collect(),
        })
    }

    /// Looks through what the audit still tells of patrons.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn events_of(&self, people: impl IntoIterator<Item = PatronId>) -> Result<Events> {
        let mut found: HashMap<String, Vec<Telling>> =
            people.into_iter().map(|id| (id.to_string(), Vec::new())).collect();
        let kinds: Vec<String> =
            Kind::ALL.iter().filter(|k| k.tells_of_a_patron()).map(|k| format!("'{}'", k.as_str())).collect();
        let sql = format!(
            "SELECT chain, seq, at, kind, payload FROM audit_event WHERE (chain, seq) > ($1, $2) \
             AND payload IS NOT NULL AND kind IN ({}) ORDER BY chain, seq LIMIT $3",
            kinds.join(",")
        );
        let mut last = (String::new(), 0_i64);
        while !found.is_empty() {
            let page: Vec<TellingRow> = on!(self.0, pool => sqlx::query_as(AssertSqlSafe(sql.clone()))
                .bind(&last.0).bind(last.1).bind(PAGE).fetch_all(pool).await)?;
            let Some((chain, seq, ..)) = page.last() else { break };
            last = (chain.clone(), *seq);
            for row in page {
                let event = Telling::read(row)?;
                let whose = [event.patron(), event.teacher()].into_iter().find(|id| found.contains_key(*id));
                let whose = whose.unwrap_or_default().to_owned();
                if let Some(theirs) = found.get_mut(&whose) {
                    theirs.push(event);
                }
            }
        }
        found.retain(|_, events| !events.is_empty());
        Ok(Events(found))
    }

    /// Whether sessions of theirs have ended of which nobody has put down yet who must hear of it.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn is_parting(&self, id: PatronId) -> Result<bool> {
        const SQL: &str = "SELECT COUNT(*) FROM session s WHERE s.patron = $1 AND s.ended_at IS NOT NULL \
                           AND NOT s.parted AND EXISTS (SELECT 1 FROM passage p WHERE p.session = s.id)";
        let (n,): (i64,) = on!(self.0, pool => sqlx::query_as(SQL).bind(id.to_string()).fetch_one(pool).await)?;
        Ok(n > 0)
    }

    /// Erases one person, in the caller's transaction. Who must still hear that a session has ended is told first: of
    /// such sessions `erase_strays` takes what is left.
    ///
    /// # Errors
    /// `Conflict` where an import of their source is under way, which would write them anew.
    pub async fn erase(
        &self,
        tx: &mut Tx,
        id: PatronId,
        source: &SourceId,
        events: &Events,
        time_zone: &TimeZone,
    ) -> Result<Erased> {
        within!(tx, conn => sqlx::query(BUMP).execute(conn).await.map(drop))?;
        let still = "UPDATE roster_source SET beat_at = beat_at WHERE source = $1 RETURNING holder";
        let holder: Option<(Option<i64>,)> =
            within!(tx, conn => sqlx::query_as(still).bind(source.as_str()).fetch_optional(conn).await)?;
        if let Some((Some(run),)) = holder {
            return Err(Error::Conflict(format!(
                "an import of {:?} is under way (run {run}) and knows this person already; try again when it is done",
                source.as_str()
            )));
        }
        take_away(tx, &[id], events, time_zone).await
    }

    /// Erases everybody whom no roster has listed since before `before`, in portions; says how many.
    ///
    /// # Errors
    /// Those of the database; who was erased until then stays erased, and the audit says so.
    pub async fn erase_long_withdrawn(
        &self,
        before: Timestamp,
        now: Timestamp,
        time_zone: &TimeZone,
    ) -> Result<Erased> {
        let mut all = Erased::default();
        loop {
            let rows: Vec<(String,)> =
                on!(self.0, pool => sqlx::query_as(LONG_WITHDRAWN).bind(before.0).bind(AT_MOST).fetch_all(pool).await)?;
            let due: Vec<PatronId> =
                rows.into_iter().map(|(id,)| id.parse().map_err(corrupt)).collect::<Result<_>>()?;
            let events = self.events_of(due.iter().copied()).await?;
            let mut gone = 0;
            for some in due.chunks(AT_ONCE) {
                let erased = self.erase_portion(some, &events, before, now, time_zone).await?;
                gone += erased.people;
                all.add(erased);
            }
            // Fewer than there could be: nobody is left. None: an import has just begun.
            if gone == 0 || due.len() < AT_MOST as usize {
                return Ok(all);
            }
        }
    }

    async fn erase_portion(
        &self,
        some: &[PatronId],
        events: &Events,
        before: Timestamp,
        now: Timestamp,
        time_zone: &TimeZone,
    ) -> Result<Erased> {
        let mut tx = self.0.begin().await?;
        // Nobody returns between the look and the deed: a switch waits for this, and an import that has begun shows.
        within!(tx, conn => sqlx::query(BUMP).execute(conn).await.map(drop))?;
        let still = "UPDATE roster_source SET beat_at = beat_at";
        within!(tx, conn => sqlx::query(still).execute(conn).await.map(drop))?;
        let rows: Vec<(String,)> =
            within!(tx, conn => sqlx::query_as(LONG_WITHDRAWN).bind(before.0).bind(AT_MOST).fetch_all(conn).await)?;
        let due: std::collections::HashSet<String> = rows.into_iter().map(|(id,)| id).collect();
        let some: Vec<PatronId> = some.iter().copied().filter(|id| due.contains(&id.to_string())).collect();
        if some.is_empty() {
            return Ok(Erased::default());
        }
        let erased = take_away(&mut tx, &some, events, time_zone).await?;
        let payload = json!({ "why": "withdrawn for longer than [retention] withdrawn", "people": erased.people });
        audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Kind::Erasure, payload }]).await?;
        tx.commit().await?;
        Ok(erased)
    }

    /// Takes what was erased out of SQLite's log as well, which would keep it until it is written over. Best effort: a
    /// reader may be in the way, and then it goes with the log's next round. PostgreSQL does the like by itself (vacuum).
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn clear_log(&self) -> Result<()> {
        let Engine::Sqlite(pool) = &self.0.engine else { return Ok(()) };
        for _ in 0..TRIES {
            let (busy, ..): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(pool).await?;
            if busy == 0 {
                break;
            }
            tokio::time::sleep(BREATH).await;
        }
        Ok(())
    }

    /// Erases sessions, and what was granted through them, of people who are erased themselves: those whose vendors had
    /// to be told first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn erase_strays(&self) -> Result<u64> {
        const STRAYS: &str = "SELECT s.id FROM session s WHERE s.parted AND NOT EXISTS \
                              (SELECT 1 FROM patron p WHERE p.id = s.patron) LIMIT 500";
        let strays: Vec<(String,)> = on!(self.0, pool => sqlx::query_as(STRAYS).fetch_all(pool).await)?;
        if strays.is_empty() {
            return Ok(0);
        }
        let mut tx = self.0.begin().await?;
        for (id,) in &strays {
            for sql in ["DELETE FROM passage WHERE session = $1", "DELETE FROM session WHERE id = $1"] {
                within!(tx, conn => sqlx::query(sql).bind(id).execute(conn).await.map(drop))?;
            }
        }
        tx.commit().await?;
        Ok(strays.len() as u64)
    }
}

impl Erased {
    fn add(&mut self, more: Erased) {
        self.people += more.people;
        self.roster_rows += more.roster_rows;
        self.sessions += more.sessions;
        self.passages += more.passages;
        self.events += more.events;
    }
}

/// Everywhere that a person stands. Sessions that still wait for their farewells keep nothing but ids of nobody.
async fn take_away(tx: &mut Tx, people: &[PatronId], events: &Events, time_zone: &TimeZone) -> Result<Erased> {
    let mut erased = Erased { people: people.len() as u64, ..Erased::default() };
    for some in people.chunks(AT_ONCE) {
        let ids = super::values(tx.is_sqlite(), 1, some.len(), "");
        let delete = |what: &str| format!("{what} IN {ids}");
        let of_people = [
            delete(
                "DELETE FROM passage WHERE NOT EXISTS (SELECT 1 FROM session s WHERE s.id = passage.session \
                 AND NOT s.parted) AND patron",
            ),
            delete(
                "DELETE FROM session WHERE (parted OR NOT EXISTS (SELECT 1 FROM passage p WHERE p.session = session.id)) \
                 AND patron",
            ),
            delete("DELETE FROM farewell WHERE due_at IS NULL AND patron"),
            delete("DELETE FROM export_line WHERE patron"),
            delete("DELETE FROM badge WHERE patron"),
            delete("DELETE FROM roster_entry WHERE patron"),
            delete("DELETE FROM roster_lookup WHERE patron"),
            delete("DELETE FROM upstream_link WHERE patron"),
            delete("DELETE FROM patron WHERE id"),
        ];
        let named = format!("SELECT source, sourced_id FROM patron WHERE id IN {ids}");
        let named: Vec<(String, String)> = within!(tx, conn => {
            let query = sqlx::query_as(AssertSqlSafe(named)).persistent(false);
            some.iter().fold(query, |query, id| query.bind(id.to_string())).fetch_all(conn).await
        })?;
        rosters::strike(tx, &named).await?;
        let mut gone = [0; 9];
        for (sql, gone) in of_people.into_iter().zip(&mut gone) {
            *gone = within!(tx, conn => {
                let query = sqlx::query(AssertSqlSafe(sql)).persistent(false);
                some.iter().fold(query, |query, id| query.bind(id.to_string())).execute(conn).await?.rows_affected()
            });
        }
        erased.passages += gone[0];
        erased.sessions += gone[1];
        erased.roster_rows += gone[5];
        for id in some {
            if let Some(theirs) = events.0.get(&id.to_string()) {
                erased.events += forget(tx, theirs, time_zone).await?;
            }
        }
    }
    Ok(erased)
}

fn count(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

impl People<'_> {
    /// How long a session's farewells may take before an erasure goes on without them.
    pub const PATIENCE: Duration = Duration::from_secs(5);
}
