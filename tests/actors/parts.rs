//! The real parts that `scripts/test` found or started, and folders that vanish.

use std::{
    env, fs,
    io::Write,
    net::TcpListener,
    path::{Path, PathBuf},
    sync::atomic::{AtomicUsize, Ordering},
};

/// The value of a variable that `scripts/test` sets. Absent, it is a failure under `CI=true`, else a named skip.
pub fn part(variable: &str, what_for: &str) -> Option<String> {
    match env::var(variable) {
        Ok(value) if !value.is_empty() => Some(value),
        _ => {
            skip(&format!("{what_for} ({variable} is not set: run scripts/test)"));
            None
        }
    }
}

/// Says that something was not tried, where the summary shows it; a failure under `CI=true`.
pub fn skip(what: &str) {
    assert!(env::var("CI").as_deref() != Ok("true"), "CI wants everything tried, but: {what}");
    eprintln!("skipped: {what}");
    if let Ok(path) = env::var("ONEACCESS_TEST_SKIPS")
        && let Ok(mut file) = fs::OpenOptions::new().append(true).create(true).open(path)
    {
        let _ = writeln!(file, "{what}");
    }
}

/// A loopback port that was free a moment ago.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A folder of its own, gone when dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("oneaccess-promise-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Writes a file, with the folders that lead to it.
    pub fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if env::var("ONEACCESS_TEST_KEEP").is_err() {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}
