//! Sessions: durable, so that a restart signs nobody out. Handles are kept as their SHA-256.

use sqlx::{AssertSqlSafe, Row};

use super::{Db, Error, Result, Tx, corrupt};
use crate::domain::{
    catalogue::OptOut,
    clock::Timestamp,
    id::{PatronId, SessionId},
    session::{Life, Session, SessionLimits},
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
        const SQL: &str = "SELECT id, patron, authenticated_at, last_seen, ended_at, pin_change_due, shared, method \
                           FROM session WHERE handle = $1";
        on!(self.0, pool => {
            let row = sqlx::query(SQL).bind(handle).fetch_optional(pool).await?;
            row.map(|row| {
                let (id, patron): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                let ended: Option<i64> = row.try_get(4)?;
                let method: String = row.try_get(7)?;
                Ok(Session {
                    id: id.parse().map_err(corrupt)?,
                    patron: patron.parse().map_err(corrupt)?,
                    method: method.parse().map_err(corrupt)?,
                    authenticated_at: Timestamp(row.try_get(2)?),
                    last_seen: Timestamp(row.try_get(3)?),
                    ended_at: ended.map(Timestamp),
                    pin_change_due: row.try_get(5)?,
                    shared: row.try_get(6)?,
                })
            })
            .transpose()
        })
    }
}

impl Sessions<'_> {
    /// The sessions that were parted under a number above `from` and up to `to`, with their handles.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn parted(&self, from: i64, to: i64) -> Result<Vec<(SessionId, String)>> {
        const SQL: &str = "SELECT id, handle FROM session WHERE parting > $1 AND parting <= $2";
        let rows: Vec<(String, String)> =
            on!(self.0, pool => sqlx::query_as(SQL).bind(from).bind(to).fetch_all(pool).await)?;
        rows.into_iter().map(|(id, handle)| Ok((id.parse().map_err(corrupt)?, handle))).collect()
    }

    /// Ends sessions that are over by these limits and revokes what was granted through them, at most so many of either
    /// kind; says which, with the handles that they were known by.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn expire(
        &self,
        limits: &SessionLimits,
        now: Timestamp,
        at_most: u32,
    ) -> Result<Vec<(SessionId, String)>> {
        let mut over = Vec::new();
        for (which, shared) in [("NOT shared", false), ("shared", true)] {
            let life = limits.of(shared);
            over.extend(self.expire_those(which, life, now, at_most).await?);
            over.extend(self.end_those_to_come(which, life, now, at_most).await?);
        }
        Ok(over)
    }

    /// Sessions that began further ahead than they may last: the clock was wrong then.
    async fn end_those_to_come(
        &self,
        which: &'static str,
        limits: Life,
        now: Timestamp,
        at_most: u32,
    ) -> Result<Vec<(SessionId, String)>> {
        let to_come = format!("ended_at IS NULL AND {which} AND authenticated_at > $1 AND authenticated_at <= $2");
        self.end_those(&to_come, (now + limits.absolute, Timestamp(i64::MAX)), now, at_most).await
    }

    async fn expire_those(
        &self,
        which: &'static str,
        limits: Life,
        now: Timestamp,
        at_most: u32,
    ) -> Result<Vec<(SessionId, String)>> {
        // Nobody was seen before signing in: the condition on `authenticated_at` says nothing new, but the indices, of
        // which shared sessions have their own, can use it.
        let over = format!(
            "ended_at IS NULL AND {which} AND authenticated_at <= $1 AND (last_seen <= $1 OR authenticated_at <= $2)"
        );
        self.end_those(&over, (now - limits.idle, now - limits.absolute), now, at_most).await
    }

    /// Those of which `over` holds with these two instants.
    async fn end_those(
        &self,
        over: &str,
        (first, second): (Timestamp, Timestamp),
        now: Timestamp,
        at_most: u32,
    ) -> Result<Vec<(SessionId, String)>> {
        let any = format!("SELECT 1 FROM session WHERE {over} LIMIT 1");
        let any: Option<i32> = on!(self.0, pool => sqlx::query_scalar(AssertSqlSafe(any))
            .bind(first.0).bind(second.0).fetch_optional(pool).await)?;
        if any.is_none() {
            return Ok(Vec::new());
        }
        let end = format!(
            "UPDATE session SET ended_at = $3 WHERE {over} AND id IN (SELECT id FROM session WHERE {over} LIMIT $4) \
             RETURNING id, handle"
        );
        let mut tx = self.0.begin().await?;
        let rows: Vec<(String, String)> = within!(tx, conn => sqlx::query_as(AssertSqlSafe(end))
            .bind(first.0).bind(second.0).bind(now.0).bind(i64::from(at_most)).fetch_all(conn).await)?;
        for (id, _) in &rows {
            within!(tx, conn => sqlx::query(REVOKE).bind(id).bind(now.0).execute(conn).await.map(drop))?;
        }
        tx.commit().await?;
        rows.into_iter().map(|(id, handle)| Ok((id.parse().map_err(corrupt)?, handle))).collect()
    }
}

/// What was granted through a session that has ended; what may outlive it stays.
const REVOKE: &str = "UPDATE passage SET revoked_at = $2 WHERE session = $1 AND revoked_at IS NULL AND NOT offline";

pub(super) async fn insert(tx: &mut Tx, session: &Session, handle: &str) -> Result<()> {
    const SQL: &str = "INSERT INTO session (id, handle, patron, authenticated_at, last_seen, pin_change_due, shared, \
                       method) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    within!(tx, conn => sqlx::query(SQL)
        .bind(session.id.to_string())
        .bind(handle)
        .bind(session.patron.to_string())
        .bind(session.authenticated_at.0)
        .bind(session.last_seen.0)
        .bind(session.pin_change_due)
        .bind(session.shared)
        .bind(session.method.to_string())
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

/// The same session under a new handle: its patron has shown the PIN again.
pub(super) async fn renew(tx: &mut Tx, session: &Session, handle: &str) -> Result<()> {
    const SQL: &str = "UPDATE session SET handle = $2, authenticated_at = $3, last_seen = $4, pin_change_due = $5, \
                       shared = $6, method = $7 WHERE id = $1 AND ended_at IS NULL";
    let renewed = within!(tx, conn => sqlx::query(SQL)
        .bind(session.id.to_string())
        .bind(handle)
        .bind(session.authenticated_at.0)
        .bind(session.last_seen.0)
        .bind(session.pin_change_due)
        .bind(session.shared)
        .bind(session.method.to_string())
        .execute(conn)
        .await?
        .rows_affected());
    if renewed == 1 { Ok(()) } else { Err(Error::Conflict("the session has just ended".into())) }
}

pub(super) async fn seen(tx: &mut Tx, id: SessionId, at: Timestamp) -> Result<()> {
    const SQL: &str = "UPDATE session SET last_seen = $2 WHERE id = $1 AND last_seen < $2";
    within!(tx, conn => sqlx::query(SQL).bind(id.to_string()).bind(at.0).execute(conn).await.map(drop))?;
    Ok(())
}

/// Ends one session and revokes what was granted through it.
pub(super) async fn end(tx: &mut Tx, id: SessionId, at: Timestamp) -> Result<()> {
    const SESSION: &str = "UPDATE session SET ended_at = $2 WHERE id = $1 AND ended_at IS NULL";
    for sql in [SESSION, REVOKE] {
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

/// Ends the sessions that a badge of this patron opened, and revokes what was granted through them.
///
/// # Errors
/// Those of the database.
pub async fn end_those_by_badge(tx: &mut Tx, patron: PatronId, at: Timestamp) -> Result<()> {
    const SESSIONS: &str =
        "UPDATE session SET ended_at = $2 WHERE patron = $1 AND ended_at IS NULL AND method LIKE 'badge%'";
    const PASSAGES: &str = "UPDATE passage SET revoked_at = $2 WHERE revoked_at IS NULL AND patron = $1 AND session IN \
                            (SELECT id FROM session WHERE patron = $1) AND method LIKE 'badge%'";
    for sql in [SESSIONS, PASSAGES] {
        within!(tx, conn => sqlx::query(sql).bind(patron.to_string()).bind(at.0).execute(conn).await.map(drop))?;
    }
    Ok(())
}

/// Ends every session of whom an opt-out names, and revokes what was granted through them.
///
/// # Errors
/// Those of the database.
pub async fn end_all_opted_out(tx: &mut Tx, opt_out: &OptOut, at: Timestamp) -> Result<()> {
    const BY_CARD: &str = "SELECT e.patron FROM roster_entry e JOIN roster_source s ON s.source = e.source \
                           WHERE e.card = $1 AND $2 = '' AND e.run <= s.live_run AND NOT EXISTS \
                           (SELECT 1 FROM roster_entry n WHERE n.patron = e.patron AND n.run > e.run \
                            AND n.run <= s.live_run)";
    const BY_SOURCE: &str = "SELECT id FROM patron WHERE source = $1 AND sourced_id = $2";
    let (sql, first, second) = match (&opt_out.card, &opt_out.source, &opt_out.sourced_id) {
        (Some(card), ..) => (BY_CARD, card.as_str(), ""),
        (None, Some(source), Some(id)) => (BY_SOURCE, source.as_str(), id.as_str()),
        _ => return Ok(()),
    };
    let mut who: Vec<String> =
        within!(tx, conn => sqlx::query_scalar(sql).bind(first).bind(second).fetch_all(conn).await)?;
    if let Some(card) = &opt_out.card
        && let Some(patron) = tx.card_numbers().keeper(card).await?
    {
        who.push(patron.to_string());
    }
    for patron in who {
        end_all_of(tx, patron.parse().map_err(corrupt)?, None, at).await?;
    }
    Ok(())
}
