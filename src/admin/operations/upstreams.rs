//! Upstreams as an operator sees them: which there are, who is bound to an account there, and unbinding.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::Desk;
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        card::CardNumber,
    },
    store::{audit, upstreams},
};

/// An upstream, or what is left of one.
#[derive(Debug, Serialize)]
pub struct UpstreamView {
    pub id: String,
    /// On its button; absent where the programme has no such upstream any more.
    pub name: Option<String>,
    pub issuer: Option<String>,
    /// How many patrons are bound to an account there.
    pub bound: i64,
}

/// A patron's account at one upstream. Which account it is, is kept as a digest alone.
#[derive(Debug, Serialize)]
pub struct LinkView {
    pub upstream: String,
    pub linked_at: String,
}

/// # Errors
/// Where the database does not answer.
pub async fn list(desk: &Desk) -> Result<Vec<UpstreamView>> {
    let catalogue = desk.db.catalogue().load().await?;
    let mut counts: std::collections::BTreeMap<String, i64> = desk.db.upstreams().counts().await?.into_iter().collect();
    let declared = catalogue.sources.values().filter(|source| source.text("match_claim").is_some());
    let mut views: Vec<UpstreamView> = declared
        .map(|source| UpstreamView {
            id: source.id.to_string(),
            name: source.text("name").map(str::to_owned),
            issuer: source.text("issuer").map(str::to_owned),
            bound: counts.remove(source.id.as_str()).unwrap_or(0),
        })
        .collect();
    views.extend(counts.into_iter().map(|(id, bound)| UpstreamView { id, name: None, issuer: None, bound }));
    Ok(views)
}

/// The accounts that a card is bound to. Looking leaves an event.
///
/// # Errors
/// Where the card is unknown, or the database does not answer.
pub async fn show(desk: &Desk, card: &str, why: &str) -> Result<Vec<LinkView>> {
    let patron = find(desk, card).await?;
    let links = desk.db.upstreams().of(patron).await?;
    let mut tx = desk.db.begin().await?;
    let payload = json!({ "what": "upstream show", "patron": patron.to_string(), "why": why });
    let event = AuditEvent { at: desk.clock.now(), kind: Kind::LookUp, payload };
    audit::append_alone(&mut tx, &[event]).await?;
    tx.commit().await?;
    let view =
        |link: upstreams::Link| LinkView { upstream: link.upstream.to_string(), linked_at: link.linked_at.rfc3339() };
    Ok(links.into_iter().map(view).collect())
}

/// Unbinds a card from its account at `upstream`, or from all: whoever comes next by a matching account is bound anew.
/// Sessions stay. Says where it was bound.
///
/// # Errors
/// Where the card is unknown, or the database does not answer.
pub async fn unlink(desk: &Desk, card: &str, upstream: Option<&str>, why: &str) -> Result<Vec<String>> {
    let patron = find(desk, card).await?;
    let mut tx = desk.db.begin().await?;
    let mut gone = upstreams::unbind(&mut tx, patron, upstream).await?;
    gone.sort();
    let at = desk.clock.now();
    let event = |upstream: &String| AuditEvent {
        at,
        kind: Kind::UpstreamUnlink,
        payload: json!({ "patron": patron.to_string(), "upstream": upstream, "why": why }),
    };
    let events: Vec<AuditEvent> = gone.iter().map(event).collect();
    if !events.is_empty() {
        audit::append_alone(&mut tx, &events).await?;
    }
    tx.commit().await?;
    Ok(gone)
}

/// Unbinds everybody at one upstream, whose school gives out new accounts. Says how many.
///
/// # Errors
/// Where the database does not answer.
pub async fn unlink_all(desk: &Desk, upstream: &str, why: &str) -> Result<u64> {
    let mut tx = desk.db.begin().await?;
    let gone = upstreams::unbind_all(&mut tx, upstream).await?;
    let payload = json!({ "upstream": upstream, "everybody": gone, "why": why });
    let event = AuditEvent { at: desk.clock.now(), kind: Kind::UpstreamUnlink, payload };
    audit::append_alone(&mut tx, &[event]).await?;
    tx.commit().await?;
    Ok(gone)
}

async fn find(desk: &Desk, card: &str) -> Result<crate::domain::id::PatronId> {
    let number = CardNumber::read(card).with_context(|| format!("{card:?} is no card number"))?;
    let record = desk.db.patrons().by_card(&number).await?;
    Ok(record.with_context(|| format!("there is no card {number}"))?.patron.id)
}
