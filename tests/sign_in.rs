//! Sign-in: student ID and PIN, sessions, the first PIN, and what an operator may do about them.

use crate::{actors::*, promise};

promise! { own, async fn an_unknown_card_and_a_wrong_pin_read_alike(library) {
    let known = library.patron("district_grade_7");
    let wrong_pin = Patron::new(known.card.clone(), "90417");
    let unknown = Patron::new("99812345", "90417");
    let one = Browser::new().try_sign_in(&library, &wrong_pin).await;
    let other = Browser::new().try_sign_in(&library, &unknown).await;
    assert_eq!(one.status, other.status);
    assert!(one.has("sign-in") && other.has("sign-in"), "one may try again at once");
    let plain = |page: &Page, typed: &Patron| page.words().replace(&typed.card, "CARD");
    assert_eq!(plain(&one, &wrong_pin), plain(&other, &unknown));
    let names = |page: &Page| page.headers.keys().map(|k| k.to_string()).collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
}}

promise! { own, async fn the_first_pin_must_be_changed_before_anything_opens(library) {
    let patron = library.patron("first_pin");
    let browser = Browser::new();
    let page = browser.try_sign_in(&library, &patron).await;
    assert!(page.has("change-pin"), "{}", page.body);

    // Neither the launchpad nor a vendor is reachable around it.
    let home = browser.open(library.url("/")).await;
    assert!(home.has("change-pin") && home.tiles().is_empty(), "{}", home.body);
    let vendor = OidcVendor::of(&library, library.oidc()).await;
    let url = vendor.authorize_url(&vendor.request(&Challenge::new()));
    assert!(browser.go(&url, &vendor.party.redirect_uri).await.page().has("change-pin"));

    // Too easy, or not the same twice, or not hers: asked again.
    for easy in ["1111", "1234", "9876", patron.card.as_str()] {
        let page = browser.change_pin(&browser.open(library.url("/")).await, &patron.pin, easy).await;
        assert!(page.has("change-pin"), "{easy} was taken");
    }
    let page = browser.open(library.url("/")).await;
    let fill = [("current_pin", patron.pin.as_str()), ("new_pin", "730194"), ("repeat_pin", "730195")];
    assert!(browser.submit(&page, "change-pin", &fill).await.has("change-pin"));
    let page = browser.change_pin(&browser.open(library.url("/")).await, "000111222", "730194").await;
    assert!(page.has("change-pin"), "the current PIN was wrong");

    let page = browser.change_pin(&browser.open(library.url("/")).await, &patron.pin, "730194").await;
    assert!(!page.has("change-pin") && page.status.is_success(), "{}", page.body);
    assert!(browser.is_signed_in(&library).await);
    assert!(Browser::new().try_sign_in(&library, &patron).await.has("sign-in"), "the first PIN is over");
    Browser::new().sign_in(&library, &Patron::new(patron.card, "730194")).await;
}}

promise! { shared, async fn a_session_handle_from_before_sign_in_is_worth_nothing_after_it(library) {
    let browser = Browser::new();
    browser.open(library.url("/")).await;
    let before = browser.copy();
    let handles = browser.cookies();
    browser.sign_in(library, &library.patron("district_grade_7")).await;
    assert!(!before.is_signed_in(library).await, "session fixation");
    let after = browser.cookies();
    assert!(after.iter().any(|cookie| !handles.contains(cookie)), "sign-in brings a new handle");

    // An attacker's choice of handle does not become the session's either.
    let (planted, attacker) = (Browser::new(), Browser::new());
    for (name, _) in &after {
        planted.set_cookie(name, "a-handle-of-the-attackers-choice-0123456789");
        attacker.set_cookie(name, "a-handle-of-the-attackers-choice-0123456789");
    }
    planted.sign_in(library, &library.patron("district_grade_7")).await;
    assert!(!attacker.is_signed_in(library).await, "session fixation");
}}

promise! { shared, async fn signing_out_ends_the_session_everywhere(library) {
    let browser = Browser::new();
    browser.sign_in(library, &library.patron("district_grade_7")).await;
    let thief = browser.copy();
    assert!(thief.is_signed_in(library).await);
    browser.sign_out(library).await;
    assert!(!browser.is_signed_in(library).await);
    assert!(!thief.is_signed_in(library).await, "the handle itself is dead, not only forgotten");
}}

promise! { shared, async fn a_handle_with_one_bit_changed_opens_nothing(library) {
    let browser = Browser::new();
    browser.sign_in(library, &library.patron("district_grade_7")).await;
    for (name, value) in browser.cookies() {
        for place in 0..value.len() {
            let mut bent = value.clone().into_bytes();
            bent[place] ^= 1;
            let Ok(bent) = String::from_utf8(bent) else { continue };
            if bent.contains([';', ',', ' ', '"', '\\']) || bent.chars().any(char::is_control) {
                continue;
            }
            let forger = Browser::new();
            forger.set_cookie(&name, &bent);
            assert!(!forger.is_signed_in(library).await, "{name} with place {place} changed");
        }
    }
}}

promise! { shared, async fn another_site_cannot_sign_a_browser_in(library) {
    let patron = library.patron("district_teacher");
    // The attacker's own form, with everything that it holds, sent by the victim's browser.
    let attacker = Browser::new();
    let page = attacker.open(library.url("/")).await;
    let (target, mut fields) = page.fields("sign-in");
    fields.retain(|(name, _)| name != "card" && name != "pin");
    fields.extend([("card".to_owned(), patron.card.clone()), ("pin".to_owned(), patron.pin.clone())]);
    let victim = Browser::new();
    victim.open(library.url("/")).await;
    for with_cookies in [true, false] {
        let answer = victim.post_from_elsewhere(&target, &fields, with_cookies).await;
        assert!(!answer.status.is_success() || answer.has("sign-in"), "{}", answer.body);
        assert!(!victim.is_signed_in(library).await, "login CSRF (cookies sent: {with_cookies})");
    }
}}

promise! { shared, async fn credentials_are_answered_with_303_and_pages_keep_to_themselves(library) {
    let patron = library.patron("district_grade_7");
    let browser = Browser::new();
    let page = browser.open(library.url("/")).await;
    let answer = browser.submit(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await;
    assert_eq!(answer.status, 303);
    for line in answer.headers.get_all("set-cookie") {
        let line = line.to_str().unwrap().to_ascii_lowercase();
        assert!(line.contains("httponly") && line.contains("samesite=lax") && line.contains("path=/"), "{line}");
    }
    let home = browser.open(library.url("/")).await;
    for page in [&page, &home] {
        let policy = page.header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
        assert!(!policy.contains("unsafe-inline") && !policy.contains("unsafe-eval"), "{policy}");
        assert_eq!(page.header("referrer-policy"), "no-referrer");
        assert_eq!(page.header("x-content-type-options"), "nosniff");
        assert!(page.header("cache-control").contains("no-store"), "{}", page.header("cache-control"));
        assert!(page.body.len() < 30_000, "{} bytes", page.body.len());
    }
}}

promise! { own, async fn an_operator_sets_a_pin_and_the_old_one_is_over(library) {
    let patron = library.patron("district_grade_7");
    library.run_with(&["card", "set-pin", &patron.card], "582047\n").fine();
    assert!(Browser::new().try_sign_in(&library, &patron).await.has("sign-in"), "the old PIN is over");
    Browser::new().sign_in(&library, &Patron::new(patron.card.clone(), "582047")).await;
    let on_the_line = library.run(&["card", "set-pin", &patron.card, "582047"]);
    assert_eq!(on_the_line.status, 2, "secrets never come on the command line");
}}

promise! { own, async fn a_blocked_card_is_out_at_once_and_back_when_unblocked(library) {
    let patron = library.patron("district_grade_7");
    let browser = Browser::new();
    browser.sign_in(&library, &patron).await;
    let reason = ["--reason", "lost card"];
    library.run(&["card", "block", &patron.card, reason[0], reason[1]]).fine();
    library.soon("the session is over", || async { !browser.is_signed_in(&library).await }).await;
    let page = Browser::new().try_sign_in(&library, &patron).await;
    assert_eq!(page.reason().as_deref(), Some("card-blocked"), "{}", page.body);
    let guess = Browser::new().try_sign_in(&library, &Patron::new(patron.card.clone(), "90417")).await;
    assert_ne!(guess.reason().as_deref(), Some("card-blocked"), "who does not know the PIN learns nothing");
    library.run(&["card", "unblock", &patron.card, reason[0], "found"]).fine();
    Browser::new().sign_in(&library, &patron).await;
}}

promise! { shared, async fn blanks_and_case_of_a_typed_card_do_not_matter(library) {
    let patron = library.patron("charter_grade_8");
    let (left, right) = patron.card.split_at(patron.card.len() / 2);
    let typed = format!(" {} {} ", left.to_lowercase(), right.to_lowercase());
    Browser::new().sign_in(library, &Patron::new(typed, patron.pin)).await;
}}
