//! The pages of `docs/integrate/` for vendors that ask a server or take readers by a link: their very lines, applied and
//! tried as the pages say.

use std::{
    io::Write,
    process::{Command, Stdio},
};

use aws_lc_rs::hmac;
use serde_json::{Value, json};

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
