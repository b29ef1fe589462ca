//! Durable records: one file per aggregate, and all the SQL of the house.
//! Owns how things are kept; what they mean is `domain`'s, what may be done with them the callers'.

use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Connection, Executor, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{Mutex, OwnedMutexGuard};

use crate::domain::{clock::Timestamp, pool::PoolSettings};

/// One body of SQL on whichever engine is there.
macro_rules! on {
    ($db:expr, $pool:ident => $body:expr) => {
        match &$db.engine {
            $crate::store::Engine::Sqlite($pool) => $body,
            $crate::store::Engine::Postgres($pool) => $body,
        }
    };
}

/// The same within a transaction: `within!(tx, conn => sqlx::query(…).execute(conn).await)`.
macro_rules! within {
    ($tx:expr, $conn:ident => $body:expr) => {
        match &mut $tx.open {
            $crate::store::Open::Sqlite(tx) => {
                let $conn = &mut **tx;
                $body
            }
            $crate::store::Open::Postgres(tx) => {
                let $conn = &mut **tx;
                $body
            }
        }
    };
}

pub mod audit;
pub mod backup;
pub mod badges;
pub mod catalogue;
pub mod exports;
pub mod farewells;
pub mod journal;
mod kept;
pub mod keys;
pub mod lookups;
pub mod migrate;
pub mod numbers;
pub mod passages;
pub mod patrons;
pub mod people;
pub mod published;
pub mod registration;
pub mod retention;
pub mod rosters;
pub mod schedules;
pub mod scopes;
pub mod sessions;
pub mod shared_devices;
pub mod test_patrons;
#[cfg(test)]
mod tests;
pub mod upstreams;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Somebody else changed it first, or it exists already.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The database does not answer; trying again later may help.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// There is no room left where the database is; making some helps.
    #[error("the disk is full, and nothing of this was kept: make room where the database is: {0}")]
    Full(String),
    /// What is stored cannot be read as what it should be.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
}

pub type Result<T> = std::result::Result<T, Error>;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(db) if db.is_unique_violation() => Error::Conflict(db.to_string()),
            sqlx::Error::Database(db) if db.code().is_some_and(|code| FULL.contains(&code.as_ref())) => {
                Error::Full(db.to_string())
            }
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::TypeNotFound { .. } => {
                Error::Corrupt(error.to_string())
            }
            _ => Error::Unavailable(error.to_string()),
        }
    }
}

/// SQLite's code, also for a log's index that cannot grow, and PostgreSQL's.
const FULL: [&str; 3] = ["13", "4874", "53100"];

pub(crate) fn corrupt(what: impl std::fmt::Display) -> Error {
    Error::Corrupt(what.to_string())
}

/// A connected database: SQLite in one file, or PostgreSQL.
#[derive(Clone, Debug)]
pub struct Db {
    pub(crate) engine: Engine,
    /// SQLite's second pool, whose commits are not flushed one by one; see `begin_bulk`.
    bulk: Option<SqlitePool>,
    /// SQLite has one writer: within this process they queue here instead of in its busy handler.
    writer: Arc<Mutex<()>>,
    patience: Duration,
}

#[derive(Clone, Debug)]
pub(crate) enum Engine {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

/// A write transaction. Dropped without `commit`, it leaves nothing behind.
pub struct Tx {
    pub(crate) open: Open,
    _writer: Option<OwnedMutexGuard<()>>,
}

pub(crate) enum Open {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// How long the bulk connection stays open after an import, with its memory.
const BULK_IDLE: Duration = Duration::from_secs(30);

/// How long a write waits for another process's transaction on SQLite.
const WRITER_PATIENCE: Duration = Duration::from_secs(15);

impl Db {
    /// Opens `sqlite:PATH` (made when missing) or `postgres://…`.
    ///
    /// # Errors
    /// `Unavailable` where the URL is of neither kind, or the database cannot be reached.
    pub async fn open(url: &str) -> Result<Db> {
        Db::open_with(url, &PoolSettings::default()).await
    }

    /// The same with the operator's wishes for PostgreSQL.
    ///
    /// # Errors
    /// As `open`.
    pub async fn open_with(url: &str, wishes: &PoolSettings) -> Result<Db> {
        let (engine, bulk) = if let Some(path) = url.strip_prefix("sqlite:") {
            let path = path.trim_start_matches("//");
            if let Some(folder) = std::path::Path::new(path).parent() {
                std::fs::create_dir_all(folder)
                    .map_err(|e| Error::Unavailable(format!("{}: {e}", folder.display())))?;
            }
            let options = SqliteConnectOptions::new()
                .filename(path)
                .create_if_missing(true)
                .journal_mode(SqliteJournalMode::Wal)
                .synchronous(SqliteSynchronous::Full)
                .busy_timeout(WRITER_PATIENCE)
                .pragma("cache_size", "-8000")
                // What is deleted is gone from the file, too.
                .pragma("secure_delete", "ON")
                .statement_cache_capacity(256)
                // Rows come from a thread of their own, and whole rosters are read.
                .row_buffer_size(1024)
                .disable_statement_logging();
            // Turning a new file to WAL takes the whole file, and no busy handler waits for that: one connection does it
            // before the pool opens several at once.
            let first = when_free(|| options.connect()).await?;
            let unflushed = options
                .clone()
                .synchronous(SqliteSynchronous::Normal)
                .pragma("cache_size", "-32768")
                .pragma("wal_autocheckpoint", "8000");
            let one = impatient().max_connections(1).min_connections(0).idle_timeout(BULK_IDLE);
            let bulk = one.connect_lazy_with(unflushed);
            let pool = impatient().max_connections(6).min_connections(1).idle_timeout(None).max_lifetime(None);
            let pool = pool.connect_with(options).await?;
            first.close().await?;
            (Engine::Sqlite(pool), Some(bulk))
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url)?.statement_cache_capacity(256).disable_statement_logging();
            (Engine::Postgres(waiting(wishes).connect_with(options).await?), None)
        } else {
            return Err(Error::Unavailable("database must be sqlite:PATH or postgres://…".into()));
        };
        let patience = match &engine {
            Engine::Sqlite(_) => 2 * WRITER_PATIENCE,
            Engine::Postgres(_) => WRITER_PATIENCE.max(3 * wishes.acquire),
        };
        Ok(Db { engine, bulk, writer: Arc::default(), patience })
    }

    /// Begins a write transaction. On SQLite this is the one writer; keep it short.
    ///
    /// # Errors
    /// `Unavailable` where the database is away, or another process held the writer for 15 s.
    pub async fn begin(&self) -> Result<Tx> {
        match &self.engine {
            Engine::Postgres(pool) => Ok(Tx { open: Open::Postgres(pool.begin().await?), _writer: None }),
            Engine::Sqlite(pool) => self.begin_on(pool).await,
        }
    }

    /// Begins a write transaction for rows that nobody sees yet: its commit need not be on the disk before the next
    /// one begins, only before that of a later `begin`, which flushes what came before it as well.
    ///
    /// # Errors
    /// As `begin`.
    pub async fn begin_bulk(&self) -> Result<Tx> {
        match (&self.engine, &self.bulk) {
            (Engine::Sqlite(_), Some(pool)) => self.begin_on(pool).await,
            (Engine::Sqlite(pool), None) => self.begin_on(pool).await,
            (Engine::Postgres(pool), _) => {
                let mut tx = pool.begin().await?;
                tx.execute("SET LOCAL synchronous_commit = off").await?;
                Ok(Tx { open: Open::Postgres(tx), _writer: None })
            }
        }
    }

    async fn begin_on(&self, pool: &SqlitePool) -> Result<Tx> {
        let guard = self.writer.clone().lock_owned().await;
        let tx = when_free(|| pool.begin_with("BEGIN IMMEDIATE")).await?;
        Ok(Tx { open: Open::Sqlite(tx), _writer: Some(guard) })
    }

    /// Whether the database answers at all.
    ///
    /// # Errors
    /// `Unavailable` where it does not.
    pub async fn ping(&self) -> Result<()> {
        on!(self, pool => pool.execute("SELECT 1").await.map(drop))?;
        Ok(())
    }

    /// After this long a transaction that others wait behind is given up: whatever holds it up, nobody is kept for longer.
    /// A database that vanished from the network may otherwise be waited for until TCP gives up, a quarter of an hour.
    pub fn patience(&self) -> Duration {
        self.patience
    }

    /// What time it is where the database is; `None` where it is on this machine, in a file.
    ///
    /// # Errors
    /// `Unavailable` where it does not answer.
    pub async fn clock(&self) -> Result<Option<Timestamp>> {
        let Engine::Postgres(pool) = &self.engine else { return Ok(None) };
        let sql = "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)";
        let (millis,): (i64,) = sqlx::query_as(sql).fetch_one(pool).await?;
        Ok(Some(Timestamp(millis)))
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    pub async fn close(&self) {
        if let Some(bulk) = &self.bulk {
            bulk.close().await;
        }
        on!(self, pool => pool.close().await);
    }
}

/// Each connection is tried before it is used (sqlx's default), so that one which the server closed costs a reader nothing.
fn waiting(wishes: &PoolSettings) -> PgPoolOptions {
    // Set by a statement of its own: poolers between us and PostgreSQL refuse most parameters at the start.
    let limit = format!("SET statement_timeout = {}", wishes.statement.map_or(0, |limit| limit.as_millis()));
    PgPoolOptions::new()
        .max_connections(wishes.connections)
        .acquire_timeout(wishes.acquire)
        .idle_timeout(wishes.idle)
        .max_lifetime(wishes.lifetime)
        .after_connect(move |connection, _| {
            let limit = limit.clone();
            Box::pin(async move { connection.execute(sqlx::AssertSqlSafe(limit)).await.map(drop) })
        })
}

/// A connection is opened with all patience; from then on it is `when_free` that waits.
fn impatient() -> SqlitePoolOptions {
    SqlitePoolOptions::new().after_connect(|connection, _| {
        Box::pin(async move { connection.execute("PRAGMA busy_timeout = 2").await.map(drop) })
    })
}

/// Tries again for as long as another process has SQLite's writer. We look far oftener than its own busy handler would:
/// an import leaves gaps of a few milliseconds.
async fn when_free<T, F>(mut attempt: impl FnMut() -> F) -> sqlx::Result<T>
where
    F: Future<Output = sqlx::Result<T>>,
{
    let give_up = tokio::time::Instant::now() + WRITER_PATIENCE;
    loop {
        match attempt().await {
            Err(error) if is_busy(&error) && tokio::time::Instant::now() < give_up => {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
            outcome => return outcome,
        }
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(db) if db.code().is_some_and(|c| matches!(c.as_ref(), "5" | "517" | "261" | "6")))
}

impl Tx {
    pub(crate) fn is_sqlite(&self) -> bool {
        matches!(self.open, Open::Sqlite(_))
    }

    /// # Errors
    /// `Unavailable` where the database could not make it durable; then nothing of it is there.
    pub async fn commit(self) -> Result<()> {
        match self.open {
            Open::Sqlite(tx) => tx.commit().await?,
            Open::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

/// Placeholders in order. SQLite finds numbered ones by name, which is slow where there are hundreds.
pub(crate) fn marks(sqlite: bool) -> impl FnMut() -> String {
    let mut n = 0;
    move || {
        n += 1;
        if sqlite { "?".to_owned() } else { format!("${n}") }
    }
}

/// `(?,?,TRUE),(?,?,TRUE)`: the rows of a long INSERT, each of `width` placeholders and `constant` behind them.
pub(crate) fn values(sqlite: bool, rows: usize, width: usize, constant: &str) -> String {
    let mut marks = marks(sqlite);
    let row = |_| {
        let bound: Vec<String> = (0..width).map(|_| marks()).collect();
        format!("({}{constant})", bound.join(","))
    };
    (0..rows).map(row).collect::<Vec<_>>().join(",")
}
