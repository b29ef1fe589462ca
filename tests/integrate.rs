//! Stock client libraries, each as its page in `docs/integrate/` tells a vendor to use it.

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
        assert_eq!(client.believe(&text("access_token")).unwrap()["sub"], subject);
        client.believe(&text("id_token")).expect_err("an ID token is no access token");
        seen.push((subject, text("access_token")));
    }
    assert!(seen[0].0 != seen[1].0 && seen[1].0 != seen[2].0 && seen[2].0 != seen[0].0, "{seen:?}");

    let other = library.declare(Declared { id: leaked(stock), ..Declared::default() }).await;
    let other = OidcVendor::of(library, other).await;
    let patron = library.patron("district_grade_7");
    let theirs = other.click(library, &Browser::new(), &patron, &["openid", "library.ebooks"]).await;
    client.believe(&theirs.access_token).expect_err("another vendor's token");
    let mine = OidcVendor::of(library, party).await;
    let narrow = mine.click(library, &Browser::new(), &patron, &["openid"]).await;
    client.believe(&narrow.access_token).expect_err("a token without the scope");

    for (name, value) in [("iss", "https://evil.example"), ("state", "another")] {
        let authorize = client.authorize().unwrap();
        let mut callback = Browser::new().click(&authorize, &patron, &mine.party).await.left();
        let bent: Vec<(String, String)> = callback
            .query_pairs()
            .map(|(n, v)| if n == name { (n.into(), value.into()) } else { (n.into(), v.into()) })
            .collect();
        callback.query_pairs_mut().clear().extend_pairs(bent);
        client.arrive(&callback).expect_err(name);
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
