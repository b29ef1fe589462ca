//! What was repaired and what was refused in a delivery: file, line, column, and what was done.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// How many notes of one kind are kept word for word; the rest are counted.
const KEPT: usize = 200;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    pub notes: Vec<Note>,
    /// How often each kind of note was made, kept or not.
    pub counts: BTreeMap<String, u64>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Note {
    pub file: String,
    /// The header is line 1; 0 speaks of the file as a whole.
    pub line: u64,
    /// The column's name, or empty.
    pub column: String,
    pub outcome: Outcome,
    /// A stable word for this kind of note, `date-format`.
    pub kind: String,
    /// What was found and what was done about it. Never a PIN.
    pub what: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// Harmless: read as what it plainly means.
    Repaired,
    /// This row was left out, and why.
    Refused,
}

impl Report {
    pub fn repaired(&mut self, file: &str, line: u64, column: &str, kind: &str, what: impl Into<String>) {
        self.note(file, line, column, Outcome::Repaired, kind, what.into());
    }

    pub fn refused(&mut self, file: &str, line: u64, column: &str, kind: &str, what: impl Into<String>) {
        self.note(file, line, column, Outcome::Refused, kind, what.into());
    }

    /// Counts a row that rightly has no card, a guardian's for one: nothing is wrong with it, so there is no note.
    pub fn left_out(&mut self, kind: &str) {
        *self.counts.entry(format!("left-out {kind}")).or_default() += 1;
    }

    /// How many rows were refused, whatever the reason.
    pub fn refusals(&self) -> u64 {
        self.counts.iter().filter(|(kind, _)| kind.starts_with("refused ")).map(|(_, n)| n).sum()
    }

    fn note(&mut self, file: &str, line: u64, column: &str, outcome: Outcome, kind: &str, what: String) {
        let word = match outcome {
            Outcome::Repaired => "repaired",
            Outcome::Refused => "refused",
        };
        let count = self.counts.entry(format!("{word} {kind}")).or_default();
        *count += 1;
        if *count <= KEPT as u64 {
            let (file, column, kind) = (file.to_owned(), column.to_owned(), kind.to_owned());
            self.notes.push(Note { file, line, column, outcome, kind, what });
        }
    }
}
