//! Another number for a lost card. The old one opens nothing at once; what hangs on the patron stays: pseudonyms, PIN,
//! privileges.

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::json;

use super::{Desk, cards};
use crate::{
    domain::{audit::Kind, card::CardNumber, numbers::Numbers},
    store::{Error, Tx, patrons::PatronRecord, sessions},
};

/// A card under its new number.
#[derive(Debug, Serialize)]
pub struct Reissued {
    pub card: String,
    /// Opens nothing any more.
    pub before: String,
    /// What the roster makes of this person's ID; kept for them whatever holds.
    pub roster_card: String,
}

/// Gives a card another number: `number`, or one that the organisation's scheme makes. Sessions end.
///
/// # Errors
/// Where the card is unknown, the number is or was somebody's, or none can be made.
pub async fn reissue(desk: &Desk, card: &str, number: Option<&str>, why: &str) -> Result<Reissued> {
    ensure!(!why.trim().is_empty(), "a reason is needed: it is kept in the audit");
    let record = found(desk, card).await?;
    let catalogue = desk.db.catalogue().load().await?;
    let organisation = record.patron.affiliations.first().and_then(|a| catalogue.organisations.get(&a.organisation));
    let scheme = &organisation.context("this patron's organisation is not in the catalogue any more")?.card;
    let wished = match number {
        Some(number) => {
            let number = CardNumber::read(number).with_context(|| format!("{number:?} is no card number"))?;
            scheme.accepts(&number).map_err(anyhow::Error::msg)?;
            Some(number)
        }
        None => None,
    };
    let mut tx = desk.db.begin().await?;
    let mut kept = tx.card_numbers();
    kept.changing().await?;
    let mut numbers = kept.of(record.patron.id).await?;
    let new = match wished {
        Some(number) => {
            let was_theirs = numbers.all().any(|own| *own == number);
            ensure!(!was_theirs, "card {number} is or was this patron's own; --undo brings the roster's number back");
            let free = kept.is_free(&number, record.patron.id).await?;
            ensure!(free, "card {number} is somebody's, or was; choose another number");
            number
        }
        None => {
            let free = kept.first_free(scheme.replacements(&numbers.roster)).await?;
            free.context("the organisation's scheme has no free number left; give one with --number")?
        }
    };
    let before = numbers.student().clone();
    replace(&mut numbers, &before);
    numbers.reissued = Some(new);
    finish(desk, tx, &record, numbers, before, "reissue", why).await
}

/// Brings the roster's number back.
///
/// # Errors
/// Where the card is unknown, or has the roster's number.
pub async fn undo(desk: &Desk, card: &str, why: &str) -> Result<Reissued> {
    ensure!(!why.trim().is_empty(), "a reason is needed: it is kept in the audit");
    let record = found(desk, card).await?;
    let mut tx = desk.db.begin().await?;
    let mut kept = tx.card_numbers();
    kept.changing().await?;
    let mut numbers = kept.of(record.patron.id).await?;
    let Some(before) = numbers.reissued.take() else { bail!("card {card} has the number that the roster makes") };
    let free = kept.is_free(&numbers.roster, record.patron.id).await?;
    ensure!(free, "the roster's number {} is somebody else's by now", numbers.roster);
    replace(&mut numbers, &before);
    finish(desk, tx, &record, numbers, before, "reissue undone", why).await
}

async fn found(desk: &Desk, card: &str) -> Result<PatronRecord> {
    let record = cards::find(desk, card).await?;
    ensure!(!record.patron.is_test(), "a test patron's number stands in the configuration: change it there");
    Ok(record)
}

/// The roster's number is kept as well, whatever the roster makes later.
fn replace(numbers: &mut Numbers, before: &CardNumber) {
    for number in [before.clone(), numbers.roster.clone()] {
        if !numbers.earlier.contains(&number) {
            numbers.earlier.push(number);
        }
    }
}

async fn finish(
    desk: &Desk,
    mut tx: Tx,
    record: &PatronRecord,
    numbers: Numbers,
    before: CardNumber,
    what: &str,
    why: &str,
) -> Result<Reissued> {
    let id = record.patron.id;
    match tx.card_numbers().put(id, &numbers).await {
        Err(Error::Conflict(_)) => bail!("the number went to somebody else in this very moment; try again"),
        outcome => outcome?,
    }
    sessions::end_all_of(&mut tx, id, None, desk.clock.now()).await?;
    cards::note(desk, &mut tx, record, Kind::CardNumber, json!({ "what": what, "why": why })).await?;
    tx.commit().await?;
    Ok(Reissued {
        card: numbers.student().to_string(),
        before: before.to_string(),
        roster_card: numbers.roster.to_string(),
    })
}
