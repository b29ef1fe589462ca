//! Where patrons come from. Each source reads its own format into a `Roster`; `roster` merges it, by one rule.

mod apart;
pub mod csv;
mod drop;
mod encoding;
pub mod ldap;
pub mod oidc;
pub mod oneroster;
pub mod redirect;
pub mod report;
pub mod roster;
pub mod source;
pub mod verify;

use std::{collections::BTreeSet, sync::Arc};

use secrecy::SecretString;

use crate::domain::{class::ClassRoll, clock::Date, grade::Grade, patron::Role};
pub use oneroster::ReadError;
pub use report::{Note, Outcome, Report};

/// A whole delivery of a directory, read and checked, not yet merged.
#[derive(Debug, Default)]
pub struct Roster {
    pub orgs: Vec<Org>,
    pub people: Vec<Person>,
    /// `None` where the delivery says nothing of classes: those known so far stay as they are.
    pub classes: Option<Vec<ClassRoll>>,
    pub report: Report,
    pub extent: Extent,
}

/// Whether a delivery says all that there is.
#[derive(Debug, Default)]
pub enum Extent {
    /// Who is not in it is here no more.
    #[default]
    Whole,
    /// Who is not in it stays as they are.
    Changes(Changes),
}

/// What a delivery of changes says besides its people, each of whom stands there as a whole but for what is here.
#[derive(Debug, Default)]
pub struct Changes {
    /// sourcedIds of people who are here no more.
    pub gone: Vec<String>,
    /// sourcedIds of orgs that are no more; those of `Roster::orgs` are added or changed.
    pub orgs_gone: Vec<String>,
    /// `Roster::orgs` are all that there are, as in a delivery that is whole.
    pub orgs_are_whole: bool,
    /// Posts that began, changed or (`None`) ended, each by its person's sourcedId (empty where a post that ended is
    /// told by its own id alone) and its own id. They have no grade: a student's is the person's.
    pub posts: Vec<(String, String, Option<Post>)>,
    /// Nothing need be in force yet: these may be the source's first people.
    pub may_be_first: bool,
    /// The posts of `Roster::people` are all that these people have; else they keep theirs, but for `posts`.
    pub posts_are_whole: bool,
    /// Month and day by the person's sourcedId, also of people who are not in the delivery otherwise.
    pub birthdays: Vec<(String, (u8, u8))>,
}

/// A node of the directory's organisation tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Org {
    pub sourced_id: Arc<str>,
    pub parent: Option<String>,
    pub name: String,
}

/// Someone who may get a card: guardians, parents and relatives are left out already.
#[derive(Debug, Default)]
pub struct Person {
    pub sourced_id: String,
    pub given_name: String,
    pub family_name: String,
    pub identifier: Option<String>,
    pub username: Option<String>,
    /// Kept as a keyed digest alone, and only where an upstream finds people by it.
    pub email: Option<String>,
    /// `{Type:id}` pairs.
    pub user_ids: Vec<(String, String)>,
    /// `false` counts as withdrawn.
    pub enabled: bool,
    /// Where they learn or work; the primary one first. Empty only in a delivery of changes that leaves them as they are.
    pub posts: Vec<Post>,
    /// What the directory says of the person whatever the posts: for changes that leave the posts as they are.
    pub grade: Option<Grade>,
    /// sourcedId of the org to name first where several posts are primary or none is; told only where `posts` is empty.
    pub primary_org: Option<String>,
    /// The PIN that the district supplies.
    pub password: Option<SecretString>,
    /// Month and day, read only where a birthday PIN is configured.
    pub birthday: Option<(u8, u8)>,
    /// Line of the users file, the header being 1.
    pub line: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// sourcedId of the school or office; a reader lets all its people share the text.
    pub org: Arc<str>,
    pub role: Role,
    pub grade: Option<Grade>,
    /// The directory calls it the first one of several.
    pub primary: bool,
    /// The directory's own key of the post, by which changes speak of it; empty where it has none.
    pub id: String,
    /// First and last day, where it has any.
    pub from: Option<Date>,
    pub until: Option<Date>,
}

/// Puts the text that others have already in place of an equal one.
fn share(known: &mut BTreeSet<Arc<str>>, text: &mut Arc<str>) {
    match known.get(text) {
        Some(shared) => *text = shared.clone(),
        None => drop(known.insert(text.clone())),
    }
}

impl Post {
    /// Without an end or a key of its own.
    pub fn new(org: impl Into<Arc<str>>, role: Role, grade: Option<Grade>) -> Post {
        Post { org: org.into(), role, grade, primary: false, id: String::new(), from: None, until: None }
    }
}
