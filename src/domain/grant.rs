//! One passage of one session to one relying party.

use super::{
    clock::Timestamp,
    id::{GrantId, PatronId, SessionId, VendorId},
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
    pub authenticated_at: Timestamp,
    pub created_at: Timestamp,
    /// Tokens of this grant end with it at the latest.
    pub expires_at: Timestamp,
    pub revoked_at: Option<Timestamp>,
}

impl Grant {
    pub fn is_live(&self, now: Timestamp) -> bool {
        self.revoked_at.is_none() && now < self.expires_at
    }
}
