//! Sign-out: whoever leaves, by whatever door, has left everywhere, or is told where not.

use std::{collections::BTreeSet, time::Duration};

use serde_json::Value;

use crate::{actors::*, promise};

const BACK: &str = "backchannel_logout_uri = \"EAR/bye\"\npost_logout_redirect_uris = [\"EAR/done\"]";
const FRONT: &str = "frontchannel_logout_uri = \"EAR/frame?tenant=a%20b\"\npost_logout_redirect_uris = [\"EAR/done\"]";
const NEITHER: &str = "post_logout_redirect_uris = [\"EAR/done\"]";
const SCOPES: [&str; 2] = ["openid", "library.ebooks"];

// ── Back-channel ───────────────────────────────────────────────────────────────────────────────────────────────────

promise! { shared, async fn a_vendor_hears_that_its_reader_signed_out_and_can_verify_it(library) {
    let (ear, other) = (Ear::open().await, Ear::open().await);
    let vendor = OidcVendor::of(library, library.declare(ear.declared("hears", BACK)).await).await;
    library.declare(other.declared("not-visited", BACK)).await;
    let browser = Browser::new();
    let tokens = vendor.click(library, &browser, &library.patron("district_grade_7"), &SCOPES).await;

    let page = browser.sign_out(library).await;
    let heard = ear.hears(1).await;
    assert!(page.body.contains("data-told") && page.body.contains("hears books"), "{}", page.body);
    assert!(!page.body.contains("data-unreached") && !page.has("advice"), "{}", page.body);
    assert!(page.body.contains("signed out everywhere"), "{}", page.body);
    let claims = verified(library, &vendor.party.client_id, &heard[0]).await;
    assert_eq!(claims["sub"], tokens.subject.as_str());
    assert_eq!(claims["sid"], tokens.id_claims["sid"]);
    assert!(other.heard().is_empty(), "a vendor that she never went to");

    // It opens nothing: it is no access token, and no ID token.
    assert_eq!(vendor.userinfo(&heard[0]).await.0, 401);
    let hint = end_session(&vendor, &[("id_token_hint", &heard[0])]);
    assert_eq!(Browser::new().get(&hint).await.status, 400);
    let shown = vendor_shown(library, "hears");
    assert_eq!((&shown[0]["state"], &shown[0]["tries"]), (&"told".into(), &1.into()));
    assert!(!shown[0].to_string().contains(claims["sub"].as_str().unwrap()));
    let told = library.run(&["audit", "tail", "-n", "200", "--json"]).fine().stdout;
    assert!(told.contains("\"farewell\"") && told.contains("hears-web"), "{told}");
}}

promise! { shared, async fn a_vendor_that_does_not_answer_is_named_and_tried_again(library) {
    let ear = Ear::open().await;
    ear.answers(503);
    let vendor = OidcVendor::of(library, library.declare(ear.declared("away", BACK)).await).await;
    let browser = Browser::new();
    vendor.click(library, &browser, &library.patron("district_teacher"), &SCOPES).await;
    let page = browser.sign_out(library).await;
    assert!(page.body.contains("data-unreached") && page.body.contains("away books"), "{}", page.body);
    assert!(page.has("advice"), "she is told what to do: {}", page.body);
    let waiting = &vendor_shown(library, "away")[0];
    assert_eq!((&waiting["state"], &waiting["trouble"]), (&"waiting".into(), &"status-503".into()));
    ear.answers(200);
    let heard = ear.hears(2).await;
    let first = verified(library, &vendor.party.client_id, &heard[0]).await;
    let second = verified(library, &vendor.party.client_id, &heard[1]).await;
    assert_eq!(first["sid"], second["sid"]);
    assert_ne!(first["jti"], second["jti"], "each try is a token of its own");
    library.soon("it is told", || async { vendor_shown(library, "away")[0]["state"] == "told" }).await;
    let page = browser.get(&page.url).await;
    assert!(page.body.contains("data-told"), "the page knows it too: {}", page.body);
}}

promise! { shared, async fn nobody_waits_long_for_a_vendor_that_is_slow(library) {
    let ear = Ear::open().await;
    ear.takes(Duration::from_secs(30));
    let vendor = OidcVendor::of(library, library.declare(ear.declared("slow", BACK)).await).await;
    let browser = Browser::new();
    vendor.click(library, &browser, &library.patron("district_grade_2"), &SCOPES).await;
    let begun = std::time::Instant::now();
    let page = browser.sign_out(library).await;
    assert!(begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    assert!(page.body.contains("data-unreached"), "{}", page.body);
    let timed_out = || async { vendor_shown(library, "slow")[0]["trouble"] == "timed-out" };
    library.soon("the reason is known", timed_out).await;
}}

promise! { own, async fn what_was_not_told_outlives_a_crash(library) {
    let ear = Ear::open().await;
    ear.answers(500);
    let vendor = OidcVendor::of(&library, library.declare(ear.declared("patient", BACK)).await).await;
    let browser = Browser::new();
    vendor.click(&library, &browser, &library.patron("district_grade_7"), &SCOPES).await;
    browser.sign_out(&library).await;
    ear.hears(1).await;
    library.crash();
    ear.answers(200);
    ear.hears(2).await;
    library.soon("it is told", || async { vendor_shown(&library, "patient")[0]["state"] == "told" }).await;
}}

promise! { shared, async fn an_expired_session_says_goodbye_as_well(library) {
    let ear = Ear::open().await;
    let vendor = OidcVendor::of(library, library.declare(ear.declared("expiry", BACK)).await).await;
    let mut sids = Vec::new();
    for (patron, column) in [("district_grade_7", "last_seen"), ("district_teacher", "authenticated_at")] {
        let browser = Browser::new();
        let tokens = vendor.click(library, &browser, &library.patron(patron), &SCOPES).await;
        sids.push(tokens.id_claims["sid"].clone());
        // Its last use, or its beginning, was ten hours ago; whoever was unused so long signed in before that.
        let began = "authenticated_at = authenticated_at - 36000000";
        let also = if column == "last_seen" { ", last_seen = last_seen - 36000000" } else { "" };
        let age = format!(
            "UPDATE session SET {began}{also} WHERE ended_at IS NULL AND id IN \
             (SELECT session FROM passage WHERE relying_party = 'expiry-web')"
        );
        assert_eq!(library.tamper(&age).await, 1);
        let heard = ear.hears(sids.len()).await;
        let claims = verified(library, &vendor.party.client_id, heard.last().unwrap()).await;
        assert_eq!(Some(&claims["sid"]), sids.last());
        library.soon("she is out", || async { !browser.is_signed_in(library).await }).await;
    }
}}

promise! { founded, async fn whoever_is_put_out_is_out_at_the_vendors_too(library) {
    let ear = Ear::open().await;
    let people: Vec<Person> = (1..=5).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    let vendor = OidcVendor::of(&library, library.declare(ear.declared("school", BACK)).await).await;
    let mut sids = Vec::new();
    let mut browsers = Vec::new();
    for person in &people {
        browsers.push(Browser::new());
        let tokens = vendor.click(&library, browsers.last().unwrap(), &person.card(), &SCOPES).await;
        sids.push(tokens.id_claims["sid"].as_str().unwrap().to_owned());
    }
    let card = |n: usize| people[n].identifier.clone();
    let heard = async |many: usize| {
        let last = ear.hears(many).await.pop().unwrap();
        verified(&library, &vendor.party.client_id, &last).await["sid"].as_str().unwrap().to_owned()
    };

    library.run(&["card", "block", &card(0), "--reason", "lost"]).fine();
    assert_eq!(heard(1).await, sids[0], "blocked");
    library.run_with(&["card", "set-pin", &card(1)], "582047\n").fine();
    assert_eq!(heard(2).await, sids[1], "a PIN set by the library");
    library.apply(&format!("[[opt_out]]\ncard = \"{}\"\n", card(2))).fine();
    assert_eq!(heard(3).await, sids[2], "opted out");
    library.import(&Delivery::of(&[&people[..3], &people[4..]].concat()), &["--accept-removals"]).fine();
    assert_eq!(heard(4).await, sids[3], "withdrawn");

    // A changed PIN puts out every other browser, not the places that nobody asked about.
    let elsewhere = Browser::new();
    let chosen = Patron::new(card(4), CHANGED_PIN);
    let tokens = vendor.click(&library, &elsewhere, &chosen, &SCOPES).await;
    let page = browsers[4].open(library.url("/change-pin")).await;
    browsers[4].change_pin(&page, CHANGED_PIN, "640283").await;
    let both: BTreeSet<String> = {
        let mut tokens = ear.hears(6).await.split_off(4);
        let mut sids = BTreeSet::new();
        for token in tokens.drain(..) {
            sids.insert(verified(&library, &vendor.party.client_id, &token).await["sid"].as_str().unwrap().to_owned());
        }
        sids
    };
    assert!(both.contains(tokens.id_claims["sid"].as_str().unwrap()), "the other browser");
}}

promise! { shared, async fn showing_the_pin_again_signs_nobody_out(library) {
    let ear = Ear::open().await;
    let vendor = OidcVendor::of(library, library.declare(ear.declared("again", BACK)).await).await;
    let (browser, patron) = (Browser::new(), library.patron("charter_grade_8"));
    let tokens = vendor.click(library, &browser, &patron, &SCOPES).await;
    let before = browser.copy();
    let mut request = vendor.request(&Challenge::new());
    request.push(("prompt".into(), "login".into()));
    browser.click(&vendor.authorize_url(&request), &patron, &vendor.party).await.left();
    assert!(!before.is_signed_in(library).await, "the handle is a new one");
    assert_eq!(vendor.userinfo(&tokens.access_token).await.0, 200, "the session is the same");
    assert!(ear.heard().is_empty());
    browser.sign_out(library).await;
    let heard = ear.hears(1).await;
    let claims = verified(library, &vendor.party.client_id, &heard[0]).await;
    assert_eq!(claims["sid"], tokens.id_claims["sid"], "once, for all of it");
    assert_eq!(vendor.userinfo(&tokens.access_token).await.0, 401);
}}

promise! { own, async fn the_end_of_a_whole_school_floods_nobody(library) {
    let ear = Ear::open().await;
    let vendor = OidcVendor::of(&library, library.declare(ear.declared("flooded", BACK)).await).await;
    vendor.click(&library, &Browser::new(), &library.patron("district_grade_7"), &SCOPES).await;
    // A hundred more like this one, ended behind the server's back as a command would.
    let many = "WITH RECURSIVE n(i) AS (SELECT 1000 UNION ALL SELECT i + 1 FROM n WHERE i < 1099)";
    let id = |column: &str| format!("substr({column}, 1, 28) || CAST(n.i AS TEXT)");
    library.tamper(&format!(
        "INSERT INTO passage (id, session, patron, vendor, protocol, relying_party, scopes, authenticated_at, created_at, \
         expires_at) {many} SELECT {}, {}, patron, vendor, protocol, relying_party, scopes, authenticated_at, created_at, \
         expires_at FROM passage CROSS JOIN n WHERE relying_party = 'flooded-web'",
        id("id"), id("session")
    )).await;
    let copied = library.tamper(&format!(
        "INSERT INTO session (id, handle, patron, authenticated_at, last_seen, ended_at, pin_change_due) {many} \
         SELECT {}, handle || CAST(n.i AS TEXT), patron, authenticated_at, last_seen, last_seen, pin_change_due \
         FROM session CROSS JOIN n WHERE id IN (SELECT session FROM passage WHERE relying_party = 'flooded-web')",
        id("id")
    )).await;
    assert_eq!(copied, 100);
    ear.takes(Duration::from_millis(30));
    ear.hears(100).await;
    let heard = ear.heard();
    let took = heard.last().unwrap().0 - heard[0].0;
    assert!(took >= Duration::from_secs(3), "a hundred within {took:?}");
    assert!(ear.busiest() <= 4, "{} at once", ear.busiest());
    assert_eq!(heard.len(), 100, "each once");
}}

promise! { shared, async fn no_vendors_address_leads_into_the_librarys_own_network(library) {
    let ear = Ear::open().await;
    let addresses = [
        ("https://10.1.2.3/bye", "private-destination"),
        ("https://169.254.169.254/latest/meta-data", "private-destination"),
        ("https://2852039166/", "private-destination"),
        ("https://[fd00::1]/bye", "private-destination"),
        ("https://[::ffff:10.1.2.3]/bye", "private-destination"),
        ("https://no-such-host.invalid/bye", "unknown-host"),
        // Loopback is allowed here, but speaks no TLS.
        ("https://EAR/bye", "tls"),
    ];
    let ids = ["in-0", "in-1", "in-2", "in-3", "in-4", "in-5", "in-6"];
    let browser = Browser::new();
    for (id, (address, _)) in ids.into_iter().zip(addresses) {
        let address = address.replace("EAR", ear.url.trim_start_matches("http://"));
        let declared = ear.declared(id, &format!("backchannel_logout_uri = \"{address}\""));
        let vendor = OidcVendor::of(library, library.declare(declared).await).await;
        vendor.click(library, &browser, &library.patron("district_grade_7"), &SCOPES).await;
    }
    let page = browser.sign_out(library).await;
    assert_eq!(page.body.matches("data-unreached").count(), addresses.len(), "{}", page.body);
    for (id, (address, trouble)) in ids.into_iter().zip(addresses) {
        let known = || async { vendor_shown(library, id)[0]["trouble"] == trouble };
        library.soon(&format!("{address} is {trouble}"), known).await;
    }
    assert!(ear.heard().is_empty());
}}

// ── Begun by the vendor ────────────────────────────────────────────────────────────────────────────────────────────

promise! { shared, async fn a_vendors_sign_out_button_signs_out_and_comes_back(library) {
    let ear = Ear::open().await;
    let vendor = OidcVendor::of(library, library.declare(ear.declared("button", BACK)).await).await;
    let (patron, done) = (library.patron("district_grade_7"), format!("{}/done", ear.url));
    for (by_post, state) in [(false, Some("s p+c&e")), (true, Some("s")), (false, None)] {
        let browser = Browser::new();
        let tokens = vendor.click(library, &browser, &patron, &SCOPES).await;
        let mut fields = vec![("id_token_hint", tokens.id_token.as_str()), ("post_logout_redirect_uri", &done)];
        fields.extend(state.map(|state| ("state", state)));
        fields.push(("unknown", "ignored"));
        let page = if by_post {
            let url = vendor.endpoint("end_session_endpoint").parse().unwrap();
            let fields: Vec<_> = fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
            browser.post_from_elsewhere(&url, &fields, false).await
        } else {
            browser.get(end_session(&vendor, &fields)).await
        };
        let page = if by_post { browser.get(page.location().unwrap()).await } else { page };
        let back = page.location().unwrap_or_else(|| panic!("stayed: {}", page.body));
        assert!(back.as_str().starts_with(&done), "{back}");
        assert_eq!(query_of(&back, "state").as_deref(), state);
        assert!(browser.cookies().iter().all(|(name, _)| name.contains("form") || name.contains("lang")), "no session");
        assert!(!browser.is_signed_in(library).await);
        // The same again, when nobody is signed in any more, comes back as well.
        let again = browser.get(end_session(&vendor, &fields)).await.location().unwrap();
        assert!(again.as_str().starts_with(&done), "{again}");
    }
    ear.hears(3).await;
}}

promise! { shared, async fn without_a_right_hint_nobody_is_signed_out_unasked(library) {
    let ear = Ear::open().await;
    let vendor = OidcVendor::of(library, library.declare(ear.declared("unsure", BACK)).await).await;
    let browser = Browser::new();
    let tokens = vendor.click(library, &browser, &library.patron("district_grade_7"), &SCOPES).await;
    let (neighbour, done) = (Browser::new(), format!("{}/done", ear.url));
    let of_another = vendor.click(library, &neighbour, &library.patron("district_teacher"), &SCOPES).await;
    let (hint, out) = (("id_token_hint", tokens.id_token.as_str()), ("post_logout_redirect_uri", done.as_str()));
    let bent = format!("{}A", &tokens.id_token[..tokens.id_token.len() - 1]);
    let bent = if bent == tokens.id_token { format!("{}B", &tokens.id_token[..tokens.id_token.len() - 1]) } else { bent };

    let asked = [
        vec![],
        vec![("state", "s")],
        vec![out, ("state", "s")],
        vec![out, ("client_id", "unsure-web")],
        vec![("logout_hint", "somebody"), ("client_id", "unsure-web")],
        vec![("id_token_hint", of_another.id_token.as_str()), out],
    ];
    for fields in asked {
        let page = browser.open(end_session(&vendor, &fields)).await;
        assert!(page.has("sign-out"), "{fields:?}: {} {}", page.url, page.body);
        assert!(browser.is_signed_in(library).await, "{fields:?}");
    }
    let refused = [
        vec![hint, ("post_logout_redirect_uri", "https://evil.example/")],
        vec![hint, ("post_logout_redirect_uri", &format!("{done}?more=1")[..])],
        vec![hint, ("post_logout_redirect_uri", &format!("{done}/")[..])],
        vec![("client_id", "unsure-web"), ("post_logout_redirect_uri", "https://evil.example/")],
        vec![("id_token_hint", bent.as_str()), out],
        vec![("id_token_hint", tokens.access_token.as_str()), out],
        vec![("id_token_hint", "nonsense"), out],
        vec![hint, ("client_id", &library.oidc().client_id), out],
        vec![hint, out, out],
        vec![hint, hint],
    ]
    .map(|fields| fields.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect::<Vec<_>>());
    for fields in refused {
        let pairs: Vec<(&str, &str)> = fields.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let page = browser.get(end_session(&vendor, &pairs)).await;
        assert_eq!(page.status, 400, "{fields:?}: {}", page.body);
        assert!(page.location().is_none() && browser.is_signed_in(library).await, "{fields:?}");
    }
    assert!(ear.heard().is_empty());
}}

promise! { shared, async fn who_says_yes_is_signed_out_and_brought_back(library) {
    let ear = Ear::open().await;
    let vendor = OidcVendor::of(library, library.declare(ear.declared("polite", BACK)).await).await;
    let browser = Browser::new();
    vendor.click(library, &browser, &library.patron("district_grade_7"), &SCOPES).await;
    let done = format!("{}/done", ear.url);
    let fields =
        [("client_id", "polite-web"), ("post_logout_redirect_uri", &done), ("state", "s"), ("ui_locales", "fr es-MX")];
    let page = browser.open(end_session(&vendor, &fields)).await;
    assert!(page.body.contains("polite books") && page.body.contains("lang=\"es\""), "{}", page.body);
    let answer = browser.submit(&page, "sign-out", &[]).await;
    assert_eq!(answer.location().unwrap().as_str(), format!("{done}?state=s"));
    assert!(!browser.is_signed_in(library).await);
    ear.hears(1).await;

    // The same in a real one, which holds what a page may send a form to against where the form leads.
    Chromium::visit(Look::CHROMEBOOK, async |screen| {
        screen.go(&library.issuer).await;
        screen.sign_in(&library.patron("district_grade_7")).await;
        screen.see("[data-vendor]").await;
        screen.go(&end_session(&vendor, &fields)).await;
        screen.click("#sign-out").await;
        screen.arrive(&format!("{done}?state=s")).await;
    })
    .await;

    // A page that an attacker made cannot say yes for her, nor take her cookie away.
    browser.sign_in(library, &library.patron("district_grade_7")).await;
    let url = library.url("/sign-out").parse().unwrap();
    browser.post_from_elsewhere(&url, &[("then".into(), "signed-out".into())], true).await;
    browser.get(library.url("/signed-out")).await;
    assert!(browser.is_signed_in(library).await);
}}

// ── Front-channel ──────────────────────────────────────────────────────────────────────────────────────────────────

promise! { shared, async fn the_patrons_own_browser_carries_the_farewell_and_goes_on(library) {
    for (id, look) in [("front", Look::CHROMEBOOK), ("front-bare", Look::WITHOUT_SCRIPTS)] {
        let (ear, open) = (Ear::open().await, Ear::open().await);
        let vendor = OidcVendor::of(library, library.declare(ear.declared(id, FRONT)).await).await;
        let other_id = if id == "front" { "open" } else { "open-bare" };
        let other = OidcVendor::of(library, library.declare(open.declared(other_id, NEITHER)).await).await;
        Chromium::visit(look, async |screen| {
            let challenge = Challenge::new();
            screen.go(&vendor.authorize_url(&vendor.request(&challenge))).await;
            screen.sign_in(&library.patron("district_grade_7")).await;
            screen.arrive(&vendor.party.redirect_uri).await;
            let code = query_of(&screen.url().await.parse().unwrap(), "code").unwrap();
            let (_, tokens) = vendor.token(&vendor.exchange(&code, &challenge)).await;
            let hint = tokens["id_token"].as_str().unwrap();
            screen.go(&other.authorize_url(&other.request(&Challenge::new()))).await;
            screen.arrive(&other.party.redirect_uri).await;

            let done = format!("{}/done", ear.url);
            let fields = [("id_token_hint", hint), ("post_logout_redirect_uri", &done), ("state", "s")];
            screen.go(&end_session(&vendor, &fields)).await;
            screen.see("#continue").await;
            screen.picture(&format!("signed-out-{id}")).await;
            let page = screen.source().await;
            assert!(page.contains("data-asked") && page.contains("data-open"), "{page}");
            screen.arrive(&format!("{done}?state=s")).await;
            let frames = ear.frames();
            assert_eq!(frames.len(), 1, "{frames:?}");
            let asked = format!("{}/frame?{}", ear.url, frames[0]).parse().unwrap();
            assert!(frames[0].starts_with("tenant=a%20b&"), "{frames:?}");
            assert_eq!(query_of(&asked, "iss").as_deref(), Some(library.issuer.as_str()));
            assert_eq!(query_of(&asked, "sid").as_deref(), payload_of(hint)["sid"].as_str());
        })
        .await;
    }
}}

promise! { shared, async fn only_the_vendors_of_this_session_may_be_framed_and_only_there(library) {
    let ear = Ear::open().await;
    let vendor = OidcVendor::of(library, library.declare(ear.declared("framed", FRONT)).await).await;
    let browser = Browser::new();
    vendor.click(library, &browser, &library.patron("district_grade_7"), &SCOPES).await;
    let page = browser.sign_out(library).await;
    let policy = page.header("content-security-policy");
    let frame_src = policy.split(';').map(str::trim).find(|rule| rule.starts_with("frame-src"));
    assert_eq!(frame_src, Some(format!("frame-src {}", ear.url).as_str()), "{policy}");
    assert!(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"), "{policy}");
    assert_eq!(page.header("refresh"), "", "nowhere to go on to");
    for path in ["/signed-out", "/sign-out", "/sign-in"] {
        let policy = browser.get(library.url(path)).await.header("content-security-policy").to_owned();
        assert!(!policy.contains("frame-src"), "{path}: {policy}");
    }
    let refused = library.apply(&ear.declared("elsewhere", "frontchannel_logout_uri = \"https://evil.example/\"").toml());
    assert!(refused.refused().words().contains("frontchannel_logout_uri"));
}}

promise! { shared, async fn the_page_that_names_who_was_not_reached_is_for_everybody(library) {
    let (deaf, front, plain) = (Ear::open().await, Ear::open().await, Ear::open().await);
    deaf.answers(500);
    let mut vendors = Vec::new();
    for declared in [deaf.declared("deaf", BACK), front.declared("fronted", FRONT), plain.declared("plain", NEITHER)] {
        vendors.push(OidcVendor::of(library, library.declare(declared).await).await);
    }
    let looks = [("light", Look::PHONE), ("dark", Look::DARK), ("spanish", Look::SPANISH), ("narrow", Look::NARROW)];
    for (name, look) in looks {
        Chromium::visit(look, async |screen| {
            screen.go(&library.issuer).await;
            screen.sign_in(&library.patron("district_grade_7")).await;
            screen.see("[data-vendor]").await;
            for vendor in &vendors {
                screen.go(&vendor.authorize_url(&vendor.request(&Challenge::new()))).await;
                screen.arrive(&vendor.party.redirect_uri).await;
            }
            screen.go(&library.url("/sign-out")).await;
            screen.click("#sign-out").await;
            screen.see("[data-unreached]").await;
            screen.see("[data-asked]").await;
            screen.see("[data-open]").await;
            screen.picture(&format!("not-reached-{name}")).await;
            screen.is_accessible(&format!("not reached, {name}")).await;
            screen.fits(&format!("not reached, {name}")).await;
        })
        .await;
    }
}}

promise! { shared, async fn the_demos_own_shelf_hears_it_too(library) {
    let browser = Browser::new();
    browser.sign_in(library, &library.patron("district_grade_7")).await;
    let shelf = format!("{}/shelf", library.vendor_url);
    assert_eq!(browser.open(format!("{}/login", library.vendor_url)).await.url.as_str(), shelf);
    assert_eq!(browser.open(&shelf).await.url.as_str(), shelf, "she reads");
    let page = browser.sign_out(library).await;
    assert!(page.body.contains("signed out everywhere"), "{}", page.body);
    assert_ne!(browser.open(&shelf).await.url.as_str(), shelf, "nobody reads");
}}

promise! { shared, async fn discovery_says_that_sign_out_travels(library) {
    let discovery = json_of(&library.url("/.well-known/openid-configuration")).await;
    for name in ["frontchannel_logout", "frontchannel_logout_session", "backchannel_logout", "backchannel_logout_session"] {
        assert_eq!(discovery[format!("{name}_supported")], true, "{name}");
    }
    assert!(discovery["end_session_endpoint"].as_str().unwrap().starts_with(&library.issuer));
}}

fn end_session(vendor: &OidcVendor, fields: &[(&str, &str)]) -> String {
    let mut url = url::Url::parse(&vendor.endpoint("end_session_endpoint")).unwrap();
    if !fields.is_empty() {
        url.query_pairs_mut().extend_pairs(fields);
    }
    url.into()
}

/// What an admin sees of the farewells to this vendor, the newest first.
fn vendor_shown(library: &Library, id: &str) -> Value {
    library.run(&["vendor", "show", id, "--json"]).fine().json()["farewells"].clone()
}
