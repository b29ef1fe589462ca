//! What an operator may do with one card: look, block, unblock, set a PIN. Each leaves an event. What is kept with the
//! patron besides is `patrons`'s and `privileges`'s.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::{Desk, patrons::KeptView};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        card::{CardNumber, CardStatus},
        catalogue::Catalogue,
        clock::{Date, Timestamp},
        id::PatronId,
        kept::Block,
        numbers::Way,
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
    /// What is told.
    pub card: String,
    /// What the roster makes, where the library gave another out in its place.
    pub roster_card: Option<String>,
    /// Numbers that were replaced: they open nothing, and are nobody else's.
    pub earlier_cards: Vec<String>,
    /// A library card that signs in as well.
    pub library_card: Option<String>,
    /// `parallel` or `merge`.
    pub library_card_way: Option<Way>,
    pub status: CardStatus,
    /// `enrolled`, `withdrawn` or `bridged`.
    pub standing: &'static str,
    /// Of a card that outlives its place on the roster.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_day: Option<Date>,
    pub opted_out: bool,
    pub name: String,
    /// Nobody: declared in a configuration file.
    pub test_patron: bool,
    /// `organisation:role:grade`, the first being the one that the card was made by.
    pub affiliations: Vec<String>,
    /// `none`, `initial`, `chosen` or `change-due`.
    pub pin: &'static str,
    #[serde(flatten)]
    pub kept: KeptView,
}

/// # Errors
/// Where the card is unknown, or the database does not answer.
pub async fn show(desk: &Desk, card: &str, why: &str) -> Result<CardView> {
    let record = find(desk, card).await?;
    let catalogue = desk.db.catalogue().load().await?;
    let mut tx = desk.db.begin().await?;
    note(desk, &mut tx, &record, Kind::LookUp, json!({ "what": "card show", "why": why })).await?;
    tx.commit().await?;
    Ok(view(desk, &catalogue, &record))
}

pub(super) fn view(desk: &Desk, catalogue: &Catalogue, record: &PatronRecord) -> CardView {
    let patron = &record.patron;
    let now = desk.clock.now();
    let numbers = &patron.numbers;
    CardView {
        card: patron.card.to_string(),
        roster_card: numbers.reissued.as_ref().map(|_| numbers.roster.to_string()),
        earlier_cards: numbers.earlier.iter().map(ToString::to_string).collect(),
        library_card: numbers.linked.as_ref().map(|linked| linked.number.to_string()),
        library_card_way: numbers.linked.as_ref().map(|linked| linked.way),
        status: patron.card_status,
        standing: match patron.standing {
            Standing::Enrolled => "enrolled",
            Standing::Bridged { .. } if patron.standing.counts(now) => "bridged",
            Standing::Bridged { .. } | Standing::Withdrawn => "withdrawn",
        },
        last_day: match patron.standing {
            Standing::Bridged { until } if now < until => {
                Some(desk.config.library.time_zone.date(Timestamp(until.millis() - 1)))
            }
            _ => None,
        },
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
        kept: KeptView::of(desk, catalogue, &patron.kept),
    }
}

/// Blocks or unblocks. A blocked card's sessions end and its tokens stop at once; since when and why is kept with it
/// until it is unblocked.
///
/// # Errors
/// Where the card is unknown, or the database does not answer.
pub async fn set_status(desk: &Desk, card: &str, status: CardStatus, why: &str) -> Result<bool> {
    let record = find(desk, card).await?;
    if record.patron.card_status == status {
        return Ok(false);
    }
    let id = record.patron.id;
    let now = desk.clock.now();
    let mut tx = desk.db.begin().await?;
    desk.db.patrons().set_card_status(&mut tx, id, status).await?;
    let block = (status == CardStatus::Blocked).then(|| Block { since: now, reason: why.trim().to_owned() });
    desk.db.patrons().keep(&mut tx, id, |kept| kept.block = block).await?;
    if status == CardStatus::Blocked {
        sessions::end_all_of(&mut tx, id, None, now).await?;
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

/// By card number, or by the patron's own id, which also finds those whose number somebody else has by now.
pub(super) async fn find(desk: &Desk, card: &str) -> Result<PatronRecord> {
    if let Ok(id) = card.parse::<PatronId>() {
        return desk.db.patrons().by_id(id).await?.with_context(|| format!("there is no patron {id}"));
    }
    let number = CardNumber::read(card).with_context(|| format!("{card:?} is no card number"))?;
    if let Some(record) = desk.db.patrons().by_card(&number).await? {
        return Ok(record);
    }
    let was_one = desk.db.kept_numbers().await?.contains_key(&number);
    anyhow::ensure!(!was_one, "card {number} opens nothing any more: the library gave its holder another number");
    anyhow::bail!("there is no card {number}")
}

pub(super) async fn note(
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
