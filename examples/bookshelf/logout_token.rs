//! Reads a logout token (OpenID Connect Back-Channel Logout 1.0 section 2.6): the library's word that a visit is over.

use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, ensure};
use openidconnect::core::CoreJsonWebKeySet;
use serde_json::Value;

use super::access_token::{self, AccessToken, Claims};

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Accepts the seal only, of a logout token and nothing else.
pub fn open(token: &str, keys: &CoreJsonWebKeySet) -> anyhow::Result<AccessToken> {
    access_token::open_as("logout+jwt", token, keys)
}

/// The visit that it is about.
pub fn expect(claims: &Claims, issuer: &str, client_id: &str) -> anyhow::Result<String> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    ensure!(text("iss") == issuer, "it is another library's");
    ensure!(text("aud") == client_id, "it was made for another shelf");
    ensure!(
        claims.get("events").is_some_and(|events| events.get(EVENT).is_some_and(Value::is_object)),
        "no such event"
    );
    ensure!(!claims.contains_key("nonce"), "it is an ID token in disguise");
    ensure!(claims.get("exp").and_then(Value::as_i64).is_some_and(|end| end > now()), "it has ended");
    Some(text("sid")).filter(|sid| !sid.is_empty()).map(str::to_owned).context("it names no visit")
}

#[allow(clippy::disallowed_methods, reason = "a program of its own")]
fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_token_that_lacks_anything_ends_no_visit() {
        let claims = |value: Value| serde_json::from_value::<Claims>(value).unwrap();
        let good = json!({ "iss": "https://l", "aud": "us", "sid": "v", "exp": now() + 60, "events": { EVENT: {} } });
        assert_eq!(expect(&claims(good.clone()), "https://l", "us").unwrap(), "v");
        let bad = [
            ("iss", json!("https://m")),
            ("aud", json!("them")),
            ("sid", json!("")),
            ("exp", json!(1)),
            ("events", json!({})),
            ("events", json!({ EVENT: true })),
            ("nonce", json!("n")),
        ];
        for (name, value) in bad {
            let mut bent = good.clone();
            bent[name] = value;
            assert!(expect(&claims(bent), "https://l", "us").is_err(), "{name}");
        }
    }
}
