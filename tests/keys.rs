//! Keys that turn while everybody clicks: by schedule, by command, in an emergency; and the key that wraps them.

mod clicks;
mod stock;

use std::{fs, io::Write, sync::Arc};

use serde_json::Value;

use crate::{actors::*, promise};

/// Rotations in seconds, as only a trial on loopback may have them. None by itself.
const QUICK: &str = "\n[keys]\nrotate_every = \"never\"\ncache_lifetime = \"1s\"\nmargin = \"1s\"\n";

/// Writes more settings into the library's file and starts it again.
pub fn settle(library: &mut Library, lines: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(&library.config).unwrap();
    file.write_all(lines.as_bytes()).unwrap();
    drop(file);
    library.restart();
}

fn kid_of(jwt: &str) -> String {
    header_of(jwt)["kid"].as_str().unwrap().to_owned()
}

fn header_of(jwt: &str) -> Value {
    payload_of(&format!(".{}", jwt.split('.').next().unwrap()))
}

async fn published(library: &Library) -> Vec<String> {
    let set = json_of(&library.url("/oidc/jwks")).await;
    set["keys"].as_array().unwrap().iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// `keys list`, one key.
fn listed(library: &Library, id: &str) -> Value {
    let overview = library.run(&["keys", "list", "--json"]).fine().json();
    overview["keys"].as_array().unwrap().iter().find(|key| key["id"] == id).cloned().unwrap_or_default()
}

promise! { own, async fn a_key_turned_by_command_is_published_first_and_used_when_everybody_has_it(library) {
    settle(&mut library, QUICK);
    let pinned = library
        .declare(Declared { id: "byhand", oidc_lines: "jwks = \"pinned\"", ..Declared::default() })
        .await;
    let (patron, browser, scopes) = (library.patron("district_grade_7"), Browser::new(), ["openid", "library.ebooks"]);
    let vendor = OidcVendor::of(&library, library.oidc()).await;
    let slow = OidcVendor::of(&library, pinned).await;
    let before = kid_of(&vendor.click(&library, &browser, &patron, &scopes).await.id_token);

    let begun = library.run(&["keys", "rotate", "--algorithm", "RS256", "--json"]).fine().json();
    let next = begun["begun"][0]["kid"].as_str().unwrap().to_owned();
    library.soon("the server publishes the next key", || async { published(&library).await.contains(&next) }).await;
    assert_eq!(published(&library).await.last(), Some(&next), "what is not used yet comes last");
    let again = library.run(&["keys", "rotate", "--algorithm", "RS256"]).refused();
    assert!(again.stderr.contains("(rotation-in-flight)"), "{}", again.stderr);

    let used = || async { kid_of(&vendor.click(&library, &browser, &patron, &scopes).await.id_token) == next };
    library.soon("the next key is used", used).await;
    let still = slow.click(&library, &browser, &patron, &scopes).await;
    assert_eq!(kid_of(&still.id_token), before, "who has the key by hand stays on it");
    let overview = library.run(&["keys", "list", "--json"]).fine().json();
    let of = |client: &str| {
        let all = overview["vendors"].as_array().unwrap();
        all.iter().find(|v| v["client"] == client && v["algorithm"] == "RS256").cloned().unwrap()
    };
    assert_eq!((&of("byhand-web")["ready"], &of(&vendor.party.client_id)["ready"]), (&false.into(), &true.into()));
    assert!(of("byhand-web")["moves_at"].is_string(), "{overview}");
    assert!(overview["weaknesses"].to_string().contains("byhand-web"), "{overview}");

    let words = library.run(&["keys", "list"]).fine().stdout;
    assert!(words.contains("rs256-2") && words.contains("moves to rs256-2"), "{words}");
    let pem = library.run(&["keys", "export", "--pem"]).fine().stdout;
    assert_eq!(pem.matches("BEGIN PUBLIC KEY").count(), 3, "{pem}");
    assert!(library.run(&["audit", "tail", "-n", "1000", "--json"]).fine().stdout.contains("key-made"));
}}

promise! { own, async fn a_certificate_turns_only_when_asked_for_and_the_key_set_does_not_move(library) {
    settle(&mut library, QUICK);
    let exported = |library: &Library| {
        let handed = library.run(&["keys", "export", "--saml", "--json"]).fine().json();
        let handed = handed["certificates"].as_array().unwrap().clone();
        handed.iter().map(|one| (one["id"].as_str().unwrap().to_owned(), one["signs"] == true)).collect::<Vec<_>>()
    };
    let named = |id: &str, signs| (id.to_owned(), signs);
    assert_eq!(exported(&library), [named("rsa-sha256-1", true)]);
    let begun = library.run(&["keys", "rotate", "--json"]).fine().json();
    assert!(begun["begun"].as_array().unwrap().iter().all(|one| one["algorithm"] != "RSA-SHA256"), "{begun}");
    assert_eq!(exported(&library), [named("rsa-sha256-1", true)]);
    library.soon("the next keys are published", || async { published(&library).await.len() == 4 }).await;
    library.soon("those of before are gone or rest", || async { listed(&library, "rs256-1")["state"] != "active" }).await;

    let before = published(&library).await;
    let words = library.run(&["keys", "rotate", "--algorithm", "saml"]).fine().stdout;
    assert!(words.contains("rsa-sha256-2 is published now"), "{words}");
    assert_eq!(exported(&library), [named("rsa-sha256-1", true), named("rsa-sha256-2", false)]);
    let pem = library.run(&["keys", "export", "--saml"]).fine().stdout;
    assert_eq!(pem.matches("BEGIN CERTIFICATE").count(), 2, "{pem}");
    assert!(pem.starts_with("# rsa-sha256-1: signs today") && pem.contains("# rsa-sha256-2: the next one"), "{pem}");
    let next = listed(&library, "rsa-sha256-2");
    assert_eq!((&next["state"], next["certificate"]["sha256"].as_str().unwrap().len()), (&"next".into(), 64), "{next}");
    let kids = published(&library).await;
    assert!(kids.iter().all(|kid| before.contains(kid) && kid != next["kid"].as_str().unwrap()), "{kids:?}");

    let nobody = library.run(&["keys", "attest", "https://nobody.example"]).refused();
    assert!(nobody.stderr.contains("https://nobody.example"), "{}", nobody.stderr);
    let lost = library.run(&["keys", "rotate", "--emergency", "--algorithm", "RSA-SHA256"]).fine().stdout;
    assert!(lost.contains("rsa-sha256-3 signs from now on"), "{lost}");
    assert_eq!(exported(&library), [named("rsa-sha256-3", true)]);
}}

promise! { own, async fn a_lost_key_is_refused_everywhere_while_sessions_go_on(library) {
    settle(&mut library, QUICK);
    let (patron, browser, scopes) = (library.patron("district_grade_7"), Browser::new(), ["openid", "library.ebooks"]);
    let vendor = OidcVendor::of(&library, library.oidc()).await;
    let before = vendor.click(&library, &browser, &patron, &scopes).await;
    let hint = format!("{}?id_token_hint={}", vendor.endpoint("end_session_endpoint"), before.id_token);
    assert_eq!(vendor.userinfo(&before.access_token).await.0, 200);

    let usage = library.run(&["keys", "rotate", "--emergency"]).refused();
    assert!(usage.stderr.contains("--algorithm"), "{}", usage.stderr);
    let lost = library.run(&["keys", "rotate", "--emergency", "es256-1", "--json"]).fine().json();
    assert_eq!((&lost["lost"][0]["id"], &lost["instead"][0]["id"]), (&"es256-1".into(), &"es256-2".into()));
    let told = lost["tell"].as_array().unwrap();
    assert!(told.iter().any(|t| t["client"] == vendor.party.client_id.as_str()), "whom to tell: {lost}");
    let words = library.run(&["keys", "rotate", "--emergency", "--algorithm", "RS256"]).fine().stdout;
    assert!(words.contains("Sessions go on") && words.contains(&vendor.party.client_id), "{words}");

    let refused = || async { vendor.userinfo(&before.access_token).await.0 == 401 };
    library.soon("a token by the lost key is refused", refused).await;
    library.soon("the lost keys are gone", || async {
        let kids = published(&library).await;
        !kids.contains(&kid_of(&before.access_token)) && !kids.contains(&kid_of(&before.id_token))
    }).await;
    let page = Browser::new().open(&hint).await;
    assert_eq!(page.status, 400, "a hint by the lost key proves nothing: {}", page.words());
    assert!(browser.is_signed_in(&library).await, "the session goes on");
    let after = vendor.click(&library, &browser, &patron, &scopes).await;
    assert_eq!(after.subject, before.subject);
    assert_ne!(kid_of(&after.id_token), kid_of(&before.id_token));
    library.run(&["audit", "verify"]).fine();
    library.crash();
    assert_eq!(vendor.userinfo(&before.access_token).await.0, 401, "nor after a restart");
    assert_eq!(vendor.userinfo(&after.access_token).await.0, 200);
}}

promise! { own, async fn the_key_encryption_key_changes_beside_a_running_server(library) {
    settle(&mut library, QUICK);
    let (patron, browser, scopes) = (library.patron("district_grade_7"), Browser::new(), ["openid", "library.ebooks"]);
    let vendor = OidcVendor::of(&library, library.oidc()).await;
    let before = vendor.click(&library, &browser, &patron, &scopes).await;
    let file = library.config.parent().unwrap().join("keys/kek");
    let old = fs::read_to_string(&file).unwrap();
    let wrapped = library.records().await;

    let words = library.run(&["keys", "rewrap"]).fine().stdout;
    assert!(words.contains("Back it up"), "{words}");
    assert_ne!(fs::read_to_string(&file).unwrap(), old);
    assert_eq!(fs::read_to_string(file.with_file_name("kek.old")).unwrap(), old);
    assert_ne!(library.records().await, wrapped);

    // The server reads what was wrapped anew, and makes keys under the new key.
    library.run(&["keys", "rotate"]).fine();
    library.soon("the server goes on turning keys", || async { published(&library).await.len() == 4 }).await;
    let after = vendor.click(&library, &browser, &patron, &scopes).await;
    assert_eq!(after.subject, before.subject);
    assert_eq!(vendor.userinfo(&before.access_token).await.0, 200);
    // Without the old file too, and after a power cut.
    fs::remove_file(file.with_file_name("kek.old")).unwrap();
    library.crash();
    assert!(browser.is_signed_in(&library).await);
    assert_eq!(vendor.click(&library, &Browser::new(), &patron, &scopes).await.subject, before.subject);
}}

promise! { shared, async fn a_vendor_may_have_its_tokens_signed_by_any_algorithm_that_is_published(library) {
    for (id, lines) in [
        ("alg-ps", "id_token_signed_response_alg = \"PS256\"\naccess_token_signing_alg = \"PS256\""),
        ("alg-ed", "id_token_signed_response_alg = \"EdDSA\"\naccess_token_signing_alg = \"EdDSA\""),
        ("alg-es", "id_token_signed_response_alg = \"ES256\"\naccess_token_signing_alg = \"RS256\""),
    ] {
        let party = library.declare(Declared { id, oidc_lines: lines, ..Declared::default() }).await;
        let vendor = OidcVendor::of(library, party).await;
        let scopes = ["openid", "library.ebooks"];
        let tokens = vendor.click(library, &Browser::new(), &library.patron("district_grade_7"), &scopes).await;
        let (id_token, access_token) = (header_of(&tokens.id_token), header_of(&tokens.access_token));
        assert!(lines.contains(&format!("id_token_signed_response_alg = {}", id_token["alg"])), "{id_token}");
        assert!(lines.contains(&format!("access_token_signing_alg = {}", access_token["alg"])), "{access_token}");
    }
    let page = library.apply(&Declared { id: "alg-no", oidc_lines: "jwks = \"weekly\"", ..Declared::default() }.toml());
    assert!(page.refused().stderr.contains("periodic:24h"));
}}

promise! { own, async fn three_scheduled_rotations_pass_without_one_failed_click(library) {
    let every = "\n[keys]\nrotate_every = \"4s\"\ncache_lifetime = \"1s\"\nmargin = \"1s\"\n";
    settle(&mut library, every);
    let library = Arc::new(library);
    let vendors = clicks::Patient::several(&library).await;
    let seen = clicks::go_on_until(&library, vendors, 3).await;
    assert!(listed(&library, "rs256-3")["state"].is_string(), "keys turned by themselves: {seen:?}");
}}
