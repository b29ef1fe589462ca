//! The pages of `docs/integrate/` for vendors that ask a server or take readers by a link: their very lines, applied and
//! tried as the pages say.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use aws_lc_rs::{digest, hmac};
use serde_json::{Value, json};
use url::Url;

use crate::{actors::*, promise};

const SECRET: &str = "fictional-secret-of-a-page-4be1d0977c26";

/// The page's lines, with this machine's address for those of the vendor's servers, and its secrets beside them.
fn apply(library: &Library, lines: &str, addresses: &[&str], secrets: &[&str]) {
    for name in secrets {
        library.write(&format!("secrets/{name}"), format!("{SECRET}-{name}\n"));
    }
    let here = addresses.iter().fold(lines.to_owned(), |lines, address| {
        assert!(lines.contains(address), "{address} is not in {lines}");
        lines.replace(address, "127.0.0.1")
    });
    library.apply(&here).fine();
}

fn link_secret(library: &Library, vendor: &str) -> String {
    let all = library.run(&["vendor", "secret", vendor, "--json"]).fine().json();
    all[0]["secret"].as_str().unwrap().to_owned()
}

/// What a vendor's engineer sees, by what its server asks with.
async fn self_test(library: &Library, vendor: &str, (name, secret): (&str, &str)) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let page = client.get(library.url(&format!("/vendors/{vendor}/selftest"))).basic_auth(name, Some(secret));
    let page = page.send().await.unwrap();
    assert_eq!(page.status().as_u16(), 200, "{vendor} by {name}");
    serde_json::from_str(&page.text().await.unwrap()).unwrap()
}

async fn knows_link(library: &Library, vendor: &str) {
    let known = || async { Browser::new().get(library.url(&format!("/go/{vendor}"))).await.status != 404 };
    library.soon(&format!("the server knows {vendor}"), known).await;
}

// ── Signed links ───────────────────────────────────────────────────────────────────────────────────────────────────

/// What one process of the vendor's program says to these queries, one after another.
fn believed(python: &str, asked: &[(String, &str)]) -> Vec<Value> {
    let mut vendor = Command::new("timeout")
        .args(["60", python, "-B", "conversation.py", "signed_link"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/python"))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines: String =
        asked.iter().map(|(query, secret)| format!("{}\n", json!({ "query": query, "secret": secret }))).collect();
    vendor.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
    let said = vendor.wait_with_output().unwrap();
    assert!(said.status.success(), "{said:?}");
    String::from_utf8(said.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn signed(query: &str, secret: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    format!("{query}&signature={}", hex::encode(hmac::sign(&key, query.as_bytes())))
}

promise! { shared, async fn ten_lines_tell_the_librarys_links_from_everybody_elses(library) {
    let Some(python) = part("ONEACCESS_TEST_PYTHON", "the verifier of signed links") else { return };
    apply(library, include_str!("clients/faces/wagtail.toml"), &[], &[]);
    knows_link(library, "wagtail").await;
    let (browser, mira) = (Browser::new(), library.patron("district_grade_7"));
    let start = library.url("/go/wagtail");
    let left = browser.click_to(&start, &mira, "https://wagtail.example/").await.left();
    let other = browser.go(&start, "https://wagtail.example/").await.left();
    let (good, fresh) = (left.query().unwrap().to_owned(), other.query().unwrap().to_owned());
    let secret = link_secret(library, "wagtail");
    let of = |name: &str| query_of(&other, name).unwrap();
    let (body, signature) = fresh.rsplit_once("&signature=").unwrap();
    let until = of("until");
    let later = format!("{}", until.parse::<i64>().unwrap() + 3600);
    let over = body.replace(&format!("until={until}"), "until=1000000000");
    let another = "b".repeat(of("reader").len());
    let bad = [
        ("another reader", fresh.replace(&of("reader"), &another), &*secret),
        ("a later end", fresh.replace(&until, &later), &*secret),
        ("an end that is past, signed", signed(&over, &secret), &*secret),
        ("another secret", fresh.clone(), "0000000000000000000000000000000000000000000000000000000000000000"),
        ("no signature", body.to_owned(), &*secret),
        ("an empty signature", format!("{body}&signature="), &*secret),
        ("the signature twice", format!("{fresh}&signature={signature}"), &*secret),
        ("a second part behind the signature", format!("{fresh}&reader={another}"), &*secret),
        ("a second reader before it", fresh.replace("&signature=", &format!("&reader={another}&signature=")), &*secret),
        ("the signature first", format!("signature={signature}&{body}"), &*secret),
        ("nothing", String::new(), &*secret),
    ];
    let asked: Vec<(String, &str)> = [(good.clone(), &*secret)]
        .into_iter()
        .chain(bad.iter().map(|(_, query, secret)| (query.clone(), *secret)))
        .chain([(fresh.clone(), &*secret), (fresh.clone(), &*secret), (good, &*secret)])
        .collect();
    let said = believed(&python, &asked);
    assert_eq!(said.len(), asked.len());
    let who = json!({ "reader": of("reader"), "age": "young-adult" });
    assert_eq!(said[0], who, "a good link");
    for ((name, query, _), said) in bad.iter().zip(&said[1..]) {
        assert!(said["error"].as_str().unwrap_or_default().starts_with("PermissionError"), "{name}: {query}: {said}");
    }
    let [again, twice, first] = &said[1 + bad.len()..] else { panic!("{said:?}") };
    assert_eq!(again, &who, "what was tried with a link does not use it up");
    assert!(twice["error"].is_string() && first["error"].is_string(), "a link works once: {said:?}");
}}

promise! { shared, async fn a_referring_page_and_a_card_pattern_do_what_their_page_says(library) {
    apply(library, include_str!("clients/faces/dunnock.toml"), &[], &[]);
    apply(library, include_str!("clients/faces/twite.toml"), &[], &[]);
    knows_link(library, "twite").await;
    let (browser, mira) = (Browser::new(), library.patron("district_grade_7"));
    browser.sign_in(library, &mira).await;
    let page = browser.open(library.url("/go/dunnock")).await;
    assert_eq!(page.link("continue").unwrap().as_str(), "https://dunnock.example/quillwater");
    assert_eq!(page.header("referrer-policy"), "origin");
    let page = browser.open(library.url("/go/twite")).await;
    assert_eq!(page.link("continue").unwrap().as_str(), "https://twite.example/library-card");
    assert!(page.words().contains(&mira.card), "{}", page.words());
    for (vendor, code) in [("dunnock", "(referrer-alone)"), ("twite", "(card-pattern)")] {
        let shown = library.run(&["vendor", "show", vendor]).fine().stdout;
        assert!(shown.contains(code), "{shown}");
    }
}}

// ── Vendors that ask ───────────────────────────────────────────────────────────────────────────────────────────────

/// A connection that is logged in as a vendor of a page.
async fn by_sip2(library: &Library, login: &str, password: &str) -> Sip2 {
    let known = || async { Sip2::connect(sip2_address(library)).await.log_in(login, password).await == "941" };
    library.logs_in(login, known).await;
    let mut sip2 = Sip2::connect(sip2_address(library)).await;
    sip2.log_in(login, password).await;
    sip2
}

promise! { shared, async fn a_platform_of_e_books_checks_cards_by_sip2_as_its_page_says(library) {
    apply(library, include_str!("clients/faces/kestrel.toml"), &["192.0.2.16/28"], &["kestrel-sip2"]);
    let mut kestrel = by_sip2(library, "kestrel", &format!("{SECRET}-kestrel-sip2")).await;
    let mira = library.patron("district_grade_7");
    let found = kestrel.information(&mira.card, Some(&mira.pin)).await;
    assert_eq!((found.verdict(), found.field("PC"), found.field("AO")), ((Some("Y"), Some("Y")), Some("YA"), Some("QUILLWATER")));
    let kept = found.field("AA").unwrap().to_owned();
    assert_eq!(kestrel.information(&kept, None).await.verdict(), (Some("Y"), Some("N")), "before a notice of a hold");
    let explained = library.run(&["explain", &mira.card, "kestrel", "--json"]).fine().json();
    let document = &explained["documents"][0];
    assert_eq!((document["protocol"].as_str(), document["relying_party"].as_str()), (Some("sip2"), Some("kestrel")));
    assert!(document["text"].as_str().unwrap().contains(&format!("AA{kept}|")), "{document}");
    let words = library.run(&["explain", &mira.card, "kestrel"]).fine().stdout;
    assert!(words.contains("What kestrel would be sent by sip2"), "{words}");
    let seen = self_test(library, "kestrel", ("kestrel", &format!("{SECRET}-kestrel-sip2"))).await;
    assert!(seen["exchanges"].to_string().contains("\"step\":\"63\""), "{seen}");
}}

promise! { shared, async fn a_platform_of_films_checks_cards_by_patronapi_as_its_page_says(library) {
    apply(library, include_str!("clients/faces/puffin.toml"), &["192.0.2.40", "192.0.2.41"], &["puffin-patronapi"]);
    let mira = library.patron("district_grade_7");
    let at = |rest: String| library.url(&format!("/f/{SECRET}-puffin-patronapi/PATRONAPI/{}/{rest}", mira.card));
    let known = || async { Browser::new().get(at("dump".into())).await.status == 200 };
    library.soon("the server knows puffin", known).await;
    let test = Browser::new().get(at(format!("{}/pintest", mira.pin))).await;
    assert!(test.body.contains("RETCOD=0<BR>"), "{}", test.body);
    let dump = Browser::new().get(at("dump".into())).await;
    assert!(dump.body.contains("P TYPE[p47]=20<BR>"), "{}", dump.body);
    let seen = self_test(library, "puffin", ("puffin", &format!("{SECRET}-puffin-patronapi"))).await;
    assert!(seen["exchanges"].to_string().contains("\"step\":\"pintest\""), "{seen}");
}}

/// EZproxy, as far as OCLC documents what the lines of its `user.txt` mean.
struct EzProxy {
    lines: Vec<String>,
}

impl EzProxy {
    fn new(library: &Library, form_secret: &str, ticket_secret: &str) -> EzProxy {
        let text = include_str!("clients/faces/user.txt").replace("https://access.library.example", &library.issuer);
        let text = text.replace("TICKET-SECRET", ticket_secret).replace("SECRET", form_secret);
        EzProxy { lines: text.lines().filter(|line| !line.starts_with('#')).map(str::to_owned).collect() }
    }

    fn after(&self, begin: &str) -> &str {
        self.lines.iter().find_map(|line| line.strip_prefix(begin)).unwrap_or_else(|| panic!("no {begin}"))
    }

    /// Whether the script lets this reader in, and into which group.
    async fn external(&self, user: &str, pass: &str) -> Option<String> {
        let parts: Vec<&str> = self.after("::external=").split(',').collect();
        let [url, post, valid] = parts[..] else { panic!("{parts:?}") };
        let filled = |value: &str| value.replace("^u", user).replace("^p", pass);
        let fields: Vec<(String, String)> = post
            .strip_prefix("post=")
            .unwrap()
            .split('&')
            .map(|field| field.split_once('=').unwrap())
            .map(|(name, value)| (name.to_owned(), filled(value)))
            .collect();
        let answer = Browser::new().post(&url.parse().unwrap(), &fields).await.body;
        let group = |line: &str| line.strip_prefix("ezproxy_group=").map(str::to_owned);
        answer
            .contains(valid.strip_prefix("valid=").unwrap())
            .then(|| answer.lines().find_map(group).unwrap_or_default())
    }

    /// Where it sends a reader whom it does not know.
    fn cgi(&self, wanted: &str) -> String {
        let encoded: String = url::form_urlencoded::byte_serialize(wanted.as_bytes()).collect();
        self.after("::CGI=").replace("^R", &encoded)
    }

    /// The reader and her group, where the ticket is good.
    fn ticket(&self, login: &Url) -> Option<(String, String)> {
        let (user, ticket) = (query_of(login, "user")?, query_of(login, "ticket")?);
        let (stated, packet) = ticket.split_once('$')?;
        let packet = format!("${packet}");
        let signed = digest::digest(&digest::SHA512, format!("{}{user}{packet}", self.after("SHA512 ")).as_bytes());
        let (time, group) = packet.strip_prefix("$u")?.strip_suffix("$e")?.split_once("$g")?;
        let minutes: u64 = self.after("TimeValid ").parse().unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let fresh = now.abs_diff(time.parse().unwrap()) <= minutes * 60;
        let accepted = self.after("AcceptGroups ").split('+').any(|accepted| accepted == group);
        (stated == hex::encode(signed) && fresh && accepted).then(|| (user, group.to_owned()))
    }
}

promise! { shared, async fn the_librarys_proxy_is_set_up_as_its_page_says(library) {
    apply(library, include_str!("clients/faces/proxy.toml"), &["192.0.2.80"], &["proxy-form"]);
    knows_link(library, "proxy").await;
    let proxy = EzProxy::new(library, &format!("{SECRET}-proxy-form"), &link_secret(library, "proxy"));
    let mira = library.patron("district_grade_7");
    assert_eq!(proxy.external(&mira.card, &mira.pin).await.as_deref(), Some("Teens"));
    let young = library.patron("charter_grade_5");
    assert_eq!(proxy.external(&young.card, &young.pin).await, None);
    let wanted = "https://a.gannet.example/homework?id=7&lang=es";
    let login = Browser::new().click_to(&proxy.cgi(wanted), &mira, "https://proxy.library.example/").await.left();
    assert_eq!((login.path(), query_of(&login, "qurl").as_deref()), ("/login", Some(wanted)));
    let (user, group) = proxy.ticket(&login).expect("a good ticket");
    assert!(user.len() == 32 && group == "Teens", "{user} {group}");
    let mut forged = login.clone();
    forged.query_pairs_mut().clear().append_pair("user", "another").append_pair("ticket", &query_of(&login, "ticket").unwrap());
    assert_eq!(proxy.ticket(&forged), None);
    let seen = self_test(library, "proxy", ("proxy-form", &format!("{SECRET}-proxy-form"))).await;
    let exchanges = seen["exchanges"].to_string();
    assert!(exchanges.contains("\"step\":\"external\"") && exchanges.contains("\"step\":\"go\""), "{exchanges}");
}}

promise! { shared, async fn a_reading_platform_knows_a_reader_by_one_name_by_either_way_of_its_page(library) {
    apply(library, include_str!("clients/faces/bittern.toml"), &["192.0.2.64/28"], &["bittern-oidc", "bittern-sip2"]);
    let mut bittern = by_sip2(library, "bittern", &format!("{SECRET}-bittern-sip2")).await;
    let mira = library.patron("district_grade_7");
    let found = bittern.information(&mira.card, Some(&mira.pin)).await;
    let party = RelyingParty {
        vendor: "bittern".into(),
        client_id: "bittern".into(),
        client_secret: Some(format!("{SECRET}-bittern-oidc")),
        auth_method: "client_secret_basic".into(),
        redirect_uri: "https://bittern.example/quillwater/oidc_callback".into(),
    };
    let by_oidc = OidcVendor::of(library, party).await;
    let told = by_oidc.click(library, &Browser::new(), &mira, &["openid", "library.ebooks"]).await;
    assert_eq!(found.field("AA"), Some(&*told.subject));
}}
