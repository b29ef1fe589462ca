//! What a vendor's engineer sees of the vendor at our side, and nobody else does.

use serde_json::{Value, json};

use crate::{actors::*, promise};

const TEST_PATRON: &str = "[[test_patron]]\nid = \"try-me\"\ncard = \"TEST-7\"\npin = \"518273\"\norganisation = \"maple\"\n\
     given_name = \"Wilhelmina\"\nfamily_name = \"Testwright\"\nrole = \"staff\"\n";

fn selftest_of(library: &Library, id: &str) -> String {
    library.url(&format!("/vendors/{id}/selftest"))
}

/// As a program asks.
async fn seen(library: &Library, party: &RelyingParty) -> Value {
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let request = client.get(selftest_of(library, &party.vendor));
    let answer = request.basic_auth(&party.client_id, party.client_secret.as_ref()).send().await.unwrap();
    assert_eq!((answer.status().as_u16(), &answer.headers()["cache-control"]), (200, &"no-store".parse().unwrap()));
    answer.json().await.unwrap()
}

/// The exchanges of a self-test, oldest first, without their times.
fn steps_of(seen: &Value) -> Vec<(String, String)> {
    let word = |one: &Value, name: &str| one[name].as_str().unwrap().to_owned();
    seen["exchanges"].as_array().unwrap().iter().rev().map(|one| (word(one, "step"), word(one, "outcome"))).collect()
}

promise! { founded, async fn an_engineer_reads_why_a_click_failed_and_what_a_test_patron_would_bring(library) {
    library.apply(TEST_PATRON).fine();
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let patron = Patron::new("TEST-7", "518273");
    let browser = Browser::new();
    let tokens = vendor.click(&library, &browser, &patron, &["openid", "library.ebooks"]).await;

    let before = seen(&library, &vendor.party).await;
    assert_eq!((&before["vendor"], &before["scopes"], &before["disabled"]), (&json!("shelf"), &json!(["library.ebooks"]), &json!(false)));
    let party = &before["relying_parties"][0];
    assert_eq!(party["entrance"], library.url("/.well-known/openid-configuration"));
    assert_eq!(party["settings"]["redirect_uris"], json!([vendor.party.redirect_uri]));
    assert!(!before.to_string().contains("sha256"), "no hash of a secret either: {before}");
    let rehearsed = &before["test_patrons"][0];
    assert_eq!((&rehearsed["name"], &rehearsed["card"], &rehearsed["decision"]), (&json!("try-me"), &json!("TEST-7"), &json!("allowed")));
    assert_eq!(rehearsed["told"]["sub"], tokens.subject.as_str(), "what the click brought");
    assert_eq!(rehearsed["told"]["patron_type"], "staff");
    let steps = steps_of(&before);
    let went_well = [("authorize", "ok"), ("back from sign-in", "ok"), ("token", "ok"), ("userinfo", "ok")];
    assert_eq!(steps.iter().map(|(s, o)| (s.as_str(), o.as_str())).collect::<Vec<_>>(), went_well, "{before}");

    // What goes wrong is told in the words that the client got.
    let (code, challenge) = vendor.code(&browser, &patron).await;
    let mut wrong = vendor.exchange(&code, &challenge);
    wrong.iter_mut().find(|(name, _)| name == "code_verifier").unwrap().1 = random_word(32);
    let (_, answer) = vendor.token(&wrong).await;
    for _ in 0..3 {
        let by_post = [("authorization".to_owned(), basic(&vendor.party.client_id, "not-the-secret"))];
        assert_eq!(vendor.token_with(&[("grant_type".into(), "authorization_code".into())], &by_post).await.0, 401);
    }
    let mut elsewhere = vendor.request(&challenge);
    elsewhere.iter_mut().find(|(name, _)| name == "redirect_uri").unwrap().1 = "https://elsewhere.example/".into();
    vendor.ask(&elsewhere).await;
    let after = seen(&library, &vendor.party).await;
    let newest = |place: usize| &after["exchanges"][place];
    assert_eq!((&newest(0)["step"], &newest(0)["outcome"]), (&json!("authorize"), &json!("invalid_request")));
    assert!(newest(0)["detail"].as_str().unwrap().contains("redirect_uri"), "{after}");
    assert_eq!((&newest(1)["outcome"], &newest(1)["times"]), (&json!("invalid_client"), &json!(3)), "repetitions are counted: {after}");
    assert_eq!((&newest(2)["outcome"], &newest(2)["detail"]), (&answer["error"], &answer["error_description"]));

    // Nothing of a reader, and no secret, is in it.
    let text = after.to_string();
    let secrets = [code.as_str(), &challenge.verifier, &tokens.access_token, &tokens.id_token, vendor.party.client_secret.as_ref().unwrap()];
    for secret in secrets.into_iter().chain(["518273"]) {
        assert!(!text.contains(secret), "{secret}: {text}");
    }
}}

promise! { founded, async fn a_self_test_shows_the_last_twenty_and_nothing_of_a_pupil(library) {
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let pupil = { let people = [Person::pupil(1), Person::pupil(2)]; library.import(&Delivery::of(&people), &[]).fine(); people[0].card() };
    let tokens = vendor.click(&library, &Browser::new(), &pupil, &["openid", "library.ebooks"]).await;
    for number in 0..30 {
        let mut request = vendor.request(&Challenge::new());
        let (name, value) = if number % 2 == 0 { ("response_type", "token") } else { ("response_mode", "fragment") };
        request.retain(|(known, _)| known != name);
        request.push((name.into(), value.into()));
        vendor.ask(&request).await;
    }
    let seen = seen(&library, &vendor.party).await;
    assert_eq!(seen["exchanges"].as_array().unwrap().len(), 20, "{seen}");
    for word in [pupil.card.as_str(), &tokens.subject] {
        assert!(!seen.to_string().contains(word), "{word}: {seen}");
    }
}}

promise! { founded, async fn a_self_test_is_for_the_vendor_alone(library) {
    let oak = Declared { id: "oak", ..Declared::default() };
    let (oak, shelf) = (library.declare(oak).await, library.shelf());
    let url = selftest_of(&library, "shelf");
    let right = basic(&shelf.client_id, shelf.client_secret.as_ref().unwrap());
    let others = [
        None,
        Some(basic(&shelf.client_id, "not-the-secret-but-just-as-long")),
        Some(basic(&shelf.client_id, "")),
        Some(basic(&oak.client_id, oak.client_secret.as_ref().unwrap())),
        Some("Bearer a.b.c".to_owned()),
        Some("Basic !".to_owned()),
    ];
    let mut answers = Vec::new();
    for other in &others {
        let headers: Vec<(&str, &str)> = other.iter().map(|proof| ("authorization", proof.as_str())).collect();
        let page = Browser::new().get_with(&url, &headers).await;
        assert!(page.header("www-authenticate").starts_with("Basic"), "{:?}", page.headers);
        answers.push((page.status, page.body));
    }
    let nowhere = Browser::new().get_with(&selftest_of(&library, "no-such"), &[("authorization", &right)]).await;
    answers.push((nowhere.status, nowhere.body));
    answers.dedup();
    assert_eq!(answers.len(), 1, "whoever asks and for whom, a refusal looks alike: {answers:?}");
    assert_eq!(answers[0].0, 401);

    // A client that sends its secret in a body shows it here as browsers can, and a reader of pages gets one.
    let posting = Declared { id: "ash", auth_method: "client_secret_post", ..Declared::default() };
    let ash = library.declare(posting).await;
    assert_eq!(seen(&library, &ash).await["vendor"], "ash");
    let proof = basic(&ash.client_id, ash.client_secret.as_ref().unwrap());
    let headers = [("authorization", proof.as_str()), ("accept", "text/html,*/*;q=0.8")];
    let page = Browser::new().get_with(&selftest_of(&library, "ash"), &headers).await;
    assert!(page.header("content-type").starts_with("text/html") && page.words().contains("Self-test"), "{}", page.words());
    let spanish = Browser::reading("es").get_with(&selftest_of(&library, "ash"), &headers).await;
    assert!(spanish.words().contains("Autocomprobación"), "{}", spanish.words());
}}
