//! What an agreement's end, or another end, would change for people: asked of the same policy as a click, for everybody on
//! the roster, on two days. Nothing is changed.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use super::Desk;
use crate::{
    domain::{
        agreement::Agreement,
        catalogue::Catalogue,
        clock::{Date, Timestamp},
        id::{AgreementId, OrganisationId, ScopeId, ScopeName},
        patron::Patron,
    },
    policy::{Facts, entitlement::entitled},
};

/// What is supposed.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wish {
    /// The day to look at. Without it: the first on which the agreement no longer holds.
    pub at: Option<Date>,
    /// The agreement's last day, if it were another.
    pub ends: Option<Date>,
}

#[derive(Debug, Serialize)]
pub struct Simulation {
    pub agreement: AgreementId,
    pub today: Date,
    pub at: Date,
    /// As supposed.
    pub ends: Date,
    /// Each with its change, those without any left out.
    pub organisations: Vec<Change>,
    pub total: Change,
}

/// People, counted at the organisation that made their card.
#[derive(Debug, Default, Serialize)]
pub struct Change {
    /// Absent for everybody together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// Whose card opens something today.
    pub cards_today: u64,
    pub cards_then: u64,
    /// Cards that open something today and nothing then.
    pub lapse: u64,
    /// Cards that open nothing today and something then.
    pub begin: u64,
    /// By the names that scopes have now.
    pub lose: BTreeMap<ScopeName, u64>,
    pub gain: BTreeMap<ScopeName, u64>,
}

/// Looks at everybody, in portions.
const PORTION: i64 = 5_000;

/// # Errors
/// Where there is no such agreement, the days make no sense, or the database does not answer.
pub async fn simulate(desk: &Desk, id: &str, wish: Wish, progress: impl Fn(u64)) -> Result<Simulation> {
    let today = desk.db.catalogue().load().await?;
    let agreement = today.agreements.get(id).with_context(|| format!("there is no agreement {id:?}"))?;
    let time_zone = &desk.config.library.time_zone;
    let now = desk.clock.now();
    let supposed = Agreement { to: wish.ends.unwrap_or(agreement.to), ..agreement.clone() };
    ensure!(supposed.from <= supposed.to, "{} would end before it begins, on {}", supposed.id, supposed.from);
    let first_after = time_zone.end_of(supposed.to);
    let then = match wish.at {
        Some(day) => time_zone.start_of(day),
        None => first_after,
    };
    ensure!(then > now, "{} is not in the future: name a day with --at", time_zone.date(then));
    let mut changed = today.clone();
    changed.agreements.insert(supposed.id.clone(), supposed.clone());

    let mut counted: BTreeMap<OrganisationId, Tally> = BTreeMap::new();
    let (mut last, mut seen) = (None, 0);
    loop {
        let portion = desk.db.patrons().enrolled_after(last, PORTION).await?;
        let Some(end) = portion.last().map(|patron| patron.id) else { break };
        for patron in &portion {
            let Some(first) = patron.affiliations.first() else { continue };
            let tally = counted.entry(first.organisation.clone()).or_default();
            tally.add(open_to(desk, &today, patron, now), open_to(desk, &changed, patron, then));
        }
        seen += portion.len() as u64;
        progress(seen);
        last = Some(end);
    }

    let name = |scope: ScopeId| today.shown(&std::iter::once(scope).collect(), now).into_iter().next();
    let mut total = Tally::default();
    counted.values().for_each(|tally| total.join(tally));
    let changes = counted.into_iter().filter(|(_, tally)| tally.changes());
    Ok(Simulation {
        agreement: supposed.id,
        today: time_zone.date(now),
        at: time_zone.date(then),
        ends: supposed.to,
        organisations: changes.map(|(organisation, tally)| tally.shown(Some(organisation), &name)).collect(),
        total: total.shown(None, &name),
    })
}

/// What a patron's card opens at that instant.
fn open_to(desk: &Desk, catalogue: &Catalogue, patron: &Patron, at: Timestamp) -> BTreeSet<ScopeId> {
    let facts = Facts {
        patron,
        opted_out: catalogue.has_opted_out(patron),
        agreements: &catalogue.agreements,
        scopes: &catalogue.scopes,
        bands: &desk.config.bands,
        time_zone: &desk.config.library.time_zone,
        narrow: None,
    };
    let entitlement = entitled(&facts, at, &mut |_| ());
    entitlement.map(|yes| yes.scopes.iter().cloned().collect()).unwrap_or_default()
}

#[derive(Default)]
struct Tally {
    today: u64,
    then: u64,
    lapse: u64,
    begin: u64,
    lose: BTreeMap<ScopeId, u64>,
    gain: BTreeMap<ScopeId, u64>,
}

impl Tally {
    fn add(&mut self, today: BTreeSet<ScopeId>, then: BTreeSet<ScopeId>) {
        let (open, opens) = (!today.is_empty(), !then.is_empty());
        self.today += u64::from(open);
        self.then += u64::from(opens);
        self.lapse += u64::from(open && !opens);
        self.begin += u64::from(!open && opens);
        today.difference(&then).for_each(|scope| *self.lose.entry(scope.clone()).or_default() += 1);
        then.difference(&today).for_each(|scope| *self.gain.entry(scope.clone()).or_default() += 1);
    }

    fn join(&mut self, other: &Tally) {
        self.today += other.today;
        self.then += other.then;
        self.lapse += other.lapse;
        self.begin += other.begin;
        other.lose.iter().for_each(|(scope, n)| *self.lose.entry(scope.clone()).or_default() += n);
        other.gain.iter().for_each(|(scope, n)| *self.gain.entry(scope.clone()).or_default() += n);
    }

    fn changes(&self) -> bool {
        !self.lose.is_empty() || !self.gain.is_empty()
    }

    fn shown(self, organisation: Option<OrganisationId>, name: &impl Fn(ScopeId) -> Option<ScopeName>) -> Change {
        let named = |all: BTreeMap<ScopeId, u64>| {
            all.into_iter().filter_map(|(scope, n)| Some((name(scope)?, n))).collect::<BTreeMap<_, _>>()
        };
        Change {
            organisation,
            cards_today: self.today,
            cards_then: self.then,
            lapse: self.lapse,
            begin: self.begin,
            lose: named(self.lose),
            gain: named(self.gain),
        }
    }
}
