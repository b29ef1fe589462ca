//! Privileges given to one card besides what agreements grant, each with a last day. Whether they hold is policy's.

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::json;

use super::{
    Desk,
    cards::{find, note},
};
use crate::domain::{
    audit::Kind as Event,
    catalogue::Catalogue,
    clock::{Date, Timestamp},
    id::{ScopeId, ScopeName},
    kept::CardPrivilege,
};

/// What came of giving or taking.
#[derive(Debug, Serialize)]
pub struct Given {
    pub card: String,
    /// By the name that the scope has now.
    pub scope: String,
    /// The last day; absent of one that was taken back.
    pub until: Option<Date>,
    /// `false`: it was so already.
    pub changed: bool,
}

/// Gives a scope to one card until the end of the day `until`, in place of an earlier day.
///
/// # Errors
/// Where card or scope are unknown, the scope is not in use, the day is over, or the database does not answer.
pub async fn grant(desk: &Desk, card: &str, scope: &ScopeName, until: Date, why: &str) -> Result<Given> {
    let now = desk.clock.now();
    let catalogue = desk.db.catalogue().load().await?;
    let id = known(&catalogue, scope)?;
    let in_use = catalogue.scopes.get(&id).is_some_and(|scope| scope.is_in_use(now));
    ensure!(in_use, "{scope} is not in use: agreements do not grant it any more, and neither can a card be given it");
    let zone = &desk.config.library.time_zone;
    ensure!(now < zone.end_of(until), "{until} is over: today is {}", zone.date(now));
    let record = find(desk, card).await?;
    let mut tx = desk.db.begin().await?;
    let privilege = CardPrivilege { scope: id.clone(), until };
    let changed = desk.db.patrons().keep(&mut tx, record.patron.id, |kept| kept.give(privilege)).await?;
    let changed = changed.context("this patron has just gone")?;
    if changed {
        let payload = json!({ "what": "card grant", "scope": id.as_str(), "until": until, "why": why });
        note(desk, &mut tx, &record, Event::PatronFacts, payload).await?;
        tx.commit().await?;
    }
    Ok(Given { card: record.patron.card.to_string(), scope: shown(&catalogue, &id, now), until: Some(until), changed })
}

/// Takes back what `grant` gave. What agreements grant stays.
///
/// # Errors
/// Where card or scope are unknown, or the database does not answer.
pub async fn revoke(desk: &Desk, card: &str, scope: &ScopeName, why: &str) -> Result<Given> {
    let record = find(desk, card).await?;
    let catalogue = desk.db.catalogue().load().await?;
    // A scope that has left the catalogue is still known by what it was given as.
    let as_given: ScopeId = scope.clone().into();
    let id = match record.patron.kept.privileges.iter().find(|given| given.scope == as_given) {
        Some(given) => given.scope.clone(),
        None => known(&catalogue, scope)?,
    };
    let mut tx = desk.db.begin().await?;
    let changed = desk.db.patrons().keep(&mut tx, record.patron.id, |kept| kept.take(&id)).await?;
    let changed = changed.context("this patron has just gone")?;
    if changed {
        let payload = json!({ "what": "card revoke", "scope": id.as_str(), "why": why });
        note(desk, &mut tx, &record, Event::PatronFacts, payload).await?;
        tx.commit().await?;
    }
    let scope = shown(&catalogue, &id, desk.clock.now());
    Ok(Given { card: record.patron.card.to_string(), scope, until: None, changed })
}

fn known(catalogue: &Catalogue, scope: &ScopeName) -> Result<ScopeId> {
    let named = catalogue.scope_named(scope.as_str());
    Ok(named.with_context(|| format!("there is no scope {scope}: oneaccess scope list names all"))?.scope.clone())
}

fn shown(catalogue: &Catalogue, id: &ScopeId, now: Timestamp) -> String {
    catalogue.scopes.get(id).map_or_else(|| id.to_string(), |scope| scope.shown(now).to_string())
}
