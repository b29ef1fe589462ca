//! Requests that no honest client sends.

use url::Url;

use crate::{actors::*, promise};

promise! { shared, async fn a_parameter_given_twice_is_refused(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let mut right = vendor.request(&Challenge::new());
    right.extend(
        [("prompt", "login"), ("max_age", "600"), ("acr_values", "x"), ("login_hint", "x"), ("ui_locales", "es")]
            .map(|(n, v)| (n.to_owned(), v.to_owned())),
    );
    for (name, value) in &right {
        // The second may say the same or something else; an attacker hopes that two readers choose differently.
        for second in [value.as_str(), "something-else"] {
            let mut twice = right.clone();
            twice.push((name.clone(), second.to_owned()));
            let answer = Browser::new().get(vendor.authorize_url(&twice)).await;
            if ["client_id", "redirect_uri"].contains(&name.as_str()) {
                assert_eq!((answer.status.as_u16(), answer.location()), (400, None), "{name} twice");
            } else {
                assert_eq!(error_of(&answer), "invalid_request", "{name} twice");
            }
        }
    }
}}

promise! { shared, async fn a_field_given_twice_to_the_token_endpoint_is_refused(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let browser = Browser::new();
    browser.sign_in(library, &library.patron("district_grade_7")).await;
    for name in ["grant_type", "code", "redirect_uri", "code_verifier"] {
        let (code, challenge) = vendor.code(&browser, &library.patron("district_grade_7")).await;
        let mut fields = vendor.exchange(&code, &challenge);
        let twice = fields.iter().find(|(n, _)| n == name).unwrap().clone();
        fields.push(twice);
        let (status, answer) = vendor.token(&fields).await;
        assert_eq!((status, &answer["error"]), (400, &"invalid_request".into()), "{name} twice: {answer}");
    }
}}

promise! { shared, async fn wrong_requests_are_told_so_in_the_words_of_the_rfc(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let challenge = Challenge::new();
    let right = vendor.request(&challenge);
    let bend = |name: &str, value: Option<&str>| {
        let mut bent: Vec<(String, String)> = right.iter().filter(|(n, _)| n != name).cloned().collect();
        bent.extend(value.map(|v| (name.to_owned(), v.to_owned())));
        bent
    };
    let cases = [
        ("response_type", None, &["invalid_request"][..]),
        ("response_type", Some("token"), &["unsupported_response_type"]),
        ("response_type", Some("code token"), &["unsupported_response_type"]),
        ("scope", Some("no.such.scope"), &["invalid_scope"]),
        ("prompt", Some("none login"), &["invalid_request"]),
        ("max_age", Some("-1"), &["invalid_request"]),
        ("max_age", Some("soon"), &["invalid_request"]),
        ("request", Some("eyJhbGciOiJub25lIn0.e30."), &["request_not_supported", "invalid_request"]),
        ("request_uri", Some("http://169.254.169.254/"), &["request_uri_not_supported", "invalid_request"]),
        ("response_mode", Some("telepathy"), &["invalid_request", "unsupported_response_mode"]),
    ];
    for (name, value, errors) in cases {
        let answer = Browser::new().get(vendor.authorize_url(&bend(name, value))).await;
        let back = answer.location().unwrap_or_else(|| panic!("{name}={value:?}: {} {}", answer.status, answer.body));
        assert!(back.as_str().starts_with(&vendor.party.redirect_uri), "{name}={value:?}: {back}");
        assert!(errors.contains(&error_of(&answer).as_str()), "{name}={value:?}: {back}");
        assert_eq!(query_of(&back, "state").as_deref(), Some(challenge.state.as_str()), "{back}");
        assert_eq!(query_of(&back, "iss").as_deref(), Some(library.issuer.as_str()), "RFC 9207 for errors too: {back}");
    }
}}

promise! { shared, async fn a_client_proves_who_it_is_or_gets_nothing(library) {
    let party = library.oidc();
    let vendor = OidcVendor::of(library, party.clone()).await;
    let browser = Browser::new();
    let patron = library.patron("district_grade_7");
    browser.sign_in(library, &patron).await;
    let (id, secret) = (party.client_id.clone(), party.client_secret.clone().unwrap());
    let header = |user: &str, password: &str| vec![("authorization".to_owned(), basic(user, password))];
    let field = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let longer = format!("{secret}x");
    let shorter = secret[..secret.len() - 1].to_owned();
    type Pairs = Vec<(String, String)>;
    let attempts: Vec<(&str, Pairs, Pairs)> = vec![
        ("nothing", vec![], vec![]),
        ("the name alone", vec![field("client_id", &id)], vec![]),
        ("an empty secret", vec![field("client_id", &id), field("client_secret", "")], vec![]),
        ("an empty secret, basic", vec![], header(&id, "")),
        ("a wrong secret", vec![], header(&id, "wrong-but-long-enough-to-be-one-0123456789")),
        ("more than the secret", vec![], header(&id, &longer)),
        ("less than the secret", vec![], header(&id, &shorter)),
        ("somebody unknown", vec![], header("nobody", &secret)),
        ("an empty name", vec![], header("", &secret)),
        ("no base64", vec![], vec![("authorization".into(), "Basic !!!".into())]),
        ("another scheme", vec![field("client_id", &id)], vec![("authorization".into(), format!("Bearer {secret}"))]),
        ("an assertion of alg none", vec![
            field("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"),
            field("client_assertion", "eyJhbGciOiJub25lIn0.e30."),
        ], vec![]),
        ("header and field disagree", vec![field("client_id", "nobody")], header(&id, &secret)),
    ];
    for (what, more, headers) in attempts {
        let (code, challenge) = vendor.code(&browser, &patron).await;
        let mut fields = vendor.exchange(&code, &challenge);
        fields.extend(more);
        let (status, answer) = vendor.token_with(&fields, &headers).await;
        assert!([400, 401].contains(&status), "{what}: {status} {answer}");
        assert!(answer["access_token"].is_null() && answer["id_token"].is_null(), "{what}: {answer}");
        let error = answer["error"].as_str().unwrap_or_default();
        assert!(["invalid_client", "invalid_request"].contains(&error), "{what}: {answer}");
    }
    // Two ways at once are refused although both are right (RFC 6749, 2.3).
    let (code, challenge) = vendor.code(&browser, &patron).await;
    let mut fields = vendor.exchange(&code, &challenge);
    fields.extend([field("client_id", &id), field("client_secret", &secret)]);
    let (status, answer) = vendor.token_with(&fields, &header(&id, &secret)).await;
    assert_eq!(status, 400, "{answer}");
}}

promise! { shared, async fn unknown_grant_types_are_refused(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    for (grant, error) in [
        ("password", "unsupported_grant_type"),
        ("implicit", "unsupported_grant_type"),
        ("urn:ietf:params:oauth:grant-type:saml2-bearer", "unsupported_grant_type"),
    ] {
        let (status, answer) = vendor.token(&[("grant_type".into(), grant.into())]).await;
        assert_eq!((status, answer["error"].as_str()), (400, Some(error)), "{grant}: {answer}");
    }
    let (status, answer) = vendor.token(&[]).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_request")), "{answer}");
    let answer = Browser::new().get(vendor.endpoint("token_endpoint")).await;
    assert_eq!(answer.status, 405);
}}

promise! { shared, async fn what_a_request_says_is_never_markup(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let evil = "\"><script>alert(1)</script><img src=x onerror=alert(2)>";
    for name in ["client_id", "redirect_uri", "state", "nonce", "scope", "prompt", "login_hint", "ui_locales", "error"] {
        let mut request = vendor.request(&Challenge::new());
        request.retain(|(n, _)| n != name);
        request.push((name.into(), evil.into()));
        let arrival = Browser::new().go(vendor.authorize_url(&request), &vendor.party.redirect_uri).await;
        if let Arrival::Page(page) = arrival {
            assert!(!page.body.contains("<script>alert") && !page.body.contains("<img src=x"), "{name}: {}", page.body);
        }
    }
    let typed = Browser::new().try_sign_in(library, &Patron::new(evil, "90412")).await;
    assert!(!typed.body.contains("<script>alert") && !typed.body.contains("<img src=x"), "{}", typed.body);
}}

promise! { shared, async fn too_much_is_refused_in_an_answer_not_a_broken_connection(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let mut request = vendor.request(&Challenge::new());
    request.push(("claims".into(), "x".repeat(60_000)));
    let answer = Browser::new().get(vendor.authorize_url(&request)).await;
    assert!(answer.status.is_client_error(), "{}", answer.status);
    let huge = vec![("grant_type".to_owned(), "x".repeat(3_000_000))];
    let (status, _) = vendor.token(&huge).await;
    assert_eq!(status, 413);
}}

promise! { shared, async fn a_request_posted_from_a_vendors_page_is_welcome(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let browser = Browser::new();
    browser.sign_in(library, &library.patron("district_grade_7")).await;
    let url = Url::parse(&vendor.endpoint("authorization_endpoint")).unwrap();
    let answer = browser.post_from_elsewhere(&url, &vendor.request(&Challenge::new()), false).await;
    assert_eq!(answer.status, 303, "a GET of ours, so that Lax cookies come along");
    let next = answer.location().unwrap();
    assert!(next.as_str().starts_with(&library.issuer), "{next}");
    let back = browser.go(next, &vendor.party.redirect_uri).await.left();
    assert!(query_of(&back, "code").is_some(), "{back}");
}}

fn error_of(answer: &Page) -> String {
    answer.location().and_then(|to| query_of(&to, "error")).unwrap_or_default()
}
