//! Where patrons come from. Each source reads its own format into a `Roster`; `roster` merges it, by one rule.

pub mod oneroster;
pub mod report;
pub mod roster;

use secrecy::SecretString;

use crate::domain::{class::ClassRoll, grade::Grade, patron::Role};
pub use report::{Note, Outcome, Report};

/// A whole delivery of a directory, read and checked, not yet merged.
#[derive(Debug, Default)]
pub struct Roster {
    pub orgs: Vec<Org>,
    pub people: Vec<Person>,
    /// `None` where the delivery says nothing of classes: those known so far stay as they are.
    pub classes: Option<Vec<ClassRoll>>,
    pub report: Report,
}

/// A node of the directory's organisation tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    pub sourced_id: String,
    pub parent: Option<String>,
    pub name: String,
}

/// Someone who may get a card: guardians, parents and relatives are left out already.
#[derive(Debug)]
pub struct Person {
    pub sourced_id: String,
    pub given_name: String,
    pub family_name: String,
    pub identifier: Option<String>,
    pub username: Option<String>,
    /// `{Type:id}` pairs.
    pub user_ids: Vec<(String, String)>,
    /// `false` counts as withdrawn.
    pub enabled: bool,
    /// Where they learn or work; the primary one first. Never empty.
    pub posts: Vec<Post>,
    /// The PIN that the district supplies.
    pub password: Option<SecretString>,
    /// Month and day, read only where a birthday PIN is configured.
    pub birthday: Option<(u8, u8)>,
    /// Line of the users file, the header being 1.
    pub line: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// sourcedId of the school or office.
    pub org: String,
    pub role: Role,
    pub grade: Option<Grade>,
}
