//! What a client asked for beside the scopes of its grant: kept with the code, and with the grant where it is renewed.

use serde::{Deserialize, Serialize};

use super::claims_request::ClaimsRequest;
use crate::{
    domain::{
        catalogue::Catalogue,
        claims::{Group, StandardClaims},
        clock::Timestamp,
        scope::Scopes,
    },
    signon::Question,
};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Terms {
    /// `openid` was asked: an ID token is due, and userinfo is open.
    pub openid: bool,
    /// `offline_access` was asked and is allowed: what is granted outlives the session.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub offline: bool,
    /// Asked library scopes: no token carries others.
    pub scopes: Scopes,
    /// Asked groups of standard claims (OIDC Core section 5.4).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub standard: Vec<Group>,
    #[serde(default, skip_serializing_if = "ClaimsRequest::is_empty")]
    pub claims: ClaimsRequest,
}

impl Terms {
    /// The same as the reader is asked about it.
    pub fn question(&self) -> Question {
        let by_scope = self.standard.iter().flat_map(|group| group.claims()).map(|claim| (*claim).to_owned());
        let by_name = self.claims.userinfo.iter().chain(&self.claims.id_token).cloned();
        Question {
            scopes: self.scopes.clone(),
            reader: self.openid,
            claims: by_scope.chain(by_name).collect(),
            device: None,
        }
    }

    /// Scopes as the client may read them (RFC 6749 section 5.1): those of `granted` that were asked, and those for which
    /// there is something to tell.
    pub fn scope(&self, granted: &Scopes, released: &StandardClaims, catalogue: &Catalogue, now: Timestamp) -> String {
        let mut words: Vec<&str> = Vec::new();
        words.extend(self.openid.then_some("openid"));
        words.extend(self.offline.then_some("offline_access"));
        let told = self.standard.iter().filter(|group| !released.only(&[**group]).is_empty());
        words.extend(told.map(|group| group.scope()));
        let granted = catalogue.spelled(&granted.intersection(&self.scopes), now);
        words.extend(Some(granted.as_str()).filter(|names| !names.is_empty()));
        words.join(" ")
    }
}
