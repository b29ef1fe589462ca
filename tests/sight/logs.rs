//! Lines of the log: found by the number that a reader was shown, readable by machines, and without anybody's secrets.

use serde_json::Value;

use crate::{actors::*, promise};

promise! { shared, async fn every_answer_has_a_number_and_the_log_has_it_too(library) {
    let page = Browser::new().get(library.url("/sign-in")).await;
    let number = page.header("x-request-id").to_owned();
    assert!(number.len() == 12 && number.bytes().all(|b| b.is_ascii_hexdigit()), "{number}");
    let logged = || async { library.logs().lines().any(|line| line.contains(&number) && line.contains("/sign-in")) };
    library.soon("the request's line is in the log", logged).await;
    // Whoever is no trusted proxy gives no numbers.
    let page = Browser::new().get_with(library.url("/sign-in"), &[("x-request-id", "0123456789-mine")]).await;
    assert_ne!(page.header("x-request-id"), "0123456789-mine");
}}

#[tokio::test(flavor = "multi_thread")]
async fn a_trusted_proxys_number_goes_through_and_lines_are_json_where_that_is_wished() {
    let lines = "log_format = \"json\"\ntrusted_proxies = [\"127.0.0.1\"]\n";
    let mut library = Library::founded_at(Engine::Sqlite, None, lines).unwrap();
    let browser = Browser::new();
    let number = "edge-7f31c9d2-0001";
    let headers = [("x-request-id", number), ("x-forwarded-for", "203.0.113.9")];
    let page = browser.get_with(library.url("/card"), &headers).await;
    assert_eq!(page.header("x-request-id"), number);
    for nonsense in ["short", "with blank inside", "<b>0123456789</b>", &"x".repeat(65)] {
        let page = browser.get_with(library.url("/card"), &[("x-request-id", nonsense)]).await;
        assert_ne!(page.header("x-request-id"), nonsense);
    }
    let logged = || async { library.logs().contains(number) };
    library.soon("the request's line is in the log", logged).await;
    library.stop();
    let mut found = false;
    for line in library.logs().lines().filter(|line| !line.is_empty()) {
        let line: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["timestamp"].is_string() && line["level"].is_string() && line["message"].is_string(), "{line}");
        found |= line["spans"][0]["id"] == number && line["route"] == "/card" && line["status"].is_number();
    }
    assert!(found, "the request has a line of its own");
}

promise! { own, async fn a_reader_for_whom_something_broke_is_shown_the_number_that_the_log_has(library) {
    let mira = library.patron("district_grade_7");
    let browser = Browser::new();
    browser.sign_in(&library, &mira).await;
    assert!(library.tamper("UPDATE session SET method = 'nonsense'").await > 0);
    library.restart();
    let page = browser.get(library.url("/")).await;
    assert_eq!(page.status, 500, "{}", page.words());
    let number = page.header("x-request-id").to_owned();
    assert!(page.words().contains(&number), "{number}: {}", page.words());
    let logged = || async { library.logs().lines().any(|line| line.contains(&number) && line.contains("ERROR")) };
    library.soon("what broke is in the log under its number", logged).await;
}}

// At the level that shows most, with every way in tried that carries a secret in its address.
promise! { own, async fn no_line_has_a_secret_a_code_or_an_address_as_it_was_sent(library) {
    let mira = library.patron("district_grade_7");
    let vendor = OidcVendor::of(&library, library.oidc()).await;
    let browser = Browser::new();
    let tokens = vendor.click(&library, &browser, &mira, &["openid", "library.ebooks"]).await;
    let (code, challenge) = vendor.code(&browser, &mira).await;
    vendor.token(&vendor.exchange(&code, &challenge)).await;
    let guess = "a-secret-of-a-fictional-vendor";
    let page = browser.get(library.url(&format!("/f/{guess}/PATRONAPI/{}/dump?query=hidden-word", mira.card))).await;
    assert!(!page.status.is_success());
    let session = browser.cookies().into_iter().map(|(_, value)| value);
    let secrets = [code, challenge.verifier, tokens.access_token, tokens.id_token, mira.pin, mira.card, guess.into()];
    let line = || async { library.logs().contains("PATRONAPI/{card}") || library.logs().matches("answered").count() > 5 };
    library.soon("requests have lines", line).await;
    let logs = library.logs();
    // The demo's first line says where to click, with cards and PINs.
    let logs: Vec<&str> = logs.lines().filter(|line| !line.starts_with('{')).collect();
    for secret in secrets.into_iter().chain(session).chain(["hidden-word".into()]) {
        let told: Vec<&&str> = logs.iter().filter(|line| line.contains(&secret)).collect();
        assert!(told.is_empty(), "{secret}: {told:?}");
    }
}}
