//! Erasing a person: card, roster rows in every run, PIN, sessions, grants, what the audit tells of them. Nothing brings
//! them back; a roster that names them again makes somebody new, with new pseudonyms.

use std::time::Duration;

use anyhow::{Result, bail, ensure};
use serde::Serialize;
use serde_json::json;

use super::{Desk, cards::find};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        patron::Standing,
    },
    store::{audit, people::People, sessions},
};

/// What was taken away. Names nobody.
#[derive(Debug, Serialize)]
pub struct Erasure {
    pub roster_rows: u64,
    pub sessions: u64,
    pub passages: u64,
    pub audit_events: u64,
    /// A tombstone stays, so that the card stays off although tonight's roster names them again.
    pub opt_out_stays: bool,
}

const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Sessions end first, so that vendors hear of it; then everything goes at once.
///
/// # Errors
/// Where the card is unknown, its holder is enrolled and would come back tonight (`though_enrolled` lets that be), an
/// import is under way, or the database does not answer. Then nothing was erased.
pub async fn erase(desk: &Desk, card: &str, why: &str, though_enrolled: bool) -> Result<Erasure> {
    let record = find(desk, card).await?;
    let patron = &record.patron;
    ensure!(
        !patron.is_test(),
        "{} is a test patron's card: take it out of the configuration file instead",
        patron.card
    );
    let opted_out = desk.db.catalogue().load().await?.has_opted_out(patron);
    if patron.standing == Standing::Enrolled && !opted_out && !though_enrolled {
        bail!(
            "the roster lists the holder of {} today: the next import would bring them back as somebody new. Enter an \
             opt-out first (patron opt-out), or say --though-enrolled",
            patron.card
        );
    }
    let (people, now) = (desk.db.people(), desk.clock.now());
    let mut tx = desk.db.begin().await?;
    tx.patrons_changed().await?;
    sessions::end_all_of(&mut tx, patron.id, None, now).await?;
    tx.commit().await?;
    // The server puts down whom it must tell within half a second; where none runs, nobody can be told.
    let mut waited = Duration::ZERO;
    while waited < People::PATIENCE && people.is_parting(patron.id).await? {
        tokio::time::sleep(LOOK_EVERY).await;
        waited += LOOK_EVERY;
    }
    let events = people.events_of([patron.id]).await?;
    let time_zone = &desk.config.library.time_zone;
    let mut tx = desk.db.begin().await?;
    let erased = people.erase(&mut tx, patron.id, &patron.source, &events, time_zone).await?;
    let payload = json!({ "why": why, "people": erased.people });
    audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Kind::Erasure, payload }]).await?;
    tx.commit().await?;
    people.clear_log().await?;
    Ok(Erasure {
        roster_rows: erased.roster_rows,
        sessions: erased.sessions,
        passages: erased.passages,
        audit_events: erased.events,
        opt_out_stays: opted_out,
    })
}
