//! What a delivery of changes needs of earlier ones: what was said of the people that it speaks of, the directory's
//! tree, and from where the source is asked next time.

use std::collections::HashMap;

use super::{Hold, Rosters};
use crate::{
    domain::{
        clock::Timestamp,
        id::{PatronId, SourceId},
    },
    store::{Result, corrupt, marks},
};

/// The newest visible row of somebody, as far as a change builds on it.
#[derive(Debug)]
pub struct Said {
    pub patron: PatronId,
    pub sourced_id: String,
    pub given_name: String,
    pub family_name: String,
    pub initial_pin: Option<String>,
    /// Absent in rows of releases that did not keep it.
    pub named: Option<String>,
    pub lookups: String,
}

/// Ids bound in one statement.
const AT_ONCE: usize = 400;

type Row = (String, String, String, String, Option<String>, Option<String>, String);

fn said(row: Row) -> Result<Said> {
    let (patron, sourced_id, given_name, family_name, initial_pin, named, lookups) = row;
    let patron = patron.parse().map_err(corrupt)?;
    Ok(Said { patron, sourced_id, given_name, family_name, initial_pin, named, lookups })
}

const SAID: &str = "SELECT p.id, p.sourced_id, e.given_name, e.family_name, e.initial_pin, e.named, e.lookups \
     FROM patron p JOIN roster_entry e ON e.patron = p.id WHERE e.run = (SELECT MAX(n.run) FROM roster_entry n \
     WHERE n.patron = p.id AND n.run <= ";

impl Rosters<'_> {
    /// What run `live` shows of these people, by their sourcedIds; who was never named is left out.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn said_of(&self, source: &SourceId, live: i64, people: &[&str]) -> Result<HashMap<String, Said>> {
        let mut all = HashMap::with_capacity(people.len());
        for some in people.chunks(AT_ONCE) {
            let mut marks = marks(self.db.is_sqlite());
            let (run, of) = (marks(), marks());
            let ids: Vec<String> = some.iter().map(|_| marks()).collect();
            let sql = format!("{SAID}{run}) AND p.source = {of} AND p.sourced_id IN ({})", ids.join(","));
            let rows: Vec<Row> = on!(self.db, pool => {
                let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(some.len() == AT_ONCE);
                let query = query.bind(live).bind(source.as_str());
                some.iter().fold(query, |query, id| query.bind(*id)).fetch_all(pool).await
            })?;
            for row in rows {
                let said = said(row)?;
                all.insert(said.sourced_id.clone(), said);
            }
        }
        Ok(all)
    }

    /// What run `live` shows of everybody.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn said_of_all(&self, source: &SourceId, live: i64) -> Result<HashMap<String, Said>> {
        let mut marks = marks(self.db.is_sqlite());
        let sql = format!("{SAID}{}) AND p.source = {}", marks(), marks());
        let rows: Vec<Row> = on!(self.db, pool =>
            sqlx::query_as(sqlx::AssertSqlSafe(sql)).bind(live).bind(source.as_str()).fetch_all(pool).await)?;
        rows.into_iter().map(said).map(|said| said.map(|said| (said.sourced_id.clone(), said))).collect()
    }

    /// The directory's tree as run `live` shows it; `None` where no run has kept one.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn orgs(&self, source: &SourceId, live: i64) -> Result<Option<String>> {
        let sql = "SELECT body FROM roster_orgs WHERE source = $1 AND run <= $2 ORDER BY run DESC LIMIT 1";
        let row: Option<(String,)> =
            on!(self.db, pool => sqlx::query_as(sql).bind(source.as_str()).bind(live).fetch_optional(pool).await)?;
        Ok(row.map(|(body,)| body))
    }

    /// Writes the tree into the run.
    ///
    /// # Errors
    /// `Conflict` where the hold is lost, `Unavailable`.
    pub async fn put_orgs(&self, hold: &Hold, body: &str, now: Timestamp) -> Result<()> {
        let mut tx = self.db.begin().await?;
        self.beat(&mut tx, hold, now).await?;
        let sql = "INSERT INTO roster_orgs (source, run, body) VALUES ($1, $2, $3)";
        within!(tx, conn => sqlx::query(sql).bind(hold.source.as_str()).bind(hold.run).bind(body).execute(conn).await
            .map(drop))?;
        tx.commit().await
    }

    /// Deletes trees of runs that never went live or were undone.
    pub(super) async fn sweep_orgs(&self, hold: &Hold, live: i64, now: Timestamp) -> Result<()> {
        let mut tx = self.db.begin().await?;
        self.beat(&mut tx, hold, now).await?;
        let sql = "DELETE FROM roster_orgs WHERE source = $1 AND run > $2";
        within!(tx, conn => sqlx::query(sql).bind(hold.source.as_str()).bind(live).execute(conn).await.map(drop))?;
        tx.commit().await
    }

    /// What the source left with the run that is live, to be asked for changes after it.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn bookmark(&self, source: &SourceId) -> Result<Option<String>> {
        let sql = "SELECT r.bookmark FROM roster_run r JOIN roster_source s ON s.live_run = r.id WHERE s.source = $1";
        let row: Option<(Option<String>,)> =
            on!(self.db, pool => sqlx::query_as(sql).bind(source.as_str()).fetch_optional(pool).await)?;
        Ok(row.and_then(|(bookmark,)| bookmark))
    }
}
