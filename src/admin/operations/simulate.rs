//! What an agreement's end, or another end, would change for people: asked of the same policy as a click, for everybody on
//! the roster, on two days. Nothing is changed.

use std::collections::BTreeMap;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

pub use super::consequences::Change;
use super::{
    Desk,
    consequences::{Tally, open_to},
};
use crate::domain::{
    agreement::Agreement,
    clock::Date,
    id::{AgreementId, OrganisationId, ScopeId},
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
