//! The patron is asked before a vendor is told anything. The answer counts for one pending ask, in the session that gave
//! it, and is forgotten with the ask (nothing is remembered from one request to the next).

use super::{
    Ask, Fault, Question, SignOn, SignedIn, Visitor,
    begin::{Pending, read, refusal_event},
};
use crate::{
    domain::{reason::Reason, scope::Scopes, vendor::Vendor},
    ephemeral::Namespace,
    policy::{
        self, Step,
        release::{Release, release},
        step::Present,
    },
};

/// What is to be done about a ticket that came to be consented to.
pub enum Asked {
    /// Show this.
    Now(Box<Consenting>),
    /// 303 to this path: somebody must sign in first, or there is nothing to ask.
    Elsewhere(String),
}

/// What one patron is asked.
pub struct Consenting {
    pub ask: Ask,
    pub question: Question,
    pub who: SignedIn,
    pub vendor: Vendor,
    /// Library scopes that the vendor will read.
    pub scopes: Scopes,
    /// What the vendor will be told; standard claims among it only as far as they were asked for.
    pub release: Release,
}

impl SignOn {
    /// What the patron on this browser is asked about the pending ask behind `ticket`. `None`: unknown or spent.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn consenting(&self, ticket: &str, visitor: &Visitor) -> Result<Option<Asked>, Fault> {
        let Some(Pending { ask, refused: None, .. }) = self.read_pending(ticket).await? else { return Ok(None) };
        let Some(who) = self.who(visitor).await? else {
            return Ok(Some(Asked::Elsewhere(format!("/sign-in/{ticket}"))));
        };
        let onwards = Asked::Elsewhere(format!("{}{ticket}", ask.resume));
        let catalogue = self.app().catalogue();
        let (Some(question), Some(vendor)) = (ask.consent.clone(), catalogue.vendors.get(&ask.vendor)) else {
            return Ok(Some(onwards));
        };
        let present =
            Present { session: &who.session, facts: self.facts(&who.patron, &catalogue, &who.session.method) };
        let step = policy::next_step(vendor, &ask.wants(None), Some(present), self.app().clock.now());
        let Step::Consent(allowance) = step else { return Ok(Some(onwards)) };
        let mut release = release(&allowance, vendor, &who.patron);
        release.standard = release.standard.named(|claim| question.claims.iter().any(|asked| asked == claim));
        let scopes = allowance.scopes().intersection(&question.scopes);
        Ok(Some(Asked::Now(Box::new(Consenting { ask, question, who, vendor: vendor.clone(), scopes, release }))))
    }

    /// The patron's answer, which counts for this ticket and this session alone. The local path to go on to; `None`
    /// where the ticket is unknown or spent.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn consent(&self, ticket: &str, yes: bool, visitor: &Visitor) -> Result<Option<String>, Fault> {
        let app = self.app();
        let Some(who) = self.who(visitor).await? else {
            return Ok(self.pending(ticket).await?.map(|_| format!("/sign-in/{ticket}")));
        };
        // Taken, so that whoever went on with it meanwhile does not find it revived.
        let Some(bytes) = app.shelf.take(Namespace::Ticket, ticket).await? else { return Ok(None) };
        let ask = match read(&bytes)? {
            Pending { ask, refused: None, .. } => ask,
            refused => {
                self.shelve(ticket, &refused).await?;
                return Ok(Some(format!("/refused/{ticket}")));
            }
        };
        let to = format!("{}{ticket}", ask.resume);
        if yes {
            self.shelve(ticket, &Pending { consented: Some(who.session.id), ..Pending::fresh(ask) }).await?;
        } else {
            let reason = Reason::Declined;
            let event = refusal_event(app.clock.now(), &reason, Some(who.patron.id), Some(ask.place(None)));
            app.journal.keep(Vec::new(), vec![event]).await?;
            self.shelve(ticket, &Pending::refused(ask, reason)).await?;
        }
        Ok(Some(to))
    }
}
