//! When each vendor last asked for a scope by which name: what tells an operator whether an old name can go. What the
//! names mean is the catalogue's.

use super::{Db, Result};
use crate::domain::clock::Timestamp;

pub struct ScopesAsked<'a>(&'a Db);

impl Db {
    pub fn scopes_asked(&self) -> ScopesAsked<'_> {
        ScopesAsked(self)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastAsked {
    pub vendor: String,
    /// The scope's name as the vendor spelled it.
    pub name: String,
    pub at: Timestamp,
}

impl ScopesAsked<'_> {
    /// # Errors
    /// `Unavailable`.
    pub async fn all(&self) -> Result<Vec<LastAsked>> {
        let sql = "SELECT vendor, name, last_at FROM scope_asked ORDER BY vendor, name";
        let rows: Vec<(String, String, i64)> = on!(self.0, pool => sqlx::query_as(sql).fetch_all(pool).await)?;
        Ok(rows.into_iter().map(|(vendor, name, at)| LastAsked { vendor, name, at: Timestamp(at) }).collect())
    }

    /// Several processes may note at once: the latest stays.
    ///
    /// # Errors
    /// `Unavailable`; then nothing was noted.
    pub async fn note(&self, asked: &[LastAsked]) -> Result<()> {
        const SQL: &str = "INSERT INTO scope_asked (vendor, name, last_at) VALUES ($1, $2, $3) \
                           ON CONFLICT (vendor, name) DO UPDATE SET last_at = excluded.last_at \
                           WHERE scope_asked.last_at < excluded.last_at";
        let mut tx = self.0.begin().await?;
        for LastAsked { vendor, name, at } in asked {
            within!(tx, conn => sqlx::query(SQL).bind(vendor).bind(name).bind(at.millis()).execute(conn).await.map(drop))?;
        }
        tx.commit().await
    }
}
