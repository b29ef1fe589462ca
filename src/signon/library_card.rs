//! A patron links the library card that they had before, or takes the link back. The ILS says whether number and PIN
//! belong together; guesses at them count like guesses at any card, and against who guesses.

use serde_json::json;

use super::{
    Fault, SignOn, Visitor,
    begin::refusal_event,
    guesses::{self, Gate},
};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        card::CardNumber,
        id::PatronId,
        ils::{Unlinkable, Unproven},
        numbers::{Linked, Way},
        patron::Patron,
        reason::Reason,
    },
    store::audit,
};

/// What came of a patron's library card.
#[derive(Debug)]
pub enum Linking {
    Done,
    Not(Unlinkable),
    /// Too often.
    Later(Reason),
    /// Nobody is signed in any more, or nothing but a change of PIN is open.
    SignInNeeded,
}

impl SignOn {
    /// How this patron may link a library card; `None` where the organisation takes none.
    pub fn existing_card(&self, patron: &Patron) -> Option<Way> {
        self.app().catalogue().existing_card(patron)
    }

    /// # Errors
    /// `Busy` where too many guesses are being looked at; else a fault where store or shelf do not answer.
    pub async fn link_library_card(&self, number: &str, pin: &str, visitor: &Visitor) -> Result<Linking, Fault> {
        let app = self.app();
        let now = app.clock.now();
        let Some((session, patron)) = self.present(visitor, now).await? else { return Ok(Linking::SignInNeeded) };
        if session.pin_change_due {
            return Ok(Linking::SignInNeeded);
        }
        let Some(way) = self.existing_card(&patron) else { return Ok(Linking::Not(Unlinkable::NotOffered)) };
        if patron.numbers.linked.is_some() {
            return Ok(Linking::Not(Unlinkable::LinkedAlready));
        }
        let Some(number) = CardNumber::read(number) else { return Ok(Linking::Not(Unlinkable::NoNumber)) };
        let proven = match self.proven(&number, pin, patron.id, visitor).await? {
            Ok(proven) => proven,
            Err(reason) => {
                app.journal.keep(Vec::new(), vec![refusal_event(now, &reason, Some(patron.id), None)]).await?;
                return Ok(Linking::Later(reason));
            }
        };
        if let Err(unproven) = proven {
            let payload = json!({ "reason": unproven.code(), "patron": patron.id.to_string() });
            app.journal.keep(Vec::new(), vec![AuditEvent { at: now, kind: Kind::Refusal, payload }]).await?;
            return Ok(Linking::Not(unproven.into()));
        }
        let mut tx = app.store.begin().await?;
        let linked = Linked { number, way };
        if let Err(why) = tx.card_numbers().link(patron.id, linked.clone()).await? {
            return Ok(Linking::Not(why));
        }
        let payload = json!({
            "what": "link", "way": way, "library_card": format!("…{}", linked.number.ending()), "proof": "ils",
            "by": "patron", "patron": patron.id.to_string(),
        });
        audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Kind::CardNumber, payload }]).await?;
        tx.commit().await?;
        self.look_again();
        Ok(Linking::Done)
    }

    /// # Errors
    /// A fault where the store does not answer.
    pub async fn unlink_library_card(&self, visitor: &Visitor) -> Result<Linking, Fault> {
        let app = self.app();
        let now = app.clock.now();
        let Some((session, patron)) = self.present(visitor, now).await? else { return Ok(Linking::SignInNeeded) };
        if session.pin_change_due {
            return Ok(Linking::SignInNeeded);
        }
        let mut tx = app.store.begin().await?;
        let linked = match tx.card_numbers().unlink(patron.id).await? {
            Ok(linked) => linked,
            Err(why) => return Ok(Linking::Not(why)),
        };
        let payload = json!({
            "what": "unlink", "library_card": format!("…{}", linked.number.ending()), "by": "patron",
            "patron": patron.id.to_string(),
        });
        audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Kind::CardNumber, payload }]).await?;
        tx.commit().await?;
        self.look_again();
        Ok(Linking::Done)
    }

    /// What the ILS says, asked as often as the throttle lets it be: by the library card, by one PIN over many cards, and
    /// by the patron who tries.
    async fn proven(
        &self,
        number: &CardNumber,
        pin: &str,
        patron: PatronId,
        visitor: &Visitor,
    ) -> Result<Result<Result<(), Unproven>, Reason>, Fault> {
        let app = self.app();
        let Some(ils) = &app.config.ils else { return Ok(Ok(Err(Unproven::NotConfigured))) };
        let own = [Gate { key: format!("library card {patron}"), limit: self.0.limits.card }];
        if let Err(reason) = guesses::enter(&app.shelf, &own).await? {
            return Ok(Err(reason));
        }
        let pattern = app.keyring.pin_key().pattern(pin);
        let counted = match guesses::admit(&app.shelf, &self.0.limits, number.as_str(), &pattern, visitor.address).await
        {
            Ok(Ok(counted)) => counted,
            outcome => {
                guesses::leave(&app.shelf, &own).await?;
                return outcome.map(|outcome| outcome.map(|_| Ok(())));
            }
        };
        let (now, zone) = (app.clock.now(), &app.config.library.time_zone);
        let proven = app.outbound.ask_ils(ils, number, pin, now, zone).await;
        match &proven {
            Ok(()) => counted.right(&app.shelf).await?,
            Err(unproven) if unproven.is_a_guess() => {
                own[0].wrong(&app.shelf, 1).await?;
                counted.wrong(&app.shelf).await?;
            }
            Err(unproven) => {
                tracing::warn!(%unproven, "a library card could not be asked about");
                counted.unseen(&app.shelf).await?;
            }
        }
        guesses::leave(&app.shelf, &own).await?;
        Ok(Ok(proven))
    }
}
