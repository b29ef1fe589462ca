//! Kiosks and e-readers: the reader signs in on her own screen and says yes there, and the device gets what she said.

use serde_json::Value;

use crate::{actors::*, promise};

const KIOSK: Declared = Declared {
    id: "kiosk",
    oidc_lines: r#"grant_types = ["authorization_code", "urn:ietf:params:oauth:grant-type:device_code"]"#,
    ..PLAIN
};
const E_READER: Declared = Declared {
    id: "e-reader",
    auth_method: "none",
    oidc_lines: r#"grant_types = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
offline_access = true"#,
    ..PLAIN
};
const PLAIN: Declared = Declared {
    id: "plain",
    auth_method: "client_secret_basic",
    pkce: "required",
    redirect_uris: &["https://maple.example/callback"],
    scopes: &["library.ebooks"],
    audience: &["juvenile", "young-adult", "adult"],
    vendor_lines: "",
    oidc_lines: "",
};

promise! { shared, async fn an_e_reader_reads_on_after_its_reader_has_signed_out(library) {
    let vendor = OidcVendor::of(library, library.declare(Declared { id: "e-reader-one", ..E_READER }).await).await;
    let shown = vendor.device("openid library.ebooks offline_access").await;
    assert_eq!(vendor.ask_for(&shown).await.1["error"], "authorization_pending");
    let browser = Browser::new();
    let page = browser.open(shown["verification_uri"].as_str().unwrap()).await;
    let typed = shown["user_code"].as_str().unwrap().to_lowercase();
    let page = browser.submit_and_follow(&page, "device-submit", &[("user_code", &typed)]).await;
    let patron = library.patron("district_grade_7");
    let page = browser.submit_and_follow(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await;
    let words = page.words();
    for needed in [shown["user_code"].as_str().unwrap(), "e-reader-one books", "in front of you", "E-books", "30 days"] {
        assert!(words.contains(needed), "{needed}: {words}");
    }
    assert!(!words.contains(&patron.card), "what is not told is not there: {words}");
    let done = browser.submit_and_follow(&page, "allow", &[]).await;
    assert_eq!(done.url.path(), "/device/connected");
    let (status, tokens) = vendor.ask_for(&shown).await;
    assert_eq!((status, &tokens["scope"]), (200, &"openid offline_access library.ebooks".into()), "{tokens}");
    assert_eq!(payload_of(tokens["id_token"].as_str().unwrap())["audience_band"], "young-adult");
    browser.sign_out(library).await;
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let form = [("grant_type", "refresh_token".to_owned()), ("refresh_token", refresh)];
    let (status, renewed) = vendor.token(&form.map(|(name, value)| (name.to_owned(), value))).await;
    assert_eq!(status, 200, "{renewed}");
    assert_eq!(vendor.userinfo(renewed["access_token"].as_str().unwrap()).await.0, 200);
}}

promise! { shared, async fn a_kiosk_ends_with_its_readers_session(library) {
    let vendor = OidcVendor::of(library, library.declare(Declared { id: "kiosk-one", ..KIOSK }).await).await;
    let shown = vendor.device("openid library.ebooks").await;
    let browser = Browser::new();
    browser.sign_in(library, &library.patron("district_teacher")).await;
    // The code comes with the address, as a QR code brings it: the question is asked all the same.
    let page = browser.open(shown["verification_uri_complete"].as_str().unwrap()).await;
    browser.submit_and_follow(&page, "allow", &[]).await;
    let (status, tokens) = vendor.ask_for(&shown).await;
    assert_eq!((status, tokens.get("refresh_token")), (200, None), "{tokens}");
    let access = tokens["access_token"].as_str().unwrap();
    assert_eq!(vendor.userinfo(access).await.0, 200);
    browser.sign_out(library).await;
    assert_eq!(vendor.userinfo(access).await.0, 401);
}}

promise! { shared, async fn who_is_not_entitled_reads_why_and_the_device_hears_no(library) {
    let vendor = OidcVendor::of(library, library.declare(Declared { id: "kiosk-two", ..KIOSK }).await).await;
    let shown = vendor.device("openid library.ebooks").await;
    let browser = Browser::new();
    let page = browser.open(shown["verification_uri_complete"].as_str().unwrap()).await;
    let patron = library.patron("charter_grade_5");
    let page = browser.submit_and_follow(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await;
    assert_eq!(page.reason().as_deref(), Some("grade-not-covered"), "{}", page.body);
    let back = page.links().into_iter().find(|link| link.path().starts_with("/oidc/device/")).unwrap();
    assert_eq!(browser.open(back).await.url.path(), "/device/declined");
    assert_eq!(vendor.ask_for(&shown).await.1["error"], "access_denied");
}}

promise! { shared, async fn nobody_says_yes_in_another_readers_name(library) {
    let vendor = OidcVendor::of(library, library.declare(Declared { id: "kiosk-three", ..KIOSK }).await).await;
    let shown = vendor.device("openid library.ebooks").await;
    let (browser, other) = (Browser::new(), Browser::new());
    browser.sign_in(library, &library.patron("district_teacher")).await;
    other.sign_in(library, &library.patron("district_grade_7")).await;
    let page = browser.open(shown["verification_uri_complete"].as_str().unwrap()).await;
    let (url, mut fields) = page.fields("allow");
    assert_eq!(browser.post_from_elsewhere(&url, &fields, true).await.status, 403, "from another site");
    assert_eq!(other.post(&url, &fields).await.status, 403, "with a form of another browser");
    fields.retain(|(name, _)| name != "csrf");
    assert_eq!(browser.post(&url, &fields).await.status, 403, "without the form's token");
    // A reader who brings the ticket is asked for herself; her no ends it.
    let hers = other.open(&url).await;
    assert!(hers.words().contains("student") && page.words().contains("work at a school"));
    other.submit_and_follow(&hers, "deny", &[]).await;
    assert_eq!(browser.submit_and_follow(&page, "allow", &[]).await.status, 410);
    assert_eq!(vendor.ask_for(&shown).await.1["error"], "access_denied");
}}

promise! { own, async fn guessing_codes_stops(library) {
    let vendor = OidcVendor::of(&library, library.declare(KIOSK).await).await;
    let shown = vendor.device("openid library.ebooks").await;
    let guess = async |code: String| Browser::new().get(library.url(&format!("/device?user_code={code}"))).await;
    let letters = ["B", "C", "D", "F", "G", "H", "J", "K", "L", "M"];
    let mut answered = 0;
    for n in 0..100 {
        let page = guess(format!("ZXWV-TS{}{}", letters[n / 10], letters[n % 10])).await;
        if page.status == 429 {
            break;
        }
        assert_eq!((page.status.as_u16(), page.reason().as_deref()), (422, Some("unknown-code")));
        answered += 1;
    }
    assert!(answered < 50, "{answered} guesses were answered");
    let right = guess(shown["user_code"].as_str().unwrap().to_owned()).await;
    assert_eq!((right.status.as_u16(), right.reason().as_deref()), (429, Some("too-many-tries")));
    assert_eq!(vendor.ask_for(&shown).await.1["error"], "authorization_pending");
    // Who types no codes is not held up.
    Browser::new().sign_in(&library, &library.patron("district_grade_2")).await;
}}

promise! { shared, async fn a_vendor_that_asks_for_consent_hears_a_no_at_once(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let browser = Browser::new();
    browser.sign_in(library, &library.patron("district_grade_2")).await;
    for (button, answered) in [("deny", "error=access_denied"), ("allow", "code=")] {
        let mut request = vendor.request(&Challenge::new());
        request.push(("prompt".into(), "consent".into()));
        let url = vendor.authorize_url(&request);
        let page = browser.go(&url, &vendor.party.redirect_uri).await.page();
        assert!(page.url.path().starts_with("/consent/"), "each time: {}", page.url);
        let answer = browser.submit(&page, button, &[]).await.location().unwrap();
        let back = browser.go(answer, &vendor.party.redirect_uri).await.left();
        assert!(back.query().unwrap().contains(answered), "{back}");
    }
}}

impl OidcVendor {
    /// What the device is told to show.
    async fn device(&self, scope: &str) -> Value {
        let fields = [("scope".to_owned(), scope.to_owned())];
        let (status, said) = self.post_to("device_authorization_endpoint", &fields).await;
        assert_eq!(status, 200, "{said}");
        said
    }

    /// The device's question whether its reader has answered.
    async fn ask_for(&self, shown: &Value) -> (u16, Value) {
        let code = shown["device_code"].as_str().unwrap();
        let fields = [("grant_type", "urn:ietf:params:oauth:grant-type:device_code"), ("device_code", code)];
        self.token(&fields.map(|(name, value)| (name.to_owned(), value.to_owned()))).await
    }
}
