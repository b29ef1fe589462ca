//! What was fetched, as a delivery in a folder that nobody else can look into and that is gone when it was read.

use std::{
    fs::{self, File},
    io::{self, BufWriter},
    os::unix::fs::DirBuilderExt,
    path::{Path, PathBuf},
    time::Duration,
};

use super::super::Version;
use crate::directory::source::PullError;

const PREFIX: &str = "oneaccess-roster-";
/// A folder this old was left by a process that was killed.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3600);

pub(super) struct Spool {
    path: PathBuf,
    files: Vec<(&'static str, csv::Writer<BufWriter<File>>)>,
}

impl Spool {
    pub fn new(place: &Path) -> Result<Spool, PullError> {
        sweep(place);
        let path = place.join(format!("{PREFIX}{}", uuid::Uuid::now_v7()));
        fs::DirBuilder::new().mode(0o700).create(&path).map_err(|error| cannot(&path, &error))?;
        Ok(Spool { path, files: Vec::new() })
    }

    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Begins a file, anew where there is one.
    pub fn begin(&mut self, file: &'static str, columns: &[&str]) -> Result<(), PullError> {
        self.files.retain(|(name, _)| *name != file);
        let path = self.path.join(file);
        let begun = File::create(&path).map_err(|error| cannot(&path, &error))?;
        let mut rows = csv::Writer::from_writer(BufWriter::new(begun));
        rows.write_record(columns).map_err(|error| cannot(&path, &error.into()))?;
        self.files.push((file, rows));
        Ok(())
    }

    /// Writes a row of a file that was begun.
    pub fn row<F: AsRef<[u8]>>(&mut self, file: &str, fields: impl IntoIterator<Item = F>) -> Result<(), PullError> {
        let Some((name, rows)) = self.files.iter_mut().find(|(name, _)| *name == file) else { return Ok(()) };
        rows.write_record(fields).map_err(|error| cannot(&self.path.join(name), &error.into()))
    }

    /// Ends all files, and says in the manifest what they are.
    pub fn close(&mut self, version: Version, changes: bool, birthdays: bool) -> Result<(), PullError> {
        let people = if changes { "delta" } else { "bulk" };
        let birthdays = if birthdays { people } else { "absent" };
        self.begin("manifest.csv", &["propertyName", "value"])?;
        let number = version.to_string();
        let said = [
            ("oneroster.version", number.as_str()),
            ("file.orgs", "bulk"),
            ("file.users", people),
            ("file.roles", if version == Version::V1p2 { people } else { "absent" }),
            ("file.demographics", birthdays),
        ];
        for (name, value) in said {
            self.row("manifest.csv", [name, value])?;
        }
        for (name, mut rows) in self.files.drain(..) {
            rows.flush().map_err(|error| cannot(&self.path.join(name), &error))?;
        }
        Ok(())
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(folder = %self.path.display(), %error, "a fetched roster could not be deleted: it holds personal data");
        }
    }
}

/// Best effort: what cannot be deleted now is met again next time.
fn sweep(place: &Path) {
    let Ok(entries) = fs::read_dir(place) else { return };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
        let old = entry.metadata().ok().and_then(|about| about.modified().ok()?.elapsed().ok());
        if ours && old.is_some_and(|old| old > LEFT_BEHIND) {
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn cannot(path: &Path, error: &io::Error) -> PullError {
    PullError::Away(format!("{} cannot be written: {error}", path.display()))
}
