//! What an operator and a vendor's engineer see of SAML.

use serde_json::{Value, json};

use crate::{actors::*, promise};

const TEST_PATRON: &str = "[[test_patron]]\nid = \"try-saml\"\ncard = \"TEST-9\"\npin = \"518273\"\norganisation = \"maple\"\n\
     given_name = \"Wilhelmina\"\nfamily_name = \"Testwright\"\nrole = \"staff\"\n";
const REQUESTED: &[&str] = &["urn:oid:1.3.6.1.4.1.5923.1.1.1.9", "urn:oid:1.2.3.4.5", "urn:oid:2.5.4.42"];

promise! { founded, async fn explain_prints_the_very_assertion_with_the_rule_for_each_attribute(library) {
    library.apply(TEST_PATRON).fine();
    let sp = Sp::declared(&library, "explain", Shape { requested: REQUESTED, ..Shape::default() }).await;
    let answer = sp.click(&library, &Browser::new(), &Patron::new("TEST-9", "518273")).await;
    let told = library.run(&["explain", "TEST-9", "explain", "--reason", "a test", "--json"]).fine().json();
    let saml = &told["documents"][0];
    assert_eq!(saml["relying_party"], sp.entity_id);
    let text = saml["text"].as_str().unwrap();
    assert!(text.contains(answer.name_id.as_ref().unwrap()) && !text.contains("Signature"), "{text}");
    // Line for line what was sent, but for what is another each time.
    let sent = answer.assertion.unwrap().replace("><", ">\n<");
    for line in sent.lines().filter(|line| line.contains("AttributeValue") || line.contains("<saml:NameID")) {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let part = |list: &str, name: &str| -> Value {
        saml[list].as_array().unwrap().iter().find(|part| part["name"] == name).cloned().unwrap_or_default()
    };
    assert!(part("parts", "eduPersonScopedAffiliation")["why"].as_str().unwrap().contains("RequestedAttribute"), "{saml}");
    assert!(part("withheld", "urn:oid:1.2.3.4.5")["why"].as_str().unwrap().contains("nobody here knows it"), "{saml}");
    assert!(part("withheld", "urn:oid:2.5.4.42")["why"].as_str().unwrap().contains("purpose"), "{saml}");
    let said = library.run(&["explain", "TEST-9", "explain", "--reason", "a test"]).fine().stdout;
    assert!(said.contains("<saml:Assertion") && said.contains("not told: nobody here knows it"), "{said}");
}}

promise! { founded, async fn a_saml_vendors_engineer_looks_at_the_vendor_from_our_side(library) {
    library.apply(TEST_PATRON).fine();
    let sp = Sp::declared(&library, "mirror", Shape { signed_requests: true, ..Shape::default() }).await;
    sp.click(&library, &Browser::new(), &Patron::new("TEST-9", "518273")).await;
    Browser::new().open(sp.unsigned(&sp.request(|r| r))).await;
    let shown = library.run(&["vendor", "show", "mirror", "--json"]).fine().json();
    let address = shown["relying_parties"][0]["entrance"].as_str().unwrap();
    let password = address.rsplit('/').next().unwrap();
    let url = library.url("/vendors/mirror/selftest");
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    let seen: Value = client.get(&url).basic_auth("mirror", Some(password)).send().await.unwrap().json().await.unwrap();
    assert_eq!(seen["relying_parties"][0]["entrance"], address);
    let newest = &seen["exchanges"][0];
    assert_eq!((&newest["step"], &newest["outcome"]), (&json!("single sign-on"), &json!("signature-missing")), "{seen}");
    let steps: Vec<&str> = seen["exchanges"].as_array().unwrap().iter().map(|one| one["outcome"].as_str().unwrap()).collect();
    assert!(steps.contains(&"ok"), "{seen}");
    let told = &seen["test_patrons"][0]["told"];
    assert!(told["documents"][0]["text"].as_str().unwrap().contains(told["sub"].as_str().unwrap()), "{seen}");
    let wrong = Browser::new().get_with(&url, &[("authorization", &basic("mirror", "not-the-password"))]).await;
    assert_eq!(wrong.status, 401);
    let html = Browser::new().get_with(&url, &[("authorization", &basic("x", password)), ("accept", "text/html")]).await;
    assert!(html.body.contains("&lt;saml:Assertion") && html.words().contains("Self-test"), "{}", html.body);
}}

promise! { founded, async fn vendor_test_says_what_to_mend_of_a_service_provider_and_whose_it_is(library) {
    let ear = Ear::open().await;
    let mut sp = Sp::new(&library, "checked");
    (sp.acs, sp.slo) = (format!("{}/callback", ear.url), format!("{}/done", ear.url));
    sp.declare(&library, &Shape::default()).fine();
    let done = library.run(&["vendor", "test", "checked", "--json"]).fine().json();
    let outcome = |done: &Value, check: &str| {
        let one = done["checks"].as_array().unwrap().iter().find(|one| one["check"] == check).cloned().unwrap();
        (one["outcome"].as_str().unwrap().to_owned(), one["whose"].clone())
    };
    for check in ["metadata", "settings", "certificates", "names", "assertion-consumer", "single-logout"] {
        assert_eq!(outcome(&done, check), ("ok".to_owned(), Value::Null), "{check}: {done}");
    }
    let press = Press::prints(sp.metadata(&Shape { subject_id_req: Some("subject-id"), ..Shape::default() })).await;
    library.apply(&sp.toml(&Shape::default(), &press.url)).fine();
    library.run(&["vendor", "metadata", "checked", "--refresh"]).fine();
    press.vanishes();
    let done = library.run(&["vendor", "test", "checked", "--json"]).refused().json();
    assert_eq!(outcome(&done, "metadata"), ("mend".to_owned(), json!("theirs")), "{done}");
    assert_eq!(outcome(&done, "names"), ("mend".to_owned(), json!("theirs")), "{done}");
    assert!(press.readers() >= 2);
}}

promise! { founded, async fn a_saml_sign_on_is_written_down_and_the_chain_holds(library) {
    library.apply(TEST_PATRON).fine();
    let sp = Sp::declared(&library, "kept", Shape::default()).await;
    sp.click(&library, &Browser::new(), &Patron::new("TEST-9", "518273")).await;
    let tail = library.run(&["audit", "tail", "-n", "50", "--json"]).fine().stdout;
    assert!(tail.contains("\"issue\"") && tail.contains(&sp.entity_id) && tail.contains("\"saml\""), "{tail}");
    library.run(&["audit", "verify"]).fine();
    let records = library.records().await;
    assert!(!records.contains("518273") && !library.logs().contains("518273"));
    assert!(!library.logs().contains("SAMLRequest"), "no message in the log");
}}
