//! A forgotten PIN: the teacher of a pupil's class, or a librarian who serves the pupil's organisation, gives a temporary
//! one, to be changed at its first use. Never by mail: whoever asks for it stands there.

use anyhow::{Context, Result, ensure};
use aws_lc_rs::rand;
use serde::Serialize;
use serde_json::json;

use super::{Desk, cards};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        card::CardNumber,
        handle::NoRandomness,
    },
    policy::{
        pin::acceptable,
        reset::{Resetter, may_reset},
    },
    signon::pins::PinPool,
    store::{audit, sessions},
};

/// Who asks.
#[derive(Debug, Clone, Copy)]
pub enum Asker<'a> {
    /// By a member of staff's own card.
    Staff(&'a str),
    /// By a name of `[[librarian]]`.
    Librarian(&'a str),
}

/// To be said once, and kept nowhere.
#[derive(Debug, Serialize)]
pub struct Temporary {
    pub card: String,
    pub pin: String,
}

/// Gives a card a temporary PIN and ends every session of its patron. Who may not is refused, and that is written down.
///
/// # Errors
/// Where whoever asks may not, a card or a name is unknown, no reason is given, or the database does not answer.
pub async fn reset(desk: &Desk, card: &str, by: Asker<'_>, why: &str) -> Result<Temporary> {
    ensure!(!why.trim().is_empty(), "--reason must say why");
    let record = cards::find(desk, card).await?;
    let (patron, now) = (&record.patron, desk.clock.now());
    let catalogue = desk.db.catalogue().load().await?;
    let (verdict, actor) = match by {
        Asker::Staff(card) => {
            ensure!(
                desk.config.classes.teachers_reset_pins,
                "teachers reset no PINs here: that needs teachers_reset_pins = true in [classes]"
            );
            let staff = cards::find(desk, card).await.context("--as")?.patron;
            let rolls = desk.db.rosters().live_rolls().await?;
            let classes: Vec<_> = rolls.into_iter().map(|held| (held.source, held.roll)).collect();
            let opted_out = catalogue.has_opted_out(&staff);
            let asks = Resetter::Teacher { staff: &staff, opted_out, classes: &classes };
            (may_reset(&asks, patron), json!({ "teacher": staff.id.to_string() }))
        }
        Asker::Librarian(name) => {
            let librarian = desk.config.librarians.iter().find(|librarian| librarian.name == name);
            let librarian =
                librarian.with_context(|| format!("no [[librarian]] of the configuration has the name {name:?}"))?;
            let asks = Resetter::Librarian { organisations: &librarian.organisations };
            (may_reset(&asks, patron), json!({ "librarian": name }))
        }
    };
    let patron_id = patron.id.to_string();
    if let Err(refused) = verdict {
        let payload = json!({ "patron": patron_id, "reason": refused.code(), "by": actor, "why": why });
        let mut tx = desk.db.begin().await?;
        audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Kind::Refusal, payload }]).await?;
        tx.commit().await?;
        anyhow::bail!("the PIN stays as it is: {refused}");
    }

    let pin = temporary(&patron.card)?;
    let pool = PinPool::start(1, 1)?;
    let verifier = pool.verifier(&desk.keyring.pin_key().keyed(patron.id, &pin)).await?;
    let mut tx = desk.db.begin().await?;
    desk.db.patrons().set_pin(&mut tx, patron.id, &verifier, true, now).await?;
    sessions::end_all_of(&mut tx, patron.id, None, now).await?;
    tx.patrons_changed().await?;
    let payload = json!({ "patron": patron_id, "by": actor, "temporary": true, "why": why });
    audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Kind::PinSet, payload }]).await?;
    tx.commit().await?;
    Ok(Temporary { card: patron.card.to_string(), pin })
}

/// Six digits by chance, none of them a PIN that a classmate would try first.
fn temporary(card: &CardNumber) -> Result<String, NoRandomness> {
    loop {
        let mut bytes = [0; 8];
        rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        let pin = format!("{:06}", u64::from_be_bytes(bytes) % 1_000_000);
        if acceptable(&pin, card).is_ok() {
            return Ok(pin);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_temporary_pin_is_six_digits_that_nobody_tries_first() {
        let card = CardNumber::read("1204417").unwrap();
        let pins: std::collections::BTreeSet<String> = (0..50).map(|_| temporary(&card).unwrap()).collect();
        assert!(pins.len() > 45);
        assert!(pins.iter().all(|pin| pin.len() == 6 && acceptable(pin, &card).is_ok()));
    }
}
