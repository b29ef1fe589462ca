//! The key-encryption key: a file beside the database, never in it. Wraps what the key ring stores.
//!
//! While it is being changed there are two: the new one waits as `kek.next` until every row is wrapped by it, then the
//! files change names and the old one stays as `kek.old`. Whoever finds rows that `kek` does not open tries those two,
//! so a change that broke off half way costs nothing, and a running server goes on.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use super::Error;
use crate::wire::jose::{base64url, from_base64url};

/// Whether others than we, and whoever gave it to us, may read the file. Somebody else's file that our group may only read
/// is how a secret is handed over: by Kubernetes (root's, mode 0440, the group of the pod), or by root to a service.
fn exposed(meta: &fs::Metadata) -> bool {
    let others = meta.mode() & 0o077;
    // Linux keeps our user there; where nothing tells it, the file counts as ours.
    let ours = fs::metadata("/proc/self").map_or(meta.uid(), |process| process.uid()) == meta.uid();
    others != 0 && (ours || others != 0o040)
}

/// What wraps keys at rest: the seam for an external KMS or HSM (docs/operate/keys.md). Asked when the ring is opened
/// and when a key is made, never while a patron waits, so a call over the network may take its time.
pub(super) trait Seal {
    /// `secret`, sealed and bound to the row that it is kept in, as text.
    fn wrap(&self, id: &str, purpose: &str, secret: &[u8]) -> Result<String, Error>;

    /// `None` where another key wrapped it, or it was moved or changed since.
    fn unwrap(&self, id: &str, purpose: &str, wrapped: &str) -> Option<Vec<u8>>;
}

/// AES-256-GCM under the key of the file.
pub(super) struct Kek {
    key: RandomizedNonceKey,
}

impl Kek {
    /// Reads the file; `None` where there is none.
    pub fn read(path: &Path) -> Result<Option<Kek>, Error> {
        let meta = match fs::metadata(path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(trouble(path, error)),
        };
        if exposed(&meta) {
            return Err(Error::Kek {
                path: path.into(),
                why: format!("others may read it (mode {:o}); make it yours alone: chmod 600", meta.mode() & 0o777),
            });
        }
        let text = fs::read_to_string(path).map_err(|e| trouble(path, e))?;
        let bytes = from_base64url(text.trim()).filter(|bytes| bytes.len() == 32);
        let key = bytes.and_then(|bytes| RandomizedNonceKey::new(&AES_256_GCM, &bytes).ok());
        match key {
            Some(key) => Ok(Some(Kek { key })),
            None => Err(Error::Kek { path: path.into(), why: "it does not hold 32 bytes as base64url".into() }),
        }
    }

    /// The key that opens all of `rows` (id, purpose, wrapped), and its file: the one at `path`, or one of those that
    /// a change of the key leaves beside it.
    pub fn for_rows<'r>(path: &Path, rows: impl Iterator<Item = Row<'r>> + Clone) -> Result<(Kek, PathBuf), Error> {
        let wrong = |kek: &Kek| {
            let mut rows = rows.clone();
            rows.find(|(id, purpose, wrapped)| kek.unwrap(id, purpose, wrapped).is_none()).map(|(id, ..)| id.to_owned())
        };
        let main = Kek::read(path)?;
        let misfit = match main {
            None => Error::KekMissing { path: path.into() },
            Some(kek) => match wrong(&kek) {
                None => return Ok((kek, path.into())),
                Some(id) => Error::KekWrong { path: path.into(), id },
            },
        };
        for beside in [next(path), old(path)] {
            if let Ok(Some(kek)) = Kek::read(&beside)
                && wrong(&kek).is_none()
            {
                return Ok((kek, beside));
            }
        }
        Err(misfit)
    }

    /// Makes `path` with the key that `file` holds. It may be that file itself, on a disk that cannot be written.
    pub fn copy(file: &Path, path: &Path) -> Result<Kek, Error> {
        let kek = Kek::read(file)?.ok_or_else(|| Error::Kek { path: file.into(), why: "it is not there".into() })?;
        if file == path {
            return Ok(kek);
        }
        let text = fs::read_to_string(file).map_err(|e| trouble(file, e))?;
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(trouble(path, error)),
            _ => Kek::create_with(path, text.trim()),
        }
    }

    /// Makes the file with a new key of chance, readable by its owner alone, whole or not at all: it is written and flushed under another name
    /// and then linked into place, so of two processes one wins and both read the same key.
    pub fn create(path: &Path) -> Result<Kek, Error> {
        Kek::create_with(path, &base64url(random::<32>()?))
    }

    /// The same with the key that `text` spells. One that is there already stays.
    pub fn create_with(path: &Path, text: &str) -> Result<Kek, Error> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder).map_err(|e| trouble(folder, e))?;
        let draft = folder.join(format!(".kek-{}", hex::encode(random::<8>()?)));
        let made = write_private(&draft, &format!("{text}\n")).and_then(|()| match fs::hard_link(&draft, path) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            other => other,
        });
        let _ = fs::remove_file(&draft);
        made.and_then(|()| File::open(folder)?.sync_all()).map_err(|e| trouble(path, e))?;
        Kek::read(path)?.ok_or_else(|| Error::Kek { path: path.into(), why: "it vanished while it was made".into() })
    }
}

impl Seal for Kek {
    /// Nonce, ciphertext and tag in hex, bound to the row that they are kept in.
    fn wrap(&self, id: &str, purpose: &str, secret: &[u8]) -> Result<String, Error> {
        let mut sealed = secret.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(place(id, purpose)), &mut sealed)
            .map_err(|_| Error::Key { id: id.into(), why: "it could not be wrapped".into() })?;
        Ok(format!("{}{}", hex::encode(nonce.as_ref()), hex::encode(sealed)))
    }

    /// `None` where another key wrapped it, or it was moved or changed since.
    fn unwrap(&self, id: &str, purpose: &str, wrapped: &str) -> Option<Vec<u8>> {
        let mut bytes = hex::decode(wrapped).ok()?;
        if bytes.len() < NONCE_LEN {
            return None;
        }
        let (nonce, sealed) = bytes.split_at_mut(NONCE_LEN);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let open = self.key.open_in_place(nonce, Aad::from(place(id, purpose)), sealed).ok()?;
        Some(open.to_vec())
    }
}

/// id, purpose, wrapped
pub(super) type Row<'r> = (&'r str, &'r str, &'r str);

/// Where the new key waits while the old one is still in use.
pub(super) fn next(path: &Path) -> PathBuf {
    beside(path, ".next")
}

/// Where the key of before stays: older backups of the database need it.
pub(super) fn old(path: &Path) -> PathBuf {
    beside(path, ".old")
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(ending);
    path.with_file_name(name)
}

/// Puts the new key in the place of the old one, which stays as `kek.old`. Broken off after its first step, every
/// reader still finds the new one at `kek.next`.
pub(super) fn change_names(path: &Path) -> Result<(), Error> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let steps = || {
        match fs::rename(path, old(path)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            other => other?,
        }
        fs::rename(next(path), path)?;
        File::open(folder)?.sync_all()
    };
    steps().map_err(|error| trouble(path, error))
}

fn place(id: &str, purpose: &str) -> Vec<u8> {
    format!("{id}\n{purpose}").into_bytes()
}

fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

pub(super) fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| Error::NoRandomness)?;
    Ok(bytes)
}

fn trouble(path: &Path, error: io::Error) -> Error {
    Error::Kek { path: PathBuf::from(path), why: error.to_string() }
}
