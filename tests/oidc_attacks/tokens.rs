//! Tokens that userinfo must not believe.

use aws_lc_rs::hmac;
use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{actors::*, promise};

promise! { shared, async fn userinfo_believes_only_its_own_access_tokens(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let tokens = vendor.click(library, &Browser::new(), &library.patron("district_grade_7"), &["openid"]).await;
    let good = &tokens.access_token;
    assert_eq!(vendor.userinfo(good).await.0, 200);

    let keys = json_of(&vendor.endpoint("jwks_uri")).await;
    let parts: Vec<&str> = good.split('.').collect();
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts[0]).unwrap()).unwrap();
    let claims = payload_of(good);
    let kid = header["kid"].clone();
    let mut forged: Vec<(String, String)> = vec![
        ("nothing".into(), String::new()),
        ("a word".into(), "x".into()),
        ("two dots".into(), "..".into()),
        ("the ID token".into(), tokens.id_token.clone()),
        ("no signature".into(), format!("{}.{}.", parts[0], parts[1])),
        ("another's signature".into(), format!("{}.{}.{}", parts[0], parts[1], tokens.id_token.split('.').nth(2).unwrap())),
        ("a fourth part".into(), format!("{good}.x")),
    ];
    for alg in ["none", "None", "NONE", "nOnE", ""] {
        let head = json!({ "alg": alg, "typ": "at+jwt", "kid": kid });
        forged.push((format!("alg {alg:?}"), format!("{}.{}.", encode(&head), parts[1])));
        forged.push((format!("alg {alg:?}, signed"), format!("{}.{}.{}", encode(&head), parts[1], parts[2])));
    }
    for key in keys["keys"].as_array().unwrap() {
        for secret in [key.to_string(), key["n"].to_string(), key["x"].to_string(), key["kid"].to_string(), String::new()] {
            let head = json!({ "alg": "HS256", "typ": "at+jwt", "kid": key["kid"] });
            let signed = format!("{}.{}", encode(&head), parts[1]);
            let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes()), signed.as_bytes());
            forged.push(("HS256 with what is public".into(), format!("{signed}.{}", URL_SAFE_NO_PAD.encode(tag))));
        }
    }
    for (name, value) in [
        ("typ", json!("JWT")),
        ("typ", json!("logout+jwt")),
        ("crit", json!(["exp"])),
        ("jku", json!("https://evil.example/jwks")),
        ("x5u", json!("https://evil.example/cert")),
        ("jwk", keys["keys"][0].clone()),
        ("kid", json!("../../etc/passwd")),
        ("alg", json!("RS256")),
    ] {
        let mut head = header.clone();
        head[name] = value.clone();
        forged.push((format!("header {name} {value}"), format!("{}.{}.{}", encode(&head), parts[1], parts[2])));
    }
    for (name, value) in [("sub", json!("somebodyelse")), ("exp", json!(4_102_444_800_u64)), ("scope", json!("openid library.hotspot"))] {
        let mut body = claims.clone();
        body[name] = value;
        forged.push((format!("claim {name}"), format!("{}.{}.{}", parts[0], encode(&body), parts[2])));
    }
    for place in (0..parts[2].len()).step_by(7) {
        let mut bent = parts[2].as_bytes().to_vec();
        bent[place] = if bent[place] == b'A' { b'B' } else { b'A' };
        forged.push((format!("signature, place {place}"), format!("{}.{}.{}", parts[0], parts[1], String::from_utf8(bent).unwrap())));
    }
    for (what, token) in forged {
        let (status, answer) = vendor.userinfo(&token).await;
        assert!([400, 401].contains(&status), "{what}: {status} {answer}");
    }
    assert_eq!(vendor.userinfo(good).await.0, 200, "and the real one still is");
}}

promise! { shared, async fn a_token_belongs_into_the_header_and_a_refusal_says_bearer(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let tokens = vendor.click(library, &Browser::new(), &library.patron("district_grade_7"), &["openid"]).await;
    let browser = Browser::new();
    let url = vendor.endpoint("userinfo_endpoint");
    let in_the_address = browser.get(format!("{url}?access_token={}", tokens.access_token)).await;
    assert_eq!(in_the_address.status, 401, "addresses end up in logs");
    for (token, error) in [(None, ""), (Some("x"), "invalid_token")] {
        let bearer = token.map(|t| format!("Bearer {t}"));
        let headers: Vec<(&str, &str)> = bearer.iter().map(|b| ("authorization", b.as_str())).collect();
        let answer = browser.get_with(&url, &headers).await;
        assert_eq!(answer.status, 401);
        assert!(answer.header("www-authenticate").starts_with("Bearer"), "{:?}", answer.headers);
        assert!(answer.header("www-authenticate").contains(error), "{:?}", answer.headers);
    }
    let right = browser.get_with(&url, &[("authorization", &format!("Bearer {}", tokens.access_token))]).await;
    assert!(right.header("cache-control").contains("no-store"), "{:?}", right.headers);
}}

promise! { shared, async fn a_token_without_openid_does_not_open_userinfo(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let challenge = Challenge::new();
    let mut request = vendor.request(&challenge);
    request.iter_mut().find(|(n, _)| n == "scope").unwrap().1 = "library.ebooks".into();
    let patron = library.patron("district_grade_7");
    let back = Browser::new().click(&vendor.authorize_url(&request), &patron, &vendor.party).await.left();
    let code = query_of(&back, "code").unwrap_or_else(|| panic!("{back}"));
    let (status, answer) = vendor.token(&vendor.exchange(&code, &challenge)).await;
    assert_eq!(status, 200, "{answer}");
    assert!(answer["id_token"].is_null(), "no ID token where openid was not asked: {answer}");
    let (status, _) = vendor.userinfo(answer["access_token"].as_str().unwrap()).await;
    assert!([401, 403].contains(&status), "{status}");
}}

fn encode(value: &Value) -> String {
    URL_SAFE_NO_PAD.encode(value.to_string())
}
