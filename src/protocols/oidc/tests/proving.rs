//! Clients that prove themselves by keys: assertions, signed and pushed requests, DPoP, and FAPI 2.0, which wants it all.

use super::*;
use crate::{
    domain::vendor::{RelyingParty, Vendor},
    wire::jose::base64url,
};
use aws_lc_rs::{
    digest,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use axum::http::Method;
use serde_json::json;

/// Whoever holds a key.
struct Holder(EcdsaKeyPair);

impl Holder {
    fn new() -> Holder {
        Holder(EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap())
    }

    fn jwk(&self) -> Value {
        let point = self.0.public_key().as_ref();
        json!({ "kty": "EC", "crv": "P-256", "x": base64url(&point[1..33]), "y": base64url(&point[33..65]) })
    }

    fn sign(&self, header: Value, claims: &Value) -> String {
        let said = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
        let signature = self.0.sign(&SystemRandom::new(), said.as_bytes()).unwrap();
        format!("{said}.{}", base64url(signature))
    }

    fn jwt(&self, claims: &Value) -> String {
        self.sign(json!({ "alg": "ES256", "typ": "JWT" }), claims)
    }

    fn proof(&self, claims: &Value) -> String {
        self.sign(json!({ "alg": "ES256", "typ": "dpop+jwt", "jwk": self.jwk() }), claims)
    }
}

pub(super) struct Bank {
    house: House,
    key: Holder,
    browser: HeaderMap,
}

const SCOPE: &str = "openid library.ebooks";

impl Bank {
    /// A vendor with one client that holds a key.
    pub(super) async fn open(settings: Value) -> Bank {
        let (house, key) = (House::open().await, Holder::new());
        let mut all = json!({
            "redirect_uris": [CALLBACK],
            "token_endpoint_auth_method": "private_key_jwt",
            "client_jwks": { "keys": [key.jwk()] },
        });
        all.as_object_mut().unwrap().extend(settings.as_object().cloned().unwrap());
        let mut catalogue = (*house.provider.app().catalogue()).clone();
        let maple: &mut Vendor = catalogue.vendors.get_mut("maple").unwrap();
        let party = RelyingParty {
            protocol: "oidc".into(),
            key: "key-web".into(),
            settings: all,
            registered: None,
            published: None,
        };
        Oidc.check(maple, &party).unwrap();
        maple.relying_parties.push(party);
        house.provider.app().catalogue.replace(catalogue.indexed());
        let (browser, _) = house.sign_in("4417", None).await;
        Bank { house, key, browser }
    }

    pub(super) fn now(&self) -> i64 {
        self.house.clock.now().seconds()
    }

    pub(super) fn assertion(&self, change: Value) -> String {
        let mut claims = json!({
            "iss": "key-web", "sub": "key-web", "aud": ISSUER, "exp": self.now() + 60, "iat": self.now(),
            "jti": uuid::Uuid::now_v7().to_string(),
        });
        claims.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        self.key.jwt(&claims)
    }

    pub(super) fn sign(&self, claims: &Value) -> String {
        self.key.jwt(claims)
    }

    pub(super) fn dpop(&self, path: &str, change: Value) -> String {
        let mut claims = json!({
            "htm": "POST", "htu": format!("{ISSUER}{path}"), "iat": self.now(),
            "jti": uuid::Uuid::now_v7().to_string(),
        });
        claims.as_object_mut().unwrap().extend(change.as_object().cloned().unwrap());
        self.key.proof(&claims)
    }

    pub(super) async fn post(
        &self,
        path: &str,
        form: &[(&str, &str)],
        assertion: &str,
        proof: Option<&str>,
    ) -> Response {
        let mut form = form.to_vec();
        form.push(("client_assertion_type", client_assertion::TYPE));
        form.push(("client_assertion", assertion));
        let body = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded".parse().unwrap());
        if let Some(proof) = proof {
            headers.insert("dpop", proof.parse().unwrap());
        }
        let (provider, body) = (State(self.house.provider.clone()), Bytes::from(body));
        match path {
            "/oidc/token" => token::token(provider, headers, body).await,
            "/oidc/par" => pushed::push(provider, headers, body).await,
            _ => panic!("{path}"),
        }
    }

    pub(super) async fn code(&self) -> String {
        self.house.code(&self.browser, &[("client_id", "key-web")]).await
    }

    async fn push(&self, change: &[(&str, &str)]) -> Value {
        let scope = [("scope", SCOPE)].into_iter().filter(|_| change.iter().all(|(name, _)| *name != "scope"));
        let query = query(&scope.chain([("client_id", "key-web")]).chain(change.iter().copied()).collect::<Vec<_>>());
        let form: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        json(self.post("/oidc/par", &form, &self.assertion(json!({})), None).await).await
    }

    /// The browser arrives with nothing but these.
    pub(super) async fn arrive(&self, what: &[(&str, &str)]) -> Response {
        self.house.authorize_plainly(&self.browser, what).await
    }

    pub(super) async fn redeem(&self, code: &str, assertion: &str, proof: Option<&str>) -> (StatusCode, Value) {
        let form = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let response = self.post("/oidc/token", &form, assertion, proof).await;
        (response.status(), json(response).await)
    }
}

#[tokio::test]
async fn a_client_proves_itself_by_its_key_and_each_assertion_counts_once() {
    let bank = Bank::open(json!({})).await;
    let assertion = bank.assertion(json!({}));
    let (status, tokens) = bank.redeem(&bank.code().await, &assertion, None).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let (status, error) = bank.redeem(&bank.code().await, &assertion, None).await;
    assert_eq!((status, &error["error"]), (StatusCode::UNAUTHORIZED, &"invalid_client".into()), "replayed jti");
}

#[tokio::test]
async fn an_assertion_that_is_not_for_us_now_and_of_this_client_is_refused() {
    let bank = Bank::open(json!({})).await;
    let (now, endpoint) = (bank.now(), format!("{ISSUER}/oidc/token"));
    let mut wrong: Vec<(&str, String)> = [
        ("another audience", json!({ "aud": "https://elsewhere.example" })),
        ("the token endpoint", json!({ "aud": endpoint })),
        ("a list", json!({ "aud": [ISSUER] })),
        ("a list of many", json!({ "aud": [ISSUER, "https://elsewhere.example"] })),
        ("over", json!({ "exp": now - 31 })),
        ("endless", json!({ "exp": now + 86_400 })),
        ("not yet", json!({ "nbf": now + 60 })),
        ("another issuer", json!({ "iss": "maple-web" })),
        ("no name", json!({ "jti": "" })),
        ("no jti", json!({ "jti": null })),
        ("no subject", json!({ "sub": null })),
    ]
    .into_iter()
    .map(|(name, change)| (name, bank.assertion(change)))
    .collect();
    let claims = json!({ "iss": "key-web", "sub": "key-web", "aud": ISSUER, "exp": now + 60, "jti": "1" });
    wrong.push(("another key", Holder::new().jwt(&claims)));
    wrong.push(("no signature", format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url(claims.to_string()))));
    wrong.push(("of a client with a secret", bank.assertion(json!({ "iss": "maple-web", "sub": "maple-web" }))));
    wrong.push(("of nobody", bank.assertion(json!({ "iss": "nobody", "sub": "nobody" }))));
    for (name, assertion) in wrong {
        let (status, error) = bank.redeem("any", &assertion, None).await;
        assert_eq!((status, &error["error"]), (StatusCode::UNAUTHORIZED, &"invalid_client".into()), "{name}");
    }
    let old = Bank::open(json!({ "assertion_audience": "token_endpoint" })).await;
    let (status, _) = old.redeem(&old.code().await, &old.assertion(json!({ "aud": endpoint })), None).await;
    assert_eq!(status, StatusCode::OK, "the marked exception");
}

#[tokio::test]
async fn a_pushed_request_is_good_once_and_for_the_client_that_pushed_it() {
    let bank = Bank::open(json!({ "require_pushed_authorization_requests": true })).await;
    let pushed = bank.push(&[]).await;
    assert_eq!(pushed["expires_in"], 90, "{pushed}");
    let uri = pushed["request_uri"].as_str().unwrap();
    let stolen = bank.arrive(&[("client_id", "maple-web"), ("request_uri", uri)]).await;
    assert_eq!(stolen.status(), StatusCode::BAD_REQUEST);
    let nobody =
        bank.house.authorize_plainly(&HeaderMap::new(), &[("client_id", "key-web"), ("request_uri", uri)]).await;
    assert!(location(&nobody).starts_with("/sign-in/"), "a page may be loaded twice");
    let answer = bank.arrive(&[("client_id", "key-web"), ("request_uri", uri), ("scope", "openid email")]).await;
    let code = sent_back(&answer, "code").unwrap();
    let (_, tokens) = bank.redeem(&code, &bank.assertion(json!({})), None).await;
    assert_eq!(tokens["scope"], SCOPE, "what was pushed counts, and nothing beside it");
    let again = bank.arrive(&[("client_id", "key-web"), ("request_uri", uri)]).await;
    assert_eq!(again.status(), StatusCode::BAD_REQUEST);
    let answer = bank.house.authorize(&bank.browser, &[("client_id", "key-web")]).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST, "a request that was not pushed");
    let elsewhere = [("client_id", "key-web"), ("request_uri", "https://maple.example/request.jwt")];
    assert_eq!(bank.arrive(&elsewhere).await.status(), StatusCode::BAD_REQUEST, "nothing is fetched");
    let told = bank.house.authorize(&bank.browser, &elsewhere).await;
    assert_eq!(sent_back(&told, "error").as_deref(), Some("request_uri_not_supported"));
}

#[tokio::test]
async fn a_wrong_request_is_refused_when_it_is_pushed() {
    let bank = Bank::open(json!({})).await;
    for (change, error) in [
        (("redirect_uri", "https://evil.example/"), "invalid_request"),
        (("code_challenge_method", "plain"), "invalid_request"),
        (("response_type", "token"), "unsupported_response_type"),
        (("request_uri", "urn:ietf:params:oauth:request_uri:x"), "invalid_request"),
        (("scope", "library.nothing"), "invalid_scope"),
    ] {
        assert_eq!(bank.push(&[change]).await["error"], error, "{change:?}");
    }
}

#[tokio::test]
async fn a_signed_request_counts_and_nothing_beside_it() {
    let bank = Bank::open(json!({ "require_signed_request_object": true })).await;
    let claims = json!({
        "iss": "key-web", "aud": ISSUER, "client_id": "key-web", "response_type": "code", "redirect_uri": CALLBACK,
        "scope": SCOPE, "state": "signed", "code_challenge": CHALLENGE, "code_challenge_method": "S256",
        "exp": bank.now() + 60, "max_age": 3600,
    });
    let ask = async |jwt: &str| {
        let outer = [("client_id", "key-web"), ("redirect_uri", CALLBACK), ("state", "outer"), ("request", jwt)];
        bank.arrive(&outer).await
    };
    let answer = ask(&bank.key.jwt(&claims)).await;
    assert_eq!(sent_back(&answer, "state").as_deref(), Some("signed"));
    let code = sent_back(&answer, "code").unwrap();
    let (_, tokens) = bank.redeem(&code, &bank.assertion(json!({})), None).await;
    assert_eq!(tokens["scope"], SCOPE);
    let with = |name: &str, value: Value| {
        let mut claims = claims.clone();
        claims[name] = value;
        bank.key.jwt(&claims)
    };
    let unsigned = format!("{}.{}.", base64url(r#"{"alg":"none"}"#), base64url(claims.to_string()));
    for (name, jwt, error) in [
        ("unsigned", unsigned, "request_not_supported"),
        ("another key", Holder::new().jwt(&claims), "invalid_request_object"),
        ("for another server", with("aud", "https://elsewhere.example".into()), "invalid_request_object"),
        ("of another client", with("client_id", "maple-web".into()), "invalid_request_object"),
        ("over", with("exp", (bank.now() - 60).into()), "invalid_request_object"),
        ("a client assertion", with("sub", "key-web".into()), "invalid_request_object"),
        ("one within another", with("request", "a.b.c".into()), "invalid_request_object"),
        ("no JWT", "nonsense".into(), "invalid_request_object"),
    ] {
        let answer = ask(&jwt).await;
        assert_eq!(sent_back(&answer, "error").as_deref(), Some(error), "{name}");
    }
    let evil = ask(&with("redirect_uri", "https://evil.example/".into())).await;
    assert_eq!(evil.status(), StatusCode::BAD_REQUEST, "a page, never a redirect");
    let bare = bank.house.authorize(&bank.browser, &[("client_id", "key-web")]).await;
    assert_eq!(bare.status(), StatusCode::BAD_REQUEST, "unsigned parameters");
    let without = bank.house.authorize(&bank.browser, &[("request", &bank.key.jwt(&claims))]).await;
    assert_eq!(sent_back(&without, "error").as_deref(), Some("request_not_supported"), "a client without keys");
}

#[tokio::test]
async fn a_bound_token_is_good_in_its_holders_hand_alone() {
    let bank = Bank::open(json!({ "dpop_bound_access_tokens": true })).await;
    let (status, error) = bank.redeem(&bank.code().await, &bank.assertion(json!({})), None).await;
    assert_eq!((status, &error["error"]), (StatusCode::BAD_REQUEST, &"invalid_dpop_proof".into()));
    let proof = bank.dpop("/oidc/token", json!({}));
    let (status, tokens) = bank.redeem(&bank.code().await, &bank.assertion(json!({})), Some(&proof)).await;
    assert_eq!((status, &tokens["token_type"]), (StatusCode::OK, &"DPoP".into()), "{tokens}");
    let token = tokens["access_token"].as_str().unwrap();
    assert!(bank.house.claims(&tokens["access_token"], "at+jwt")["cnf"]["jkt"].is_string());
    assert_eq!(bank.house.userinfo(token).await.0, StatusCode::UNAUTHORIZED, "as Bearer");
    let ath = base64url(digest::digest(&digest::SHA256, token.as_bytes()));
    let right = json!({ "htm": "GET", "ath": ath });
    let ask = async |proof: Option<String>| {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("DPoP {token}").parse().unwrap());
        if let Some(proof) = proof {
            headers.insert("dpop", proof.parse().unwrap());
        }
        userinfo::userinfo(State(bank.house.provider.clone()), Method::GET, headers, Bytes::new()).await
    };
    assert_eq!(ask(Some(bank.dpop("/oidc/userinfo", right.clone()))).await.status(), StatusCode::OK);
    let thief = Bank { key: Holder::new(), ..bank_like(&bank) };
    for (name, proof) in [
        ("no proof", None),
        ("another's key", Some(thief.dpop("/oidc/userinfo", right.clone()))),
        ("another address", Some(bank.dpop("/oidc/token", right.clone()))),
        ("another method", Some(bank.dpop("/oidc/userinfo", json!({ "htm": "POST", "ath": ath })))),
        ("another token", Some(bank.dpop("/oidc/userinfo", json!({ "htm": "GET", "ath": "x" })))),
        ("no token", Some(bank.dpop("/oidc/userinfo", json!({ "htm": "GET" })))),
        ("old", Some(bank.dpop("/oidc/userinfo", json!({ "htm": "GET", "ath": ath, "iat": bank.now() - 61 })))),
        ("a foreign nonce", Some(bank.dpop("/oidc/userinfo", json!({ "htm": "GET", "ath": ath, "nonce": "AAAA" })))),
    ] {
        let answer = ask(proof).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}");
        assert!(answer.headers()[header::WWW_AUTHENTICATE].to_str().unwrap().starts_with("DPoP error="), "{name}");
    }
    let twice = bank.dpop("/oidc/userinfo", right);
    assert_eq!(ask(Some(twice.clone())).await.status(), StatusCode::OK);
    assert_eq!(ask(Some(twice)).await.status(), StatusCode::UNAUTHORIZED, "a proof counts once");
}

impl House {
    /// A browser arrives with nothing but these.
    async fn authorize_plainly(&self, headers: &HeaderMap, what: &[(&str, &str)]) -> Response {
        let query = form_urlencoded::Serializer::new(String::new()).extend_pairs(what).finish();
        authorize::arrive(State(self.provider.clone()), peer(), headers.clone(), RawQuery(Some(query))).await
    }
}

fn bank_like(bank: &Bank) -> Bank {
    let house = House {
        folder: PathBuf::from("/nowhere/at/all"),
        clock: bank.house.clock.clone(),
        provider: bank.house.provider.clone(),
    };
    Bank { house, key: Holder::new(), browser: bank.browser.clone() }
}

#[tokio::test]
async fn a_code_is_bound_to_the_key_that_was_announced() {
    let bank = Bank::open(json!({})).await;
    let proof = bank.dpop("/oidc/token", json!({}));
    let accept =
        crate::wire::jose::Accept { algorithms: client_assertion::ALGORITHMS, types: &["dpop+jwt"], untyped: false };
    let (key, ..) = crate::wire::jose::verify_by_own_key::<Value>(&proof, &accept).unwrap();
    let announced = [("client_id", "key-web"), ("dpop_jkt", key.thumbprint())];
    let code = bank.house.code(&bank.browser, &announced).await;
    let (status, tokens) = bank.redeem(&code, &bank.assertion(json!({})), Some(&proof)).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    let code = bank.house.code(&bank.browser, &announced).await;
    let (_, error) = bank.redeem(&code, &bank.assertion(json!({})), None).await;
    assert_eq!(error["error"], "invalid_grant", "no proof at all");
    let code = bank.house.code(&bank.browser, &announced).await;
    let other = Holder::new().proof(&json!({
        "htm": "POST", "htu": format!("{ISSUER}/oidc/token"), "iat": bank.now(), "jti": "other",
    }));
    let (_, error) = bank.redeem(&code, &bank.assertion(json!({})), Some(&other)).await;
    assert_eq!(error["error"], "invalid_grant");
}

#[tokio::test]
async fn a_fapi_client_pushes_proves_and_keeps_its_refresh_token() {
    let bank = Bank::open(json!({
        "profile": "fapi2", "grant_types": ["authorization_code", "refresh_token"],
        "id_token_signed_response_alg": "ES256",
    }))
    .await;
    let straight = bank.house.authorize(&bank.browser, &[("client_id", "key-web")]).await;
    assert_eq!(straight.status(), StatusCode::BAD_REQUEST, "not pushed");
    let pushed = bank.push(&[]).await;
    let uri = pushed["request_uri"].as_str().unwrap();
    let code = sent_back(&bank.arrive(&[("client_id", "key-web"), ("request_uri", uri)]).await, "code").unwrap();

    let form = [
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", CALLBACK),
        ("code_verifier", VERIFIER),
    ];
    let first = bank.dpop("/oidc/token", json!({}));
    let answer = bank.post("/oidc/token", &form, &bank.assertion(json!({})), Some(&first)).await;
    let nonce = answer.headers()["dpop-nonce"].to_str().unwrap().to_owned();
    assert_eq!(json(answer).await["error"], "use_dpop_nonce", "and the code is not spent by it");
    let with_nonce = || bank.dpop("/oidc/token", json!({ "nonce": nonce }));
    let (status, tokens) = bank.redeem(&code, &bank.assertion(json!({})), Some(&with_nonce())).await;
    assert_eq!((status, &tokens["token_type"]), (StatusCode::OK, &"DPoP".into()), "{tokens}");
    for _ in 0..2 {
        let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
        let answer = bank.post("/oidc/token", &form, &bank.assertion(json!({})), Some(&with_nonce())).await;
        let renewed = json(answer).await;
        assert_eq!(renewed["refresh_token"], tokens["refresh_token"], "{renewed}");
        bank.house.clock.advance(Duration::from_secs(60));
    }
    bank.house.clock.advance(Duration::from_secs(300));
    let form = [("grant_type", "refresh_token"), ("refresh_token", tokens["refresh_token"].as_str().unwrap())];
    let answer = bank.post("/oidc/token", &form, &bank.assertion(json!({})), Some(&with_nonce())).await;
    assert_eq!(json(answer).await["error"], "use_dpop_nonce", "a nonce lives five minutes");
}
