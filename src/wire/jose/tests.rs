//! What the house's own signatures promise.

use jsonwebtoken::{self as jwt, DecodingKey, Validation};
use serde_json::json;

use super::*;

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pkcs8(algorithm, &SigningKey::generate(algorithm).unwrap()).unwrap()
}

#[test]
fn what_a_key_signs_it_opens_and_another_key_does_not() {
    for algorithm in Algorithm::ALL {
        let (mine, other) = (key(algorithm), key(algorithm));
        let token = mine.sign("at+jwt", &json!({ "sub": "someone" })).unwrap();
        assert_eq!(mine.open::<Value>(&token).unwrap(), json!({ "sub": "someone" }));
        assert_eq!(other.open::<Value>(&token), Err(Error::Signature));
        let header = Header::of(&token).unwrap();
        assert_eq!((header.alg.as_str(), header.typ.as_str()), (algorithm.as_str(), "at+jwt"));
        assert_eq!(header.kid, mine.kid());
    }
}

#[test]
fn a_stock_verifier_takes_our_token_by_our_published_key() {
    for algorithm in Algorithm::ALL {
        let key = key(algorithm);
        let jwk: jwt::jwk::Jwk = serde_json::from_value(key.jwk().clone()).unwrap();
        let token = key.sign("JWT", &json!({ "sub": "someone" })).unwrap();
        let stock = DecodingKey::from_jwk(&jwk).unwrap();
        let mut validation = Validation::new(algorithm.jwt());
        validation.required_spec_claims.clear();
        validation.validate_exp = false;
        let claims = jwt::decode::<Value>(&token, &stock, &validation).unwrap().claims;
        assert_eq!(claims, json!({ "sub": "someone" }));
    }
}

#[test]
fn the_same_key_has_the_same_name_wherever_it_is_loaded() {
    for algorithm in Algorithm::ALL {
        let der = SigningKey::generate(algorithm).unwrap();
        let name = || SigningKey::from_pkcs8(algorithm, &der).unwrap().kid().to_owned();
        assert_eq!(name(), name());
    }
}

/// The example of RFC 7638 section 3.1.
#[test]
fn the_thumbprint_is_that_of_the_rfc() {
    let members = json!({
        "kty": "RSA",
        "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCi\
              FV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9\
              c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1\
              jF44-csFCur-kEgU8awapJzKnqDKgw",
        "e": "AQAB",
    });
    assert_eq!(thumbprint(&members).unwrap(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn a_header_that_names_its_own_key_is_not_even_read() {
    for header in [
        json!({ "alg": "ES256", "kid": "k", "typ": "JWT", "jwk": {} }),
        json!({ "alg": "ES256", "kid": "k", "typ": "JWT", "jku": "https://evil.example" }),
        json!({ "alg": "ES256", "kid": "k", "typ": "JWT", "x5u": "https://evil.example" }),
        json!({ "alg": "ES256", "kid": "k", "typ": "JWT", "crit": ["exp"] }),
        json!({ "alg": "ES256", "kid": "k", "typ": "JWT", "b64": false }),
        json!({ "alg": "ES256", "typ": "JWT" }),
    ] {
        let token = format!("{}.e30.AAAA", base64url(header.to_string()));
        assert_eq!(Header::of(&token), Err(Error::Malformed), "{header}");
    }
    for token in ["", ".", "..", "a.b", "a.b.c.d", "e30=.e30.e30"] {
        assert_eq!(Header::of(token), Err(Error::Malformed), "{token}");
    }
}

#[test]
fn a_key_shows_nothing_of_itself() {
    let key = key(Algorithm::Es256);
    assert_eq!(format!("{key:?}"), format!("SigningKey(ES256 {})", key.kid()));
}

/// An ID token signed with EdDSA has the left half of a SHA-512, the others that of a SHA-256.
#[test]
fn the_half_of_a_hash_is_by_the_hash_of_the_algorithm() {
    // OIDC Core has no example for `at_hash`; this is `printf token | sha256sum` and `sha512sum`.
    let hex = |algorithm| hex::encode(from_base64url(&half_hash(algorithm, "token")).unwrap());
    for algorithm in [Algorithm::Rs256, Algorithm::Es256, Algorithm::Ps256] {
        assert_eq!(hex(algorithm), "3c469e9d6c5875d37a43f353d4f88e61");
    }
    assert_eq!(hex(Algorithm::EdDsa), "2265daba0872fc3aef169d079365e590f0cbc8ed46c2a7984c8a642803cfd96c");
}
