//! What a relying party publishes about itself at an address of its own, as it was last taken over: the copy that counts,
//! one that waits for the operator, and how the last look went. What the text means is its protocol's.

use serde::{Deserialize, Serialize};

use super::{clock::Timestamp, vendor::RelyingParty};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Published {
    /// `saml` …
    pub protocol: String,
    /// The relying party's key within its protocol.
    pub party: String,
    /// Where it was fetched; under another address nothing of this counts.
    pub url: String,
    #[serde(default)]
    pub live: Option<Copy>,
    /// Differs from `live` in a way that the operator must agree to.
    #[serde(default)]
    pub staged: Option<Copy>,
    /// The hex SHA-256 of a text that the operator turned down.
    #[serde(default)]
    pub declined: Option<String>,
    #[serde(default)]
    pub checked_at: Option<Timestamp>,
    pub next_at: Timestamp,
    /// Why the last looks brought nothing.
    #[serde(default)]
    pub trouble: Option<Trouble>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Copy {
    pub text: String,
    pub fetched_at: Timestamp,
    /// Until when its author says that it holds.
    #[serde(default)]
    pub valid_until: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trouble {
    /// Stable.
    pub code: String,
    /// What to mend.
    pub detail: String,
    pub since: Timestamp,
    /// Looks in a row that failed.
    pub times: u32,
}

impl Published {
    /// Nothing known yet, to be looked for at once.
    pub fn unknown(protocol: &str, party: &str, url: &str) -> Published {
        Published {
            protocol: protocol.to_owned(),
            party: party.to_owned(),
            url: url.to_owned(),
            live: None,
            staged: None,
            declined: None,
            checked_at: None,
            next_at: Timestamp(0),
            trouble: None,
        }
    }

    /// The name that it is kept under.
    pub fn id(&self) -> String {
        format!("{} {}", self.protocol, self.party)
    }

    /// Whether it is this relying party's.
    pub fn is_of(&self, party: &RelyingParty) -> bool {
        self.protocol == party.protocol && self.party == party.key
    }
}
