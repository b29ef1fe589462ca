//! What verifying by a vendor's keys promises.

use serde_json::{Value, json};

use super::*;
use crate::wire::jose::{SigningKey, base64url};

const ALL: Accept<'static> = Accept { algorithms: &Algorithm::ALL, types: &["JWT"], untyped: true };

fn key(algorithm: Algorithm) -> SigningKey {
    SigningKey::from_pkcs8(algorithm, &SigningKey::generate(algorithm).unwrap()).unwrap()
}

fn set(keys: &[&Value]) -> PublicJwks {
    PublicJwks::read(&json!({ "keys": keys })).unwrap()
}

fn without(jwk: &Value, members: &[&str]) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().retain(|name, _| !members.contains(&name.as_str()));
    jwk
}

fn with(jwk: &Value, more: &Value) -> Value {
    let mut jwk = jwk.clone();
    jwk.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    jwk
}

/// A token with any header at all, signed by `key` over just that.
fn signed(key: &SigningKey, header: &Value, claims: &str) -> String {
    let der = PRIVATE.with(|keys| keys.borrow().get(key.kid()).cloned().unwrap());
    let pair = crate::wire::jose::pair::Pair::from_pkcs8(key.algorithm(), &der).unwrap();
    let message = format!("{}.{}", base64url(header.to_string()), base64url(claims));
    let signature = base64url(pair.sign(message.as_bytes()).unwrap());
    format!("{message}.{signature}")
}

thread_local! {
    static PRIVATE: std::cell::RefCell<std::collections::HashMap<String, Vec<u8>>> = Default::default();
}

/// A key whose private half stays at hand for `signed`.
fn open_key(algorithm: Algorithm) -> SigningKey {
    let der = SigningKey::generate(algorithm).unwrap();
    let key = SigningKey::from_pkcs8(algorithm, &der).unwrap();
    PRIVATE.with(|keys| keys.borrow_mut().insert(key.kid().to_owned(), der));
    key
}

#[test]
fn a_token_is_verified_by_the_published_key_of_each_algorithm_and_by_no_other() {
    for algorithm in Algorithm::ALL {
        let (mine, other) = (key(algorithm), key(algorithm));
        let token = mine.sign("JWT", &json!({ "sub": "maple" })).unwrap();
        let (foreign, claims) = set(&[mine.jwk()]).verify::<Value>(&token, &ALL).unwrap();
        assert_eq!((foreign.algorithm, claims), (algorithm, json!({ "sub": "maple" })));
        assert_eq!(foreign.kid.as_deref(), Some(mine.kid()));
        assert_eq!(set(&[other.jwk()]).verify::<Value>(&token, &ALL).unwrap_err(), Refused::UnknownKey);
        let impostor = with(other.jwk(), &json!({ "kid": mine.kid() }));
        assert_eq!(set(&[&impostor]).verify::<Value>(&token, &ALL).unwrap_err(), Refused::Signature);
        // Two keys of one name: either may have signed.
        assert!(set(&[&impostor, mine.jwk()]).verify::<Value>(&token, &ALL).is_ok());
    }
}

/// The example of RFC 8037 appendices A.1 to A.4.
#[test]
fn the_example_of_rfc_8037_verifies() {
    let jwk = json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" });
    let keys = set(&[&jwk]);
    assert_eq!(keys.keys()[0].thumbprint(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
    let token = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
                 hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";
    let (message, signature) = token.rsplit_once('.').unwrap();
    assert!(keys.keys()[0].signed(Algorithm::EdDsa, message, &from_base64url(signature).unwrap()));
    // Its payload is words, and so no JWT.
    assert_eq!(keys.verify::<Value>(token, &ALL).unwrap_err(), Refused::Malformed);
}

#[test]
fn only_what_is_on_the_list_is_looked_at() {
    let key = open_key(Algorithm::Es256);
    let keys = set(&[key.jwk()]);
    let judge = |header: Value| keys.verify::<Value>(&signed(&key, &header, "{}"), &ALL).err();
    let kid = key.kid();
    assert_eq!(judge(json!({ "alg": "ES256", "kid": kid })), None);
    assert_eq!(
        judge(json!({ "alg": "ES256", "kid": kid, "jku": "https://evil.example", "x5u": "x" })),
        None,
        "ignored"
    );
    for alg in ["none", "None", "HS256", "HS512", "ES384", "RS512", "es256", "ES256 ", "Ed25519", ""] {
        assert_eq!(judge(json!({ "alg": alg, "kid": kid })), Some(Refused::Algorithm), "{alg}");
    }
    for alg in ["RS256", "PS256", "EdDSA"] {
        assert_eq!(judge(json!({ "alg": alg, "kid": kid })), Some(Refused::UnknownKey), "{alg}: not this key's");
    }
    for crit in [json!(["exp"]), json!([]), json!(null), json!("b64")] {
        assert_eq!(judge(json!({ "alg": "ES256", "kid": kid, "crit": crit })), Some(Refused::Critical));
    }
    assert_eq!(judge(json!({ "alg": "ES256", "kid": "other" })), Some(Refused::UnknownKey));
    assert_eq!(judge(json!({ "kid": kid })), Some(Refused::Malformed));
    assert_eq!(judge(json!(["ES256"])), Some(Refused::Malformed));

    let token = signed(&key, &json!({ "alg": "ES256" }), "{}");
    let narrow = Accept { algorithms: &[Algorithm::Ps256], ..ALL };
    assert_eq!(keys.verify::<Value>(&token, &narrow).unwrap_err(), Refused::Algorithm);
    for claims in ["", "[]", "1", "{", "{}{}"] {
        let token = signed(&key, &json!({ "alg": "ES256" }), claims);
        assert_eq!(keys.verify::<Value>(&token, &ALL).unwrap_err(), Refused::Malformed, "{claims:?}");
    }
    let long = signed(&key, &json!({ "alg": "ES256" }), &json!({ "x": "y".repeat(LONGEST_TOKEN) }).to_string());
    assert_eq!(keys.verify::<Value>(&long, &ALL).unwrap_err(), Refused::Malformed);
}

#[test]
fn a_header_field_given_twice_is_refused() {
    let key = open_key(Algorithm::Es256);
    let token = signed(&key, &json!({ "alg": "ES256" }), "{}");
    let header = base64url(r#"{"alg":"none","alg":"ES256"}"#);
    let twice = format!("{header}.{}", token.split_once('.').unwrap().1);
    assert_eq!(set(&[key.jwk()]).verify::<Value>(&twice, &ALL).unwrap_err(), Refused::Malformed);
}

#[test]
fn the_type_is_compared_as_media_types_are() {
    let key = open_key(Algorithm::Es256);
    let keys = set(&[key.jwk()]);
    let proof = Accept { types: &["dpop+jwt"], untyped: false, ..ALL };
    let judge = |typ: Value| keys.verify::<Value>(&signed(&key, &json!({ "alg": "ES256", "typ": typ }), "{}"), &proof);
    for typ in ["dpop+jwt", "DPoP+JWT", "application/dpop+jwt"] {
        assert!(judge(json!(typ)).is_ok(), "{typ}");
    }
    for typ in [json!("JWT"), json!("at+jwt"), json!("dpop"), json!("application/application/dpop+jwt"), json!(null)] {
        assert_eq!(judge(typ.clone()).unwrap_err(), Refused::Type, "{typ}");
    }
}

#[test]
fn each_bit_of_a_token_counts() {
    let key = key(Algorithm::EdDsa);
    let keys = set(&[key.jwk()]);
    let good = key.sign("JWT", &json!({ "sub": "maple" })).unwrap();
    for place in 0..good.len() {
        let mut bytes = good.clone().into_bytes();
        bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
        let forged = String::from_utf8(bytes).unwrap();
        assert!(keys.verify::<Value>(&forged, &ALL).is_err(), "place {place}");
    }
    for spoilt in [format!("{good}="), format!("{good}."), format!(" {good}"), good.replace('.', ".."), String::new()] {
        assert!(keys.verify::<Value>(&spoilt, &ALL).is_err(), "{spoilt}");
    }
}

#[test]
fn a_set_that_shows_a_private_or_weak_key_is_refused_and_says_why() {
    let (rsa, ec, ed) = (key(Algorithm::Rs256), key(Algorithm::Es256), key(Algorithm::EdDsa));
    let read = |jwk: Value| PublicJwks::read(&json!({ "keys": [ec.jwk(), jwk] })).map(|set| set.keys().len());
    for secret in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        assert_eq!(read(with(rsa.jwk(), &json!({ secret: "AQAB" }))), Err(BadKey::Private(secret)));
    }
    assert_eq!(read(json!({ "kty": "oct", "k": "c2VjcmV0" })), Err(BadKey::Private("k")));
    let odd = |bytes: usize| base64url([vec![0xff; bytes - 1], vec![1]].concat());
    assert_eq!(read(with(rsa.jwk(), &json!({ "n": odd(128) }))), Err(BadKey::RsaBits(1024)));
    assert_eq!(read(with(rsa.jwk(), &json!({ "n": odd(2048) }))), Err(BadKey::RsaBits(16384)));
    let padded = [vec![0], from_base64url(rsa.jwk()["n"].as_str().unwrap()).unwrap()].concat();
    assert_eq!(read(with(rsa.jwk(), &json!({ "n": base64url(padded) }))), Err(BadKey::Member("n")));
    for e in ["AQ", "Ag", "AAEAAQ", "", "AQAB=", "_____w8"] {
        assert_eq!(read(with(rsa.jwk(), &json!({ "e": e }))), Err(BadKey::Member("e")), "{e}");
    }
    assert_eq!(read(with(ec.jwk(), &json!({ "y": ec.jwk()["x"] }))), Err(BadKey::Broken), "not on the curve");
    assert_eq!(read(with(ec.jwk(), &json!({ "x": "AQ" }))), Err(BadKey::Member("x")));
    assert_eq!(read(with(ed.jwk(), &json!({ "x": "AQ" }))), Err(BadKey::Member("x")));
    assert_eq!(read(json!("no key")), Err(BadKey::NoKey));
    // What is for others is passed over.
    for other in [
        json!({ "kty": "EC", "crv": "P-384", "x": "AQ", "y": "AQ" }),
        json!({ "kty": "new" }),
        with(rsa.jwk(), &json!({ "use": "enc", "n": odd(128) })),
        with(rsa.jwk(), &json!({ "alg": "RSA-OAEP" })),
        with(rsa.jwk(), &json!({ "key_ops": ["encrypt"] })),
        with(ec.jwk(), &json!({ "alg": "RS256" })),
    ] {
        assert_eq!(read(other), Ok(1));
    }
    assert_eq!(read(with(rsa.jwk(), &json!({ "key_ops": ["verify"] }))), Ok(2));
    assert_eq!(PublicJwks::read(&json!({ "keys": [] })), Err(BadKey::Empty));
    assert_eq!(PublicJwks::read(&json!([ec.jwk()])), Err(BadKey::NoSet));
    assert_eq!(PublicJwks::read(&json!({ "keys": vec![ec.jwk(); 11] })), Err(BadKey::TooMany));
    assert!(PublicJwks::read(&json!({ "keys": vec![ec.jwk(); 10] })).is_ok());
}

#[test]
fn an_rsa_key_that_names_no_algorithm_fits_both_and_one_that_does_fits_that_alone() {
    let key = key(Algorithm::Rs256);
    let free = PublicJwk::read(&without(key.jwk(), &["alg"])).unwrap();
    assert!(free.fits(Algorithm::Rs256) && free.fits(Algorithm::Ps256) && !free.fits(Algorithm::Es256));
    let bound = PublicJwk::read(&with(key.jwk(), &json!({ "alg": "PS256" }))).unwrap();
    assert!(bound.fits(Algorithm::Ps256) && !bound.fits(Algorithm::Rs256));
    assert_eq!(free.thumbprint(), key.kid());
    // What was signed with one padding does not pass as the other.
    let token = key.sign("JWT", &json!({})).unwrap();
    let header = base64url(json!({ "alg": "PS256", "kid": key.kid(), "typ": "JWT" }).to_string());
    let swapped = format!("{header}.{}", token.split_once('.').unwrap().1);
    let keys = set(&[&without(key.jwk(), &["alg"])]);
    assert_eq!(keys.verify::<Value>(&swapped, &ALL).unwrap_err(), Refused::Signature);
}

#[test]
fn a_proof_brings_its_own_key_and_proves_that_one_alone() {
    let key = open_key(Algorithm::Es256);
    let jwk = without(key.jwk(), &["use", "alg", "kid"]);
    let proof = Accept { algorithms: &Algorithm::ALL, types: &["dpop+jwt"], untyped: false };
    let judge = |jwk: Value| {
        let header = json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": jwk });
        verify_by_own_key::<Value>(&signed(&key, &header, r#"{"jti":"1"}"#), &proof)
    };
    let (own, _, claims) = judge(jwk.clone()).unwrap();
    assert_eq!((own.thumbprint(), claims), (key.kid(), json!({ "jti": "1" })));
    assert_eq!(judge(json!(null)).unwrap_err(), Refused::NoKey);
    assert_eq!(judge(with(&jwk, &json!({ "d": "AQ" }))).unwrap_err(), Refused::OwnKey(BadKey::Private("d")));
    assert_eq!(judge(self::key(Algorithm::EdDsa).jwk().clone()).unwrap_err(), Refused::UnknownKey);
    let other = self::key(Algorithm::Es256);
    assert_eq!(judge(other.jwk().clone()).unwrap_err(), Refused::Signature);
}
