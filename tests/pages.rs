//! Pages, in Debian's Chromium: what a child does, whatever the device, the language or the eyes.

use crate::{actors::*, promise};

promise! { shared, async fn a_child_is_reading_within_three_clicks(library) {
    Chromium::visit(Look::CHROMEBOOK, async |screen| {
        screen.go(&library.issuer).await;
        screen.sign_in(&library.patron("district_grade_7")).await;
        let tile = format!("[data-vendor=\"{}\"]", library.oidc().vendor);
        screen.click(&tile).await;
        screen.arrive(&library.vendor_url).await;
        let page = screen.text("body").await;
        assert!(!page.to_lowercase().contains("error"), "{page}");
        let card = library.patron("district_grade_7").card;
        assert!(!screen.source().await.contains(&card), "the vendor does not know the card");
    })
    .await;
}}

promise! { shared, async fn coming_from_the_vendor_works_as_well(library) {
    Chromium::visit(Look::PHONE, async |screen| {
        screen.go(&library.vendor_url).await;
        // A stock relying party: it may send the reader over at once, or by a link of its own.
        if !screen.url().await.starts_with(&library.issuer) {
            screen.click("#sign-in, a[href*=\"login\"], a[href*=\"sign-in\"]").await;
        }
        screen.arrive(&library.issuer).await;
        screen.sign_in(&library.patron("district_grade_2")).await;
        screen.arrive(&library.vendor_url).await;
    })
    .await;
}}

promise! { shared, async fn no_script_is_needed(library) {
    Chromium::visit(Look::WITHOUT_SCRIPTS, async |screen| {
        screen.go(&library.issuer).await;
        screen.sign_in(&library.patron("district_teacher")).await;
        screen.click(&format!("[data-vendor=\"{}\"]", library.oidc().vendor)).await;
        screen.arrive(&library.vendor_url).await;
    })
    .await;
}}

promise! { shared, async fn every_page_passes_axe_in_every_look(library) {
    let looks = [("light", Look::PHONE), ("dark", Look::DARK), ("spanish", Look::SPANISH), ("narrow", Look::NARROW)];
    for (name, look) in looks {
        Chromium::visit(look, async |screen| {
            let seen = async |page: &str| {
                screen.picture(&format!("{page}-{name}")).await;
                screen.is_accessible(&format!("{page}, {name}")).await;
                screen.fits(&format!("{page}, {name}")).await;
            };
            screen.go(&library.issuer).await;
            screen.see("#sign-in").await;
            seen("sign-in").await;
            screen.sign_in(&Patron::new("nobody-of-that-name", "83017")).await;
            screen.see("#sign-in").await;
            seen("sign-in-failed").await;

            screen.sign_in(&library.patron("district_grade_7")).await;
            screen.see("[data-vendor]").await;
            seen("launchpad").await;
            screen.go(&library.url("/card")).await;
            screen.see("svg, img").await;
            seen("card").await;

            screen.go(&library.url("/no-such-page")).await;
            seen("not-found").await;
            let vendor = OidcVendor::of(library, library.oidc()).await;
            let mut wrong = vendor.request(&Challenge::new());
            wrong.iter_mut().find(|(n, _)| n == "client_id").unwrap().1 = "nobody".into();
            screen.go(&vendor.authorize_url(&wrong)).await;
            seen("error").await;

            screen.go(&library.url("/sign-out")).await;
            screen.see("#sign-out").await;
            seen("sign-out").await;
            screen.click("#sign-out, #sign-out button").await;
            seen("signed-out").await;

            screen.go(&vendor.authorize_url(&vendor.request(&Challenge::new()))).await;
            screen.see("#sign-in").await;
            seen("sign-in-for-a-vendor").await;
            screen.sign_in(&library.patron("charter_grade_5")).await;
            screen.see("#reason").await;
            seen("refusal").await;
        })
        .await;
    }
}}

promise! { shared, async fn consent_and_devices_pass_axe_in_every_look(library) {
    let party = library.declare(Declared { id: "lantern", oidc_lines: READS_ALONE, ..Declared::default() }).await;
    let vendor = OidcVendor::of(library, party).await;
    let looks = [("light", Look::PHONE), ("dark", Look::DARK), ("spanish", Look::SPANISH), ("narrow", Look::NARROW)];
    for (name, look) in looks.into_iter().chain([("no-script", Look::WITHOUT_SCRIPTS)]) {
        let fields = [("scope".to_owned(), "openid library.ebooks offline_access".to_owned())];
        let (_, shown) = vendor.post_to("device_authorization_endpoint", &fields).await;
        Chromium::visit(look, async |screen| {
            let seen = async |page: &str| {
                screen.picture(&format!("{page}-{name}")).await;
                if look.scripts {
                    screen.is_accessible(&format!("{page}, {name}")).await;
                    screen.fits(&format!("{page}, {name}")).await;
                }
            };
            screen.go(shown["verification_uri"].as_str().unwrap()).await;
            screen.see("#device").await;
            seen("device").await;
            screen.fill("#user_code", "no code").await;
            screen.click("#device-submit").await;
            screen.see("#reason").await;
            seen("device-unknown").await;
            screen.fill("#user_code", shown["user_code"].as_str().unwrap()).await;
            screen.click("#device-submit").await;
            screen.sign_in(&library.patron("district_grade_7")).await;
            screen.see("#allow").await;
            seen("consent-device").await;
            screen.see("#deny").await.scroll_into_view().await.unwrap();
            screen.picture(&format!("consent-device-end-{name}")).await;
            screen.click("#allow").await;
            screen.arrive(&library.url("/device/connected")).await;
            seen("device-connected").await;
            screen.go(&library.url("/device/declined")).await;
            seen("device-declined").await;

            let demo = OidcVendor::of(library, library.oidc()).await;
            let mut request = demo.request(&Challenge::new());
            request.push(("prompt".into(), "consent".into()));
            screen.go(&demo.authorize_url(&request)).await;
            screen.see("#deny").await;
            seen("consent").await;
            screen.click("#deny").await;
            screen.arrive(&library.vendor_url).await;
        })
        .await;
    }
}}

promise! { shared, async fn the_self_test_of_a_vendor_passes_axe_in_every_look(library) {
    let party = library.declare(Declared { id: "willow", ..Declared::default() }).await;
    let mut url = url::Url::parse(&library.url("/vendors/willow/selftest")).unwrap();
    url.set_username(&party.client_id).unwrap();
    url.set_password(party.client_secret.as_deref()).unwrap();
    for (name, look) in [("light", Look::CHROMEBOOK), ("phone", Look::PHONE), ("dark", Look::DARK), ("narrow", Look::NARROW)] {
        Chromium::visit(look, async |screen| {
            screen.go(url.as_str()).await;
            screen.see("#exchanges").await;
            screen.picture(&format!("selftest-{name}")).await;
            screen.is_accessible(&format!("selftest, {name}")).await;
            screen.fits(&format!("selftest, {name}")).await;
        })
        .await;
    }
}}

const READS_ALONE: &str = r#"grant_types = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
offline_access = true"#;

promise! { own, async fn the_first_pin_page_is_clear_and_loses_nothing(library) {
    for look in [Look::PHONE, Look::DARK, Look::SPANISH] {
        Chromium::visit(look, async |screen| {
            let patron = library.patron("first_pin");
            screen.go(&library.issuer).await;
            screen.sign_in(&patron).await;
            screen.see("#change-pin").await;
            screen.picture("first-pin").await;
            screen.is_accessible("the first PIN").await;
            screen.fill("#change-pin [name=current_pin]", &patron.pin).await;
            screen.fill("#change-pin [name=new_pin]", "1111").await;
            screen.fill("#change-pin [name=repeat_pin]", "1111").await;
            screen.click("#change-pin [type=submit], #change-pin button").await;
            screen.see("#change-pin").await;
            screen.picture("first-pin-too-easy").await;
            screen.is_accessible("the first PIN, too easy").await;
        })
        .await;
    }
}}

promise! { shared, async fn a_scanner_reads_the_card(library) {
    Chromium::visit(Look::CHROMEBOOK, async |screen| {
        let patron = library.patron("district_grade_7");
        screen.go(&library.issuer).await;
        screen.sign_in(&patron).await;
        screen.see("[data-vendor]").await;
        screen.go(&library.url("/card")).await;
        screen.see("svg").await;
        let Some(read) = screen.scanned("card-barcode").await else { return };
        let bars = read.lines().filter(|line| !line.starts_with("QR-Code")).any(|line| line.contains(&patron.card));
        let squares = read.lines().filter(|line| line.starts_with("QR-Code")).any(|line| line.contains(&patron.card));
        assert!(bars, "no barcode of {}: {read:?}", patron.card);
        assert!(squares, "no QR code of {}: {read:?}", patron.card);
    })
    .await;
}}

promise! { shared, async fn a_choice_of_language_is_kept(library) {
    Chromium::visit(Look::CHROMEBOOK, async |screen| {
        screen.go(&library.issuer).await;
        assert!(screen.see("html").await.attr("lang").await.unwrap().unwrap().starts_with("en"));
        screen.click("[hreflang^=es], [lang^=es]").await;
        screen.see("html[lang^=es]").await;
        screen.sign_in(&library.patron("district_grade_7")).await;
        screen.see("html[lang^=es] [data-vendor]").await;
    })
    .await;
}}

promise! { shared, async fn nothing_is_loaded_from_elsewhere(library) {
    Chromium::visit(Look::CHROMEBOOK, async |screen| {
        screen.go(&library.issuer).await;
        let look = "return performance.getEntriesByType('resource').map(e => e.name)";
        let loaded = screen.driver.execute(look, vec![]).await.unwrap();
        for address in loaded.json().as_array().unwrap() {
            assert!(address.as_str().unwrap().starts_with(&library.issuer), "{address}");
        }
    })
    .await;
}}
