//! Kiosks and e-readers: what a device hears while its reader answers elsewhere (RFC 8628).

use super::*;
use crate::{
    protocols::oidc::device::{authorize as authorize_device, page},
    signon::Asked,
};
use axum::http::HeaderValue;

const READER: &str = "maple-reader";
const SCOPE: &str = "openid library.ebooks";

/// A device that shows its codes.
struct Device {
    client_id: &'static str,
    device_code: String,
    user_code: String,
}

impl House {
    async fn begin(&self, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let response = authorize_device(State(self.provider.clone()), as_form(None), encoded(form)).await;
        assert_eq!(response.headers()[header::CACHE_CONTROL], "no-store");
        (response.status(), json(response).await)
    }

    async fn device(&self, scope: &str) -> Device {
        let (status, said) = self.begin(&[("client_id", READER), ("scope", scope)]).await;
        assert_eq!(status, StatusCode::OK, "{said}");
        let of = |name: &str| said[name].as_str().unwrap().to_owned();
        Device { client_id: READER, device_code: of("device_code"), user_code: of("user_code") }
    }

    async fn poll(&self, device: &Device) -> (StatusCode, Value) {
        self.poll_as(None, &[("client_id", device.client_id), ("device_code", &device.device_code)]).await
    }

    async fn poll_as(&self, basic: Option<&str>, form: &[(&str, &str)]) -> (StatusCode, Value) {
        let mut form = form.to_vec();
        form.push(("grant_type", "urn:ietf:params:oauth:grant-type:device_code"));
        let response = token::token(State(self.provider.clone()), as_form(basic), encoded(&form)).await;
        (response.status(), json(response).await)
    }

    async fn error(&self, device: &Device) -> String {
        let (status, said) = self.poll(device).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{said}");
        said["error"].as_str().unwrap().to_owned()
    }

    async fn type_code(&self, browser: &HeaderMap, code: &str) -> Response {
        let query: String = form_urlencoded::Serializer::new(String::new()).append_pair("user_code", code).finish();
        page::show(State(self.provider.clone()), peer(), browser.clone(), RawQuery(Some(query))).await
    }

    /// Types the code, and says yes or no; where the browser ends.
    async fn answer(&self, browser: &HeaderMap, device: &Device, yes: bool) -> String {
        let page = self.type_code(browser, &device.user_code).await;
        let ticket = location(&page).strip_prefix("/consent/").unwrap().to_owned();
        self.say(browser, &ticket, yes).await;
        location(&self.back(browser, &ticket).await).to_owned()
    }

    async fn say(&self, browser: &HeaderMap, ticket: &str, yes: bool) {
        let visitor = self.provider.visitor(browser, peer());
        let to = self.provider.signon.consent(ticket, yes, &visitor).await.unwrap();
        assert_eq!(to, Some(format!("/oidc/device/{ticket}")));
    }

    async fn back(&self, browser: &HeaderMap, ticket: &str) -> Response {
        page::resume(State(self.provider.clone()), Path(ticket.to_owned()), peer(), browser.clone()).await
    }
}

fn as_form(basic: Option<&str>) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    if let Some(credentials) = basic {
        let basic = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, credentials);
        headers.insert(header::AUTHORIZATION, format!("Basic {basic}").parse().unwrap());
    }
    headers
}

fn encoded(form: &[(&str, &str)]) -> Bytes {
    Bytes::from(form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish())
}

#[tokio::test]
async fn an_e_reader_gets_what_its_reader_says_yes_to_and_outlives_her_session() {
    let house = House::open().await;
    let (status, said) = house.begin(&[("client_id", READER), ("scope", SCOPE)]).await;
    assert_eq!((status, &said["expires_in"], &said["interval"]), (StatusCode::OK, &600.into(), &5.into()));
    assert_eq!(said["verification_uri"], format!("{ISSUER}/device"));
    let complete = format!("{ISSUER}/device?user_code={}", said["user_code"].as_str().unwrap());
    assert_eq!(said["verification_uri_complete"], complete);

    let device = house.device("openid library.ebooks offline_access").await;
    assert_eq!(house.error(&device).await, "authorization_pending");
    // Nobody is signed in: sign-in, then the question, then back.
    let page = house.type_code(&HeaderMap::new(), &device.user_code.to_lowercase().replace('-', "")).await;
    let ticket = location(&page).strip_prefix("/sign-in/").unwrap().to_owned();
    let (browser, _) = house.sign_in("4417", Some(&ticket)).await;
    let ticket = location(&house.back(&browser, &ticket).await).strip_prefix("/consent/").unwrap().to_owned();
    let visitor = house.provider.visitor(&browser, peer());
    let Some(Asked::Now(asked)) = house.provider.signon.consenting(&ticket, &visitor).await.unwrap() else {
        panic!("nothing is asked");
    };
    assert_eq!(asked.question.device, Some(device.user_code.clone()), "the page shows the device's code");
    house.say(&browser, &ticket, true).await;
    assert_eq!(location(&house.back(&browser, &ticket).await), "/device/connected");

    let (status, tokens) = house.poll(&device).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!(tokens["scope"], "openid offline_access library.ebooks");
    let id = house.claims(&tokens["id_token"], "JWT");
    assert_eq!((&id["aud"], &id["audience_band"], id.get("nonce")), (&READER.into(), &"young-adult".into(), None));
    house.provider.signon.leave(&visitor, None, None).await.unwrap();
    let form =
        [("client_id", READER), ("grant_type", "refresh_token"), ("refresh_token", text(&tokens["refresh_token"]))];
    let renewed = token::token(State(house.provider.clone()), as_form(None), encoded(&form)).await;
    assert_eq!(renewed.status(), StatusCode::OK, "the e-reader goes on");
}

#[tokio::test]
async fn a_kiosk_goes_when_its_reader_signs_out() {
    let house = House::open().await;
    let kiosk = Some("maple-kiosk:kiosk-secret-long-enough");
    let form = encoded(&[("scope", "openid library.ebooks offline_access")]);
    let said = json(authorize_device(State(house.provider.clone()), as_form(kiosk), form).await).await;
    let device = Device {
        client_id: "maple-kiosk",
        device_code: text(&said["device_code"]).into(),
        user_code: text(&said["user_code"]).into(),
    };
    let (browser, _) = house.sign_in("4417", None).await;
    house.answer(&browser, &device, true).await;
    let (status, _) = house.poll_as(None, &[("client_id", "maple-kiosk"), ("device_code", &device.device_code)]).await;
    assert_eq!(status, StatusCode::UNAUTHORIZED, "without its secret");
    let (status, tokens) = house.poll_as(kiosk, &[("device_code", &device.device_code)]).await;
    assert_eq!((status, tokens.get("refresh_token")), (StatusCode::OK, None), "{tokens}");
    assert_eq!(tokens["scope"], "openid library.ebooks", "no client stays that may not");
    assert_eq!(house.userinfo(text(&tokens["access_token"])).await.0, StatusCode::OK);
    house.provider.signon.leave(&house.provider.visitor(&browser, peer()), None, None).await.unwrap();
    assert_eq!(house.userinfo(text(&tokens["access_token"])).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_device_code_is_redeemed_once_and_by_its_own_client() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let device = house.device(SCOPE).await;
    house.answer(&browser, &device, true).await;
    let as_code = [("code", device.device_code.as_str())];
    assert_eq!(house.token(&as_code).await.1["error"], "invalid_grant", "it is no authorization code");

    let device = house.device(SCOPE).await;
    let kiosk = Some("maple-kiosk:kiosk-secret-long-enough");
    let of_another = [("device_code", device.device_code.as_str())];
    assert_eq!(house.poll_as(kiosk, &of_another).await.1["error"], "invalid_grant", "before the answer");
    assert_eq!(house.answer(&browser, &device, true).await, "/device/connected");
    assert_eq!(house.poll_as(kiosk, &of_another).await.1["error"], "invalid_grant", "and after it, spending nothing");
    let (status, tokens) = house.poll(&device).await;
    assert_eq!(status, StatusCode::OK, "{tokens}");
    assert_eq!(house.error(&device).await, "invalid_grant");
    assert_eq!(house.userinfo(text(&tokens["access_token"])).await.0, StatusCode::UNAUTHORIZED, "what it won is gone");
    let unknown = Device { device_code: "never-was".into(), ..device };
    assert_eq!(house.error(&unknown).await, "invalid_grant");
}

#[tokio::test]
async fn of_many_who_ask_with_one_device_code_one_gets_tokens_at_most() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let device = house.device(SCOPE).await;
    house.answer(&browser, &device, true).await;
    let house = Arc::new(house);
    let form = encoded(&[
        ("client_id", READER),
        ("device_code", &device.device_code),
        ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
    ]);
    let polls: Vec<_> = (0..32)
        .map(|_| {
            let (provider, form) = (house.provider.clone(), form.clone());
            tokio::spawn(async move { token::token(State(provider), as_form(None), form).await.status() })
        })
        .collect();
    let mut won = 0;
    for poll in polls {
        won += usize::from(poll.await.unwrap() == StatusCode::OK);
    }
    assert!(won <= 1, "{won} got tokens");
}

#[tokio::test]
async fn a_device_that_asks_too_often_is_slowed_down_further_each_time() {
    let house = House::open().await;
    let device = house.device(SCOPE).await;
    assert_eq!(house.error(&device).await, "authorization_pending", "the first question may come at once");
    for (wait, expected) in [
        (5, "authorization_pending"),
        (3, "slow_down"),  // 10 from now on
        (9, "slow_down"),  // 15
        (14, "slow_down"), // 20
        (20, "authorization_pending"),
        (15, "slow_down"), // it does not become shorter
    ] {
        house.clock.advance(Duration::from_secs(wait));
        assert_eq!(house.error(&device).await, expected, "after {wait} s");
    }
    let (browser, _) = house.sign_in("4417", None).await;
    house.answer(&browser, &device, true).await;
    assert_eq!(house.poll(&device).await.0, StatusCode::OK, "an answer that is there is not held back");
}

#[tokio::test]
async fn a_code_that_is_over_looks_like_one_that_never_was() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let (old, late, answered) = (house.device(SCOPE).await, house.device(SCOPE).await, house.device(SCOPE).await);
    house.answer(&browser, &answered, false).await;
    let page = house.type_code(&browser, &late.user_code).await;
    let ticket = location(&page).strip_prefix("/consent/").unwrap().to_owned();
    house.say(&browser, &ticket, true).await;
    house.clock.advance(Duration::from_secs(600));
    assert_eq!(house.error(&old).await, "expired_token");
    assert_eq!(house.back(&browser, &ticket).await.status(), StatusCode::GONE, "the yes came too late");
    assert_eq!(house.error(&late).await, "expired_token");
    let mut pages = Vec::new();
    for code in ["ZXWV-TSRQ", &old.user_code, &answered.user_code, "what?"] {
        let page = house.type_code(&browser, code).await;
        assert_eq!(page.status(), StatusCode::UNPROCESSABLE_ENTITY, "{code}");
        let body = to_bytes(page.into_body(), 1 << 20).await.unwrap();
        pages.push(String::from_utf8(body.to_vec()).unwrap().replace(code, "CODE"));
    }
    assert!(pages.windows(2).all(|two| two[0] == two[1]), "{pages:#?}");
}

#[tokio::test]
async fn who_says_no_is_heard_by_the_device_and_by_nobody_else() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let (device, other) = (house.device(SCOPE).await, house.device(SCOPE).await);
    assert_eq!(house.answer(&browser, &device, false).await, "/device/declined");
    assert_eq!(house.error(&device).await, "access_denied");
    assert_eq!(house.error(&other).await, "authorization_pending");
}

#[tokio::test]
async fn a_reader_who_is_not_covered_reads_why_and_the_device_hears_no() {
    let house = House::open().await;
    let device = house.device(SCOPE).await;
    let page = house.type_code(&HeaderMap::new(), &device.user_code).await;
    let ticket = location(&page).strip_prefix("/sign-in/").unwrap().to_owned();
    let visitor = house.visitor(None);
    let refused = house.provider.signon.answer(Some(&ticket), "4415", "pin-4415", &visitor).await.unwrap();
    let Answer::Refused { page: Some(page), .. } = refused else { panic!("{refused:?}") };
    assert_eq!(house.error(&device).await, "authorization_pending", "somebody else may sign in instead");
    let ticket = page.strip_prefix("/refused/").unwrap();
    assert_eq!(location(&house.back(&HeaderMap::new(), ticket).await), "/device/declined");
    assert_eq!(house.error(&device).await, "access_denied");
}

#[tokio::test]
async fn wrong_codes_are_counted_and_right_ones_are_not() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let device = house.device(SCOPE).await;
    for _ in 0..40 {
        assert_eq!(house.type_code(&browser, &device.user_code).await.status(), StatusCode::SEE_OTHER);
        assert_eq!(house.type_code(&browser, "no code").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let mut picture = browser.clone();
    picture.insert("sec-fetch-dest", HeaderValue::from_static("image"));
    for _ in 0..40 {
        let page = house.type_code(&picture, "BCDF-GHJK").await;
        assert_eq!(page.status(), StatusCode::FORBIDDEN, "a picture on another site guesses nothing");
    }
    for _ in 0..30 {
        assert_eq!(house.type_code(&browser, "BCDF-GHJK").await.status(), StatusCode::UNPROCESSABLE_ENTITY);
    }
    let stopped = house.type_code(&browser, &device.user_code).await;
    assert_eq!(stopped.status(), StatusCode::TOO_MANY_REQUESTS, "even a right one waits now");
    assert!(stopped.headers().contains_key(header::RETRY_AFTER));
}

#[tokio::test]
async fn a_ticket_of_a_device_ends_no_click_and_that_of_a_click_connects_no_device() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let device = house.device(SCOPE).await;
    let page = house.type_code(&browser, &device.user_code).await;
    let ticket = location(&page).strip_prefix("/consent/").unwrap().to_owned();
    house.say(&browser, &ticket, true).await;
    assert_eq!(house.resume(&browser, &ticket).await.status(), StatusCode::GONE);
    let page = house.authorize(&browser, &[("prompt", "consent")]).await;
    let ticket = location(&page).strip_prefix("/consent/").unwrap().to_owned();
    assert_eq!(house.back(&browser, &ticket).await.status(), StatusCode::GONE);
    assert_eq!(house.error(&device).await, "authorization_pending");
}

#[tokio::test]
async fn only_who_is_registered_for_it_may_ask_and_for_no_more_than_its_own() {
    let house = House::open().await;
    for (form, error) in [
        (&[("client_id", READER), ("scope", "library.checkout")][..], "invalid_scope"),
        (&[("client_id", READER)], "invalid_scope"),
        (&[("client_id", READER), ("scope", "openid"), ("scope", "openid")], "invalid_request"),
        (&[("client_id", READER), ("scope", "openid"), ("resource", "https://elsewhere.example")], "invalid_target"),
        (&[("client_id", "maple-web"), ("client_secret", SECRET), ("scope", "openid")], "invalid_client"),
        (&[("client_id", "nobody"), ("scope", "openid")], "invalid_client"),
    ] {
        assert_eq!(house.begin(form).await.1["error"], error, "{form:?}");
    }
    let web = as_form(Some(&format!("maple-web:{SECRET}")));
    let form = encoded(&[("scope", "openid")]);
    let said = json(authorize_device(State(house.provider.clone()), web, form).await).await;
    assert_eq!(said["error"], "unauthorized_client");
}

#[tokio::test]
async fn a_vendor_that_asks_for_consent_gets_no_code_without_a_yes() {
    let house = House::open().await;
    let (browser, _) = house.sign_in("4417", None).await;
    let visitor = house.provider.visitor(&browser, peer());
    for (yes, name, value) in [(true, "state", "st&te"), (false, "error", "access_denied")] {
        let page = house.authorize(&browser, &[("prompt", "consent")]).await;
        let ticket = location(&page).strip_prefix("/consent/").unwrap().to_owned();
        house.provider.signon.consent(&ticket, yes, &visitor).await.unwrap();
        let answer = house.resume(&browser, &ticket).await;
        assert_eq!(sent_back(&answer, name).as_deref(), Some(value));
        assert_eq!(sent_back(&answer, "code").is_some(), yes);
    }
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}
