//! What seals a backup: 32 bytes of a file, or a passphrase stretched by Argon2id; and the first line of the file, which
//! says which of them and is bound into the key.

use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::{
    hkdf::{HKDF_SHA256, KeyType, Prk, Salt},
    rand,
};
use base64::{Engine as _, engine::general_purpose::STANDARD_NO_PAD};
use serde::{Deserialize, Serialize};
use subtle::ConstantTimeEq;

use super::{About, Error, Result};

/// The first word of the file.
pub const MAGIC: &str = "oneaccess-backup";
/// The form of everything behind the first line.
const FORM: u32 = 1;
/// The first line is never longer.
pub const LONGEST_LINE: usize = 4096;

/// 64 MiB, three passes, one lane: half a second, once for each backup.
const MEMORY_KIB: u32 = 65_536;
const PASSES: u32 = 3;
/// Whoever makes a file may not make us work for hours on its first line.
const MOST_MEMORY_KIB: u32 = 1_048_576;
const MOST_PASSES: u32 = 16;

/// What whoever makes or opens a backup brings.
pub enum Secret {
    Key([u8; 32]),
    Passphrase(String),
}

impl Secret {
    /// The key that `text` spells: 32 bytes as base64, of either alphabet, as `openssl rand -base64 32` prints them.
    pub fn key(text: &str) -> Option<Secret> {
        let plain: String = text.trim().trim_end_matches('=').replace('-', "+").replace('_', "/");
        let bytes = STANDARD_NO_PAD.decode(plain).ok()?;
        Some(Secret::Key(bytes.try_into().ok()?))
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase", tag = "by")]
enum Stretch {
    Key,
    Passphrase { memory_kib: u32, passes: u32 },
}

/// The first line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    form: u32,
    pub about: About,
    key: Stretch,
    salt: String,
    /// Tells a wrong key from a damaged file.
    check: String,
}

struct Bytes<const N: usize>;

impl<const N: usize> KeyType for Bytes<N> {
    fn len(&self) -> usize {
        N
    }
}

impl Head {
    /// A new first line, and the key that seals what follows it.
    pub fn make(about: About, secret: &Secret) -> Result<(String, [u8; 32])> {
        let mut salt = [0; 32];
        rand::fill(&mut salt).map_err(|_| Error::Key("the machine gives no randomness".into()))?;
        let key = match secret {
            Secret::Key(_) => Stretch::Key,
            Secret::Passphrase(_) => Stretch::Passphrase { memory_kib: MEMORY_KIB, passes: PASSES },
        };
        let root = root(secret, &key, &salt)?;
        let check = hex::encode(expand::<16>(&root, &[b"check"])?);
        let head = Head { form: FORM, about, key, salt: hex::encode(salt), check };
        let told = serde_json::to_string(&head).map_err(|error| Error::Form(error.to_string()))?;
        let line = format!("{MAGIC} {told}\n");
        let seal = expand::<32>(&root, &[b"seal", line.as_bytes()])?;
        Ok((line, seal))
    }

    /// Reads a first line, its end included.
    pub fn read(line: &str) -> Result<Head> {
        let none = || Error::Form("this is no backup of oneaccess".into());
        let told = line.strip_prefix(MAGIC).and_then(|rest| rest.strip_prefix(' ')).ok_or_else(none)?;
        let value: serde_json::Value = serde_json::from_str(told).map_err(|_| none())?;
        match value["form"].as_u64() {
            Some(form) if form == u64::from(FORM) => {}
            Some(form) if form > u64::from(FORM) => {
                return Err(Error::Form("a newer release made this backup: restore it with that one".into()));
            }
            _ => return Err(none()),
        }
        serde_json::from_value(value).map_err(|error| Error::Form(format!("its first line was changed: {error}")))
    }

    /// The key that opens what follows `line`, from which this head was read.
    pub fn open(&self, line: &str, secret: &Secret) -> Result<[u8; 32]> {
        match (secret, &self.key) {
            (Secret::Key(_), Stretch::Key) | (Secret::Passphrase(_), Stretch::Passphrase { .. }) => {}
            (Secret::Key(_), _) => {
                return Err(Error::Key("it was sealed with a passphrase, not with a key file".into()));
            }
            (Secret::Passphrase(_), _) => {
                return Err(Error::Key("it was sealed with a key file: name it with --key-file".into()));
            }
        }
        let mut salt = [0; 32];
        let changed = |_| Error::Form("its first line was changed".into());
        hex::decode_to_slice(&self.salt, &mut salt).map_err(changed)?;
        let root = root(secret, &self.key, &salt)?;
        let check = hex::decode(&self.check).map_err(changed)?;
        if !bool::from(expand::<16>(&root, &[b"check"])?.as_slice().ct_eq(&check)) {
            let what = if matches!(secret, Secret::Key(_)) { "key" } else { "passphrase" };
            return Err(Error::Key(format!("this {what} does not open it: it was sealed with another one")));
        }
        expand::<32>(&root, &[b"seal", line.as_bytes()])
    }

    pub fn wants_passphrase(&self) -> bool {
        matches!(self.key, Stretch::Passphrase { .. })
    }
}

fn root(secret: &Secret, stretch: &Stretch, salt: &[u8; 32]) -> Result<Prk> {
    let key = match (secret, stretch) {
        (Secret::Passphrase(passphrase), Stretch::Passphrase { memory_kib, passes }) => {
            if *memory_kib > MOST_MEMORY_KIB || *passes > MOST_PASSES {
                return Err(Error::Form("its first line was changed: no release stretches a passphrase so far".into()));
            }
            let bad = |error| Error::Key(format!("the passphrase cannot be stretched: {error}"));
            let params = Params::new(*memory_kib, *passes, 1, Some(32)).map_err(bad)?;
            let mut key = [0; 32];
            let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            argon2.hash_password_into(passphrase.as_bytes(), salt, &mut key).map_err(bad)?;
            key
        }
        (Secret::Key(key), _) => *key,
        (Secret::Passphrase(_), Stretch::Key) => return Err(Error::Key("it was sealed with a key file".into())),
    };
    Ok(Salt::new(HKDF_SHA256, salt).extract(&key))
}

fn expand<const N: usize>(root: &Prk, info: &[&[u8]]) -> Result<[u8; N]> {
    let mut out = [0; N];
    let filled = root.expand(info, Bytes::<N>).and_then(|okm| okm.fill(&mut out));
    filled.map_err(|_| Error::Key("a key cannot be derived".into()))?;
    Ok(out)
}
