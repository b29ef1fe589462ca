//! Reading what holds, page by page, so that a district's size never decides how much memory that takes.

use super::{Rosters, World};
use crate::{
    domain::{
        card::CardNumber,
        id::{OrganisationId, PatronId, SourceId},
    },
    store::{Result, Tx, corrupt, patrons::read_affiliations},
};

/// A person whom a source has ever named.
#[derive(Debug, Clone)]
pub struct Known {
    pub patron: PatronId,
    pub sourced_id: String,
    /// `None` where only runs that never went live, or were undone, named them.
    pub held: Option<Held>,
}

/// The newest visible row.
#[derive(Debug, Clone)]
pub struct Held {
    pub present: bool,
    /// Of the first affiliation.
    pub organisation: OrganisationId,
    pub card: CardNumber,
    pub digest: String,
}

/// A card that an enrolled patron holds.
#[derive(Debug, Clone)]
pub struct Elsewhere {
    pub patron: PatronId,
    pub source: String,
    pub card: CardNumber,
}

const PAGE: i64 = 4000;

pub(super) const WORLD: &str = "SELECT source, live_run FROM roster_source WHERE source <> $1 ORDER BY source";

const PEOPLE: &str = "SELECT p.id, p.sourced_id, e.present, e.affiliations, e.card, e.digest FROM patron p \
     LEFT JOIN roster_entry e ON e.patron = p.id AND e.run = (SELECT MAX(n.run) FROM roster_entry n \
     WHERE n.patron = p.id AND n.run <= $1) WHERE p.source = $2 AND p.id > $3 ORDER BY p.id LIMIT $4";

const ELSEWHERE: &str = "SELECT e.patron, e.source, e.card FROM roster_entry e \
     JOIN roster_source s ON s.source = e.source WHERE e.source <> $1 AND e.patron > $2 AND e.present \
     AND e.run <= s.live_run AND NOT EXISTS (SELECT 1 FROM roster_entry n WHERE n.patron = e.patron \
     AND n.run > e.run AND n.run <= s.live_run) ORDER BY e.patron LIMIT $3";

const RESTORED: &str = "SELECT e.patron, b.source, b.card FROM roster_entry e JOIN roster_entry b \
     ON b.patron = e.patron AND b.run = (SELECT MAX(n.run) FROM roster_entry n WHERE n.patron = e.patron \
     AND n.run <= $1) WHERE e.source = $2 AND e.run = $3 AND b.present AND e.patron > $4 ORDER BY e.patron LIMIT $5";

impl Rosters<'_> {
    /// The live run of a source, 0 where there is none.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn live_run(&self, source: &SourceId) -> Result<i64> {
        let sql = "SELECT live_run FROM roster_source WHERE source = $1";
        let row: Option<(i64,)> =
            on!(self.db, pool => sqlx::query_as(sql).bind(source.as_str()).fetch_optional(pool).await)?;
        Ok(row.map_or(0, |(run,)| run))
    }

    pub(super) async fn live_run_in(&self, tx: &mut Tx, source: &SourceId) -> Result<i64> {
        let sql = "SELECT live_run FROM roster_source WHERE source = $1";
        let row: Option<(i64,)> =
            within!(tx, conn => sqlx::query_as(sql).bind(source.as_str()).fetch_optional(conn).await)?;
        Ok(row.map_or(0, |(run,)| run))
    }

    /// The live runs of the other sources.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn world(&self, source: &SourceId) -> Result<World> {
        Ok(on!(self.db, pool => sqlx::query_as(WORLD).bind(source.as_str()).fetch_all(pool).await)?)
    }

    /// A page of the people of a source as run `live` shows them, after the patron `after`; an empty one is the end.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn people(&self, source: &SourceId, live: i64, after: Option<PatronId>) -> Result<Vec<Known>> {
        type Row = (String, String, Option<bool>, Option<String>, Option<String>, Option<String>);
        let rows: Vec<Row> = on!(self.db, pool => sqlx::query_as(PEOPLE).bind(live).bind(source.as_str())
            .bind(key(after)).bind(PAGE).fetch_all(pool).await)?;
        rows.into_iter().map(known).collect()
    }

    /// A page of the cards that enrolled patrons of other sources hold.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn cards_elsewhere(&self, source: &SourceId, after: Option<PatronId>) -> Result<Vec<Elsewhere>> {
        let rows: Vec<(String, String, String)> = on!(self.db, pool => sqlx::query_as(ELSEWHERE)
            .bind(source.as_str()).bind(key(after)).bind(PAGE).fetch_all(pool).await)?;
        rows.into_iter().map(elsewhere).collect()
    }

    /// A page of the cards that undoing `run` would give back to their holders.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn cards_restored(
        &self,
        source: &SourceId,
        run: i64,
        before: i64,
        after: Option<PatronId>,
    ) -> Result<Vec<Elsewhere>> {
        let rows: Vec<(String, String, String)> = on!(self.db, pool => sqlx::query_as(RESTORED).bind(before)
            .bind(source.as_str()).bind(run).bind(key(after)).bind(PAGE).fetch_all(pool).await)?;
        rows.into_iter().map(elsewhere).collect()
    }
}

fn key(after: Option<PatronId>) -> String {
    after.map(|id| id.to_string()).unwrap_or_default()
}

fn known(row: (String, String, Option<bool>, Option<String>, Option<String>, Option<String>)) -> Result<Known> {
    let (id, sourced_id, present, affiliations, card, digest) = row;
    let held = match (present, affiliations, card, digest) {
        (Some(present), Some(affiliations), Some(card), Some(digest)) => {
            let first = read_affiliations(&affiliations)?.into_iter().next();
            let organisation = first.ok_or_else(|| corrupt(format!("patron {id} belongs nowhere")))?.organisation;
            Some(Held { present, organisation, card: CardNumber::try_from(card).map_err(corrupt)?, digest })
        }
        _ => None,
    };
    Ok(Known { patron: id.parse().map_err(corrupt)?, sourced_id, held })
}

fn elsewhere((patron, source, card): (String, String, String)) -> Result<Elsewhere> {
    Ok(Elsewhere {
        patron: patron.parse().map_err(corrupt)?,
        source,
        card: CardNumber::try_from(card).map_err(corrupt)?,
    })
}
