//! What the rows of every file share: a sourcedId that comes once, a status, a date of change.

use std::collections::HashMap;

use super::{
    error::ReadError,
    table::{Place, Row},
    values::{self, short},
};
use crate::directory::Report;

/// The sourcedIds met in one file, with their lines.
#[derive(Default)]
pub(super) struct Seen(HashMap<Box<str>, u32>);

impl Seen {
    pub fn once(&mut self, row: &Row<'_>, sourced_id: &str) -> Result<(), ReadError> {
        let line = u32::try_from(row.line).unwrap_or(u32::MAX);
        match self.0.insert(sourced_id.into(), line) {
            None => Ok(()),
            Some(first) => Err(ReadError::DuplicateSourcedId {
                file: row.file.to_owned(),
                id: sourced_id.to_owned(),
                first: first.into(),
                second: row.line,
            }),
        }
    }
}

impl Row<'_> {
    /// Whether the row is there at all: `tobedeleted` in a bulk file is as good as absent.
    pub fn is_active(&self, status: Place, report: &mut Report) -> bool {
        let text = self.text(status);
        match values::is_active(text) {
            values::Read::Plain(active) => {
                if !active {
                    report.left_out("tobedeleted");
                }
                active
            }
            values::Read::Repaired(active) => {
                let what = format!("{} read as {}", short(text), if active { "active" } else { "tobedeleted" });
                report.repaired(self.file, self.line, "status", "status", what);
                if !active {
                    report.left_out("tobedeleted");
                }
                active
            }
            values::Read::Unreadable => {
                report.refused(
                    self.file,
                    self.line,
                    "status",
                    "unknown-status",
                    format!("{} is no status", short(text)),
                );
                false
            }
        }
    }

    /// `dateLastModified` decides nothing in a bulk file: a strange one is only noted.
    pub fn note_date(&self, modified: Place, report: &mut Report) {
        let text = self.text(modified);
        if !text.is_empty() && !matches!(values::day(text), values::Day::Iso(_)) {
            let what = format!("{} is not written as a date of OneRoster; nothing depends on it", short(text));
            report.repaired(self.file, self.line, "dateLastModified", "date-format", what);
        }
    }
}
