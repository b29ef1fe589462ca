//! What an operator is told of vendors.

use serde_json::json;

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
