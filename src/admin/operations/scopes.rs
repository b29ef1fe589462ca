//! Scopes: the library's catalogue of privileges, who grants and asks for each, and the life of their names.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::json;

use super::{Desk, difference::Difference};
use crate::{
    domain::{
        audit::{AuditEvent, Kind as Event},
        catalogue::Catalogue,
        clock::{Date, Timestamp},
        id::{ScopeId, ScopeName},
        scope::{Scope, Spelling, State},
    },
    store::{Tx, audit, catalogue::Kind, scopes::LastAsked},
};

/// One name of one scope.
#[derive(Debug, Serialize)]
pub struct ScopeView {
    pub name: String,
    /// The scope's identity, which every name of it shares.
    pub scope: String,
    pub state: State,
    pub description: Option<String>,
    /// The name that takes over, or has.
    pub successor: Option<String>,
    /// Since or from when on the name is in use, RFC 3339; absent where it always was.
    pub since: Option<String>,
    /// The end of the overlap, RFC 3339; absent where no end is set.
    pub until: Option<String>,
    /// Agreements that grant it.
    pub agreements: Vec<String>,
    /// Vendors that may ask for it.
    pub vendors: Vec<String>,
    /// Vendors that have asked by this very name, the latest first.
    pub asked: Vec<AskedView>,
    #[serde(skip)]
    pub ends: Option<Timestamp>,
}

#[derive(Debug, Serialize)]
pub struct AskedView {
    pub vendor: String,
    /// RFC 3339, to the minute or so.
    pub last: String,
    #[serde(skip)]
    pub at: Timestamp,
}

/// What came of a rotation or a retirement.
#[derive(Debug, Serialize)]
pub struct Turned {
    /// `false`: it was so already.
    pub changed: bool,
    /// Every name of the scope, the newest first.
    pub names: Vec<ScopeView>,
}

/// # Errors
/// Those of the database.
pub async fn list(desk: &Desk) -> Result<Vec<ScopeView>> {
    let catalogue = desk.db.catalogue().load().await?;
    let asked = desk.db.scopes_asked().all().await?;
    let now = desk.clock.now();
    Ok(catalogue.scopes.iter().flat_map(|(id, scope)| views(&catalogue, id, scope, &asked, now)).collect())
}

/// Gives the scope that is called `from` the name `to`, from the first instant of the day `starts`, or at once. Both
/// are accepted and issued for the time of `overlap`; then `from` is over.
///
/// # Errors
/// Where the names do not fit, or the database does not answer. Then nothing changed.
pub async fn rotate(
    desk: &Desk,
    from: &ScopeName,
    to: &ScopeName,
    overlap: Duration,
    starts: Option<Date>,
) -> Result<Turned> {
    let now = desk.clock.now();
    let starts = match starts {
        Some(day) => desk.config.library.time_zone.start_of(day).max(now),
        None => now,
    };
    turn(desk, from, "scope rotate", |scope, catalogue, id| {
        if let Some(other) = catalogue.scope_named(to.as_str()).filter(|named| named.scope != *id) {
            let newest = &other.newest;
            bail!("{to} is or was a name of another scope, {newest}; a name is never given to a second one");
        }
        Ok(scope.rotate(from, to.clone(), starts, starts + overlap, now)?)
    })
    .await
}

/// Ends a name after `overlap`: at once where that is nothing. Who asked for it within a day is in the way of an end at
/// once, unless `anyway`.
///
/// # Errors
/// As `rotate`.
pub async fn retire(desk: &Desk, name: &ScopeName, overlap: Duration, anyway: bool) -> Result<Turned> {
    let now = desk.clock.now();
    if overlap.is_zero() && !anyway {
        let asked = desk.db.scopes_asked().all().await?;
        let catalogue = desk.db.catalogue().load().await?;
        let in_use = catalogue.scope_asked(name.as_str(), now).is_some();
        let of_late = |asked: &&LastAsked| asked.name == name.as_str() && now.since(asked.at) < A_DAY;
        let vendors: Vec<&str> = asked.iter().filter(of_late).map(|asked| asked.vendor.as_str()).collect();
        if in_use && !vendors.is_empty() {
            bail!(
                "{} asked for {name} within the last day; give them time with --overlap, or end it --anyway",
                vendors.join(", ")
            );
        }
    }
    turn(desk, name, "scope retire", |scope, _, _| {
        scope.retire(name, now + overlap, now).map(|()| true).map_err(Into::into)
    })
    .await
}

const A_DAY: Duration = Duration::from_secs(86_400);

/// Reads the scope, lets `change` at it, writes it and says so, in one transaction.
async fn turn(
    desk: &Desk,
    name: &ScopeName,
    what: &str,
    change: impl FnOnce(&mut Scope, &Catalogue, &ScopeId) -> Result<bool>,
) -> Result<Turned> {
    let now = desk.clock.now();
    let asked = desk.db.scopes_asked().all().await?;
    let mut tx = desk.db.begin().await?;
    // Whoever else changes the programme waits here.
    tx.catalogue().changed().await?;
    let catalogue = tx.catalogue().load().await?;
    let named = catalogue.scope_named(name.as_str()).with_context(|| format!("there is no scope {name}"))?;
    let id = &named.scope;
    let before = catalogue.scopes.get(id).with_context(|| format!("there is no scope {name}"))?;
    let mut scope = before.clone();
    let changed = change(&mut scope, &catalogue, id)?;
    let names = views(&catalogue, id, &scope, &asked, now);
    if changed {
        write(&mut tx, id, before, &scope, what, now).await?;
        tx.commit().await?;
    }
    Ok(Turned { changed, names })
}

async fn write(tx: &mut Tx, id: &ScopeId, before: &Scope, after: &Scope, what: &str, now: Timestamp) -> Result<()> {
    let mut difference = Difference::default();
    difference.changed(Kind::Scope, id.as_str(), &serde_json::to_value(before)?, &serde_json::to_value(after)?);
    tx.catalogue().put(Kind::Scope, id.as_str(), after, now).await?;
    let mut payload = difference.for_audit();
    payload["by"] = json!("command");
    payload["what"] = json!(what);
    audit::append_alone(tx, &[AuditEvent { at: now, kind: Event::Apply, payload }]).await?;
    Ok(())
}

fn views(catalogue: &Catalogue, id: &ScopeId, scope: &Scope, asked: &[LastAsked], now: Timestamp) -> Vec<ScopeView> {
    let agreements = catalogue.agreements.values().filter(|a| a.privileges.contains(id)).map(|a| a.id.to_string());
    let vendors = catalogue.vendors.values().filter(|v| v.scopes.contains(id)).map(|v| v.id.to_string());
    let (agreements, vendors): (Vec<_>, Vec<_>) = (agreements.collect(), vendors.collect());
    let view = |Spelling { name, state, since, until, successor }: Spelling<'_>| {
        let mut asked: Vec<AskedView> = asked
            .iter()
            .filter(|asked| asked.name == name.as_str() && catalogue.vendors.contains_key(asked.vendor.as_str()))
            .map(|asked| AskedView { vendor: asked.vendor.clone(), last: asked.at.rfc3339(), at: asked.at })
            .collect();
        asked.sort_by_key(|asked| std::cmp::Reverse(asked.at));
        ScopeView {
            name: name.to_string(),
            scope: id.to_string(),
            state,
            description: scope.description.clone(),
            successor: successor.map(ToString::to_string),
            since: since.map(Timestamp::rfc3339),
            until: until.map(Timestamp::rfc3339),
            agreements: agreements.clone(),
            vendors: vendors.clone(),
            asked,
            ends: until,
        }
    };
    scope.spellings(now).map(view).collect()
}
