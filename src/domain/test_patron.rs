//! Test patrons: fictional people whom the configuration declares, so that a vendor or an operator can try a sign-in
//! without anybody's card. They follow the agreements like everybody.

use serde::{Deserialize, Serialize};

use super::{
    card::CardNumber,
    claims::StandardClaims,
    id::{PatronId, SourceId},
    patron::{Affiliation, Patron},
};

/// The source that they are kept under: no directory may have this id.
pub const SOURCE: &str = "test";

/// As it is kept, beside the patron that it makes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TestPatron {
    /// Its name in the file, and the sourcedId of its patron.
    pub id: SourceId,
    /// The patron that it is, also after it was away for a while.
    pub patron: PatronId,
    pub card: CardNumber,
    pub given_name: String,
    pub family_name: String,
    #[serde(with = "in_words")]
    pub affiliation: Affiliation,
    /// Of staff only.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claims: Option<StandardClaims>,
    /// The declared PIN, keyed: whether the file has another one. What is checked at sign-in is the patron's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pin_keyed: Option<String>,
}

/// Whether a directory may not have this id.
pub fn is_reserved(source: &str) -> bool {
    source == SOURCE
}

impl Patron {
    /// Nobody: declared to try a sign-in with.
    pub fn is_test(&self) -> bool {
        self.source.as_str() == SOURCE
    }
}

/// `cms:staff`, as everywhere else.
mod in_words {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use super::Affiliation;

    pub fn serialize<S: Serializer>(value: &Affiliation, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Affiliation, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
