//! Clients that vendors register by themselves: the invitation that an operator issues, what it bounds, and what comes
//! of it. What the words of a client's metadata mean is its protocol's.

use serde::{Deserialize, Serialize};
use url::Url;

use super::{clock::Timestamp, field, id::VendorId, scope::Scopes, vendor::RelyingParty};

/// An initial access token (RFC 7591 section 1.2) as it is kept, without the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Invitation {
    pub id: String,
    /// Whose the clients will be.
    pub vendor: VendorId,
    pub bounds: Bounds,
    pub uses: u32,
    pub uses_left: u32,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub withdrawn_at: Option<Timestamp>,
}

impl Invitation {
    pub fn state(&self, now: Timestamp) -> InvitationState {
        match self {
            _ if self.withdrawn_at.is_some() => InvitationState::Withdrawn,
            _ if self.uses_left == 0 => InvitationState::Used,
            _ if now >= self.expires_at => InvitationState::Expired,
            _ => InvitationState::Open,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum InvitationState {
    Open,
    Used,
    Expired,
    Withdrawn,
}

/// What a client registered by an invitation may be, at its birth and ever after.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bounds {
    /// Where browsers may be sent.
    pub redirects: Vec<RedirectBound>,
    /// `grant_types`.
    pub grants: Vec<String>,
    /// `token_endpoint_auth_method`.
    pub auth_methods: Vec<String>,
    /// Scopes of the library. Absent: whatever the vendor may ask for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Scopes>,
    /// Whether its refresh tokens may outlive the reader's session.
    #[serde(default)]
    pub offline_access: bool,
    /// Signatures, ours for the client and its for us. Absent: whatever its profile allows.
    #[serde(default)]
    pub algorithms: Option<Vec<String>>,
}

/// A client that registered itself, beside what a relying party is to everybody else.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RegisteredClient {
    pub vendor: VendorId,
    pub party: RelyingParty,
    pub bounds: Bounds,
    /// The invitation's id, for the record.
    pub invitation: String,
    /// Of the registration access token (RFC 7592 section 1.2), in hex.
    pub token_sha256: String,
}

/// One address, or every address below one: `https://maple.example/callback`, `https://maple.example/apps/*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct RedirectBound(String);

#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct BadBound(String);

impl RedirectBound {
    /// Below a prefix only what every reader of URLs reads alike: no dots that climb, nothing encoded, no query.
    pub fn allows(&self, uri: &str) -> bool {
        let Some(prefix) = self.0.strip_suffix('*') else { return uri == self.0 };
        let plain = |segment: &str| {
            !matches!(segment, "." | "..") && segment.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b))
        };
        uri.strip_prefix(prefix).is_some_and(|rest| !rest.starts_with('/') && rest.split('/').all(plain))
    }

    /// Whether `uri` is of this bound's scheme, host and port.
    pub fn same_origin(&self, uri: &str) -> bool {
        let origin = |text: &str| Url::parse(text).ok().map(|url| url.origin());
        origin(&self.0).is_some_and(|own| own.is_tuple() && Some(own) == origin(uri))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for RedirectBound {
    type Error = BadBound;

    fn try_from(text: String) -> Result<RedirectBound, BadBound> {
        let bad = |why: String| BadBound(format!("{text:?} is no bound of redirect addresses: {why}"));
        let address = text.strip_suffix('*').unwrap_or(&text);
        field::url(address).map_err(bad)?;
        if address.contains('*') {
            return Err(bad("a star stands at the end, for every address below".into()));
        }
        // As it stands, the address reaches into the path: whatever follows cannot change the host.
        let spelled = Url::parse(address).is_ok_and(|url| url.as_str() == address);
        if address != text && !(spelled && address.ends_with('/') && !address.contains('?')) {
            return Err(bad("a star follows a slash of the path, as in https://maple.example/apps/*".into()));
        }
        Ok(RedirectBound(text))
    }
}

impl std::str::FromStr for RedirectBound {
    type Err = BadBound;
    fn from_str(text: &str) -> Result<RedirectBound, BadBound> {
        RedirectBound::try_from(text.to_owned())
    }
}

impl From<RedirectBound> for String {
    fn from(bound: RedirectBound) -> String {
        bound.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_is_one_address_or_all_below_one() {
        let bound = |text: &str| text.parse::<RedirectBound>().unwrap();
        let exact = bound("https://maple.example/cb?tenant=1");
        assert!(exact.allows("https://maple.example/cb?tenant=1"));
        assert!(!exact.allows("https://maple.example/cb?tenant=12") && !exact.allows("https://maple.example/cb"));
        let below = bound("https://maple.example/apps/*");
        for good in
            ["https://maple.example/apps/a", "https://maple.example/apps/a/b.c/d-e_~", "https://maple.example/apps/"]
        {
            assert!(below.allows(good), "{good}");
        }
        for bad in [
            "https://maple.example/apps",
            "https://maple.example/other",
            "https://maple.example/apps/../evil",
            "https://maple.example/apps/a/..",
            "https://maple.example/apps/..;/evil",
            "https://maple.example/apps/%2e%2e/evil",
            "https://maple.example/apps//evil.example",
            "https://maple.example/apps/a?next=//evil.example",
            "https://maple.example/apps/a#x",
            "https://maple.example/apps/\\evil",
            "https://maple.example.evil.example/apps/a",
            "https://evil.example/apps/a",
            "http://maple.example/apps/a",
            "javascript:alert(1)",
        ] {
            assert!(!below.allows(bad), "{bad}");
        }
    }

    #[test]
    fn a_bound_that_would_open_more_than_it_says_is_refused() {
        for bad in [
            "",
            "*",
            "https://*",
            "https://maple.example*",
            "https://*.maple.example/",
            "https://maple.example/cb*",
            "https://maple.example/a/../*",
            "https://maple.example/?x=/*",
            "https://maple.example/*/*",
            "http://maple.example/cb",
            "https://maple.example/#x",
            "https://maple.example@evil.example/*",
            "javascript:alert(1)",
        ] {
            assert!(bad.parse::<RedirectBound>().is_err(), "{bad}");
        }
        for good in ["https://maple.example/*", "https://maple.example/cb", "http://127.0.0.1/cb"] {
            assert!(good.parse::<RedirectBound>().is_ok(), "{good}");
        }
    }

    #[test]
    fn another_port_is_another_origin() {
        let bound: RedirectBound = "https://maple.example/apps/*".parse().unwrap();
        assert!(bound.same_origin("https://maple.example:443/login"));
        assert!(!bound.same_origin("https://maple.example:8443/login") && !bound.same_origin("https://evil.example/"));
    }
}
