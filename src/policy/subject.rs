//! The pairwise pseudonym: one name for a patron at a vendor, whatever protocol they meet by. Knows no key of its
//! own: the ring's is handed in.

use std::fmt;

use aws_lc_rs::hmac;

use crate::domain::id::{PatronId, VendorUid};

/// 160 bits of HMAC-SHA256 over vendor and patron. Nobody without the key can tell that two of them are one person.
/// Written as 32 characters of `[a-z2-7]` (base32 in lower case: SAML's pairwise-id is compared without case).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject([u8; 20]);

const ALPHABET: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
const LETTERS: usize = 32;

impl Subject {
    pub fn of(key: &hmac::Key, vendor: VendorUid, patron: PatronId) -> Subject {
        let mut mac = hmac::Context::with_key(key);
        mac.update(b"subject");
        mac.update(vendor.0.as_bytes());
        mac.update(patron.0.as_bytes());
        let mut bytes = [0; 20];
        bytes.iter_mut().zip(mac.sign().as_ref()).for_each(|(to, from)| *to = *from);
        Subject(bytes)
    }

    /// In either case, blanks around it aside. `None` where it is no such name.
    pub fn read(text: &str) -> Option<Subject> {
        let text = text.trim();
        if text.len() != LETTERS {
            return None;
        }
        let mut bytes = [0; 20];
        for (group, letters) in bytes.chunks_exact_mut(5).zip(text.as_bytes().chunks_exact(8)) {
            let mut bits = 0u64;
            for letter in letters {
                let place = ALPHABET.iter().position(|known| *known == letter.to_ascii_lowercase())?;
                bits = bits << 5 | place as u64;
            }
            group.copy_from_slice(bits.to_be_bytes().get(3..)?);
        }
        Some(Subject(bytes))
    }
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base32(&self.0))
    }
}

pub fn subject(key: &hmac::Key, vendor: VendorUid, patron: PatronId) -> String {
    Subject::of(key, vendor, patron).to_string()
}

/// RFC 4648 section 6 in lower case, for whole groups of five bytes.
fn base32(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 8 / 5);
    for group in bytes.chunks_exact(5) {
        let bits = group.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        text.extend((0..8).rev().map(|place| char::from(ALPHABET[(bits >> (place * 5)) as usize & 31])));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn key(secret: &[u8]) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, secret)
    }

    const VENDOR: VendorUid = VendorUid(Uuid::from_u128(1));
    const PATRON: PatronId = PatronId(Uuid::from_u128(2));

    #[test]
    fn a_pseudonym_is_thirty_two_plain_characters_and_stays() {
        let name = subject(&key(b"k"), VENDOR, PATRON);
        assert_eq!(name.len(), 32);
        assert!(name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{name}");
        assert_eq!(name, subject(&key(b"k"), VENDOR, PATRON));
    }

    /// Loans hang on it: this value may never change.
    #[test]
    fn a_pseudonym_is_the_same_in_every_release() {
        assert_eq!(subject(&key(b"k"), VENDOR, PATRON), "lor4n2avdoq4w55rymcsr4u7qbylzbcx");
    }

    #[test]
    fn two_vendors_two_patrons_and_two_libraries_know_different_names() {
        let name = subject(&key(b"k"), VENDOR, PATRON);
        assert_ne!(name, subject(&key(b"k"), VendorUid(Uuid::from_u128(3)), PATRON));
        assert_ne!(name, subject(&key(b"k"), VENDOR, PatronId(Uuid::from_u128(3))));
        assert_ne!(name, subject(&key(b"j"), VENDOR, PATRON));
        assert_ne!(name, subject(&key(b"k"), VendorUid(PATRON.0), PatronId(VENDOR.0)));
    }

    #[test]
    fn a_pseudonym_is_read_back_in_either_case_and_nothing_else_is_one() {
        let subject = Subject::of(&key(b"k"), VENDOR, PATRON);
        let text = subject.to_string();
        assert_eq!(Subject::read(&text), Some(subject));
        assert_eq!(Subject::read(&format!(" {} ", text.to_uppercase())), Some(subject));
        for other in ["", "4417", &text[1..], &format!("{text}a"), &text.replace('l', "1"), "é".repeat(16).as_str()] {
            assert_eq!(Subject::read(other), None, "{other}");
        }
    }

    #[test]
    fn base32_is_that_of_the_rfc() {
        assert_eq!(base32(b"fooba"), "mzxw6ytb");
    }
}
