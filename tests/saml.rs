//! Single sign-on by SAML: a service provider gets what it may be told, signed, and everybody else gets nothing.

use crate::{actors::*, promise};

promise! { shared, async fn a_database_vendor_is_told_of_a_reader_and_nothing_personal(library) {
    let sp = Sp::declared(library, "gull", Shape::default()).await;
    let mut seen = Vec::new();
    for (name, role, band) in
        [("district_grade_7", "student", "young-adult"), ("district_teacher", "staff", "adult"), ("district_grade_2", "student", "juvenile")]
    {
        let (browser, patron) = (Browser::new(), library.patron(name));
        let answer = sp.click(library, &browser, &patron).await;
        assert_eq!((answer.status.as_str(), answer.relay_state.as_deref()), ("Success", Some("shelf 7")), "{}", answer.xml);
        assert!(answer.response_signed && answer.assertion_signed);
        assert_eq!(answer.destination.as_deref(), Some(&*sp.acs));
        assert_eq!((answer.audience.as_deref(), answer.recipient.as_deref()), (Some(&*sp.entity_id), Some(&*sp.acs)));
        assert_eq!((answer.class.as_deref(), answer.name_format.as_deref()), (Some("PasswordProtectedTransport"), Some("persistent")));
        let affiliation = answer.attribute("eduPersonScopedAffiliation");
        assert!(affiliation[0].starts_with(&format!("{role}@")) && affiliation[1].starts_with("member@"), "{affiliation:?}");
        assert_eq!(answer.attribute("eduPersonEntitlement"), [library.url("/entitlements/library.databases")]);
        assert_eq!(answer.attribute("audience_band"), [band]);
        let pseudonym = answer.name_id.clone().unwrap();
        assert_eq!(answer.attribute("eduPersonTargetedID"), [pseudonym.as_str()]);
        assert!(crate::click::is_pseudonym(&pseudonym), "{pseudonym}");
        assert!(!answer.assertion.as_ref().unwrap().contains(&patron.card), "{}", answer.xml);
        // With a live session it goes without a word.
        let again = browser.open(sp.redirect(&sp.request(|r| r), None)).await;
        assert_eq!(sp.answer(library, &again).await.name_id.as_deref(), Some(&*pseudonym));
        seen.push(pseudonym);
    }
    assert!(seen[0] != seen[1] && seen[1] != seen[2] && seen[0] != seen[2], "{seen:?}");
    let other = Sp::declared(library, "lapwing", Shape::default()).await;
    let there = other.click(library, &Browser::new(), &library.patron("district_grade_7")).await;
    assert_ne!(there.name_id.as_deref(), Some(&*seen[0]), "two vendors never share a name");
}}

promise! { shared, async fn a_vendor_knows_a_reader_by_one_name_in_both_protocols(library) {
    let both = "[[vendor.oidc]]\nclient_id = \"tern-web\"\nclient_secret = \"a-long-enough-secret-of-a-fictional-vendor-0123456789\"\n\
                redirect_uris = [\"https://tern.example/callback\"]\n";
    let shape = Shape { vendor_lines: both, requested: &["urn:oasis:names:tc:SAML:attribute:pairwise-id"], ..Shape::default() };
    let sp = Sp::declared(library, "tern", shape).await;
    let party = Declared { id: "tern", redirect_uris: &["https://tern.example/callback"], ..Declared::default() }.relying_party();
    let patron = library.patron("district_grade_7");
    let tokens = OidcVendor::of(library, party).await.click(library, &Browser::new(), &patron, &["openid", "library.databases"]).await;
    let answer = sp.click(library, &Browser::new(), &patron).await;
    assert_eq!(answer.name_id.as_deref(), Some(&*tokens.subject));
    assert_eq!(answer.names(), ["pairwise-id"], "asked for by its metadata, and nothing beside it");
    assert!(answer.attribute("pairwise-id")[0].starts_with(&format!("{}@", tokens.subject)));
}}

promise! { shared, async fn a_request_by_post_is_answered_like_one_by_redirect(library) {
    let sp = Sp::declared(library, "dotterel", Shape { signed_requests: true, ..Shape::default() }).await;
    let (browser, patron) = (Browser::new(), library.patron("district_teacher"));
    browser.sign_in(library, &patron).await;
    let id = saml_id();
    let fields = sp.form(sp.request(|r| r.attr("ID", id.as_str())), &id, Some("a&b=<\"ü\">"));
    // The vendor's page posts from elsewhere, so our cookie does not come along; still she is not asked again.
    let turned = browser.post_from_elsewhere(&sp.sso().parse().unwrap(), &fields, false).await;
    assert_eq!(turned.status, 303, "{}", turned.body);
    let page = browser.open(turned.location().unwrap()).await;
    let answer = sp.answer(library, &page).await;
    assert_eq!((answer.status.as_str(), answer.in_response_to.as_deref()), ("Success", Some(&*id)));
    assert_eq!(answer.relay_state.as_deref(), Some("a&b=<\"ü\">"));
    assert_eq!(browser.get(turned.location().unwrap()).await.status, 400, "the step is taken once");
}}

promise! { shared, async fn assertions_are_encrypted_for_whoever_asks_and_signed_as_declared(library) {
    for (vendor, lines, response, assertion) in
        [("dunlin", "", true, true), ("knot", "sign = \"assertion\"", false, true), ("ruff", "sign = \"response\"", true, false)]
    {
        let encrypts = vendor == "dunlin";
        let sp = Sp::declared(library, vendor, Shape { encrypts, lines, ..Shape::default() }).await;
        let answer = sp.click(library, &Browser::new(), &library.patron("district_grade_7")).await;
        let is = (answer.response_signed, answer.assertion_signed, answer.encrypted);
        assert_eq!(is, (response, assertion, encrypts), "{vendor}");
        assert!(answer.name_id.is_some() && (!encrypts || !answer.xml.contains(answer.name_id.as_ref().unwrap())));
    }
}}

promise! { shared, async fn a_passive_request_is_answered_without_a_page(library) {
    let sp = Sp::declared(library, "avocet", Shape::default()).await;
    let passive = || sp.redirect(&sp.request(|r| r.attr("IsPassive", "true")), Some("x"));
    let browser = Browser::new();
    let answer = sp.answer(library, &browser.open(passive()).await).await;
    assert_eq!((answer.status.as_str(), answer.second.as_deref()), ("Responder", Some("NoPassive")));
    assert!(answer.response_signed && answer.assertion.is_none() && answer.relay_state.as_deref() == Some("x"));
    browser.sign_in(library, &library.patron("district_teacher")).await;
    assert_eq!(sp.answer(library, &browser.open(passive()).await).await.status, "Success");
}}

promise! { shared, async fn force_authn_asks_again(library) {
    let sp = Sp::declared(library, "curlew", Shape::default()).await;
    let (browser, patron) = (Browser::new(), library.patron("district_teacher"));
    browser.sign_in(library, &patron).await;
    let url = sp.redirect(&sp.request(|r| r.attr("ForceAuthn", "1")), None);
    let page = browser.open(&url).await;
    assert!(page.has("sign-in"), "{} {}", page.url, page.body);
    let page = browser.submit_and_follow(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await;
    assert_eq!(sp.answer(library, &page).await.status, "Success");
}}

promise! { shared, async fn whoever_is_not_entitled_is_told_why_and_the_vendor_only_that(library) {
    let sp = Sp::declared(library, "godwit", Shape::default()).await;
    let (browser, patron) = (Browser::new(), library.patron("charter_grade_5"));
    let page = sp.arrive(&browser, &sp.redirect(&sp.request(|r| r), None), &patron).await;
    assert_eq!(page.reason().as_deref(), Some("grade-not-covered"), "{}", page.body);
    let back = page.link("return").unwrap_or_else(|| panic!("no way back: {}", page.body));
    let answer = sp.answer(library, &browser.open(back).await).await;
    assert_eq!((answer.status.as_str(), answer.second.as_deref()), ("Responder", Some("RequestDenied")));
    assert!(!answer.xml.contains("grade"), "{}", answer.xml);
}}

promise! { shared, async fn what_cannot_be_given_is_said_in_samls_words(library) {
    use oneaccess::wire::xml::write::Element;
    let sp = Sp::declared(library, "whimbrel", Shape::default()).await;
    let policy = |format: &'static str| Element::new("samlp:NameIDPolicy").attr("Format", format);
    let context = |class: &'static str| {
        let class = Element::new("saml:AuthnContextClassRef").text(class);
        Element::new("samlp:RequestedAuthnContext").attr("Comparison", "exact").child(class)
    };
    let browser = Browser::new();
    for (request, top, second) in [
        (sp.request(|r| r.child(policy("urn:oasis:names:tc:SAML:2.0:nameid-format:kerberos"))), "Requester", "InvalidNameIDPolicy"),
        (sp.request(|r| r.child(context("https://refeds.org/profile/mfa"))), "Responder", "NoAuthnContext"),
        (sp.request(|r| r.attr("ProtocolBinding", "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact")), "Requester", "UnsupportedBinding"),
    ] {
        let answer = sp.answer(library, &browser.open(sp.redirect(&request, None)).await).await;
        assert_eq!((answer.status.as_str(), answer.second.as_deref()), (top, Some(second)), "{}", answer.xml);
        assert!(answer.message.is_some() && answer.assertion.is_none());
    }
    let patron = library.patron("district_grade_7");
    for (child, class, format) in [
        (context("urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"), "PasswordProtectedTransport", "persistent"),
        (policy("urn:oasis:names:tc:SAML:2.0:nameid-format:transient"), "PasswordProtectedTransport", "transient"),
        (policy("urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified"), "PasswordProtectedTransport", "persistent"),
    ] {
        let page = sp.arrive(&browser, &sp.redirect(&sp.request(|r| r.child(child)), None), &patron).await;
        let answer = sp.answer(library, &page).await;
        assert_eq!((answer.class.as_deref(), answer.name_format.as_deref()), (Some(class), Some(format)));
    }
    let transient = sp.redirect(&sp.request(|r| r.child(policy("urn:oasis:names:tc:SAML:2.0:nameid-format:transient"))), None);
    let names: Vec<_> = [sp.arrive(&Browser::new(), &transient, &patron).await, sp.arrive(&Browser::new(), &transient, &patron).await].into();
    let first = sp.answer(library, &names[0]).await.name_id;
    assert_ne!(first, sp.answer(library, &names[1]).await.name_id, "another name in each session");
}}

promise! { shared, async fn the_answer_goes_where_the_metadata_says_and_nowhere_else(library) {
    let sp = Sp::declared(library, "sanderling", Shape::default()).await;
    let patron = library.patron("district_grade_7");
    let second = format!("{}/second", sp.acs);
    let at = |url: &str| sp.redirect(&sp.request(|r| r.attr("AssertionConsumerServiceURL", url)), None);
    let browser = Browser::new();
    let page = sp.arrive(&browser, &at(&second), &patron).await;
    assert_eq!(sp.answer(library, &page).await.recipient.as_deref(), Some(&*second));
    let host = sp.acs.trim_start_matches("https://").split('/').next().unwrap().to_owned();
    for wrong in [
        "https://evil.example/acs".to_owned(),
        format!("https://{host}.evil.example/acs"),
        format!("https://{host}@evil.example/acs"),
        format!("https://evil.example@{host}/acs"),
        format!("{}/", sp.acs),
        format!("{}?x=1", sp.acs),
        format!("{}#x", sp.acs),
        format!("{}/../acs", sp.acs),
        format!("{}/..;/acs", sp.acs),
        format!("{}%2f", sp.acs),
        format!("{}%252f", sp.acs),
        sp.acs.replace("https", "http"),
        sp.acs.replace(".example", ".example:443"),
        sp.acs.replace(".example", ".example."),
        sp.acs.to_uppercase(),
        sp.acs.replace("https://", "https:///"),
        sp.acs.replace("https://", "https:\\\\"),
        "javascript:alert(1)".to_owned(),
        "/acs".to_owned(),
    ] {
        let page = browser.open(at(&wrong)).await;
        assert_eq!(page.status, 400, "{wrong}: {}", page.body);
        assert!(page.body.contains("unknown-consumer") && page.hand_over().is_none(), "{wrong}: {}", page.body);
    }
}}

promise! { shared, async fn an_address_that_is_withdrawn_while_she_signs_in_gets_no_answer(library) {
    let mut sp = Sp::declared(library, "withdraws", Shape::default()).await;
    let browser = Browser::new();
    let page = browser.open(sp.redirect(&sp.request(|r| r), None)).await;
    sp.acs = "https://withdraws.example/moved".into();
    sp.declare(library, &Shape::default()).fine();
    let moved = || async { Browser::new().open(sp.redirect(&sp.request(|r| r), None)).await.has("sign-in") };
    library.soon("the new address counts", moved).await;
    let patron = library.patron("district_grade_7");
    let page = browser.submit_and_follow(&page, "sign-in", &[("card", &patron.card), ("pin", &patron.pin)]).await;
    assert!(page.status == 400 && page.body.contains("unknown-consumer") && page.hand_over().is_none(), "{}", page.body);
}}

promise! { shared, async fn nobody_is_let_in_unasked_unless_the_operator_says_so(library) {
    let sp = Sp::declared(library, "stint", Shape::default()).await;
    let open = Sp::declared(library, "ringed", Shape { lines: "idp_initiated = true", ..Shape::default() }).await;
    let (browser, patron) = (Browser::new(), library.patron("district_grade_7"));
    let unasked = |sp: &Sp| library.url(&format!("/saml/unsolicited?providerId={}&target=deep%2Flink", sp.entity_id));
    let page = browser.open(unasked(&sp)).await;
    assert!(page.status == 400 && page.body.contains("not-asked-for"), "{}", page.body);
    let page = open.arrive(&browser, &unasked(&open), &patron).await;
    let answer = open.answer(library, &page).await;
    assert_eq!((answer.in_response_to.as_deref(), answer.relay_state.as_deref()), (None, Some("deep/link")));
    assert!(!answer.assertion.unwrap().contains("InResponseTo"));
}}

promise! { shared, async fn an_anonymous_service_gets_no_lasting_name(library) {
    const REQUESTED: &[&str] = &["urn:oid:1.3.6.1.4.1.5923.1.1.1.10", "urn:oasis:names:tc:SAML:attribute:pairwise-id", "urn:oasis:names:tc:SAML:attribute:subject-id", "urn:oid:1.3.6.1.4.1.5923.1.1.1.9"];
    let shape = Shape { categories: &["https://refeds.org/category/anonymous"], requested: REQUESTED, ..Shape::default() };
    let sp = Sp::declared(library, "anon", shape).await;
    let patron = library.patron("district_teacher");
    let answer = sp.click(library, &Browser::new(), &patron).await;
    assert_eq!(answer.name_format.as_deref(), Some("transient"));
    assert_eq!(answer.names(), ["eduPersonScopedAffiliation", "schacHomeOrganization", "eduPersonEntitlement"]);
    let again = sp.click(library, &Browser::new(), &patron).await;
    assert_ne!(answer.name_id, again.name_id);
}}

promise! { shared, async fn a_category_brings_its_bundle_and_no_name_of_everybodys(library) {
    const STAFF: &str = "release = [{ name = \"profile\", purpose = \"a\" }, { name = \"email\", purpose = \"b\" }]";
    const BUNDLE: &[&str] =
        &["pairwise-id", "eduPersonScopedAffiliation", "schacHomeOrganization", "eduPersonAssurance", "eduPersonEntitlement"];
    let sorted = |mut names: Vec<&str>| { names.sort_unstable(); names.join(" ") };
    let staff = library.patron("all_claims_staff");
    let pseudonymous = Shape { categories: &["https://refeds.org/category/pseudonymous"], vendor_lines: STAFF, ..Shape::default() };
    let sp = Sp::declared(library, "pseudo", pseudonymous).await;
    assert_eq!(sorted(sp.click(library, &Browser::new(), &staff).await.names()), sorted(BUNDLE.to_vec()));
    let personalized = Shape {
        categories: &["https://refeds.org/category/personalized"],
        subject_id_req: Some("subject-id"),
        vendor_lines: STAFF,
        ..Shape::default()
    };
    let sp = Sp::declared(library, "personal", personalized).await;
    let told = sp.click(library, &Browser::new(), &staff).await;
    assert_eq!(sorted(told.names()), sorted([BUNDLE, &["displayName", "givenName", "sn", "mail"]].concat()));
    assert!(!told.xml.contains("subject-id"), "the same at every service: never");
    let pupil = sp.click(library, &Browser::new(), &library.patron("district_grade_7")).await;
    assert_eq!(sorted(pupil.names()), sorted(BUNDLE.to_vec()));
    let asks = Sp::declared(library, "asks-pairwise", Shape { subject_id_req: Some("any"), ..Shape::default() }).await;
    assert_eq!(asks.click(library, &Browser::new(), &staff).await.names(), ["pairwise-id"]);
}}

promise! { shared, async fn our_metadata_says_what_there_is(library) {
    let page = Browser::new().get(library.url("/saml/metadata")).await;
    keys_of(library).await;
    for part in [
        format!("entityID=\"{}\"", library.url("/saml/metadata")),
        format!("HTTP-Redirect\" Location=\"{}\"", library.url("/saml/sso")),
        format!("HTTP-POST\" Location=\"{}\"", library.url("/saml/sso")),
        format!("HTTP-Redirect\" Location=\"{}\"", library.url("/saml/slo")),
        format!("HTTP-POST\" Location=\"{}\"", library.url("/saml/slo")),
        "nameid-format:persistent<".into(),
        "nameid-format:transient<".into(),
        "<shibmd:Scope".into(),
        "validUntil=\"".into(),
        "cacheDuration=\"PT21600S\"".into(),
        "https://refeds.org/category/pseudonymous".into(),
        "<mdui:DisplayName".into(),
    ] {
        assert!(page.body.contains(&part), "{part}\n{}", page.body);
    }
    let again = Browser::new().get_with(library.url("/saml/metadata"), &[("if-none-match", page.header("etag"))]).await;
    assert_eq!(again.status, 304);
}}

promise! { shared, async fn personal_attributes_are_for_adult_staff_whose_release_says_why(library) {
    const PERSONAL: &[&str] = &["urn:oid:0.9.2342.19200300.100.1.3", "mail", "urn:oid:2.5.4.42", "urn:oid:2.16.840.1.113730.3.1.241", "urn:oid:1.2.3.4", "eduPersonScopedAffiliation"];
    const RELEASE: &str = "release = [{ name = \"profile\", purpose = \"course lists\" }]";
    let with = Sp::declared(library, "named", Shape { requested: PERSONAL, vendor_lines: RELEASE, ..Shape::default() }).await;
    let without = Sp::declared(library, "unnamed", Shape { requested: PERSONAL, ..Shape::default() }).await;
    let staff = library.patron("all_claims_staff");
    let told = with.click(library, &Browser::new(), &staff).await;
    assert_eq!(told.names(), ["givenName", "displayName", "eduPersonScopedAffiliation"], "no mail without its purpose");
    assert!(told.xml.contains("Name=\"eduPersonScopedAffiliation\""), "by the name that it was asked for by");
    assert_eq!(without.click(library, &Browser::new(), &staff).await.names(), ["eduPersonScopedAffiliation"]);
    for pupil in ["district_grade_7", "charter_grade_8"] {
        let told = with.click(library, &Browser::new(), &library.patron(pupil)).await;
        assert_eq!(told.names(), ["eduPersonScopedAffiliation"], "{pupil}");
    }
}}
