//! What vendors learn of a reader who showed a badge: less, and honestly that it was one.

use crate::{actors::*, promise};

const PPT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
const BOTH: &str = "scopes = [\"library.ebooks\", \"library.databases\"]\n";

/// A library with badges for more scopes than usual.
fn more_scopes(library: &mut Library) {
    let lines = format!(
        "[classes]\nread = \"homeroom\"\n[badge]\norganisations = [\"maple\"]\ngrades = [\"PK\", \"02\"]\n{BOTH}"
    );
    library.with_lines(&lines);
    library.import(&Primary::delivery(&Primary::people()), &[]).fine();
}

promise! { founded, async fn a_vendor_gets_the_least_of_a_reader_with_a_badge_and_is_told_that_it_was_one(library) {
    library.with_badges("");
    let released = "[[vendor.release]]\nname = \"card_number\"\npurpose = \"holds\"\n";
    let shape = Declared {
        id: "wide",
        scopes: &["library.ebooks", "library.databases"],
        vendor_lines: released,
        ..Declared::default()
    };
    let vendor = OidcVendor::of(&library, library.declare(shape).await).await;
    library.print_badges("room-1", &["--class", "room-1"]).0.fine();
    let mira = Primary::card(1);
    let secret = library.known_badge(&mira.card).await;
    let scopes = ["openid", "library.ebooks", "library.databases"];
    let browser = Browser::new();
    browser.show_badge(&library, &secret).await;
    let by_badge = vendor.click(&library, &browser, &mira, &scopes).await;
    assert_eq!(by_badge.id_claims["amr"], serde_json::json!(["badge"]));
    assert_eq!(by_badge.id_claims["acr"], "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified");
    assert!(by_badge.id_claims["card_number"].is_null() && by_badge.userinfo["card_number"].is_null());
    assert!(by_badge.scope.contains("library.ebooks") && !by_badge.scope.contains("library.databases"), "{}", by_badge.scope);
    let access = payload_of(&by_badge.access_token);
    assert_eq!(access["acr"], by_badge.id_claims["acr"]);

    let by_pin = vendor.click(&library, &Browser::new(), &mira, &scopes).await;
    assert_eq!(by_pin.id_claims["amr"], serde_json::json!(["pin"]));
    assert_eq!((by_pin.id_claims["acr"].as_str(), by_pin.id_claims["card_number"].as_str()), (Some(PPT), Some(&*mira.card)));
    assert!(by_pin.scope.contains("library.databases"));
    assert_eq!(by_pin.subject, by_badge.subject, "the same reader, the same loans");
    // The tokens go with the badge.
    library.run(&["badge", "void", "--card", &mira.card, "--reason", "lost"]).fine();
    library.soon("its tokens are over", || async { vendor.userinfo(&by_badge.access_token).await.0 == 401 }).await;
    assert_eq!(vendor.userinfo(&by_pin.access_token).await.0, 200);
}}

promise! { founded, async fn a_badge_shown_on_the_way_to_a_vendor_leads_there(library) {
    library.with_badges("second_step = \"picture\"\n");
    let (_, _, list) = library.print_badges("room-1", &["--class", "room-1"]);
    let secret = library.known_badge(&Primary::card(1).card).await;
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let challenge = Challenge::new();
    let browser = Browser::new();
    let page = browser.open(vendor.authorize_url(&vendor.request(&challenge))).await;
    let page = browser.open(page.link("badge-way").unwrap()).await;
    let page = browser.submit_and_follow(&page, "badge", &[("badge", &secret)]).await;
    let right = pictures_of(&list)["Mira"].clone();
    let page = browser.pick(page, &right[..2]).await;
    let fill = [("pick", right[2].to_string())];
    let fill: Vec<(&str, &str)> = fill.iter().map(|(name, value)| (*name, value.as_str())).collect();
    let back = browser.submit_watching(&page, "pictures", &fill, &vendor.party.redirect_uri).await.left();
    let code = query_of(&back, "code").unwrap();
    let (status, tokens) = vendor.token(&vendor.exchange(&code, &challenge)).await;
    assert_eq!(status, 200, "{tokens}");
    assert_eq!(payload_of(tokens["id_token"].as_str().unwrap())["amr"], serde_json::json!(["badge", "picture"]));
}}

promise! { founded, async fn who_asks_for_a_pin_by_acr_gets_one(library) {
    library.with_badges("");
    library.print_badges("room-1", &["--class", "room-1"]).0.fine();
    let mira = Primary::card(1);
    let secret = library.known_badge(&mira.card).await;
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let claims = format!("{{\"id_token\":{{\"acr\":{{\"essential\":true,\"value\":\"{PPT}\"}}}}}}");
    for (n, asked) in [("acr_values", PPT.to_owned()), ("claims", claims)].into_iter().enumerate() {
        let (browser, challenge) = (Browser::new(), Challenge::new());
        browser.show_badge(&library, &secret).await;
        let mut request = vendor.request(&challenge);
        request.push((asked.0.to_owned(), asked.1));
        let silent: Vec<_> = request.iter().cloned().chain([("prompt".to_owned(), "none".to_owned())]).collect();
        let back = browser.go(vendor.authorize_url(&silent), &vendor.party.redirect_uri).await.left();
        assert_eq!(query_of(&back, "error").as_deref(), Some("login_required"));
        let page = browser.open(vendor.authorize_url(&request)).await;
        assert!(page.has("sign-in") && !page.has("badge-way"), "the PIN is offered: {}", page.body);
        let pin = if n == 0 { mira.pin.as_str() } else { CHANGED_PIN };
        let patron = Patron::new(mira.card.clone(), pin);
        let back = browser.click(&vendor.authorize_url(&request), &patron, &vendor.party).await.left();
        let code = query_of(&back, "code").unwrap();
        let (_, tokens) = vendor.token(&vendor.exchange(&code, &challenge)).await;
        let claims = payload_of(tokens["id_token"].as_str().unwrap());
        assert_eq!((claims["acr"].as_str(), &claims["amr"]), (Some(PPT), &serde_json::json!(["pin"])));
    }
}}

promise! { founded, async fn saml_is_told_no_password_where_there_was_a_badge(library) {
    use oneaccess::wire::xml::write::Element;
    more_scopes(&mut library);
    library.print_badges("room-1", &["--class", "room-1"]).0.fine();
    let secret = library.known_badge(&Primary::card(1).card).await;
    let sp = Sp::declared(&library, "plover", Shape::default()).await;
    let browser = Browser::new();
    browser.show_badge(&library, &secret).await;
    let answer = sp.answer(&library, &browser.open(sp.redirect(&sp.request(|r| r), None)).await).await;
    assert_eq!((answer.status.as_str(), answer.class.as_deref()), ("Success", Some("unspecified")), "{}", answer.xml);

    let class = Element::new("saml:AuthnContextClassRef").text(PPT);
    let asked = Element::new("samlp:RequestedAuthnContext").attr("Comparison", "exact").child(class);
    let page = browser.open(sp.redirect(&sp.request(|r| r.child(asked)), None)).await;
    assert!(page.has("sign-in"), "the PIN is offered: {} {}", page.url, page.body);
    let page = browser.submit_and_follow(&page, "decline", &[]).await;
    let answer = sp.answer(&library, &page).await;
    assert_eq!((answer.status.as_str(), answer.second.as_deref()), ("Responder", Some("NoAuthnContext")), "{}", answer.xml);
    assert!(answer.assertion.is_none());
}}

fn query_of(url: &url::Url, name: &str) -> Option<String> {
    url.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned())
}
