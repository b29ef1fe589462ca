//! Reading what holds. Every visible row of a source comes by in one plain scan and the newest is kept: no plan of
//! any engine's can make that slow, and `close_old` keeps the older ones few.

use std::{
    collections::{HashMap, hash_map},
    hash::Hash,
};

use sqlx::FromRow;

use super::{Rosters, World};
use crate::{
    domain::{
        card::CardNumber,
        id::{OrganisationId, PatronId, SourceId},
        patron::Affiliation,
        pin::KeyedPin,
    },
    store::{Result, Tx, corrupt},
};

/// A person whom a source has ever named.
#[derive(Debug)]
pub struct Known {
    pub patron: PatronId,
    pub sourced_id: String,
    /// `None` where only runs that never went live, or were undone, named them.
    pub held: Option<Held>,
}

/// The newest visible row.
#[derive(Debug)]
pub struct Held {
    pub present: bool,
    /// Of the first affiliation.
    pub organisation: OrganisationId,
    pub card: CardNumber,
    pub digest: KeyedPin,
    run: i64,
}

pub(super) const WORLD: &str = "SELECT source, live_run FROM roster_source WHERE source <> $1 ORDER BY source";

const LIVE: &str = "SELECT live_run FROM roster_source WHERE source = $1";

const NAMED: &str = "SELECT id, sourced_id FROM patron WHERE source = $1";

const VISIBLE: &str = "SELECT patron, run, present, affiliations, card, digest FROM roster_entry \
     WHERE source = $1 AND run <= $2";

const ELSEWHERE: &str = "SELECT e.patron, e.run, e.present, e.card, e.source FROM roster_entry e \
     JOIN roster_source s ON s.source = e.source WHERE e.source <> $1 AND e.run <= s.live_run";

impl Rosters<'_> {
    /// The live run of a source, 0 where there is none.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn live_run(&self, source: &SourceId) -> Result<i64> {
        let row: Option<(i64,)> =
            on!(self.db, pool => sqlx::query_as(LIVE).bind(source.as_str()).fetch_optional(pool).await)?;
        Ok(row.map_or(0, |(run,)| run))
    }

    pub(super) async fn live_run_in(&self, tx: &mut Tx, source: &SourceId) -> Result<i64> {
        let row: Option<(i64,)> =
            within!(tx, conn => sqlx::query_as(LIVE).bind(source.as_str()).fetch_optional(conn).await)?;
        Ok(row.map_or(0, |(run,)| run))
    }

    /// The live runs of the other sources.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn world(&self, source: &SourceId) -> Result<World> {
        Ok(on!(self.db, pool => sqlx::query_as(WORLD).bind(source.as_str()).fetch_all(pool).await)?)
    }

    /// Everybody whom a source has ever named, as run `live` shows them.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn people(&self, source: &SourceId, live: i64) -> Result<Vec<Known>> {
        // Each row is folded in as it comes: a district's rows never lie in memory twice.
        let mut newest: HashMap<PatronId, Held> = HashMap::new();
        let mut fold = |row: VisibleRow| {
            let (patron, held) = held(row)?;
            keep_newest(&mut newest, patron, held, |held| held.run);
            Ok(())
        };
        let (folded, named): (sqlx::Result<Vec<()>>, sqlx::Result<Vec<(PatronId, String)>>) = on!(self.db, pool => {
            let visible = sqlx::query(VISIBLE).bind(source.as_str()).bind(live)
                .try_map(|row| VisibleRow::from_row(&row).and_then(&mut fold)).fetch_all(pool);
            let named = sqlx::query(NAMED).bind(source.as_str())
                .try_map(|row| <(String, String)>::from_row(&row).and_then(|(id, of)| Ok((read(id.parse())?, of))))
                .fetch_all(pool);
            tokio::join!(visible, named)
        });
        folded?;
        let named = named?;
        let known = |(patron, sourced_id)| Known { patron, sourced_id, held: newest.remove(&patron) };
        Ok(named.into_iter().map(known).collect())
    }

    /// The cards that enrolled patrons of other sources hold, each with its source.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn cards_elsewhere(&self, source: &SourceId) -> Result<HashMap<CardNumber, String>> {
        let rows: Vec<ElsewhereRow> =
            on!(self.db, pool => sqlx::query_as(ELSEWHERE).bind(source.as_str()).fetch_all(pool).await)?;
        let mut newest: HashMap<String, (i64, bool, String, String)> = HashMap::with_capacity(rows.len());
        for (patron, run, present, card, source) in rows {
            keep_newest(&mut newest, patron, (run, present, card, source), |row| row.0);
        }
        let present = newest.into_values().filter(|(_, present, ..)| *present);
        present.map(|(.., card, source)| Ok((CardNumber::try_from(card).map_err(corrupt)?, source))).collect()
    }
}

type VisibleRow = (String, i64, bool, String, String, String);
type ElsewhereRow = (String, i64, bool, String, String);

fn held((patron, run, present, affiliations, card, digest): VisibleRow) -> sqlx::Result<(PatronId, Held)> {
    let first: Affiliation = read(affiliations.split(',').next().unwrap_or_default().parse())?;
    let mut bytes = [0; 32];
    read(hex::decode_to_slice(digest, &mut bytes))?;
    let card = read(CardNumber::try_from(card))?;
    Ok((read(patron.parse())?, Held { present, organisation: first.organisation, card, digest: KeyedPin(bytes), run }))
}

fn read<T>(read: std::result::Result<T, impl Into<Box<dyn std::error::Error + Send + Sync>>>) -> sqlx::Result<T> {
    read.map_err(|error| sqlx::Error::Decode(error.into()))
}

fn keep_newest<K: Hash + Eq, T>(all: &mut HashMap<K, T>, key: K, row: T, run: impl Fn(&T) -> i64) {
    match all.entry(key) {
        hash_map::Entry::Occupied(mut known) => {
            if run(known.get()) < run(&row) {
                known.insert(row);
            }
        }
        hash_map::Entry::Vacant(free) => {
            free.insert(row);
        }
    }
}
