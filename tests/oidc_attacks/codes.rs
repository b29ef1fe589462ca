//! Codes: once, for the client, the browser and the request that won them.

use std::sync::Arc;

use crate::{actors::*, promise};

promise! { shared, async fn a_code_works_only_once(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let (code, challenge) = vendor.code(&Browser::new(), &library.patron("district_grade_7")).await;
    let fields = vendor.exchange(&code, &challenge);
    assert_eq!(vendor.token(&fields).await.0, 200);
    let (status, answer) = vendor.token(&fields).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{answer}");
}}

promise! { shared, async fn of_sixty_four_who_spend_a_code_at_once_one_wins_and_then_loses_it(library) {
    let vendor = Arc::new(OidcVendor::of(library, library.oidc()).await);
    let (code, challenge) = vendor.code(&Browser::new(), &library.patron("district_grade_7")).await;
    let fields = vendor.exchange(&code, &challenge);
    let tries: Vec<_> = (0..64)
        .map(|_| {
            let (vendor, fields) = (vendor.clone(), fields.clone());
            tokio::spawn(async move { vendor.token(&fields).await })
        })
        .collect();
    let mut won = Vec::new();
    for one in tries {
        let (status, answer) = one.await.unwrap();
        match status {
            200 => won.push(answer["access_token"].as_str().unwrap().to_owned()),
            _ => assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{answer}"),
        }
    }
    assert_eq!(won.len(), 1);
    assert_eq!(vendor.userinfo(&won[0]).await.0, 401, "a replay revokes what the first use won");
}}

promise! { shared, async fn pkce_holds_in_every_combination(library) {
    let required = library.declare(Declared { id: "pkce-required", ..Declared::default() }).await;
    let optional = library.declare(Declared { id: "pkce-optional", pkce: "optional", ..Declared::default() }).await;
    let browser = Browser::new();
    let patron = library.patron("district_grade_7");
    browser.sign_in(library, &patron).await;

    #[derive(Debug, Clone, Copy, PartialEq)]
    enum Sent {
        Right,
        Absent,
        Empty,
        Wrong,
        /// The challenge itself, as `plain` would have it.
        Plain,
    }
    for (party, must) in [(required, true), (optional, false)] {
        let vendor = OidcVendor::of(library, party).await;
        for challenge_sent in [Sent::Right, Sent::Absent, Sent::Empty, Sent::Plain] {
            for verifier_sent in [Sent::Right, Sent::Absent, Sent::Empty, Sent::Wrong, Sent::Plain] {
                let what = format!("required {must}, challenge {challenge_sent:?}, verifier {verifier_sent:?}");
                let challenge = Challenge::new();
                let mut request = vendor.request(&challenge);
                match challenge_sent {
                    Sent::Absent => request.retain(|(n, _)| !n.starts_with("code_challenge")),
                    Sent::Empty => set(&mut request, "code_challenge", ""),
                    Sent::Plain => {
                        set(&mut request, "code_challenge", &challenge.verifier);
                        set(&mut request, "code_challenge_method", "plain");
                    }
                    _ => {}
                }
                let back = browser.go(vendor.authorize_url(&request), &vendor.party.redirect_uri).await.left();
                // RFC 6749, 3.1: a parameter without a value counts as left away.
                let absent = |sent: Sent| matches!(sent, Sent::Absent | Sent::Empty);
                let allowed = challenge_sent == Sent::Right || absent(challenge_sent) && !must;
                let Some(code) = query_of(&back, "code") else {
                    assert!(!allowed || challenge_sent == Sent::Empty, "{what}: {back}");
                    assert_eq!(query_of(&back, "error").as_deref(), Some("invalid_request"), "{what}: {back}");
                    break;
                };
                assert!(allowed, "{what}: a code was given");
                let mut fields = vendor.exchange(&code, &challenge);
                match verifier_sent {
                    Sent::Right => {}
                    Sent::Absent => fields.retain(|(n, _)| n != "code_verifier"),
                    Sent::Empty => set(&mut fields, "code_verifier", ""),
                    Sent::Wrong => set(&mut fields, "code_verifier", &random_word(32)),
                    Sent::Plain => set(&mut fields, "code_verifier", &challenge_of(&challenge.verifier)),
                }
                let (status, answer) = vendor.token(&fields).await;
                let good = match challenge_sent {
                    Sent::Right => verifier_sent == Sent::Right,
                    _ => absent(verifier_sent),
                };
                if good {
                    assert_eq!(status, 200, "{what}: {answer}");
                } else {
                    let error = answer["error"].as_str().unwrap_or_default();
                    assert_eq!(status, 400, "{what}: {answer}");
                    assert!(["invalid_grant", "invalid_request"].contains(&error), "{what}: {answer}");
                }
            }
        }
    }
}}

promise! { shared, async fn the_method_s256_must_be_named(library) {
    // Without a method RFC 7636 means plain, which is not accepted here.
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let mut request = vendor.request(&Challenge::new());
    request.retain(|(n, _)| n != "code_challenge_method");
    let back = vendor.ask(&request).await.left();
    assert_eq!(query_of(&back, "error").as_deref(), Some("invalid_request"), "{back}");
}}

promise! { shared, async fn a_code_is_its_clients_own(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let thief = library.declare(Declared { id: "code-thief", ..Declared::default() }).await;
    let thief = OidcVendor::of(library, thief).await;
    let (code, challenge) = vendor.code(&Browser::new(), &library.patron("district_grade_7")).await;
    let fields = vendor.exchange(&code, &challenge);
    let (status, answer) = thief.token(&fields).await;
    assert_eq!((status, answer["error"].as_str()), (400, Some("invalid_grant")), "{answer}");
}}

promise! { shared, async fn a_code_is_bound_to_its_redirect_uri(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let browser = Browser::new();
    let patron = library.patron("district_grade_7");
    for other in [Some("https://maple.example/elsewhere"), Some(""), None] {
        let (code, challenge) = vendor.code(&browser, &patron).await;
        let mut fields = vendor.exchange(&code, &challenge);
        fields.retain(|(n, _)| n != "redirect_uri");
        fields.extend(other.map(|uri| ("redirect_uri".to_owned(), uri.to_owned())));
        let (status, answer) = vendor.token(&fields).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(status, 400, "{other:?}: {answer}");
        assert!(["invalid_grant", "invalid_request"].contains(&error), "{other:?}: {answer}");
    }
}}

promise! { shared, async fn nothing_else_is_a_code(library) {
    let vendor = OidcVendor::of(library, library.oidc()).await;
    let patron = library.patron("district_grade_7");
    let challenge = Challenge::new();
    let browser = Browser::new();
    // The ticket of a pending sign-in is the last part of its page's address.
    let page = browser.go(vendor.authorize_url(&vendor.request(&challenge)), &vendor.party.redirect_uri).await.page();
    let ticket = page.url.path_segments().unwrap().next_back().unwrap().to_owned();
    let tokens = vendor.click(library, &Browser::new(), &patron, &["openid"]).await;
    let signed_in = Browser::new();
    signed_in.sign_in(library, &patron).await;
    let mut others = vec![ticket, tokens.access_token, tokens.id_token, tokens.subject, String::new(), "0".repeat(43)];
    others.extend(signed_in.cookies().into_iter().map(|(_, value)| value));
    let (code, challenge) = vendor.code(&browser, &patron).await;
    others.push(format!("{code}x"));
    others.push(code.to_uppercase());
    others.push(code[..code.len() - 1].to_owned());
    for other in others {
        let (status, answer) = vendor.token(&vendor.exchange(&other, &challenge)).await;
        assert_eq!(status, 400, "{other}: {answer}");
    }
    assert_eq!(vendor.token(&vendor.exchange(&code, &challenge)).await.0, 200, "and the code itself still is");
}}

fn set(pairs: &mut [(String, String)], name: &str, value: &str) {
    pairs.iter_mut().find(|(n, _)| n == name).unwrap().1 = value.to_owned();
}
