//! Reading what holds. Every visible row of a source comes by in one plain scan and the newest is kept: no plan of
//! any engine's can make that slow, and `close_old` keeps the older ones few.

use std::{
    collections::{HashMap, HashSet, hash_map},
    hash::Hash,
    sync::Arc,
};

use sqlx::FromRow;

use super::{Rosters, World};
use crate::{
    domain::{
        card::CardNumber,
        clock::Timestamp,
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
    /// As the row has them; people of one grade share the text.
    pub affiliations: Arc<str>,
    pub card: CardNumber,
    /// The number is an earlier organisation's.
    pub kept_card: bool,
    /// Somebody who is not present: until when the card lives on.
    pub bridged_until: Timestamp,
    pub digest: KeyedPin,
    run: i64,
}

impl Held {
    /// Whether nobody else may have the number.
    pub fn holds_card(&self, now: Timestamp) -> bool {
        self.present || self.bridged_until > now
    }
}

/// With how often the library itself gave numbers out or took them back, under a name that no source has.
pub(super) const WORLD: &str = "SELECT source, live_run FROM roster_source WHERE source <> $1 \
                                UNION ALL SELECT '', n FROM version WHERE name = 'cards' ORDER BY 1";

const LIVE: &str = "SELECT live_run FROM roster_source WHERE source = $1";

/// One column a row: a driver hands over each value by itself, and there are hundreds of thousands.
const NAMED: &str = "SELECT id || ' ' || sourced_id FROM patron WHERE source = $1";

/// Blanks between; cards and affiliations have none.
const VISIBLE: &str = "SELECT patron || ' ' || CAST(run AS TEXT) || (CASE WHEN present THEN ' + ' ELSE ' - ' END) || \
     affiliations || ' ' || card || ' ' || digest || (CASE WHEN kept_card THEN ' k ' ELSE ' - ' END) || \
     CAST(bridged_until AS TEXT) FROM roster_entry WHERE source = $1 AND run <= $2";

const ELSEWHERE: &str = "SELECT e.patron, e.run, e.present OR e.bridged_until > $2, e.card, e.source \
     FROM roster_entry e JOIN roster_source s ON s.source = e.source WHERE e.source <> $1 AND e.run <= s.live_run";

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
        let mut kinds: HashSet<Arc<str>> = HashSet::new();
        let mut fold = |row: &str| {
            let (patron, held) = held(row, &mut kinds).ok_or_else(|| sqlx::Error::Decode("a roster entry".into()))?;
            keep_newest(&mut newest, patron, held, |held| held.run);
            Ok(())
        };
        let (folded, named) = on!(self.db, pool => {
            let visible = sqlx::query(VISIBLE).bind(source.as_str()).bind(live)
                .try_map(|row| <(String,)>::from_row(&row).and_then(|(line,)| fold(&line))).fetch_all(pool);
            let named = sqlx::query(NAMED).bind(source.as_str())
                .try_map(|row| <(String,)>::from_row(&row).and_then(|(line,)| named_by(&line)))
                .fetch_all(pool);
            let (folded, named): (sqlx::Result<Vec<()>>, _) = tokio::join!(visible, named);
            (folded, named)
        });
        folded?;
        let named: Vec<(PatronId, String)> = named?;
        let known = |(patron, sourced_id)| Known { patron, sourced_id, held: newest.remove(&patron) };
        Ok(named.into_iter().map(known).collect())
    }

    /// The cards that patrons of other sources hold now, each with its source.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn cards_elsewhere(&self, source: &SourceId, now: Timestamp) -> Result<HashMap<CardNumber, String>> {
        let rows: Vec<ElsewhereRow> = on!(self.db, pool =>
            sqlx::query_as(ELSEWHERE).bind(source.as_str()).bind(now.millis()).fetch_all(pool).await)?;
        let mut newest: HashMap<String, (i64, bool, String, String)> = HashMap::with_capacity(rows.len());
        for (patron, run, present, card, source) in rows {
            keep_newest(&mut newest, patron, (run, present, card, source), |row| row.0);
        }
        let present = newest.into_values().filter(|(_, present, ..)| *present);
        present.map(|(.., card, source)| Ok((CardNumber::try_from(card).map_err(corrupt)?, source))).collect()
    }
}

type ElsewhereRow = (String, i64, bool, String, String);

/// A line of `VISIBLE`; `None` where it is none.
fn held(line: &str, kinds: &mut HashSet<Arc<str>>) -> Option<(PatronId, Held)> {
    let mut parts = line.split(' ');
    let mut part = || parts.next();
    let (patron, run, sign, affiliations, card, hex_digest) = (part()?, part()?, part()?, part()?, part()?, part()?);
    let (kept, bridged) = (part()?, part()?);
    let first: Affiliation = affiliations.split(',').next()?.parse().ok()?;
    let affiliations = match kinds.get(affiliations) {
        Some(known) => known.clone(),
        None => {
            let new: Arc<str> = affiliations.into();
            kinds.insert(new.clone());
            new
        }
    };
    let mut digest = [0; 32];
    hex::decode_to_slice(hex_digest, &mut digest).ok()?;
    let held = Held {
        present: sign == "+",
        organisation: first.organisation,
        affiliations,
        card: CardNumber::read(card)?,
        kept_card: kept == "k",
        bridged_until: Timestamp(bridged.parse().ok()?),
        digest: KeyedPin(digest),
        run: run.parse().ok()?,
    };
    Some((patron.parse().ok()?, held))
}

/// A line of `NAMED`.
fn named_by(line: &str) -> sqlx::Result<(PatronId, String)> {
    let read = line.split_once(' ').and_then(|(id, sourced_id)| Some((id.parse().ok()?, sourced_id.to_owned())));
    read.ok_or_else(|| sqlx::Error::Decode("a patron".into()))
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
