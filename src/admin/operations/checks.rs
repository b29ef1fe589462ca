//! `vendor test`, as far as the programme goes: would anybody at all be let through to this vendor today?

use std::collections::BTreeSet;

use anyhow::{Context, Result};

use super::Desk;
use crate::domain::{
    agreement::Agreement,
    catalogue::Catalogue,
    check::{Check, Whose},
    clock::Timestamp,
    grade::{AudienceBand, BandRule, Grade},
    id::ScopeId,
    patron::Role,
    vendor::Vendor,
};

/// The vendor, and what was found about it as a whole.
///
/// # Errors
/// Where there is no such vendor, or the database does not answer.
pub async fn of_programme(desk: &Desk, id: &str) -> Result<(Vendor, Vec<Check>)> {
    let catalogue = desk.db.catalogue().load().await?;
    let vendor = catalogue.vendors.get(id).with_context(|| format!("there is no vendor {id:?}"))?;
    let now = desk.clock.now();
    let today = desk.config.library.time_zone.date(now);
    let in_force: Vec<&Agreement> =
        catalogue.agreements.values().filter(|agreement| agreement.from <= today && today <= agreement.to).collect();
    let checks = vec![
        enabled(vendor),
        scopes(vendor, &catalogue, &in_force, now),
        audience(vendor, &in_force, &desk.config.bands),
        clients(vendor),
    ];
    Ok((vendor.clone(), checks))
}

fn enabled(vendor: &Vendor) -> Check {
    match vendor.disabled {
        true => {
            Check::mend("enabled", Whose::Ours, format!("nobody is let through: oneaccess vendor enable {}", vendor.id))
        }
        false => Check::ok("enabled", "people may be let through"),
    }
}

fn scopes(vendor: &Vendor, catalogue: &Catalogue, in_force: &[&Agreement], now: Timestamp) -> Check {
    const NAME: &str = "scopes";
    let listed = |ids: &[&ScopeId]| ids.iter().map(|id| id.as_str()).collect::<Vec<_>>().join(" ");
    let (known, gone): (Vec<&ScopeId>, Vec<&ScopeId>) =
        vendor.scopes.iter().partition(|id| catalogue.scopes.get(*id).is_some_and(|scope| scope.is_in_use(now)));
    if !gone.is_empty() {
        return Check::mend(NAME, Whose::Ours, format!("not in the catalogue, or retired: {}", listed(&gone)));
    }
    if known.is_empty() {
        return Check::mend(NAME, Whose::Ours, "it has none: there is nothing that it could be told");
    }
    let granted = |id: &&ScopeId| in_force.iter().any(|agreement| agreement.privileges.contains(id));
    let (_, idle): (Vec<&ScopeId>, Vec<&ScopeId>) = known.into_iter().partition(granted);
    if !idle.is_empty() {
        return Check::mend(NAME, Whose::Ours, format!("granted by no agreement in force: {}", listed(&idle)));
    }
    Check::ok(NAME, "each is granted by an agreement in force")
}

/// Whom the agreements that grant the vendor anything cover, against whom it serves.
fn audience(vendor: &Vendor, in_force: &[&Agreement], rule: &BandRule) -> Check {
    const NAME: &str = "audience";
    let theirs = in_force.iter().filter(|agreement| !agreement.privileges.intersection(&vendor.scopes).is_empty());
    let covered: BTreeSet<&str> =
        theirs.flat_map(|agreement| bands(agreement, rule)).map(AudienceBand::as_str).collect();
    let served = vendor.audience.iter().map(|band| band.as_str());
    let met: Vec<&str> = served.filter(|band| covered.contains(band)).collect();
    match met.is_empty() {
        true => Check::mend(NAME, Whose::Ours, "no agreement in force covers any of the readers whom it serves"),
        false => Check::ok(NAME, format!("agreements in force cover {}", met.join(", "))),
    }
}

fn bands(agreement: &Agreement, rule: &BandRule) -> Vec<AudienceBand> {
    let mut bands = Vec::new();
    if agreement.roles.contains(&Role::Staff) {
        bands.push(AudienceBand::Adult);
    }
    if agreement.roles.contains(&Role::Student) {
        let covered = |grade: &Grade| agreement.grades.is_none_or(|(from, to)| from <= *grade && *grade <= to);
        bands.extend(Grade::all().filter(covered).map(|grade| rule.band(Some(grade))));
    }
    bands
}

fn clients(vendor: &Vendor) -> Check {
    match vendor.relying_parties.is_empty() {
        true => Check::mend("clients", Whose::Ours, "it has none: declare one, or invite the vendor to register one"),
        false => Check::ok("clients", format!("{} registered", vendor.relying_parties.len())),
    }
}
