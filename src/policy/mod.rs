//! PURE decisions: no clock, no I/O, no waiting. Facts in, a step or a reason out.

pub mod release;
pub mod subject;

use crate::domain::{clock::Timestamp, id::AgreementId, scope::Scopes};

/// A yes. Only this module makes one, so no protocol can assert what policy did not allow.
#[derive(Debug, Clone)]
pub struct Allowance {
    scopes: Scopes,
    agreement: AgreementId,
    until: Timestamp,
}
