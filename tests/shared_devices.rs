//! Computers that many readers share: known by network or by a mark in the browser, left within minutes, and the next
//! reader never sees the last one.

use crate::{actors::*, promise};

const BACK: &str = "backchannel_logout_uri = \"EAR/bye\"\npost_logout_redirect_uris = [\"EAR/done\"]";
const SCOPES: [&str; 2] = ["openid", "library.ebooks"];
/// Every browser of the test sits in the lab, but those that come by a proxy from elsewhere.
const LAB: &str = "trusted_proxies = [\"127.0.0.1\"]";
const LAB_TABLE: &str = "[shared_devices]\nnetworks = [\"127.0.0.0/8\", \"192.0.2.0/24\"]";

/// Whom the library knows; each has chosen a PIN.
pub fn people(library: &Library, many: usize) -> Vec<Patron> {
    let people: Vec<Person> = (1..=many).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    let chosen = |person: &Person| {
        let patron = Patron::new(person.identifier.clone(), format!("{}", 640_917 + person.identifier.len() * 1_013));
        library.run_with(&["card", "set-pin", &patron.card], &format!("{}\n", patron.pin)).fine();
        patron
    };
    people.iter().map(chosen).collect()
}

/// Sets the library up with more lines of its file.
pub fn set_up(library: &mut Library, top: &str, table: &str) {
    let settings = std::fs::read_to_string(&library.config).unwrap();
    std::fs::write(&library.config, format!("{top}\n{settings}\n{table}\n")).unwrap();
    library.restart();
}

async fn counts_as_shared(library: &Library, browser: &Browser) -> bool {
    let standing = browser.get(library.url("/shared-device")).await;
    let form = browser.get(library.url("/sign-in")).await;
    let shared = standing.body.contains("data-shared=\"yes\"");
    if form.status == 200 {
        assert_eq!(form.has("shared"), shared, "{}", form.body);
        assert_eq!(form.body.contains("autocomplete=\"current-password\""), !shared, "{}", form.body);
        assert_eq!(form.body.contains("autocomplete=\"username\""), !shared, "{}", form.body);
    }
    shared
}

async fn sits_at(library: &Library, browser: &Browser) -> bool {
    let page = browser.get(library.url("/still-there")).await;
    page.has("still-there")
}

// ── Which computers ────────────────────────────────────────────────────────────────────────────────────────────────

promise! { founded, async fn a_computer_of_a_named_network_is_a_shared_one(library) {
    set_up(&mut library, LAB, LAB_TABLE);
    let patron = &people(&library, 1)[0];
    let far = |address| [("x-forwarded-for", address)];
    for (address, shared) in [("192.0.2.77", true), ("198.51.100.1", false), ("198.51.100.1, 192.0.2.77", true)] {
        let form = Browser::new().get_with(library.url("/sign-in"), &far(address)).await;
        assert_eq!(form.has("shared"), shared, "{address}: {}", form.body);
    }
    let browser = Browser::new();
    assert!(counts_as_shared(&library, &browser).await);
    browser.sign_in(&library, patron).await;
    for path in ["/", "/card", "/missing", "/change-pin", "/sign-out", "/shared-device", "/no/such/page"] {
        let page = browser.get(library.url(path)).await;
        assert!(page.header("refresh").contains(&format!("url=/still-there?back={path}")), "{path}: {:?}", page.headers);
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert!(page.body.contains("class=\"who shared\""), "{path} has no Done: {}", page.body);
        assert!(page.body.contains(&format!("P · {}", &patron.card[2..])), "{path}: {}", page.body);
    }
    let page = browser.sign_out(&library).await;
    assert!(page.has("next") && page.header("refresh").contains("url=/sign-in"), "{:?} {}", page.headers, page.body);

    // Elsewhere nothing of this happens.
    let apart = Browser::new();
    apart.sign_in(&library, patron).await;
    library.tamper("UPDATE session SET shared = FALSE").await;
    library.restart();
    let page = apart.get(library.url("/card")).await;
    assert!(page.status == 200 && page.header("refresh").is_empty(), "{:?}", page.headers);
}}

promise! { founded, async fn a_browser_that_opened_an_operators_link_is_shared_until_it_is_removed(library) {
    let patron = &people(&library, 1)[0];
    let made = library.run(&["shared-device", "enrol", "--name", "Branch 3, desk", "--json"]).fine().json();
    let (link, id) = (made["link"].as_str().unwrap().to_owned(), made["device"]["id"].as_str().unwrap().to_owned());
    let state = |library: &Library| library.run(&["shared-device", "list", "--json"]).fine().json()[0]["state"].clone();
    assert_eq!(state(&library), "waiting");

    // Whoever is signed in already did so on a computer of one reader.
    let browser = Browser::new();
    browser.sign_in(&library, patron).await;
    let page = browser.get(&link).await;
    assert!(page.body.contains("Branch 3, desk") && page.has("enrol"), "{}", page.body);
    assert!(!counts_as_shared(&library, &browser).await, "looking at it is no yes");
    let fields = [("csrf".to_owned(), "from elsewhere".to_owned())];
    let forced = browser.post_from_elsewhere(&link.parse().unwrap(), &fields, true).await;
    assert_eq!(forced.status, 403);
    let late = Browser::new();
    let same = late.get(&link).await;

    let yes = browser.submit(&page, "enrol", &[]).await;
    let set: Vec<&str> = yes.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect();
    let mark = set.iter().find(|line| line.starts_with("oneaccess-shared=")).expect("a mark");
    for attribute in ["HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=31536000"] {
        assert!(mark.contains(attribute), "{mark}");
    }
    let page = browser.get(library.url("/shared-device")).await;
    assert!(page.body.contains("Branch 3, desk"), "{}", page.body);
    assert!(counts_as_shared(&library, &browser).await);
    assert!(!browser.is_signed_in(&library).await, "she was signed out by it");
    assert_eq!(state(&library), "enrolled");

    // The link is spent, for those who had it open as well.
    let again = late.submit(&same, "enrol", &[]).await;
    assert!(again.status == 410 && again.has("over"), "{}", again.body);
    assert_eq!(late.get(&link).await.status, 410);
    assert!(!counts_as_shared(&library, &late).await);

    // A session that begins here is a shared one, whose cookie does not outlive the browser.
    let form = browser.open(library.url("/sign-in")).await;
    let signed = browser.submit(&form, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await;
    let session = signed.header("set-cookie").to_owned();
    assert!(session.starts_with("oneaccess=") && !session.to_lowercase().contains("max-age"), "{session}");
    assert!(!session.to_lowercase().contains("expires"), "{session}");
    assert!(sits_at(&library, &browser).await);

    // A mark that is not one to the letter counts for nothing.
    let value = browser.cookies().into_iter().find(|(name, _)| name == "oneaccess-shared").unwrap().1;
    let flipped = format!("{}{}", if value.starts_with('A') { "B" } else { "A" }, &value[1..]);
    for forged in [flipped.as_str(), "", "x", &value[1..], &format!("{value}A"), &id, link.rsplit_once('/').unwrap().1] {
        let forger = Browser::new();
        forger.set_cookie("oneaccess-shared", forged);
        assert!(!counts_as_shared(&library, &forger).await, "{forged}");
    }
    let records = library.records().await;
    assert!(!records.contains(&value) && !records.contains(link.rsplit_once('/').unwrap().1), "both rest hashed");

    library.run(&["shared-device", "remove", &id]).fine();
    library.run(&["shared-device", "remove", &id]).refused();
    browser.sign_out(&library).await;
    assert!(!counts_as_shared(&library, &browser).await);
    browser.sign_in(&library, patron).await;
    assert!(!sits_at(&library, &browser).await, "the next session is one like any other");
    let told = library.run(&["audit", "tail", "-n", "50", "--json"]).fine().stdout;
    assert!(told.matches("shared-device").count() >= 3, "made, opened, removed: {told}");
}}

promise! { founded, async fn a_link_is_good_for_an_hour_and_a_mark_for_a_year(library) {
    let link = || {
        let made = library.run(&["shared-device", "enrol", "--name", "Lab 2", "--json"]).fine().json();
        made["link"].as_str().unwrap().to_owned()
    };
    let state = || library.run(&["shared-device", "list", "--json"]).fine().json()[0]["state"].clone();
    let (old, browser) = (link(), Browser::new());
    let kept = browser.get(&old).await;
    library.tamper("UPDATE shared_device SET link_until = link_until - 3600000").await;
    assert_eq!(state(), "link-expired");
    assert_eq!(browser.get(&old).await.status, 410);
    assert_eq!(browser.submit(&kept, "enrol", &[]).await.status, 410);
    assert!(!counts_as_shared(&library, &browser).await);

    let page = browser.get(&link()).await;
    browser.submit(&page, "enrol", &[]).await;
    assert!(counts_as_shared(&library, &browser).await);
    library.tamper("UPDATE shared_device SET until = until - 31536000000 WHERE until IS NOT NULL").await;
    assert_eq!(state(), "lapsed");
    assert!(!counts_as_shared(&library, &browser).await);
    let words = browser.get(library.url("/shared-device")).await.words();
    assert!(words.contains("until its year was over"), "{words}");
    library.run(&["shared-device", "enrol", "--name", "  "]).refused();
}}

// ── What a session there is ────────────────────────────────────────────────────────────────────────────────────────

promise! { founded, async fn nothing_that_is_granted_there_outlives_the_session(library) {
    set_up(&mut library, "", LAB_TABLE);
    let patron = &people(&library, 1)[0];
    let party = library.declare(Declared { id: "lantern", oidc_lines: STAYS, ..Declared::default() }).await;
    let vendor = OidcVendor::of(&library, party).await;
    let browser = Browser::new();
    let challenge = Challenge::new();
    let mut request = vendor.request(&challenge);
    request.retain(|(name, _)| name != "scope");
    request.push(("scope".into(), "openid library.ebooks offline_access".into()));
    request.push(("prompt".into(), "consent".into()));
    let page = browser.open(vendor.authorize_url(&request)).await;
    let page = browser.submit_and_follow(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await;
    assert!(page.has("allow") && !page.words().contains("30 days"), "nothing stays, so nothing is said of it: {}", page.words());
    let back = browser.submit_watching(&page, "allow", &[], &vendor.party.redirect_uri).await.left();
    let (status, tokens) = vendor.token(&vendor.exchange(&query_of(&back, "code").unwrap(), &challenge)).await;
    assert_eq!((status, &tokens["scope"]), (200, &"openid library.ebooks".into()), "{tokens}");
    let renewed = renew(&vendor, &tokens).await;
    assert_eq!((renewed.0, &renewed.1["scope"]), (200, &"openid library.ebooks".into()), "while she sits there: {renewed:?}");

    // Nor what a device gets that she says yes to here.
    let fields = [("scope".to_owned(), "openid library.ebooks offline_access".to_owned())];
    let (_, shown) = vendor.post_to("device_authorization_endpoint", &fields).await;
    let page = browser.open(shown["verification_uri_complete"].as_str().unwrap()).await;
    let done = browser.submit_and_follow(&page, "allow", &[]).await;
    assert_eq!(done.url.path(), "/device/connected");
    assert!(done.body.contains("class=\"done\"") && done.header("refresh").contains("still-there"), "{}", done.body);
    let poll = [
        ("grant_type".to_owned(), "urn:ietf:params:oauth:grant-type:device_code".to_owned()),
        ("device_code".to_owned(), shown["device_code"].as_str().unwrap().to_owned()),
    ];
    let (status, on_device) = vendor.token(&poll).await;
    assert_eq!((status, &on_device["scope"]), (200, &"openid library.ebooks".into()), "{on_device}");

    browser.sign_out(&library).await;
    for tokens in [&renewed.1, &on_device] {
        assert_eq!(renew(&vendor, tokens).await.0, 400);
        assert_eq!(vendor.userinfo(tokens["access_token"].as_str().unwrap()).await.0, 401);
    }
}}

async fn renew(vendor: &OidcVendor, tokens: &serde_json::Value) -> (u16, serde_json::Value) {
    let refresh = tokens["refresh_token"].as_str().unwrap().to_owned();
    let form = [("grant_type".to_owned(), "refresh_token".to_owned()), ("refresh_token".to_owned(), refresh)];
    vendor.token(&form).await
}

const STAYS: &str = r#"grant_types = ["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]
offline_access = true"#;

promise! { founded, async fn a_page_left_alone_ends_the_session_and_the_vendor_hears_of_it(library) {
    set_up(&mut library, "", &format!("{LAB_TABLE}\nidle = \"3s\""));
    let patron = &people(&library, 1)[0];
    let ear = Ear::open().await;
    let vendor = OidcVendor::of(&library, library.declare(ear.declared("school", BACK)).await).await;
    let browser = Browser::new();
    let tokens = vendor.click(&library, &browser, patron, &SCOPES).await;
    let page = browser.get(library.url("/card")).await;
    assert!(page.header("refresh").ends_with("; url=/still-there?back=/card"), "{:?}", page.headers);
    // Without scripts: the page turns to a question, which looks again by itself.
    let page = browser.get(library.url("/still-there?back=/card")).await;
    assert!(page.has("still-there") && page.body.contains("href=\"/card\""), "{}", page.body);
    assert!(page.header("refresh").ends_with("; url=/still-there?back=/card"), "{:?}", page.headers);
    let elsewhere = browser.get(library.url("/still-there?back=//evil.example")).await;
    assert!(!elsewhere.body.contains("evil.example"), "{}", elsewhere.body);
    // Asking is no use of the session: it ends while the question is asked again and again.
    let thief = browser.copy();
    library.soon("nobody sits there", || async { !sits_at(&library, &browser).await }).await;
    assert!(browser.cookies().iter().all(|(name, _)| name != "oneaccess"), "its cookie is gone");
    assert!(!thief.is_signed_in(&library).await);
    assert_eq!(vendor.userinfo(&tokens.access_token).await.0, 401);
    let heard = ear.hears(1).await;
    assert_eq!(verified(&library, &vendor.party.client_id, &heard[0]).await["sid"], tokens.id_claims["sid"]);
    // A click at the vendor asks who is there.
    let url = vendor.authorize_url(&vendor.request(&Challenge::new()));
    assert!(browser.go(&url, &vendor.party.redirect_uri).await.page().has("sign-in"));

    // And where no browser of ours looks any more, the clock ends it.
    let tokens = vendor.click(&library, &Browser::new(), patron, &SCOPES).await;
    let heard = ear.hears(2).await;
    assert_eq!(verified(&library, &vendor.party.client_id, &heard[1]).await["sid"], tokens.id_claims["sid"]);
    assert_eq!(vendor.userinfo(&tokens.access_token).await.0, 401);
}}

promise! { founded, async fn who_signs_in_over_another_takes_nothing_of_hers(library) {
    set_up(&mut library, "", LAB_TABLE);
    let children = people(&library, 2);
    let ear = Ear::open().await;
    let vendor = OidcVendor::of(&library, library.declare(ear.declared("school", BACK)).await).await;
    let browser = Browser::new();
    let first = vendor.click(&library, &browser, &children[0], &SCOPES).await;
    let before = browser.copy();
    let mut request = vendor.request(&Challenge::new());
    request.extend([("prompt".into(), "login".into()), ("login_hint".into(), children[0].card.clone())]);
    let page = browser.open(vendor.authorize_url(&request)).await;
    assert!(page.has("sign-in") && !page.body.contains(&children[0].card), "nothing is filled in: {}", page.body);
    let fill = [("card", &*children[1].card), ("pin", &*children[1].pin)];
    browser.submit_watching(&page, "sign-in", &fill, &vendor.party.redirect_uri).await.left();
    let page = browser.open(library.url("/card")).await;
    assert!(page.body.contains("P · 0002") && !page.body.contains("P · 0001"), "{}", page.body);
    assert!(!before.is_signed_in(&library).await, "the old cookie opens nothing");
    assert_eq!(vendor.userinfo(&first.access_token).await.0, 401);
    let heard = ear.hears(1).await;
    assert_eq!(verified(&library, &vendor.party.client_id, &heard[0]).await["sid"], first.id_claims["sid"]);
}}

promise! { founded, async fn done_takes_along_what_the_browser_kept(library) {
    set_up(&mut library, "", LAB_TABLE);
    let patron = &people(&library, 1)[0];
    let browser = Browser::new();
    let page = browser.sign_in(&library, patron).await;
    // The button stands in the header of every page.
    let done = browser.submit(&page, "done", &[("then", "signed-out")]).await;
    assert_eq!(done.header("clear-site-data"), "\"cache\", \"storage\"", "the mark of the browser stays");
    assert!(!browser.is_signed_in(&library).await);
    // What was mistyped does not wait for the next reader.
    let wrong = browser.try_sign_in(&library, &Patron::new("3024400017", "1")).await;
    assert!(wrong.has("reason") && wrong.header("refresh").ends_with("; url=/sign-in"), "{:?}", wrong.headers);
}}
