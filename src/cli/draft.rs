//! A file while it is written: nobody takes half of it for the whole, and only its owner reads it.

use std::{
    fs::{self, File, OpenOptions},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

pub struct Draft {
    path: PathBuf,
    pub file: File,
    placed: bool,
}

impl Draft {
    /// Under a name of its own in the folder of `path`; gone again unless it is placed.
    ///
    /// # Errors
    /// Where nothing can be written there.
    pub fn beside(path: &Path) -> Result<Draft> {
        let name = path.file_name().with_context(|| format!("{} names no file", path.display()))?;
        let draft = path.with_file_name(format!(".{}.{}", name.to_string_lossy(), std::process::id()));
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft);
        let file = file.with_context(|| format!("{} cannot be written", path.display()))?;
        Ok(Draft { path: draft, file, placed: false })
    }

    /// Puts it in its place, on the disk as a whole.
    ///
    /// # Errors
    /// Where the disk does not take it.
    pub fn place(mut self, path: &Path) -> Result<()> {
        self.file.sync_all().with_context(|| format!("{} cannot be written", path.display()))?;
        fs::rename(&self.path, path).with_context(|| format!("{} cannot be written", path.display()))?;
        self.placed = true;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // The file's name is on the disk only when its folder is.
        File::open(folder).and_then(|folder| folder.sync_all()).ok();
        Ok(())
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed {
            drop(fs::remove_file(&self.path));
        }
    }
}
