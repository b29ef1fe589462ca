//! What a device shows and a reader types (RFC 8628 section 6.1).

use std::fmt;

use aws_lc_rs::rand;

use crate::domain::handle::NoRandomness;

/// Consonants alone: no word comes of them, and nothing is taken for a digit. 20^8 is more than 2^34.
const LETTERS: &[u8; 20] = b"BCDFGHJKLMNPQRSTVWXZ";
const LENGTH: usize = 8;

/// Eight letters, shown as `BCDF-GHJK`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserCode(String);

impl UserCode {
    /// # Errors
    /// `NoRandomness`.
    pub fn random() -> Result<UserCode, NoRandomness> {
        let mut code = String::with_capacity(LENGTH);
        let mut bytes = [0; 16];
        while code.len() < LENGTH {
            rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
            // 240 is the last multiple of 20 in a byte: beyond it some letters would come more often.
            let even = bytes.iter().filter(|byte| **byte < 240);
            let letters = even.filter_map(|byte| LETTERS.get(usize::from(byte % 20)).copied().map(char::from));
            code.extend(letters.take(LENGTH - code.len()));
        }
        Ok(UserCode(code))
    }

    /// As it was typed: in any case, with or without dash and blanks. `None` for what never was one.
    pub fn read(typed: &str) -> Option<UserCode> {
        let code: String = typed
            .chars()
            .filter(|c| !c.is_whitespace() && !"-\u{2010}\u{2011}\u{2013}_.".contains(*c))
            .map(|c| c.to_ascii_uppercase())
            .collect();
        let right = code.len() == LENGTH && code.bytes().all(|letter| LETTERS.contains(&letter));
        right.then_some(UserCode(code))
    }

    pub fn letters(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, second) = self.0.split_at(LENGTH / 2);
        write!(f, "{first}-{second}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_read_however_it_is_typed() {
        let code = UserCode::random().unwrap();
        let shown = code.to_string();
        assert!(shown.len() == 9 && shown.as_bytes()[4] == b'-', "{shown}");
        let (lower, apart) = (shown.to_lowercase(), shown.replace('-', " "));
        for typed in [&shown, &lower, &apart, &shown.replace('-', ""), &format!(" {shown} "), &shown.replace('-', "–")]
        {
            assert_eq!(UserCode::read(typed), Some(code.clone()), "{typed}");
        }
        for wrong in ["", "BCDF", "BCDF-GHJKL", "BCDF-GHJA", "BCDF-GHJ1", "BCDF/GHJK", "ВCDF-GHJK", "BCDFGHJ\u{17f}"] {
            assert_eq!(UserCode::read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn no_letter_comes_more_often_than_another() {
        let mut seen = std::collections::BTreeMap::<char, u32>::new();
        for _ in 0..5000 {
            for letter in UserCode::random().unwrap().letters().chars() {
                *seen.entry(letter).or_default() += 1;
            }
        }
        assert_eq!(seen.len(), 20);
        // Of 40,000 letters each comes 2,000 times; ten standard deviations are 436.
        assert!(seen.values().all(|times| times.abs_diff(2000) < 440), "{seen:?}");
        assert!(20u64.pow(8) > 1 << 34);
    }
}
