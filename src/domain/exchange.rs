//! What passed between a vendor and us, as its engineers may read it: no secret, and nothing of a patron.

use serde::{Serialize, Serializer};

use super::clock::Timestamp;

/// One question of a relying party, or one visit that it sent us, and what came of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Exchange {
    /// When it was, or was last.
    #[serde(serialize_with = "in_words")]
    pub at: Timestamp,
    pub protocol: &'static str,
    /// Its key within the protocol.
    pub relying_party: String,
    /// Where it was asked, in the protocol's own words: `token`.
    pub step: &'static str,
    /// `ok`, or the error's code as the relying party got it.
    pub outcome: &'static str,
    /// What was done, or what to mend.
    pub detail: String,
    /// How often in a row.
    pub times: u32,
}

impl Exchange {
    /// Whether this says again what `last` said, at a later time.
    pub fn repeats(&self, last: &Exchange) -> bool {
        Exchange { at: last.at, times: last.times, ..self.clone() } == *last
    }
}

fn in_words<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&at.rfc3339())
}
