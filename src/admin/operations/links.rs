//! A library card that a patron had before the student card, linked to it and unlinked again. Whether it is theirs is
//! proven by the ILS, which the caller asks, or vouched for by staff.

use anyhow::{Result, ensure};
use serde::Serialize;
use serde_json::json;

use super::{Desk, cards};
use crate::{
    domain::{
        audit::Kind,
        card::CardNumber,
        ils::{Unlinkable, Unproven},
        numbers::{Linked, Way},
        patron::Standing,
    },
    store::patrons::PatronRecord,
};

/// How it is known that the library card is the patron's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// The ILS said that number and PIN belong together.
    Ils,
    /// Whoever gave the command saw it.
    Staff,
}

/// A link that may be made once there is a proof.
pub struct Wish {
    record: PatronRecord,
    linked: Linked,
    why: String,
}

impl Wish {
    /// What is to be proven.
    pub fn number(&self) -> &CardNumber {
        &self.linked.number
    }
}

/// A card with the library card that was linked or unlinked.
#[derive(Debug, Serialize)]
pub struct LinkView {
    /// What is told now.
    pub card: String,
    pub library_card: String,
    pub way: Way,
    /// Absent where it was unlinked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proof: Option<Proof>,
}

/// Looks whether this library card could be linked, before anybody is asked about it.
///
/// # Errors
/// Where the card is unknown, its organisation takes no library cards, it has one, or the number is a patron's here.
pub async fn prepare(desk: &Desk, card: &str, library_card: &str, why: &str) -> Result<Wish> {
    ensure!(!why.trim().is_empty(), "a reason is needed: it is kept in the audit");
    let record = cards::find(desk, card).await?;
    ensure!(!record.patron.is_test(), "a test patron's number stands in the configuration");
    ensure!(record.patron.standing == Standing::Enrolled, "the roster no longer lists this person");
    let catalogue = desk.db.catalogue().load().await?;
    let way = catalogue.existing_card(&record.patron).ok_or(Unlinkable::NotOffered)?;
    let number = CardNumber::read(library_card).ok_or(Unlinkable::NoNumber)?;
    ensure!(record.patron.numbers.linked.is_none(), Unlinkable::LinkedAlready);
    let taken =
        desk.db.patrons().by_card(&number).await?.is_some() || desk.db.kept_numbers().await?.contains_key(&number);
    ensure!(!taken, Unlinkable::Taken);
    Ok(Wish { record, linked: Linked { number, way }, why: why.to_owned() })
}

/// Keeps that somebody asked the ILS in vain: whoever tries PINs here leaves traces.
///
/// # Errors
/// Where the database does not answer.
pub async fn note_unproven(desk: &Desk, wish: &Wish, unproven: &Unproven) -> Result<()> {
    let mut tx = desk.db.begin().await?;
    let payload = json!({
        "what": "card link", "library_card": format!("…{}", wish.linked.number.ending()),
        "refused": unproven.code(), "why": wish.why,
    });
    cards::note(desk, &mut tx, &wish.record, Kind::LookUp, payload).await?;
    tx.commit().await?;
    Ok(())
}

/// Makes the link, and looks at everything again: somebody may have been faster.
///
/// # Errors
/// As `prepare`.
pub async fn link(desk: &Desk, wish: Wish, proof: Proof) -> Result<LinkView> {
    let Wish { record, linked, why } = wish;
    let mut tx = desk.db.begin().await?;
    tx.card_numbers().link(record.patron.id, linked.clone()).await??;
    let told = tx.card_numbers().of(record.patron.id).await?.told().to_string();
    let payload = json!({
        "what": "link", "way": linked.way, "library_card": format!("…{}", linked.number.ending()),
        "proof": proof, "by": "operator", "why": why,
    });
    cards::note(desk, &mut tx, &record, Kind::CardNumber, payload).await?;
    tx.commit().await?;
    let (library_card, way) = (linked.number.to_string(), linked.way);
    Ok(LinkView { card: told, library_card, way, proof: Some(proof) })
}

/// Takes the link back: the library card signs nobody in, and what was told before it is told again.
///
/// # Errors
/// Where the card is unknown, or no library card is linked to it.
pub async fn unlink(desk: &Desk, card: &str, why: &str) -> Result<LinkView> {
    ensure!(!why.trim().is_empty(), "a reason is needed: it is kept in the audit");
    let record = cards::find(desk, card).await?;
    let mut tx = desk.db.begin().await?;
    let linked = tx.card_numbers().unlink(record.patron.id).await??;
    let told = tx.card_numbers().of(record.patron.id).await?.told().to_string();
    let payload = json!({
        "what": "unlink", "library_card": format!("…{}", linked.number.ending()), "by": "operator", "why": why,
    });
    cards::note(desk, &mut tx, &record, Kind::CardNumber, payload).await?;
    tx.commit().await?;
    Ok(LinkView { card: told, library_card: linked.number.to_string(), way: linked.way, proof: None })
}
