//! What the OpenID Foundation's conformance suite tries and no other story here tells. Which of its modules each promise
//! holds is said in `docs/protocols/certification.md`.

use super::{proving::Bank, *};
use crate::wire::jose::base64url;
use axum::http::Method;
use serde_json::json;

impl House {
    /// Userinfo, asked as the suite asks.
    async fn ask_userinfo(&self, method: Method, scheme: Option<&str>, body: &str) -> StatusCode {
        let mut headers = HeaderMap::new();
        match scheme {
            Some(credentials) => headers.insert(header::AUTHORIZATION, credentials.parse().unwrap()),
            None => headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap()),
        };
        userinfo::userinfo(State(self.provider.clone()), method, headers, Bytes::from(body.to_owned())).await.status()
    }
}

#[tokio::test]
async fn a_wish_that_we_do_not_grant_is_no_reason_to_turn_a_reader_away() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    for wish in [
        ("display", "page"),
        ("display", "popup"),
        ("claims_locales", "se"),
        ("ui_locales", "se"),
        ("acr_values", "1 2"),
        ("login_hint", "bob@example.com"),
        ("extra", "foobar"),
    ] {
        let code = house.code(&browser, &[wish]).await;
        let (status, tokens) = house.token(&[("code", &code)]).await;
        assert_eq!(status, StatusCode::OK, "{wish:?}: {tokens}");
    }
}

#[tokio::test]
async fn the_code_flow_needs_no_nonce_and_gives_none_back() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let nonce = |tokens: &Value| house.claims(&tokens["id_token"], "JWT").get("nonce").cloned();
    let (_, with) = house.token(&[("code", &house.code(&browser, &[]).await)]).await;
    assert_eq!(nonce(&with), Some("n-1".into()));
    let (_, without) = house.token(&[("code", &house.code(&browser, &[("nonce", "")]).await)]).await;
    assert_eq!(nonce(&without), None);
}

#[tokio::test]
async fn userinfo_answers_a_post_as_it_answers_a_get() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let (_, tokens) = house.token(&[("code", &house.code(&browser, &[]).await)]).await;
    let token = tokens["access_token"].as_str().unwrap();
    let (bearer, form) = (format!("Bearer {token}"), format!("access_token={token}"));
    assert_eq!(house.ask_userinfo(Method::GET, Some(&bearer), "").await, StatusCode::OK);
    assert_eq!(house.ask_userinfo(Method::POST, Some(&bearer), "").await, StatusCode::OK);
    assert_eq!(house.ask_userinfo(Method::POST, Some(&bearer.replace("Bearer", "bEARER")), "").await, StatusCode::OK);
    assert_eq!(house.ask_userinfo(Method::POST, None, &form).await, StatusCode::OK);
    assert_eq!(house.ask_userinfo(Method::POST, None, "access_token=other").await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_clients_clock_may_be_seconds_off_and_not_a_minute() {
    let bank = Bank::open(json!({})).await;
    let now = bank.now();
    let assertion = async |ahead: i64| {
        let assertion = bank.assertion(json!({ "iat": now + ahead, "nbf": now + ahead }));
        bank.redeem(&bank.code().await, &assertion, None).await.0
    };
    assert_eq!(assertion(8).await, StatusCode::OK);
    assert_eq!(assertion(61).await, StatusCode::UNAUTHORIZED);
    let proof = async |off: i64| {
        let proof = bank.dpop("/oidc/token", json!({ "iat": now + off }));
        bank.redeem(&bank.code().await, &bank.assertion(json!({})), Some(&proof)).await.0
    };
    assert_eq!((proof(-10).await, proof(10).await), (StatusCode::OK, StatusCode::OK));
    assert_eq!((proof(-90).await, proof(90).await), (StatusCode::BAD_REQUEST, StatusCode::BAD_REQUEST));
}

#[tokio::test]
async fn the_key_that_pushes_a_request_is_the_one_that_redeems_its_code() {
    let bank = Bank::open(json!({})).await;
    let push = async |announced: &[(&str, &str)]| {
        let right = [("client_id", "key-web"), ("scope", "openid library.ebooks")];
        let query = query(&[&right, announced].concat());
        let form: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let proof = bank.dpop("/oidc/par", json!({}));
        json(bank.post("/oidc/par", &form, &bank.assertion(json!({})), Some(&proof)).await).await
    };
    let another = push(&[("dpop_jkt", &"A".repeat(43))]).await;
    assert_eq!(another["error"], "invalid_request", "{another}");
    let pushed = push(&[]).await;
    let uri = pushed["request_uri"].as_str().unwrap();
    let redeem = async |key: &Bank| {
        let answer = bank.arrive(&[("client_id", "key-web"), ("request_uri", uri)]).await;
        let proof = key.dpop("/oidc/token", json!({}));
        let code = sent_back(&answer, "code").unwrap();
        bank.redeem(&code, &bank.assertion(json!({})), Some(&proof)).await
    };
    let thief = Bank::open(json!({})).await;
    let (_, error) = redeem(&thief).await;
    assert_eq!(error["error"], "invalid_grant");
}

#[tokio::test]
async fn a_fapi_client_that_signs_its_requests_signs_all_of_them_for_us_and_for_an_hour() {
    let bank = Bank::open(json!({
        "profile": "fapi2", "id_token_signed_response_alg": "ES256", "require_signed_request_object": true,
    }))
    .await;
    let now = bank.now();
    let right = json!({
        "iss": "key-web", "aud": ISSUER, "client_id": "key-web", "response_type": "code", "redirect_uri": CALLBACK,
        "scope": "openid library.ebooks", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        "nbf": now, "exp": now + 300,
    });
    let push = async |jwt: &str| {
        let form = [("client_id", "key-web"), ("request", jwt)];
        json(bank.post("/oidc/par", &form, &bank.assertion(json!({})), None).await).await
    };
    let pushed = push(&bank.sign(&right)).await;
    assert!(pushed["request_uri"].is_string(), "{pushed}");
    let mut among_others = right.clone();
    among_others["aud"] = json!([ISSUER, "https://elsewhere.example"]);
    assert!(push(&bank.sign(&among_others)).await["request_uri"].is_string(), "for us and somebody else");
    for (name, value) in
        [("aud", Value::Null), ("nbf", Value::Null), ("exp", Value::Null), ("exp", (now + 7200).into())]
    {
        let mut wrong = right.clone();
        if value.is_null() {
            wrong.as_object_mut().unwrap().remove(name);
        } else {
            wrong[name] = value;
        }
        assert_eq!(push(&bank.sign(&wrong)).await["error"], "invalid_request_object", "{name}");
    }
    let unsigned = format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url(right.to_string()));
    assert_eq!(push(&unsigned).await["error"], "invalid_request_object", "unsigned");
    let plain = query(&[("client_id", "key-web"), ("scope", "openid library.ebooks")]);
    let form: Vec<(String, String)> = form_urlencoded::parse(plain.as_bytes()).into_owned().collect();
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let answer = json(bank.post("/oidc/par", &form, &bank.assertion(json!({})), None).await).await;
    assert_eq!(answer["error"], "invalid_request", "not in an object: {answer}");
}

#[tokio::test]
async fn an_assertion_speaks_for_the_client_that_made_it_alone() {
    let bank = Bank::open(json!({})).await;
    let code = bank.code().await;
    let form = |client| {
        [
            ("grant_type", "authorization_code"),
            ("code", code.as_str()),
            ("redirect_uri", CALLBACK),
            ("client_id", client),
        ]
    };
    let answer = bank.post("/oidc/token", &form("maple-web"), &bank.assertion(json!({})), None).await;
    assert_eq!(json(answer).await["error"], "invalid_client");
    let (status, tokens) = bank.redeem(&code, &bank.assertion(json!({})), None).await;
    assert_eq!(status, StatusCode::OK, "the code was not spent by it: {tokens}");
}

#[tokio::test]
async fn who_signs_out_by_a_hint_alone_reads_that_it_is_done() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let (_, tokens) = house.token(&[("code", &house.code(&browser, &[]).await)]).await;
    let hint = tokens["id_token"].as_str().unwrap();
    let done = house.end_session(&browser, &[("id_token_hint", hint)]).await;
    assert!(location(&done).starts_with("/signed-out"), "{done:?}");
    assert!(location(&house.authorize(&browser, &[]).await).starts_with("/sign-in/"));
}
