//! Apache with mod_auth_mellon, in which no line of the library's is.

use super::*;

promise! { shared, async fn apaches_mod_auth_mellon_is_content(library) {
    let Some(mellon) = Mellon::start(library, "mellon", "").await else { return };
    let domain = scope_domain(library);
    let mut seen = BTreeSet::new();
    for (name, role, band) in
        [("district_grade_7", "student", "young-adult"), ("district_teacher", "staff", "adult")]
    {
        let (browser, patron) = (Browser::new(), library.patron(name));
        let page = browser.click_to(&mellon.url, &patron, "nowhere:").await.page();
        let reader = Mellon::reader(&page).unwrap_or_else(|| panic!("{} {}\n{}", page.url, page.body, mellon.log()));
        assert!(page.url.as_str().starts_with(&mellon.url) && is_pseudonym(&reader), "{} {reader}", page.url);
        assert_eq!(Mellon::told(&page, "entitlement"), Some(library.url("/entitlements/library.databases")));
        assert_eq!(Mellon::told(&page, "affiliation"), Some(format!("{role}@{domain};member@{domain}")));
        assert_eq!(Mellon::told(&page, "band").as_deref(), Some(band));
        assert!(!page.body.contains(&patron.card), "the card number is not released: {}", page.body);
        let grown_ups = browser.open(format!("{}/grown-ups/", mellon.url)).await;
        assert_eq!(grown_ups.status == 200, band == "adult", "{} {}", grown_ups.status, grown_ups.body);
        seen.insert(reader);
    }
    assert_eq!(seen.len(), 2, "{seen:?}");
}}

promise! { shared, async fn mellon_opens_what_is_encrypted(library) {
    let Some(mut mellon) = Mellon::start(library, "mellon-sealed", "").await else { return };
    let sealed = mellon.metadata_with_encryption();
    let patron = library.patron("district_grade_2");
    for (method, cipher) in [("as-metadata", "aes256-gcm"), ("aes128-gcm", "aes128-gcm"), ("aes256-cbc", "aes256-cbc")] {
        mellon.publish(library, &sealed, &format!("encryption_method = \"{method}\"")).await;
        mellon.restart();
        let browser = Browser::new();
        browser.sign_in(library, &patron).await;
        let page = browser.open(&mellon.url).await;
        let xml = xml_of(&page.fields("continue").1);
        assert!(xml.contains(cipher) && !xml.contains("<saml:Assertion"), "{method}: {xml}");
        let page = browser.submit_and_follow(&page, "continue", &[]).await;
        assert!(Mellon::reader(&page).is_some(), "{method}: {}\n{}", page.body, mellon.log());
    }
}}

promise! { shared, async fn mellon_and_the_library_sign_each_others_readers_out(library) {
    let Some(mellon) = Mellon::start(library, "mellon-leaves", "").await else { return };
    let patron = library.patron("district_grade_7");
    for by_vendor in [true, false] {
        let browser = Browser::new();
        let page = browser.click_to(&mellon.url, &patron, "nowhere:").await.page();
        assert!(Mellon::reader(&page).is_some(), "{}", page.words());
        let page = if by_vendor {
            browser.open(format!("{0}/mellon/logout?ReturnTo={0}/bye/", mellon.url)).await
        } else {
            browser.sign_out(library).await
        };
        let home = if by_vendor { format!("{}/bye/", mellon.url) } else { library.url("/signed-out") };
        assert!(page.url.as_str().starts_with(&home), "{} {}\n{}", page.url, page.words(), mellon.log());
        assert!(!page.body.contains("data-unreached"), "{}", page.words());
        assert!(!browser.is_signed_in(library).await);
        let page = browser.open(&mellon.url).await;
        assert!(page.has("sign-in"), "nobody reads: {} {}", page.url, page.words());
    }
}}

promise! { shared, async fn a_vendor_changes_its_certificate_while_readers_come(library) {
    let Some(mut mellon) = Mellon::start(library, "mellon-changes", "").await else { return };
    let patron = library.patron("district_grade_7");
    let arrives = async |mellon: &Mellon| {
        let page = Browser::new().click_to(&mellon.url, &patron, "nowhere:").await.page();
        (Mellon::reader(&page), page)
    };
    let (reader, page) = arrives(&mellon).await;
    assert!(reader.is_some(), "{}", page.words());

    // Both certificates first, then the other key, then the old certificate away.
    let next = Identity::new("127.0.0.1");
    let both = mellon.metadata(&[&mellon.identity, &next]);
    mellon.publish(library, &both, "").await;
    assert_eq!(arrives(&mellon).await.0, reader, "the old key still");
    let only_next = mellon.metadata(&[&next]);
    let only_old = mellon.metadata(&[&mellon.identity]);
    mellon.become_known_by(next);
    mellon.restart();
    assert_eq!(arrives(&mellon).await.0, reader, "the new key already");
    mellon.publish(library, &only_next, "").await;
    assert_eq!(arrives(&mellon).await.0, reader, "the new key alone");

    // Whoever comes with a key that the metadata does not name is nobody.
    mellon.publish(library, &only_old, "").await;
    let (nobody, page) = arrives(&mellon).await;
    assert!(nobody.is_none() && page.url.as_str().starts_with(&library.issuer), "{} {}", page.url, page.words());
    assert!(!page.has("sign-in") && page.status == 400, "{} {}", page.status, page.words());
}}

promise! { shared, async fn a_real_browser_goes_from_mellon_to_the_library_and_back(library) {
    let Some(mellon) = Mellon::start(library, "mellon-screen", "").await else { return };
    for look in [Look::CHROMEBOOK, Look::WITHOUT_SCRIPTS] {
        Chromium::visit(look, async |screen| {
            screen.go(&mellon.url).await;
            screen.sign_in(&library.patron("district_grade_7")).await;
            if !look.scripts {
                screen.click("#continue").await;
            }
            screen.arrive(&mellon.url).await;
            let page = screen.source().await;
            assert!(page.contains("REMOTE_USER=") && page.contains("young-adult"), "{page}\n{}", mellon.log());
            screen.go(&format!("{0}/mellon/logout?ReturnTo={0}/bye/", mellon.url)).await;
            screen.arrive(&format!("{}/bye/", mellon.url)).await;
            screen.go(&mellon.url).await;
            screen.see("#sign-in").await;
        })
        .await;
    }
}}
