//! Sessions: durable, so that a restart signs nobody out. Handles are kept as their SHA-256.

use sqlx::Row;

use super::{Db, Result, Tx, corrupt};
use crate::domain::{
    clock::Timestamp,
    id::{PatronId, SessionId},
    session::Session,
};

pub struct Sessions<'a>(&'a Db);

impl Db {
    pub fn sessions(&self) -> Sessions<'_> {
        Sessions(self)
    }
}

impl Sessions<'_> {
    /// The session behind a handle's hex SHA-256, ended or not.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn by_handle(&self, handle: &str) -> Result<Option<Session>> {
        const SQL: &str = "SELECT id, patron, authenticated_at, last_seen, ended_at, pin_change_due FROM session \
                           WHERE handle = $1";
        on!(self.0, pool => {
            let row = sqlx::query(SQL).bind(handle).fetch_optional(pool).await?;
            row.map(|row| {
                let (id, patron): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                let ended: Option<i64> = row.try_get(4)?;
                Ok(Session {
                    id: id.parse().map_err(corrupt)?,
                    patron: patron.parse().map_err(corrupt)?,
                    authenticated_at: Timestamp(row.try_get(2)?),
                    last_seen: Timestamp(row.try_get(3)?),
                    ended_at: ended.map(Timestamp),
                    pin_change_due: row.try_get(5)?,
                })
            })
            .transpose()
        })
    }
}

pub(super) async fn insert(tx: &mut Tx, session: &Session, handle: &str) -> Result<()> {
    const SQL: &str = "INSERT INTO session (id, handle, patron, authenticated_at, last_seen, pin_change_due) \
                       VALUES ($1, $2, $3, $4, $5, $6)";
    within!(tx, conn => sqlx::query(SQL)
        .bind(session.id.to_string())
        .bind(handle)
        .bind(session.patron.to_string())
        .bind(session.authenticated_at.0)
        .bind(session.last_seen.0)
        .bind(session.pin_change_due)
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

pub(super) async fn seen(tx: &mut Tx, id: SessionId, at: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE session SET last_seen = $2 WHERE id = $1 AND last_seen < $2";
    within!(tx, conn => sqlx::query(SQL).bind(id.to_string()).bind(at.0).execute(conn).await.map(drop))?;
    Ok(())
}

/// Ends one session and revokes what was granted through it; what may outlive it stays.
pub(super) async fn end(tx: &mut Tx, id: SessionId, at: Timestamp) -> Result<()> {
    const SESSION: &str = "UPDATE session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
    const PASSAGES: &str =
        "UPDATE passage SET revoked_at = $2 WHERE session = $1 AND revoked_at IS NULL AND NOT offline";
    for sql in [SESSION, PASSAGES] {
        within!(tx, conn => sqlx::query(sql).bind(id.to_string()).bind(at.0).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// Ends every session of a patron (but `except`), and revokes what was granted through them.
///
/// # Errors
/// Those of the database.
pub async fn end_all_of(tx: &mut Tx, patron: PatronId, except: Option<SessionId>, at: Timestamp) -> Result<()> {
    const SESSIONS: &str = "UPDATE session SET ended_at = $3 WHERE patron = $1 AND ended_at IS NULL AND id <> $2";
    const PASSAGES: &str = "UPDATE passage SET revoked_at = $3 WHERE revoked_at IS NULL AND session IN \
                            (SELECT id FROM session WHERE patron = $1 AND id <> $2)";
    let except = except.map(|id| id.to_string()).unwrap_or_default();
    for sql in [SESSIONS, PASSAGES] {
        within!(tx, conn => sqlx::query(sql)
            .bind(patron.to_string()).bind(&except).bind(at.0).execute(conn).await.map(drop))?;
    }
    Ok(())
}
