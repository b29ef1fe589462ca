//! The library card: its number, and the schemes that make a number from a student ID.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A card number in its one spelling: 1 to 64 visible ASCII characters, upper case, no blanks.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct CardNumber(String);

impl CardNumber {
    /// Reads what a person typed or a scanner sent: blanks go, letters become upper case.
    /// `None` where that leaves nothing, more than 64 characters, or something that is not visible ASCII.
    pub fn read(typed: &str) -> Option<CardNumber> {
        let plain: String = typed.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
        let good = !plain.is_empty() && plain.len() <= 64 && plain.bytes().all(|b| b.is_ascii_graphic());
        good.then_some(CardNumber(plain))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last four characters, which is all that a shared screen shows.
    pub fn ending(&self) -> &str {
        &self.0[self.0.len().saturating_sub(4)..]
    }
}

impl TryFrom<String> for CardNumber {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        CardNumber::read(&text).ok_or_else(|| format!("{text:?} is not a card number"))
    }
}

impl From<CardNumber> for String {
    fn from(number: CardNumber) -> String {
        number.0
    }
}

impl fmt::Display for CardNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Whether a card opens anything, as the library decided; what the school says is `patron::Standing`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CardStatus {
    Active,
    Blocked,
}

/// Which roster field a card number is made from: `identifier`, `username` or `userIds:Type`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum IdField {
    Identifier,
    Username,
    /// The value of this type among the row's `{Type:id}` list.
    UserId(String),
}

impl TryFrom<String> for IdField {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "identifier" => Ok(IdField::Identifier),
            "username" => Ok(IdField::Username),
            other => match other.strip_prefix("userIds:") {
                Some(kind) if !kind.is_empty() => Ok(IdField::UserId(kind.to_owned())),
                _ => Err(format!("{text:?}: use identifier, username or userIds:Type")),
            },
        }
    }
}

impl From<IdField> for String {
    fn from(field: IdField) -> String {
        match field {
            IdField::Identifier => "identifier".into(),
            IdField::Username => "username".into(),
            IdField::UserId(kind) => format!("userIds:{kind}"),
        }
    }
}

/// How an organisation's cards are numbered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "scheme", rename_all = "lowercase", deny_unknown_fields)]
pub enum CardScheme {
    /// The ID as it is.
    Raw { from: IdField },
    /// IDs are unique within one district only: a prefix keeps two districts apart.
    Prefix { prefix: String, from: IdField },
    /// A library barcode: `2`, four digits of the institution, eight of the ID, a check digit.
    Barcode14 { institution: String, from: IdField },
}

impl CardScheme {
    pub fn from_field(&self) -> &IdField {
        match self {
            CardScheme::Raw { from } | CardScheme::Prefix { from, .. } | CardScheme::Barcode14 { from, .. } => from,
        }
    }

    /// The card number for `id`.
    ///
    /// # Errors
    /// A sentence for the import report, where no number can be made from this ID.
    pub fn number(&self, id: &str) -> Result<CardNumber, String> {
        let id = id.trim();
        if id.is_empty() {
            return Err("the ID that the card number is made from is empty".into());
        }
        let number = match self {
            CardScheme::Raw { .. } => id.to_owned(),
            CardScheme::Prefix { prefix, .. } => format!("{prefix}{id}"),
            CardScheme::Barcode14 { institution, .. } => {
                if id.len() > 8 || !id.bytes().all(|b| b.is_ascii_digit()) {
                    return Err(format!("a 14-digit card takes an ID of at most 8 digits, not {id:?}"));
                }
                let body = format!("2{institution}{id:0>8}");
                let check =
                    check_digit(&body).ok_or_else(|| format!("institution {institution:?} is not four digits"))?;
                format!("{body}{check}")
            }
        };
        CardNumber::read(&number)
            .ok_or_else(|| format!("{number:?} is no card number: 1 to 64 visible ASCII characters"))
    }

    /// Numbers that may stand in the place of the roster's, the best first. A barcode's serial begins with 9, which few
    /// IDs do; whether one is free the caller finds out.
    pub fn replacements(&self, roster: &CardNumber) -> Box<dyn Iterator<Item = CardNumber> + Send> {
        match self {
            CardScheme::Raw { .. } | CardScheme::Prefix { .. } => {
                let roster = roster.clone();
                Box::new((2..1000).filter_map(move |turn| CardNumber::read(&format!("{roster}-{turn}"))))
            }
            CardScheme::Barcode14 { institution, .. } => {
                let institution = institution.clone();
                Box::new((90_000_000..=99_999_999_u32).filter_map(move |serial| {
                    let body = format!("2{institution}{serial}");
                    CardNumber::read(&format!("{body}{}", check_digit(&body)?))
                }))
            }
        }
    }

    /// # Errors
    /// Where this cannot be a card of the scheme, whatever ID it was made from: a barcode with a wrong check digit.
    pub fn accepts(&self, number: &CardNumber) -> Result<(), String> {
        let text = number.as_str();
        match self {
            CardScheme::Barcode14 { .. } if text.len() == 14 && text.bytes().all(|b| b.is_ascii_digit()) => {
                let (body, check) = text.split_at(13);
                let right = check_digit(body).map(|digit| digit.to_string());
                if right.as_deref() == Some(check) {
                    Ok(())
                } else {
                    Err(format!("the check digit of {text} is wrong"))
                }
            }
            _ => Ok(()),
        }
    }

    /// # Errors
    /// What is wrong with the scheme itself, before any card is made with it.
    pub fn check(&self) -> Result<(), String> {
        match self {
            CardScheme::Barcode14 { institution, .. }
                if institution.len() != 4 || !institution.bytes().all(|b| b.is_ascii_digit()) =>
            {
                Err(format!("institution must be four digits, not {institution:?}"))
            }
            CardScheme::Prefix { prefix, .. } if CardNumber::read(prefix).is_none() => {
                Err("prefix must be one or more visible ASCII characters".into())
            }
            _ => Ok(()),
        }
    }
}

/// The mod-10 check digit of a library barcode: odd positions doubled, minus 9 when above 9.
/// `None` where `body` is not all digits.
pub fn check_digit(body: &str) -> Option<u8> {
    let mut sum = 0u32;
    for (place, digit) in body.chars().enumerate() {
        let digit = digit.to_digit(10)?;
        sum += match (place % 2 == 0, digit * 2) {
            (false, _) => digit,
            (true, doubled) if doubled > 9 => doubled - 9,
            (true, doubled) => doubled,
        };
    }
    u8::try_from((10 - sum % 10) % 10).ok()
}

/// Where a card's first PIN comes from: `password`, `birthday:MMDD` or `none`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum InitialPin {
    /// The roster's password column: supplied by the district.
    Password,
    /// Month and day of birth: at most 366 values, so it opens nothing but the change of PIN.
    BirthdayMmdd,
    None,
}

impl TryFrom<String> for InitialPin {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        match text.as_str() {
            "password" => Ok(InitialPin::Password),
            "birthday:MMDD" => Ok(InitialPin::BirthdayMmdd),
            "none" => Ok(InitialPin::None),
            _ => Err(format!("{text:?}: use password, birthday:MMDD or none")),
        }
    }
}

impl From<InitialPin> for String {
    fn from(pin: InitialPin) -> String {
        match pin {
            InitialPin::Password => "password".into(),
            InitialPin::BirthdayMmdd => "birthday:MMDD".into(),
            InitialPin::None => "none".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_digit_of_a_known_barcode_is_right() {
        assert_eq!(check_digit("3023400051786"), Some(1));
        assert_eq!(check_digit("30234000517x6"), None);
    }

    #[test]
    fn each_scheme_makes_its_number() {
        let from = IdField::Identifier;
        let raw = CardScheme::Raw { from: from.clone() };
        let prefix = CardScheme::Prefix { prefix: "CH".into(), from: from.clone() };
        let barcode = CardScheme::Barcode14 { institution: "3023".into(), from };
        assert_eq!(raw.number(" 4417 ").map(String::from), Ok("4417".into()));
        assert_eq!(prefix.number("4417").map(String::from), Ok("CH4417".into()));
        let full: String = barcode.number("4417").map(String::from).unwrap();
        assert_eq!((full.len(), &full[..13]), (14, "2302300004417"));
        assert!(barcode.number("123456789").is_err());
        assert!(barcode.number("12a").is_err());
        assert!(raw.number("").is_err());
    }

    #[test]
    fn a_number_in_the_place_of_another_follows_the_scheme() {
        let from = IdField::Identifier;
        let first = |scheme: &CardScheme, roster: &str| {
            let roster = CardNumber::read(roster).unwrap();
            scheme.replacements(&roster).take(2).map(String::from).collect::<Vec<_>>()
        };
        let prefix = CardScheme::Prefix { prefix: "CH".into(), from: from.clone() };
        assert_eq!(first(&prefix, "CH4417"), ["CH4417-2", "CH4417-3"]);
        let barcode = CardScheme::Barcode14 { institution: "3023".into(), from };
        let made = first(&barcode, "23023000044170");
        assert_eq!(made.iter().map(|number| &number[..13]).collect::<Vec<_>>(), ["2302390000000", "2302390000001"]);
        for number in &made {
            assert_eq!(barcode.accepts(&CardNumber::read(number).unwrap()), Ok(()));
        }
        assert!(barcode.accepts(&CardNumber::read("30234000517862").unwrap()).is_err());
        assert!(barcode.accepts(&CardNumber::read("STAFF-12").unwrap()).is_ok(), "no barcode at all");
    }

    #[test]
    fn blanks_and_case_of_a_typed_card_do_not_matter() {
        assert_eq!(CardNumber::read(" ch 44 17 "), CardNumber::read("CH4417"));
        assert_eq!(CardNumber::read(" \t"), None);
        assert_eq!(CardNumber::read("44\u{7}17"), None);
    }
}
