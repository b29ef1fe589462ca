//! The two databases on which every promise is told.

use std::thread;

use sqlx::{Connection, PgConnection, SqliteConnection, postgres::PgConnectOptions};

use super::parts::part;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Where a library keeps its records.
#[derive(Debug, Clone)]
pub enum Database {
    /// The file inside the data folder that its configuration names.
    Sqlite,
    Postgres {
        url: String,
    },
}

impl Engine {
    /// A new, empty database; `None` where there is no PostgreSQL to try.
    pub fn database(self) -> Option<Database> {
        match self {
            Engine::Sqlite => Some(Database::Sqlite),
            Engine::Postgres => {
                let server = part("ONEACCESS_TEST_POSTGRES", "PostgreSQL")?;
                let name = format!("library_{}", uuid::Uuid::now_v7().simple());
                let url = match server.rsplit_once('/') {
                    Some((base, _)) => format!("{base}/{name}"),
                    None => panic!("ONEACCESS_TEST_POSTGRES must name a database"),
                };
                let statement = format!("CREATE DATABASE {name}");
                in_a_runtime(async move {
                    let options: PgConnectOptions = server.parse().unwrap();
                    let mut connection = PgConnection::connect_with(&options).await.unwrap();
                    sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
                    connection.close().await.unwrap();
                });
                Some(Database::Postgres { url })
            }
        }
    }
}

/// Runs SQL behind the product's back, as somebody with the database's password or file would.
/// Says how many rows it changed.
pub async fn tamper(database: &Database, sqlite_file: &std::path::Path, sql: &str) -> u64 {
    let sql = sqlx::AssertSqlSafe(sql.to_owned());
    match database {
        Database::Sqlite => {
            let mut connection = SqliteConnection::connect(&format!("sqlite:{}", sqlite_file.display())).await.unwrap();
            let done = sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected();
            connection.close().await.unwrap();
            done
        }
        Database::Postgres { url } => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let done = sqlx::query(sql).execute(&mut connection).await.unwrap().rows_affected();
            connection.close().await.unwrap();
            done
        }
    }
}

/// One number out of a SQLite file.
pub async fn count(file: &std::path::Path, sql: &'static str) -> i64 {
    let mut connection = SqliteConnection::connect(&format!("sqlite:{}", file.display())).await.unwrap();
    let count = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    count
}

/// Everything that the database holds, as text, so that a test can search it.
pub async fn dump(database: &Database, sqlite_file: &std::path::Path) -> String {
    let mut text = String::new();
    match database {
        Database::Sqlite => {
            // The file and its log hold what was deleted but not yet overwritten, too.
            for suffix in ["", "-wal"] {
                let mut path = sqlite_file.as_os_str().to_owned();
                path.push(suffix);
                if let Ok(bytes) = std::fs::read(path) {
                    text.push_str(&String::from_utf8_lossy(&bytes));
                }
            }
        }
        Database::Postgres { url } => {
            let mut connection = PgConnection::connect(url).await.unwrap();
            let tables: Vec<String> =
                sqlx::query_scalar("SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'")
                    .fetch_all(&mut connection)
                    .await
                    .unwrap();
            for table in tables {
                let rows: Vec<String> =
                    sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT row_to_json(t)::text FROM \"{table}\" t")))
                        .fetch_all(&mut connection)
                        .await
                        .unwrap();
                text.push_str(&rows.join("\n"));
            }
            connection.close().await.unwrap();
        }
    }
    text
}

fn in_a_runtime(work: impl Future<Output = ()> + Send + 'static) {
    let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    thread::spawn(move || runtime().block_on(work)).join().unwrap();
}
