//! What has broken sign-in at other people's pages elsewhere, tried here: each lie alone, and nobody is let in.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{actors::*, promise};

fn claims(claims: Value) -> Lies {
    Lies { claims, ..Lies::default() }
}

promise! { founded, async fn an_id_token_that_lies_lets_nobody_in(library) {
    let liar = Liar::open().await;
    let oak = liar.source("oak", "hosted_domain = \"maple.example\"\ntenant = \"t-1\"\nclaims = { TenantId = \"42\" }");
    library.opens_portals(&[("oak", oak)], &people()).await;
    let tenancy = json!({ "hd": "maple.example", "tid": "t-1", "TenantId": 42 });
    let with = |more: Value| {
        let mut all = tenancy.clone();
        all.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        all
    };
    let signed = |signed| Lies { signed, ..claims(tenancy.clone()) };
    let failed = "upstream-failed";
    let table = [
        ("iss", claims(with(json!({ "iss": "https://evil.example" }))), failed),
        ("iss with a slash", claims(with(json!({ "iss": format!("{}/", liar.issuer) }))), failed),
        ("no iss", claims(with(json!({ "iss": null }))), failed),
        ("aud", claims(with(json!({ "aud": "another-client" }))), failed),
        ("aud besides", claims(with(json!({ "aud": [CLIENT, "another-client"] }))), failed),
        ("no aud", claims(with(json!({ "aud": null }))), failed),
        ("azp", claims(with(json!({ "azp": "another-client" }))), failed),
        ("expired", claims(with(json!({ "exp": "now-120" }))), failed),
        ("no exp", claims(with(json!({ "exp": null }))), failed),
        ("from the future", claims(with(json!({ "iat": "now+600" }))), failed),
        ("not yet", claims(with(json!({ "nbf": "now+600" }))), failed),
        ("old", claims(with(json!({ "iat": "now-3600" }))), failed),
        ("no iat", claims(with(json!({ "iat": null }))), failed),
        ("nonce", claims(with(json!({ "nonce": "another" }))), failed),
        ("no nonce", claims(with(json!({ "nonce": null }))), failed),
        ("no sub", claims(with(json!({ "sub": null }))), failed),
        ("empty sub", claims(with(json!({ "sub": "" }))), failed),
        ("at_hash", claims(with(json!({ "at_hash": "AAAAAAAAAAAAAAAAAAAAAA" }))), failed),
        ("none", signed(Signed::None), failed),
        ("HS256 by the public key", signed(Signed::ByThePublicKey), failed),
        ("HS256 by the client's secret", signed(Signed::ByTheSecret), failed),
        ("a stranger's key", signed(Signed::ByAStranger), failed),
        ("an unknown key", signed(Signed::ByAnUnknownKey), failed),
        ("a key in the header", signed(Signed::ByAKeyInTheHeader), failed),
        ("hd", claims(with(json!({ "hd": "evil.example" }))), "upstream-wrong-tenant"),
        ("no hd", claims(with(json!({ "hd": null }))), "upstream-wrong-tenant"),
        ("tid", claims(with(json!({ "tid": "t-2" }))), "upstream-wrong-tenant"),
        ("TenantId", claims(with(json!({ "TenantId": "43" }))), "upstream-wrong-tenant"),
        ("the sender", Lies { sender: Some("https://evil.example".into()), ..claims(tenancy.clone()) }, failed),
        ("no sender", Lies { sender: Some(String::new()), ..claims(tenancy.clone()) }, failed),
        ("no ID token", Lies { token: Token::Incomplete, ..claims(tenancy.clone()) }, failed),
        ("a redirecting token endpoint", Lies { token: Token::Redirects, ..claims(tenancy.clone()) }, "upstream-away"),
        ("a huge token answer", Lies { token: Token::Huge, ..claims(tenancy.clone()) }, "upstream-away"),
        ("a broken token endpoint", Lies { token: Token::Broken, ..claims(tenancy.clone()) }, "upstream-away"),
    ];
    for (what, lies, reason) in table {
        liar.lies(lies);
        let browser = Browser::new();
        let page = browser.by_school(&library, &liar, "oak").await;
        assert_eq!(page.reason().as_deref(), Some(reason), "{what}: {}", page.body);
        assert!(!browser.is_signed_in(&library).await, "{what}");
    }
    assert!(!library.records().await.contains("vouched:oak"));
    liar.lies(claims(tenancy.clone()));
    let browser = Browser::new();
    browser.by_school(&library, &liar, "oak").await;
    assert!(browser.is_signed_in(&library).await, "the truth lets her in");
}}

promise! { founded, async fn an_answer_counts_once_in_the_browser_that_left_at_the_upstream_that_was_asked(library) {
    let (oak, ash) = (Liar::open().await, Liar::open().await);
    library.opens_portals(&[("oak", oak.source("oak", "")), ("ash", ash.source("ash", ""))], &people()).await;
    let leave = async |browser: &Browser, source: &str| {
        let page = browser.open(library.url("/sign-in?all=1")).await;
        browser.goes_to_school(&page, source).await.location().unwrap()
    };
    let nobody = async |browser: &Browser, url: &str, what: &str| {
        browser.open(url).await;
        assert!(!browser.is_signed_in(&library).await, "{what}");
    };

    // Login CSRF: the attacker's own answer in the victim's browser, which never left, or left elsewhere.
    let (attacker, victim, traveller) = (Browser::new(), Browser::new(), Browser::new());
    let away = leave(&attacker, "oak").await;
    let back = oak.lets_in(&away);
    leave(&traveller, "oak").await;
    nobody(&victim, back.as_str(), "a browser that never left").await;
    nobody(&traveller, back.as_str(), "another browser's answer").await;
    attacker.open(&back).await;
    assert!(attacker.is_signed_in(&library).await, "what strangers tried has not spent it");

    // Replay.
    let thief = attacker.copy();
    attacker.sign_out(&library).await;
    nobody(&thief, back.as_str(), "a state works once").await;

    // A code injected: another sign-in's code under this one's state (PKCE).
    let (mine, hers) = (Browser::new(), Browser::new());
    let (my_way, her_way) = (leave(&mine, "oak").await, leave(&hers, "oak").await);
    let (my_back, her_back) = (oak.lets_in(&my_way), oak.lets_in(&her_way));
    let mut bent = my_back.clone();
    bent.query_pairs_mut().clear().extend_pairs(my_back.query_pairs().map(|(name, value)| match &*name {
        "code" => (name, words_of(&her_back)["code"].clone().into()),
        _ => (name, value),
    }));
    nobody(&mine, bent.as_str(), "a code of somebody else's").await;

    // Mix-up: what one upstream says in another one's transaction, by its address or under its state.
    for bend in [true, false] {
        let browser = Browser::new();
        let away = leave(&browser, "oak").await;
        let mut asked_of_ash = away.clone();
        if bend {
            let uri = library.url("/upstream/callback/ash");
            let pairs: Vec<_> = away.query_pairs().into_owned()
                .map(|(n, v)| if n == "redirect_uri" { (n, uri.clone()) } else { (n, v) }).collect();
            asked_of_ash.query_pairs_mut().clear().extend_pairs(pairs);
        }
        let back = ash.lets_in(&asked_of_ash);
        nobody(&browser, back.as_str(), "another upstream's answer").await;
    }

    // Twice the same parameter, and none.
    for twice in ["state", "code", "iss"] {
        let browser = Browser::new();
        let mut back = oak.lets_in(&leave(&browser, "oak").await);
        let value = words_of(&back)[twice].clone();
        back.query_pairs_mut().append_pair(twice, &value);
        nobody(&browser, back.as_str(), twice).await;
    }
    for path in ["/upstream/callback/oak", "/upstream/callback/oak?state=x&code=y", "/upstream/callback/nowhere"] {
        nobody(&Browser::new(), &library.url(path), path).await;
    }

    // An upstream that is taken away, or changed, while somebody is there.
    let browser = Browser::new();
    let back = ash.lets_in(&leave(&browser, "ash").await);
    library.apply(&ash.source("ash", "").replace("library-at-school", "another-client")).fine();
    let changed = || async {
        let away = leave(&Browser::new(), "ash").await;
        words_of(&away)["client_id"] == "another-client"
    };
    library.soon("the server knows", changed).await;
    nobody(&browser, back.as_str(), "its settings changed meanwhile").await;
}}

promise! { founded, async fn a_form_of_another_site_sends_nobody_to_a_school(library) {
    let liar = Liar::open().await;
    library.opens_portals(&[("oak", liar.source("oak", ""))], &people()).await;
    let (attacker, victim) = (Browser::new(), Browser::new());
    let page = attacker.open(library.url("/sign-in")).await;
    let (target, fields) = page.fields("portal-1");
    victim.open(library.url("/sign-in")).await;
    for with_cookies in [true, false] {
        let answer = victim.post_from_elsewhere(&target, &fields, with_cookies).await;
        assert_eq!(answer.status, 403, "{}", answer.body);
    }
}}

promise! { founded, async fn an_address_counts_only_when_it_is_verified(library) {
    let liar = Liar::open().await;
    let by_email = |id: &str, lines: &str| {
        let source = liar.source(id, lines);
        source.replace("\"preferred_username\"", "\"email\"").replace("\"username\"", "\"email\"")
    };
    library.write_secrets(&[("oak", String::new()), ("ash", String::new())]);
    library.apply(&format!("{}\n{}", by_email("oak", ""), by_email("ash", "trust_email = true"))).fine();
    let delivery = Delivery::of(&people()).edit("users.csv", |users| {
        users.replace(",700001,,,,", ",700001,pupil1@maple.example,,,")
    });
    library.import(&delivery, &[]).fine();
    let there = || async { Browser::new().open(library.url("/sign-in")).await.has("portal-2") };
    library.soon("the page offers both", there).await;
    let address = "Pupil1@maple.example";
    for (verified, portal, let_in) in [
        (json!(null), "oak", false),
        (json!(false), "oak", false),
        (json!(true), "oak", true),
        (json!(false), "ash", true),
    ] {
        liar.lies(claims(json!({ "email": address, "email_verified": verified })));
        let browser = Browser::new();
        let page = browser.by_school(&library, &liar, portal).await;
        assert_eq!(browser.is_signed_in(&library).await, let_in, "{verified} {portal}: {}", page.body);
    }
    assert!(!library.records().await.to_lowercase().contains("pupil1@maple"), "no address is kept");
}}

promise! { founded, async fn a_turned_key_is_learnt_and_an_invented_one_makes_us_ask_but_once(library) {
    let liar = Liar::open().await;
    library.opens_portals(&[("oak", liar.source("oak", ""))], &people()).await;
    let browser = Browser::new();
    browser.by_school(&library, &liar, "oak").await;
    assert!(browser.is_signed_in(&library).await);
    let (asked, begun) = (liar.was_asked("jwks"), Instant::now());
    liar.lies(Lies { signed: Signed::ByAnUnknownKey, ..Lies::default() });
    for _ in 0..4 {
        Browser::new().by_school(&library, &liar, "oak").await;
    }
    let may_be = 1 + begun.elapsed().as_secs() as usize / 10;
    assert!(liar.was_asked("jwks") <= asked + may_be, "{} times", liar.was_asked("jwks") - asked);
    liar.lies(Lies::default());
    liar.turns_its_key();
    let turned = || async {
        let browser = Browser::new();
        browser.by_school(&library, &liar, "oak").await;
        browser.is_signed_in(&library).await
    };
    library.soon_enough(Duration::from_secs(20), "the new key is known", turned).await;
}}

promise! { founded, async fn a_slow_redirecting_or_endless_upstream_is_given_up_soon(library) {
    let liars = [Liar::open().await, Liar::open().await, Liar::open().await, Liar::open().await, Liar::open().await];
    let names = ["slow", "redirects", "huge", "another", "broken"];
    let how = [Discovery::Slow, Discovery::Redirects, Discovery::Huge, Discovery::AnotherIssuer, Discovery::Broken];
    let sources: Vec<(&str, String)> = names.iter().zip(&liars).map(|(id, liar)| (*id, liar.source(id, ""))).collect();
    library.opens_portals(&sources, &people()).await;
    for ((id, liar), discovery) in names.iter().zip(&liars).zip(how) {
        liar.lies(Lies { discovery, ..Lies::default() });
        let begun = Instant::now();
        let page = Browser::new().by_school(&library, liar, id).await;
        assert_eq!(page.reason().as_deref(), Some("upstream-away"), "{id}: {}", page.body);
        assert!(page.has("sign-in"), "{id}");
        assert!(begun.elapsed() < Duration::from_secs(30), "the time that is promised, and patience for a busy machine");
    }
    // At the token endpoint as well.
    let liar = Liar::open().await;
    library.opens_portals(&[("late", liar.source("late", ""))], &people()).await;
    liar.lies(Lies { delay: Duration::from_secs(60), ..Lies::default() });
    let page = Browser::new().by_school(&library, &liar, "late").await;
    assert_eq!(page.reason().as_deref(), Some("upstream-away"), "{}", page.body);
}}
