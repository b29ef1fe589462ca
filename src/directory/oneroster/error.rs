//! Why a whole delivery is not read. Nothing is changed by any of these; `Report` holds what happened row by row.

use std::io;

#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("{path}: {source}")]
    Unreadable { path: String, source: io::Error },
    #[error("this is not a OneRoster delivery: {0}")]
    NotOneRoster(String),
    #[error("this is not one CSV file: {0}")]
    NotOneFile(String),
    #[error("{file} has no column {column}, which columns.{field} of the configuration names")]
    NoSuchColumn { file: String, column: String, field: &'static str },
    #[error("OneRoster version {0:?} is not read: deliver 1.1 or 1.2")]
    UnsupportedVersion(String),
    #[error("the zip is broken or was cut off on its way: {0}")]
    BadZip(String),
    #[error("{file} is too big: {why}")]
    TooBig { file: String, why: String },
    #[error("{file}, line {line}: {found}; export it as UTF-8")]
    WrongEncoding { file: String, line: u64, found: &'static str },
    #[error("{0} is missing")]
    MissingFile(String),
    #[error("{file} has no column {column}")]
    MissingColumn { file: String, column: &'static str },
    #[error("{file}: sourcedId {id:?} stands on line {first} and again on line {second}")]
    DuplicateSourcedId { file: String, id: String, first: u64, second: u64 },
    #[error("{file}, line {line}: a quotation mark opens here and is not closed, so that the rows after it are lost")]
    UnclosedQuote { file: String, line: u64 },
    #[error("the manifest mixes bulk and delta: {0}; deliver people and roles both whole, or the changes of both")]
    Mixed(String),
    #[error("{0} has no rows")]
    Empty(String),
}

impl ReadError {
    /// A stable word for scripts and for the record of the run.
    pub fn kind(&self) -> &'static str {
        match self {
            ReadError::Unreadable { .. } => "unreadable",
            ReadError::NotOneRoster(_) => "not-oneroster",
            ReadError::NotOneFile(_) => "not-one-file",
            ReadError::NoSuchColumn { .. } => "missing-column",
            ReadError::UnsupportedVersion(_) => "unsupported-version",
            ReadError::BadZip(_) => "bad-zip",
            ReadError::TooBig { .. } => "too-big",
            ReadError::WrongEncoding { .. } => "wrong-encoding",
            ReadError::MissingFile(_) => "missing-file",
            ReadError::MissingColumn { .. } => "missing-column",
            ReadError::DuplicateSourcedId { .. } => "duplicate-sourced-id",
            ReadError::UnclosedQuote { .. } => "unclosed-quote",
            ReadError::Mixed(_) => "bulk-and-delta",
            ReadError::Empty(_) => "empty",
        }
    }

    /// Whether nothing is wrong with the delivery, as far as is known, and reading it later may help.
    pub fn may_pass(&self) -> bool {
        matches!(self, ReadError::Unreadable { .. })
    }

    pub(in crate::directory) fn unreadable(path: impl Into<String>, source: io::Error) -> ReadError {
        ReadError::Unreadable { path: path.into(), source }
    }

    /// Through a `Read`, this error travels inside an `io::Error`; `unwrap_from` takes it out again.
    pub(in crate::directory) fn wrap(self) -> io::Error {
        io::Error::other(self)
    }

    pub(in crate::directory) fn unwrap_from(file: &str, error: io::Error) -> ReadError {
        error.downcast::<ReadError>().unwrap_or_else(|error| ReadError::unreadable(file, error))
    }
}
