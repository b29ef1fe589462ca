//! What must fail closed at the doors of SAML: forged, bent, replayed and oversized requests, one by one.

use oneaccess::wire::{
    saml::{instant, posted, redirect::Kind},
    xml::write::Element,
};

use crate::{actors::*, promise};

/// What a browser without a session gets for this address: the code on a page of ours, or how far it got.
async fn met(url: &str) -> String {
    told(&Browser::new().open(url).await)
}

fn told(page: &Page) -> String {
    if page.has("sign-in") {
        return "sign-in".to_owned();
    }
    let after = page.body.split("<code>").nth(1).unwrap_or_else(|| panic!("{} {}", page.status, page.body));
    after.split('<').next().unwrap_or_default().trim().to_owned()
}

async fn posted(library: &Library, fields: &[(String, String)]) -> String {
    let browser = Browser::new();
    let page = browser.post_from_elsewhere(&library.url("/saml/sso").parse().unwrap(), fields, false).await;
    match page.location() {
        Some(next) => told(&browser.open(next).await),
        None => told(&page),
    }
}

promise! { shared, async fn a_request_counts_only_as_it_was_signed(library) {
    let sp = Sp::declared(library, "forge", Shape { signed_requests: true, ..Shape::default() }).await;
    let mallory = Sp::new(library, "forge-mallory");
    let good = sp.redirect(&sp.request(|r| r), Some("x"));
    assert_eq!(met(&good).await, "sign-in");
    let sorted = |order: &[&str]| {
        let (base, query) = good.split_once('?').unwrap();
        let pairs: Vec<&str> = query.split('&').collect();
        let of = |name: &&str| *pairs.iter().find(|pair| pair.starts_with(&format!("{name}="))).unwrap();
        format!("{base}?{}", order.iter().map(of).collect::<Vec<_>>().join("&"))
    };
    for (what, url, code) in [
        ("not signed", sp.unsigned(&sp.request(|r| r)), "signature-missing"),
        ("signed by another key", mallory.redirect_to(&sp.sso(), Kind::Request, &sp.request(|r| r).render(), None), "signature-wrong"),
        ("another RelayState", good.replace("RelayState=x", "RelayState=y"), "signature-wrong"),
        ("RelayState taken away", good.replace("RelayState=x&", ""), "signature-wrong"),
        ("RelayState twice", good.replace("RelayState=x", "RelayState=x&RelayState=y"), "parameter-twice"),
        ("a name with escapes", good.replace("RelayState=", "Relay%53tate="), "parameter-name-encoded"),
        ("a request twice", format!("{good}&SAMLRequest=x"), "parameter-twice"),
        ("no SigAlg", sorted(&["SAMLRequest", "RelayState", "Signature"]), "signature-without-sigalg"),
        ("no Signature", sorted(&["SAMLRequest", "RelayState", "SigAlg"]), "sigalg-without-signature"),
        ("an empty signature", good.split("&Signature=").next().unwrap().to_owned() + "&Signature=", "signature-not-base64"),
        ("SHA-1", good.replace("xmldsig-more%23rsa-sha256", "xmldsig%23rsa-sha1").replace("2001%2F04%2Fxmldsig%23", "2000%2F09%2Fxmldsig%23"), "signature-sha1"),
        ("HMAC", good.replace("rsa-sha256", "hmac-sha256"), "signature-algorithm"),
    ] {
        assert_eq!(met(&url).await, code, "{what}: {url}");
    }
    // The standard's order is what is signed, whatever order they come in.
    assert_eq!(met(&sorted(&["Signature", "SigAlg", "RelayState", "SAMLRequest"])).await, "sign-in");
    assert_eq!(posted(library, &posted_fields("SAMLRequest", &sp.request(|r| r).render(), None)).await, "signature-missing");
    let id = saml_id();
    let fields = sp.form(sp.request(|r| r.attr("ID", id.as_str())), &id, None);
    let xml = posted::read(&fields[0].1).unwrap();
    assert_eq!(posted(library, &fields).await, "sign-in");
    for (what, from, to, code) in [
        ("another address", sp.acs.as_str(), "https://evil.example/acs", "signature-changed"),
        ("one more attribute", " ID=", " ForceAuthn=\"true\" ID=", "signature-changed"),
        ("another ID", id.as_str(), "_another", "signature-elsewhere"),
        ("another key in it", sp.certificate.as_str(), mallory.certificate.as_str(), "sign-in"),
    ] {
        assert!(xml.contains(from), "{what}");
        assert_eq!(posted(library, &posted_fields("SAMLRequest", &xml.replacen(from, to, 1), None)).await, code, "{what}");
    }
}}

promise! { shared, async fn a_signature_that_was_not_needed_still_has_to_hold(library) {
    let sp = Sp::declared(library, "optional", Shape::default()).await;
    assert_eq!(met(&sp.unsigned(&sp.request(|r| r))).await, "sign-in");
    assert_eq!(met(&sp.redirect(&sp.request(|r| r), None)).await, "sign-in");
    let mallory = Sp::new(library, "optional-mallory");
    let forged = mallory.redirect_to(&sp.sso(), Kind::Request, &sp.request(|r| r).render(), None);
    assert_eq!(met(&forged).await, "signature-wrong");
}}

promise! { shared, async fn each_condition_of_a_request_is_held_to(library) {
    let sp = Sp::declared(library, "strict", Shape::default()).await;
    let minutes = |minutes: i64| instant::write(saml_now() + minutes * 60_000);
    for (what, request, code) in [
        ("good", sp.request(|r| r), "sign-in"),
        ("for elsewhere", sp.request(|r| r.attr("Destination", "https://elsewhere.example/saml/sso")), "another-destination"),
        ("old", sp.request(|r| r.attr("IssueInstant", minutes(-30))), "request-too-old"),
        ("from the future", sp.request(|r| r.attr("IssueInstant", minutes(10))), "request-from-the-future"),
        ("SAML 1.1", sp.request(|r| r.attr("Version", "1.1")), "version"),
        ("an ID that is none", sp.request(|r| r.attr("ID", "7 up")), "id"),
        ("two ways to answer", sp.request(|r| r.attr("AssertionConsumerServiceIndex", "0")), "acs-url-and-index"),
        ("two issuers", sp.request(|r| r.child(Element::new("saml:Issuer").text("https://other.example"))), "repeated"),
    ] {
        assert_eq!(met(&sp.redirect(&request, None)).await, code, "{what}");
    }
    let unknown = Sp::new(library, "strict-nobody");
    assert_eq!(met(&unknown.redirect(&unknown.request(|r| r), None)).await, "unknown-service-provider");
}}

promise! { shared, async fn xml_that_plays_tricks_is_not_read(library) {
    let sp = Sp::declared(library, "tricks", Shape::default()).await;
    let good = sp.request(|r| r).render();
    let with = |head: &str| format!("{head}{good}");
    let deep = format!("{}{}", "<a>".repeat(5000), "</a>".repeat(5000));
    let wide: String = (0..2000).map(|n| format!(" a{n}=\"\"")).collect();
    for (what, xml, code) in [
        ("DTD", with("<!DOCTYPE x>"), "xml-doctype"),
        ("entities", with("<!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>"), "xml-doctype"),
        ("a processing instruction", good.replace("<saml:Issuer", "<?php 1?><saml:Issuer"), "xml-processing-instruction"),
        ("a comment in the issuer", good.replace(&sp.entity_id, &format!("{}<!-- -->.evil.example", sp.entity_id)), "xml-not-text"),
        ("depth", deep, "xml-too-deep"),
        ("attributes", good.replace(" ID=", &format!("{wide} ID=")), "xml-too-many-attributes"),
        ("not XML", "hello".to_owned(), "xml-syntax"),
        ("another message", good.replace("AuthnRequest", "LogoutRequest"), "another-message"),
    ] {
        assert_eq!(posted(library, &posted_fields("SAMLRequest", &xml, None)).await, code, "{what}");
    }
    let bomb = "<!-- -->".repeat(400_000);
    let url = sp.redirect_to(&sp.sso(), Kind::Request, &format!("{good}{bomb}"), None);
    assert!(url.len() < 64 * 1024, "{}", url.len());
    assert_eq!(met(&url).await, "message-too-large");
}}

promise! { shared, async fn a_ticket_of_one_kind_opens_no_other_door(library) {
    let sp = Sp::declared(library, "tickets", Shape::default()).await;
    let browser = Browser::new();
    let page = browser.open(sp.redirect(&sp.request(|r| r), None)).await;
    let ticket = page.url.path().rsplit('/').next().unwrap().to_owned();
    for path in ["/saml/sso/", "/saml/slo/", "/saml/slo/visit/", "/saml/slo/answer/", "/oidc/resume/"] {
        let page = browser.get(library.url(&format!("{path}{ticket}"))).await;
        assert!([400, 410].contains(&page.status.as_u16()), "{path}: {} {}", page.status, page.body);
    }
}}
