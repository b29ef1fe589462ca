//! Reading what holds. Of everybody: every visible row of a source comes by in one plain scan and the newest is kept,
//! so no plan of any engine's can make that slow, and `close_old` keeps the older ones few. Of some: by index.

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map},
    hash::Hash,
    sync::Arc,
};

use sqlx::FromRow;

use super::{Hold, Rosters, World};
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

/// A row in one text, blanks between; cards and affiliations have none.
macro_rules! line {
    () => {
        "e.patron || ' ' || CAST(e.run AS TEXT) || (CASE WHEN e.present THEN ' + ' ELSE ' - ' END) || \
         e.affiliations || ' ' || e.card || ' ' || e.digest || (CASE WHEN e.kept_card THEN ' k ' ELSE ' - ' END) || \
         CAST(e.bridged_until AS TEXT)"
    };
}

const VISIBLE: &str = concat!("SELECT ", line!(), " FROM roster_entry e WHERE e.source = $1 AND e.run <= $2");

/// By run and source; more follows.
const SOME: &str = concat!(
    "SELECT p.id || ' ' || p.sourced_id, ",
    line!(),
    " FROM patron p LEFT JOIN roster_entry e ON e.patron = p.id AND e.run = \
     (SELECT MAX(n.run) FROM roster_entry n WHERE n.patron = p.id AND n.run <= $1) WHERE "
);

const HOLDS: &str = "SELECT h.patron FROM roster_entry h WHERE h.card IN ";
const HOLDS_ELSEWHERE: &str = "SELECT h.patron FROM roster_entry h WHERE h.source <> $1 AND h.card IN ";

/// How many are here, by all their affiliations.
const PRESENT: &str = "SELECT e.affiliations, COUNT(*) FROM roster_entry e WHERE e.source = $1 AND e.run <= $2 AND e.present \
     AND NOT EXISTS (SELECT 1 FROM roster_entry n WHERE n.patron = e.patron AND n.run > e.run AND n.run <= $2) \
     GROUP BY e.affiliations";

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

    /// The people of these sourcedIds as run `live` shows them; whom the source has never named is left out.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn people_named(&self, source: &SourceId, live: i64, sourced_ids: &[&str]) -> Result<Vec<Known>> {
        let wanted = |ids: &str| format!("p.source = $2 AND p.sourced_id IN {ids}");
        self.some(source, live, sourced_ids, wanted).await
    }

    /// Whoever had one of these cards by any row, as run `live` shows them.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn holders(&self, source: &SourceId, live: i64, cards: &[&str]) -> Result<Vec<Known>> {
        // SQLite would rather go through all of a source's patrons, were it allowed to look them up by it.
        self.some(source, live, cards, |cards| format!("p.source || '' = $2 AND p.id IN ({HOLDS}{cards})")).await
    }

    async fn some(
        &self,
        source: &SourceId,
        live: i64,
        of: &[&str],
        wanted: impl Fn(&str) -> String,
    ) -> Result<Vec<Known>> {
        let (mut all, mut kinds) = (Vec::new(), HashSet::new());
        for some in of.chunks(AT_ONCE) {
            let sql = format!("{SOME}{}", wanted(&numbered(2, some.len())));
            let rows: Vec<(String, Option<String>)> = on!(self.db, pool => {
                let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(some.len() == AT_ONCE);
                let query = query.bind(live).bind(source.as_str());
                some.iter().fold(query, |query, value| query.bind(*value)).fetch_all(pool).await
            })?;
            for (named, line) in rows {
                let (patron, sourced_id) = named_by(&named)?;
                let row = |line: String| held(&line, &mut kinds).ok_or_else(|| corrupt("a roster entry"));
                let held = line.map(row).transpose()?.map(|(_, held)| held);
                all.push(Known { patron, sourced_id, held });
            }
        }
        Ok(all)
    }

    /// The numbers that a run's own rows give out, and to whom.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn given_by(&self, hold: &Hold) -> Result<Vec<(CardNumber, PatronId)>> {
        let sql = "SELECT card, patron FROM roster_entry WHERE source = $1 AND run = $2 AND present";
        let rows: Vec<(String, String)> = on!(self.db, pool =>
            sqlx::query_as(sql).bind(hold.source.as_str()).bind(hold.run).fetch_all(pool).await)?;
        let given = |(card, patron): (String, String)| {
            Ok((CardNumber::try_from(card).map_err(corrupt)?, patron.parse().map_err(corrupt)?))
        };
        rows.into_iter().map(given).collect()
    }

    /// How many are here as run `live` shows it, by the organisation of the first affiliation.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn present(&self, source: &SourceId, live: i64) -> Result<BTreeMap<OrganisationId, u64>> {
        let rows: Vec<(String, i64)> = on!(self.db, pool =>
            sqlx::query_as(PRESENT).bind(source.as_str()).bind(live).fetch_all(pool).await)?;
        let mut all = BTreeMap::new();
        for (affiliations, n) in rows {
            let first: Affiliation = first_of(&affiliations).parse().map_err(corrupt)?;
            *all.entry(first.organisation).or_default() += u64::try_from(n).unwrap_or(0);
        }
        Ok(all)
    }

    /// The cards that patrons of other sources hold now, each with its source.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn cards_elsewhere(&self, source: &SourceId, now: Timestamp) -> Result<HashMap<CardNumber, String>> {
        let rows = on!(self.db, pool =>
            sqlx::query_as(ELSEWHERE).bind(source.as_str()).bind(now.millis()).fetch_all(pool).await)?;
        held_of(rows)
    }

    /// Of these cards, the ones that patrons of other sources hold now, each with its source; others may be among them.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn held_elsewhere(
        &self,
        source: &SourceId,
        now: Timestamp,
        cards: &[&str],
    ) -> Result<HashMap<CardNumber, String>> {
        let mut all = HashMap::new();
        for some in cards.chunks(AT_ONCE) {
            let holders = numbered(2, some.len());
            let sql = format!("{ELSEWHERE} AND e.patron IN ({HOLDS_ELSEWHERE}{holders})");
            let rows = on!(self.db, pool => {
                let query = sqlx::query_as(sqlx::AssertSqlSafe(sql)).persistent(some.len() == AT_ONCE);
                let query = query.bind(source.as_str()).bind(now.millis());
                some.iter().fold(query, |query, card| query.bind(*card)).fetch_all(pool).await
            })?;
            all.extend(held_of(rows)?);
        }
        Ok(all)
    }
}

/// Values bound in one statement.
const AT_ONCE: usize = 400;

type ElsewhereRow = (String, i64, bool, String, String);

fn held_of(rows: Vec<ElsewhereRow>) -> Result<HashMap<CardNumber, String>> {
    let mut newest: HashMap<String, (i64, bool, String, String)> = HashMap::with_capacity(rows.len());
    for (patron, run, present, card, source) in rows {
        keep_newest(&mut newest, patron, (run, present, card, source), |row| row.0);
    }
    let present = newest.into_values().filter(|(_, present, ..)| *present);
    present.map(|(.., card, source)| Ok((CardNumber::try_from(card).map_err(corrupt)?, source))).collect()
}

/// A line of `VISIBLE`; `None` where it is none.
fn held(line: &str, kinds: &mut HashSet<Arc<str>>) -> Option<(PatronId, Held)> {
    let mut parts = line.split(' ');
    let mut part = || parts.next();
    let (patron, run, sign, affiliations, card, hex_digest) = (part()?, part()?, part()?, part()?, part()?, part()?);
    let (kept, bridged) = (part()?, part()?);
    let first: Affiliation = first_of(affiliations).parse().ok()?;
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

/// `($3,$4,$5)`: placeholders after the first `bound`.
fn numbered(bound: usize, n: usize) -> String {
    let all: Vec<String> = (bound + 1..=bound + n).map(|n| format!("${n}")).collect();
    format!("({})", all.join(","))
}

fn first_of(affiliations: &str) -> &str {
    affiliations.split(',').next().unwrap_or_default()
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
