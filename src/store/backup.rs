//! Whole tables, read in one consistent state and written into an empty database of either engine. How they look in a
//! file is `backup`'s.

use serde::{Deserialize, Serialize};
use sqlx::{AssertSqlSafe, Executor, Row as _};

use super::{Db, Engine, Error, Open, Result, Tx, migrate, values};

/// What is taken along, in the order it is written back. A test holds the list to the schema.
pub const TABLES: [&str; 26] = [
    "version",
    "catalogue",
    "key_material",
    "signing_key",
    "jwks_fetch",
    "certificate_seen",
    "scope_asked",
    "invitation",
    "patron",
    "roster_source",
    "roster_run",
    "roster_entry",
    "roster_orgs",
    "roster_lookup",
    "source_schedule",
    "class_roll",
    "badge",
    "upstream_link",
    "export_line",
    "shared_device",
    "session",
    "passage",
    "farewell",
    "usage_daily",
    "audit_chain",
    "audit_event",
];

/// What is left out, and why.
pub const LEFT_OUT: [(&str, &str); 1] =
    [("_sqlx_migrations", "which steps of the schema were taken: they are taken anew")];

/// Rows read at a time.
const PAGE: usize = 250;
/// What one statement may bind, on either engine.
const MOST_BOUND: usize = 30_000;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub name: String,
    pub columns: Vec<Column>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    pub name: String,
    pub kind: Kind,
}

/// The three types of which every column is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    Text,
    Number,
    Flag,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Null,
    Text(String),
    Number(i64),
    Flag(bool),
}

pub type Row = Vec<Value>;

macro_rules! decode {
    ($rows:expr, $columns:expr, $from:expr) => {{
        let mut read = Vec::with_capacity($rows.len());
        for row in &$rows {
            let mut values = Vec::with_capacity($columns.len());
            for (place, column) in $columns.iter().enumerate() {
                let at = place + $from;
                values.push(match column.kind {
                    Kind::Text => row.try_get::<Option<String>, _>(at)?.map_or(Value::Null, Value::Text),
                    Kind::Number => row.try_get::<Option<i64>, _>(at)?.map_or(Value::Null, Value::Number),
                    Kind::Flag => row.try_get::<Option<bool>, _>(at)?.map_or(Value::Null, Value::Flag),
                });
            }
            read.push(values);
        }
        read
    }};
}

impl Db {
    /// A transaction that sees one state of everything, whatever is written meanwhile. Nothing is written in it.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn snapshot(&self) -> Result<Tx> {
        match &self.engine {
            Engine::Sqlite(pool) => {
                let mut tx = Tx { open: Open::Sqlite(pool.begin().await?), _writer: None };
                // The state is that of the first read.
                within!(tx, conn => conn.execute("SELECT COUNT(*) FROM version").await.map(drop))?;
                Ok(tx)
            }
            Engine::Postgres(pool) => {
                let mut tx = pool.begin_with("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
                tx.execute("SET LOCAL statement_timeout = 0").await?;
                Ok(Tx { open: Open::Postgres(tx), _writer: None })
            }
        }
    }

    /// A write transaction that may take its time.
    ///
    /// # Errors
    /// As `begin`.
    pub async fn begin_long(&self) -> Result<Tx> {
        let mut tx = self.begin().await?;
        if let Open::Postgres(tx) = &mut tx.open {
            tx.execute("SET LOCAL statement_timeout = 0").await?;
        }
        Ok(tx)
    }

    /// Lets PostgreSQL look at what came in, so that it plans well from the first click on.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn analyze(&self) -> Result<()> {
        if let Engine::Postgres(pool) = &self.engine {
            pool.execute("ANALYZE").await?;
        }
        Ok(())
    }

    /// `sqlite` or `postgresql`.
    pub fn engine_name(&self) -> &'static str {
        if self.is_sqlite() { "sqlite" } else { "postgresql" }
    }
}

impl Tx {
    /// The tables of `TABLES` that are there, as they are.
    ///
    /// # Errors
    /// `Corrupt` where a column is of a type that no step of ours makes.
    pub async fn tables(&mut self) -> Result<Vec<Table>> {
        let sql = if self.is_sqlite() {
            "SELECT t.name, c.name, c.type FROM sqlite_master t, pragma_table_info(t.name) c \
             WHERE t.type = 'table' ORDER BY t.name, c.cid"
        } else {
            "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns \
             WHERE table_schema = current_schema() ORDER BY table_name, ordinal_position"
        };
        let columns: Vec<(String, String, String)> =
            within!(self, conn => sqlx::query_as(sql).persistent(false).fetch_all(conn).await)?;
        let of = |table: &str| -> Result<Option<Table>> {
            let of_table = columns.iter().filter(|(name, ..)| name == table);
            let columns = of_table.map(|(_, name, kind)| {
                let kind = match kind.to_ascii_lowercase().as_str() {
                    "text" => Kind::Text,
                    "bigint" => Kind::Number,
                    "boolean" => Kind::Flag,
                    other => return Err(Error::Corrupt(format!("column {table}.{name} is of type {other}"))),
                };
                Ok(Column { name: name.clone(), kind })
            });
            let columns = columns.collect::<Result<Vec<_>>>()?;
            Ok((!columns.is_empty()).then(|| Table { name: table.to_owned(), columns }))
        };
        TABLES.iter().filter_map(|table| of(table).transpose()).collect()
    }

    /// How many rows a table has.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn count(&mut self, table: &Table) -> Result<u64> {
        let sql = format!("SELECT COUNT(*) FROM {}", table.name);
        let (rows,): (i64,) = within!(self, conn => sqlx::query_as(AssertSqlSafe(sql)).fetch_one(conn).await)?;
        Ok(u64::try_from(rows).unwrap_or(0))
    }

    /// The first table that holds anything but what the steps of the schema put there.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn occupied(&mut self) -> Result<Option<String>> {
        for table in self.tables().await? {
            let sql = format!("SELECT COUNT(*) FROM (SELECT 1 AS one FROM {} LIMIT 1) AS probe", table.name);
            let (rows,): (i64,) = within!(self, conn => sqlx::query_as(AssertSqlSafe(sql)).fetch_one(conn).await)?;
            if rows > 0 && table.name != "version" {
                return Ok(Some(table.name));
            }
        }
        Ok(None)
    }

    /// Makes every table anew, empty, as the step `version` of the schema left them.
    ///
    /// # Errors
    /// `Corrupt` where a step fails.
    pub async fn found(&mut self, version: i64) -> Result<Vec<Table>> {
        for table in TABLES.iter().copied().chain([migrate::TAKEN]) {
            let sql = format!("DROP TABLE IF EXISTS {table}");
            within!(self, conn => conn.execute(AssertSqlSafe(sql)).await.map(drop))?;
        }
        self.migrate_to(version).await?;
        within!(self, conn => conn.execute("DELETE FROM version").await.map(drop))?;
        self.tables().await
    }

    /// Takes the steps of the schema that are left.
    ///
    /// # Errors
    /// `Corrupt` where one fails.
    pub async fn bring_forward(&mut self) -> Result<()> {
        self.migrate_to(migrate::newest()).await
    }

    /// Writes rows back. `table` must be one of `tables`.
    ///
    /// # Errors
    /// `Conflict` where a row is there already.
    pub async fn put_rows(&mut self, table: &Table, rows: &[Row]) -> Result<()> {
        let names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        let (name, names, width) = (&table.name, names.join(", "), table.columns.len());
        for rows in rows.chunks(at_once(table)) {
            let places = values(self.is_sqlite(), rows.len(), width, "");
            let sql = format!("INSERT INTO {name} ({names}) VALUES {places}");
            within!(self, conn => {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for (value, column) in rows.iter().flat_map(|row| row.iter().zip(&table.columns)) {
                    query = match (value, column.kind) {
                        (Value::Text(text), _) => query.bind(text.as_str()),
                        (Value::Number(number), _) => query.bind(*number),
                        (Value::Flag(flag), _) => query.bind(*flag),
                        (Value::Null, Kind::Text) => query.bind(None::<&str>),
                        (Value::Null, Kind::Number) => query.bind(None::<i64>),
                        (Value::Null, Kind::Flag) => query.bind(None::<bool>),
                    };
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        Ok(())
    }
}

/// How many rows of a table one statement takes.
pub fn at_once(table: &Table) -> usize {
    (MOST_BOUND / table.columns.len().max(1)).clamp(1, 200)
}

/// Reads a table page by page, so that memory does not grow with it.
pub struct Scan<'t> {
    table: &'t Table,
    /// SQLite's row that was read last.
    after: i64,
    begun: bool,
}

impl<'t> Scan<'t> {
    /// `table` must be one of `Tx::tables`.
    pub fn of(table: &'t Table) -> Scan<'t> {
        Scan { table, after: i64::MIN, begun: false }
    }

    /// The next rows; none at the end.
    ///
    /// # Errors
    /// `Corrupt` where a value is not of its column's type.
    pub async fn next(&mut self, tx: &mut Tx) -> Result<Vec<Row>> {
        let names: Vec<&str> = self.table.columns.iter().map(|column| column.name.as_str()).collect();
        let (table, names, columns) = (&self.table.name, names.join(", "), &self.table.columns);
        match &mut tx.open {
            Open::Sqlite(tx) => {
                let sql = format!("SELECT rowid, {names} FROM {table} WHERE rowid > $1 ORDER BY rowid LIMIT {PAGE}");
                let rows = sqlx::query(AssertSqlSafe(sql)).bind(self.after).fetch_all(&mut **tx).await?;
                if let Some(last) = rows.last() {
                    self.after = last.try_get(0)?;
                }
                Ok(decode!(rows, columns, 1))
            }
            Open::Postgres(tx) => {
                if !self.begun {
                    let sql = format!("DECLARE scan_{table} NO SCROLL CURSOR FOR SELECT {names} FROM {table}");
                    tx.execute(AssertSqlSafe(sql)).await?;
                    self.begun = true;
                }
                let sql = format!("FETCH FORWARD {PAGE} FROM scan_{table}");
                // The same words mean another plan once the cursor was opened again.
                let rows = sqlx::query(AssertSqlSafe(sql)).persistent(false).fetch_all(&mut **tx).await?;
                if rows.is_empty() {
                    tx.execute(AssertSqlSafe(format!("CLOSE scan_{table}"))).await?;
                    self.begun = false;
                }
                Ok(decode!(rows, columns, 0))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::store::rosters::trial::databases;

    #[tokio::test]
    async fn every_table_of_the_schema_is_taken_along_or_left_out_for_a_reason() {
        for (db, ..) in databases().await {
            let sql = if db.is_sqlite() {
                "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
            } else {
                "SELECT table_name::text FROM information_schema.tables WHERE table_schema = current_schema()"
            };
            let there: Vec<(String,)> = on!(db, pool => sqlx::query_as(sql).fetch_all(pool).await).unwrap();
            let there: BTreeSet<String> = there.into_iter().map(|(name,)| name).collect();
            let told = TABLES.iter().copied().chain(LEFT_OUT.iter().map(|(name, _)| *name)).map(str::to_owned);
            assert_eq!(there, told.collect(), "add it to TABLES, or to LEFT_OUT with its reason");
            let mut tx = db.snapshot().await.unwrap();
            assert_eq!(tx.tables().await.unwrap().len(), TABLES.len());
        }
    }
}
