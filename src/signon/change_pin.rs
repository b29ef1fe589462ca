//! A patron chooses a PIN of their own; with an initial PIN they must, before anything else opens.

use serde_json::json;

use super::{ChangedPin, Fault, SignOn, Visitor, directory::Asked};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        id::SessionId,
        method::Method,
        session::Session,
    },
    policy::pin::acceptable,
    store::journal::Record,
};

impl SignOn {
    /// The change of PIN of whoever is signed in, forced or wished. Every other session of theirs ends.
    ///
    /// # Errors
    /// `Busy` where too many PIN checks wait; else a fault where store or shelf do not answer.
    pub async fn change_pin(
        &self,
        ticket: Option<&str>,
        current: &str,
        new: &str,
        visitor: &Visitor,
    ) -> Result<ChangedPin, Fault> {
        let app = self.app();
        let Some((session, patron)) = self.present(visitor, app.clock.now()).await? else {
            return Ok(ChangedPin::SignInNeeded);
        };
        if let Err(rule) = patron.numbers.all().try_for_each(|number| acceptable(new, number)) {
            return Ok(ChangedPin::TooEasy(rule));
        }
        let checked = self.check_as(Asked::ForThePin, patron.card.as_str(), current, visitor.address, None);
        if let Err(reason) = checked.await? {
            return Ok(ChangedPin::TryAgain(reason));
        }
        if current.trim() == new.trim() {
            return Ok(ChangedPin::TooEasy("pin-same"));
        }

        let verifier = self.0.pins.verifier(&app.keyring.pin_key().keyed(patron.id, new)).await?;
        let now = app.clock.now();
        let records = vec![
            Record::OtherSessionsEnded(patron.id, session.id, now),
            Record::PinChosen { patron: patron.id, verifier, change_due: false, at: now },
        ];
        let event = AuditEvent {
            at: now,
            kind: Kind::PinSet,
            payload: json!({ "patron": patron.id.to_string(), "by": "patron" }),
        };
        let (id, method) = (SessionId::new(), Method::Pin);
        let renewed = Session { id, method, last_seen: now, pin_change_due: false, ..(*session).clone() };
        let cookie = self.start(renewed, visitor, records, vec![event]).await?;
        self.0.known.forget_all();
        let to = match ticket {
            Some(ticket) => match self.pending(ticket).await? {
                Some(ask) => format!("{}{ticket}", ask.resume),
                None => "/".to_owned(),
            },
            None => "/".to_owned(),
        };
        Ok(ChangedPin::Done { cookie, to })
    }
}
