//! Configuration as code: what a file declares comes into force as a whole, or nothing of it does.
//! Applying the same file again changes nothing.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::difference::Difference;
use crate::{
    config::Declared,
    domain::{
        audit::{AuditEvent, Kind as Event},
        catalogue::Catalogue,
        clock::{Clock, Timestamp},
    },
    store::{
        Db, Tx, audit,
        catalogue::{Bodies, Kind},
        sessions,
    },
};

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Only say what would change.
    pub dry_run: bool,
    /// Remove what the file does not declare.
    pub prune: bool,
}

/// Brings `declared` into force and says what that changed. `by` goes into the audit: a command, a server's start.
///
/// # Errors
/// Where the programme would not fit together afterwards, or the database does not answer. Then nothing changed.
pub async fn apply(db: &Db, clock: &Clock, declared: Declared, options: Options, by: &str) -> Result<Difference> {
    let now = clock.now();
    let mut tx = db.begin().await?;
    // Whoever else applies waits here, and then compares with what this one left.
    tx.catalogue().changed().await?;
    let stored = tx.catalogue().bodies().await?;
    let wanted = bodies(&mut tx, declared, &stored, now).await?;
    let difference = difference(&stored, &wanted, options.prune);
    if difference.is_empty() {
        return Ok(difference);
    }
    write(&mut tx, &stored, &wanted, options.prune, now).await?;
    let after = tx.catalogue().load().await?;
    fits_together(&after)?;
    if options.dry_run {
        return Ok(difference);
    }
    let mut payload = difference.for_audit();
    if let Some(fields) = payload.as_object_mut() {
        fields.insert("by".into(), by.into());
        fields.insert("prune".into(), json!(options.prune));
    }
    audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Event::Apply, payload }]).await?;
    tx.commit().await?;
    Ok(difference)
}

/// Everything declared, as it will be kept. A vendor known before keeps its identity and its switch.
async fn bodies(tx: &mut Tx, declared: Declared, stored: &Bodies, now: Timestamp) -> Result<Bodies> {
    let mut all = BTreeMap::new();
    for scope in declared.scopes {
        all.insert((Kind::Scope, scope.name.to_string()), serde_json::to_value(&scope)?);
    }
    for organisation in declared.organisations {
        all.insert((Kind::Organisation, organisation.id.to_string()), serde_json::to_value(&organisation)?);
    }
    for agreement in declared.agreements {
        all.insert((Kind::Agreement, agreement.id.to_string()), serde_json::to_value(&agreement)?);
    }
    for vendor in declared.vendors {
        let name = (Kind::Vendor, vendor.id.to_string());
        let disabled = stored.get(&name).and_then(|body| body.get("disabled")).and_then(Value::as_bool);
        let uid = tx.catalogue().vendor_uid(vendor.id.as_str(), now).await?;
        let vendor = vendor.with_identity(uid, disabled.unwrap_or(false));
        all.insert(name, serde_json::to_value(&vendor)?);
    }
    for source in declared.sources {
        all.insert((Kind::Source, source.id.to_string()), serde_json::to_value(&source)?);
    }
    for opt_out in declared.opt_outs {
        all.insert((Kind::OptOut, opt_out.key()), serde_json::to_value(&opt_out)?);
    }
    Ok(all)
}

fn difference(stored: &Bodies, wanted: &Bodies, prune: bool) -> Difference {
    let mut difference = Difference::default();
    for ((kind, id), body) in wanted {
        match stored.get(&(*kind, id.clone())) {
            None => difference.added(*kind, id),
            Some(before) => {
                difference.changed(*kind, id, before, body);
            }
        }
    }
    for (kind, id) in gone(stored, wanted, prune) {
        difference.removed(kind, id);
    }
    difference
}

async fn write(tx: &mut Tx, stored: &Bodies, wanted: &Bodies, prune: bool, now: Timestamp) -> Result<()> {
    for ((kind, id), body) in wanted {
        if stored.get(&(*kind, id.clone())) != Some(body) {
            tx.catalogue().put(*kind, id, body, now).await?;
            if *kind == Kind::OptOut {
                sessions::end_all_opted_out(tx, &serde_json::from_value(body.clone())?, now).await?;
            }
        }
    }
    for (kind, id) in gone(stored, wanted, prune) {
        tx.catalogue().remove(kind, id).await?;
    }
    Ok(())
}

fn gone<'s>(stored: &'s Bodies, wanted: &'s Bodies, prune: bool) -> impl Iterator<Item = (Kind, &'s str)> {
    let missing = stored.keys().filter(move |name| prune && !wanted.contains_key(*name));
    missing.map(|(kind, id)| (*kind, id.as_str()))
}

/// Everything referred to is there, and no key or org is claimed twice. Files are checked line by line before they
/// come here; this holds also for what stood here already.
fn fits_together(catalogue: &Catalogue) -> Result<()> {
    for agreement in catalogue.agreements.values() {
        let (id, organisation) = (&agreement.id, &agreement.organisation);
        catalogue
            .organisations
            .get(organisation)
            .with_context(|| format!("agreement {id} is with {organisation}, which would not be there"))?;
        if let Some(scope) = agreement.privileges.iter().find(|scope| !catalogue.scopes.contains_key(*scope)) {
            bail!("agreement {id} grants {scope}, which would not be there");
        }
    }
    let mut keys = BTreeMap::new();
    for vendor in catalogue.vendors.values() {
        if let Some(scope) = vendor.scopes.iter().find(|scope| !catalogue.scopes.contains_key(*scope)) {
            bail!("vendor {} may ask for {scope}, which would not be there", vendor.id);
        }
        for party in &vendor.relying_parties {
            if let Some(other) = keys.insert((&party.protocol, &party.key), &vendor.id) {
                bail!("{} {} would belong to both {other} and {}", party.protocol, party.key, vendor.id);
            }
        }
    }
    let mut orgs = BTreeMap::new();
    for organisation in catalogue.organisations.values() {
        for org in &organisation.roster {
            if let Some(other) = orgs.insert(org, &organisation.id) {
                bail!("the directory's org {org} would belong to both {other} and {}", organisation.id);
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
