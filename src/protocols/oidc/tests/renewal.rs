//! What is renewed, asked about and given back.

use super::*;
use axum::http::HeaderValue;
use serde_json::json;

const APP: &str = "maple-app:app-secret-long-enough";
const OTHER: &str = "maple-other:other-secret-long-enough";

impl House {
    async fn as_app(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let headers = as_client(APP);
        let response = token::token(State(self.provider.clone()), headers, encoded(form)).await;
        (response.status(), json(response).await)
    }

    /// The app's tokens for whoever sits at `browser`.
    async fn app_tokens(&self, browser: &HeaderMap, change: &[(&str, &str)]) -> Value {
        let mut change = change.to_vec();
        change.push(("client_id", "maple-app"));
        let code = self.code(browser, &change).await;
        let form = [
            ("grant_type", "authorization_code"),
            ("code", &code),
            ("redirect_uri", CALLBACK),
            ("code_verifier", VERIFIER),
        ];
        let (status, tokens) = self.as_app(&form).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        tokens
    }

    async fn refresh(&self, token: &Value) -> (StatusCode, Value) {
        self.as_app(&[("grant_type", "refresh_token"), ("refresh_token", token.as_str().unwrap())]).await
    }

    async fn introspect(&self, client: &str, token: &Value) -> Value {
        let body = encoded(&[("token", token.as_str().unwrap())]);
        let response = introspect::introspect(State(self.provider.clone()), as_client(client), body).await;
        assert_eq!(response.status(), StatusCode::OK);
        json(response).await
    }

    async fn revoke(&self, client: &str, token: &Value) -> StatusCode {
        let body = encoded(&[("token", token.as_str().unwrap())]);
        revoke::revoke(State(self.provider.clone()), as_client(client), body).await.status()
    }

    async fn opens_userinfo(&self, tokens: &Value) -> bool {
        self.userinfo(tokens["access_token"].as_str().unwrap()).await.0 == StatusCode::OK
    }
}

fn as_client(credentials: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, credentials);
    headers.insert(header::AUTHORIZATION, format!("Basic {basic}").parse().unwrap());
    headers
}

fn encoded(form: &[(&str, &str)]) -> Bytes {
    Bytes::from(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish())
}

#[tokio::test]
async fn an_app_renews_what_it_has_and_each_refresh_token_is_spent_by_its_use() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let first = house.app_tokens(&browser, &[]).await;
    let (status, second) = house.refresh(&first["refresh_token"]).await;
    assert_eq!(status, StatusCode::OK, "{second}");
    assert_eq!(second["scope"], "openid library.ebooks");
    assert_ne!(second["refresh_token"], first["refresh_token"]);
    assert!(house.opens_userinfo(&second).await);
    let (before, after) = (house.claims(&first["id_token"], "JWT"), house.claims(&second["id_token"], "JWT"));
    assert_eq!((&before["sub"], &before["sid"]), (&after["sub"], &after["sid"]));
    assert_eq!((&before["auth_time"], after.get("nonce")), (&after["auth_time"], None), "OIDC Core 12.2");
    let (status, _) = house.refresh(&second["refresh_token"]).await;
    assert_eq!(status, StatusCode::OK);
}

#[tokio::test]
async fn a_client_whose_answer_was_lost_gets_the_same_successor_for_ten_seconds() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let first = house.app_tokens(&browser, &[]).await;
    let (_, second) = house.refresh(&first["refresh_token"]).await;
    house.clock.advance(Duration::from_secs(10));
    let (status, again) = house.refresh(&first["refresh_token"]).await;
    assert_eq!((status, &again["refresh_token"]), (StatusCode::OK, &second["refresh_token"]));
    assert_eq!(house.refresh(&second["refresh_token"]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn a_refresh_token_that_comes_again_takes_the_whole_family_down() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let first = house.app_tokens(&browser, &[]).await;
    let (_, second) = house.refresh(&first["refresh_token"]).await;
    house.clock.advance(Duration::from_millis(10_001));
    let (status, error) = house.refresh(&first["refresh_token"]).await;
    assert_eq!((status, &error["error"]), (StatusCode::BAD_REQUEST, &"invalid_grant".into()));
    assert_eq!(house.refresh(&second["refresh_token"]).await.0, StatusCode::BAD_REQUEST, "the thief's and the owner's");
    assert!(!house.opens_userinfo(&second).await);
}

#[tokio::test]
async fn a_refresh_token_is_its_own_clients_and_nobody_can_write_one() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let tokens = house.app_tokens(&browser, &[]).await;
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let form = encoded(&[("grant_type", "refresh_token"), ("refresh_token", &refresh)]);
    let response = token::token(State(house.provider.clone()), as_client(OTHER), form).await;
    assert_eq!(json(response).await["error"], "unauthorized_client", "not registered for it");
    let next = refresh.replacen(".0.", ".1.", 1);
    assert_ne!(next, refresh);
    for forged in [next.as_str(), &refresh[1..], &refresh.to_uppercase(), "", "..", &format!("{refresh}A")] {
        let (status, error) = house.refresh(&forged.into()).await;
        let code = if forged.is_empty() { "invalid_request" } else { "invalid_grant" };
        assert_eq!((status, &error["error"]), (StatusCode::BAD_REQUEST, &code.into()), "{forged}");
    }
    assert_eq!(house.refresh(&refresh.into()).await.0, StatusCode::OK, "and none of it spent the real one");
}

#[tokio::test]
async fn signing_out_ends_what_is_renewed_but_not_what_may_stay() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let tokens = house.app_tokens(&browser, &[]).await;
    let staying = house.app_tokens(&browser, &[("scope", "openid library.ebooks offline_access")]).await;
    assert_eq!(staying["scope"], "openid offline_access library.ebooks");
    let visitor = house.provider.visitor(&browser, peer());
    house.provider.signon.leave(&visitor, None, None).await.unwrap();
    assert_eq!(house.refresh(&tokens["refresh_token"]).await.0, StatusCode::BAD_REQUEST);
    let (status, renewed) = house.refresh(&staying["refresh_token"]).await;
    assert_eq!(status, StatusCode::OK, "{renewed}");
    assert!(house.opens_userinfo(&renewed).await);
    house.clock.advance(Duration::from_secs(30 * 86_400));
    assert_eq!(house.refresh(&renewed["refresh_token"]).await.0, StatusCode::BAD_REQUEST, "thirty days are over");
}

#[tokio::test]
async fn a_back_end_speaks_for_itself_and_about_no_reader() {
    let house = House::open().await;
    let (status, tokens) = house.as_app(&[("grant_type", "client_credentials")]).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!((tokens.get("id_token"), tokens.get("refresh_token")), (None, None));
    let access = house.claims(&tokens["access_token"], "at+jwt");
    assert_eq!((&access["sub"], &access["client_id"]), (&"maple-app".into(), &"maple-app".into()));
    assert_eq!((&access["scope"], access.get("auth_time")), (&"library.ebooks".into(), None));
    assert!(!house.opens_userinfo(&tokens).await);
    let wide = [("grant_type", "client_credentials"), ("scope", "library.ebooks library.checkout")];
    assert_eq!(house.as_app(&wide).await.1["error"], "invalid_scope");
    assert_eq!(house.introspect(APP, &tokens["access_token"]).await["active"], true);
    assert_eq!(house.revoke(APP, &tokens["access_token"]).await, StatusCode::OK);
    assert_eq!(house.introspect(APP, &tokens["access_token"]).await, json!({ "active": false }));
}

#[tokio::test]
async fn a_vendors_server_asks_whether_a_token_holds_and_hears_of_its_own_alone() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let tokens = house.app_tokens(&browser, &[]).await;
    for caller in [APP, OTHER] {
        let found = house.introspect(caller, &tokens["access_token"]).await;
        assert_eq!((&found["active"], &found["client_id"]), (&true.into(), &"maple-app".into()), "one vendor");
        assert_eq!(found["scope"], "openid library.ebooks");
        assert_eq!(found["exp"].as_i64().unwrap() - found["iat"].as_i64().unwrap(), 300);
        assert_eq!(found.get("audience_band"), None);
    }
    assert_eq!(house.introspect(APP, &tokens["refresh_token"]).await["active"], true);
    for nobody_elses in [
        ("birch-web:birch-secret-long-enough", &tokens["access_token"]),
        (OTHER, &tokens["refresh_token"]),
        (APP, &tokens["id_token"]),
        (APP, &"nonsense".into()),
    ] {
        assert_eq!(house.introspect(nobody_elses.0, nobody_elses.1).await, json!({ "active": false }));
    }
    house.refresh(&tokens["refresh_token"]).await;
    assert_eq!(house.introspect(APP, &tokens["refresh_token"]).await, json!({ "active": false }), "it was spent");
    house.clock.advance(Duration::from_secs(300));
    assert_eq!(house.introspect(APP, &tokens["access_token"]).await, json!({ "active": false }));
}

#[tokio::test]
async fn an_answer_about_a_token_is_signed_where_that_is_asked_for() {
    let house = House::open().await;
    let (_, tokens) = house.as_app(&[("grant_type", "client_credentials")]).await;
    let mut headers = as_client(APP);
    headers.insert(header::ACCEPT, HeaderValue::from_static("application/token-introspection+jwt"));
    let body = encoded(&[("token", tokens["access_token"].as_str().unwrap())]);
    let response = introspect::introspect(State(house.provider.clone()), headers, body).await;
    assert_eq!(response.headers()[header::CONTENT_TYPE], "application/token-introspection+jwt");
    let jwt = String::from_utf8(to_bytes(response.into_body(), 1 << 16).await.unwrap().to_vec()).unwrap();
    let header = crate::wire::jose::Header::of(&jwt).unwrap();
    assert_eq!(header.typ, "token-introspection+jwt");
    let claims = jwt.split('.').nth(1).and_then(crate::wire::jose::from_base64url).unwrap();
    let claims: Value = serde_json::from_slice(&claims).unwrap();
    assert_eq!((&claims["iss"], &claims["aud"]), (&ISSUER.into(), &"maple-app".into()));
    assert_eq!(claims["token_introspection"]["active"], true);
    assert_eq!(claims.get("exp"), None, "RFC 9701 section 5: so that it is taken for nothing else");
}

#[tokio::test]
async fn what_a_vendor_gives_back_is_gone_with_all_that_came_with_it() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    for which in ["access_token", "refresh_token"] {
        let tokens = house.app_tokens(&browser, &[]).await;
        let status = house.revoke(OTHER, &tokens[which]).await;
        assert!([StatusCode::OK, StatusCode::BAD_REQUEST].contains(&status));
        assert!(house.opens_userinfo(&tokens).await, "another client gives back nothing of it");
        assert_eq!(house.revoke(APP, &tokens[which]).await, StatusCode::OK);
        assert!(!house.opens_userinfo(&tokens).await);
        assert_eq!(house.refresh(&tokens["refresh_token"]).await.0, StatusCode::BAD_REQUEST);
        assert_eq!(house.revoke(APP, &tokens[which]).await, StatusCode::OK, "twice is fine");
    }
    assert_eq!(house.revoke(APP, &"nonsense".into()).await, StatusCode::OK, "RFC 7009 section 2.2");
}

#[tokio::test]
async fn a_token_is_for_the_vendors_own_resource() {
    let house = House::open().await;
    let resource = format!("{ISSUER}/vendors/maple");
    let form = |resource: &str| [("grant_type", "client_credentials".to_owned()), ("resource", resource.to_owned())];
    for (asked, error) in [(resource.as_str(), None), ("https://elsewhere.example/api", Some("invalid_target"))] {
        let form = form(asked);
        let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (*name, value.as_str())).collect();
        assert_eq!(house.as_app(&form).await.1["error"].as_str(), error);
    }
    let (browser, _) = house.sign_in("4417", None).await;
    let answer = house.authorize(&browser, &[("resource", "https://elsewhere.example/api")]).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("invalid_target"));
}
