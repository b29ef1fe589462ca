//! Refusals: each with its own reason, told to the patron, and the vendor learns nothing.

use serde_json::Value;

use crate::{actors::*, promise};

promise! { own, async fn who_is_not_entitled_is_told_why(library) {
    let vendor = OidcVendor::of(&library, library.oidc()).await;
    for (name, reason) in
        [("charter_grade_5", "grade-not-covered"), ("opted_out", "opted-out"), ("withdrawn", "withdrawn")]
    {
        let challenge = Challenge::new();
        let url = vendor.authorize_url(&vendor.request(&challenge));
        let browser = Browser::new();
        let page = browser.click(&url, &library.patron(name), &vendor.party).await.page();
        assert_eq!(page.reason().as_deref(), Some(reason), "{name}: {}", page.body);
        // The way back, which may pass through us, says no and nothing else.
        let mut back = None;
        for link in page.links() {
            if let Arrival::Left(url) = browser.go(link, &vendor.party.redirect_uri).await {
                back = Some(url);
            }
        }
        let back = back.unwrap_or_else(|| panic!("{name}: no way back to the vendor:\n{}", page.body));
        assert_eq!(query_of(&back, "error").as_deref(), Some("access_denied"), "{back}");
        assert_eq!(query_of(&back, "state"), Some(challenge.state), "{back}");
        assert_eq!(query_of(&back, "iss"), Some(library.issuer.clone()), "{back}");
        assert!(!back.as_str().contains(reason), "the vendor does not learn why: {back}");
    }
}}

promise! { shared, async fn who_would_rather_not_goes_back_to_the_vendor(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let challenge = Challenge::new();
    let browser = Browser::new();
    let page = browser.open(vendor.authorize_url(&vendor.request(&challenge))).await;
    let from_elsewhere = [("csrf".to_owned(), "guessed".to_owned())];
    let decline = page.url.join(&format!("{}/decline", page.url.path())).unwrap();
    assert!(browser.post_from_elsewhere(&decline, &from_elsewhere, true).await.location().is_none(), "not her button");
    let answer = browser.submit(&page, "decline", &[]).await;
    let back = browser.go(answer.location().expect("a way on"), &vendor.party.redirect_uri).await;
    let Arrival::Left(back) = back else { panic!("not back at the vendor") };
    assert_eq!(query_of(&back, "error").as_deref(), Some("access_denied"), "{back}");
    assert_eq!(query_of(&back, "state"), Some(challenge.state), "{back}");
    assert_eq!(query_of(&back, "iss"), Some(library.issuer.clone()), "{back}");
    let again = browser.submit(&page, "decline", &[]).await;
    assert_eq!(again.reason().as_deref(), Some("expired"), "an answer counts once: {}", again.body);
    let home = browser.open(library.url("/sign-in")).await;
    assert!(!home.body.contains("id=\"decline\""), "who came by herself goes back to nobody");
}}

promise! { shared, async fn a_vendor_for_grown_ups_refuses_a_second_grader(library) {
    let adult = Declared { id: "grown-ups", audience: &["adult"], ..Declared::default() };
    let vendor = OidcVendor::of(library, library.declare(adult).await).await;
    let url = vendor.authorize_url(&vendor.request(&Challenge::new()));
    let browser = Browser::new();
    let page = browser.click(&url, &library.patron("district_grade_2"), &vendor.party).await.page();
    assert_eq!(page.reason().as_deref(), Some("audience-mismatch"), "{}", page.body);
    let home = browser.open(library.url("/")).await;
    assert!(home.tiles().iter().all(|(id, _)| id != "grown-ups"), "no tile that leads to a refusal");
    assert!(home.tiles().iter().any(|(id, _)| *id == library.oidc().vendor), "{:?}", home.tiles());
}}

promise! { own, async fn a_vendor_that_was_switched_off_is_closed(library) {
    let vendor = OidcVendor::of(&library, library.oidc()).await;
    library.run(&["vendor", "disable", &vendor.party.vendor]).fine();
    let browser = Browser::new();
    browser.sign_in(&library, &library.patron("district_grade_7")).await;
    let url = vendor.authorize_url(&vendor.request(&Challenge::new()));
    library.soon("the vendor is closed", || async {
        matches!(browser.go(&url, &vendor.party.redirect_uri).await,
            Arrival::Page(page) if page.reason().as_deref() == Some("vendor-disabled"))
    }).await;
}}

promise! { shared, async fn a_refusal_speaks_the_readers_language(library) {
    let adult = Declared { id: "grown-ups-too", audience: &["adult"], ..Declared::default() };
    let vendor = OidcVendor::of(library, library.declare(adult).await).await;
    let url = vendor.authorize_url(&vendor.request(&Challenge::new()));
    let patron = library.patron("district_grade_2");
    let english = Browser::reading("en-US,en;q=0.9").click(&url, &patron, &vendor.party).await.page();
    let spanish = Browser::reading("es-MX,es;q=0.9,en;q=0.5").click(&url, &patron, &vendor.party).await.page();
    assert_eq!(english.reason(), spanish.reason());
    assert_ne!(english.words(), spanish.words());
    assert!(english.body.contains("lang=\"en") && spanish.body.contains("lang=\"es"));
    for blunt in ["invalid credentials", "authentication failed", "error 403", "forbidden"] {
        assert!(!english.words().to_lowercase().contains(blunt), "{blunt}");
    }
}}

promise! { own, async fn explain_tells_the_decision_its_trace_and_what_would_be_released(library) {
    let vendor = library.oidc().vendor;
    let explain = |name: &str| {
        let card = library.patron(name).card;
        library.run(&["explain", &card, &vendor, "--reason", "a test", "--json"]).fine().json()
    };
    let allowed = explain("district_grade_7");
    assert!(says(&allowed, "allowed"), "{allowed:#}");
    assert!(allowed["trace"].as_array().is_some_and(|t| !t.is_empty()), "{allowed:#}");
    assert!(says(&allowed, "library.ebooks") && says(&allowed, "student"), "{allowed:#}");
    let tokens = OidcVendor::of(&library, library.oidc())
        .await
        .click(&library, &Browser::new(), &library.patron("district_grade_7"), &["openid", "library.ebooks"])
        .await;
    assert!(says(&allowed, &tokens.subject), "the pseudonym that the vendor gets: {allowed:#}");
    for (name, reason) in
        [("charter_grade_5", "grade-not-covered"), ("opted_out", "opted-out"), ("withdrawn", "withdrawn")]
    {
        let refused = explain(name);
        assert!(says(&refused, reason) && !says(&refused, "juvenile"), "{refused:#}");
    }
}}

promise! { founded, async fn an_agreement_that_ended_stops_access_that_same_second(library) {
    let person = Person::pupil(1);
    library.import(&Delivery::of(&[person.clone(), Person::pupil(2)]), &[]).fine();
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let browser = Browser::new();
    let tokens = vendor.click(&library, &browser, &person.card(), &["openid", "library.ebooks"]).await;
    assert_eq!(vendor.userinfo(&tokens.access_token).await.0, 200);

    library.apply(ENDED).fine();
    library.soon("the token is worth nothing", || async { vendor.userinfo(&tokens.access_token).await.0 == 401 }).await;
    let url = vendor.authorize_url(&vendor.request(&Challenge::new()));
    let page = browser.go(&url, &vendor.party.redirect_uri).await.page();
    assert_eq!(page.reason().as_deref(), Some("agreement-ended"), "{}", page.body);
    let mut silent = vendor.request(&Challenge::new());
    silent.push(("prompt".into(), "none".into()));
    let back = browser.go(vendor.authorize_url(&silent), &vendor.party.redirect_uri).await.left();
    assert!(back.query().unwrap().contains("error=access_denied"), "{back}");
}}

const ENDED: &str = r#"
[[agreement]]
id = "maple-all"
organisation = "maple"
roles = ["student", "staff"]
grades = ["PK", "12"]
privileges = ["library.ebooks", "library.databases"]
from = 2020-07-01
to = 2021-06-30
"#;

/// Whether the text stands anywhere in the document, as a value or within one.
fn says(document: &Value, text: &str) -> bool {
    document.to_string().contains(text)
}
