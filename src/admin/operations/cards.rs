//! What an operator may do with one card: look, block, unblock, set a PIN. Each leaves an event.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::Desk;
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        card::{CardNumber, CardStatus},
        patron::Standing,
    },
    signon::pins::PinPool,
    store::{
        Tx, audit,
        patrons::{PatronRecord, Pin},
        sessions,
    },
};

/// A card as staff see it.
#[derive(Debug, Serialize)]
pub struct CardView {
    pub card: String,
    pub status: CardStatus,
    pub standing: Standing,
    pub opted_out: bool,
    pub name: String,
    /// Nobody: declared in a configuration file.
    pub test_patron: bool,
    /// `organisation:role:grade`, the first being the one that the card was made by.
    pub affiliations: Vec<String>,
    /// `none`, `initial`, `chosen` or `change-due`.
    pub pin: &'static str,
}

/// # Errors
/// Where the card is unknown, or the database does not answer.
pub async fn show(desk: &Desk, card: &str, why: &str) -> Result<CardView> {
    let record = find(desk, card).await?;
    let catalogue = desk.db.catalogue().load().await?;
    let mut tx = desk.db.begin().await?;
    note(desk, &mut tx, &record, Kind::LookUp, json!({ "what": "card show", "why": why })).await?;
    tx.commit().await?;
    let patron = &record.patron;
    Ok(CardView {
        card: patron.card.to_string(),
        status: patron.card_status,
        standing: patron.standing,
        opted_out: catalogue.has_opted_out(patron),
        name: format!("{} {}", patron.given_name, patron.family_name),
        test_patron: patron.is_test(),
        affiliations: patron.affiliations.iter().map(ToString::to_string).collect(),
        pin: match record.pin {
            Pin::None => "none",
            Pin::Initial(_) => "initial",
            Pin::Chosen { change_due: true, .. } => "change-due",
            Pin::Chosen { .. } => "chosen",
        },
    })
}

/// Blocks or unblocks. A blocked card's sessions end and its tokens stop at once.
///
/// # Errors
/// Where the card is unknown, or the database does not answer.
pub async fn set_status(desk: &Desk, card: &str, status: CardStatus, why: &str) -> Result<bool> {
    let record = find(desk, card).await?;
    if record.patron.card_status == status {
        return Ok(false);
    }
    let id = record.patron.id;
    let mut tx = desk.db.begin().await?;
    desk.db.patrons().set_card_status(&mut tx, id, status).await?;
    if status == CardStatus::Blocked {
        sessions::end_all_of(&mut tx, id, None, desk.clock.now()).await?;
    }
    note(desk, &mut tx, &record, Kind::CardStatus, json!({ "status": status, "why": why })).await?;
    tx.commit().await?;
    Ok(true)
}

/// Sets a PIN in the patron's place and ends every session of theirs. `temporary`: the patron must change it at the
/// next sign-in.
///
/// # Errors
/// Where the card is unknown, the PIN is empty, or the database does not answer.
pub async fn set_pin(desk: &Desk, card: &str, pin: &str, temporary: bool) -> Result<()> {
    anyhow::ensure!(!pin.trim().is_empty(), "the PIN is empty");
    anyhow::ensure!(pin.trim().chars().count() <= 64, "the PIN is longer than 64 characters");
    let record = find(desk, card).await?;
    let id = record.patron.id;
    let pool = PinPool::start(1, 1)?;
    let verifier = pool.verifier(&desk.keyring.pin_key().keyed(id, pin)).await?;
    let now = desk.clock.now();
    let mut tx = desk.db.begin().await?;
    desk.db.patrons().set_pin(&mut tx, id, &verifier, temporary, now).await?;
    sessions::end_all_of(&mut tx, id, None, now).await?;
    tx.patrons_changed().await?;
    note(desk, &mut tx, &record, Kind::PinSet, json!({ "by": "operator", "temporary": temporary })).await?;
    tx.commit().await?;
    Ok(())
}

pub(super) async fn find(desk: &Desk, card: &str) -> Result<PatronRecord> {
    let number = CardNumber::read(card).with_context(|| format!("{card:?} is no card number"))?;
    desk.db.patrons().by_card(&number).await?.with_context(|| format!("there is no card {number}"))
}

async fn note(
    desk: &Desk,
    tx: &mut Tx,
    record: &PatronRecord,
    kind: Kind,
    mut payload: serde_json::Value,
) -> Result<()> {
    if let Some(map) = payload.as_object_mut() {
        map.insert("patron".into(), record.patron.id.to_string().into());
    }
    audit::append_alone(tx, &[AuditEvent { at: desk.clock.now(), kind, payload }]).await?;
    Ok(())
}
