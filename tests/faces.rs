//! What vendors are promised that speak neither OIDC nor SAML nor SIP2: PATRONAPI, EZproxy, links, and the document that
//! says where the doors are.

use aws_lc_rs::{digest, hmac};
use url::Url;

use crate::{actors::*, promise};

const SECRET: &str = "fictional-vendor-secret-9c1f7e20b4d6";

/// A vendor of its own with these lines, known to the server.
async fn declared(library: &Library, id: &str, scopes: &[&str], lines: &str) {
    let toml = format!(
        "[[vendor]]\nid = \"{id}\"\nname = \"{id} books\"\naudience = [\"juvenile\", \"young-adult\", \"adult\"]\n\
         scopes = {scopes:?}\n{lines}\n"
    );
    library.apply(&toml).fine();
    let config = library.run(&["vendor", "show", id, "--json"]).fine().json();
    assert_eq!(config["id"], id);
    // The server knows it as soon as it lets nobody but readers through its link, or answers its secret.
    let known = || async {
        let link = Browser::new().get(library.url(&format!("/go/{id}"))).await.status;
        let asks = Browser::new().get(library.url(&format!("/f/{}/PATRONAPI/0/0/pintest", secret_of(id)))).await.status;
        let form = [("user".to_owned(), String::new()), ("pass".to_owned(), String::new())];
        let proxy =
            Browser::new().post(&library.url(&format!("/f/{}/ezproxy", secret_of(id))).parse().unwrap(), &form).await;
        [link.as_u16(), asks.as_u16(), proxy.status.as_u16()].iter().any(|status| matches!(status, 200 | 303))
    };
    library.soon(&format!("the server knows {id}"), known).await;
}

fn secret_of(id: &str) -> String {
    format!("{SECRET}-{id}")
}

async fn subject_by_oidc(library: &Library, id: &'static str, patron: &Patron) -> String {
    let party = Declared { id, redirect_uris: OIDC_AT, ..Declared::default() }.relying_party();
    let vendor = OidcVendor::of(library, party).await;
    vendor.click(library, &Browser::new(), patron, &["openid", "library.ebooks"]).await.subject
}

const OIDC_AT: &[&str] = &["https://small.example/callback"];

fn oidc_lines(id: &str) -> String {
    format!(
        "[[vendor.oidc]]\nclient_id = \"{id}-web\"\n\
         client_secret = \"a-long-enough-secret-of-a-fictional-vendor-0123456789\"\n\
         redirect_uris = [\"https://small.example/callback\"]\n"
    )
}

// ── PATRONAPI ──────────────────────────────────────────────────────────────────────────────────────────────────────

fn patronapi(id: &str, lines: &str) -> String {
    format!("[[vendor.patronapi]]\nid = \"{id}-api\"\nsecret = \"{}\"\n{lines}\n", secret_of(id))
}

promise! { shared, async fn a_platform_that_asks_by_patronapi_is_told_whether_the_pin_is_right_and_little_else(library) {
    let lines = format!("{}{}", patronapi("hoop-owl", "look_up = true"), oidc_lines("hoop-owl"));
    declared(library, "hoop-owl", &["library.ebooks"], &lines).await;
    let mira = library.patron("district_grade_7");
    let at = |rest: String| library.url(&format!("/f/{}/PATRONAPI/{rest}", secret_of("hoop-owl")));
    let good = Browser::new().get(at(format!("{}/{}/pintest", mira.card, mira.pin))).await;
    assert_eq!((good.status.as_u16(), good.body.trim()), (200, "<HTML><BODY>\nRETCOD=0<BR>\n</BODY></HTML>"));
    assert_eq!(good.header("cache-control"), "no-store");
    let posted = Browser::new().post(&at(format!("{}/{}/pintest", mira.card, mira.pin)).parse().unwrap(), &[]).await;
    assert_eq!(posted.body, good.body, "by POST as well");
    let unknown = Browser::new().get(at("1000001/9%2F1%201/pintest".into())).await;
    assert!(unknown.body.contains("RETCOD=1<BR>\nERRNUM=4<BR>\nERRMSG=Invalid patron PIN (sign-in-failed)<BR>"), "{}", unknown.body);

    let dump = Browser::new().get(at(format!("{}/dump", mira.card))).await;
    let subject = subject_by_oidc(library, "hoop-owl", &mira).await;
    let lines: Vec<&str> = dump.body.lines().collect();
    assert_eq!(lines[0], "<HTML><BODY>");
    assert_eq!(lines[1], format!("P BARCODE[pb]={subject}<BR>"));
    assert_eq!(lines[2], "P TYPE[p47]=2<BR>");
    assert_eq!((lines[3], lines[4], lines.len()), ("EXP DATE[p43]=06-30-31<BR>", "MBLOCK[p56]=-<BR>", 6));
    let by_name = Browser::new().get(at(format!("{subject}/dump"))).await;
    assert_eq!(by_name.body, dump.body, "it may ask by the name that it keeps");
    let nobody = Browser::new().get(at("1000001/dump".into())).await;
    assert!(nobody.body.contains("ERRNUM=1<BR>"), "{}", nobody.body);
    let refused = library.patron("charter_grade_5");
    let young = Browser::new().get(at(format!("{}/{}/pintest", refused.card, refused.pin))).await;
    assert!(young.body.contains("(grade-not-covered)"), "{}", young.body);
}}

promise! { shared, async fn without_the_rule_for_look_ups_nothing_is_dumped_and_a_wrong_secret_is_no_address_at_all(library) {
    declared(library, "strict-owl", &["library.ebooks"], &patronapi("strict-owl", "addresses = [\"127.0.0.1\"]")).await;
    let mira = library.patron("district_grade_7");
    let at = |secret: &str, rest: &str| library.url(&format!("/f/{secret}/PATRONAPI/{rest}"));
    let dump = Browser::new().get(at(&secret_of("strict-owl"), &format!("{}/dump", mira.card))).await;
    assert!(dump.body.contains("ERRNUM=1<BR>") && !dump.body.contains("[pb]"), "{}", dump.body);
    let stranger = Browser::new().get(at("no-such-secret", &format!("{}/{}/pintest", mira.card, mira.pin))).await;
    let nowhere = Browser::new().get(library.url("/no/such/page")).await;
    assert_eq!((stranger.status, stranger.words()), (nowhere.status, nowhere.words()));
}}

promise! { own, async fn a_vendors_secret_a_card_and_a_pin_in_an_address_are_written_nowhere(library) {
    declared(&library, "quiet-owl", &["library.ebooks"], &patronapi("quiet-owl", "look_up = true")).await;
    let mira = library.patron("district_grade_7");
    // The demo introduces its people at the start.
    let before = library.logs().len();
    for rest in [format!("{}/{}/pintest", mira.card, mira.pin), format!("{}/dump", mira.card), "%ff/x/pintest".into()] {
        Browser::new().get(library.url(&format!("/f/{}/PATRONAPI/{rest}", secret_of("quiet-owl")))).await;
    }
    Browser::new().get(library.url("/f/wrong-secret-of-a-guesser/PATRONAPI/1/2/pintest")).await;
    let log = library.logs().split_off(before);
    // A request's line has its route's template, and nothing of its address.
    let templates = ["/f/{secret}/PATRONAPI/{card}/dump", "/f/{secret}/PATRONAPI/{card}/{pin}/pintest"];
    assert!(templates.iter().any(|template| log.contains(template)), "{log}");
    let beside = templates.iter().fold(log.clone(), |log, template| log.replace(template, ""));
    for secret in [&*secret_of("quiet-owl"), "wrong-secret-of-a-guesser", &mira.card, &mira.pin, "PATRONAPI/"] {
        assert!(!beside.contains(secret), "{secret} is in the log");
    }
    assert!(log.contains("a secret that no vendor has"), "{log}");
}}

// ── EZproxy ────────────────────────────────────────────────────────────────────────────────────────────────────────

promise! { shared, async fn the_librarys_proxy_asks_whether_what_was_typed_is_good(library) {
    let lines = format!(
        "[[vendor.ezproxy]]\nid = \"proxy-jay\"\nsecret = \"{}\"\ngroups = \"Children Teens Default\"\n",
        secret_of("proxy-jay")
    );
    declared(library, "proxy-jay", &["library.databases"], &lines).await;
    let at: Url = library.url(&format!("/f/{}/ezproxy", secret_of("proxy-jay"))).parse().unwrap();
    let ask = async |card: &str, pin: &str| {
        let fields = [("user".to_owned(), card.to_owned()), ("pass".to_owned(), pin.to_owned())];
        Browser::new().post(&at, &fields).await
    };
    let (mira, teacher) = (library.patron("district_grade_7"), library.patron("district_teacher"));
    assert_eq!(ask(&mira.card, &mira.pin).await.body, "+VALID\nezproxy_group=Teens\n");
    assert_eq!(ask(&teacher.card, &teacher.pin).await.body, "+VALID\nezproxy_group=Default\n");
    for (card, pin, reason) in [("1000001", "8890", "sign-in-failed"), (&*mira.card, "", "sign-in-failed")] {
        let refused = ask(card, pin).await;
        assert_eq!((refused.status.as_u16(), &*refused.body), (200, &*format!("REFUSED {reason}\n")));
    }
    let young = library.patron("charter_grade_5");
    assert_eq!(ask(&young.card, &young.pin).await.body, "REFUSED grade-not-covered\n");
    assert_eq!(Browser::new().get(&at).await.status.as_u16(), 405, "a PIN in a query would be written down by proxies");
}}

promise! { shared, async fn a_ticket_takes_a_reader_through_the_proxy_to_a_host_that_the_library_named(library) {
    let lines = "[[vendor.link]]\nid = \"jay-ticket\"\nkind = \"ezproxy\"\nurl = \"https://proxy.library.example\"\n\
                 bands = \"Children Teens Default\"\ntarget_hosts = \"db.example *.gale.example\"\n";
    declared(library, "ticket-jay", &["library.databases"], lines).await;
    let secret = link_secret(library, "ticket-jay");
    let (browser, mira) = (Browser::new(), library.patron("district_grade_7"));
    let start = library.url("/go/ticket-jay?url=https%3A%2F%2Finfo.gale.example%2Fa%3Fb%3Dc%2520d");
    let left = browser.click_to(&start, &mira, "https://proxy.library.example/").await.left();
    let of = |name: &str| query_of(&left, name).unwrap();
    let (digest_hex, packet) = of("ticket").split_once('$').map(|(digest, rest)| (digest.to_owned(), format!("${rest}"))).unwrap();
    let signed = digest::digest(&digest::SHA512, format!("{secret}{}{packet}", of("user")).as_bytes());
    assert_eq!(digest_hex, hex::encode(signed));
    let time = packet.strip_prefix("$u").unwrap().split('$').next().unwrap().parse::<i64>().unwrap();
    assert!((saml_now_seconds() - time).abs() < 60 && packet.ends_with("$gTeens$e"), "{packet}");
    assert_eq!((left.path(), of("qurl")), ("/login", "https://info.gale.example/a?b=c%20d".to_owned()));
    for evil in ["https://evil.example/", "https://gale.example@evil.example", "javascript:alert(1)", "//db.example"] {
        let mut url: Url = library.url("/go/ticket-jay").parse().unwrap();
        url.query_pairs_mut().append_pair("url", evil);
        let page = browser.get(url).await;
        assert_eq!(page.status.as_u16(), 400, "{evil}");
        assert!(page.body.contains("target-not-allowed") && page.location().is_none());
    }
}}

fn saml_now_seconds() -> i64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as i64
}

// ── Links ──────────────────────────────────────────────────────────────────────────────────────────────────────────

promise! { founded, async fn there_is_one_way_to_a_vendor_and_showing_its_secret_is_written_down(library) {
    let link = |id: &str| {
        format!("[[vendor.link]]\nid = \"{id}\"\nurl = \"https://x.example/in?r={{pseudonym}}&e={{expires}}&s={{signature}}\"\n")
    };
    let vendor = "[[vendor]]\nid = \"one-way\"\nname = \"One\"\naudience = [\"adult\"]\nscopes = [\"library.ebooks\"]\n";
    let refused = library.apply(&format!("{vendor}{}{}", link("a"), link("b"))).refused();
    assert!(refused.stderr.contains("second link"), "{}", refused.stderr);
    library.apply(&format!("{vendor}{}", link("a"))).fine();
    let shown = library.run(&["vendor", "show", "one-way"]).fine().stdout;
    assert!(shown.contains(&library.url("/go/one-way")), "{shown}");
    let secret = link_secret(&library, "one-way");
    let audit = library.run(&["audit", "tail", "--json"]).fine().stdout;
    assert!(audit.contains("vendor secret shown") && !audit.contains(&secret), "{audit}");
}}

fn link_secret(library: &Library, vendor: &str) -> String {
    let all = library.run(&["vendor", "secret", vendor, "--json"]).fine().json();
    all[0]["secret"].as_str().unwrap().to_owned()
}

promise! { shared, async fn a_signed_link_tells_a_small_vendor_who_comes_and_nobody_else_can_make_one(library) {
    let lines = format!(
        "[[vendor.link]]\nid = \"finch-link\"\nurl = \"https://finch.example/in?school=7&reader={{pseudonym}}&age={{band}}\
         &at={{time}}&until={{expires}}&once={{id}}&signature={{signature}}\"\nvalid_for = 90\n{}",
        oidc_lines("small-finch")
    );
    declared(library, "small-finch", &["library.ebooks"], &lines).await;
    let mira = library.patron("district_grade_7");
    let (browser, start) = (Browser::new(), library.url("/go/small-finch"));
    let left = browser.click_to(&start, &mira, "https://finch.example/").await.left();
    let key = hmac::Key::new(hmac::HMAC_SHA256, link_secret(library, "small-finch").as_bytes());
    let (signed, signature) = left.query().unwrap().rsplit_once("&signature=").unwrap();
    hmac::verify(&key, signed.as_bytes(), &hex::decode(signature).unwrap()).unwrap();
    let of = |name: &str| query_of(&left, name).unwrap();
    assert_eq!((of("school"), of("age")), ("7".to_owned(), "young-adult".to_owned()));
    assert_eq!(of("reader"), subject_by_oidc(library, "small-finch", &mira).await);
    let (at, until) = (of("at").parse::<i64>().unwrap(), of("until").parse::<i64>().unwrap());
    assert!((saml_now_seconds() - at).abs() < 60 && until - at == 90, "{at} {until}");
    assert!(!left.as_str().contains(&mira.card));
    let again = browser.go(&start, "https://finch.example/").await.left();
    assert_ne!(query_of(&again, "once"), query_of(&left, "once"), "each link is another");
    let elsewhere = hmac::Key::new(hmac::HMAC_SHA256, b"another secret");
    assert!(hmac::verify(&elsewhere, signed.as_bytes(), &hex::decode(signature).unwrap()).is_err());
}}

promise! { shared, async fn a_reader_whom_the_vendor_does_not_serve_is_told_why_and_leads_nowhere_else(library) {
    let lines = "[[vendor.link]]\nid = \"wren-link\"\nkind = \"referrer\"\nurl = \"https://wren.example/\"\n";
    declared(library, "link-wren", &["library.ebooks"], lines).await;
    let young = library.patron("charter_grade_5");
    let browser = Browser::new();
    let page = browser.click_to(&library.url("/go/link-wren"), &young, "https://wren.example/").await.page();
    assert_eq!(page.reason().as_deref(), Some("grade-not-covered"));
    let unknown = browser.get(library.url("/go/no-such-vendor")).await;
    assert_eq!(unknown.status.as_u16(), 404);
}}

promise! { shared, async fn the_page_that_a_vendor_checks_readers_come_from_stays_the_same(library) {
    let lines = "[[vendor.link]]\nid = \"tit-link\"\nkind = \"referrer\"\nurl = \"https://tit.example/school\"\n\
                 referrer = \"unsafe-url\"\n";
    declared(library, "link-tit", &["library.ebooks"], lines).await;
    let (browser, mira) = (Browser::new(), library.patron("district_grade_7"));
    browser.sign_in(library, &mira).await;
    let page = browser.open(library.url("/go/link-tit")).await;
    assert_eq!((page.url.path(), page.header("referrer-policy")), ("/go/link-tit", "unsafe-url"));
    assert_eq!(page.link("continue").unwrap().as_str(), "https://tit.example/school");
    let newcomer = Browser::new();
    let sign_in = newcomer.open(library.url("/go/link-tit")).await;
    let came = newcomer.submit_and_follow(&sign_in, "sign-in", &[("card", &mira.card), ("pin", &mira.pin)]).await;
    assert_eq!(came.url.path(), "/go/link-tit", "without a ticket in it");
}}

promise! { shared, async fn a_vendor_that_checks_digits_alone_needs_a_purpose_and_is_the_weakest_kind(library) {
    let vendor = |release: &str| {
        format!(
            "[[vendor]]\nid = \"card-dove\"\nname = \"Card Dove\"\naudience = [\"juvenile\", \"young-adult\", \"adult\"]\n\
             scopes = [\"library.ebooks\"]\n{release}\n[[vendor.link]]\nid = \"dove\"\nkind = \"card\"\n\
             url = \"https://dove.example/\"\n"
        )
    };
    let refused = library.apply(&vendor("")).refused();
    assert!(refused.stderr.contains("release card_number"), "{}", refused.stderr);
    library.apply(&vendor("release = [{ name = \"card_number\", purpose = \"It knows cards by their pattern.\" }]")).fine();
    let shown = library.run(&["vendor", "show", "card-dove"]).fine().stdout;
    assert!(shown.contains("(card-pattern)"), "{shown}");
    let (browser, mira) = (Browser::new(), library.patron("district_grade_7"));
    browser.sign_in(library, &mira).await;
    let there = || async { browser.open(library.url("/go/card-dove")).await.has("continue") };
    library.soon("the server knows card-dove", there).await;
    let page = browser.open(library.url("/go/card-dove")).await;
    assert!(page.words().contains(&mira.card), "{}", page.words());
    assert_eq!(page.header("referrer-policy"), "no-referrer");
}}

promise! { shared, async fn a_tile_leads_through_our_own_way_where_the_vendor_has_no_start(library) {
    let lines = "[[vendor.link]]\nid = \"rook-link\"\nkind = \"referrer\"\nurl = \"https://rook.example/\"\n";
    declared(library, "tile-rook", &["library.ebooks"], lines).await;
    let browser = Browser::new();
    let launchpad = browser.sign_in(library, &library.patron("district_teacher")).await;
    let tile = launchpad.tiles().into_iter().find(|(id, _)| id == "tile-rook");
    assert_eq!(tile.map(|(_, url)| url.to_string()), Some(library.url("/go/tile-rook")));
}}

promise! { founded, async fn a_link_that_could_be_bent_or_never_ends_is_refused_by_line_and_field(library) {
    for (url, why) in [
        ("https://x.example/?r={pseudonym}&s={signature}", "{expires}"),
        ("https://x.example/?e={expires}&s={signature}", "{pseudonym}"),
        ("https://x.example/?r={pseudonym}&e={expires}", "{signature}"),
        ("https://{band}.example/?r={pseudonym}&e={expires}&s={signature}", "url"),
        ("http://x.example/?r={pseudonym}&e={expires}&s={signature}", "https"),
        ("https://x.example/?r={card}&e={expires}&s={signature}", "{card}"),
    ] {
        let toml = format!(
            "[[vendor]]\nid = \"bad\"\nname = \"Bad\"\naudience = [\"adult\"]\nscopes = [\"library.ebooks\"]\n\
             [[vendor.link]]\nid = \"bad\"\nurl = \"{url}\"\n"
        );
        let refused = library.apply(&toml).refused();
        assert!(refused.stderr.contains("vendor.link.url") && refused.stderr.contains(why), "{url}: {}", refused.stderr);
    }
}}

// ── OPDS ───────────────────────────────────────────────────────────────────────────────────────────────────────────

promise! { shared, async fn a_reading_app_finds_every_door(library) {
    let page = Browser::new().get(library.url("/opds/authentication")).await;
    assert_eq!(page.header("content-type"), "application/opds-authentication+json");
    let document = page.json();
    assert_eq!(document["title"], "Marblewick Public Library");
    let way = |kind: &str| {
        let ways = document["authentication"].as_array().unwrap();
        ways.iter().find(|way| way["type"] == kind).cloned().unwrap_or_else(|| panic!("no {kind}: {document}"))
    };
    assert_eq!(way("http://opds-spec.org/auth/basic")["labels"]["password"], "PIN");
    for (kind, relation) in [
        ("http://palaceproject.io/authtype/OpenIDConnect", "describedby"),
        ("http://librarysimplified.org/authtype/SAML-2.0", "describedby"),
    ] {
        let links = way(kind)["links"].clone();
        let link = links.as_array().unwrap().iter().find(|link| link["rel"] == relation).unwrap()["href"].clone();
        let there = Browser::new().get(link.as_str().unwrap()).await;
        assert_eq!(there.status.as_u16(), 200, "{link}");
    }
}}

// ── The vendor kit ─────────────────────────────────────────────────────────────────────────────────────────────────

promise! { own, async fn vendor_test_asks_as_the_vendors_would_and_shows_no_secret(library) {
    let config = std::fs::read_to_string(&library.config).unwrap();
    let more = format!(
        "\n[[vendor]]\nid = \"kit-crow\"\nname = \"Kit Crow\"\naudience = [\"adult\"]\nscopes = [\"library.ebooks\"]\n{}\
         [[vendor.sip2]]\nlogin = \"kit-crow\"\npassword = \"{}\"\naddresses = [\"192.0.2.7\"]\n",
        patronapi("kit-crow", "look_up = true\naddresses = [\"192.0.2.7\"]"),
        secret_of("kit-crow")
    );
    std::fs::write(&library.config, format!("{config}{more}")).unwrap();
    library.run(&["apply", &library.config.to_string_lossy()]).fine();
    let done = library.run(&["vendor", "test", "kit-crow", "--json"]).fine();
    let document = done.json();
    let said: Vec<String> = document["exchanges"].as_array().unwrap().iter()
        .flat_map(|exchange| exchange["said"].as_array().unwrap().clone())
        .map(|line| line.as_str().unwrap().to_owned()).collect();
    for line in ["> 9300CNkit-crow|CO***|", "< 941", "> GET /f/***/PATRONAPI/TEST-1001/***/pintest", "< RETCOD=0<BR>"] {
        assert!(said.iter().any(|said| said.starts_with(line)), "{line} in {said:#?}");
    }
    assert!(said.iter().any(|line| line.starts_with("< 64") && line.contains("|BLY|CQY|")), "{said:#?}");
    assert!(!done.words().contains(&secret_of("kit-crow")) && !done.words().contains("735042"), "{}", done.words());
    let words = library.run(&["vendor", "test", "kit-crow"]).fine().stdout;
    assert!(words.contains("sip2 as kit-crow would speak it") && words.contains("Green"), "{words}");
    // What was applied is another secret than the file's: found, and said on whose side.
    let stale = std::fs::read_to_string(&library.config).unwrap().replace(&secret_of("kit-crow"), "another-secret-of-long-ago");
    std::fs::write(&library.config, stale).unwrap();
    let refused = library.run(&["vendor", "test", "kit-crow"]).refused();
    assert!(refused.words().contains("the login was refused"), "{}", refused.words());
}}

promise! { shared, async fn an_engineer_who_asks_by_a_secret_sees_what_came_of_each_question(library) {
    let lines = format!(
        "{}[[vendor.sip2]]\nlogin = \"look-ibis\"\npassword = \"{}\"\n",
        patronapi("look-ibis", ""),
        secret_of("look-ibis")
    );
    declared(library, "look-ibis", &["library.ebooks"], &lines).await;
    let mira = library.patron("district_grade_7");
    let mut sip2 = Sip2::connect(sip2_address(library)).await;
    assert_eq!(sip2.log_in("look-ibis", &secret_of("look-ibis")).await, "941");
    sip2.information(&mira.card, Some(&mira.pin)).await;
    let at = library.url("/vendors/look-ibis/selftest");
    for (name, secret, status) in [
        ("look-ibis", &*secret_of("look-ibis"), 200),
        ("look-ibis-api", &*secret_of("look-ibis"), 200),
        ("look-ibis", "another", 401),
        ("maple", &*secret_of("look-ibis"), 401),
    ] {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let answer = client.get(&at).basic_auth(name, Some(secret)).send().await.unwrap();
        assert_eq!(answer.status().as_u16(), status, "{name}");
        if status == 200 {
            let text = answer.text().await.unwrap();
            let seen: serde_json::Value = serde_json::from_str(&text).unwrap();
            let steps: Vec<&str> =
                seen["exchanges"].as_array().unwrap().iter().map(|e| e["step"].as_str().unwrap()).collect();
            assert!(steps.contains(&"63") && steps.contains(&"93"), "{steps:?}");
            assert!(!text.contains(&mira.card) && !text.contains(&mira.pin) && !text.contains("sha256"));
        }
    }
}}
