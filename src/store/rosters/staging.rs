//! Writing a run's rows and taking dead ones away: many short transactions, since SQLite has one writer and
//! clicks need it too. Each call is one transaction and says how far it came.

use std::time::{Duration, Instant};

use super::{Hold, Rosters, UNDOABLE};
use crate::{
    domain::{card::CardNumber, clock::Timestamp, id::PatronId, pin::KeyedPin},
    store::{Db, Result, Tx, marks, values},
};

/// What a roster says of a person who is here.
#[derive(Debug, Clone)]
pub struct Entry {
    pub patron: PatronId,
    /// The sourcedId of somebody never seen before.
    pub new_as: Option<String>,
    pub given_name: String,
    pub family_name: String,
    /// `cms:student:07,charter:staff`, the one that made the card first.
    pub affiliations: String,
    pub card: CardNumber,
    /// The number is an earlier organisation's.
    pub kept_card: bool,
    /// `KeyedPin` in hex.
    pub initial_pin: Option<String>,
    /// What the roster said besides, for deliveries of changes: JSON that `directory::roster` reads.
    pub named: String,
    /// By which other directories find the person, separated by blanks.
    pub lookups: String,
    pub digest: KeyedPin,
}

/// How a batch is cut: SQLite's writer is everybody's, PostgreSQL likes long statements.
struct Cut {
    rows: usize,
    /// After this long no further statement joins the transaction.
    spell: Duration,
}

fn cut(db: &Db) -> Cut {
    if db.is_sqlite() {
        Cut { rows: 64, spell: Duration::from_millis(50) }
    } else {
        Cut { rows: 3000, spell: Duration::from_millis(200) }
    }
}

impl Rosters<'_> {
    /// Writes the first of `entries` into the run, and returns how many.
    ///
    /// # Errors
    /// `Conflict` where the hold is lost, `Unavailable`.
    pub async fn append(&self, hold: &Hold, entries: &[Entry], now: Timestamp) -> Result<usize> {
        let (cut, began) = (cut(self.db), Instant::now());
        let mut tx = self.db.begin_bulk().await?;
        self.beat(&mut tx, hold, now).await?;
        let mut done = 0;
        for batch in entries.chunks(cut.rows) {
            self.add_patrons(&mut tx, hold, batch, now).await?;
            self.add_entries(&mut tx, hold, batch).await?;
            self.add_lookups(&mut tx, hold, batch).await?;
            done += batch.len();
            if began.elapsed() >= cut.spell {
                break;
            }
        }
        tx.commit().await?;
        Ok(done)
    }

    async fn add_patrons(&self, tx: &mut Tx, hold: &Hold, batch: &[Entry], now: Timestamp) -> Result<()> {
        let new = batch.iter().filter(|entry| entry.new_as.is_some()).count();
        if new == 0 {
            return Ok(());
        }
        let sql = format!(
            "INSERT INTO patron (id, source, sourced_id, created_at, card_status, pin_change_due) VALUES {}",
            values(self.db.is_sqlite(), new, 4, ",'active', FALSE")
        );
        within!(tx, conn => {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(new == cut(self.db).rows);
            for entry in batch {
                if let Some(sourced_id) = &entry.new_as {
                    query = query.bind(entry.patron.to_string()).bind(hold.source.as_str()).bind(sourced_id.as_str())
                        .bind(now.millis());
                }
            }
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    async fn add_entries(&self, tx: &mut Tx, hold: &Hold, batch: &[Entry]) -> Result<()> {
        let sql = format!(
            "INSERT INTO roster_entry (patron, run, source, given_name, family_name, affiliations, card, kept_card, \
             initial_pin, named, lookups, digest, present) VALUES {}",
            values(self.db.is_sqlite(), batch.len(), 12, ",TRUE")
        );
        within!(tx, conn => {
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(batch.len() == cut(self.db).rows);
            for entry in batch {
                query = query.bind(entry.patron.to_string()).bind(hold.run).bind(hold.source.as_str())
                    .bind(entry.given_name.as_str()).bind(entry.family_name.as_str())
                    .bind(entry.affiliations.as_str()).bind(entry.card.as_str()).bind(entry.kept_card)
                    .bind(entry.initial_pin.as_deref()).bind(entry.named.as_str()).bind(entry.lookups.as_str())
                    .bind(entry.digest.hex());
            }
            query.execute(conn).await.map(drop)
        })?;
        Ok(())
    }

    async fn add_lookups(&self, tx: &mut Tx, hold: &Hold, batch: &[Entry]) -> Result<()> {
        let each = |entry: &Entry| {
            let patron = entry.patron.to_string();
            entry
                .lookups
                .split_whitespace()
                .map(move |digest| {
                    // A mark before it tells from which field it was made.
                    (digest.trim_start_matches(|c: char| !c.is_ascii_hexdigit()).to_owned(), patron.clone())
                })
                .collect::<Vec<_>>()
        };
        let all: Vec<(String, String)> = batch.iter().flat_map(each).collect();
        for some in all.chunks(cut(self.db).rows) {
            let sql = format!(
                "INSERT INTO roster_lookup (source, digest, patron) VALUES {} ON CONFLICT DO NOTHING",
                values(self.db.is_sqlite(), some.len(), 3, "")
            );
            within!(tx, conn => {
                let mut query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(some.len() == cut(self.db).rows);
                for (digest, patron) in some {
                    query = query.bind(hold.source.as_str()).bind(digest.as_str()).bind(patron.as_str());
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(())
    }

    /// Writes into the run that the first of `patrons` are here no more, and returns how many. Their cards live on
    /// until `bridged_until`; 0: not at all.
    ///
    /// # Errors
    /// `Conflict` where the hold is lost, `Unavailable`.
    pub async fn withdraw(
        &self,
        hold: &Hold,
        patrons: &[PatronId],
        bridged_until: Timestamp,
        now: Timestamp,
    ) -> Result<usize> {
        let (cut, began) = (cut(self.db), Instant::now());
        let mut tx = self.db.begin_bulk().await?;
        self.beat(&mut tx, hold, now).await?;
        let mut done = 0;
        for batch in patrons.chunks(cut.rows) {
            let mut marks = marks(self.db.is_sqlite());
            let sql = format!(
                "INSERT INTO roster_entry (patron, run, bridged_until, source, present, given_name, family_name, \
                 affiliations, card, kept_card, initial_pin, named, lookups, digest) SELECT e.patron, \
                 CAST({} AS BIGINT), CAST({} AS BIGINT), e.source, FALSE, e.given_name, e.family_name, \
                 e.affiliations, e.card, e.kept_card, e.initial_pin, e.named, e.lookups, e.digest FROM roster_entry e \
                 WHERE e.run = (SELECT MAX(n.run) FROM roster_entry n WHERE n.patron = e.patron AND n.run <= {}) \
                 AND e.patron IN {}",
                marks(),
                marks(),
                marks(),
                list(&mut marks, batch.len())
            );
            within!(tx, conn => {
                let query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(batch.len() == cut.rows);
                let query = query.bind(hold.run).bind(bridged_until.millis()).bind(hold.before);
                batch.iter().fold(query, |query, id| query.bind(id.to_string())).execute(conn).await.map(drop)
            })?;
            done += batch.len();
            if began.elapsed() >= cut.spell {
                break;
            }
        }
        tx.commit().await?;
        Ok(done)
    }

    /// Deletes some rows of runs that never went live or were undone; 0 when none is left.
    /// Before a run's own rows are written, or after an undo: in between it would take those away.
    ///
    /// # Errors
    /// `Conflict` where the hold is lost, `Unavailable`.
    pub async fn sweep(&self, hold: &Hold, now: Timestamp) -> Result<u64> {
        let live = self.live_run(&hold.source).await?;
        let sql = "SELECT run, patron FROM roster_entry WHERE source = $1 AND run > $2 ORDER BY run LIMIT $3";
        let found: Vec<(i64, String)> = on!(self.db, pool => sqlx::query_as(sql).bind(hold.source.as_str())
            .bind(live).bind(self.handful()).fetch_all(pool).await)?;
        let Some(run) = found.first().map(|(run, _)| *run) else {
            self.sweep_orgs(hold, live, now).await?;
            return self.sweep_rolls(hold, live, now).await;
        };
        let patrons: Vec<String> = found.into_iter().filter(|(of, _)| *of == run).map(|(_, patron)| patron).collect();
        self.delete(hold, "=", run, &patrons, now).await
    }

    /// Closes runs too old to be undone: deletes some of the rows that a newer one has replaced since; 0 at the end.
    ///
    /// # Errors
    /// `Conflict` where the hold is lost, `Unavailable`.
    pub async fn close_old(&self, hold: &Hold, now: Timestamp) -> Result<u64> {
        let old =
            "SELECT id FROM roster_run WHERE source = $1 AND state = 'live' ORDER BY id DESC LIMIT 1000 OFFSET $2";
        let mut ids: Vec<(i64,)> = on!(self.db, pool => sqlx::query_as(old).bind(hold.source.as_str())
            .bind(UNDOABLE).fetch_all(pool).await)?;
        while let Some((run,)) = ids.pop() {
            let sql = "SELECT DISTINCT o.patron FROM roster_entry e JOIN roster_entry o ON o.patron = e.patron \
                       AND o.run < e.run WHERE e.source = $1 AND e.run = $2 LIMIT $3";
            let found: Vec<(String,)> = on!(self.db, pool => sqlx::query_as(sql).bind(hold.source.as_str())
                .bind(run).bind(self.handful()).fetch_all(pool).await)?;
            let patrons: Vec<String> = found.into_iter().map(|(patron,)| patron).collect();
            if !patrons.is_empty() {
                return self.delete(hold, "<", run, &patrons, now).await;
            }
            let mut tx = self.db.begin().await?;
            self.beat(&mut tx, hold, now).await?;
            self.close_rolls(&mut tx, hold, run).await?;
            let orgs = "DELETE FROM roster_orgs WHERE source = $1 AND run < \
                        (SELECT MAX(n.run) FROM roster_orgs n WHERE n.source = $1 AND n.run <= $2)";
            within!(tx, conn => sqlx::query(orgs).bind(hold.source.as_str()).bind(run).execute(conn).await.map(drop))?;
            let close = "UPDATE roster_run SET state = 'closed' WHERE id = $1";
            within!(tx, conn => sqlx::query(close).bind(run).execute(conn).await.map(drop))?;
            tx.commit().await?;
        }
        Ok(0)
    }

    fn handful(&self) -> i64 {
        if self.db.is_sqlite() { 384 } else { 9000 }
    }

    async fn delete(&self, hold: &Hold, how: &str, run: i64, patrons: &[String], now: Timestamp) -> Result<u64> {
        let mut tx = self.db.begin().await?;
        self.beat(&mut tx, hold, now).await?;
        let mut marks = marks(self.db.is_sqlite());
        let sql = format!(
            "DELETE FROM roster_entry WHERE run {how} {} AND patron IN {}",
            marks(),
            list(&mut marks, patrons.len())
        );
        let gone = within!(tx, conn => {
            let query = sqlx::query(sqlx::AssertSqlSafe(sql)).persistent(false).bind(run);
            patrons.iter().fold(query, |query, id| query.bind(id.as_str())).execute(conn).await?.rows_affected()
        });
        tx.commit().await?;
        Ok(gone)
    }
}

/// `(?, ?, ?)`
fn list(marks: &mut impl FnMut() -> String, n: usize) -> String {
    let all: Vec<String> = (0..n).map(|_| marks()).collect();
    format!("({})", all.join(","))
}
