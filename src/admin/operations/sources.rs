//! Sources: fetching a roster now, what a delivery means for people's privileges, and whether each is as it should be.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Serialize;

pub use super::consequences::Change;
use super::{
    Desk,
    consequences::{Tally, open_to},
    directory::merge,
};
use crate::{
    directory::roster::{Progress, Rules},
    domain::{
        card::{CardNumber, CardStatus},
        clock::Timestamp,
        id::{OrganisationId, PatronId, ScopeId, SourceId},
        numbers::Numbers,
        patron::{Affiliation, Patron, Standing},
    },
};
pub use crate::{
    directory::{
        roster::{
            ImportOutcome, Shift,
            fetch::{FetchError, FetchOptions},
        },
        source::Source,
    },
    store::schedules::Outcome,
};

/// Brings into force what the source has to hand over now.
///
/// # Errors
/// Where the source hands over no roster, or the first thing that fails; what came before it is in force.
pub async fn pull(
    desk: &Desk,
    id: &str,
    source: &dyn Source,
    options: FetchOptions,
    reading: &(dyn Fn(u64, u64) + Send + Sync),
    merging: &Progress<'_>,
) -> Result<Vec<ImportOutcome>> {
    let catalogue = desk.db.catalogue().load().await?;
    let id: SourceId = id.parse()?;
    let kind = catalogue.sources.get(&id).map(|source| source.kind.as_str()).unwrap_or_default();
    let pull = source.roster().with_context(|| {
        format!("{id} is of kind {kind} and hands over no roster here: bring one with oneaccess directory import")
    })?;
    let rules = Rules::of(&catalogue, &id, desk.clock.now(), &desk.config.library.time_zone);
    let options = FetchOptions { classes: desk.config.classes.read, ..options };
    Ok(merge(desk, &rules, merging).fetch(&id, pull, options, reading).await?)
}

/// What a delivery means for privileges, by organisation: those without any change left out. Cards that are blocked or
/// opted out are counted as the others, since a delivery says nothing of them.
///
/// # Errors
/// Those of the database.
pub async fn consequences(desk: &Desk, source: &SourceId, shifts: &[Shift]) -> Result<Vec<Change>> {
    let card = CardNumber::read("0").context("a number for nobody")?;
    let somebody = |affiliations| Patron {
        id: PatronId(uuid::Uuid::nil()),
        source: source.clone(),
        sourced_id: String::new(),
        given_name: String::new(),
        family_name: String::new(),
        affiliations,
        standing: Standing::Enrolled,
        card: card.clone(),
        numbers: Numbers::of_roster(card.clone()),
        card_status: CardStatus::Active,
        standard_claims: None,
        kept: Default::default(),
    };
    let catalogue = desk.db.catalogue().load().await?;
    let now = desk.clock.now();
    let mut counted: BTreeMap<OrganisationId, Tally> = BTreeMap::new();
    for shift in shifts {
        let of = |text: Option<&str>| -> Vec<Affiliation> {
            text.into_iter().flat_map(|text| text.split(',')).filter_map(|one| one.parse().ok()).collect()
        };
        let (before, after) = (of(shift.before.as_deref()), of(shift.after.as_deref()));
        let Some(at) = before.first().or(after.first()).map(|first| first.organisation.clone()) else { continue };
        let opens = |affiliations: Vec<Affiliation>| match affiliations.is_empty() {
            true => Default::default(),
            false => open_to(desk, &catalogue, &somebody(affiliations), now),
        };
        counted.entry(at).or_default().add_many(opens(before), opens(after), shift.people);
    }
    let name = |scope: ScopeId| catalogue.shown(&std::iter::once(scope).collect(), now).into_iter().next();
    let changes = counted.into_iter().filter(|(_, tally)| tally.changes());
    Ok(changes.map(|(organisation, tally)| tally.shown(Some(organisation), &name)).collect())
}

/// How a source stands.
#[derive(Debug, Serialize)]
pub struct Status {
    pub source: String,
    pub kind: String,
    /// The run in force; absent where there is none.
    pub live_run: Option<i64>,
    pub people: Option<u64>,
    /// When the run came into force.
    pub since: Option<String>,
    /// `never`, `running`, `taken`, `nothing-new`, `stopped`, `failed`; absent where nothing is fetched by itself.
    pub last_fetch: Option<&'static str>,
    pub detail: Option<String>,
    pub last_good: Option<String>,
    pub next: Option<String>,
    /// Nothing is wrong with it, as far as is known.
    pub good: bool,
}

/// Every source of the programme.
///
/// # Errors
/// Those of the database.
pub async fn status(desk: &Desk) -> Result<Vec<Status>> {
    let catalogue = desk.db.catalogue().load().await?;
    let (runs, scheduled) = (super::directory::runs(desk, None).await?, desk.db.schedules().all().await?);
    let now = desk.clock.now();
    let one = |source: &crate::domain::catalogue::SourceSettings| {
        let live = runs.iter().find(|run| run.source == source.id && run.state == "live");
        let fetched = scheduled.iter().find(|of| of.source == source.id).filter(|_| !source.timetable.is_empty());
        let time = |at: Timestamp| at.rfc3339();
        Status {
            source: source.id.to_string(),
            kind: source.kind.clone(),
            live_run: live.map(|run| run.id),
            people: live.and_then(|run| run.preview.as_ref()).map(|preview| preview.totals.present_after),
            since: live.and_then(|run| run.finished_at).map(time),
            last_fetch: fetched.map(|of| of.outcome.as_str()),
            detail: fetched.map(|of| of.detail.clone()).filter(|detail| !detail.is_empty()),
            last_good: fetched.and_then(|of| of.good_at).map(time),
            next: fetched.map(|of| time(of.due_at)),
            good: fetched.is_none_or(|of| of.is_good(now)),
        }
    };
    Ok(catalogue.sources.values().map(one).collect())
}
