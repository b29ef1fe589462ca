//! Which of an upstream's people is which patron. Bound at the first sign-in, one to one, until an operator unbinds.

use super::{Db, Error, Result, Tx, corrupt};
use crate::domain::{
    clock::Timestamp,
    id::{PatronId, SourceId},
    pin::KeyedPin,
};

pub struct Upstreams<'a>(&'a Db);

/// One binding. `subject` is a keyed digest of whom the upstream named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    pub upstream: SourceId,
    pub subject: String,
    pub patron: PatronId,
    pub linked_at: Timestamp,
}

impl Db {
    pub fn upstreams(&self) -> Upstreams<'_> {
        Upstreams(self)
    }
}

type Row = (String, String, String, i64);

impl Upstreams<'_> {
    /// The bindings that `subject` or `patron` has at `upstream`: at most two, which then differ in both.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn bound(&self, upstream: &SourceId, subject: &KeyedPin, patron: PatronId) -> Result<Vec<Link>> {
        const SQL: &str = "SELECT upstream, subject, patron, linked_at FROM upstream_link \
                           WHERE upstream = $1 AND (subject = $2 OR patron = $3)";
        let (subject, patron) = (subject.hex(), patron.to_string());
        let rows: Vec<Row> = on!(self.0, pool => sqlx::query_as(SQL)
            .bind(upstream.as_str()).bind(&subject).bind(&patron).fetch_all(pool).await)?;
        rows.into_iter().map(read).collect()
    }

    /// Every binding of a patron.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn of(&self, patron: PatronId) -> Result<Vec<Link>> {
        const SQL: &str = "SELECT upstream, subject, patron, linked_at FROM upstream_link WHERE patron = $1 \
                           ORDER BY upstream";
        let patron = patron.to_string();
        let rows: Vec<Row> = on!(self.0, pool => sqlx::query_as(SQL).bind(&patron).fetch_all(pool).await)?;
        rows.into_iter().map(read).collect()
    }

    /// How many patrons are bound at each upstream, by its id.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn counts(&self) -> Result<Vec<(String, i64)>> {
        const SQL: &str = "SELECT upstream, COUNT(*) FROM upstream_link GROUP BY upstream ORDER BY upstream";
        Ok(on!(self.0, pool => sqlx::query_as(SQL).fetch_all(pool).await)?)
    }
}

/// Binds. Doing it twice is once.
///
/// # Errors
/// `Conflict` where either of the two is bound otherwise.
pub(super) async fn bind(tx: &mut Tx, link: &Link) -> Result<()> {
    const INSERT: &str = "INSERT INTO upstream_link (upstream, subject, patron, linked_at) VALUES ($1, $2, $3, $4) \
                          ON CONFLICT DO NOTHING";
    const THERE: &str = "SELECT COUNT(*) FROM upstream_link WHERE upstream = $1 AND subject = $2 AND patron = $3";
    let patron = link.patron.to_string();
    within!(tx, conn => sqlx::query(INSERT)
        .bind(link.upstream.as_str()).bind(&link.subject).bind(&patron).bind(link.linked_at.0)
        .execute(conn).await.map(drop))?;
    let there: i64 = within!(tx, conn => sqlx::query_scalar(THERE)
        .bind(link.upstream.as_str()).bind(&link.subject).bind(&patron).fetch_one(conn).await)?;
    if there == 1 { Ok(()) } else { Err(Error::Conflict("the account was just bound to another card".into())) }
}

/// Unbinds a patron, at one upstream or at all; says at which.
///
/// # Errors
/// Those of the database.
pub async fn unbind(tx: &mut Tx, patron: PatronId, upstream: Option<&str>) -> Result<Vec<String>> {
    const SQL: &str = "DELETE FROM upstream_link WHERE patron = $1 AND ($2 = '' OR upstream = $2) RETURNING upstream";
    let patron = patron.to_string();
    Ok(within!(tx, conn => sqlx::query_scalar(SQL)
        .bind(&patron).bind(upstream.unwrap_or_default()).fetch_all(conn).await)?)
}

/// Unbinds everybody at one upstream: the school has changed its provider. Says how many.
///
/// # Errors
/// Those of the database.
pub async fn unbind_all(tx: &mut Tx, upstream: &str) -> Result<u64> {
    const SQL: &str = "DELETE FROM upstream_link WHERE upstream = $1";
    Ok(within!(tx, conn => sqlx::query(SQL).bind(upstream).execute(conn).await?.rows_affected()))
}

fn read((upstream, subject, patron, linked_at): Row) -> Result<Link> {
    Ok(Link {
        upstream: upstream.parse().map_err(corrupt)?,
        subject,
        patron: patron.parse().map_err(corrupt)?,
        linked_at: Timestamp(linked_at),
    })
}
