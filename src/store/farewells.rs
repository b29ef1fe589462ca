//! Who must still hear that a session has ended. Put down from the ended sessions themselves, so that it does not matter
//! which process ended them, nor whether that process is still there.

use sqlx::AssertSqlSafe;

use super::{Db, Result, Tx, corrupt};
use crate::domain::{
    clock::Timestamp,
    farewell::{Due, Outcome, Parting, Standing, Tried},
    id::{SessionId, VendorId},
};

pub struct Farewells<'a>(&'a Db);

impl Db {
    pub fn farewells(&self) -> Farewells<'_> {
        Farewells(self)
    }
}

/// A relying party: protocol and key.
pub type Party = (String, String);

/// Rows of one INSERT or one list of ids.
const ROWS_AT_ONCE: usize = 64;

impl Farewells<'_> {
    /// Where a session went, whether it has ended or not.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn of_session(&self, session: SessionId) -> Result<Vec<Parting>> {
        const SQL: &str = "SELECT DISTINCT s.id, s.patron, p.vendor, p.protocol, p.relying_party \
                           FROM session s JOIN passage p ON p.session = s.id WHERE s.id = $1 ORDER BY 3, 4, 5";
        let rows: Vec<PartingRow> =
            on!(self.0, pool => sqlx::query_as(SQL).bind(session.to_string()).fetch_all(pool).await)?;
        rows.into_iter().map(parting).collect()
    }

    /// The sessions that ended first and whose relying parties nobody has put down yet, and where they went.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn ended(&self, at_most: u32) -> Result<(Vec<SessionId>, Vec<Parting>)> {
        const SESSIONS: &str = "SELECT id FROM session WHERE ended_at IS NOT NULL AND NOT parted \
                                ORDER BY ended_at LIMIT $1";
        let ids: Vec<String> =
            on!(self.0, pool => sqlx::query_scalar(SESSIONS).bind(i64::from(at_most)).fetch_all(pool).await)?;
        let mut partings = Vec::new();
        for some in ids.chunks(ROWS_AT_ONCE) {
            let sql = format!(
                "SELECT DISTINCT s.id, s.patron, p.vendor, p.protocol, p.relying_party \
                 FROM session s JOIN passage p ON p.session = s.id WHERE s.id IN {}",
                super::values(self.0.is_sqlite(), 1, some.len(), "")
            );
            let rows: Vec<PartingRow> = on!(self.0, pool => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql));
                for id in some {
                    query = query.bind(id);
                }
                query.fetch_all(pool).await
            })?;
            for row in rows {
                partings.push(parting(row)?);
            }
        }
        let ids = ids.iter().map(|id| id.parse().map_err(corrupt)).collect::<Result<_>>()?;
        Ok((ids, partings))
    }

    /// Puts down who must be told from `due` on, and that it was done for these sessions. Says whom nobody had put down
    /// before: doing it twice changes nothing.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn part(
        &self,
        sessions: &[SessionId],
        to_tell: &[Parting],
        now: Timestamp,
        due: Timestamp,
    ) -> Result<Vec<Parting>> {
        const HEAD: &str = "INSERT INTO farewell (session, protocol, relying_party, vendor, patron, created_at, due_at, \
                            tries)";
        const NUMBER: &str = "UPDATE version SET n = n + 1 WHERE name = 'sessions' RETURNING n";
        let mut put_down = Vec::new();
        let mut tx = self.0.begin().await?;
        // Before anything else: whoever parts waits here, so that numbers become visible in their order.
        let number: i64 = within!(tx, conn => sqlx::query_scalar(NUMBER).fetch_one(conn).await)?;
        for rows in to_tell.chunks(ROWS_AT_ONCE) {
            let values = super::values(tx.is_sqlite(), rows.len(), 7, ",0");
            let sql = format!(
                "{HEAD} VALUES {values} ON CONFLICT (session, protocol, relying_party) DO NOTHING \
                 RETURNING session, patron, vendor, protocol, relying_party"
            );
            let new: Vec<PartingRow> = within!(tx, conn => {
                let mut query = sqlx::query_as(AssertSqlSafe(sql));
                for row in rows {
                    query = query
                        .bind(row.session.to_string())
                        .bind(&row.protocol)
                        .bind(&row.relying_party)
                        .bind(row.vendor.as_str())
                        .bind(row.patron.to_string())
                        .bind(now.0)
                        .bind(due.0);
                }
                query.fetch_all(conn).await
            })?;
            for row in new {
                put_down.push(parting(row)?);
            }
        }
        for some in sessions.chunks(ROWS_AT_ONCE) {
            let ids = super::values(tx.is_sqlite(), 1, some.len(), "");
            let sql = format!(
                "UPDATE session SET parted = TRUE, parting = {number} \
                 WHERE ended_at IS NOT NULL AND NOT parted AND id IN {ids}"
            );
            within!(tx, conn => {
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for id in some {
                    query = query.bind(id.to_string());
                }
                query.execute(conn).await.map(drop)
            })?;
        }
        tx.commit().await?;
        Ok(put_down)
    }

    /// The relying parties that something is due for.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn parties_due(&self, now: Timestamp) -> Result<Vec<Party>> {
        const SQL: &str =
            "SELECT DISTINCT protocol, relying_party FROM farewell WHERE due_at IS NOT NULL AND due_at <= $1";
        Ok(on!(self.0, pool => sqlx::query_as(SQL).bind(now.0).fetch_all(pool).await)?)
    }

    /// Takes what is due for one relying party, the longest due first; it is due again at `until` unless `tried` says
    /// otherwise. Of several who claim at once, one gets it.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn claim(&self, party: &Party, now: Timestamp, until: Timestamp, at_most: u32) -> Result<Vec<Due>> {
        const SQL: &str = "UPDATE farewell SET due_at = $1, tries = tries + 1 \
                           WHERE protocol = $2 AND relying_party = $3 AND due_at <= $4 AND session IN \
                           (SELECT session FROM farewell WHERE protocol = $2 AND relying_party = $3 AND due_at <= $4 \
                            ORDER BY due_at LIMIT $5) \
                           RETURNING session, patron, vendor, protocol, relying_party, tries";
        let mut tx = self.0.begin().await?;
        let rows: Vec<DueRow> = within!(tx, conn => sqlx::query_as(SQL)
            .bind(until.0)
            .bind(&party.0)
            .bind(&party.1)
            .bind(now.0)
            .bind(i64::from(at_most))
            .fetch_all(conn)
            .await)?;
        tx.commit().await?;
        rows.into_iter().map(due).collect()
    }

    /// Where the messages of one session stand.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn standing(&self, session: SessionId) -> Result<Vec<Standing>> {
        const SQL: &str = "SELECT session, vendor, relying_party, created_at, tries, due_at, told_at, trouble \
                           FROM farewell WHERE session = $1";
        let rows: Vec<StandingRow> =
            on!(self.0, pool => sqlx::query_as(SQL).bind(session.to_string()).fetch_all(pool).await)?;
        rows.into_iter().map(standing).collect()
    }

    /// The last messages to one vendor, the newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn to_vendor(&self, vendor: &VendorId, at_most: u32) -> Result<Vec<Standing>> {
        const SQL: &str = "SELECT session, vendor, relying_party, created_at, tries, due_at, told_at, trouble \
                           FROM farewell WHERE vendor = $1 ORDER BY created_at DESC, session LIMIT $2";
        let rows: Vec<StandingRow> = on!(self.0, pool => sqlx::query_as(SQL)
            .bind(vendor.as_str()).bind(i64::from(at_most)).fetch_all(pool).await)?;
        rows.into_iter().map(standing).collect()
    }
}

/// Writes down how a try ended. With the last one the patron is forgotten.
pub(super) async fn tried(tx: &mut Tx, tried: &Tried) -> Result<()> {
    const SQL: &str = "UPDATE farewell SET due_at = $1, told_at = $2, trouble = $3, \
                       patron = CASE WHEN $4 THEN '' ELSE patron END, \
                       tries = $8 \
                       WHERE session = $5 AND protocol = $6 AND relying_party = $7";
    let (due, told, trouble) = match &tried.outcome {
        Outcome::Told => (None, Some(tried.at.0), None),
        Outcome::Later(trouble, at) => (Some(at.0), None, Some(trouble)),
        Outcome::GivenUp(trouble) => (None, None, Some(trouble)),
    };
    within!(tx, conn => sqlx::query(SQL)
        .bind(due)
        .bind(told)
        .bind(trouble)
        .bind(due.is_none())
        .bind(tried.parting.session.to_string())
        .bind(&tried.parting.protocol)
        .bind(&tried.parting.relying_party)
        .bind(i64::from(tried.tries))
        .execute(conn)
        .await
        .map(drop))?;
    Ok(())
}

type PartingRow = (String, String, String, String, String);
type DueRow = (String, String, String, String, String, i64);
type StandingRow = (String, String, String, i64, i64, Option<i64>, Option<i64>, Option<String>);

fn parting((session, patron, vendor, protocol, relying_party): PartingRow) -> Result<Parting> {
    Ok(Parting {
        session: session.parse().map_err(corrupt)?,
        patron: patron.parse().map_err(corrupt)?,
        vendor: vendor.parse().map_err(corrupt)?,
        protocol,
        relying_party,
    })
}

fn due((session, patron, vendor, protocol, relying_party, tries): DueRow) -> Result<Due> {
    let parting = parting((session, patron, vendor, protocol, relying_party))?;
    Ok(Due { parting, tries: u32::try_from(tries).map_err(corrupt)? })
}

fn standing((session, vendor, relying_party, created, tries, due, told, trouble): StandingRow) -> Result<Standing> {
    Ok(Standing {
        session: session.parse().map_err(corrupt)?,
        vendor: vendor.parse().map_err(corrupt)?,
        relying_party,
        created_at: Timestamp(created),
        tries: u32::try_from(tries).map_err(corrupt)?,
        due_at: due.map(Timestamp),
        told_at: told.map(Timestamp),
        trouble,
    })
}
