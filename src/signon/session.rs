//! Who is signed in on a browser, and what they may use.

use std::{sync::Arc, time::Duration};

use super::{Fault, SignOn, SignedIn, Visitor};
use crate::{
    domain::{clock::Timestamp, patron::Patron, reason::Reason, session::Session, vendor::Vendor},
    policy::entitlement::{allow, entitled},
    store::journal::Record,
};

/// A session's last use is written down at most this often, and oftener where sessions are short: a tenth of what they
/// may stay unused.
const SEEN_EVERY: Duration = Duration::from_secs(60);

impl SignOn {
    /// Who is signed in on this browser, seen now; `None` where nobody is.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn who(&self, visitor: &Visitor) -> Result<Option<SignedIn>, Fault> {
        let now = self.app().clock.now();
        let Some((session, patron)) = self.present(visitor, now).await? else { return Ok(None) };
        let catalogue = self.app().catalogue();
        let entitlement = entitled(&self.facts(&patron, &catalogue, &session.method), now, &mut |_| ());
        let (refused, valid_until, privileges, loans) = match entitlement {
            Ok(yes) => (None, Some(yes.until), yes.scopes, yes.loans),
            Err(reason) => (Some(reason), None, Default::default(), Default::default()),
        };
        Ok(Some(SignedIn { session, patron, refused, valid_until, privileges, loans }))
    }

    /// Every vendor of the programme, each with the reason where this patron, signed in as they are, may not use it now.
    pub fn vendors_for(&self, who: &SignedIn) -> Vec<(Vendor, Option<Reason>)> {
        let now = self.app().clock.now();
        let catalogue = self.app().catalogue();
        let entitlement = entitled(&self.facts(&who.patron, &catalogue, &who.session.method), now, &mut |_| ());
        let verdict = |vendor: &Vendor| match &entitlement {
            Ok(entitlement) => allow(entitlement, vendor, &vendor.scopes, &mut |_| ()).err(),
            Err(reason) => Some(reason.clone()),
        };
        catalogue.vendors.values().map(|vendor| (vendor.clone(), verdict(vendor))).collect()
    }

    /// The live session of this browser, with its patron.
    pub(super) async fn present(
        &self,
        visitor: &Visitor,
        now: Timestamp,
    ) -> Result<Option<(Arc<Session>, Arc<Patron>)>, Fault> {
        let Some((handle, mut session)) = self.live_session(visitor, now).await? else { return Ok(None) };
        // What a badge opened is left at school.
        if self.badge_fails_here(&session.method, visitor.address, now).is_some() {
            return Ok(None);
        }
        let idle = self.app().config.session.of(session.shared).idle;
        if now.since(session.last_seen) >= SEEN_EVERY.min(idle / 10) {
            session = Arc::new(Session { last_seen: now, ..(*session).clone() });
            self.app().journal.keep(vec![Record::SessionSeen(session.id, now)], Vec::new()).await?;
            self.0.known.remember_session(handle, session.clone());
        }
        let Some(patron) = self.patron_by(session.patron).await? else { return Ok(None) };
        Ok(Some((session, patron)))
    }

    /// The same without its patron and without counting as a use, with the handle's hash.
    pub(super) async fn live_session(
        &self,
        visitor: &Visitor,
        now: Timestamp,
    ) -> Result<Option<(String, Arc<Session>)>, Fault> {
        let Some(handle) = visitor.handle() else { return Ok(None) };
        let limits = &self.app().config.session;
        let Some(session) = self.session_by(&handle).await? else { return Ok(None) };
        if session.is_live(limits, now) {
            return Ok(Some((handle, session)));
        }
        // Where sessions are short, another process may have seen it since it was remembered here.
        self.0.known.forget_session(&handle);
        let again = self.session_by(&handle).await?.filter(|session| session.is_live(limits, now));
        Ok(again.map(|session| (handle, session)))
    }
}
