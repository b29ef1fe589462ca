//! What happens next to a pending ask: the dispatcher of the flow.

use super::{Allowance, Facts, entitlement};
use crate::domain::{clock::Timestamp, reason::Reason, scope::Scopes, session::Session, vendor::Vendor};

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// Card and PIN, please.
    Identify,
    /// A PIN that everybody could know opens nothing but its own change.
    ChangePin,
    Issue(Allowance),
    Refuse(Reason),
}

/// A live session with its patron's facts.
#[derive(Debug, Clone, Copy)]
pub struct Present<'a> {
    pub session: &'a Session,
    pub facts: Facts<'a>,
}

/// `present` is absent where nobody is signed in; `fresh_after` asks for a PIN shown later than that.
pub fn next_step(
    vendor: &Vendor,
    asked: &Scopes,
    fresh_after: Option<Timestamp>,
    present: Option<Present<'_>>,
    now: Timestamp,
) -> Step {
    let Some(present) = present else { return Step::Identify };
    if fresh_after.is_some_and(|limit| present.session.authenticated_at < limit) {
        return Step::Identify;
    }
    let entitlement = match entitlement::entitled(&present.facts, now, &mut |_| ()) {
        Ok(entitlement) => entitlement,
        Err(reason) => return Step::Refuse(reason),
    };
    if present.session.pin_change_due {
        return Step::ChangePin;
    }
    match entitlement::allow(&entitlement, vendor, asked, &mut |_| ()) {
        Ok(allowance) => Step::Issue(allowance),
        Err(reason) => Step::Refuse(reason),
    }
}
