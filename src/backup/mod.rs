//! Everything that the database holds as one sealed file, and back. Owns the file's form (docs/operate/backup.md):
//! `key` opens it, `sealed` keeps it whole, `records` says what is in it, `take` writes it and `restore` reads it.
//! Tables and rows are `store`'s; who may do this, and that it is audited, is `admin::operations`'s.

mod key;
mod records;
mod restore;
mod sealed;
mod take;

use std::io;

use serde::{Deserialize, Serialize};

pub use self::{
    key::Secret,
    restore::{Opened, Target, restore, verify},
    take::{fits, take},
};
use crate::store;

/// How many are done, of how many.
pub type Progress<'a> = &'a dyn Fn(u64, u64);

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file is none of ours, or of a form that this release does not know.
    #[error("{0}")]
    Form(String),
    /// What it was sealed with is another key.
    #[error("{0}")]
    Key(String),
    /// The database is not what a backup can be restored into.
    #[error("{0}")]
    Target(String),
    /// Backup and database say different things.
    #[error("{0}")]
    Differs(String),
}

pub type Result<T> = std::result::Result<T, Error>;

/// What stands at the head of the file, readable without the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct About {
    /// RFC 3339 in UTC.
    pub made_at: String,
    pub release: String,
    /// The newest step of the schema that the database had.
    pub schema: i64,
    /// Where it comes from, `sqlite` or `postgresql`; it may go to the other.
    pub engine: String,
}

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Contents {
    pub about: About,
    pub tables: Vec<Counted>,
    pub rows: u64,
    /// Size of the file.
    pub bytes: u64,
}

/// The rows of one table. The checksum does not depend on their order, so it is the same on either engine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counted {
    pub table: String,
    pub rows: u64,
    pub checksum: String,
}

#[cfg(test)]
mod tests;
