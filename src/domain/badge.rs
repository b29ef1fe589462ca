//! Badges of the youngest: a printed secret that opens a little, where and when the library says so; and the three pictures
//! that may be asked for besides.

use std::{fmt, str::FromStr};

use aws_lc_rs::{digest, rand};
use serde::{Deserialize, Serialize};

use super::{
    clock::Date,
    grade::Grade,
    handle::NoRandomness,
    id::{OrganisationId, ScopeName},
    network::Network,
};

/// What `[badge]` says: who may have one, where it opens, and how little.
#[derive(Debug, Clone, PartialEq)]
pub struct BadgeRule {
    pub organisations: Vec<OrganisationId>,
    /// The first and the last grade whose pupils may have one.
    pub grades: (Grade, Grade),
    /// Where it opens; empty: anywhere.
    pub networks: Vec<Network>,
    /// When it opens, by the library's clock; absent: at any time.
    pub hours: Option<Hours>,
    /// A session that a badge opened is granted nothing but these.
    pub scopes: Vec<ScopeName>,
    /// Vendors are told nothing beyond the default in such a session, whatever was agreed.
    pub plain: bool,
    pub second_step: SecondStep,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecondStep {
    None,
    /// Three pictures, in order.
    Picture,
}

/// Minutes of the day, `07:00-16:00`; the end is not within. A first after the last goes over midnight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hours {
    from: u16,
    to: u16,
}

impl Hours {
    pub fn contain(self, hour: i8, minute: i8) -> bool {
        let now = u16::try_from(i16::from(hour) * 60 + i16::from(minute)).unwrap_or(0);
        if self.from < self.to { (self.from..self.to).contains(&now) } else { now >= self.from || now < self.to }
    }
}

impl FromStr for Hours {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let minutes = |text: &str| {
            let (hour, minute) = text.trim().split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            let there = minute < 60 && (hour < 24 || (hour == 24 && minute == 0));
            there.then_some(hour * 60 + minute)
        };
        let bounds = text.split_once('-').and_then(|(from, to)| Some((minutes(from)?, minutes(to)?)));
        match bounds {
            Some((from, to)) if from != to => Ok(Hours { from, to }),
            _ => Err(format!("{text:?} is not a part of the day such as 07:00-16:00")),
        }
    }
}

/// What the code on a badge says: 130 random bits in 26 letters and digits that no scanner mistakes. Never kept.
#[derive(Clone, PartialEq, Eq)]
pub struct BadgeSecret(String);

impl fmt::Debug for BadgeSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BadgeSecret(…)")
    }
}

/// RFC 4648's base32.
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const LENGTH: usize = 26;

impl BadgeSecret {
    /// # Errors
    /// `NoRandomness`.
    pub fn random() -> Result<BadgeSecret, NoRandomness> {
        let mut bytes = [0; LENGTH];
        rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        Ok(BadgeSecret(bytes.iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)])).collect()))
    }

    /// What a scanner typed: the whole address with the secret behind it, or the secret alone. A scanner that is set to
    /// another keyboard spoils the address and not the letters, so only the end counts. `None` where it is no badge's.
    pub fn read(typed: &str) -> Option<BadgeSecret> {
        let plain: String = typed.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let start = plain.char_indices().rev().nth(LENGTH - 1)?.0;
        let end = plain.get(start..)?;
        end.bytes().all(|byte| LETTERS.contains(&byte)).then(|| BadgeSecret(end.to_owned()))
    }

    /// For the code on the badge, and nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// What is kept: the hex SHA-256. The secret is random, so no salt and no slow hash are needed, and a look-up by it
    /// takes the same time whatever was guessed.
    pub fn digest(&self) -> String {
        hex::encode(digest::digest(&digest::SHA256, self.0.as_bytes()))
    }
}

/// What a child picks from. Their words stand in `locales/`, their drawings in `templates/badge/`.
pub const SYMBOLS: [&str; 12] =
    ["sun", "moon", "star", "tree", "fish", "bird", "boat", "house", "flower", "apple", "kite", "key"];

/// Three different ones of `SYMBOLS`, in order: 1,320 ways, so whatever asks for them counts wrong picks strictly.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pictures([u8; 3]);

impl fmt::Debug for Pictures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pictures(…)")
    }
}

/// How many a child picks.
pub const PICKS: usize = 3;

impl Pictures {
    /// # Errors
    /// `NoRandomness`.
    pub fn random() -> Result<Pictures, NoRandomness> {
        let mut left: Vec<u8> = (0..SYMBOLS.len() as u8).collect();
        let mut picked = [0; PICKS];
        for place in &mut picked {
            let mut bytes = [0; 4];
            rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
            // 2^32 over 12: the bias is beyond notice.
            *place = left.remove(u32::from_be_bytes(bytes) as usize % left.len());
        }
        Ok(Pictures(picked))
    }

    /// `3-7-1`, as a form sends it. `None` where it is not three of the symbols.
    pub fn read(text: &str) -> Option<Pictures> {
        let picked: Vec<u8> = picks(text)?;
        picked.try_into().ok().map(Pictures)
    }

    pub fn names(self) -> [&'static str; PICKS] {
        self.0.map(|symbol| SYMBOLS.get(usize::from(symbol)).copied().unwrap_or_default())
    }

    pub fn bytes(self) -> [u8; PICKS] {
        self.0
    }
}

/// `3-7`: what was picked so far. `None` where it is not so.
pub fn picks(text: &str) -> Option<Vec<u8>> {
    let pick = |part: &str| part.parse::<u8>().ok().filter(|symbol| usize::from(*symbol) < SYMBOLS.len());
    text.split('-')
        .filter(|part| !part.is_empty())
        .map(pick)
        .collect::<Option<Vec<u8>>>()
        .filter(|all| all.len() <= PICKS)
}

/// `2026-27`: school years begin in July.
pub fn school_year(day: Date) -> String {
    let first = if day.month() >= 7 { day.year() } else { day.year() - 1 };
    format!("{first}-{:02}", (first + 1) % 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_read_however_a_scanner_types_it() {
        let secret = BadgeSecret::random().unwrap();
        let text = secret.expose();
        for typed in [
            text.to_owned(),
            text.to_lowercase(),
            format!(" {text}\r\n"),
            format!("https://access.library.example/badge#{text}"),
            format!("HTTPSÑ--ACCESS.LIBRARY.EXAMPLE-BADGE§{text}"),
        ] {
            assert_eq!(BadgeSecret::read(&typed).as_ref(), Some(&secret), "{typed}");
        }
        for typed in ["", "1204417", &text[1..], &format!("{text}!"), &text.replace(|_| true, "1")] {
            assert_eq!(BadgeSecret::read(typed), None, "{typed}");
        }
        assert!(!format!("{secret:?}").contains(text));
        assert_ne!(secret.digest(), BadgeSecret::random().unwrap().digest());
    }

    #[test]
    fn hours_begin_and_end_to_the_minute() {
        let school: Hours = "07:00-16:00".parse().unwrap();
        assert!(school.contain(7, 0) && school.contain(15, 59));
        assert!(!school.contain(6, 59) && !school.contain(16, 0));
        let night: Hours = "22:00-06:00".parse().unwrap();
        assert!(night.contain(23, 0) && night.contain(5, 59) && !night.contain(6, 0) && !night.contain(12, 0));
        for wrong in ["", "7-16", "07:00", "25:00-26:00", "07:00-07:00", "07:60-08:00"] {
            assert!(wrong.parse::<Hours>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn pictures_are_three_different_ones_and_read_as_they_were_sent() {
        for _ in 0..50 {
            let Pictures([a, b, c]) = Pictures::random().unwrap();
            assert!(a != b && b != c && a != c);
            assert_eq!(Pictures::read(&format!("{a}-{b}-{c}")), Some(Pictures([a, b, c])));
        }
        for wrong in ["", "1-2", "1-2-3-4", "1-2-12", "1-2-x", "1-2--3-4"] {
            assert_eq!(Pictures::read(wrong), None, "{wrong}");
        }
        assert_eq!(picks("3-7"), Some(vec![3, 7]));
    }

    #[test]
    fn a_school_year_begins_in_july() {
        let year = |day: &str| school_year(day.parse().unwrap());
        assert_eq!([year("2026-06-30"), year("2026-07-01"), year("2099-09-01")], ["2025-26", "2026-27", "2099-00"]);
    }
}
