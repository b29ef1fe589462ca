//! The end of who-went-where: aggregates remain, what tells of a patron is erased, the chains still verify.

use std::collections::BTreeMap;

use super::{Db, Result, Tx, corrupt};
use crate::domain::{
    audit::Kind,
    clock::{TimeZone, Timestamp},
};
use serde_json::Value;

/// Events of one transaction, so that the writer stays free for clicks.
const AT_ONCE: i64 = 500;

pub struct Retention<'a>(&'a Db);

impl Db {
    pub fn retention(&self) -> Retention<'_> {
        Retention(self)
    }
}

/// How much was erased.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Erased {
    pub events: u64,
    pub passages: u64,
    pub sessions: u64,
}

impl Retention<'_> {
    /// Erases what tells of a patron and is older than `before`; days are counted in the library's time zone.
    /// Sessions and passages go only when they are over as well: a session unused since `unused` is.
    ///
    /// # Errors
    /// Those of the database; what was erased until then stays erased and counted.
    pub async fn erase(&self, before: Timestamp, unused: Timestamp, time_zone: &TimeZone) -> Result<Erased> {
        let mut erased = Erased::default();
        loop {
            let events = self.erase_events(before, time_zone).await?;
            erased.events += events;
            if events < AT_ONCE as u64 {
                break;
            }
        }
        // A session whose relying parties were not put down yet still needs to know where it went.
        const PASSAGES: &str = "DELETE FROM passage WHERE id IN \
                                (SELECT id FROM passage p WHERE created_at < $1 AND expires_at < $1 AND NOT EXISTS \
                                 (SELECT 1 FROM session s WHERE s.id = p.session AND NOT s.parted AND s.last_seen >= $2) \
                                 LIMIT 500)";
        const SESSIONS: &str = "DELETE FROM session WHERE id IN \
                                (SELECT id FROM session WHERE last_seen < $1 AND (last_seen < $2 OR (ended_at < $1 AND parted)) \
                                 LIMIT 500)";
        const FAREWELLS: &str = "DELETE FROM farewell WHERE session IN \
                                 (SELECT session FROM farewell WHERE created_at < $1 AND created_at < $2 \
                                  AND due_at IS NULL LIMIT 500) AND due_at IS NULL";
        erased.passages = self.delete(PASSAGES, before, unused).await?;
        erased.sessions = self.delete(SESSIONS, before, unused).await?;
        self.delete(FAREWELLS, before, before).await?;
        Ok(erased)
    }

    async fn delete(&self, sql: &'static str, before: Timestamp, unused: Timestamp) -> Result<u64> {
        let mut total = 0;
        loop {
            let mut tx = self.0.begin().await?;
            let gone = within!(tx, conn => sqlx::query(sql).bind(before.0).bind(unused.0).execute(conn).await?.rows_affected());
            tx.commit().await?;
            total += gone;
            if gone < AT_ONCE as u64 {
                return Ok(total);
            }
        }
    }

    async fn erase_events(&self, before: Timestamp, time_zone: &TimeZone) -> Result<u64> {
        const DUE: &str = "SELECT chain, seq, at, kind, payload FROM audit_event \
                           WHERE at < $1 AND payload IS NOT NULL AND kind IN \
                           ('sign-in','upstream-link','upstream-unlink','sign-out','refusal','issue','renew','revoke','farewell','pin-set','card-status','badge','card-number','patron-facts','look-up') \
                           ORDER BY at LIMIT 500";
        debug_assert!(
            Kind::ALL.iter().all(|kind| DUE.contains(&format!("'{}'", kind.as_str())) == kind.tells_of_a_patron())
        );
        let mut tx = self.0.begin().await?;
        let due: Vec<Telling> = within!(tx, conn => {
            let rows = sqlx::query_as(DUE).bind(before.0).fetch_all(conn).await?;
            rows.into_iter().map(Telling::read).collect::<Result<_>>()
        })?;
        forget(&mut tx, &due, time_zone).await?;
        tx.commit().await?;
        Ok(due.len() as u64)
    }
}

/// An event that tells of a patron.
pub(super) struct Telling {
    chain: String,
    seq: i64,
    at: Timestamp,
    kind: String,
    payload: Value,
}

/// chain, seq, at, kind, payload
pub(super) type TellingRow = (String, i64, i64, String, String);

impl Telling {
    pub(super) fn read((chain, seq, at, kind, payload): TellingRow) -> Result<Telling> {
        let payload = serde_json::from_str(&payload).map_err(corrupt)?;
        Ok(Telling { chain, seq, at: Timestamp(at), kind, payload })
    }

    /// The patron's id, where the event names one.
    pub(super) fn patron(&self) -> &str {
        self.word("patron")
    }

    /// The id of the teacher who asked for it, where one did.
    pub(super) fn teacher(&self) -> &str {
        self.payload.pointer("/by/teacher").and_then(Value::as_str).unwrap_or_default()
    }

    fn word(&self, name: &str) -> &str {
        self.payload.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

/// Erases what the events tell, and counts each by its day. Their links in the chains stay.
pub(super) async fn forget(tx: &mut Tx, events: &[Telling], time_zone: &TimeZone) -> Result<u64> {
    const FORGET: &str = "UPDATE audit_event SET payload = NULL, salt = NULL \
                          WHERE chain = $1 AND seq = $2 AND payload IS NOT NULL";
    let mut sums: BTreeMap<[&str; 3], BTreeMap<String, i64>> = BTreeMap::new();
    let mut forgotten = 0;
    for event in events {
        let told = within!(tx, conn => sqlx::query(FORGET).bind(&event.chain).bind(event.seq).execute(conn).await?
            .rows_affected());
        // Somebody else was quicker, and counted it.
        if told == 0 {
            continue;
        }
        forgotten += 1;
        let day = time_zone.date(event.at).to_string();
        let what = [event.kind.as_str(), event.word("vendor"), event.word("organisation")];
        *sums.entry(what).or_default().entry(day).or_default() += 1;
    }
    for ([kind, vendor, organisation], days) in sums {
        for (day, n) in days {
            add(tx, &day, kind, vendor, organisation, n).await?;
        }
    }
    Ok(forgotten)
}

async fn add(tx: &mut Tx, day: &str, kind: &str, vendor: &str, organisation: &str, n: i64) -> Result<()> {
    const SQL: &str = "INSERT INTO usage_daily (day, kind, vendor, organisation, n) VALUES ($1, $2, $3, $4, $5) \
                       ON CONFLICT (day, kind, vendor, organisation) DO UPDATE SET n = usage_daily.n + excluded.n";
    within!(tx, conn => sqlx::query(SQL)
        .bind(day).bind(kind).bind(vendor).bind(organisation).bind(n).execute(conn).await.map(drop))?;
    Ok(())
}
