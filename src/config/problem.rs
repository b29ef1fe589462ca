//! What is wrong with a file, said so that it can be mended without searching.

use std::{
    fmt,
    path::{Path, PathBuf},
};

/// One thing that is wrong, or risky.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The first line is 1; 0 speaks of the file as a whole, or of the environment.
    pub line: usize,
    /// `vendor.oidc.client_id`; empty where no field is to blame.
    pub field: String,
    pub message: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line > 0 {
            write!(f, "line {}: ", self.line)?;
        }
        if !self.field.is_empty() {
            write!(f, "{}: ", self.field)?;
        }
        f.write_str(&self.message)
    }
}

/// Everything that is wrong with one file, in the order of its lines. Never empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problems {
    pub path: PathBuf,
    pub list: Vec<Problem>,
}

impl Problems {
    pub(super) fn of_file(path: &Path, message: String) -> Problems {
        Problems { path: path.to_owned(), list: vec![Problem { line: 0, field: String::new(), message }] }
    }
}

/// One problem a line, each led by the file's name: editors jump to `file:line`.
impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, problem) in self.list.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            let Problem { line, field, message } = problem;
            write!(f, "{}", self.path.display())?;
            if *line > 0 {
                write!(f, ":{line}")?;
            }
            if !field.is_empty() {
                write!(f, ": {field}")?;
            }
            write!(f, ": {message}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}
