//! How a token is built and what it says, read without believing any of it.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::Serialize;
use serde_json::Value;

use super::Flaw;
use crate::domain::id::GrantId;

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    #[default]
    Unknown,
    IdToken,
    AccessToken,
    LogoutToken,
    Introspection,
    Userinfo,
    RefreshToken,
}

impl Kind {
    pub fn words(self) -> &'static str {
        match self {
            Kind::Unknown => "a token of no kind known here",
            Kind::IdToken => "an ID token: tells a vendor who has come",
            Kind::AccessToken => "an access token: opens a vendor's resource, and userinfo",
            Kind::LogoutToken => "a logout token: tells a vendor that a session is over",
            Kind::Introspection => "a signed introspection answer",
            Kind::Userinfo => "a signed userinfo answer",
            Kind::RefreshToken => "a refresh token: renews a grant, at the token endpoint only",
        }
    }
}

/// A signed token, taken apart.
#[derive(Debug)]
pub(super) struct Parts {
    header: Value,
    pub(super) claims: Value,
}

pub(super) fn read(token: &str) -> Result<Parts, (Kind, Flaw)> {
    let unknown = |flaw| (Kind::Unknown, flaw);
    if token.is_empty() {
        return Err(unknown(("empty", "nothing was given")));
    }
    if token.bytes().any(|b| !b.is_ascii_graphic()) {
        return Err(unknown(("malformed", "it holds blanks or characters that no token has")));
    }
    let parts: Vec<&str> = token.split('.').collect();
    if is_refresh_token(&parts) {
        let flaw = ("refresh-token", "a refresh token says nothing to anybody but the token endpoint");
        return Err((Kind::RefreshToken, flaw));
    }
    let [header, claims, signature] = parts.as_slice() else {
        return Err(unknown(match parts.len() {
            5 => ("encrypted", "it is encrypted (five parts); this library encrypts none"),
            _ => ("malformed", "a signed token has three parts with a dot between"),
        }));
    };
    let object = |part: &str| {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
    };
    match (object(header), object(claims)) {
        (Some(header), Some(claims)) => {
            let parts = Parts { header, claims };
            if signature.is_empty() && !parts.alg().eq_ignore_ascii_case("none") {
                return Err((parts.kind(), ("unsigned", "the signature is missing")));
            }
            Ok(parts)
        }
        (None, _) => Err(unknown(("malformed", "its header is not base64url of a JSON object"))),
        (_, None) => Err(unknown(("malformed", "its claims are not base64url of a JSON object"))),
    }
}

/// Grant, number, perhaps a key, and a seal.
fn is_refresh_token(parts: &[&str]) -> bool {
    let (Some(grant), Some(generation)) = (parts.first(), parts.get(1)) else { return false };
    matches!(parts.len(), 3 | 4) && grant.parse::<GrantId>().is_ok() && generation.parse::<u64>().is_ok()
}

impl Parts {
    pub(super) fn alg(&self) -> &str {
        self.word("alg")
    }

    pub(super) fn typ(&self) -> &str {
        self.word("typ")
    }

    pub(super) fn kid(&self) -> Option<&str> {
        Some(self.word("kid")).filter(|kid| !kid.is_empty())
    }

    pub(super) fn kind(&self) -> Kind {
        match self.typ() {
            "at+jwt" => Kind::AccessToken,
            "logout+jwt" => Kind::LogoutToken,
            "token-introspection+jwt" => Kind::Introspection,
            "JWT" if self.claims.get("sid").is_some() => Kind::IdToken,
            "JWT" if self.claims.get("sub").is_some() => Kind::Userinfo,
            _ => Kind::Unknown,
        }
    }

    /// RFC 8725 sections 3.1 and 3.2.
    pub(super) fn algorithm_is_asymmetric(&self) -> Result<(), Flaw> {
        let alg = self.alg().to_ascii_lowercase();
        if alg == "none" {
            return Err(("unsigned", "its header says that nobody signed it"));
        }
        if alg.starts_with("hs") {
            return Err(("symmetric", "it claims a shared secret; tokens of ours are signed by a key pair"));
        }
        Ok(())
    }

    pub(super) fn audience(&self) -> Vec<String> {
        match self.claims.get("aud") {
            Some(Value::String(one)) => vec![one.clone()],
            Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            _ => Vec::new(),
        }
    }

    /// An access token's id begins with its grant.
    pub(super) fn grant(&self) -> Option<GrantId> {
        let id = self.claims.get("jti").and_then(Value::as_str).filter(|_| self.kind() == Kind::AccessToken)?;
        id.split_once('.')?.0.parse().ok()
    }

    fn word(&self, name: &str) -> &str {
        self.header.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}
