//! Reads the access token as the shelf's own door would: a JWT of the library (RFC 9068), sealed by a key that the
//! library publishes, made for this client, and good for a scope. Fetching it belongs to `library`.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{
    JsonWebKey,
    core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm},
};
use serde::Deserialize;
use serde_json::Value;

pub type Claims = BTreeMap<String, Value>;

pub enum AccessToken {
    /// For the library's eyes only: what it grants stands in the token answer.
    Opaque,
    /// Its key is none that we know: the library may have a new one.
    UnknownKey,
    Jwt(Claims),
}

/// Accepts the seal only; what the claims must say is `expect`'s.
pub fn open(token: &str, keys: &CoreJsonWebKeySet) -> anyhow::Result<AccessToken> {
    // RFC 9068 section 4: nothing but an access token passes for one, least of all an ID token.
    open_as("at+jwt", token, keys)
}

/// The same for a token of another kind.
pub fn open_as(expected: &str, token: &str, keys: &CoreJsonWebKeySet) -> anyhow::Result<AccessToken> {
    let Some((message, seal)) = token.rsplit_once('.') else { return Ok(AccessToken::Opaque) };
    let Some((header, claims)) = message.split_once('.') else { return Ok(AccessToken::Opaque) };
    let header: Header = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header)?).context("header")?;
    let kind = header.typ.to_ascii_lowercase();
    ensure!(kind.strip_prefix("application/").unwrap_or(&kind) == expected, "it is a {kind}");
    let public = [
        CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
        CoreJwsSigningAlgorithm::EcdsaP256Sha256,
        CoreJwsSigningAlgorithm::EdDsa,
    ];
    ensure!(public.contains(&header.alg), "its algorithm is none of ours");
    let named = |key: &&_| JsonWebKey::key_id(*key).is_some_and(|id| id.as_str() == header.kid);
    let Some(key) = keys.keys().iter().find(named) else { return Ok(AccessToken::UnknownKey) };
    key.verify_signature(&header.alg, message.as_bytes(), &URL_SAFE_NO_PAD.decode(seal)?).context("seal")?;
    Ok(AccessToken::Jwt(serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims)?).context("claims")?))
}

/// The claims are of this library, for this client, about this reader, and last beyond `now` (seconds).
pub fn expect(claims: &Claims, issuer: &str, client_id: &str, subject: &str, now: i64) -> anyhow::Result<()> {
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    ensure!(text("iss") == issuer, "it is another library's");
    ensure!(text("client_id") == client_id, "it was made for another shelf");
    ensure!(text("sub") == subject, "it is about another reader");
    ensure!(claims.get("exp").and_then(Value::as_i64).is_some_and(|end| end > now), "it has ended");
    Ok(())
}

pub fn grants(claims: &Claims, scope: &str) -> bool {
    claims.get("scope").and_then(Value::as_str).is_some_and(|granted| granted.split(' ').any(|one| one == scope))
}

#[derive(Deserialize)]
struct Header {
    alg: CoreJwsSigningAlgorithm,
    #[serde(default)]
    typ: String,
    #[serde(default)]
    kid: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
    };
    use serde_json::json;

    /// A library with one ES256 key.
    struct Library(EcdsaKeyPair);

    impl Library {
        fn new() -> Library {
            Library(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
        }

        fn keys(&self) -> CoreJsonWebKeySet {
            let point = self.0.public_key().as_ref();
            let half = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
            let key = json!({ "kty": "EC", "crv": "P-256", "use": "sig", "alg": "ES256", "kid": "k1",
                "x": half(&point[1..33]), "y": half(&point[33..65]) });
            serde_json::from_value(json!({ "keys": [key] })).unwrap()
        }

        fn seal(&self, kid: &str, typ: &str) -> String {
            let part = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
            let header = part(json!({ "alg": "ES256", "kid": kid, "typ": typ }));
            let message = format!("{header}.{}", part(json!({ "scope": "openid library.ebooks" })));
            let seal = self.0.sign(&SystemRandom::new(), message.as_bytes()).unwrap();
            format!("{message}.{}", URL_SAFE_NO_PAD.encode(seal))
        }
    }

    #[test]
    fn a_token_of_the_library_opens_and_grants_what_it_says() {
        let library = Library::new();
        let Ok(AccessToken::Jwt(claims)) = open(&library.seal("k1", "at+jwt"), &library.keys()) else { panic!("shut") };
        assert!(grants(&claims, "library.ebooks"));
        assert!(!grants(&claims, "library.ebook") && !grants(&claims, "library.checkout"));
    }

    #[test]
    fn a_token_that_somebody_else_sealed_stays_shut() {
        let library = Library::new();
        assert!(open(&Library::new().seal("k1", "at+jwt"), &library.keys()).is_err());
        let mut token = library.seal("k1", "at+jwt");
        token.replace_range(token.len() - 8..token.len() - 7, "*");
        assert!(open(&token, &library.keys()).is_err());
    }

    #[test]
    fn an_id_token_is_no_access_token() {
        let library = Library::new();
        assert!(open(&library.seal("k1", "JWT"), &library.keys()).is_err());
    }

    #[test]
    fn a_new_key_is_asked_for_and_an_opaque_token_left_alone() {
        let library = Library::new();
        assert!(matches!(open(&library.seal("k2", "at+jwt"), &library.keys()), Ok(AccessToken::UnknownKey)));
        assert!(matches!(open("R4nd0m", &library.keys()), Ok(AccessToken::Opaque)));
    }

    #[test]
    fn a_token_for_another_shelf_library_reader_or_hour_is_refused() {
        let claims = |value: Value| serde_json::from_value::<Claims>(value).unwrap();
        let good = json!({ "iss": "https://l", "client_id": "us", "sub": "r", "exp": 10 });
        assert!(expect(&claims(good.clone()), "https://l", "us", "r", 9).is_ok());
        for (name, value) in
            [("iss", json!("https://m")), ("client_id", json!("them")), ("sub", json!("s")), ("exp", json!(9))]
        {
            let mut bad = good.clone();
            bad[name] = value;
            assert!(expect(&claims(bad), "https://l", "us", "r", 9).is_err(), "{name}");
        }
    }
}
