//! A fictional district of any size, as OneRoster 1.1 or 1.2: for the demo, the tests and the benches. The same size
//! makes the same people, to the byte.
//!
//! `district` is who lives there and what changes from night to night, `person` what each of them is called and
//! numbered, `names` the stock of names, `chance` the dice, `write` the files, `changes` a night's
//! changes alone, `rows` their rows and `columns` their headers.

mod chance;
mod changes;
mod columns;
mod district;
mod names;
mod person;
mod rows;
mod write;

pub use district::{District, Level, School};
pub use person::{Job, Person, Side};

/// sourcedId of the district's root organisation, whatever the size.
pub const DISTRICT_ORG: &str = "5d0c9a1e-7b32-4f6a-9c41-d157a1c70001";
/// sourcedId of the charter's root organisation, whatever the size.
pub const CHARTER_ORG: &str = "c4a27e20-31f5-4b8d-8e96-c0a27e700002";
