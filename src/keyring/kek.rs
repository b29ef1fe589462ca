//! The key-encryption key: a file beside the database, never in it. Wraps what the key ring stores.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
};

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};

use super::Error;
use crate::wire::jose::{base64url, from_base64url};

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
        if meta.mode() & 0o077 != 0 {
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

    /// Makes the file, readable by its owner alone, whole or not at all: it is written and flushed under another name
    /// and then linked into place, so of two processes one wins and both read the same key.
    pub fn create(path: &Path) -> Result<Kek, Error> {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder).map_err(|e| trouble(folder, e))?;
        let draft = folder.join(format!(".kek-{}", hex::encode(random::<8>()?)));
        let made =
            write_private(&draft, &format!("{}\n", base64url(random::<32>()?))).and_then(|()| {
                match fs::hard_link(&draft, path) {
                    Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                    other => other,
                }
            });
        let _ = fs::remove_file(&draft);
        made.and_then(|()| File::open(folder)?.sync_all()).map_err(|e| trouble(path, e))?;
        Kek::read(path)?.ok_or_else(|| Error::Kek { path: path.into(), why: "it vanished while it was made".into() })
    }

    /// Nonce, ciphertext and tag in hex, bound to the row that they are kept in.
    pub fn wrap(&self, id: &str, purpose: &str, secret: &[u8]) -> Result<String, Error> {
        let mut sealed = secret.to_vec();
        let nonce = self
            .key
            .seal_in_place_append_tag(Aad::from(place(id, purpose)), &mut sealed)
            .map_err(|_| Error::Key { id: id.into(), why: "it could not be wrapped".into() })?;
        Ok(format!("{}{}", hex::encode(nonce.as_ref()), hex::encode(sealed)))
    }

    /// `None` where another key wrapped it, or it was moved or changed since.
    pub fn unwrap(&self, id: &str, purpose: &str, wrapped: &str) -> Option<Vec<u8>> {
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
