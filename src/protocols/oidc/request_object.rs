//! An authorization request in a signed JWT (RFC 9101): what stands in it counts, and nothing beside it.

use serde_json::{Map, Value};

use super::{
    Provider,
    client::{Client, Profile},
    client_keys::{self, Keys, Unverified},
    error::Error,
    params::Params,
};
use crate::wire::jose::{Accept, Refused};

const TYPES: &[&str] = &["oauth-authz-req+jwt", "JWT"];
const SKEW: i64 = 30;
/// FAPI 2.0 Message Signing section 5.3.1: how old a request may be, and how long good.
const HOUR: i64 = 60 * 60;

/// The parameters within.
pub(super) async fn open(provider: &Provider, client: &Client, jwt: &str) -> Result<Params<'static>, Error> {
    if client.keys == Keys::None {
        return Err(Error::new("request_not_supported", "this client registered no keys to sign requests with"));
    }
    let accept = Accept { algorithms: client.profile.algorithms(), types: TYPES, untyped: true };
    let claims = match client_keys::verify::<Map<String, Value>>(provider, client, jwt, &accept).await {
        Ok((_, claims)) => claims,
        Err(Unverified::Refused(Refused::Algorithm)) if client.profile == Profile::Standard => {
            return Err(Error::new("request_not_supported", "request must be signed, with an algorithm of discovery"));
        }
        Err(unverified) => return Err(wrong(unverified.to_string())),
    };
    addressed(&claims, client, provider.issuer())?;
    timely(&claims, client.profile, provider.now().seconds())?;
    parameters(claims)
}

/// Sections 4 and 10.8: from this client, for us, and no other kind of JWT.
fn addressed(claims: &Map<String, Value>, client: &Client, issuer: &str) -> Result<(), Error> {
    let is = |name: &str, wanted: &str| claims.get(name).is_none_or(|value| value == wanted);
    if !is("iss", &client.id) || !is("client_id", &client.id) {
        return Err(wrong("iss and client_id must be the client's"));
    }
    if claims.contains_key("sub") {
        return Err(wrong("sub belongs to client assertions"));
    }
    let for_us = match claims.get("aud") {
        None => client.profile == Profile::Standard,
        Some(Value::Array(all)) => all.iter().any(|one| one == issuer),
        Some(one) => one == issuer,
    };
    if for_us { Ok(()) } else { Err(wrong("aud must be the issuer")) }
}

fn timely(claims: &Map<String, Value>, profile: Profile, now: i64) -> Result<(), Error> {
    let at = |name: &str| match claims.get(name) {
        None => Ok(None),
        Some(value) => {
            value.as_f64().map(|at| Some(at as i64)).ok_or_else(|| wrong(format!("{name} must be a number")))
        }
    };
    let (begins, ends) = (at("nbf")?, at("exp")?);
    if ends.is_some_and(|exp| now >= exp + SKEW) || begins.is_some_and(|nbf| nbf > now + SKEW) {
        return Err(wrong("it is over, or not yet good"));
    }
    match (profile, begins, ends) {
        (Profile::Standard, ..) => Ok(()),
        (Profile::Fapi2, Some(nbf), Some(exp)) if now - nbf <= HOUR && exp - nbf <= HOUR => Ok(()),
        (Profile::Fapi2, ..) => Err(wrong("nbf and exp must be there, within the last hour and an hour apart at most")),
    }
}

fn parameters(claims: Map<String, Value>) -> Result<Params<'static>, Error> {
    let mut params = Vec::new();
    for (name, value) in claims {
        match value {
            // Section 4: none within another.
            _ if name == "request" || name == "request_uri" => return Err(wrong("it holds another request")),
            _ if ["iss", "aud", "exp", "nbf", "iat", "jti"].contains(&name.as_str()) => {}
            Value::Null => {}
            Value::String(text) => params.push((name, text)),
            Value::Array(all) if name == "resource" => {
                params.extend(all.iter().filter_map(Value::as_str).map(|one| (name.clone(), one.to_owned())));
            }
            other => params.push((name, other.to_string())),
        }
    }
    Ok(Params::of(params))
}

fn wrong(why: impl std::fmt::Display) -> Error {
    // The hint goes into a redirect: RFC 6749 section 4.1.2.1 leaves quotes and backslashes out.
    Error::new("invalid_request_object", format!("request: {why}").replace(['"', '\\', '`'], "'"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap()
    }

    #[test]
    fn what_stands_in_the_object_becomes_parameters() {
        let claims = object(json!({
            "iss": "maple-web", "aud": "https://a.example", "exp": 1, "scope": "openid", "max_age": 60,
            "claims": { "userinfo": { "name": null } }, "state": null, "resource": ["https://r.example"],
        }));
        let params = parameters(claims).unwrap();
        assert_eq!((params.get("scope"), params.get("max_age")), (Some("openid"), Some("60")));
        assert_eq!(params.get("claims"), Some(r#"{"userinfo":{"name":null}}"#));
        assert_eq!(
            (params.get("iss"), params.get("state"), params.get("resource")),
            (None, None, Some("https://r.example"))
        );
        assert!(parameters(object(json!({ "request": "a.b.c" }))).is_err());
    }

    #[test]
    fn a_request_object_has_its_time() {
        for (claims, good) in [
            (json!({}), true),
            (json!({ "exp": 1001, "nbf": 999 }), true),
            (json!({ "exp": 969 }), false),
            (json!({ "nbf": 1031 }), false),
            (json!({ "exp": "soon" }), false),
        ] {
            assert_eq!(timely(&object(claims.clone()), Profile::Standard, 1000).is_ok(), good, "{claims}");
        }
    }

    #[test]
    fn a_fapi_clients_request_object_is_young_and_lives_no_longer_than_an_hour() {
        let now = 1_000_000;
        for (claims, good) in [
            (json!({ "nbf": now - 3600, "exp": now }), true),
            (json!({ "nbf": now + 8, "exp": now + 300 }), true),
            (json!({ "nbf": now }), false),
            (json!({ "exp": now + 60 }), false),
            (json!({ "nbf": now - 3601, "exp": now - 1 }), false),
            (json!({ "nbf": now, "exp": now + 3601 }), false),
        ] {
            assert_eq!(timely(&object(claims.clone()), Profile::Fapi2, now).is_ok(), good, "{claims}");
        }
    }
}
