//! Stock client libraries, each as its page in `docs/integrate/` tells a vendor to use it.

use url::Url;

use crate::{
    actors::*,
    click::{is_pseudonym, personal},
    promise,
};

promise! { shared, async fn npms_openid_client_is_content(library) {
    is_content(library, Stock::OpenidClient).await;
}}

promise! { shared, async fn npms_oauth4webapi_is_content(library) {
    is_content(library, Stock::Oauth4webapi).await;
}}

promise! { shared, async fn pythons_authlib_is_content(library) {
    is_content(library, Stock::Authlib).await;
}}

promise! { shared, async fn pythons_requests_oauthlib_with_pyjwt_is_content(library) {
    is_content(library, Stock::Pyjwt).await;
}}

promise! { shared, async fn gos_oidc_is_content(library) {
    is_content(library, Stock::GoOidc).await;
}}

promise! { shared, async fn javas_spring_security_is_content(library) {
    is_content(library, Stock::SpringSecurity).await;
}}

promise! { shared, async fn rusts_openidconnect_is_content(library) {
    is_content(library, Stock::Openidconnect).await;
}}

promise! { shared, async fn apaches_mod_auth_openidc_is_content(library) {
    let Some(apache) = Openidc::start(library).await else { return };
    let mut seen = Vec::new();
    for (name, patron_type, band) in
        [("district_grade_7", "student", "young-adult"), ("district_teacher", "staff", "adult")]
    {
        let (browser, patron) = (Browser::new(), library.patron(name));
        let page = browser.click_to(&apache.url, &patron, "nowhere:").await.page();
        assert!(page.url.as_str().starts_with(&apache.url) && page.status == 200, "{} {}\n{}", page.url, page.body, apache.log());
        let claims = Openidc::claims(&page);
        let claim = |name: &str| claims.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str());
        assert!(is_pseudonym(claim("sub").unwrap()), "{claims:?}");
        assert_eq!((claim("patron_type"), claim("audience_band")), (Some(patron_type), Some(band)), "{claims:?}");
        let told = claims.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        assert_eq!(personal(&serde_json::Value::Object(told)), Vec::<String>::new());
        assert!(!page.body.contains(&patron.card), "the card number is not released: {}", page.body);
        let grown_ups = browser.open(format!("{}/grown-ups/", apache.url)).await;
        assert!(browser.cookies().iter().any(|(name, _)| name == "mod_auth_openidc_session"));
        assert_eq!(grown_ups.status == 200, band == "adult", "{} {}", grown_ups.status, grown_ups.body);
        seen.push(claim("sub").unwrap().to_owned());
    }
    assert_ne!(seen[0], seen[1]);

    let patron = library.patron("district_grade_7");
    let scopes = ["openid", "library.ebooks"];
    let mine = OidcVendor::of(library, apache.party.clone()).await;
    let tokens = mine.click(library, &Browser::new(), &patron, &scopes).await;
    assert_eq!(tokens.subject, seen[0]);
    let page = apache.api(&tokens.access_token).await;
    assert_eq!(page.status, 200, "{}\n{}", page.body, apache.log());
    assert!(page.body.contains(&format!("REMOTE_USER={}", tokens.subject)), "{}", page.body);
    let other = OidcVendor::of(library, library.oidc()).await;
    let theirs = other.click(library, &Browser::new(), &patron, &scopes).await.access_token;
    let narrow = mine.click(library, &Browser::new(), &patron, &["openid"]).await.access_token;
    for (name, token) in [("the ID token", tokens.id_token), ("another vendor's", theirs), ("no scope", narrow)] {
        let page = apache.api(&token).await;
        assert!([401, 403].contains(&page.status.as_u16()), "{name}: {} {}", page.status, page.body);
    }

    for (name, value) in [("iss", "https://evil.example"), ("state", "another")] {
        let browser = Browser::new();
        let callback = browser.click_to(&apache.url, &patron, &apache.party.redirect_uri).await.left();
        let answer = browser.get(bent(&callback, name, value)).await;
        let in_session = browser.cookies().iter().any(|(name, _)| name == "mod_auth_openidc_session");
        assert!(!in_session, "{name}: {} {}", answer.status, answer.body);
    }
}}

promise! { shared, async fn a_vendors_engineer_tries_it_out_as_the_page_says(library) {
    library.run(&["apply", "tests/clients/vendor.toml"]).fine();
    let party = RelyingParty {
        vendor: "maple-trial".into(),
        client_id: "maple-trial".into(),
        client_secret: Some("not-a-secret-but-long-enough-to-try-it-out".into()),
        auth_method: "client_secret_basic".into(),
        redirect_uri: "http://127.0.0.1:3000/callback".into(),
    };
    let mut vendor = StockClient::start(Stock::Openidconnect, library, &party).unwrap();
    let authorize = vendor.authorize().await.unwrap();
    let browser = Browser::new();
    let known = || async { !browser.get(&authorize).await.status.is_client_error() };
    library.soon("the server knows maple-trial", known).await;
    let tokens = vendor.click(&Browser::new(), &library.patron("district_grade_7")).await.unwrap();
    vendor.believe(tokens["access_token"].as_str().unwrap()).await.unwrap();
}}

/// Several readers click, one after another, through one process of the client; then its API is sent their tokens, and
/// what is none of its business.
async fn is_content(library: &Library, stock: Stock) {
    let party = party_for(library, stock).await;
    let Some(mut client) = StockClient::start(stock, library, &party) else { return };
    let mut seen = Vec::new();
    for (name, patron_type, band) in [
        ("district_grade_7", "student", "young-adult"),
        ("district_teacher", "staff", "adult"),
        ("district_grade_2", "student", "juvenile"),
    ] {
        let patron = library.patron(name);
        let arrived = client.click(&Browser::new(), &patron).await.unwrap();
        for claims in [&arrived["claims"], &arrived["userinfo"]] {
            assert!(is_pseudonym(claims["sub"].as_str().unwrap()), "{claims}");
            assert_eq!(claims["patron_type"], patron_type, "{claims}");
            assert_eq!(claims["audience_band"], band, "{claims}");
            assert_eq!(personal(claims), Vec::<String>::new(), "{claims}");
            assert!(!claims.to_string().contains(&patron.card), "the card number is not released: {claims}");
        }
        let subject = arrived["claims"]["sub"].clone();
        assert_eq!(arrived["userinfo"]["sub"], subject);
        assert!(arrived["scope"].as_str().unwrap().contains("library.ebooks"), "{arrived}");
        assert!(arrived["token_type"].as_str().unwrap().eq_ignore_ascii_case("bearer"), "{arrived}");
        let text = |name: &str| arrived[name].as_str().unwrap().to_owned();
        assert_eq!(client.believe(&text("access_token")).await.unwrap()["sub"], subject);
        client.believe(&text("id_token")).await.expect_err("an ID token is no access token");
        seen.push((subject, text("access_token")));
    }
    assert!(seen[0].0 != seen[1].0 && seen[1].0 != seen[2].0 && seen[2].0 != seen[0].0, "{seen:?}");

    let other = library.declare(Declared { id: leaked(stock), ..Declared::default() }).await;
    let other = OidcVendor::of(library, other).await;
    let patron = library.patron("district_grade_7");
    let theirs = other.click(library, &Browser::new(), &patron, &["openid", "library.ebooks"]).await;
    client.believe(&theirs.access_token).await.expect_err("another vendor's token");
    let mine = OidcVendor::of(library, party).await;
    let narrow = mine.click(library, &Browser::new(), &patron, &["openid"]).await;
    client.believe(&narrow.access_token).await.expect_err("a token without the scope");

    for (name, value) in [("iss", "https://evil.example"), ("state", "another")] {
        let authorize = client.authorize().await.unwrap();
        let callback = Browser::new().click(&authorize, &patron, &mine.party).await.left();
        client.arrive(&bent(&callback, name, value)).await.expect_err(name);
    }
    client.click(&Browser::new(), &patron).await.expect("it goes on after a refusal");
}

/// The demo's vendor, except for a library that has its own mind about where its callback is.
async fn party_for(library: &Library, stock: Stock) -> RelyingParty {
    if stock != Stock::SpringSecurity {
        return library.oidc();
    }
    let redirect_uris = &["https://maple.example/login/oauth2/code/library"];
    library.declare(Declared { id: "spring", redirect_uris, ..Declared::default() }).await
}

/// A vendor's name for this client alone, since such promises share one library and run side by side.
fn leaked(stock: Stock) -> &'static str {
    Box::leak(format!("beside-{stock:?}").to_lowercase().into_boxed_str())
}

/// The same address with another value for one of its parameters.
fn bent(address: &Url, name: &str, value: &str) -> Url {
    let mut bent = address.clone();
    let other = |n: &str, v: &str| if n == name { value.to_owned() } else { v.to_owned() };
    bent.query_pairs_mut().clear().extend_pairs(address.query_pairs().map(|(n, v)| (n.to_string(), other(&n, &v))));
    assert_ne!(bent, *address, "there is no {name} to bend");
    bent
}
