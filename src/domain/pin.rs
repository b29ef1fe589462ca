//! PINs, keyed before anything else happens to them: a PIN has no entropy of its own.

use std::fmt;

use aws_lc_rs::hmac;

use super::{badge::Pictures, id::PatronId};

/// The key of all keyed PINs. Wrapped by the key-encryption key wherever it rests.
#[derive(Clone)]
pub struct PinKey(hmac::Key);

impl fmt::Debug for PinKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PinKey(…)")
    }
}

/// HMAC-SHA256 over patron and PIN: what initial PINs are stored as, and what Argon2id is fed with.
#[derive(Clone, PartialEq, Eq)]
pub struct KeyedPin(pub [u8; 32]);

impl fmt::Debug for KeyedPin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyedPin(…)")
    }
}

impl KeyedPin {
    pub fn hex(&self) -> String {
        hex::encode(self.0)
    }
}

impl PinKey {
    pub fn new(secret: &[u8]) -> PinKey {
        PinKey(hmac::Key::new(hmac::HMAC_SHA256, secret))
    }

    /// The PIN as `patron` typed it, surrounding blanks aside.
    pub fn keyed(&self, patron: PatronId, pin: &str) -> KeyedPin {
        self.mac(&[b"pin", patron.0.as_bytes(), pin.trim().as_bytes()])
    }

    /// The PIN whoever typed it: what the throttle counts when one PIN is tried over many cards.
    pub fn pattern(&self, pin: &str) -> KeyedPin {
        self.mac(&[b"pattern", pin.trim().as_bytes()])
    }

    /// The pictures that go with `patron`'s badge: as little worth as a PIN, and so treated as one.
    pub fn pictures(&self, patron: PatronId, pictures: Pictures) -> KeyedPin {
        self.mac(&[b"pictures", patron.0.as_bytes(), &pictures.bytes()])
    }

    /// A digest of anything that may hold a PIN, so that a stolen database cannot be searched by guessing.
    pub fn digest(&self, parts: &[&[u8]]) -> KeyedPin {
        let mut all: Vec<&[u8]> = vec![b"digest"];
        all.extend_from_slice(parts);
        self.mac(&all)
    }

    fn mac(&self, parts: &[&[u8]]) -> KeyedPin {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        KeyedPin(out)
    }
}
