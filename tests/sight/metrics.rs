//! `/metrics`: what moves, who may read it, and that it names nobody.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::{actors::*, promise};

const WRONG: &str = "981204";

promise! { own, async fn what_happens_at_the_library_moves_its_metrics_exactly_and_no_other(library) {
    let (mira, refused) = (library.patron("district_grade_7"), library.patron("withdrawn"));
    let party = library.oidc();
    let vendor = OidcVendor::of(&library, party.clone()).await;
    let before = Scrape::of(&library).await;
    let moved = |after: &Scrape, name: &str, labels: &[(&str, &str)]| after.sum(name, labels) - before.sum(name, labels);

    // A click with a sign-in, and one by the session that is there; a wrong PIN; a patron whom nobody lets in.
    let browser = Browser::new();
    let tokens = vendor.click(&library, &browser, &mira, &["openid", "library.ebooks"]).await;
    vendor.click(&library, &browser, &mira, &["openid", "library.ebooks"]).await;
    Browser::new().try_sign_in(&library, &Patron::new(&mira.card, WRONG)).await;
    Browser::new().try_sign_in(&library, &refused).await;
    // A code that was never given out, and a client that nobody knows.
    let (status, _) = vendor.token(&vendor.exchange("no-such-code", &Challenge::new())).await;
    assert_eq!(status, 400);
    // A vendor's server asks: the right PIN, a wrong one, and hangs up.
    let mut sip2 = Sip2::of(&library).await;
    assert_eq!(sip2.information(&mira.card, Some(&mira.pin)).await.verdict(), (Some("Y"), Some("Y")));
    assert_eq!(sip2.information(&mira.card, Some("771203")).await.verdict(), (Some("N"), Some("N")));

    let after = Scrape::of(&library).await;
    let id = party.vendor.as_str();
    for (name, labels, by) in [
        ("oneaccess_sign_ins_total", &[("way", "pin"), ("outcome", "signed-in")][..], 1.0),
        ("oneaccess_sign_ins_total", &[("way", "pin"), ("outcome", "wrong")], 1.0),
        ("oneaccess_sign_ins_total", &[("way", "pin"), ("outcome", "refused")], 1.0),
        ("oneaccess_sign_ins_total", &[], 3.0),
        ("oneaccess_refusals_total", &[("reason", "sign-in-failed"), ("protocol", "none")], 1.0),
        ("oneaccess_refusals_total", &[("reason", "sign-in-failed"), ("protocol", "sip2")], 1.0),
        ("oneaccess_refusals_total", &[("reason", "withdrawn")], 1.0),
        ("oneaccess_refusals_total", &[], 3.0),
        ("oneaccess_clicks_total", &[("protocol", "oidc"), ("vendor", id)], 2.0),
        ("oneaccess_clicks_total", &[("protocol", "sip2"), ("vendor", id)], 1.0),
        ("oneaccess_clicks_total", &[], 3.0),
        ("oneaccess_vendor_exchanges_total", &[("step", "token"), ("outcome", "ok"), ("vendor", id)], 2.0),
        ("oneaccess_vendor_exchanges_total", &[("step", "token"), ("outcome", "invalid_grant")], 1.0),
        ("oneaccess_vendor_exchanges_total", &[("protocol", "sip2"), ("step", "93"), ("outcome", "ok")], 1.0),
        ("oneaccess_vendor_exchanges_total", &[("protocol", "sip2"), ("step", "63"), ("outcome", "ok")], 1.0),
        ("oneaccess_vendor_exchanges_total", &[("protocol", "sip2"), ("step", "63"), ("outcome", "sign-in-failed")], 1.0),
        ("oneaccess_sip2_connections_total", &[("outcome", "taken")], 1.0),
        ("oneaccess_sip2_connections", &[], 1.0),
        ("oneaccess_http_request_duration_seconds_count", &[("route", "/oidc/token"), ("status", "2xx")], 2.0),
        ("oneaccess_http_request_duration_seconds_count", &[("route", "/oidc/token"), ("status", "4xx")], 1.0),
        ("oneaccess_http_request_duration_seconds_count", &[("route", "/sign-in"), ("method", "POST")], 2.0),
        ("oneaccess_pin_hash_run_seconds_count", &[], 5.0),
        ("oneaccess_pin_hash_refused_total", &[], 0.0),
        ("oneaccess_http_requests_shed_total", &[], 0.0),
        ("oneaccess_signing_seconds_count", &[("alg", "RS256")], 2.0),
        ("oneaccess_signing_seconds_count", &[("alg", "ES256")], 2.0),
        ("oneaccess_journal_entries_total", &[("outcome", "failed")], 0.0),
    ] {
        assert_eq!(moved(&after, name, labels), by, "{name} {labels:?}\n{}", after.text);
    }
    for (name, value) in [("oneaccess_ready", 1.0), ("oneaccess_store_up", 1.0), ("oneaccess_shelf_up", 1.0),
        ("oneaccess_pin_hash_queue", 0.0), ("oneaccess_http_requests_in_flight", 0.0), ("oneaccess_build_info", 1.0)] {
        assert_eq!(after.sum(name, &[]), value, "{name}");
    }
    assert!(after.sum("oneaccess_source_people", &[]) > 20.0, "{}", after.text);
    assert!(after.sum("oneaccess_key_age_seconds", &[("alg", "RS256"), ("state", "active")]) >= 0.0);
    assert!(after.sum("process_resident_memory_bytes", &[]) > 1e6 && after.sum("process_open_fds", &[]) > 3.0);

    // Labels are those that are declared, and no value of any of them is anybody's.
    for (name, labels) in after.labels() {
        let declared: BTreeSet<String> = declared().get(&name).unwrap_or_else(|| panic!("{name} is not declared")).clone();
        assert_eq!(labels, declared, "{name}");
    }
    let mut private = vec![tokens.subject, WRONG.to_owned(), "771203".to_owned()];
    for patron in library.welcome["patrons"].as_object().unwrap().values() {
        private.extend(patron.as_object().unwrap().values().filter_map(Value::as_str).map(str::to_owned));
    }
    private.extend(names(&library));
    assert!(private.len() > 40, "{private:?}");
    for one in private {
        let word = |text: &str| text.split(|c: char| !c.is_alphanumeric()).any(|word| word == one);
        let labels = after.text.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.rsplit_once(' '));
        let told: Vec<&str> = labels.map(|(labels, _)| labels).filter(|labels| word(labels)).collect();
        assert!(told.is_empty(), "{one} is told: {told:?}");
    }
    assert!(after.text.len() < 200_000, "{} bytes", after.text.len());
    println!("a scrape of {} bytes, {} samples", after.text.len(), after.samples());
}}

promise! { founded, async fn a_roster_that_comes_in_by_hand_is_seen_at_the_next_scrape(library) {
    let none = Scrape::of(&library).await;
    assert!(!none.has("oneaccess_source_last_success_timestamp_seconds"), "{}", none.text);
    let people: Vec<Person> = (1..=12).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    let seen = || async { Scrape::of(&library).await.sum("oneaccess_source_people", &[("source", "cms")]) == 12.0 };
    library.soon("the people are counted", seen).await;
    let after = Scrape::of(&library).await;
    let at = after.sum("oneaccess_source_last_success_timestamp_seconds", &[("source", "cms")]);
    assert!((at - after.sum("process_start_time_seconds", &[])).abs() < 600.0, "{at}");
    assert!(!after.has("oneaccess_source_bad"), "nothing is fetched by a timetable");
}}

promise! { shared, async fn metrics_are_for_this_machine_and_not_for_whoever_comes_by_a_proxy_on_it(library) {
    let browser = Browser::new();
    let of = |headers: Vec<(&'static str, &'static str)>| {
        let (browser, url) = (&browser, library.url("/metrics"));
        async move { browser.get_with(url, &headers).await.status.as_u16() }
    };
    assert_eq!(of(vec![]).await, 200);
    for header in ["x-forwarded-for", "x-real-ip", "forwarded", "via"] {
        assert_eq!(of(vec![(header, "203.0.113.9")]).await, 404, "{header}");
    }
    // Nobody trusts that proxy, so what it says for itself is not believed either.
    assert_eq!(of(vec![("x-forwarded-for", "127.0.0.1")]).await, 404);
    assert_eq!(of(vec![("authorization", "Bearer ")]).await, 200, "from here no token is needed");
    let page = browser.get_with(library.url("/metrics"), &[("via", "1.1 proxy")]).await;
    assert!(!page.body.contains("oneaccess_"), "{}", page.body);
}}

#[tokio::test(flavor = "multi_thread")]
async fn behind_a_trusted_proxy_it_is_the_readers_address_that_counts_or_a_token() {
    let lines = "trusted_proxies = [\"127.0.0.1\"]\n[metrics]\ntoken_file = \"scrape-token\"\n";
    let library = founded_with(lines).await;
    let browser = Browser::new();
    let token = format!("Bearer {TOKEN}");
    for (headers, status) in [
        (vec![("x-forwarded-for", "203.0.113.9")], 404),
        (vec![("x-forwarded-for", "127.0.0.1")], 200),
        (vec![("x-forwarded-for", "203.0.113.9"), ("authorization", &*token)], 200),
        (vec![("x-forwarded-for", "203.0.113.9"), ("authorization", "Bearer a-wrong-token-of-some-length")], 404),
        (vec![("x-forwarded-proto", "https")], 404),
    ] {
        let said = browser.get_with(library.url("/metrics"), &headers).await.status.as_u16();
        assert_eq!(said, status, "{headers:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_an_address_of_their_own_metrics_are_there_alone() {
    let port = parts_free_port();
    let library = founded_with(&format!("[metrics]\nlisten = \"127.0.0.1:{port}\"\n")).await;
    let browser = Browser::new();
    assert_eq!(browser.get(library.url("/metrics")).await.status, 404);
    let there = browser.get(format!("http://127.0.0.1:{port}/metrics")).await;
    assert_eq!(there.status, 200);
    assert!(Scrape::read(&there.body).sum("oneaccess_ready", &[]) == 1.0);
    assert_eq!(browser.get(format!("http://127.0.0.1:{port}/sign-in")).await.status, 404);
}

const TOKEN: &str = "a-token-for-whoever-scrapes-0123";

async fn founded_with(lines: &str) -> Library {
    // The file must be there before the server reads its settings, so it is written by its absolute path.
    let folder = std::env::temp_dir().join(format!("oneaccess-scrape-{}", uuid::Uuid::now_v7().simple()));
    std::fs::write(&folder, TOKEN).unwrap();
    let lines = lines.replace("scrape-token", folder.to_str().unwrap());
    let library = Library::founded_at(Engine::Sqlite, None, &lines).unwrap();
    std::fs::remove_file(folder).unwrap();
    library
}

/// Words of the names of the demo's people whose cards it tells.
fn names(library: &Library) -> BTreeSet<String> {
    let cards = library.welcome["patrons"].as_object().unwrap().values().filter_map(|one| one["card"].as_str());
    let name = |card| {
        let shown = library.run(&["card", "show", card, "--reason", "who is told of", "--json"]).fine().json();
        shown["name"].as_str().unwrap().to_owned()
    };
    let names: Vec<String> = cards.map(name).collect();
    names.iter().flat_map(|name| name.split(' ')).map(str::to_owned).collect()
}

/// Every metric and its labels, as docs/operate/metrics.md has them.
pub fn declared() -> std::collections::BTreeMap<String, BTreeSet<String>> {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operate/metrics.md")).unwrap();
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `"));
    let row = |row: &str| {
        let cells: Vec<&str> = row.split(" | ").collect();
        let name = cells[0].trim_end_matches('`').to_owned();
        let known = ["counter", "gauge", "histogram"].contains(cells.get(1)?);
        let labels = cells.get(2)?.split('`').filter(|label| !label.trim().is_empty()).map(str::to_owned);
        known.then(|| (name, labels.collect()))
    };
    rows.filter_map(row).collect()
}

#[test]
fn the_page_about_metrics_says_what_the_server_exposes() {
    let page = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/operate/metrics.md")).unwrap();
    let table = operate(&["docs", "metrics"], &[], "").fine().stdout;
    assert!(page.contains(table.trim()), "put `oneaccess docs metrics` into docs/operate/metrics.md");
    assert!(declared().len() > 30, "{:?}", declared());
}
