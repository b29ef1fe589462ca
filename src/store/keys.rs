//! Private keys and secrets at rest, each wrapped. What wraps them, and what they are for, is `keyring`'s.

use super::{Db, Result};
use crate::domain::clock::Timestamp;

pub struct Keys<'a> {
    db: &'a Db,
}

/// One wrapped key. `id` names its purpose and generation, so that two processes that make the same key collide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrappedKey {
    pub id: String,
    pub purpose: String,
    pub algorithm: String,
    /// Nonce, ciphertext and tag, in hex.
    pub wrapped: String,
    pub created_at: Timestamp,
}

impl Db {
    pub fn keys(&self) -> Keys<'_> {
        Keys { db: self }
    }
}

impl Keys<'_> {
    /// Every key, oldest first.
    ///
    /// # Errors
    /// `Unavailable` where the database is away.
    pub async fn all(&self) -> Result<Vec<WrappedKey>> {
        type Row = (String, String, String, String, i64);
        let sql = "SELECT id, purpose, algorithm, wrapped, created_at FROM key_material ORDER BY created_at, id";
        let rows: Vec<Row> = on!(self.db, pool => sqlx::query_as(sql).fetch_all(pool).await)?;
        Ok(rows
            .into_iter()
            .map(|(id, purpose, algorithm, wrapped, created_at)| WrappedKey {
                id,
                purpose,
                algorithm,
                wrapped,
                created_at: Timestamp(created_at),
            })
            .collect())
    }

    /// Adds those keys whose ids are not there yet, and says which these were: where several processes make the same
    /// key at once, the first one's stays. Read again what holds.
    ///
    /// # Errors
    /// `Unavailable` where the database is away; then none was added.
    pub async fn add_missing(&self, keys: &[WrappedKey]) -> Result<Vec<String>> {
        let sql = "INSERT INTO key_material (id, purpose, algorithm, wrapped, created_at) VALUES ($1, $2, $3, $4, $5) \
                   ON CONFLICT (id) DO NOTHING";
        let mut added = Vec::new();
        let mut tx = self.db.begin().await?;
        for key in keys {
            let rows = within!(tx, conn => sqlx::query(sql)
                .bind(&key.id)
                .bind(&key.purpose)
                .bind(&key.algorithm)
                .bind(&key.wrapped)
                .bind(key.created_at.millis())
                .execute(conn)
                .await
                .map(|done| done.rows_affected()))?;
            if rows > 0 {
                added.push(key.id.clone());
            }
        }
        if !added.is_empty() {
            let sql = "UPDATE version SET n = n + 1 WHERE name = 'keys'";
            within!(tx, conn => sqlx::query(sql).execute(conn).await.map(drop))?;
        }
        tx.commit().await?;
        Ok(added)
    }
}
