//! One passage of one session to one relying party.

use serde_json::Value;

use super::{
    clock::Timestamp,
    id::{GrantId, PatronId, SessionId, VendorId},
    method::Method,
    scope::Scopes,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    pub session: SessionId,
    pub patron: PatronId,
    pub vendor: VendorId,
    /// `oidc`, `saml` …
    pub protocol: String,
    /// The relying party's key within its protocol.
    pub relying_party: String,
    pub scopes: Scopes,
    /// How the patron had signed in.
    pub method: Method,
    pub authenticated_at: Timestamp,
    pub created_at: Timestamp,
    /// Tokens of this grant end with it at the latest.
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
    /// It outlives its session: an app or e-reader that may stay.
    pub offline: bool,
    /// Where the protocol renews what it issued: refresh tokens.
    pub renewal: Option<Renewal>,
}

/// How often a grant was renewed, so that what was handed out before the last time can be told from what counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renewal {
    /// Only what was handed out with this number counts; it begins at 0.
    pub generation: u64,
    /// When the generation before was spent.
    pub turned_at: Timestamp,
    /// What is renewed, or was said, in the protocol's own words.
    pub terms: Value,
}

impl Grant {
    /// One that began further ahead than it was to last is of a clock that was wrong.
    pub fn is_live(&self, now: Timestamp) -> bool {
        let life = self.expires_at.since(self.created_at);
        self.revoked_at.is_none() && now < self.expires_at && self.created_at.since(now) <= life
    }
}
