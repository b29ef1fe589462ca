//! What a client is spared, by stable codes: exceptions that an operator granted and should see again.

use std::time::Duration;

use serde_json::Value;

use crate::domain::key::Reader;

/// Who reads our keys more seldom keeps a lost one in use for longer.
const OFTEN_ENOUGH: Duration = Duration::from_secs(24 * 3600);

pub(super) fn of(settings: &Value) -> Vec<&'static str> {
    let assertions = settings["token_endpoint_auth_method"] == "private_key_jwt";
    let reader = settings["jwks"].as_str().and_then(|text| text.parse::<Reader>().ok()).unwrap_or_default();
    let found = [
        ("pkce-optional", settings["pkce"] == "optional"),
        ("assertion-audience", assertions && settings["assertion_audience"] == "token_endpoint"),
        ("pinned-keys", reader == Reader::Pinned),
        ("slow-keys", matches!(reader, Reader::Periodic(every) if every > OFTEN_ENOUGH)),
    ];
    found.into_iter().filter(|(_, is_so)| *is_so).map(|(code, _)| code).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_exception_is_a_weakness_and_a_default_is_none() {
        let none: [&str; 0] = [];
        assert_eq!(of(&json!({})), none);
        let plain = json!({
            "pkce": "required", "jwks": "periodic:24h", "assertion_audience": "token_endpoint",
            "id_token_signed_response_alg": "RS256", "access_token_signing_alg": "RS256",
        });
        assert_eq!(of(&plain), none, "without private_key_jwt there is no assertion");
        assert_eq!(of(&json!({ "jwks": "periodic:25h" })), ["slow-keys"]);
        let weak = json!({
            "pkce": "optional", "jwks": "pinned",
            "token_endpoint_auth_method": "private_key_jwt", "assertion_audience": "token_endpoint",
        });
        assert_eq!(of(&weak), ["pkce-optional", "assertion-audience", "pinned-keys"]);
    }
}
