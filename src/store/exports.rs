//! What each export last told of each patron: enough to know what has changed since, and no line of it.

use std::collections::HashMap;

use sqlx::AssertSqlSafe;

use super::{Db, Result, corrupt};
use crate::domain::{
    card::CardNumber,
    clock::Timestamp,
    id::{ExportId, PatronId},
    pin::KeyedPin,
};

pub struct Exports<'a>(&'a Db);

impl Db {
    pub fn exports(&self) -> Exports<'_> {
        Exports(self)
    }
}

/// A line as it was last told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Told {
    pub patron: PatronId,
    pub card: CardNumber,
    /// Keyed, over the line.
    pub digest: KeyedPin,
    /// When it was first told like that.
    pub changed_at: Timestamp,
}

/// Rows of one statement, and statements of one transaction.
const ROWS: usize = 100;
const STATEMENTS: usize = 20;

impl Exports<'_> {
    /// What was told of the people whose ids lie behind `after`, up to `to`; without it, of all behind.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn told(
        &self,
        export: &ExportId,
        after: Option<PatronId>,
        to: Option<PatronId>,
    ) -> Result<HashMap<PatronId, Told>> {
        const SQL: &str = "SELECT patron, card, digest, changed_at FROM export_line WHERE export = $1 AND patron > $2 \
                           AND ($3 = '' OR patron <= $3)";
        let bound = |id: Option<PatronId>| id.map(|id| id.to_string()).unwrap_or_default();
        let rows: Vec<(String, String, String, i64)> = on!(self.0, pool => sqlx::query_as(SQL).bind(export.as_str())
            .bind(bound(after)).bind(bound(to)).fetch_all(pool).await)?;
        let told = |(patron, card, hex_digest, changed_at): (String, String, String, i64)| {
            let patron: PatronId = patron.parse().map_err(corrupt)?;
            let mut digest = [0; 32];
            hex::decode_to_slice(&hex_digest, &mut digest).map_err(corrupt)?;
            let card = CardNumber::try_from(card).map_err(corrupt)?;
            Ok((patron, Told { patron, card, digest: KeyedPin(digest), changed_at: Timestamp(changed_at) }))
        };
        rows.into_iter().map(told).collect()
    }

    /// Remembers lines as they are told now.
    ///
    /// # Errors
    /// `Unavailable`; what was not remembered is told once more.
    pub async fn remember(&self, export: &ExportId, lines: &[Told]) -> Result<()> {
        for some in lines.chunks(ROWS * STATEMENTS) {
            let mut tx = self.0.begin().await?;
            for rows in some.chunks(ROWS) {
                let sql = format!(
                    "INSERT INTO export_line (export, patron, card, digest, changed_at) VALUES {} ON CONFLICT \
                     (export, patron) DO UPDATE SET card = excluded.card, digest = excluded.digest, \
                     changed_at = excluded.changed_at",
                    super::values(tx.is_sqlite(), rows.len(), 5, "")
                );
                within!(tx, conn => {
                    let mut query = sqlx::query(AssertSqlSafe(sql)).persistent(rows.len() == ROWS);
                    for line in rows {
                        query = query.bind(export.as_str()).bind(line.patron.to_string()).bind(line.card.as_str())
                            .bind(line.digest.hex()).bind(line.changed_at.0);
                    }
                    query.execute(conn).await.map(drop)
                })?;
            }
            tx.commit().await?;
        }
        Ok(())
    }

    /// Forgets that these people were ever told of.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn forget(&self, export: &ExportId, people: &[PatronId]) -> Result<()> {
        const SQL: &str = "DELETE FROM export_line WHERE export = $1 AND patron = $2";
        if people.is_empty() {
            return Ok(());
        }
        let mut tx = self.0.begin().await?;
        for id in people {
            within!(tx, conn => sqlx::query(SQL).bind(export.as_str()).bind(id.to_string()).execute(conn).await
                .map(drop))?;
        }
        tx.commit().await
    }
}
