//! How another directory's word for a person finds them on a roster.

use std::{fmt, str::FromStr};

use super::pin::{KeyedPin, PinKey};

/// A field of the roster that an upstream's claim, or a directory's attribute, is compared with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LookupField {
    SourcedId,
    Identifier,
    Username,
    Email,
    /// The value of this type among the row's `{Type:id}` list.
    UserId(String),
}

impl LookupField {
    /// What is kept to be found by: never the value itself, since a stolen database should not list pupils' addresses.
    /// Case and surrounding blanks do not count.
    pub fn digest(&self, key: &PinKey, value: &str) -> KeyedPin {
        key.digest(&[b"lookup", self.to_string().as_bytes(), value.trim().to_lowercase().as_bytes()])
    }
}

impl FromStr for LookupField {
    type Err = String;
    fn from_str(text: &str) -> Result<LookupField, String> {
        Ok(match text {
            "sourcedId" => LookupField::SourcedId,
            "identifier" => LookupField::Identifier,
            "username" => LookupField::Username,
            "email" => LookupField::Email,
            other => match other.strip_prefix("userIds:") {
                Some(kind) if !kind.is_empty() => LookupField::UserId(kind.to_owned()),
                _ => return Err(format!("{text:?}: use sourcedId, identifier, username, email or userIds:Type")),
            },
        })
    }
}

impl fmt::Display for LookupField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LookupField::SourcedId => f.write_str("sourcedId"),
            LookupField::Identifier => f.write_str("identifier"),
            LookupField::Username => f.write_str("username"),
            LookupField::Email => f.write_str("email"),
            LookupField::UserId(kind) => write!(f, "userIds:{kind}"),
        }
    }
}
