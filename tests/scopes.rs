//! Scopes turn on a school morning: either name works for as long as was promised, nobody gains or loses anything by it.

use serde_json::Value;

use crate::{actors::*, promise};

const READER: [&str; 2] = ["openid", "library.ebooks"];

fn reader(library: &Library) -> Patron {
    let people = [Person::pupil(1), Person::pupil(2)];
    library.import(&Delivery::of(&people), &[]).fine();
    people[0].card()
}

fn scope_of(tokens: &str) -> Vec<&str> {
    tokens.split(' ').filter(|scope| *scope != "openid").collect()
}

/// The row of one name in `scope list`.
fn listed(library: &Library, name: &str) -> Value {
    let all = library.run(&["scope", "list", "--json"]).fine().json();
    let found = all.as_array().unwrap().iter().find(|scope| scope["name"] == name).cloned();
    found.unwrap_or_else(|| panic!("{name} is not listed: {all}"))
}

/// Waits until a request for this scope alone is answered like that: by `sign-in`, or by the error `invalid_scope`.
async fn soon_asked(library: &Library, vendor: &OidcVendor, scope: &str, accepted: bool) {
    let pairs = |scope: &str| -> Vec<(String, String)> {
        let mut pairs = vendor.request(&Challenge::new());
        pairs.iter_mut().filter(|(name, _)| name == "scope").for_each(|(_, value)| *value = scope.to_owned());
        pairs
    };
    let known = || async {
        match vendor.ask(&pairs(scope)).await {
            Arrival::Left(back) => {
                assert_eq!(query_of(&back, "error").as_deref(), Some("invalid_scope"), "{back}");
                !accepted
            }
            Arrival::Page(page) => {
                assert!(page.has("sign-in"), "{}", page.body);
                accepted
            }
        }
    };
    library.soon(&format!("{scope} is accepted: {accepted}"), known).await;
}

promise! { founded, async fn either_name_works_during_the_overlap_and_only_the_new_one_after_it(library) {
    let (patron, vendor) = (reader(&library), OidcVendor::of(&library, library.shelf()).await);
    let browser = Browser::new();
    let before = vendor.click(&library, &browser, &patron, &READER).await;
    assert_eq!(scope_of(&before.scope), ["library.ebooks"]);
    let patron = Patron::new(patron.card, CHANGED_PIN);

    let turned = library.run(&["scope", "rotate", "library.ebooks", "library.reading", "--overlap", "60d", "--json"]);
    assert_eq!(turned.fine().json()["changed"], true);
    soon_asked(&library, &vendor, "library.reading", true).await;
    let both = ["library.ebooks", "library.reading"];
    for asked in both {
        let tokens = vendor.click(&library, &browser, &patron, &["openid", asked]).await;
        assert_eq!(scope_of(&tokens.scope), both, "asked for {asked}");
        assert_eq!(scope_of(payload_of(&tokens.access_token)["scope"].as_str().unwrap()), both);
        assert_eq!(tokens.subject, before.subject);
    }
    assert_eq!(vendor.userinfo(&before.access_token).await.0, 200, "what was granted under the old name goes on");
    let (code, challenge) = vendor.code(&browser, &patron).await;

    library.run(&["scope", "retire", "library.ebooks", "--anyway"]).fine();
    soon_asked(&library, &vendor, "library.ebooks", false).await;
    let (status, late) = vendor.token(&vendor.exchange(&code, &challenge)).await;
    assert_eq!((status, &late["scope"]), (200, &"openid library.reading".into()), "a code in flight is worth the new name");
    let tokens = vendor.click(&library, &browser, &patron, &["openid", "library.ebooks", "library.reading"]).await;
    assert_eq!(scope_of(&tokens.scope), ["library.reading"]);
    assert_eq!(vendor.userinfo(&before.access_token).await.0, 200);
}}

promise! { founded, async fn an_overlap_ends_by_itself(library) {
    let (_, vendor) = (reader(&library), OidcVendor::of(&library, library.shelf()).await);
    library.run(&["scope", "rotate", "library.ebooks", "library.reading", "--overlap", "2s"]).fine();
    soon_asked(&library, &vendor, "library.ebooks", false).await;
    soon_asked(&library, &vendor, "library.reading", true).await;
    assert_eq!(listed(&library, "library.ebooks")["state"], "retired");
}}

promise! { founded, async fn a_file_neither_undoes_a_rotation_nor_fails_on_it(library) {
    let patron = reader(&library);
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    library.run(&["scope", "rotate", "library.ebooks", "library.reading"]).fine();
    soon_asked(&library, &vendor, "library.reading", true).await;
    let file = std::fs::read_to_string(&library.config).unwrap();
    let renamed = file.replace("library.ebooks", "library.reading");
    for (name, text, warned) in [("old", &file, true), ("new", &renamed, false)] {
        let path = library.write(&format!("{name}.toml"), text);
        let done = library.run(&["apply", &path.to_string_lossy(), "--prune", "--json"]).fine();
        assert_eq!(done.json()["applied"], false, "{}", done.words());
        assert_eq!(done.stderr.contains("was rotated to"), warned, "{}", done.stderr);
    }
    // The server applies its own file, which still spells the old name, at each start.
    library.restart();
    let tokens = vendor.click(&library, &Browser::new(), &patron, &READER).await;
    assert_eq!(scope_of(&tokens.scope), ["library.ebooks", "library.reading"]);
    assert_eq!(listed(&library, "library.ebooks")["state"], "retiring");
}}

promise! { founded, async fn the_list_says_who_still_asks_by_the_old_name(library) {
    let patron = reader(&library);
    let late = library.declare(Declared { id: "late", ..Declared::default() }).await;
    let (late, quick) = (OidcVendor::of(&library, late).await, OidcVendor::of(&library, library.shelf()).await);
    library.run(&["scope", "rotate", "library.ebooks", "library.reading", "--overlap", "60d"]).fine();
    soon_asked(&library, &quick, "library.reading", true).await;
    late.click(&library, &Browser::new(), &patron, &READER).await;

    let who = |name: &str| -> Vec<String> {
        let asked = listed(&library, name)["asked"].as_array().unwrap().clone();
        asked.iter().map(|a| a["vendor"].as_str().unwrap().to_owned()).collect()
    };
    library.soon("who asked is written down", || async { who("library.ebooks") == ["late"] }).await;
    library.soon("who asked is written down", || async { who("library.reading") == ["shelf"] }).await;
    let old = listed(&library, "library.ebooks");
    assert_eq!((&old["state"], &old["successor"]), (&"retiring".into(), &"library.reading".into()));
    for time in [&old["until"], &old["asked"][0]["last"]] {
        assert!(time.as_str().is_some_and(|text| text.ends_with('Z')), "{old}");
    }
    let words = library.run(&["scope", "list"]).fine().stdout;
    assert!(words.contains("late 20") && words.contains("retiring"), "{words}");

    // Nobody is shut out by a slip.
    let done = library.run(&["scope", "retire", "library.ebooks"]).refused();
    assert!(done.stderr.contains("late"), "{}", done.stderr);
    let told = library.run(&["audit", "tail", "--json"]).fine().stdout;
    assert!(told.contains("scope rotate") && told.contains("library.reading"), "{told}");
}}

promise! { founded, async fn a_scope_without_successor_ends_and_is_granted_to_nobody(library) {
    let patron = reader(&library);
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let tokens = vendor.click(&library, &Browser::new(), &patron, &READER).await;
    library.run(&["scope", "retire", "library.ebooks", "--anyway"]).fine();
    soon_asked(&library, &vendor, "library.ebooks", false).await;
    library.soon("the token is worth nothing", || async { vendor.userinfo(&tokens.access_token).await.0 == 401 }).await;
    let agreement = library.run(&["agreement", "list", "--json"]).fine().stdout;
    assert!(agreement.contains("library.ebooks"), "who granted it is still told: {agreement}");
}}

promise! { founded, async fn a_rotation_that_does_not_fit_is_refused_in_words(library) {
    library.run(&["scope", "rotate", "library.ebooks", "library.reading"]).fine();
    for (args, why) in [
        (&["rotate", "library.none", "library.x"][..], "no scope library.none"),
        (&["rotate", "library.databases", "library.ebooks"], "another scope"),
        (&["rotate", "library.databases", "library.reading"], "another scope"),
        (&["rotate", "library.ebooks", "library.stories"], "it became library.reading"),
        (&["rotate", "library.databases", "openid"], "OpenID Connect itself"),
        (&["retire", "library.none"], "no scope library.none"),
    ] {
        let done = library.run(&[&["scope"], args].concat()).refused();
        assert!(done.stderr.contains(why), "{args:?}: {}", done.stderr);
    }
    assert_eq!(library.run(&["scope", "rotate", "library.ebooks", "library.x", "--overlap", "soon"]).status, 2);
    let again = library.run(&["scope", "rotate", "library.ebooks", "library.reading", "--json"]).fine();
    assert_eq!(again.json()["changed"], false);
}}
