//! What an authorization request may ask for, and who gets it.

use super::*;
use serde_json::json;

const BIRCH: (&str, &str) = ("client_id", "birch-web");
const WANTED: (&str, &str) = ("scope", "openid profile email library.ebooks");

impl House {
    /// What birch learns of whoever sits at `browser`: token response, ID token, userinfo.
    async fn told_to_birch(&self, browser: &HeaderMap, change: &[(&str, &str)]) -> (Value, Value, Value) {
        let code = self.code(browser, &[&[BIRCH], change].concat()).await;
        let (status, tokens) = self.token_as("birch-web:birch-secret-long-enough", &[("code", &code)]).await;
        assert_eq!(status, StatusCode::OK, "{tokens}");
        let id = self.claims(&tokens["id_token"], "JWT");
        let info = self.signed_userinfo(tokens["access_token"].as_str().unwrap()).await;
        assert_eq!((&info["iss"], &info["aud"]), (&ISSUER.into(), &"birch-web".into()));
        (tokens, id, info)
    }

    /// Birch is registered for signed answers.
    async fn signed_userinfo(&self, token: &str) -> Value {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        let provider = State(self.provider.clone());
        let response = userinfo::userinfo(provider, axum::http::Method::GET, headers, Bytes::new()).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "application/jwt");
        let jwt = html(response).await;
        assert_eq!(crate::wire::jose::Header::of(&jwt).unwrap().alg, "ES256");
        let claims = jwt.split('.').nth(1).and_then(crate::wire::jose::from_base64url).unwrap();
        serde_json::from_slice(&claims).unwrap()
    }
}

#[tokio::test]
async fn a_teachers_name_is_told_where_a_rule_allows_it_and_at_userinfo() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("9001", None).await;
    let (tokens, id, info) = house.told_to_birch(&browser, &[WANTED]).await;
    assert_eq!(tokens["scope"], "openid profile library.ebooks", "no rule for e-mail, so no scope either");
    assert_eq!((&info["name"], &info["family_name"]), (&"Pupil Example-9001".into(), &"Example-9001".into()));
    assert_eq!((id.get("name"), info.get("email")), (None, None));
    let (_, id, info) = house.told_to_birch(&browser, &[("scope", "openid library.ebooks")]).await;
    assert_eq!((id.get("name"), info.get("name")), (None, None), "nobody asked");
}

#[tokio::test]
async fn claims_are_asked_for_by_name_and_come_where_they_were_asked() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("9001", None).await;
    let claims =
        json!({ "id_token": { "given_name": null, "email": { "essential": true } }, "userinfo": { "name": null } });
    let asked = ("claims", claims.to_string());
    let asked = [("scope", "openid library.ebooks"), (asked.0, asked.1.as_str())];
    let (tokens, id, info) = house.told_to_birch(&browser, &asked).await;
    assert_eq!((&id["given_name"], id.get("name"), id.get("email")), (&"Pupil".into(), None, None));
    assert_eq!((&info["name"], info.get("given_name")), (&"Pupil Example-9001".into(), None));
    assert_eq!(tokens["scope"], "openid library.ebooks");
}

#[tokio::test]
async fn a_pupil_is_told_of_by_band_alone_whatever_a_vendor_asks() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4418", None).await;
    let claims = json!({ "id_token": { "name": { "essential": true } }, "userinfo": { "name": null } }).to_string();
    let (tokens, id, info) = house.told_to_birch(&browser, &[WANTED, ("claims", &claims)]).await;
    assert_eq!(tokens["scope"], "openid library.ebooks");
    assert_eq!((id.get("name"), info.get("name"), info.get("family_name")), (None, None, None));
    assert_eq!(info["patron_type"], "student");
}

#[tokio::test]
async fn only_the_subject_that_claims_name_is_welcome() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let code = house.code(&browser, &[]).await;
    let (_, tokens) = house.token(&[("code", &code)]).await;
    let sub = house.claims(&tokens["id_token"], "JWT")["sub"].clone();
    let named = |sub: &Value| json!({ "id_token": { "sub": { "value": sub } } }).to_string();
    house.code(&browser, &[("claims", &named(&sub))]).await;
    let other = named(&"somebody-else".into());
    let answer = house.authorize(&browser, &[("claims", &other)]).await;
    assert_eq!(sent_back(&answer, "error").as_deref(), Some("login_required"));
}

async fn html(response: Response) -> String {
    String::from_utf8(to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec()).unwrap().replace("&#x2f;", "/")
}

#[tokio::test]
async fn an_answer_may_come_as_a_form_that_needs_no_script() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let response = house.authorize(&browser, &[("response_mode", "form_post")]).await;
    assert_eq!(response.status(), StatusCode::OK);
    let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().unwrap().to_owned();
    assert!(policy.contains("script-src 'self'") && !policy.contains("form-action"), "{policy}");
    let page = html(response).await;
    assert!(page.contains(&format!("<form id=\"hand-over\" method=\"post\" action=\"{CALLBACK}\">")), "{page}");
    for field in ["name=\"code\"", "name=\"state\" value=\"st&amp;te\"", "name=\"iss\"", "id=\"continue\""] {
        assert!(page.contains(field), "{field}: {page}");
    }
    let refused = house.authorize(&HeaderMap::new(), &[("response_mode", "form_post"), ("prompt", "none")]).await;
    let page = html(refused).await;
    assert!(page.contains("name=\"error\" value=\"login_required\""), "{page}");
    let fragment = house.authorize(&browser, &[("response_mode", "fragment")]).await;
    assert_eq!(sent_back(&fragment, "error").as_deref(), Some("invalid_request"));
}

#[tokio::test]
async fn hints_reach_the_sign_in_page_and_decide_nothing() {
    let house = House::open().await;
    let hints = [("login_hint", "4418"), ("ui_locales", "fr-CA es-MX en")];
    let response = house.authorize(&HeaderMap::new(), &hints).await;
    let ticket = location(&response).strip_prefix("/sign-in/").unwrap().to_owned();
    let ask = house.provider.signon.pending(&ticket).await.unwrap().unwrap();
    assert_eq!(ask.card_hint.as_deref(), Some("4418"));
    assert_eq!(ask.languages, ["fr-CA", "es-MX", "en"]);
    let (browser, _) = house.sign_in("4417", Some(&ticket)).await;
    assert!(sent_back(&house.resume(&browser, &ticket).await, "code").is_some(), "somebody else is fine");
    let markup = house.authorize(&HeaderMap::new(), &[("login_hint", "<script>")]).await;
    let ticket = location(&markup).strip_prefix("/sign-in/").unwrap().to_owned();
    assert_eq!(house.provider.signon.pending(&ticket).await.unwrap().unwrap().card_hint, None);
}
