//! OneRoster CSV 1.1 and 1.2, bulk: a zip or a folder becomes a `Roster`. Merging it is `roster`'s.
//!
//! `manifest` says what was delivered, `archive` gives the bytes of a file, `table` its rows, `values` what a field
//! means; `orgs`, `roles` (1.2), `demographics`, `users` and `classes` say what a row means, and read nothing that is not
//! needed.

mod archive;
mod classes;
mod demographics;
mod error;
pub mod generate;
mod ids;
mod manifest;
mod orgs;
mod roles;
mod row;
mod table;
#[cfg(test)]
mod tests;
mod users;
mod values;

use std::path::Path;

pub use error::ReadError;

pub use manifest::Version;

use self::archive::Archive;
use super::Roster;
use crate::domain::{class::ClassKinds, clock::Date};

/// How a delivery is read.
#[derive(Clone, Copy)]
pub struct Options<'a> {
    /// Read month and day of birth: only where a birthday PIN is configured.
    pub birthdays: bool,
    /// Read who is in which of these classes: none, unless a configuration asks for it.
    pub classes: ClassKinds,
    /// The library's calendar day: roles that ended before it, or begin after it, do not count.
    pub today: Date,
    /// Told about once a mebibyte.
    pub progress: &'a dyn Fn(Progress),
}

/// Work done, of the work there is: bytes unpacked when reading, rows when writing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    pub done: u64,
    pub total: u64,
}

/// Reads a whole delivery, changing nothing. Blocks: call it where that is allowed.
///
/// # Errors
/// `ReadError` where the delivery cannot be trusted as a whole; what is wrong with single rows is in the report.
pub fn read(path: &Path, options: &Options<'_>) -> Result<Roster, ReadError> {
    let mut roster = Roster::default();
    let report = &mut roster.report;
    let mut archive = Archive::open(path, options)?;
    let version = manifest::read(&mut archive, options, report)?;
    let orgs = orgs::read(&mut archive, report)?;
    let roles = match version {
        Version::V1p1 => None,
        Version::V1p2 => Some(roles::read(&mut archive, &orgs, options.today, report)?),
    };
    let birthdays = if options.birthdays { demographics::read(&mut archive, report)? } else { Default::default() };
    roster.people = users::read(&mut archive, &orgs, roles, birthdays, report)?;
    roster.orgs = orgs.into_list();
    roster.classes = if options.classes.any() {
        classes::read(&mut archive, options, &roster.people, report)?
    } else {
        // Nothing is kept of what is not asked for, any more.
        Some(Vec::new())
    };
    Ok(roster)
}
