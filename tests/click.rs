//! The click: a patron comes from the library into a vendor, recognised by a verified token.

use serde_json::Value;

use crate::{actors::*, promise};

promise! { shared, async fn a_seventh_grader_clicks_and_the_vendor_knows_a_reader_and_no_name(library) {
    let patron = library.patron("district_grade_7");
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let tokens = vendor.click(library, &Browser::new(), &patron, &["openid", "library.ebooks"]).await;

    assert!(is_pseudonym(&tokens.subject), "{}", tokens.subject);
    assert!(tokens.scope.split(' ').any(|s| s == "library.ebooks"), "{}", tokens.scope);
    for claims in [&tokens.id_claims, &tokens.userinfo] {
        assert_eq!(claims["sub"], tokens.subject.as_str());
        assert_eq!(claims["patron_type"], "student");
        assert!(["juvenile", "young-adult"].contains(&claims["audience_band"].as_str().unwrap()), "{claims}");
        assert_eq!(personal(claims), Vec::<String>::new(), "{claims}");
        assert!(!claims.to_string().contains(&patron.card), "the card number is not released: {claims}");
    }
}}

promise! { shared, async fn the_access_token_is_a_short_lived_jwt_for_the_vendor(library) {
    let party = library.oidc();
    let vendor = OidcVendor::of(library, party.clone()).await;
    let tokens = vendor
        .click(library, &Browser::new(), &library.patron("district_teacher"), &["openid", "library.ebooks"])
        .await;
    let header = header_of(&tokens.access_token);
    assert_eq!((&header["typ"], &header["alg"]), (&"at+jwt".into(), &"ES256".into()));
    let claims = payload_of(&tokens.access_token);
    assert_eq!(claims["iss"], library.issuer.as_str());
    assert_eq!(claims["sub"], tokens.subject.as_str());
    assert_eq!(claims["client_id"], party.client_id.as_str());
    let audience: Vec<&str> = claims["aud"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(audience.contains(&library.url(&format!("/vendors/{}", party.vendor)).as_str()), "{audience:?}");
    assert!(audience.contains(&library.issuer.as_str()), "openid was asked: {audience:?}");
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 300, "{claims}");
    assert!(claims["jti"].is_string(), "{claims}");
    assert_eq!(header_of(&tokens.id_token)["alg"], "RS256");
    assert_eq!(tokens.id_claims["aud"], party.client_id.as_str());
}}

promise! { shared, async fn the_second_click_asks_for_nothing(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let browser = Browser::new();
    browser.sign_in(library, &library.patron("district_grade_2")).await;
    let challenge = Challenge::new();
    let back = browser.go(vendor.authorize_url(&vendor.request(&challenge)), &vendor.party.redirect_uri).await.left();
    assert!(back.query().unwrap().contains("code="), "{back}");
}}

promise! { shared, async fn a_patron_is_the_same_at_one_vendor_and_somebody_else_at_the_next(library) {
    let patron = library.patron("district_grade_7");
    let scopes = ["openid", "library.ebooks"];
    let here = OidcVendor::of(library, library.oidc()).await;
    let there = library.declare(Declared { id: "willow-next", ..Declared::default() }).await;
    let there = OidcVendor::of(library, there).await;
    let first = here.click(library, &Browser::new(), &patron, &scopes).await.subject;
    let again = here.click(library, &Browser::new(), &patron, &scopes).await.subject;
    let elsewhere = there.click(library, &Browser::new(), &patron, &scopes).await.subject;
    let another = here.click(library, &Browser::new(), &library.patron("district_teacher"), &scopes).await.subject;
    assert_eq!(first, again);
    assert_ne!(first, elsewhere);
    assert_ne!(first, another);
}}

promise! { shared, async fn old_and_public_clients_are_served(library) {
    let patron = library.patron("district_grade_7");
    let vendors = [
        Declared { id: "post-style", auth_method: "client_secret_post", ..Declared::default() },
        Declared { id: "public-style", auth_method: "none", ..Declared::default() },
    ];
    for declared in vendors {
        let vendor = OidcVendor::of(library, library.declare(declared).await).await;
        vendor.click(library, &Browser::new(), &patron, &["openid", "library.ebooks"]).await;
    }
}}

promise! { shared, async fn unknown_parameters_are_ignored(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let mut request = vendor.request(&Challenge::new());
    request.push(("access_type".into(), "offline".into()));
    let patron = library.patron("district_grade_7");
    let back = Browser::new().click(&vendor.authorize_url(&request), &patron, &vendor.party).await.left();
    assert!(back.query().unwrap().contains("code="), "{back}");
}}

promise! { shared, async fn a_vendor_that_asks_for_es256_gets_it(library) {
    let declared =
        Declared { id: "es256-style", oidc_lines: "id_token_signed_response_alg = \"ES256\"", ..Declared::default() };
    let vendor = OidcVendor::of(library, library.declare(declared).await).await;
    let tokens = vendor.click(library, &Browser::new(), &library.patron("district_teacher"), &["openid"]).await;
    assert_eq!(header_of(&tokens.id_token)["alg"], "ES256");
}}

promise! { shared, async fn a_token_says_only_what_was_asked_allowed_and_granted(library) {
    let party = library.declare(Declared { id: "narrow", ..Declared::default() }).await;
    let vendor = OidcVendor::of(library, party).await;
    let patron = library.patron("district_grade_7");
    let scopes = ["openid", "library.ebooks", "library.databases", "library.hotspot"];
    let tokens = vendor.click(library, &Browser::new(), &patron, &scopes).await;
    let granted = payload_of(&tokens.access_token)["scope"].as_str().unwrap().to_owned();
    let library_scopes: Vec<&str> = granted.split(' ').filter(|s| s.starts_with("library.")).collect();
    assert_eq!(library_scopes, ["library.ebooks"], "{granted}");
}}

promise! { shared, async fn prompt_none_never_shows_a_page(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let mut request = vendor.request(&Challenge::new());
    request.push(("prompt".into(), "none".into()));
    let url = vendor.authorize_url(&request);
    let stranger = Browser::new().go(&url, &vendor.party.redirect_uri).await.left();
    assert!(stranger.query().unwrap().contains("error=login_required"), "{stranger}");
    let browser = Browser::new();
    browser.sign_in(library, &library.patron("district_grade_7")).await;
    let known = browser.go(&url, &vendor.party.redirect_uri).await.left();
    assert!(known.query().unwrap().contains("code="), "{known}");
}}

promise! { shared, async fn prompt_login_asks_again(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let browser = Browser::new();
    browser.sign_in(library, &library.patron("district_grade_7")).await;
    let mut request = vendor.request(&Challenge::new());
    request.push(("prompt".into(), "login".into()));
    let url = vendor.authorize_url(&request);
    assert!(browser.go(&url, &vendor.party.redirect_uri).await.page().has("sign-in"));
    let back = browser.click(&url, &library.patron("district_grade_7"), &vendor.party).await.left();
    assert!(back.query().unwrap().contains("code="), "{back}");
}}

promise! { shared, async fn discovery_tells_what_is_there_and_nothing_else(library) {
    let browser = Browser::new();
    let answer = browser.get(library.url("/.well-known/openid-configuration")).await;
    assert!(answer.header("content-type").starts_with("application/json"));
    assert!(answer.header("cache-control").contains("max-age"), "{:?}", answer.headers);
    let discovery = answer.json();
    assert_eq!(discovery["issuer"], library.issuer.as_str());
    assert_eq!(discovery["response_types_supported"], serde_json::json!(["code"]));
    assert_eq!(discovery["subject_types_supported"], serde_json::json!(["pairwise"]));
    assert_eq!(discovery["code_challenge_methods_supported"], serde_json::json!(["S256"]));
    assert_eq!(discovery["authorization_response_iss_parameter_supported"], true);
    assert!(discovery["id_token_signing_alg_values_supported"].as_array().unwrap().contains(&"RS256".into()));

    let keys = browser.get(discovery["jwks_uri"].as_str().unwrap()).await;
    assert!(keys.header("cache-control").contains("max-age"), "{:?}", keys.headers);
    let keys = keys.json();
    for key in keys["keys"].as_array().unwrap() {
        assert!(key["kid"].is_string() && key["use"] == "sig", "{key}");
        for private in ["d", "p", "q", "dp", "dq", "qi", "k"] {
            assert!(key[private].is_null(), "a private part in the open: {private}");
        }
    }
}}

promise! { shared, async fn tokens_are_never_cached(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let (code, challenge) = vendor.code(&Browser::new(), &library.patron("district_grade_7")).await;
    let secret = vendor.party.client_secret.clone().unwrap();
    let browser = Browser::new();
    let url = url::Url::parse(&vendor.endpoint("token_endpoint")).unwrap();
    let mut fields = vendor.exchange(&code, &challenge);
    fields.push(("client_id".into(), vendor.party.client_id.clone()));
    fields.push(("client_secret".into(), secret));
    let answer = browser.post(&url, &fields).await;
    assert!(answer.header("cache-control").contains("no-store"), "{:?}", answer.headers);
}}

pub fn is_pseudonym(subject: &str) -> bool {
    subject.len() >= 20 && subject.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit())
}

/// Claims that say who somebody is, of those that are there.
pub fn personal(claims: &Value) -> Vec<String> {
    let names = [
        "name",
        "given_name",
        "family_name",
        "middle_name",
        "nickname",
        "preferred_username",
        "profile",
        "picture",
        "website",
        "email",
        "email_verified",
        "gender",
        "birthdate",
        "zoneinfo",
        "locale",
        "phone_number",
        "phone_number_verified",
        "address",
        "card_number",
        "school",
        "grade",
        "identifier",
    ];
    names.iter().filter(|name| !claims[**name].is_null()).map(|name| (*name).to_owned()).collect()
}

fn header_of(jwt: &str) -> Value {
    payload_of(&format!(".{}", jwt.split('.').next().unwrap()))
}
