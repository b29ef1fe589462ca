//! When sources are fetched next, and how it went: one row each. Of several processes that find the same fetch due, the
//! one that moves `due_at` on carries it out.

use std::time::Duration;

use super::{Db, Result, corrupt};
use crate::domain::{clock::Timestamp, id::SourceId};

pub struct Schedules<'a>(&'a Db);

impl Db {
    pub fn schedules(&self) -> Schedules<'_> {
        Schedules(self)
    }
}

/// How the last fetch by timetable went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scheduled {
    pub source: SourceId,
    pub due_at: Timestamp,
    /// While it runs: when somebody last said so.
    pub started_at: Option<Timestamp>,
    pub finished_at: Option<Timestamp>,
    pub outcome: Outcome,
    /// A sentence: what came in, or why nothing did.
    pub detail: String,
    /// When it last went well.
    pub good_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Never,
    Running,
    Taken,
    NothingNew,
    /// The guard: a person must look at it.
    Stopped,
    Failed,
}

impl Outcome {
    const ALL: [Outcome; 6] =
        [Outcome::Never, Outcome::Running, Outcome::Taken, Outcome::NothingNew, Outcome::Stopped, Outcome::Failed];

    pub fn as_str(self) -> &'static str {
        match self {
            Outcome::Never => "never",
            Outcome::Running => "running",
            Outcome::Taken => "taken",
            Outcome::NothingNew => "nothing-new",
            Outcome::Stopped => "stopped",
            Outcome::Failed => "failed",
        }
    }

    pub fn is_good(self) -> bool {
        matches!(self, Outcome::Taken | Outcome::NothingNew)
    }

    pub fn is_bad(self) -> bool {
        matches!(self, Outcome::Failed | Outcome::Stopped)
    }
}

/// A fetch this late is not only waiting for its turn.
const OVERDUE: Duration = Duration::from_secs(15 * 60);

impl Scheduled {
    /// A server that is down fetches nothing: a time long gone by is as bad as a failure.
    pub fn is_good(&self, now: Timestamp) -> bool {
        !self.outcome.is_bad() && now.since(self.due_at) <= OVERDUE
    }
}

impl Schedules<'_> {
    /// The row of a source, made if need be with `first` as its time.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn of(&self, source: &SourceId, first: Timestamp) -> Result<Scheduled> {
        let make = "INSERT INTO source_schedule (source, due_at, outcome, detail) VALUES ($1, $2, 'never', '') \
                    ON CONFLICT (source) DO NOTHING";
        let mut tx = self.0.begin().await?;
        within!(tx, conn =>
            sqlx::query(make).bind(source.as_str()).bind(first.millis()).execute(conn).await.map(drop))?;
        tx.commit().await?;
        let all = self.all().await?;
        let of = all.into_iter().find(|scheduled| scheduled.source == *source);
        of.ok_or_else(|| corrupt("a schedule is not there"))
    }

    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn all(&self) -> Result<Vec<Scheduled>> {
        type Row = (String, i64, Option<i64>, Option<i64>, String, String, Option<i64>);
        let sql = "SELECT source, due_at, started_at, finished_at, outcome, detail, good_at FROM source_schedule \
                   ORDER BY source";
        let rows: Vec<Row> = on!(self.0, pool => sqlx::query_as(sql).fetch_all(pool).await)?;
        let read = |(source, due, started, finished, outcome, detail, good): Row| {
            let outcome = Outcome::ALL.into_iter().find(|known| known.as_str() == outcome);
            Ok(Scheduled {
                source: source.parse().map_err(corrupt)?,
                due_at: Timestamp(due),
                started_at: started.map(Timestamp),
                finished_at: finished.map(Timestamp),
                outcome: outcome.ok_or_else(|| corrupt("the outcome of a fetch"))?,
                detail,
                good_at: good.map(Timestamp),
            })
        };
        rows.into_iter().map(read).collect()
    }

    /// Takes on the fetch that stands as `seen`: moves it to `next`. `false` where another process was first.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn take(&self, seen: &Scheduled, next: Timestamp, now: Timestamp) -> Result<bool> {
        let sql = "UPDATE source_schedule SET due_at = $1, started_at = $2, finished_at = NULL, outcome = 'running', \
                   detail = '' WHERE source = $3 AND due_at = $4 AND outcome = $5 AND COALESCE(started_at, 0) = $6";
        let mut tx = self.0.begin().await?;
        let taken = within!(tx, conn => sqlx::query(sql).bind(next.millis()).bind(now.millis())
            .bind(seen.source.as_str()).bind(seen.due_at.millis()).bind(seen.outcome.as_str())
            .bind(seen.started_at.map_or(0, Timestamp::millis)).execute(conn).await?.rows_affected());
        tx.commit().await?;
        Ok(taken == 1)
    }

    /// A sign of life of whoever fetches.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn beat(&self, source: &SourceId, now: Timestamp) -> Result<()> {
        let sql = "UPDATE source_schedule SET started_at = $1 WHERE source = $2 AND outcome = 'running'";
        let mut tx = self.0.begin().await?;
        within!(tx, conn =>
            sqlx::query(sql).bind(now.millis()).bind(source.as_str()).execute(conn).await.map(drop))?;
        tx.commit().await
    }

    /// Moves the next fetch, where the timetable says otherwise than it did or trying again may help.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn move_to(&self, source: &SourceId, due: Timestamp) -> Result<()> {
        let sql = "UPDATE source_schedule SET due_at = $1 WHERE source = $2";
        let mut tx = self.0.begin().await?;
        within!(tx, conn =>
            sqlx::query(sql).bind(due.millis()).bind(source.as_str()).execute(conn).await.map(drop))?;
        tx.commit().await
    }

    /// # Errors
    /// `Unavailable`.
    pub async fn finish(&self, source: &SourceId, outcome: Outcome, detail: &str, now: Timestamp) -> Result<()> {
        let sql = "UPDATE source_schedule SET finished_at = $1, outcome = $2, detail = $3, \
                   good_at = CASE WHEN $4 THEN $1 ELSE good_at END WHERE source = $5";
        let mut tx = self.0.begin().await?;
        within!(tx, conn => sqlx::query(sql).bind(now.millis()).bind(outcome.as_str()).bind(detail)
            .bind(outcome.is_good()).bind(source.as_str()).execute(conn).await.map(drop))?;
        tx.commit().await
    }
}
