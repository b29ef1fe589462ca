//! PURE decisions: no clock, no I/O, no waiting. Facts in, a step or a reason out.
//! Who gathers the facts and carries out the step is `signon`.

pub mod badge;
pub mod entitlement;
pub mod pin;
pub mod release;
pub mod reset;
pub mod step;
pub mod subject;
pub mod throttle;

pub use entitlement::{Allowance, Entitlement, Facts, Finding};
pub use step::{Consent, Step, Wants, next_step};
