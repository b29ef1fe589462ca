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
        id::{PatronId, SessionId, VendorId},
        reason::{Reason, staff_code},
    },
    ephemeral::Namespace,
    policy::{self, Consent, Step, Wants, step::Present},
};

/// How long a person may take from the vendor's door through ours.
const PATIENCE: Duration = Duration::from_secs(30 * 60);

/// An ask that waits on the shelf behind its ticket.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Pending {
    pub ask: Ask,
    /// The patron was refused, and is being told.
    pub refused: Option<Reason>,
    /// The session in which the patron said yes to this ask.
    #[serde(default)]
    pub consented: Option<SessionId>,
}

impl Pending {
    /// One that nobody has answered yet.
    pub fn fresh(ask: Ask) -> Pending {
        Pending { ask, refused: None, consented: None }
    }

    pub fn refused(ask: Ask, reason: Reason) -> Pending {
        Pending { refused: Some(reason), ..Pending::fresh(ask) }
    }
}

/// Where somebody was refused.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place<'a> {
    pub vendor: &'a VendorId,
    pub protocol: &'a str,
    /// Behind which a page tells of it.
    pub ticket: Option<&'a str>,
}

impl Ask {
    pub(super) fn place<'a>(&'a self, ticket: Option<&'a str>) -> Place<'a> {
        Place { vendor: &self.vendor, protocol: &self.protocol, ticket }
    }

    /// The same to `policy`, with what the patron answered so far.
    pub(super) fn wants(&self, consented: Option<SessionId>) -> Wants<'_> {
        let consent = match (&self.consent, consented) {
            (None, _) => Consent::NotWanted,
            (Some(_), None) => Consent::Wanted,
            (Some(_), Some(session)) => Consent::GivenIn(session),
        };
        Wants { scopes: &self.scopes, fresh_after: self.fresh_after, password: self.password, consent }
    }
}

impl SignOn {
    /// A relying party's browser arrives.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn begin(&self, ask: Ask, visitor: &Visitor) -> Result<Next, Fault> {
        self.step(ask, None, visitor).await
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
            None => self.step(pending.ask.clone(), pending.consented, visitor).await?,
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

    /// Whoever is at the sign-in page would rather not: the local path back to the relying party, which hears that it was
    /// declined. `None`: unknown or spent. Nobody has shown who they are, so there is nothing to write down.
    ///
    /// # Errors
    /// A fault where the shelf does not answer.
    pub async fn decline(&self, ticket: &str) -> Result<Option<String>, Fault> {
        let Some(mut pending) = self.read_pending(ticket).await? else { return Ok(None) };
        pending.refused.get_or_insert(Reason::Declined);
        self.shelve(ticket, &pending).await?;
        Ok(Some(format!("{}{ticket}", pending.ask.resume)))
    }

    /// Why a pending ask was refused, for the page that tells so. `None` where it was not, or is over.
    ///
    /// # Errors
    /// A fault where the shelf does not answer.
    pub async fn refusal(&self, ticket: &str) -> Result<Option<(Ask, Reason)>, Fault> {
        let pending = self.read_pending(ticket).await?;
        Ok(pending.and_then(|pending| pending.refused.map(|reason| (pending.ask, reason))))
    }

    pub(super) async fn read_pending(&self, ticket: &str) -> Result<Option<Pending>, Fault> {
        self.app().shelf.get(Namespace::Ticket, ticket).await?.map(|bytes| read(&bytes)).transpose()
    }

    pub(super) async fn shelve(&self, ticket: &str, pending: &Pending) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(pending).map_err(|error| Fault::Broken(error.to_string()))?;
        Ok(self.app().shelf.put(Namespace::Ticket, ticket, bytes, PATIENCE).await?)
    }

    async fn step(&self, mut ask: Ask, consented: Option<SessionId>, visitor: &Visitor) -> Result<Next, Fault> {
        let now = self.app().clock.now();
        let catalogue = self.app().catalogue();
        let Some(vendor) = catalogue.vendors.get(&ask.vendor) else {
            return self.refuse(ask, None, Reason::VendorDisabled).await;
        };
        let present = self.present(visitor, now).await?;
        // Nothing outlives a session on a shared computer: the next child is not whom it would stay with.
        ask.offline &= !present.as_ref().is_some_and(|(session, _)| session.shared);
        let step = policy::next_step(
            vendor,
            &ask.wants(consented),
            present
                .as_ref()
                .map(|(session, patron)| Present { session, facts: self.facts(patron, &catalogue, &session.method) }),
            now,
        );
        match (step, present) {
            (Step::Issue(allowance), Some((session, patron))) => {
                Ok(Next::Issue(Box::new(Ready { ask, session, patron, allowance })))
            }
            (Step::Refuse(reason), present) => self.refuse(ask, present.map(|(_, patron)| patron.id), reason).await,
            (Step::Consent(_), Some(_)) if !ask.interactive => Ok(Next::ConsentNeeded),
            _ if !ask.interactive => Ok(Next::SignInNeeded),
            (Step::Consent(_), Some(_)) => self.page("/consent/", ask).await,
            (Step::ChangePin, _) => self.page("/change-pin/", ask).await,
            _ => self.page("/sign-in/", ask).await,
        }
    }

    async fn refuse(&self, ask: Ask, patron: Option<PatronId>, reason: Reason) -> Result<Next, Fault> {
        let ticket = if ask.interactive { Some(handle::random()?) } else { None };
        let event = refusal_event(self.app().clock.now(), &reason, patron, Some(ask.place(ticket.as_deref())));
        self.app().journal.keep(Vec::new(), vec![event]).await?;
        let page = ticket.as_ref().map(|ticket| format!("/refused/{ticket}"));
        if let Some(ticket) = ticket {
            self.shelve(&ticket, &Pending::refused(ask, reason.clone())).await?;
        }
        Ok(Next::Refuse { reason, page })
    }

    async fn page(&self, path: &str, ask: Ask) -> Result<Next, Fault> {
        let ticket = handle::random()?;
        self.shelve(&ticket, &Pending::fresh(ask)).await?;
        Ok(Next::Page(format!("{path}{ticket}")))
    }
}

pub(super) fn read(bytes: &[u8]) -> Result<Pending, Fault> {
    serde_json::from_slice(bytes).map_err(|error| Fault::Broken(format!("a pending ask cannot be read: {error}")))
}

/// What is kept of a refusal: with the short code that the patron was shown, where a page told her.
pub(super) fn refusal_event(
    at: Timestamp,
    reason: &Reason,
    patron: Option<PatronId>,
    place: Option<Place<'_>>,
) -> AuditEvent {
    let code = place.and_then(|place| place.ticket).map(staff_code);
    let payload = json!({
        "reason": reason.code(),
        "patron": patron.map(|id| id.to_string()),
        "vendor": place.map(|place| place.vendor.as_str()),
        "protocol": place.map(|place| place.protocol),
        "code": code,
    });
    AuditEvent { at, kind: Kind::Refusal, payload }
}
