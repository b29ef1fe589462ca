//! Classes at rest, versioned by run as people are: a row for each run that changed one, the newest visible one holds.

use std::collections::{BTreeMap, HashSet};

use super::{Hold, Rosters};
use crate::{
    domain::{class::ClassRoll, clock::Timestamp, id::SourceId, pin::KeyedPin},
    store::{Result, Tx, values},
};

/// What a run says of a class. One that is gone keeps its last words, as a person does.
#[derive(Debug, Clone)]
pub struct RollEntry {
    pub roll: ClassRoll,
    pub present: bool,
    pub digest: KeyedPin,
}

/// A class as the live run shows it.
#[derive(Debug, Clone)]
pub struct HeldRoll {
    pub source: SourceId,
    pub roll: ClassRoll,
    pub present: bool,
    digest: String,
}

impl HeldRoll {
    pub fn is(&self, digest: &KeyedPin) -> bool {
        self.digest == digest.hex()
    }
}

type Row = (String, i64, bool, String, String, String, String, String);

const COLUMNS: &str = "class, run, present, title, org, grades, members, digest";
const ROWS_AT_ONCE: usize = 64;
/// Rows of one transaction.
const BATCH: usize = 512;

impl Rosters<'_> {
    /// Every class that a source has named, as run `live` shows it, by sourcedId.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn rolls(&self, source: &SourceId, live: i64) -> Result<BTreeMap<String, HeldRoll>> {
        let sql = format!("SELECT {COLUMNS} FROM class_roll WHERE source = $1 AND run <= $2 ORDER BY run");
        let rows: Vec<Row> = on!(self.db, pool => sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(source.as_str())
            .bind(live).fetch_all(pool).await)?;
        let held = |(class, _, present, title, org, grades, members, digest): Row| {
            let members = ClassRoll::read_members(&members);
            let roll = ClassRoll { sourced_id: class.clone(), title, org, grades, members };
            (class, HeldRoll { source: source.clone(), roll, present, digest })
        };
        // In the order of runs: the newest replaces what was before it.
        Ok(rows.into_iter().map(held).collect())
    }

    /// The classes that every source's live run shows, those that are gone left out.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn live_rolls(&self) -> Result<Vec<HeldRoll>> {
        let live: Vec<(String, i64)> = on!(self.db, pool =>
            sqlx::query_as("SELECT source, live_run FROM roster_source ORDER BY source").fetch_all(pool).await)?;
        let mut all = Vec::new();
        for (source, run) in live {
            let source = source.parse().map_err(crate::store::corrupt)?;
            all.extend(self.rolls(&source, run).await?.into_values().filter(|held| held.present));
        }
        Ok(all)
    }

    /// Writes the first of `entries` into the run, and returns how many.
    ///
    /// # Errors
    /// `Conflict` where the hold is lost, `Unavailable`.
    pub async fn append_rolls(&self, hold: &Hold, entries: &[RollEntry], now: Timestamp) -> Result<usize> {
        let mut tx = self.db.begin_bulk().await?;
        self.beat(&mut tx, hold, now).await?;
        let batch = entries.get(..BATCH.min(entries.len())).unwrap_or_default();
        for rows in batch.chunks(ROWS_AT_ONCE) {
            let sql = format!(
                "INSERT INTO class_roll (source, {COLUMNS}) VALUES {}",
                values(self.db.is_sqlite(), rows.len(), 9, "")
            );
            within!(tx, conn => {
                let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(rows.len() == ROWS_AT_ONCE);
                for RollEntry { roll, present, digest } in rows {
                    query = query.bind(hold.source.as_str()).bind(roll.sourced_id.as_str()).bind(hold.run)
                        .bind(*present).bind(roll.title.as_str()).bind(roll.org.as_str()).bind(roll.grades.as_str())
                        .bind(roll.written_members()).bind(digest.hex());
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        tx.commit().await?;
        Ok(batch.len())
    }

    /// Deletes the classes of runs that never went live or were undone; says how many rows went.
    pub(super) async fn sweep_rolls(&self, hold: &Hold, live: i64, now: Timestamp) -> Result<u64> {
        let any = "SELECT 1 FROM class_roll WHERE source = $1 AND run > $2 LIMIT 1";
        let any: Option<i32> = on!(self.db, pool => sqlx::query_scalar(any).bind(hold.source.as_str()).bind(live)
            .fetch_optional(pool).await)?;
        if any.is_none() {
            return Ok(0);
        }
        let mut tx = self.db.begin().await?;
        self.beat(&mut tx, hold, now).await?;
        let sql = "DELETE FROM class_roll WHERE source = $1 AND run > $2";
        let gone = within!(tx, conn => sqlx::query(sql).bind(hold.source.as_str()).bind(live).execute(conn).await?
            .rows_affected());
        tx.commit().await?;
        Ok(gone)
    }

    /// Takes away what a run that can be undone no more has replaced, in the transaction that closes it.
    pub(super) async fn close_rolls(&self, tx: &mut Tx, hold: &Hold, run: i64) -> Result<()> {
        let sql = "DELETE FROM class_roll WHERE source = $1 AND run < $2 AND EXISTS (SELECT 1 FROM class_roll n \
                   WHERE n.source = class_roll.source AND n.class = class_roll.class AND n.run = $2)";
        within!(tx, conn => sqlx::query(sql).bind(hold.source.as_str()).bind(run).execute(conn).await.map(drop))?;
        Ok(())
    }
}

/// Strikes people out of every class of every run, each by source and sourcedId, so that no undo brings them back. The next
/// delivery writes such a class anew.
pub(in crate::store) async fn strike(tx: &mut Tx, people: &[(String, String)]) -> Result<()> {
    const READ: &str = "SELECT class, run, members FROM class_roll WHERE source = $1";
    const WRITE: &str = "UPDATE class_roll SET members = $4, digest = '' WHERE source = $1 AND class = $2 AND run = $3";
    let mut by_source: BTreeMap<&str, HashSet<&str>> = BTreeMap::new();
    for (source, sourced_id) in people {
        by_source.entry(source).or_default().insert(sourced_id);
    }
    for (source, gone) in by_source {
        let rows: Vec<(String, i64, String)> =
            within!(tx, conn => sqlx::query_as(READ).bind(source).fetch_all(conn).await)?;
        for (class, run, members) in rows {
            let mut roll = ClassRoll { members: ClassRoll::read_members(&members), ..ClassRoll::default() };
            let before = roll.members.len();
            roll.members.retain(|(member, _)| !gone.contains(member.as_str()));
            if roll.members.len() < before {
                within!(tx, conn => sqlx::query(WRITE).bind(source).bind(&class).bind(run)
                    .bind(roll.written_members()).execute(conn).await.map(drop))?;
            }
        }
    }
    Ok(())
}
