//! A vendor registers clients by itself (RFC 7591, RFC 7592): only where that is switched on, only by invitation, and
//! never beyond it.

use reqwest::Method;
use serde_json::{Value, json};

use crate::{actors::*, promise};

const CALLBACK: &str = "https://maple.example/callback";

/// A vendor's script that registers clients.
struct Registrar<'l> {
    library: &'l Library,
}

async fn call(method: Method, url: &str, token: Option<&str>, body: impl Into<reqwest::Body>) -> (u16, Value) {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = client.request(method, url).header("content-type", "application/json").body(body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}

impl Registrar<'_> {
    async fn call(&self, method: Method, url: &str, token: Option<&str>, body: &str) -> (u16, Value) {
        call(method, url, token, body.to_owned()).await
    }

    async fn register(&self, token: Option<&str>, metadata: Value) -> (u16, Value) {
        self.call(Method::POST, &self.library.url("/oidc/register"), token, &metadata.to_string()).await
    }
}

/// Switches registration on, as an operator does: in the file, and with a restart.
fn switch_on(library: &mut Library) {
    let text = std::fs::read_to_string(&library.config).unwrap();
    let text = text.replace("[library]", "[oidc]\ndynamic_registration = true\n\n[library]");
    std::fs::write(&library.config, text).unwrap();
    library.restart();
}

fn invite(library: &Library, more: &[&str]) -> String {
    let mut args = vec!["vendor", "invite", "shelf", "--redirect", CALLBACK, "--json"];
    args.extend(more);
    library.run(&args).fine().json()["initial_access_token"].as_str().unwrap().to_owned()
}

fn text<'v>(value: &'v Value, name: &str) -> &'v str {
    value[name].as_str().unwrap_or_else(|| panic!("no {name}: {value}"))
}

promise! { founded, async fn registration_is_off_until_the_operator_switches_it_on(library) {
    let discovery = library.url("/.well-known/openid-configuration");
    assert!(json_of(&discovery).await.get("registration_endpoint").is_none());
    let vendor = Registrar { library: &library };
    for (method, path) in [(Method::POST, "/oidc/register"), (Method::GET, "/oidc/register/shelf-web"), (Method::DELETE, "/oidc/register/shelf-web")] {
        assert_eq!(vendor.call(method, &library.url(path), Some("x"), "{}").await.0, 404, "{path}");
    }
    let done = library.run(&["vendor", "invite", "shelf", "--redirect", CALLBACK]).refused();
    assert!(done.stderr.contains("dynamic_registration"), "{}", done.stderr);
    switch_on(&mut library);
    assert_eq!(json_of(&discovery).await["registration_endpoint"], library.url("/oidc/register"));
}}

promise! { founded, async fn an_invited_vendor_registers_a_client_that_works_and_the_operator_sees_it(library) {
    switch_on(&mut library);
    let pupil = Person::pupil(1);
    library.import(&Delivery::of(std::slice::from_ref(&pupil)), &[]).fine();
    let token = invite(&library, &[]);
    let vendor = Registrar { library: &library };
    let (status, client) = vendor.register(Some(&token), json!({ "redirect_uris": [CALLBACK], "client_name": "Reader" })).await;
    assert_eq!(status, 201, "{client}");
    let mut party = library.shelf();
    party.client_id = text(&client, "client_id").into();
    party.client_secret = Some(text(&client, "client_secret").into());
    party.redirect_uri = CALLBACK.into();
    let tokens = OidcVendor::of(&library, party.clone()).await
        .click(&library, &Browser::new(), &pupil.card(), &["openid", "library.ebooks"]).await;
    let chosen = Patron::new(pupil.identifier.clone(), CHANGED_PIN);
    let declared = OidcVendor::of(&library, library.shelf()).await
        .click(&library, &Browser::new(), &chosen, &["openid", "library.ebooks"]).await;
    assert_eq!(tokens.subject, declared.subject, "one vendor, one pseudonym, whoever made the client");

    let shown = library.run(&["vendor", "show", "shelf", "--json"]).fine().json();
    let of_itself: Vec<&Value> = shown["relying_parties"].as_array().unwrap().iter().filter(|p| p["registered"].is_string()).collect();
    assert_eq!(of_itself.len(), 1, "{shown}");
    assert_eq!(of_itself[0]["key"], client["client_id"]);
    assert!(library.run(&["vendor", "show", "shelf"]).fine().stdout.contains("registered by the vendor itself"));
    assert!(library.run(&["vendor", "list"]).fine().stdout.contains("1 by itself"));
    let invitations = library.run(&["vendor", "invitations", "shelf", "--json"]).fine().json();
    assert_eq!((&invitations[0]["state"], &invitations[0]["uses_left"]), (&json!("used"), &json!(0)));
    let told = library.run(&["audit", "tail", "--json"]).fine().stdout;
    assert!(told.contains("registration") && told.contains(text(&client, "client_id")), "{told}");

    // Secrets were shown to those whom they are for, and kept nowhere.
    let (records, logs) = (library.records().await, library.logs());
    for secret in [token.as_str(), text(&client, "client_secret"), text(&client, "registration_access_token")] {
        assert!(!records.contains(secret) && !logs.contains(secret) && !told.contains(secret));
    }

    // A restart applies the file again, which says nothing of the client.
    library.restart();
    OidcVendor::of(&library, party.clone()).await.click(&library, &Browser::new(), &chosen, &["openid"]).await;
    let file = library.config.to_string_lossy().into_owned();
    let done = library.run(&["apply", &file]).fine();
    assert!(!done.words().contains(&party.client_id), "{}", done.words());
    let done = library.run(&["apply", &file, "--prune"]).fine();
    assert!(done.words().contains(&party.client_id), "{}", done.words());
    let manage = Registrar { library: &library };
    let (uri, key) = (text(&client, "registration_client_uri"), text(&client, "registration_access_token"));
    assert_eq!(manage.call(Method::GET, uri, Some(key), "").await.0, 401, "pruned");
}}

promise! { founded, async fn without_a_good_invitation_nobody_registers_anything(library) {
    switch_on(&mut library);
    let vendor = Registrar { library: &library };
    let wanted = json!({ "redirect_uris": [CALLBACK] });
    let used = invite(&library, &[]);
    assert_eq!(vendor.register(Some(&used), wanted.clone()).await.0, 201);
    let withdrawn = invite(&library, &[]);
    let id = library.run(&["vendor", "invitations", "shelf", "--json"]).fine().json();
    let open = id.as_array().unwrap().iter().find(|one| one["state"] == "open").unwrap();
    library.run(&["vendor", "uninvite", "shelf", text(open, "id")]).fine();
    let secret = library.shelf().client_secret.unwrap();
    for token in [None, Some(""), Some("x"), Some(used.as_str()), Some(withdrawn.as_str()), Some(secret.as_str())] {
        let (status, error) = vendor.register(token, wanted.clone()).await;
        assert_eq!((status, &error["error"]), (401, &json!("invalid_token")), "{token:?}");
    }
    let open = invite(&library, &["--uses", "3"]);
    let huge = json!({ "redirect_uris": [CALLBACK], "client_name": "x".repeat(40_000) });
    assert_eq!(vendor.register(Some(&open), huge).await.0, 413);
    for body in ["", "[]", "{", "null", "{\"redirect_uris\":[1]}"] {
        let (status, error) = vendor.call(Method::POST, &library.url("/oidc/register"), Some(&open), body).await;
        assert_eq!(status, 400, "{body}: {error}");
    }
    for uri in ["javascript:alert(1)", "http://maple.example/callback", "https://maple.example/callback?x", "https://maple.example/callback/../x", "//maple.example/callback", "https://maple.example@evil.example/callback"] {
        let (status, error) = vendor.register(Some(&open), json!({ "redirect_uris": [uri] })).await;
        assert_eq!((status, &error["error"]), (400, &json!("invalid_redirect_uri")), "{uri}");
    }
    for bad in [&["--redirect", "http://maple.example/x"][..], &["--grant", "implicit"], &["--scope", "library.no-such"], &["--alg", "none"], &["--auth-method", "guess"], &["--scope", "offline_access"]] {
        let mut args = vec!["vendor", "invite", "shelf", "--redirect", CALLBACK];
        args.extend(bad);
        assert_ne!(library.run(&args).status, 0, "{bad:?}");
    }
}}

promise! { founded, async fn a_vendor_that_is_shut_out_keeps_its_clients_shut_out_too(library) {
    switch_on(&mut library);
    let vendor = Registrar { library: &library };
    let token = invite(&library, &["--uses", "2", "--grant", "client_credentials"]);
    let wanted = json!({ "grant_types": ["client_credentials"], "scope": "library.ebooks" });
    let (status, client) = vendor.register(Some(&token), wanted.clone()).await;
    assert_eq!(status, 201, "{client}");
    let (uri, key) = (text(&client, "registration_client_uri"), text(&client, "registration_access_token"));
    assert_eq!(vendor.call(Method::GET, uri, Some(key), "").await.0, 200);
    library.run(&["vendor", "disable", "shelf"]).fine();
    library.soon("the vendor is shut out", || async { vendor.call(Method::GET, uri, Some(key), "").await.0 == 401 }).await;
    assert_eq!(vendor.register(Some(&token), wanted.clone()).await.0, 401);
    library.run(&["vendor", "enable", "shelf"]).fine();
    library.soon("the vendor is back", || async { vendor.call(Method::GET, uri, Some(key), "").await.0 == 200 }).await;

    // Of many scripts that use the invitation's last place at once, one gets it.
    let mut tries = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let (url, token, wanted) = (library.url("/oidc/register"), token.clone(), wanted.to_string());
        tries.spawn(async move { call(Method::POST, &url, Some(&token), wanted).await.0 });
    }
    let born = tries.join_all().await.into_iter().filter(|status| *status == 201).count();
    assert_eq!(born, 1);
}}
