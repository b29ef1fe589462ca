//! Durable records: one file per aggregate, and all the SQL of the house.
//! Owns how things are kept; what they mean is `domain`'s, what may be done with them the callers'.

use std::{str::FromStr, sync::Arc, time::Duration};

use sqlx::{
    ConnectOptions, Executor, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
    postgres::{PgConnectOptions, PgPoolOptions},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};
use tokio::sync::{Mutex, OwnedMutexGuard};

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
pub mod catalogue;
pub mod journal;
pub mod keys;
mod migrate;
pub mod passages;
pub mod patrons;
pub mod retention;
pub mod rosters;
pub mod sessions;
#[cfg(test)]
mod tests;

#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Somebody else changed it first, or it exists already.
    #[error("conflict: {0}")]
    Conflict(String),
    /// The database does not answer; trying again later may help.
    #[error("the database does not answer: {0}")]
    Unavailable(String),
    /// What is stored cannot be read as what it should be.
    #[error("stored data cannot be read: {0}")]
    Corrupt(String),
}

pub type Result<T> = std::result::Result<T, Error>;

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        match &error {
            sqlx::Error::Database(db) if db.is_unique_violation() => Error::Conflict(db.to_string()),
            sqlx::Error::ColumnDecode { .. } | sqlx::Error::Decode(_) | sqlx::Error::TypeNotFound { .. } => {
                Error::Corrupt(error.to_string())
            }
            _ => Error::Unavailable(error.to_string()),
        }
    }
}

pub(crate) fn corrupt(what: impl std::fmt::Display) -> Error {
    Error::Corrupt(what.to_string())
}

/// A connected database: SQLite in one file, or PostgreSQL.
#[derive(Clone, Debug)]
pub struct Db {
    pub(crate) engine: Engine,
    /// SQLite has one writer: within this process they queue here instead of in its busy handler.
    writer: Arc<Mutex<()>>,
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

/// How long a write waits for another process's transaction on SQLite.
const WRITER_PATIENCE: Duration = Duration::from_secs(15);

impl Db {
    /// Opens `sqlite:PATH` (made when missing) or `postgres://…`.
    ///
    /// # Errors
    /// `Unavailable` where the URL is of neither kind, or the database cannot be reached.
    pub async fn open(url: &str) -> Result<Db> {
        let engine = if let Some(path) = url.strip_prefix("sqlite:") {
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
                .busy_timeout(Duration::from_millis(20))
                .pragma("cache_size", "-8000")
                .statement_cache_capacity(256)
                .disable_statement_logging();
            let pool =
                SqlitePoolOptions::new().max_connections(6).min_connections(1).idle_timeout(None).max_lifetime(None);
            Engine::Sqlite(pool.connect_with(options).await?)
        } else if url.starts_with("postgres://") || url.starts_with("postgresql://") {
            let options = PgConnectOptions::from_str(url)?.statement_cache_capacity(256).disable_statement_logging();
            let pool = PgPoolOptions::new().max_connections(16).acquire_timeout(Duration::from_secs(5));
            Engine::Postgres(pool.connect_with(options).await?)
        } else {
            return Err(Error::Unavailable("database must be sqlite:PATH or postgres://…".into()));
        };
        Ok(Db { engine, writer: Arc::default() })
    }

    /// Begins a write transaction. On SQLite this is the one writer; keep it short.
    ///
    /// # Errors
    /// `Unavailable` where the database is away, or another process held the writer for 15 s.
    pub async fn begin(&self) -> Result<Tx> {
        match &self.engine {
            Engine::Postgres(pool) => Ok(Tx { open: Open::Postgres(pool.begin().await?), _writer: None }),
            Engine::Sqlite(pool) => {
                let guard = self.writer.clone().lock_owned().await;
                let give_up = tokio::time::Instant::now() + WRITER_PATIENCE;
                loop {
                    match pool.begin_with("BEGIN IMMEDIATE").await {
                        Ok(tx) => return Ok(Tx { open: Open::Sqlite(tx), _writer: Some(guard) }),
                        Err(error) if is_busy(&error) && tokio::time::Instant::now() < give_up => {
                            tokio::time::sleep(Duration::from_millis(1)).await;
                        }
                        Err(error) => return Err(error.into()),
                    }
                }
            }
        }
    }

    /// Whether the database answers at all.
    ///
    /// # Errors
    /// `Unavailable` where it does not.
    pub async fn ping(&self) -> Result<()> {
        on!(self, pool => pool.execute("SELECT 1").await.map(drop))?;
        Ok(())
    }

    pub fn is_sqlite(&self) -> bool {
        matches!(self.engine, Engine::Sqlite(_))
    }

    pub async fn close(&self) {
        on!(self, pool => pool.close().await);
    }
}

fn is_busy(error: &sqlx::Error) -> bool {
    matches!(error, sqlx::Error::Database(db) if db.code().is_some_and(|c| matches!(c.as_ref(), "5" | "517" | "261" | "6")))
}

impl Tx {
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

/// `HEAD VALUES ($1,$2),($3,$4)…` for `rows` rows of `columns` columns.
pub(crate) fn rows(head: &str, columns: usize, rows: usize) -> String {
    let mut sql = String::with_capacity(head.len() + rows * columns * 5 + 8);
    sql.push_str(head);
    sql.push_str(" VALUES ");
    for row in 0..rows {
        sql.push_str(if row == 0 { "(" } else { ",(" });
        for column in 1..=columns {
            if column > 1 {
                sql.push(',');
            }
            sql.push('$');
            sql.push_str(&(row * columns + column).to_string());
        }
        sql.push(')');
    }
    sql
}
