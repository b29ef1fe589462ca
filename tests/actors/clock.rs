//! A clock that a test sets, for real processes: libfaketime stands between them and the kernel. What counts elapsed time
//! goes on undisturbed, as it does when a real clock is set.

use std::{fs, path::PathBuf};

use super::parts::{Folder, part};

#[derive(Debug)]
pub struct SteppedClock {
    file: PathBuf,
    library: String,
    _folder: Folder,
}

impl SteppedClock {
    /// Right. `None` where there is no libfaketime.
    pub fn right() -> Option<SteppedClock> {
        let library = part("ONEACCESS_TEST_FAKETIME", "libfaketime")?;
        let folder = Folder::new();
        let file = folder.write("clock", "+0\n");
        Some(SteppedClock { file, library, _folder: folder })
    }

    /// For the environment of who lives by it.
    pub fn surroundings(&self) -> Vec<(String, String)> {
        let file = self.file.to_string_lossy().into_owned();
        let pairs = [
            ("LD_PRELOAD", self.library.as_str()),
            ("FAKETIME_TIMESTAMP_FILE", &file),
            ("FAKETIME_NO_CACHE", "1"),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1"),
        ];
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    /// `-1h`, `+3d`: from now on it shows so much more or less than it should; `+0` is right.
    pub fn set(&self, off: &str) {
        // Whoever reads it sees one or the other.
        let next = self.file.with_extension("next");
        fs::write(&next, format!("{off}\n")).unwrap();
        fs::rename(next, &self.file).unwrap();
    }
}
