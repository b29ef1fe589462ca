//! What the rows of every file share: a sourcedId that comes once, a status, a date of change.

use super::{
    error::ReadError,
    ids::Ids,
    table::{Place, Row},
    values::{self, short},
};
use crate::directory::Report;

/// The sourcedIds of one file, each of which may stand there once.
#[derive(Default)]
pub(in crate::directory) struct Seen {
    ids: Ids,
    lines: Vec<u64>,
}

impl Seen {
    /// The number of an id that must be new.
    pub fn once(&mut self, row: &Row<'_>, sourced_id: &str) -> Result<u32, ReadError> {
        let (number, new) = self.ids.number(sourced_id);
        if new {
            self.lines.push(row.line);
            return Ok(number);
        }
        let first = self.lines.get(number as usize).copied().unwrap_or(0);
        let (file, id) = (row.file.to_owned(), sourced_id.to_owned());
        Err(ReadError::DuplicateSourcedId { file, id, first, second: row.line })
    }

    pub fn find(&self, sourced_id: &str) -> Option<u32> {
        self.ids.find(sourced_id)
    }

    pub fn id(&self, number: u32) -> &str {
        self.ids.id(number)
    }
}

impl Row<'_> {
    /// Whether the row is there at all: `tobedeleted` in a bulk file is as good as absent.
    pub fn is_active(&self, status: Place, report: &mut Report) -> bool {
        let active = self.status(status, report);
        if active == Some(false) {
            report.left_out("tobedeleted");
        }
        active == Some(true)
    }

    /// Whether the row is there or is no more; `None` where the row is refused.
    pub fn status(&self, status: Place, report: &mut Report) -> Option<bool> {
        let text = self.text(status);
        match values::is_active(text) {
            values::Read::Plain(active) => Some(active),
            values::Read::Repaired(active) => {
                let what = format!("{} read as {}", short(text), if active { "active" } else { "tobedeleted" });
                report.repaired(self.file, self.line, "status", "status", what);
                Some(active)
            }
            values::Read::Unreadable => {
                report.refused(
                    self.file,
                    self.line,
                    "status",
                    "unknown-status",
                    format!("{} is no status", short(text)),
                );
                None
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
