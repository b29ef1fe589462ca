//! Configuration as code: what a file declares comes into force as a whole, or nothing of it does.
//! Applying the same file again changes nothing.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

use super::{Desk, difference::Difference, test_patrons};
use crate::{
    config::Declared,
    domain::{
        agreement::Agreement,
        audit::{AuditEvent, Kind as Event},
        catalogue::Catalogue,
        clock::{Clock, Timestamp},
        id::ScopeId,
        pin::PinKey,
        scope::{Scope, Scopes},
        vendor::Vendor,
    },
    store::{
        Db, Tx, audit,
        catalogue::{Bodies, Kind},
        sessions,
    },
};

/// What applying works with.
#[derive(Debug, Clone, Copy)]
pub struct Hand<'a> {
    pub db: &'a Db,
    pub clock: &'a Clock,
    /// For the PINs of test patrons. Whoever only looks needs none.
    pub pins: Option<&'a PinKey>,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct Options {
    /// Only say what would change.
    pub dry_run: bool,
    /// Remove what the file does not declare.
    pub prune: bool,
}

impl Desk {
    pub fn hand(&self) -> Hand<'_> {
        Hand { db: &self.db, clock: &self.clock, pins: Some(self.keyring.pin_key()) }
    }
}

/// Brings `declared` into force and says what that changed. `by` goes into the audit: a command, a server's start.
///
/// # Errors
/// Where the programme would not fit together afterwards, or the database does not answer. Then nothing changed.
pub async fn apply(hand: Hand<'_>, declared: Declared, options: Options, by: &str) -> Result<Difference> {
    let Hand { db, clock, pins } = hand;
    let now = clock.now();
    let test_patrons = declared.test_patrons.clone();
    let mut tx = db.begin().await?;
    // Whoever else applies waits here, and then compares with what this one left.
    tx.catalogue().changed().await?;
    let stored = tx.catalogue().bodies().await?;
    let wanted = bodies(&mut tx, declared, &stored, pins, now).await?;
    let difference = difference(&stored, &wanted, options.prune);
    if difference.is_empty() {
        return Ok(difference);
    }
    write(&mut tx, &stored, &wanted, options.prune, now).await?;
    let after = tx.catalogue().load().await?;
    fits_together(&after)?;
    test_patrons::settle(db, &mut tx, &test_patrons, &stored, &wanted, pins, now).await?;
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

/// Everything declared, as it will be kept. A vendor known before keeps its identity and its switch, a scope its names.
async fn bodies(
    tx: &mut Tx,
    declared: Declared,
    stored: &Bodies,
    pins: Option<&PinKey>,
    now: Timestamp,
) -> Result<Bodies> {
    let mut all = BTreeMap::new();
    let before = tx.catalogue().load().await?;
    for (id, scope) in scopes(declared.scopes, &before) {
        all.insert((Kind::Scope, id.to_string()), serde_json::to_value(&scope)?);
    }
    for organisation in declared.organisations {
        all.insert((Kind::Organisation, organisation.id.to_string()), serde_json::to_value(&organisation)?);
    }
    for agreement in declared.agreements {
        let privileges = by_identity(&agreement.privileges, &before);
        let agreement = Agreement { privileges, ..agreement };
        all.insert((Kind::Agreement, agreement.id.to_string()), serde_json::to_value(&agreement)?);
    }
    for vendor in declared.vendors {
        let name = (Kind::Vendor, vendor.id.to_string());
        let disabled = stored.get(&name).and_then(|body| body.get("disabled")).and_then(Value::as_bool);
        let uid = tx.catalogue().vendor_uid(vendor.id.as_str(), now).await?;
        let scopes = by_identity(&vendor.scopes, &before);
        let vendor = Vendor { scopes, ..vendor.with_identity(uid, disabled.unwrap_or(false)) };
        all.insert(name, serde_json::to_value(&vendor)?);
    }
    for source in declared.sources {
        all.insert((Kind::Source, source.id.to_string()), serde_json::to_value(&source)?);
    }
    for opt_out in declared.opt_outs {
        all.insert((Kind::OptOut, opt_out.key()), serde_json::to_value(&opt_out)?);
    }
    for patron in &declared.test_patrons {
        let body = test_patrons::body(tx, patron, stored, pins).await?;
        all.insert((Kind::TestPatron, patron.id.to_string()), serde_json::to_value(&body)?);
    }
    for export in declared.exports {
        all.insert((Kind::Export, export.name.to_string()), serde_json::to_value(&export)?);
    }
    Ok(all)
}

/// Scopes by identity. Names come and go by command: a file that spells an earlier one, or the newest one already,
/// declares the same scope, and moves nothing but its description.
fn scopes(declared: Vec<Scope>, before: &Catalogue) -> BTreeMap<ScopeId, Scope> {
    let mut all: BTreeMap<ScopeId, Scope> = BTreeMap::new();
    for scope in declared {
        let id = scope_of(&scope.name.clone().into(), before);
        let Some(known) = before.scopes.get(&id) else {
            all.insert(id, scope);
            continue;
        };
        // Of two that are one, the one with the newest name speaks.
        if known.name == scope.name || !all.contains_key(&id) {
            all.insert(id, Scope { description: scope.description, ..known.clone() });
        }
    }
    all
}

fn by_identity(spelled: &Scopes, before: &Catalogue) -> Scopes {
    spelled.iter().map(|name| scope_of(name, before)).collect()
}

/// The identity that a name has in the catalogue; a name that it has never had is the identity of a new scope.
fn scope_of(spelled: &ScopeId, before: &Catalogue) -> ScopeId {
    before.scope_named(spelled.as_str()).map_or_else(|| spelled.clone(), |named| named.scope.clone())
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
        if kind == Kind::TestPatron {
            test_patrons::withdraw(tx, stored, id, now).await?;
        }
    }
    Ok(())
}

fn gone<'s>(stored: &'s Bodies, wanted: &'s Bodies, prune: bool) -> impl Iterator<Item = (Kind, &'s str)> {
    // What relying parties publish is nothing that a file declares; nor does a file end what a family told the library.
    let declarable = |kind: Kind, body: &Value| match kind {
        Kind::Published => false,
        Kind::OptOut => body.get("by_command").and_then(Value::as_bool) != Some(true),
        _ => true,
    };
    let missing =
        stored.iter().filter(move |(name, body)| prune && declarable(name.0, body) && !wanted.contains_key(*name));
    missing.map(|((kind, id), _)| (*kind, id.as_str()))
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
    for export in catalogue.exports.values() {
        if let Some(gone) = export.organisations.iter().find(|id| !catalogue.organisations.contains_key(*id)) {
            bail!("export {} is of cards of {gone}, which would not be there", export.name);
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
