//! School grades (CEDS codes) and the audience band that follows from one.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A CEDS grade code, in school order, so that `from <= grade <= to` means what an agreement means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Grade(u8);

const CODES: [&str; 22] = [
    "IT", "PR", "PK", "TK", "KG", "01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12", "13", "PS",
    "UG", "Other", "",
];

impl Grade {
    /// Every grade, from infants to `Other`.
    pub fn all() -> impl Iterator<Item = Grade> {
        (0u8..21).map(Grade)
    }

    pub fn code(self) -> &'static str {
        CODES.get(usize::from(self.0)).copied().unwrap_or("Other")
    }
}

impl FromStr for Grade {
    type Err = UnknownGrade;

    /// Takes the CEDS code in any case and the spellings that student systems write instead:
    /// `7`, `K`, `Pre-K`, `Grade 7`, `7th`.
    fn from_str(text: &str) -> Result<Self, UnknownGrade> {
        let plain = text.trim().to_ascii_uppercase();
        let plain = plain.strip_prefix("GRADE").unwrap_or(&plain).trim();
        let plain = plain.trim_end_matches("ST").trim_end_matches("ND").trim_end_matches("RD").trim_end_matches("TH");
        let code = match plain {
            "K" | "KINDERGARTEN" | "0" | "00" => "KG",
            "PRE-K" | "PREK" | "P" => "PK",
            "OTHER" => "Other",
            "" => return Err(UnknownGrade(text.to_owned())),
            other => match other.parse::<u8>() {
                Ok(number @ 1..=13) => CODES[usize::from(number) + 4],
                _ => other,
            },
        };
        let place = CODES.iter().position(|c| *c == code).and_then(|i| u8::try_from(i).ok());
        place.map(Grade).ok_or_else(|| UnknownGrade(text.to_owned()))
    }
}

impl TryFrom<String> for Grade {
    type Error = UnknownGrade;
    fn try_from(text: String) -> Result<Self, UnknownGrade> {
        text.parse()
    }
}

impl From<Grade> for String {
    fn from(grade: Grade) -> String {
        grade.code().to_owned()
    }
}

impl fmt::Display for Grade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not a grade: use IT, PR, PK, TK, KG, 01 to 13, PS, UG or Other")]
pub struct UnknownGrade(String);

/// Whom a vendor's shelf is for. All that a vendor learns of a reader's age.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum AudienceBand {
    Juvenile,
    YoungAdult,
    Adult,
}

impl AudienceBand {
    pub fn as_str(self) -> &'static str {
        match self {
            AudienceBand::Juvenile => "juvenile",
            AudienceBand::YoungAdult => "young-adult",
            AudienceBand::Adult => "adult",
        }
    }
}

/// Where one band ends and the next begins: the last grade of the juvenile and of the young adult band.
/// A student without a readable grade counts as juvenile, the narrowest shelf.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandRule {
    pub juvenile_to: Grade,
    pub young_adult_to: Grade,
}

impl Default for BandRule {
    /// One consortium's rule: K-3, 4-8, 9 and up.
    fn default() -> Self {
        BandRule { juvenile_to: Grade(7), young_adult_to: Grade(12) }
    }
}

impl BandRule {
    pub fn band(&self, grade: Option<Grade>) -> AudienceBand {
        match grade {
            None => AudienceBand::Juvenile,
            Some(grade) if grade <= self.juvenile_to => AudienceBand::Juvenile,
            Some(grade) if grade <= self.young_adult_to => AudienceBand::YoungAdult,
            Some(_) => AudienceBand::Adult,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grades_stand_in_school_order() {
        let order: Vec<_> = Grade::all().collect();
        assert!(order.windows(2).all(|pair| pair[0] < pair[1]));
        assert_eq!(order.first().map(|g| g.code()), Some("IT"));
        assert_eq!(order.last().map(|g| g.code()), Some("Other"));
    }

    #[test]
    fn the_spellings_of_student_systems_are_read() {
        for (text, code) in [
            ("7", "07"),
            ("07", "07"),
            ("K", "KG"),
            ("kg", "KG"),
            ("Pre-K", "PK"),
            ("Grade 3", "03"),
            ("12th", "12"),
            ("1st", "01"),
            ("ug", "UG"),
        ] {
            assert_eq!(text.parse::<Grade>().map(Grade::code).ok(), Some(code), "{text}");
        }
        for text in ["", "14", "seven", "-1"] {
            assert!(text.parse::<Grade>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_third_grader_is_juvenile_and_a_fourth_grader_a_young_adult() {
        let rule = BandRule::default();
        let band = |text: &str| rule.band(text.parse().ok());
        assert_eq!(
            (band("3"), band("4"), band("8"), band("9")),
            (AudienceBand::Juvenile, AudienceBand::YoungAdult, AudienceBand::YoungAdult, AudienceBand::Adult)
        );
        assert_eq!(rule.band(None), AudienceBand::Juvenile);
    }
}
