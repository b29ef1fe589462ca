//! Least disclosure: what a vendor is told of a patron.

use crate::domain::{card::CardNumber, grade::AudienceBand, patron::Role};

/// Everything that leaves the house about a patron, beside the pseudonym.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub audience_band: AudienceBand,
    /// `student` or `staff`.
    pub patron_type: Role,
    /// Only where an agreed purpose says so.
    pub card_number: Option<CardNumber>,
}
