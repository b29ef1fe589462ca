//! Least disclosure: what a vendor is told of a patron.

use super::Allowance;
use crate::domain::{
    card::CardNumber,
    grade::AudienceBand,
    patron::{Patron, Role},
    vendor::{Attribute, Vendor},
};

/// Everything that leaves the house about a patron, beside the pseudonym and the scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub audience_band: AudienceBand,
    /// `student` or `staff`.
    pub patron_type: Role,
    /// Only where an agreed purpose says so.
    pub card_number: Option<CardNumber>,
}

/// What `vendor` is told of `patron`: band and type, and beyond them only what is declared with a purpose.
pub fn release(allowance: &Allowance, vendor: &Vendor, patron: &Patron) -> Release {
    let declared =
        |attribute| vendor.release.iter().any(|item| item.name == attribute && !item.purpose.trim().is_empty());
    Release {
        audience_band: allowance.audience_band(),
        patron_type: allowance.role(),
        card_number: declared(Attribute::CardNumber).then(|| patron.card.clone()),
    }
}
