//! Sign-in at a school's own page: who is let in, by which portal, and what the page says when that page is away.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::{actors::*, promise};

promise! { founded, async fn a_pupil_signs_in_at_her_school_and_goes_on_to_the_vendor(library) {
    let liar = Liar::open().await;
    library.opens_portals(&[("oak", liar.source("oak", ""))], &people()).await;
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let browser = Browser::new();
    let page = browser.go(&vendor.authorize_url(&vendor.request(&Challenge::new())), &vendor.party.redirect_uri).await.page();
    assert!(page.has("sign-in"), "card and PIN stay");
    let leaving = browser.goes_to_school(&page, "oak").await;
    assert_eq!(leaving.status, 303);
    let authorize = leaving.location().unwrap();
    let asked = words_of(&authorize);
    assert_eq!((asked["code_challenge_method"].as_str(), asked["response_type"].as_str()), ("S256", "code"));
    assert!(asked.contains_key("nonce") && asked["state"].len() >= 43);
    let back = browser.go(liar.lets_in(&authorize), &vendor.party.redirect_uri).await.left();
    assert!(words_of(&back).contains_key("code"), "{back}");
    assert!(browser.is_signed_in(&library).await);

    let session = library.records().await;
    assert!(session.contains("vouched:oak"), "what the provider does not say of a password is not said for it");
    assert!(!session.contains("account-1"), "its name for her is kept as a digest alone");
    let shown = library.run(&["upstream", "show", "700001", "--reason", "she asks", "--json"]).fine();
    assert_eq!(shown.json()[0]["upstream"], "oak");
    assert_eq!(library.run(&["upstream", "list", "--json"]).fine().json()[0]["bound"], 1);
}}

promise! { founded, async fn exactly_one_enrolled_person_or_nobody(library) {
    let liar = Liar::open().await;
    // Two pupils share a username; the fourth is at a school that does not sign in here.
    let mut people = people();
    people.push(Person { given: "Pupil2".into(), ..Person::pupil(5) });
    let oak = liar.source("oak", "organisations = [\"maple\"]");
    library.opens_portals(&[("oak", oak)], &people).await;
    for (claims, reason) in [
        (json!({ "preferred_username": "nobody" }), "upstream-unknown-person"),
        (json!({ "preferred_username": "pupil2" }), "upstream-ambiguous"),
        (json!({ "preferred_username": "pupil4" }), "upstream-unknown-person"),
        (json!({ "preferred_username": null }), "upstream-unknown-person"),
        (json!({ "preferred_username": "" }), "upstream-unknown-person"),
    ] {
        liar.lies(Lies { claims: claims.clone(), ..Lies::default() });
        let browser = Browser::new();
        let page = browser.by_school(&library, &liar, "oak").await;
        assert_eq!(page.reason().as_deref(), Some(reason), "{claims}: {}", page.body);
        assert!(page.has("sign-in"), "the PIN stays");
        assert!(!browser.is_signed_in(&library).await);
    }
    liar.lies(Lies { claims: json!({ "preferred_username": "PUPIL1" }), ..Lies::default() });
    let browser = Browser::new();
    browser.by_school(&library, &liar, "oak").await;
    assert!(browser.is_signed_in(&library).await, "case does not count");

    // Gone from the roster: no longer let in.
    let left: Vec<Person> = people.iter().filter(|p| p.sourced_id != "user-1").cloned().collect();
    library.import(&Delivery::of(&left), &["--accept-removals"]).fine();
    library.soon("she is out", || async { !browser.is_signed_in(&library).await }).await;
    let page = Browser::new().by_school(&library, &liar, "oak").await;
    assert_eq!(page.reason().as_deref(), Some("upstream-unknown-person"), "{}", page.body);
}}

promise! { founded, async fn a_changed_or_reused_account_never_lands_in_another_childs(library) {
    let liar = Liar::open().await;
    library.opens_portals(&[("oak", liar.source("oak", ""))], &people()).await;
    let as_account = |sub: &str, username: &str| {
        liar.lies(Lies { claims: json!({ "sub": sub, "preferred_username": username }), ..Lies::default() });
    };
    as_account("account-1", "pupil1");
    let browser = Browser::new();
    browser.by_school(&library, &liar, "oak").await;
    assert!(browser.is_signed_in(&library).await);
    for (sub, username) in [("account-1", "pupil2"), ("account-9", "pupil1")] {
        as_account(sub, username);
        let browser = Browser::new();
        let page = browser.by_school(&library, &liar, "oak").await;
        assert_eq!(page.reason().as_deref(), Some("upstream-mismatch"), "{sub} {username}: {}", page.body);
        assert!(!browser.is_signed_in(&library).await);
    }
    // The operator finds that the school gave her a new account.
    let without_a_reason = library.run(&["upstream", "unlink", "700001"]);
    assert_eq!(without_a_reason.status, 2);
    let done = library.run(&["upstream", "unlink", "700001", "--reason", "new account", "--json"]).fine();
    assert_eq!(done.json()["unlinked"], json!(["oak"]));
    as_account("account-9", "pupil1");
    let browser = Browser::new();
    browser.by_school(&library, &liar, "oak").await;
    assert!(browser.is_signed_in(&library).await);
    as_account("account-1", "pupil1");
    assert_eq!(Browser::new().by_school(&library, &liar, "oak").await.reason().as_deref(), Some("upstream-mismatch"));
    let tail = library.run(&["audit", "tail", "--json"]).fine().stdout;
    assert!(tail.contains("upstream-link") && tail.contains("upstream-unlink"), "{tail}");
}}

promise! { founded, async fn a_blocked_card_is_blocked_by_every_portal(library) {
    let liar = Liar::open().await;
    library.opens_portals(&[("oak", liar.source("oak", ""))], &people()).await;
    library.run(&["card", "block", "700001", "--reason", "lost"]).fine();
    let browser = Browser::new();
    let page = browser.by_school(&library, &liar, "oak").await;
    assert_eq!(page.reason().as_deref(), Some("card-blocked"), "{}", page.body);
    assert!(!browser.is_signed_in(&library).await);
}}

promise! { founded, async fn a_school_without_pins_has_one_portal_and_clicks_go_straight_through_it(library) {
    let liar = Liar::open().await;
    let oak = liar.source("oak", "organisations = [\"maple\"]\npin = \"never\"");
    library.opens_portals(&[("oak", oak)], &people()).await;
    // The right PIN does not open the page to her, and to the charter's pupils it does.
    let page = Browser::new().try_sign_in(&library, &Person::pupil(1).card()).await;
    assert_eq!(page.reason().as_deref(), Some("school-sign-in-only"), "{}", page.body);
    assert!(page.button_to("oak").is_some());
    let guess = Browser::new().try_sign_in(&library, &Patron::new("700001", "90417")).await;
    assert_eq!(guess.reason().as_deref(), Some("sign-in-failed"), "who does not know the PIN learns nothing");

    // The school's own link, and a vendor that says whose reader it is.
    let straight = Browser::new().get(library.url("/sign-in/at/maple")).await;
    assert!(straight.location().unwrap().as_str().starts_with(&liar.issuer), "{}", straight.body);
    let charter = Browser::new().open(library.url("/sign-in/at/cedar")).await;
    assert!(charter.has("sign-in") && charter.button_to("oak").is_none(), "{}", charter.body);
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let mut request = vendor.request(&Challenge::new());
    request.push(("login_hint".into(), "maple".into()));
    let browser = Browser::new();
    let away = browser.go(vendor.authorize_url(&request), &liar.issuer).await.left();
    let back = browser.go(liar.lets_in(&away), &vendor.party.redirect_uri).await.left();
    assert!(words_of(&back).contains_key("code"), "{back}");

    // Nothing of this where no page may be shown.
    request.push(("prompt".into(), "none".into()));
    let back = Browser::new().go(vendor.authorize_url(&request), &vendor.party.redirect_uri).await.left();
    assert_eq!(words_of(&back)["error"], "login_required");

    // Where the school does not let her in, the page says so instead of sending her in circles.
    liar.lies(Lies { claims: json!({ "preferred_username": "nobody" }), ..Lies::default() });
    let browser = Browser::new();
    let away = browser.get(library.url("/sign-in/at/maple")).await.location().unwrap();
    let page = browser.open(liar.lets_in(&away)).await;
    assert_eq!(page.reason().as_deref(), Some("upstream-unknown-person"), "{}", page.body);
}}

promise! { founded, async fn the_portal_of_last_time_comes_first(library) {
    let (ash, oak) = (Liar::open().await, Liar::open().await);
    let sources = [("ash", ash.source("ash", "")), ("oak", oak.source("oak", ""))];
    library.opens_portals(&sources, &people()).await;
    let browser = Browser::new();
    let first = browser.open(library.url("/sign-in")).await;
    assert_eq!(first.button_to("ash").as_deref(), Some("portal-1"));
    browser.by_school(&library, &oak, "oak").await;
    browser.sign_out(&library).await;
    let again = browser.open(library.url("/sign-in")).await;
    assert_eq!(again.button_to("oak").as_deref(), Some("portal-1"), "{}", again.body);
}}

promise! { founded, async fn a_school_that_is_away_is_said_to_be_and_the_pin_remains(library) {
    let liar = Liar::open().await;
    liar.lies(Lies { discovery: Discovery::Broken, ..Lies::default() });
    library.opens_portals(&[("oak", liar.source("oak", ""))], &people()).await;
    let browser = Browser::new();
    let page = browser.by_school(&library, &liar, "oak").await;
    assert_eq!(page.reason().as_deref(), Some("upstream-away"), "{}", page.body);
    assert!(page.has("sign-in"));
    let (asked, begun) = (liar.was_asked("discovery"), Instant::now());
    for _ in 0..5 {
        Browser::new().by_school(&library, &liar, "oak").await;
    }
    let may_be = begun.elapsed().as_secs() as usize / 5;
    assert!(liar.was_asked("discovery") <= asked + may_be, "who does not answer is left alone for a moment");
    liar.lies(Lies::default());
    let browser = Browser::new();
    library.soon_enough(Duration::from_secs(15), "it is asked again", || async {
        browser.by_school(&library, &liar, "oak").await;
        browser.is_signed_in(&library).await
    }).await;
    // From here on what it said is known, and its pages may be away.
    liar.lies(Lies { discovery: Discovery::Slow, ..Lies::default() });
    let another = Browser::new();
    another.by_school(&library, &liar, "oak").await;
    assert!(another.is_signed_in(&library).await);
    // Nobody is sent to a host that is gone: the browser would show nothing but its own error.
    drop(liar);
    let third = Browser::new();
    library.soon_enough(Duration::from_secs(15), "it is said to be away", || async {
        let page = third.open(library.url("/sign-in?all=1")).await;
        let answer = third.goes_to_school(&page, "oak").await;
        let Some(page) = answer.location().filter(|to| to.as_str().starts_with(&library.issuer)) else { return false };
        third.open(page).await.reason().as_deref() == Some("upstream-away")
    }).await;
}}

promise! { founded, async fn who_must_show_anew_who_they_are_does_so_at_the_school(library) {
    let liar = Liar::open().await;
    library.opens_portals(&[("oak", liar.source("oak", ""))], &people()).await;
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let mut request = vendor.request(&Challenge::new());
    request.push(("prompt".into(), "login".into()));
    for (auth_time, let_in) in [(json!("now"), true), (json!("now-7200"), false), (json!(null), false)] {
        liar.lies(Lies { claims: json!({ "auth_time": auth_time }), ..Lies::default() });
        let browser = Browser::new();
        let page = browser.go(vendor.authorize_url(&request), &vendor.party.redirect_uri).await.page();
        let away = browser.goes_to_school(&page, "oak").await.location().unwrap();
        assert_eq!((words_of(&away)["prompt"].as_str(), words_of(&away)["max_age"].as_str()), ("login", "0"));
        match browser.go(liar.lets_in(&away), &vendor.party.redirect_uri).await {
            Arrival::Left(_) => assert!(let_in, "{auth_time}"),
            Arrival::Page(page) => {
                assert!(!let_in, "{}", page.body);
                assert_eq!(page.reason().as_deref(), Some("upstream-failed"));
            }
        }
    }
}}

promise! { founded, async fn who_signs_out_is_led_to_the_schools_sign_out_where_that_is_wished(library) {
    let liar = Liar::open().await;
    library.opens_portals(&[("oak", liar.source("oak", "sign_out = true\nacr = \"password\""))], &people()).await;
    let browser = Browser::new();
    browser.by_school(&library, &liar, "oak").await;
    assert!(library.records().await.contains("upstream:oak"), "as good as a password");
    let page = browser.sign_out(&library).await;
    let onward = page.link("continue").unwrap_or_else(|| panic!("{}", page.body));
    assert!(onward.as_str().starts_with(&format!("{}/bye?", liar.issuer)), "{onward}");
    assert_eq!(words_of(&onward)["post_logout_redirect_uri"], library.url("/signed-out"));
    assert!(!browser.is_signed_in(&library).await);
}}

promise! { founded, async fn a_school_without_a_roster_gets_its_cards_as_its_people_come(library) {
    let liar = Liar::open().await;
    let elm = "create = \"cedar\"\nroles = [\"staff\"]\nclaims = { hd = \"elm.example\" }";
    let elm = liar.source("elm", elm).replace("roster = \"cms\"", "roster = \"elm\"");
    let elm = elm.replace("match_field = \"username\"", "match_field = \"identifier\"");
    library.opens_portals(&[("elm", elm)], &people()).await;
    let comes = async |sub: &str, id: &str, given: &str, domain: &str| {
        let claims = json!({ "sub": sub, "preferred_username": id, "given_name": given, "family_name": "Sorrel", "hd": domain });
        liar.lies(Lies { claims, ..Lies::default() });
        let browser = Browser::new();
        let page = browser.by_school(&library, &liar, "elm").await;
        (browser.is_signed_in(&library).await, page.reason())
    };
    assert_eq!(comes("a-1", "9001", "Ada", "elsewhere.example").await, (false, Some("upstream-wrong-tenant".into())));
    assert_eq!(comes("a-1", "9001", "Ada", "elm.example").await, (true, None));
    assert_eq!(comes("a-2", "9002", "Bo", "elm.example").await, (true, None));
    let show = |card: &str| library.run(&["patron", "show", card, "--reason", "who is it?", "--json"]);
    let ada = show("CC9001").fine().json();
    assert_eq!((&ada["name"], &ada["affiliations"]), (&json!("Ada Sorrel"), &json!(["cedar:staff"])), "{ada}");
    assert!(ada["patron"].is_string(), "{ada}");
    assert_eq!(comes("a-1", "9001", "Ada", "elm.example").await, (true, None), "the same card as before");
    assert_eq!(show("CC9001").fine().json()["patron"], ada["patron"]);
    let runs = library.run(&["directory", "runs", "elm", "--json"]).fine().stdout;
    assert_eq!(runs.matches("\"live\"").count() + runs.matches("\"closed\"").count(), 2, "{runs}");

    // Another account with her number is not her, and a number that the district gave out is not anybody's.
    assert_eq!(comes("a-9", "9001", "Eve", "elm.example").await, (false, Some("upstream-mismatch".into())));
    let held = comes("a-8", "700004", "Eve", "elm.example").await;
    assert_eq!(held, (false, Some("upstream-unknown-person".into())));
    // The roster can be taken back like any other: the last who came is gone, and comes again.
    library.run(&["directory", "undo", "elm"]).fine();
    assert_ne!(show("CC9002").status, 0);
    assert_eq!(comes("a-2", "9002", "Bo", "elm.example").await, (true, None));
}}

promise! { founded, async fn an_upstream_that_cannot_be_is_refused_by_line_and_field(library) {
    let liar = Liar::open().await;
    library.write_secrets(&[("oak", String::new())]);
    for (good, bad, why) in [
        ("roster = \"cms\"", "roster = \"nowhere\"", "nowhere"),
        ("roster = \"cms\"", "roster = \"oak\"", "itself"),
        ("roster = \"cms\"", "roster = \"oak\"\ncreate = \"cedar\"", "anybody would get a card"),
        ("roster = \"cms\"", "roster = \"oak\"\ncreate = \"cedar\"\nhosted_domain = \"a.example\"", "exactly one"),
        ("roster = \"cms\"", "roster = \"cms\"\ncreate = \"cedar\"", "must be this source itself"),
        ("match_field = \"username\"", "match_field = \"shoe\"", "match_field"),
        ("match_claim = \"preferred_username\"\n", "", "match_claim"),
        ("scopes = ", "algorithms = [\"HS256\"]\nscopes = ", "HS256"),
        ("scopes = ", "algorithms = [\"none\"]\nscopes = ", "none"),
        ("client_secret_file = \"oak.secret\"", "client_secret_file = \"missing\"", "missing"),
        ("issuer = \"http://127.0.0.1", "issuer = \"http://school.example", "https"),
    ] {
        let toml = liar.source("oak", "");
        assert!(toml.contains(good));
        let done = library.apply(&toml.replace(good, bad));
        assert_eq!(done.status, 1, "{bad}");
        assert!(done.stderr.contains(why), "{bad}: {}", done.stderr);
    }
}}
