//! Rosters at rest. A run appends rows of its own; none of them shows until its source's live run is moved.
//! What a run should say is `directory::roster`'s to decide; here is who may write, and how the switch is thrown.

mod changes;
mod classes;
mod reading;
mod staging;
#[cfg(test)]
pub(crate) mod trial;

use super::{Db, Error, Result, Tx};
use crate::domain::{clock::Timestamp, id::SourceId};

pub use changes::Said;
pub(super) use classes::strike;
pub use classes::{HeldRoll, RollEntry};
pub use reading::{Held, Known};
pub use staging::Entry;

pub struct Rosters<'a> {
    db: &'a Db,
}

impl Db {
    pub fn rosters(&self) -> Rosters<'_> {
        Rosters { db: self }
    }
}

/// The right to write for a source. Every write proves it again, so who has lost it writes nothing more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hold {
    pub source: SourceId,
    pub run: i64,
    /// The live run at the time: what this run's rows follow.
    pub before: i64,
}

/// The live runs of the other sources, which a check against their cards was made upon, and the count of changes that
/// the library made to numbers by itself.
pub type World = Vec<(String, i64)>;

/// One import, as it is remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRow {
    pub id: i64,
    pub source: String,
    /// Where the delivery lay.
    pub origin: String,
    /// `staging`, `refused`, `failed`, `abandoned`, `live`, `undone`, or `closed`: too old to be undone.
    pub state: String,
    pub before_run: i64,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    /// The preview, in JSON; empty until there was one.
    pub summary: String,
}

/// What a switch ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Ended {
    pub sessions: u64,
    pub passages: u64,
}

/// What is kept with a run that goes live.
#[derive(Debug, Clone, Copy)]
pub struct Closing<'a> {
    pub summary: &'a str,
    /// From where the source is asked next time.
    pub bookmark: Option<&'a str>,
}

/// How long a run keeps its hold without a heartbeat. Staging beats many times a second.
const LEASE: i64 = 60_000;

/// How many runs stay undoable.
const UNDOABLE: i64 = 30;

/// Tells every process that patrons have changed. First in a switch: on PostgreSQL its row lock makes switches
/// of different sources take turns.
pub(super) const BUMP: &str = "UPDATE version SET n = n + 1 WHERE name = 'patrons'";

/// `$1` is now, `$2` the source, `$3` the run.
const WITHDRAWN: &str = "SELECT e.patron FROM roster_entry e WHERE e.source = $2 AND e.run = $3 AND NOT e.present \
     AND e.bridged_until <= $1";

/// Who was here by the runs after `$4` alone, up to `$3`.
const BROUGHT: &str = "SELECT e.patron FROM roster_entry e WHERE e.source = $2 AND e.run <= $3 AND e.run > $4 AND e.present \
     AND NOT COALESCE((SELECT b.present FROM roster_entry b WHERE b.patron = e.patron AND b.run <= $4 \
     ORDER BY b.run DESC LIMIT 1), FALSE)";

impl Rosters<'_> {
    /// Takes the hold on a source and opens a run.
    ///
    /// # Errors
    /// `Conflict` where another import of this source is alive.
    pub async fn hold(&self, source: &SourceId, origin: &str, now: Timestamp) -> Result<Hold> {
        for _ in 0..8 {
            let mut tx = self.db.begin().await?;
            let before = self.take(&mut tx, source, None, now).await?;
            let (run,): (i64,) = within!(tx, conn =>
                sqlx::query_as("SELECT COALESCE(MAX(id), 0) + 1 FROM roster_run").fetch_one(conn).await)?;
            let open = "INSERT INTO roster_run (id, source, origin, state, before_run, started_at, summary) \
                        VALUES ($1, $2, $3, 'staging', $4, $5, '')";
            let opened = within!(tx, conn => sqlx::query(open).bind(run).bind(source.as_str()).bind(origin)
                .bind(before).bind(now.millis()).execute(conn).await.map(drop));
            match opened.map_err(Error::from) {
                Ok(()) => {}
                // Another source's run took the number in this instant.
                Err(Error::Conflict(_)) => continue,
                Err(other) => return Err(other),
            }
            let sign = "UPDATE roster_source SET holder = $1 WHERE source = $2";
            within!(tx, conn => sqlx::query(sign).bind(run).bind(source.as_str()).execute(conn).await.map(drop))?;
            tx.commit().await?;
            return Ok(Hold { source: source.clone(), run, before });
        }
        Err(Error::Conflict("other imports kept taking this run's number; try again".into()))
    }

    /// Takes the hold, from nobody or from the dead, and returns the live run. What the dead left is `abandoned`.
    async fn take(&self, tx: &mut Tx, source: &SourceId, holder: Option<i64>, now: Timestamp) -> Result<i64> {
        let source = source.as_str();
        let there = "INSERT INTO roster_source (source, live_run, holder, beat_at) VALUES ($1, 0, NULL, 0) \
                     ON CONFLICT (source) DO NOTHING";
        within!(tx, conn => sqlx::query(there).bind(source).execute(conn).await.map(drop))?;
        // 0 is nobody's run: a placeholder until the run has its number, in the same transaction.
        let take = "UPDATE roster_source SET holder = $1, beat_at = $2 \
                    WHERE source = $3 AND (holder IS NULL OR beat_at < $4 OR beat_at > $5)";
        let taken = within!(tx, conn => sqlx::query(take).bind(holder.unwrap_or(0)).bind(now.millis()).bind(source)
            .bind(now.millis() - LEASE).bind(now.millis() + LEASE).execute(conn).await?.rows_affected());
        let ask = "SELECT live_run, COALESCE(holder, 0), beat_at FROM roster_source WHERE source = $1";
        let (live, other, beat): (i64, i64, i64) =
            within!(tx, conn => sqlx::query_as(ask).bind(source).fetch_one(conn).await)?;
        if taken == 0 {
            let ago = now.since(Timestamp(beat)).as_secs();
            return Err(Error::Conflict(format!(
                "another import or undo of {source:?} is under way (run {other}, last sign of life {ago} s ago); \
                 if it has died, this can be tried again {} s after that sign",
                LEASE / 1000
            )));
        }
        let dead =
            "UPDATE roster_run SET state = 'abandoned', finished_at = $1 WHERE source = $2 AND state = 'staging'";
        within!(tx, conn => sqlx::query(dead).bind(now.millis()).bind(source).execute(conn).await.map(drop))?;
        Ok(live)
    }

    /// A sign of life, and the proof that the hold is still ours. Part of every transaction under it.
    async fn beat(&self, tx: &mut Tx, hold: &Hold, now: Timestamp) -> Result<()> {
        let sql = "UPDATE roster_source SET beat_at = $1 WHERE source = $2 AND holder = $3";
        let mine = within!(tx, conn => sqlx::query(sql).bind(now.millis()).bind(hold.source.as_str()).bind(hold.run)
            .execute(conn).await?.rows_affected());
        if mine == 1 { Ok(()) } else { Err(lost(hold)) }
    }

    /// Ends a run that will not go live. Its rows, if any, go with the next run's sweep.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn release(&self, hold: &Hold, state: &str, summary: &str, now: Timestamp) -> Result<()> {
        let mut tx = self.db.begin().await?;
        self.let_go(&mut tx, hold).await?;
        let sql =
            "UPDATE roster_run SET state = $1, summary = $2, finished_at = $3 WHERE id = $4 AND state = 'staging'";
        within!(tx, conn => sqlx::query(sql).bind(state).bind(summary).bind(now.millis()).bind(hold.run)
            .execute(conn).await.map(drop))?;
        tx.commit().await
    }

    /// Gives the hold back after an undo.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn put_down(&self, hold: &Hold) -> Result<()> {
        let mut tx = self.db.begin().await?;
        self.let_go(&mut tx, hold).await?;
        tx.commit().await
    }

    async fn let_go(&self, tx: &mut Tx, hold: &Hold) -> Result<()> {
        let free = "UPDATE roster_source SET holder = NULL WHERE source = $1 AND holder = $2";
        within!(tx, conn => sqlx::query(free).bind(hold.source.as_str()).bind(hold.run).execute(conn).await.map(drop))?;
        Ok(())
    }

    /// Makes a staged run the live one, in the caller's transaction: whom it withdrew loses sessions and passages.
    ///
    /// # Errors
    /// `Conflict` where the hold is lost, or another source's roster changed since cards were compared.
    pub async fn switch(
        &self,
        tx: &mut Tx,
        hold: &Hold,
        world: &World,
        said: Closing<'_>,
        now: Timestamp,
    ) -> Result<Ended> {
        within!(tx, conn => sqlx::query(BUMP).execute(conn).await.map(drop))?;
        self.same_world(tx, hold, world).await?;
        let show = "UPDATE roster_source SET live_run = $1, holder = NULL \
                    WHERE source = $2 AND holder = $1 AND live_run = $3";
        let shown = within!(tx, conn => sqlx::query(show).bind(hold.run).bind(hold.source.as_str()).bind(hold.before)
            .execute(conn).await?.rows_affected());
        if shown != 1 {
            return Err(lost(hold));
        }
        let note = "UPDATE roster_run SET state = 'live', finished_at = $1, summary = $2, bookmark = $3 WHERE id = $4";
        within!(tx, conn => sqlx::query(note).bind(now.millis()).bind(said.summary).bind(said.bookmark).bind(hold.run)
            .execute(conn).await.map(drop))?;
        self.see_out(tx, WITHDRAWN, hold, now).await
    }

    /// Takes the hold on a source in order to undo its latest live run, or with `and_later` all from `run` on.
    ///
    /// # Errors
    /// `Conflict` where there is nothing to undo, later runs are in the way, or an import is under way.
    pub async fn hold_for_undo(
        &self,
        source: &SourceId,
        run: Option<i64>,
        and_later: bool,
        now: Timestamp,
    ) -> Result<Hold> {
        let mut tx = self.db.begin().await?;
        let live = self.live_run_in(&mut tx, source).await?;
        if live == 0 {
            return Err(Error::Conflict(format!(
                "source {source:?} has no live run to undo",
                source = source.as_str()
            )));
        }
        let asked = run.unwrap_or(live);
        let ask = "SELECT before_run, state FROM roster_run WHERE id = $1 AND source = $2";
        let found: Option<(i64, String)> = within!(tx, conn => sqlx::query_as(ask).bind(asked).bind(source.as_str())
            .fetch_optional(conn).await)?;
        let of = source.as_str();
        let before = match found {
            Some((before, state)) if state == "live" => before,
            Some((_, state)) if state == "closed" => {
                let why = format!("run {asked} is too old to be undone: its earlier rows are gone");
                return Err(Error::Conflict(why));
            }
            Some((_, state)) => {
                return Err(Error::Conflict(format!("run {asked} of {of:?} is not in force: it is {state}")));
            }
            None => return Err(Error::Conflict(format!("{of:?} has no run {asked}"))),
        };
        if asked != live && !and_later {
            return Err(Error::Conflict(format!(
                "run {asked} is not the latest live run of {of:?}: later ones, up to run {live}, build upon it; \
                 --and-later takes them back as well"
            )));
        }
        if self.take(&mut tx, source, Some(live), now).await? != live {
            return Err(Error::Conflict(format!("the roster of {:?} has just changed", source.as_str())));
        }
        tx.commit().await?;
        Ok(Hold { source: source.clone(), run: live, before })
    }

    /// Moves a source back to run `hold.before`, in the caller's transaction: who was here by later runs alone loses
    /// sessions and passages. Their rows are then out of sight; `sweep` deletes them.
    ///
    /// # Errors
    /// `Conflict` as for `switch`.
    pub async fn unswitch(&self, tx: &mut Tx, hold: &Hold, world: &World, now: Timestamp) -> Result<Ended> {
        within!(tx, conn => sqlx::query(BUMP).execute(conn).await.map(drop))?;
        self.same_world(tx, hold, world).await?;
        let hide = "UPDATE roster_source SET live_run = $1, beat_at = $2 \
                    WHERE source = $3 AND holder = $4 AND live_run = $4";
        let hidden = within!(tx, conn => sqlx::query(hide).bind(hold.before).bind(now.millis())
            .bind(hold.source.as_str()).bind(hold.run).execute(conn).await?.rows_affected());
        if hidden != 1 {
            return Err(lost(hold));
        }
        let note = "UPDATE roster_run SET state = 'undone', finished_at = $1 WHERE source = $2 AND state = 'live' \
                    AND id > $3 AND id <= $4";
        within!(tx, conn => sqlx::query(note).bind(now.millis()).bind(hold.source.as_str()).bind(hold.before)
            .bind(hold.run).execute(conn).await.map(drop))?;
        self.see_out(tx, BROUGHT, hold, now).await
    }

    async fn same_world(&self, tx: &mut Tx, hold: &Hold, world: &World) -> Result<()> {
        let now: World = within!(tx, conn => sqlx::query_as(reading::WORLD).bind(hold.source.as_str())
            .fetch_all(conn).await)?;
        if now == *world {
            return Ok(());
        }
        Err(Error::Conflict(
            "another source's roster, or a card's number, changed in this very moment; start again".into(),
        ))
    }

    /// Ends sessions and revokes passages of the people that `who` selects. Passages first: they hang on sessions.
    async fn see_out(&self, tx: &mut Tx, who: &'static str, hold: &Hold, now: Timestamp) -> Result<Ended> {
        let revoke = format!(
            "UPDATE passage SET revoked_at = $1 WHERE revoked_at IS NULL AND expires_at > $1 \
             AND session IN (SELECT id FROM session WHERE patron IN ({who}))"
        );
        let end = format!("UPDATE session SET ended_at = $1 WHERE ended_at IS NULL AND patron IN ({who})");
        let mut done = [0; 2];
        for (sql, done) in [revoke, end].into_iter().zip(&mut done) {
            *done = within!(tx, conn => {
                let query = sqlx::query(sqlx::AssertSqlSafe(sql)).bind(now.millis()).bind(hold.source.as_str())
                    .bind(hold.run);
                let query = if who == BROUGHT { query.bind(hold.before) } else { query };
                query.execute(conn).await?.rows_affected()
            });
        }
        Ok(Ended { passages: done[0], sessions: done[1] })
    }

    /// The runs in force, one of each source that has any.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn live_runs(&self) -> Result<Vec<RunRow>> {
        let sql = "SELECT r.id, r.source, r.origin, r.state, r.before_run, r.started_at, r.finished_at, r.summary \
                   FROM roster_source s JOIN roster_run r ON r.id = s.live_run ORDER BY r.source";
        let rows: Vec<Row> = on!(self.db, pool => sqlx::query_as(sql).fetch_all(pool).await)?;
        Ok(rows.into_iter().map(read).collect())
    }

    /// Runs, the newest first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn runs(&self, source: Option<&SourceId>) -> Result<Vec<RunRow>> {
        let sql = "SELECT id, source, origin, state, before_run, started_at, finished_at, summary FROM roster_run \
                   WHERE $1 = '' OR source = $1 ORDER BY id DESC";
        let source = source.map_or("", SourceId::as_str);
        let rows: Vec<Row> = on!(self.db, pool => sqlx::query_as(sql).bind(source).fetch_all(pool).await)?;
        Ok(rows.into_iter().map(read).collect())
    }
}

type Row = (i64, String, String, String, i64, i64, Option<i64>, String);

fn read((id, source, origin, state, before_run, started, finished, summary): Row) -> RunRow {
    let (started_at, finished_at) = (Timestamp(started), finished.map(Timestamp));
    RunRow { id, source, origin, state, before_run, started_at, finished_at, summary }
}

fn lost(hold: &Hold) -> Error {
    Error::Conflict(format!(
        "run {} of {:?} was taken for dead and another has taken its place; nothing of it is live",
        hold.run,
        hold.source.as_str()
    ))
}
