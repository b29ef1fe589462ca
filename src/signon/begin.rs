//! A relying party's browser arrives, or returns: find the session, gather the facts, ask policy, send it on.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Ask, Fault, Next, Ready, SignOn, Visitor};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        clock::Timestamp,
        handle,
        id::PatronId,
        reason::{Reason, staff_code},
    },
    ephemeral::Namespace,
    policy::{self, Step, step::Present},
};

/// How long a person may take from the vendor's door through ours.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// An ask that waits on the shelf behind its ticket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    pub ask: Ask,
    /// The patron was refused, and is being told.
    pub refused: Option<Reason>,
}

impl SignOn {
    /// A relying party's browser arrives.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn begin(&self, ask: Ask, visitor: &Visitor) -> Result<Next, Fault> {
        self.step(ask, visitor).await
    }

    /// The browser returns to `ask.resume` with its ticket, which is spent by this. `None`: unknown or spent.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn resume(&self, ticket: &str, visitor: &Visitor) -> Result<Option<(Ask, Next)>, Fault> {
        let Some(bytes) = self.app().shelf.take(Namespace::Ticket, ticket).await? else { return Ok(None) };
        let pending = read(&bytes)?;
        let next = match pending.refused {
            Some(reason) => Next::Refuse { reason, page: None },
            None => self.step(pending.ask.clone(), visitor).await?,
        };
        Ok(Some((pending.ask, next)))
    }

    /// The pending ask behind a ticket, without spending it: for "where am I going?".
    ///
    /// # Errors
    /// A fault where the shelf does not answer.
    pub async fn pending(&self, ticket: &str) -> Result<Option<Ask>, Fault> {
        Ok(self.read_pending(ticket).await?.map(|pending| pending.ask))
    }

    /// Why a pending ask was refused, for the page that tells so. `None` where it was not, or is over.
    ///
    /// # Errors
    /// A fault where the shelf does not answer.
    pub async fn refusal(&self, ticket: &str) -> Result<Option<(Ask, Reason)>, Fault> {
        let pending = self.read_pending(ticket).await?;
        Ok(pending.and_then(|pending| pending.refused.map(|reason| (pending.ask, reason))))
    }

    async fn read_pending(&self, ticket: &str) -> Result<Option<Pending>, Fault> {
        self.app().shelf.get(Namespace::Ticket, ticket).await?.map(|bytes| read(&bytes)).transpose()
    }

    pub(super) async fn shelve(&self, ticket: &str, pending: &Pending) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(pending).map_err(|error| Fault::Broken(error.to_string()))?;
        Ok(self.app().shelf.put(Namespace::Ticket, ticket, bytes, PATIENCE).await?)
    }

    async fn step(&self, ask: Ask, visitor: &Visitor) -> Result<Next, Fault> {
        let now = self.app().clock.now();
        let catalogue = self.app().catalogue();
        let Some(vendor) = catalogue.vendors.get(&ask.vendor) else {
            return self.refuse(ask, None, Reason::VendorDisabled).await;
        };
        let present = self.present(visitor, now).await?;
        let step = policy::next_step(
            vendor,
            &ask.scopes,
            ask.fresh_after,
            present.as_ref().map(|(session, patron)| Present { session, facts: self.facts(patron, &catalogue) }),
            now,
        );
        match (step, present) {
            (Step::Issue(allowance), Some((session, patron))) => {
                Ok(Next::Issue(Box::new(Ready { ask, session, patron, allowance })))
            }
            (Step::Refuse(reason), present) => self.refuse(ask, present.map(|(_, patron)| patron.id), reason).await,
            _ if !ask.interactive => Ok(Next::SignInNeeded),
            (Step::ChangePin, _) => self.page("/change-pin/", ask).await,
            _ => self.page("/sign-in/", ask).await,
        }
    }

    async fn refuse(&self, ask: Ask, patron: Option<PatronId>, reason: Reason) -> Result<Next, Fault> {
        let ticket = if ask.interactive { Some(handle::random()?) } else { None };
        let event = refusal_event(self.app().clock.now(), &reason, patron, Some((&ask, ticket.as_deref())));
        self.app().journal.keep(Vec::new(), vec![event]).await?;
        let page = ticket.as_ref().map(|ticket| format!("/refused/{ticket}"));
        if let Some(ticket) = ticket {
            self.shelve(&ticket, &Pending { ask, refused: Some(reason.clone()) }).await?;
        }
        Ok(Next::Refuse { reason, page })
    }

    async fn page(&self, path: &str, ask: Ask) -> Result<Next, Fault> {
        let ticket = handle::random()?;
        self.shelve(&ticket, &Pending { ask, refused: None }).await?;
        Ok(Next::Page(format!("{path}{ticket}")))
    }
}

fn read(bytes: &[u8]) -> Result<Pending, Fault> {
    serde_json::from_slice(bytes).map_err(|error| Fault::Broken(format!("a pending ask cannot be read: {error}")))
}

/// What is kept of a refusal: with the short code that the patron was shown, where a page told her.
pub(super) fn refusal_event(
    at: Timestamp,
    reason: &Reason,
    patron: Option<PatronId>,
    pending: Option<(&Ask, Option<&str>)>,
) -> AuditEvent {
    let ask = pending.map(|(ask, _)| ask);
    let code = pending.and_then(|(_, ticket)| ticket).map(staff_code);
    let payload = json!({
        "reason": reason.code(),
        "patron": patron.map(|id| id.to_string()),
        "vendor": ask.map(|ask| ask.vendor.as_str()),
        "protocol": ask.map(|ask| ask.protocol.as_str()),
        "code": code,
    });
    AuditEvent { at, kind: Kind::Refusal, payload }
}
