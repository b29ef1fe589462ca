//! Passages: one for each grant, kept until its tokens are over and its retention time too.

use sqlx::{AssertSqlSafe, Row};

use super::{Db, Result, Tx, corrupt};
use crate::domain::{
    clock::Timestamp,
    farewell::Parting,
    grant::{Grant, Renewal},
    id::GrantId,
    scope::Scopes,
};

pub struct Passages<'a>(&'a Db);

impl Db {
    pub fn passages(&self) -> Passages<'_> {
        Passages(self)
    }
}

impl Passages<'_> {
    /// # Errors
    /// Those of the database.
    pub async fn by_id(&self, id: GrantId) -> Result<Option<Grant>> {
        const SQL: &str = "SELECT session, patron, vendor, protocol, relying_party, scopes, authenticated_at, \
                           created_at, expires_at, revoked_at, offline, generation, turned_at, terms, method FROM passage \
                           WHERE id = $1";
        on!(self.0, pool => {
            let row = sqlx::query(SQL).bind(id.to_string()).fetch_optional(pool).await?;
            row.map(|row| {
                let text = |column: usize| row.try_get::<String, _>(column);
                let revoked: Option<i64> = row.try_get(9)?;
                let scopes: std::result::Result<Scopes, _> = text(5)?.split_whitespace().map(str::parse).collect();
                Ok(Grant {
                    id,
                    session: text(0)?.parse().map_err(corrupt)?,
                    patron: text(1)?.parse().map_err(corrupt)?,
                    vendor: text(2)?.parse().map_err(corrupt)?,
                    protocol: text(3)?,
                    relying_party: text(4)?,
                    scopes: scopes.map_err(corrupt)?,
                    method: text(14)?.parse().map_err(corrupt)?,
                    authenticated_at: Timestamp(row.try_get(6)?),
                    created_at: Timestamp(row.try_get(7)?),
                    expires_at: Timestamp(row.try_get(8)?),
                    revoked_at: revoked.map(Timestamp),
                    offline: row.try_get(10)?,
                    renewal: renewal(row.try_get(11)?, row.try_get(12)?, row.try_get(13)?)?,
                })
            })
            .transpose()
        })
    }

    /// What its protocol kept with the last grant of this session there.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn last_terms(&self, parting: &Parting) -> Result<Option<serde_json::Value>> {
        const SQL: &str = "SELECT terms FROM passage WHERE session = $1 AND protocol = $2 AND relying_party = $3 \
                           AND terms IS NOT NULL ORDER BY created_at DESC LIMIT 1";
        let terms: Option<String> = on!(self.0, pool => sqlx::query_scalar(SQL)
            .bind(parting.session.to_string())
            .bind(&parting.protocol)
            .bind(&parting.relying_party)
            .fetch_optional(pool)
            .await)?;
        terms.map(|terms| serde_json::from_str(&terms).map_err(corrupt)).transpose()
    }
}

fn renewal(generation: Option<i64>, turned_at: Option<i64>, terms: Option<String>) -> Result<Option<Renewal>> {
    let (Some(generation), Some(turned_at), Some(terms)) = (generation, turned_at, terms) else { return Ok(None) };
    Ok(Some(Renewal {
        generation: u64::try_from(generation).map_err(corrupt)?,
        turned_at: Timestamp(turned_at),
        terms: serde_json::from_str(&terms).map_err(corrupt)?,
    }))
}

const ROWS_AT_ONCE: usize = 64;

pub(super) async fn insert(tx: &mut Tx, grants: &[Grant]) -> Result<()> {
    const HEAD: &str = "INSERT INTO passage (id, session, patron, vendor, protocol, relying_party, scopes, \
                        authenticated_at, created_at, expires_at, offline, generation, turned_at, terms, method)";
    for rows in grants.chunks(ROWS_AT_ONCE) {
        let sql = format!("{HEAD} VALUES {}", super::values(tx.is_sqlite(), rows.len(), 15, ""));
        within!(tx, conn => {
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for grant in rows {
                query = query
                    .bind(grant.id.to_string())
                    .bind(grant.session.to_string())
                    .bind(grant.patron.to_string())
                    .bind(grant.vendor.as_str())
                    .bind(&grant.protocol)
                    .bind(&grant.relying_party)
                    .bind(grant.scopes.to_string())
                    .bind(grant.authenticated_at.0)
                    .bind(grant.created_at.0)
                    .bind(grant.expires_at.0)
                    .bind(grant.offline)
                    .bind(grant.renewal.as_ref().map(|renewal| renewal.generation as i64))
                    .bind(grant.renewal.as_ref().map(|renewal| renewal.turned_at.0))
                    .bind(grant.renewal.as_ref().map(|renewal| renewal.terms.to_string()))
                    .bind(grant.method.to_string());
            }
            query.execute(conn).await.map(drop)
        })?;
    }
    Ok(())
}

/// The next generation, unless somebody else was quicker.
pub(super) async fn turn(tx: &mut Tx, id: GrantId, from: u64, at: Timestamp) -> Result<()> {
    const SQL: &str =
        "UPDATE passage SET generation = generation + 1, turned_at = $3 WHERE id = $1 AND generation = $2";
    within!(tx, conn => sqlx::query(SQL)
        .bind(id.to_string())
        .bind(from as i64)
        .bind(at.0)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// Every process forgets the grants that it remembers.
pub(super) async fn some_are_revoked(tx: &mut Tx) -> Result<()> {
    const SQL: &str = "UPDATE version SET n = n + 1 WHERE name = 'grants'";
    within!(tx, conn => sqlx::query(SQL).execute(conn).await.map(drop))?;
    Ok(())
}

pub(super) async fn revoke(tx: &mut Tx, id: GrantId, at: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE passage SET revoked_at = $2 WHERE id = $1 AND revoked_at IS NULL";
    within!(tx, conn => sqlx::query(SQL).bind(id.to_string()).bind(at.0).execute(conn).await.map(drop))?;
    Ok(())
}
