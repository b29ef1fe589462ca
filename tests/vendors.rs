//! What an operator is told of vendors.

use serde_json::{Value, json};

use crate::{actors::*, promise};

promise! { founded, async fn an_exception_for_a_client_is_listed_as_a_weakness(library) {
    let weak = Declared { id: "birch", pkce: "optional", oidc_lines: "jwks = \"periodic:2d\"", ..Declared::default() };
    library.apply(&weak.toml()).fine();
    let weaknesses_of = |id: &str| {
        let all = library.run(&["vendor", "list", "--json"]).fine().json();
        let vendor = all.as_array().unwrap().iter().find(|vendor| vendor["id"] == id).cloned().unwrap();
        let shown = library.run(&["vendor", "show", id, "--json"]).fine().json();
        assert_eq!(shown["relying_parties"], vendor["relying_parties"]);
        vendor["relying_parties"][0]["weaknesses"].clone()
    };
    assert_eq!(weaknesses_of("shelf"), json!([]));
    assert_eq!(weaknesses_of("birch"), json!(["pkce-optional", "slow-keys"]));
    for args in [&["vendor", "list"][..], &["vendor", "show", "birch"]] {
        let said = library.run(args).fine().stdout;
        assert!(said.contains("(pkce-optional)") && said.contains("(slow-keys)"), "{said}");
    }
    let said = library.run(&["vendor", "show", "shelf"]).fine().stdout;
    assert!(!said.contains("weakness"), "{said}");
}}

/// One line of `vendor test ID --json`: outcome, and whose it is to mend.
fn found(document: &Value, check: &str) -> (String, Value) {
    let all = document["checks"].as_array().unwrap();
    let one = all.iter().find(|one| one["check"] == check).unwrap_or_else(|| panic!("no {check}: {document}"));
    (one["outcome"].as_str().unwrap().to_owned(), one["whose"].clone())
}

fn ok() -> (String, Value) {
    ("ok".into(), Value::Null)
}

fn mend(whose: &str) -> (String, Value) {
    ("mend".into(), whose.into())
}

promise! { founded, async fn a_vendor_whose_click_would_work_is_green(library) {
    let (ear, server) = (Ear::open().await, library.issuer.as_str());
    let lines = format!("backchannel_logout_uri = \"EAR/bye\"\njwks_uri = \"{server}/oidc/jwks\"\ninitiate_login_uri = \"EAR/begin\"");
    let mut maple = ear.declared("maple", &lines);
    maple.vendor_lines = format!("launch_url = \"{}/callback\"", ear.url).leak();
    library.apply(&maple.toml()).fine();
    let done = library.run(&["vendor", "test", "maple", "--json"]).fine().json();
    assert_eq!(done["vendor"], "maple");
    let addresses = ["launch-url", "jwks-uri", "initiate-login-uri", "backchannel-logout-uri"];
    for check in ["enabled", "scopes", "audience", "clients", "settings", "redirect-uris"].iter().chain(&addresses) {
        assert_eq!(found(&done, check), ok(), "{check}: {done}");
    }
    let named = |check: &Value| check["client"] == "maple-web";
    assert_eq!(done["checks"].as_array().unwrap().iter().filter(|check| named(check)).count(), 5, "{done}");
    let said = library.run(&["vendor", "test", "maple"]).fine().stdout;
    assert!(said.contains("Green"), "{said}");
}}

promise! { founded, async fn what_stands_in_the_way_of_a_vendor_is_said_with_whose_it_is_to_mend(library) {
    let ear = Ear::open().await;
    // Nobody listens at port 1; the ear answers 404 to whoever asks it for keys.
    let lines = "jwks_uri = \"EAR/keys\"\nbackchannel_logout_uri = \"http://127.0.0.1:1/bye\"";
    library.apply(&ear.declared("maple", lines).toml()).fine();
    library.run(&["vendor", "disable", "maple"]).fine();
    let done = library.run(&["vendor", "test", "maple", "--json"]).refused();
    assert!(done.stderr.contains("3 things to mend: 1 on our side, 2 on the vendor's"), "{}", done.stderr);
    let done = done.json();
    assert_eq!(found(&done, "enabled"), mend("ours"));
    assert_eq!(found(&done, "jwks-uri"), mend("theirs"));
    assert_eq!(found(&done, "backchannel-logout-uri"), mend("theirs"));
    assert!(done.to_string().contains("status-404") && done.to_string().contains("unreachable"), "{done}");
    let said = library.run(&["vendor", "test", "maple"]).refused().stdout;
    assert!(said.contains("MEND") && said.contains("Not green"), "{said}");
    library.run(&["vendor", "test", "no-such-vendor"]).refused();
}}

promise! { founded, async fn a_vendor_that_no_agreement_reaches_is_ours_to_mend(library) {
    let agreement = "[[scope]]\nname = \"library.learning\"\n[[scope]]\nname = \"library.hotspot\"\n[[agreement]]\nid = \"pupils\"\n\
                     organisation = \"maple\"\nroles = [\"student\"]\ngrades = [\"KG\", \"03\"]\nprivileges = [\"library.learning\"]\n\
                     from = 2020-07-01\nto = 2099-06-30\n[[agreement]]\nid = \"over\"\norganisation = \"maple\"\nroles = [\"staff\"]\n\
                     privileges = [\"library.hotspot\"]\nfrom = 2020-07-01\nto = 2021-06-30\n";
    let adults = Declared { id: "adults", scopes: &["library.learning"], audience: &["adult"], ..Declared::default() };
    let late = Declared { id: "late", scopes: &["library.hotspot"], ..Declared::default() };
    library.apply(&format!("{agreement}{}{}", adults.toml(), late.toml())).fine();
    let of = |id: &str| library.run(&["vendor", "test", id, "--json"]).refused().json();
    let (adults, late) = (of("adults"), of("late"));
    assert_eq!((found(&adults, "scopes"), found(&adults, "audience")), (ok(), mend("ours")));
    assert_eq!((found(&late, "scopes"), found(&late, "audience")), (mend("ours"), mend("ours")));
}}
