//! What a client asked for beside the scopes of its grant: kept with the code, and with the grant where it is renewed.

use serde::{Deserialize, Serialize};

use crate::domain::scope::Scopes;

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    /// `openid` was asked: an ID token is due, and userinfo is open.
    pub openid: bool,
    /// `offline_access` was asked and is allowed: what is granted outlives the session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
    /// Asked library scopes: no token carries others.
    pub scopes: Scopes,
}

impl Terms {
    /// Scopes as the client may read them (RFC 6749 section 5.1), those of `granted` that were asked.
    pub fn scope(&self, granted: &Scopes) -> String {
        let mut words: Vec<&str> = Vec::new();
        words.extend(self.openid.then_some("openid"));
        words.extend(self.offline.then_some("offline_access"));
        let granted = granted.intersection(&self.scopes);
        words.extend(granted.iter().map(|name| name.as_str()));
        words.join(" ")
    }
}
