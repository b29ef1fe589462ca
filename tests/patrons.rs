//! What the library keeps of a patron besides the roster, and what staff may do with it.

use serde_json::json;

use crate::{actors::*, promise};

const WHY: [&str; 2] = ["--reason", "asked at the desk"];

fn card<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["card"], words, &WHY].concat()
}

fn patron<'a>(words: &[&'a str]) -> Vec<&'a str> {
    [&["patron"], words, &WHY].concat()
}

promise! { founded, async fn a_blocked_card_keeps_since_when_and_why_for_staff_and_the_child_is_told_to_ask(library) {
    let mira = Person::pupil(1);
    library.import(&Delivery::of(std::slice::from_ref(&mira)), &[]).fine();
    let number = mira.card().card;
    for wordless in [&["card", "block", &number][..], &["card", "block", &number, "--reason", " "]] {
        assert_eq!(library.run(wordless).status, 2, "a block without a reason");
    }
    library.run(&["card", "block", &number, "--reason", "found on a bus"]).fine();
    let view = library.run(&card(&["show", &number, "--json"])).fine().json();
    assert_eq!(view["block"]["reason"], "found on a bus");
    assert!(view["block"]["since"].as_str().unwrap().ends_with('Z'), "{view}");
    assert!(library.run(&card(&["show", &number])).fine().stdout.contains("found on a bus"));
    let page = Browser::new().try_sign_in(&library, &mira.card()).await;
    assert!(!page.body.contains("found on a bus"), "{}", page.body);
    library.run(&["card", "unblock", &number, "--reason", "she came by"]).fine();
    let view = library.run(&card(&["show", &number, "--json"])).fine().json();
    assert_eq!((&view["status"], &view["block"]), (&json!("active"), &json!(null)));
}}

promise! { founded, async fn a_familys_no_is_heard_within_a_second_outlives_rosters_and_files_and_can_be_taken_back(library) {
    let people = [Person::pupil(1), Person::pupil(2)];
    library.import(&Delivery::of(&people), &[]).fine();
    let number = people[0].card().card;
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let browser = Browser::new();
    let tokens = vendor.click(&library, &browser, &people[0].card(), &["openid", "library.ebooks"]).await;
    let done = library.run(&patron(&["opt-out", &number, "--json"])).fine().json();
    assert_eq!(done["changed"], true);
    assert_eq!(library.run(&patron(&["opt-out", &number, "--json"])).fine().json()["changed"], false);
    library.soon("the token is worth nothing", || async { vendor.userinfo(&tokens.access_token).await.0 == 401 }).await;
    assert!(!browser.is_signed_in(&library).await);
    let chosen = Patron::new(number.clone(), CHANGED_PIN);
    let refused = || async { Browser::new().try_sign_in(&library, &chosen).await.reason().as_deref() == Some("opted-out") };
    assert!(refused().await);

    // A renewed roster and a pruning file take nothing of it away.
    let moved = Person { grade: "08", ..people[0].clone() };
    library.import(&Delivery::of(&[moved, people[1].clone()]), &[]).fine();
    let file = library.config.to_string_lossy().into_owned();
    library.run(&["apply", &file, "--prune"]).fine();
    assert!(refused().await);

    assert_eq!(library.run(&patron(&["opt-in", &number, "--json"])).fine().json()["changed"], true);
    library.soon("the card is good again", || async { !refused().await }).await;
    let again = vendor.click(&library, &Browser::new(), &chosen, &["openid", "library.ebooks"]).await;
    assert_eq!(again.subject, tokens.subject, "the same reader");
}}

promise! { founded, async fn an_opt_out_that_a_file_declares_is_ended_in_the_file(library) {
    let mira = Person::pupil(1);
    library.import(&Delivery::of(std::slice::from_ref(&mira)), &[]).fine();
    let number = mira.card().card;
    library.apply(&format!("[[opt_out]]\ncard = \"{number}\"\n")).fine();
    let said = library.run(&patron(&["opt-in", &number])).refused().stderr;
    assert!(said.contains("card:") && said.contains("--prune"), "{said}");
    let view = library.run(&patron(&["show", &number, "--json"])).fine().json();
    assert_eq!(view["opt_outs"][0]["by"], "file");
}}

promise! { founded, async fn a_parent_may_have_the_audience_lowered_and_never_raised(library) {
    let elder = Person { grade: "10", ..Person::pupil(1) };
    let younger = Person { grade: "02", ..Person::pupil(2) };
    let teacher = Person { role: "teacher", grade: "", ..Person::pupil(3) };
    library.import(&Delivery::of(&[elder.clone(), younger.clone(), teacher.clone()]), &[]).fine();
    let grown = library.declare(Declared { id: "grown", audience: &["adult"], ..Declared::default() }).await;
    let shelf = OidcVendor::of(&library, library.shelf()).await;
    let number = elder.card().card;
    let tokens = shelf.click(&library, &Browser::new(), &elder.card(), &["openid", "library.ebooks"]).await;
    assert_eq!(payload_of(&tokens.id_token)["audience_band"], "adult");
    let allowed = library.run(&["explain", &number, "grown", "--json"]).fine().json();
    assert_eq!(allowed["decision"], "allowed");

    library.run(&patron(&["audience", &number, "young-adult"])).fine();
    let told = || async { shelf.userinfo(&tokens.access_token).await.1["audience_band"] == "young-adult" };
    library.soon("vendors are told", told).await;
    let refused = library.run(&["explain", &number, "grown", "--json"]).fine().json();
    assert_eq!(refused["reason"], "audience-mismatch");
    let lowered = |line: &serde_json::Value| line["what"].as_str().unwrap().contains("lowered from adult to young-adult");
    assert!(refused["trace"].as_array().unwrap().iter().any(lowered), "{refused}");
    let chosen = Patron::new(number.clone(), CHANGED_PIN);
    let vendor = OidcVendor::of(&library, grown).await;
    let url = vendor.authorize_url(&vendor.request(&Challenge::new()));
    let page = Browser::new();
    page.sign_in(&library, &chosen).await;
    let page = page.go(&url, &vendor.party.redirect_uri).await.page();
    assert_eq!(page.reason().as_deref(), Some("audience-mismatch"), "{}", page.body);

    // Not above what the grade gives, and not of somebody who has none.
    library.run(&patron(&["audience", &younger.card().card, "young-adult"])).fine();
    let view = library.run(&["explain", &younger.card().card, "shelf", "--json"]).fine().json();
    assert_eq!(view["release"]["audience_band"], "juvenile");
    library.run(&patron(&["audience", &teacher.card().card, "juvenile"])).refused();
    library.run(&patron(&["audience", &number, "default"])).fine();
    assert_eq!(library.run(&["explain", &number, "grown", "--json"]).fine().json()["decision"], "allowed");
}}

promise! { founded, async fn one_card_may_be_given_a_privilege_until_a_day_as_long_as_an_agreement_covers_it(library) {
    let pupil = Person::pupil(1);
    let uncovered = Person { org: "org-cedar", grade: "02", ..Person::pupil(2) };
    library.import(&Delivery::of(&[pupil.clone(), uncovered.clone()]), &[]).fine();
    library.apply("[[scope]]\nname = \"library.hotspot\"\n").fine();
    let scopes = &["library.ebooks", "library.hotspot"];
    let roost = library.declare(Declared { id: "roost", scopes, ..Declared::default() }).await;
    let roost = OidcVendor::of(&library, roost).await;
    let number = pupil.card().card;
    for wrong in [["library.kayak", "2098-06-30"], ["library.hotspot", "2020-06-30"]] {
        library.run(&card(&["grant", &number, wrong[0], "--until", wrong[1]])).refused();
    }
    library.run(&card(&["grant", &number, "library.hotspot", "--until", "2098-06-30"])).fine();
    let given = library.run(&card(&["show", &number, "--json"])).fine().json();
    assert_eq!(given["privileges"], json!([{ "scope": "library.hotspot", "until": "2098-06-30", "over": false }]));

    let asked = ["openid", "library.ebooks", "library.hotspot"];
    let tokens = roost.click(&library, &Browser::new(), &pupil.card(), &asked).await;
    assert_eq!(payload_of(&tokens.access_token)["scope"], "openid library.ebooks library.hotspot");
    let why = library.run(&["explain", &number, "roost", "--json"]).fine().json();
    assert_eq!(why["release"]["until"], "2098-07-01T04:00:00Z", "the day is over before the agreement is");
    assert!(why.to_string().contains("this card was given library.hotspot until 2098-06-30"), "{why}");
    let shelf = library.run(&["explain", &number, "shelf", "--json"]).fine().json();
    assert_eq!(shelf["release"]["until"], "2099-07-01T04:00:00Z", "where it is not asked for it bounds nothing");

    let simulation = library.run(&["agreement", "simulate", "maple-all", "--at", "2098-12-31", "--json"]).fine().json();
    assert_eq!(simulation["total"]["lose"], json!({ "library.hotspot": 1 }));

    let other = format!("CC{}", uncovered.identifier);
    library.run(&card(&["grant", &other, "library.hotspot", "--until", "2098-06-30"])).fine();
    let refused = library.run(&["explain", &other, "roost", "--json"]).fine().json();
    assert_eq!(refused["reason"], "grade-not-covered", "beside an agreement, never without one");

    library.run(&card(&["revoke", &number, "library.hotspot"])).fine();
    let gone = || async { !roost.userinfo(&tokens.access_token).await.1.to_string().contains("hotspot") };
    library.soon("it is taken back", gone).await;
    let why = library.run(&["explain", &number, "roost", "--json"]).fine().json();
    assert_eq!(why["release"]["scope"], "library.ebooks");
}}

promise! { founded, async fn who_is_erased_is_nowhere_any_more_and_nothing_brings_them_back(library) {
    let people: Vec<Person> = (1..=12).map(Person::pupil).collect();
    let leaver = Person { given: "Wilhelmina".into(), ..people[0].clone() };
    let with_her = [std::slice::from_ref(&leaver), &people[1..]].concat();
    library.import(&Delivery::of(&with_her), &[]).fine();
    let number = leaver.card().card;
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let tokens = vendor.click(&library, &Browser::new(), &leaver.card(), &["openid", "library.ebooks"]).await;
    let said = library.run(&patron(&["erase", &number, "--yes"])).refused().stderr;
    assert!(said.contains("--though-enrolled"), "{said}");

    library.import(&Delivery::of(&people[1..]), &[]).fine();
    library.run(&card(&["grant", &number, "library.databases", "--until", "2098-06-30"])).fine();
    let view = library.run(&patron(&["show", &number, "--json"])).fine().json();
    assert_eq!((&view["standing"], &view["sourced_id"]), (&json!("withdrawn"), &json!("user-1")));
    assert_eq!((&view["passages"], &view["roster_rows"]), (&json!({ "shelf": 1 }), &json!(2)));
    assert!(view["withdrawn_since"].is_string() && view["audit_events"].as_u64().unwrap() >= 4, "{view}");
    let id = view["patron"].as_str().unwrap().to_owned();
    assert!(library.records().await.contains(&id));

    let erase = patron(&["erase", &number, "--json"]);
    library.run_with(&erase, "some other number\n").refused();
    let done = library.run_with(&erase, &format!("{number}\n")).fine().json();
    assert_eq!((&done["roster_rows"], &done["passages"]), (&json!(2), &json!(1)));
    for trace in [&id, &number, "Wilhelmina", &tokens.subject] {
        let gone = || async { !library.records().await.contains(trace) };
        library.soon(&format!("{trace} is nowhere, not even where it was deleted"), gone).await;
    }
    library.run(&["audit", "verify"]).fine();
    library.run(&patron(&["show", &number])).refused();

    // The night before is undone: she was there, and is not now.
    library.run(&["directory", "undo", "cms"]).fine();
    library.run(&patron(&["show", &number])).refused();
    library.import(&Delivery::of(&with_her), &[]).fine();
    let anew = vendor.click(&library, &Browser::new(), &leaver.card(), &["openid", "library.ebooks"]).await;
    assert_ne!(anew.subject, tokens.subject, "somebody new to every vendor");
    library.run(&patron(&["erase", &number, "--yes", "--though-enrolled"])).fine();
}}

promise! { own, async fn what_agreements_say_of_borrowing_is_told_to_the_reader_and_to_who_lends(library) {
    let (district, charter) = (library.patron("district_grade_7"), library.patron("charter_grade_8"));
    let browser = Browser::new();
    browser.sign_in(&library, &district).await;
    assert!(!browser.get(library.url("/card")).await.has("loans"), "nothing is said where nothing is declared");
    library.apply(
        "[[agreement]]\nid = \"cms-2026\"\norganisation = \"cms\"\nroles = [\"student\", \"staff\"]\n\
         grades = [\"PK\", \"12\"]\nprivileges = [\"library.ebooks\", \"library.databases\", \"library.checkout\"]\n\
         from = 2026-07-01\nto = 2031-06-30\nloan_limit = 12\noverdue_fines = false\n\
         [[vendor]]\nid = \"print-swan\"\nname = \"Print Swan\"\naudience = [\"young-adult\"]\n\
         scopes = [\"library.ebooks\", \"library.checkout\"]\n[[vendor.sip2]]\nlogin = \"print-swan\"\n\
         password = \"a-password-of-a-fictional-vendor\"\nloans = \"library.checkout\"\n",
    ).fine();
    let address = sip2_address(&library);
    let log_in = || async { Sip2::connect(address).await.log_in("print-swan", "a-password-of-a-fictional-vendor").await };
    library.logs_in("print-swan", || async { log_in().await == "941" }).await;
    let mut swan = Sip2::connect(address).await;
    swan.log_in("print-swan", "a-password-of-a-fictional-vendor").await;
    let told = swan.information(&district.card, Some(&district.pin)).await;
    assert_eq!((told.field("CB"), told.field("BV")), (Some("0012"), Some("0")));
    let none = swan.information(&charter.card, Some(&charter.pin)).await;
    assert_eq!((none.field("CB"), none.field("BV")), (None, None), "no loans, no limit");
    let mut maple = Sip2::of(&library).await;
    let books = maple.information(&district.card, Some(&district.pin)).await;
    assert_eq!((books.field("CB"), books.field("BV")), (None, None), "nothing to who lends nothing");
    let page = browser.get(library.url("/card")).await.words();
    assert!(page.contains("You can borrow 12 things at a time. No overdue fines."), "{page}");
}}
