//! What happens next to a pending ask: the dispatcher of the flow.

use super::{Allowance, Facts, entitlement};
use crate::domain::{clock::Timestamp, id::SessionId, reason::Reason, scope::Scopes, session::Session, vendor::Vendor};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Card and PIN, please.
    Identify,
    /// A PIN that everybody could know opens nothing but its own change.
    ChangePin,
    /// The patron is asked whether the vendor may be told what this allows.
    Consent(Allowance),
    Issue(Allowance),
    Refuse(Reason),
}

/// What a relying party wants of whoever sits there.
#[derive(Debug, Clone, Copy)]
pub struct Wants<'a> {
    pub scopes: &'a Scopes,
    /// A PIN shown later than this.
    pub fresh_after: Option<Timestamp>,
    /// As good as a password: a badge will not do.
    pub password: bool,
    pub consent: Consent,
}

/// Whether the patron is asked before anything is told. Remembered for one pending ask and no longer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    NotWanted,
    Wanted,
    /// Who said yes in this session; in any other one somebody else may sit.
    GivenIn(SessionId),
}

/// A live session with its patron's facts.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    pub session: &'a Session,
    pub facts: Facts<'a>,
}

/// The same at a face that has no pages: everything that the vendor may be told, or why not.
///
/// # Errors
/// Those of `entitled` and `allow`, and `PinMustChange` between them, as a page would ask for it.
pub fn without_pages(
    vendor: &Vendor,
    facts: &Facts<'_>,
    pin_change_due: bool,
    now: Timestamp,
) -> Result<Allowance, Reason> {
    let entitlement = entitlement::entitled(facts, now, &mut |_| ())?;
    if pin_change_due {
        return Err(Reason::PinMustChange);
    }
    entitlement::allow(&entitlement, vendor, &vendor.scopes, &mut |_| ())
}

/// `present` is absent where nobody is signed in.
pub fn next_step(vendor: &Vendor, wants: &Wants<'_>, present: Option<Present<'_>>, now: Timestamp) -> Step {
    let Some(present) = present else { return Step::Identify };
    if wants.fresh_after.is_some_and(|limit| present.session.authenticated_at < limit) {
        return Step::Identify;
    }
    if wants.password && !present.session.method.is_a_password() {
        return Step::Identify;
    }
    let entitlement = match entitlement::entitled(&present.facts, now, &mut |_| ()) {
        Ok(entitlement) => entitlement,
        Err(reason) => return Step::Refuse(reason),
    };
    if present.session.pin_change_due {
        return Step::ChangePin;
    }
    let allowance = match entitlement::allow(&entitlement, vendor, wants.scopes, &mut |_| ()) {
        Ok(allowance) => allowance,
        Err(reason) => return Step::Refuse(reason),
    };
    match wants.consent {
        Consent::NotWanted => Step::Issue(allowance),
        Consent::GivenIn(session) if session == present.session.id => Step::Issue(allowance),
        Consent::GivenIn(_) | Consent::Wanted => Step::Consent(allowance),
    }
}
