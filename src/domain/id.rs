//! Names of things. A newtype each, so that a vendor's id is never passed where an agreement's belongs.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// An id that an operator chose: 1 to 64 characters of `a-z 0-9 - _ .`, beginning with a letter or digit.
macro_rules! slug {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = BadId;
            fn try_from(text: String) -> Result<Self, BadId> {
                if is_slug(&text) { Ok(Self(text)) } else { Err(BadId(text)) }
            }
        }

        impl std::str::FromStr for $name {
            type Err = BadId;
            fn from_str(text: &str) -> Result<Self, BadId> {
                Self::try_from(text.to_owned())
            }
        }

        impl From<$name> for String {
            fn from(id: $name) -> String {
                id.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    )*};
}

slug! {
    /// A partner organisation: district, charter school, branch.
    OrganisationId,
    AgreementId,
    ExportId,
    VendorId,
    /// A directory that rosters come from.
    SourceId,
    /// A privilege as vendors spell it, `library.ebooks`. It may change: see `scope`.
    ScopeName,
    /// A privilege's identity: the first name that it was given. What is stored and compared, and never changes.
    ScopeId,
}

impl From<ScopeName> for ScopeId {
    /// The identity of a scope that is new to the catalogue.
    fn from(first: ScopeName) -> ScopeId {
        ScopeId(first.0)
    }
}

fn is_slug(text: &str) -> bool {
    let mut bytes = text.bytes();
    let starts_well = bytes.next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
    starts_well
        && text.len() <= 64
        && bytes.all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b))
}

#[derive(Debug, thiserror::Error)]
#[error("{0:?} is not an id: use 1 to 64 of a-z, 0-9, '-', '_', '.', beginning with a letter or digit")]
pub struct BadId(String);

/// A row's identity: time-ordered, never shown to a vendor.
macro_rules! row_id {
    ($($(#[$doc:meta])* $name:ident),* $(,)?) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            #[allow(clippy::new_without_default, reason = "each call makes another one")]
            pub fn new() -> Self {
                Self(Uuid::now_v7())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0.simple())
            }
        }

        impl std::str::FromStr for $name {
            type Err = uuid::Error;
            fn from_str(text: &str) -> Result<Self, uuid::Error> {
                Uuid::parse_str(text).map(Self)
            }
        }
    )*};
}

row_id! {
    /// A person known to the library. Outlives rosters, cards and PINs.
    PatronId,
    /// A vendor's immutable identity, which pseudonyms are derived over.
    VendorUid,
    /// One passage of one session to one relying party.
    GrantId,
    SessionId,
}
