//! The clock is set, back and forth.

use super::{
    Rounds,
    crowd::{Crowd, FIRST, SETTINGS, people},
    ledger::renewal,
};
use crate::actors::*;

const STAYS: Declared = Declared {
    id: "keeps",
    auth_method: "client_secret_basic",
    pkce: "required",
    redirect_uris: &["https://keeps.example/callback"],
    scopes: &["library.ebooks"],
    audience: &["juvenile", "young-adult", "adult"],
    vendor_lines: "",
    oidc_lines: "grant_types = [\"authorization_code\", \"refresh_token\"]\noffline_access = true\n",
};

/// One reader's visit.
struct Visit {
    browser: Browser,
    code: Vec<(String, String)>,
    access: String,
    refresh: String,
}

async fn visit(vendor: &OidcVendor, patron: &Patron) -> Visit {
    let (browser, challenge) = (Browser::new(), Challenge::new());
    let mut request = vendor.request(&challenge);
    request.retain(|(name, _)| name != "scope");
    request.push(("scope".into(), "openid offline_access library.ebooks".into()));
    request.push(("prompt".into(), "consent".into()));
    let mut arrival = browser.click(&vendor.authorize_url(&request), patron, &vendor.party).await;
    if let Arrival::Page(page) = &arrival
        && page.has("allow")
    {
        arrival = browser.submit_watching(page, "allow", &[], &vendor.party.redirect_uri).await;
    }
    let back = arrival.left();
    let code = vendor.exchange(&query_of(&back, "code").unwrap(), &challenge);
    let (status, tokens) = vendor.token(&code).await;
    assert_eq!(status, 200, "{tokens}");
    let of = |name: &str| tokens[name].as_str().unwrap_or_else(|| panic!("no {name}: {tokens}")).to_owned();
    Visit { browser, code, access: of("access_token"), refresh: of("refresh_token") }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_ran_years_ahead_and_is_set_right_leaves_nothing_immortal_and_nothing_usable_again() {
    let Some(clock) = SteppedClock::right() else { return };
    let people = [Person::pupil(1), Person::pupil(2), Person::pupil(3)];
    let surroundings = clock.surroundings();
    let wish = Founding { people: &people, surroundings, ..Founding::of(Engine::Sqlite, 1) };
    let Some(fleet) = Fleet::founded(&wish) else { return };
    let library = &fleet.library;
    let vendor = OidcVendor::of(library, library.declare(STAYS).await).await;
    let before = visit(&vendor, &people[0].card()).await;

    clock.set("+1000d");
    assert!(!before.browser.is_signed_in(library).await, "forward: what is due is over");
    assert_eq!(vendor.userinfo(&before.access).await.0, 401);
    assert_eq!(vendor.token(&renewal(&before.refresh)).await.0, 400);
    let ahead = visit(&vendor, &people[1].card()).await;
    assert!(ahead.browser.is_signed_in(library).await, "and the rest goes on");

    clock.set("+0");
    assert!(!ahead.browser.is_signed_in(library).await, "a session of that day would live for years");
    assert_eq!(vendor.userinfo(&ahead.access).await.0, 401, "so would its tokens");
    assert_eq!(vendor.token(&renewal(&ahead.refresh)).await.0, 400);
    for spent in [&before.code, &ahead.code] {
        let (status, said) = vendor.token(spent).await;
        assert_eq!((status, said["error"].as_str()), (400, Some("invalid_grant")), "{said}");
    }
    // The machine's own clock is right: a stock client checks what is signed now.
    let shelf = OidcVendor::of(library, library.shelf()).await;
    shelf.click(library, &Browser::new(), &people[2].card(), &["openid", "library.ebooks"]).await;
    library.run(&["audit", "verify"]).fine();
    let tail = library.run(&["audit", "tail", "-n", "1000", "--json"]).fine().json();
    let sign_ins = tail.as_array().unwrap().iter().filter(|event| event["kind"] == "sign-in").count();
    assert_eq!(sign_ins, 3, "{tail}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_clock_that_is_set_back_and_forth_by_an_hour_loses_nothing_that_was_answered() {
    let Some(clock) = SteppedClock::right() else { return };
    let lines = format!("[session]\nidle = \"24h\"\nabsolute = \"48h\"\n{SETTINGS}");
    let people = people();
    let surroundings = clock.surroundings();
    let wish = Founding { people: &people[..FIRST], lines: &lines, surroundings, ..Founding::of(Engine::Sqlite, 1) };
    let Some(fleet) = Fleet::founded(&wish) else { return };
    let crowd = Crowd::gather(&fleet).await;
    crowd.is_out_of_time();
    for round in Rounds::at_least(3) {
        clock.set(["-1h", "-2h", "+0"][round % 3]);
        crowd.hears(30).await;
    }
    clock.set("+0");
    crowd.hears(30).await;
    crowd.count("the clock set back and forth by hours", &fleet).await;
}
