//! Test patrons: nobody, declared in a file, and able to do what anybody of their role can do.

use crate::{actors::*, promise};

const CARD: &str = "TEST-7";
const PIN: &str = "518273";

fn declared(more: &str) -> String {
    format!(
        "[[test_patron]]\nid = \"try-me\"\ncard = \"{CARD}\"\npin = \"{PIN}\"\norganisation = \"maple\"\n\
         given_name = \"Wilhelmina\"\nfamily_name = \"Testwright\"\n{more}\n"
    )
}

fn staff() -> String {
    declared("role = \"staff\"\nemail = \"wtestwright@library.example\"\nphone_number = \"+1 555 0100\"")
}

promise! { founded, async fn a_test_patron_signs_in_and_follows_the_agreements_like_everybody(library) {
    library.apply(&staff()).fine();
    let (patron, vendor) = (Patron::new(CARD, PIN), OidcVendor::of(&library, library.shelf()).await);
    let tokens = vendor.click(&library, &Browser::new(), &patron, &["openid", "library.ebooks"]).await;
    assert_eq!(tokens.id_claims["patron_type"], "staff");
    assert_eq!(tokens.id_claims["audience_band"], "adult");

    let again = library.apply(&staff()).fine();
    assert!(again.words().contains("Nothing to do"), "{}", again.words());
    let card = library.run(&["card", "show", CARD, "--reason", "a test", "--json"]).fine().json();
    assert_eq!((&card["test_patron"], &card["pin"]), (&true.into(), &"chosen".into()));
    let words = library.run(&["card", "show", CARD, "--reason", "a test"]).fine().stdout;
    assert!(words.contains("test patron"), "{words}");
    let told = library.run(&["audit", "tail", "--json"]).fine().stdout;
    assert!(told.contains("test-patron") && told.contains("\"test\": true") | told.contains("\"test\":true"), "{told}");
    for text in [told, library.logs(), library.records().await] {
        assert!(!text.contains(PIN), "the PIN is nowhere readable");
    }

    // A pupil of the charter below its agreement's grades is refused like any other.
    let pupil = declared("role = \"student\"\ngrade = \"05\"").replace("\"maple\"", "\"cedar\"");
    library.apply(&pupil).fine();
    library.soon("the agreement is looked at", || async { vendor.userinfo(&tokens.access_token).await.0 == 401 }).await;
    let page = Browser::new().try_sign_in(&library, &patron).await;
    assert_eq!(page.reason().as_deref(), Some("grade-not-covered"), "{}", page.body);
}}

promise! { founded, async fn another_pin_in_the_file_is_another_pin(library) {
    library.apply(&staff()).fine();
    let browser = Browser::new();
    browser.sign_in(&library, &Patron::new(CARD, PIN)).await;
    let done = library.apply(&staff().replace(PIN, "640917")).fine();
    assert!(!done.words().contains("640917") && done.words().contains("(new secret)"), "{}", done.words());
    library.soon("the old PIN's session is over", || async { !browser.is_signed_in(&library).await }).await;
    Browser::new().sign_in(&library, &Patron::new(CARD, "640917")).await;
    let page = Browser::new().try_sign_in(&library, &Patron::new(CARD, PIN)).await;
    assert!(page.has("sign-in"), "{}", page.body);
}}

promise! { founded, async fn who_is_no_longer_declared_is_gone_and_comes_back_as_the_same_reader(library) {
    let file = std::fs::read_to_string(&library.config).unwrap();
    let with = library.write("with.toml", format!("{file}\n{}", staff()));
    let without = library.write("without.toml", &file);
    let apply = |path: &std::path::Path| library.run(&["apply", &path.to_string_lossy(), "--prune"]).fine();
    apply(&with);
    let (patron, vendor) = (Patron::new(CARD, PIN), OidcVendor::of(&library, library.shelf()).await);
    let browser = Browser::new();
    let first = vendor.click(&library, &browser, &patron, &["openid", "library.ebooks"]).await;
    let gone = apply(&without);
    assert!(gone.words().contains("- test-patron try-me"), "{}", gone.words());
    library.soon("the session is over", || async { !browser.is_signed_in(&library).await }).await;
    let worthless = || async { vendor.userinfo(&first.access_token).await.0 == 401 };
    library.soon("the token is worth nothing", worthless).await;
    let page = Browser::new().try_sign_in(&library, &patron).await;
    assert!(page.has("sign-in"), "a PIN that is no more looks wrong: {}", page.body);
    let card = library.run(&["card", "show", CARD, "--reason", "a test", "--json"]).fine().json();
    assert_eq!((&card["standing"], &card["pin"]), (&"withdrawn".into(), &"none".into()));
    assert!(!library.run(&["explain", CARD, "shelf", "--json"]).fine().stdout.contains("wtestwright"));
    apply(&with);
    let again = vendor.click(&library, &Browser::new(), &patron, &["openid", "library.ebooks"]).await;
    assert_eq!(again.subject, first.subject);
}}

promise! { founded, async fn nobody_loses_a_card_to_a_test_patron_and_no_roster_touches_one(library) {
    let pupil = Person::pupil(1);
    library.import(&Delivery::of(&[pupil.clone(), Person::pupil(2)]), &[]).fine();
    let done = library.apply(&staff().replace(CARD, &pupil.identifier)).refused();
    assert!(done.stderr.contains("it is somebody's"), "{}", done.stderr);

    library.apply(&staff()).fine();
    let thief = Person { identifier: CARD.into(), ..Person::pupil(3) };
    let report = library.import(&Delivery::of(&[pupil.clone(), Person::pupil(2), thief]), &[]);
    assert!(report.words().contains(CARD), "a card that is taken is told: {}", report.words());
    Browser::new().sign_in(&library, &Patron::new(CARD, PIN)).await;
    for args in [&["directory", "import", "test", "."][..], &["directory", "undo", "test"]] {
        library.run(args).refused();
    }
    Browser::new().sign_in(&library, &Patron::new(CARD, PIN)).await;
}}

promise! { founded, async fn what_a_rule_lets_through_is_shown_by_explain_for_staff_and_never_for_a_pupil(library) {
    library.import(&Delivery::of(&[Person::pupil(1), Person::pupil(2)]), &[]).fine();
    let nosy = Declared {
        id: "nosy",
        vendor_lines: "release = [{ name = \"profile\", purpose = \"a test\" }, { name = \"email\", purpose = \"a test\" }]",
        ..Declared::default()
    };
    library.apply(&format!("{}\n{}", staff(), nosy.toml())).fine();
    let release = |card: &str| library.run(&["explain", card, "nosy", "--json"]).fine().json()["release"].clone();
    let told = release(CARD);
    assert_eq!(told["standard"]["email"], "wtestwright@library.example");
    assert_eq!(told["standard"]["name"], "Wilhelmina Testwright");
    assert!(told["standard"]["phone_number"].is_null(), "no rule, no claim: {told}");
    let pupil = release(&Person::pupil(1).identifier);
    assert!(pupil["sub"].is_string() && pupil["standard"].is_null(), "{pupil}");
    let words = library.run(&["explain", CARD, "nosy"]).fine().stdout;
    assert!(words.contains("wtestwright@library.example") && words.contains("test patron"), "{words}");
}}

promise! { shared, async fn the_demo_has_an_adult_of_whom_everything_is_known(library) {
    let patron = library.patron("all_claims_staff");
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let tokens = vendor.click(library, &Browser::new(), &patron, &["openid", "library.ebooks"]).await;
    assert_eq!(tokens.id_claims["patron_type"], "staff");
    let told = library.run(&["explain", &patron.card, &vendor.party.vendor, "--json"]).fine().json();
    let standard = told["release"]["standard"].as_object().unwrap();
    assert_eq!(standard.len(), 19, "every standard claim: {standard:?}");
}}

promise! { shared, async fn an_adults_standard_claims_come_scope_by_scope_and_at_userinfo(library) {
    let patron = library.patron("all_claims_staff");
    let vendor = OidcVendor::of(library, library.oidc()).await;
    for (scope, claims) in [
        ("profile", &["name", "given_name", "family_name", "middle_name", "nickname", "preferred_username", "profile",
            "picture", "website", "gender", "birthdate", "zoneinfo", "locale", "updated_at"][..]),
        ("email", &["email", "email_verified"]),
        ("address", &["address"]),
        ("phone", &["phone_number", "phone_number_verified"]),
    ] {
        let tokens = vendor.click(library, &Browser::new(), &patron, &["openid", scope]).await;
        let (status, told) = vendor.userinfo(&tokens.access_token).await;
        assert_eq!(status, 200, "{told}");
        let mut told: Vec<&str> = told.as_object().unwrap().keys().map(String::as_str).collect();
        told.retain(|name| !["sub", "audience_band", "patron_type"].contains(name));
        told.sort_unstable();
        let mut right = claims.to_vec();
        right.sort_unstable();
        assert_eq!(told, right, "{scope}");
        assert!(claims.iter().all(|claim| tokens.id_claims.get(*claim).is_none()), "{}", tokens.id_claims);
    }
}}
