//! OneRoster CSV 1.1 and 1.2, bulk and delta: a zip or a folder becomes a `Roster`. Merging it is `roster`'s.
//!
//! `manifest` says what was delivered, `archive` gives the bytes of a file, `table` its rows, `values` what a field
//! means; `orgs`, `roles` (1.2), `demographics`, `users` and `classes` say what a row means, and read nothing that is not
//! needed.

pub(in crate::directory) mod archive;
mod classes;
mod demographics;
mod error;
pub mod generate;
mod ids;
pub mod kind;
mod manifest;
mod orgs;
pub mod rest;
mod roles;
pub(in crate::directory) mod row;
pub(in crate::directory) mod table;
#[cfg(test)]
mod tests;
mod users;
pub(in crate::directory) mod values;

use std::path::Path;

pub use error::ReadError;

pub use manifest::Version;

use self::{
    archive::Archive,
    manifest::{Delivered, Sent},
};
use super::{Changes, Extent, Roster};
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
    // Nothing is kept of what is not asked for, any more.
    roster.classes = (!options.classes.any()).then(Vec::new);
    match manifest::read(&mut archive, options, report)? {
        Delivered::Whole(version) => {
            let orgs = orgs::read(&mut archive, report)?;
            let roles = match version {
                Version::V1p1 => None,
                Version::V1p2 => Some(roles::read(&mut archive, &orgs, options.today, report)?),
            };
            let birthdays =
                if options.birthdays { demographics::read(&mut archive, report)? } else { Default::default() };
            roster.people = users::read(&mut archive, &orgs, roles, birthdays, report)?;
            roster.orgs = orgs.into_list();
            if options.classes.any() {
                roster.classes = classes::read(&mut archive, options, &roster.people, report)?;
            }
        }
        Delivered::Changes(version, changed) => {
            classes::leave(&archive, report);
            let mut changes = Changes { posts_are_whole: version == Version::V1p1, ..Changes::default() };
            match changed.orgs {
                Sent::Absent => {}
                Sent::Delta => (roster.orgs, changes.orgs_gone) = orgs::read_changes(&mut archive, report)?,
                Sent::Bulk => {
                    changes.orgs_are_whole = true;
                    roster.orgs = orgs::read(&mut archive, report)?.into_list();
                }
            }
            if changed.roles {
                changes.posts = roles::read_changes(&mut archive, options.today, report)?;
            }
            if changed.birthdays {
                changes.birthdays = demographics::read(&mut archive, report)?.into_list();
            }
            if changed.users {
                (roster.people, changes.gone) = users::read_changes(&mut archive, version, report)?;
            }
            roster.extent = Extent::Changes(changes);
        }
    }
    Ok(roster)
}
