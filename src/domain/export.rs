//! Exports: what is told of cards to the library's own ILS, column by column, in the order that its loader wants.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::{ExportId, OrganisationId};

/// A standing export, as the configuration declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Export {
    pub name: ExportId,
    pub columns: Vec<Column>,
    /// One ASCII character.
    pub delimiter: char,
    /// Whether the first line names the columns.
    pub header: bool,
    /// Whose cards, by the organisation that made them; everybody's where empty.
    pub organisations: Vec<OrganisationId>,
    /// Who approved that all these people's lines leave: two at least.
    pub approved_by: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Column {
    pub header: String,
    pub value: Cell,
}

/// What stands in a column.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Cell {
    Card,
    GivenName,
    FamilyName,
    Organisation,
    Role,
    Grade,
    Band,
    PatronType,
    Expires,
    Status,
    LoanLimit,
    OverdueFines,
    /// The same on every line.
    Text(String),
}

const WORDS: [(&str, Cell); 12] = [
    ("card", Cell::Card),
    ("given_name", Cell::GivenName),
    ("family_name", Cell::FamilyName),
    ("organisation", Cell::Organisation),
    ("role", Cell::Role),
    ("grade", Cell::Grade),
    ("band", Cell::Band),
    ("patron_type", Cell::PatronType),
    ("expires", Cell::Expires),
    ("status", Cell::Status),
    ("loan_limit", Cell::LoanLimit),
    ("overdue_fines", Cell::OverdueFines),
];

impl TryFrom<String> for Cell {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        if let Some(fixed) = text.strip_prefix("text:") {
            return Ok(Cell::Text(fixed.to_owned()));
        }
        let known = WORDS.iter().find(|(word, _)| *word == text);
        known.map(|(_, cell)| cell.clone()).ok_or_else(|| {
            let words: Vec<&str> = WORDS.iter().map(|(word, _)| *word).collect();
            format!("{text:?} is nothing that an export tells: use {} or text:…", words.join(", "))
        })
    }
}

impl From<Cell> for String {
    fn from(cell: Cell) -> String {
        if let Cell::Text(fixed) = &cell {
            return format!("text:{fixed}");
        }
        WORDS.iter().find(|(_, known)| *known == cell).map_or_else(String::new, |(word, _)| (*word).to_owned())
    }
}

/// Where a card stands for the ILS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Status {
    Active,
    Blocked,
    /// No agreement covers the holder any more.
    Lapsed,
    /// No roster lists the holder any more, or another number took this one's place.
    Withdrawn,
    OptedOut,
}

impl Status {
    pub fn as_str(self) -> &'static str {
        match self {
            Status::Active => "active",
            Status::Blocked => "blocked",
            Status::Lapsed => "lapsed",
            Status::Withdrawn => "withdrawn",
            Status::OptedOut => "opted-out",
        }
    }

    /// Whether there is a reader behind the card, of whom the ILS keeps an account.
    pub fn is_reader(self) -> bool {
        matches!(self, Status::Active | Status::Blocked)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_column_holds_is_written_as_it_was_read() {
        let words = WORDS.iter().map(|(word, _)| (*word).to_owned()).chain(["text:MAIN".into(), "text:".into()]);
        for word in words {
            assert_eq!(String::from(Cell::try_from(word.clone()).unwrap()), word);
        }
        for wrong in ["birthdate", "Card", "", "pin"] {
            assert!(Cell::try_from(wrong.to_owned()).is_err(), "{wrong}");
        }
    }
}
