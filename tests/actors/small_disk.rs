//! A disk of a test's own that is soon full.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::Command,
};

use super::parts::Folder;

#[derive(Debug)]
pub struct SmallDisk(Folder);

impl SmallDisk {
    /// In memory, of so many megabytes; whoever is not root may not have one, which is a named skip.
    pub fn of(megabytes: usize) -> Option<SmallDisk> {
        let folder = Folder::new();
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(folder.path()).output();
        if mounted.is_ok_and(|output| output.status.success()) {
            return Some(SmallDisk(folder));
        }
        // Root is no toolchain: whoever may not mount goes without, in CI as well.
        eprintln!("skipped: a full disk (only root may mount a small one)");
        None
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Until nothing more can be written.
    pub fn fill(&self) {
        let mut file = fs::OpenOptions::new().append(true).create(true).open(self.ballast()).unwrap();
        for piece in [vec![0; 1 << 16], vec![0; 1 << 9], vec![0; 1]] {
            while file.write_all(&piece).is_ok() {}
        }
    }

    pub fn make_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).status();
    }
}
