//! SAML service providers by stock libraries, each as its page in `docs/integrate/` tells a vendor to use it.

mod kinds;
mod logout;
mod mellon;
mod rollover;
mod xmlsec;

use std::collections::BTreeSet;

use base64::{Engine as _, engine::general_purpose::STANDARD};

use crate::{actors::*, click::is_pseudonym, promise};

const ENTITLEMENT: &str = "urn:oid:1.3.6.1.4.1.5923.1.1.1.7";
const AFFILIATION: &str = "urn:oid:1.3.6.1.4.1.5923.1.1.1.9";
const TARGETED_ID: &str = "urn:oid:1.3.6.1.4.1.5923.1.1.1.10";
const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
/// Whoever writes addresses into RelayState gets all of this back.
const ODD: &str = "/odd? a=b&c=%2F+ü'!*()~\"<>;\\";

promise! { shared, async fn pythons_pysaml2_is_content(library) {
    is_content(library, Peer::Pysaml2, "content-pysaml2").await;
}}

promise! { shared, async fn pythons_python3_saml_is_content(library) {
    is_content(library, Peer::Python3Saml, "content-python3").await;
}}

promise! { shared, async fn npms_node_saml_is_content(library) {
    is_content(library, Peer::NodeSaml, "content-node").await;
}}

/// Three readers, each by Redirect and by POST, and what the vendor is told of them: by the name that OpenID Connect has
/// for them there, and nothing that says who they are.
async fn is_content(library: &Library, peer: Peer, id: &'static str) {
    let Some(mut vendor) = ServiceProvider::run(peer, library, id, &[]) else { return };
    let both = Declared { id, scopes: &["library.databases"], ..Declared::default() };
    let toml = format!("{}\n[[vendor.saml]]\nmetadata = \"vendors/{id}.xml\"\n", both.toml());
    vendor.declare(library, &toml).await;
    let oidc = OidcVendor::of(library, both.relying_party()).await;
    let elsewhere = OidcVendor::of(library, library.oidc()).await;
    let domain = scope_domain(library);
    let mut seen = BTreeSet::new();
    for (name, role, band) in [
        ("district_grade_7", "student", "young-adult"),
        ("district_teacher", "staff", "adult"),
        ("district_grade_2", "student", "juvenile"),
    ] {
        let patron = library.patron(name);
        let subject = oidc.click(library, &Browser::new(), &patron, &["openid"]).await.subject;
        let other = elsewhere.click(library, &Browser::new(), &patron, &["openid"]).await.subject;
        for by_post in [false, true] {
            let how = Question { by_post, relay_state: "/shelf", ..Question::default() };
            let reader = vendor.click(&Browser::new(), &patron, how).await.unwrap();
            assert!(is_pseudonym(&reader.name_id), "{reader:?}");
            assert_eq!((reader.name_id.as_str(), reader.format.as_str()), (subject.as_str(), PERSISTENT), "{reader:?}");
            assert_ne!(reader.name_id, other, "the same reader is somebody else at the next vendor");
            assert_eq!(reader.relay_state, "/shelf");
            assert_eq!(reader.issuer, library.url("/saml/metadata"));
            assert!(!reader.session_index.is_empty(), "{reader:?}");
            let told: BTreeSet<&str> = reader.attributes.keys().map(String::as_str).collect();
            let band_name = library.url("/attributes/audience_band");
            assert_eq!(told, BTreeSet::from([ENTITLEMENT, AFFILIATION, TARGETED_ID, &band_name]), "{reader:?}");
            assert_eq!(reader.attributes[ENTITLEMENT], [library.url("/entitlements/library.databases")]);
            assert_eq!(reader.attributes[AFFILIATION], [format!("{role}@{domain}"), format!("member@{domain}")]);
            assert_eq!(reader.attributes[&band_name], [band]);
            assert!(reader.attributes[TARGETED_ID][0].contains(&subject), "{reader:?}");
            assert!(!format!("{reader:?}").contains(&patron.card), "the card number is not released: {reader:?}");
            seen.insert(reader.name_id);
        }
    }
    assert_eq!(seen.len(), 3, "{seen:?}");
}

promise! { shared, async fn peers_who_want_it_plain_get_it_plain(library) {
    for peer in Peer::ALL {
        let id = named("plain", peer);
        let Some(mut vendor) = ServiceProvider::plain(peer, library, &id, "").await else { continue };
        let patron = library.patron("district_grade_7");
        let page = vendor.arrive(&Browser::new(), &patron, Question::default()).await;
        let (_, fields) = vendor.handed_over(&page);
        let xml = xml_of(&fields);
        assert!(xml.contains("<saml:Assertion") && !xml.contains("EncryptedAssertion"), "{xml}");
        assert!(!xml.contains(&patron.card), "{xml}");
        let reader = vendor.receive(&fields).unwrap();
        assert!(xml.contains(&reader.name_id), "{xml}");
    }
}}

promise! { shared, async fn peers_who_want_it_encrypted_get_it_encrypted(library) {
    for peer in Peer::ALL {
        let Some(mut vendor) = ServiceProvider::start(peer, library, &named("sealed", peer), "").await else { continue };
        let (browser, patron) = (Browser::new(), library.patron("district_grade_7"));
        for (method, cipher) in
            [("as-metadata", "aes256-gcm"), ("aes128-gcm", "aes128-gcm"), ("aes256-cbc", "aes256-cbc")]
        {
            vendor.declare_again(library, &format!("encryption_method = \"{method}\"")).await;
            let page = vendor.arrive(&browser, &patron, Question::default()).await;
            let (_, fields) = vendor.handed_over(&page);
            let xml = xml_of(&fields);
            assert!(xml.contains(cipher) && !xml.contains("<saml:Assertion"), "{method}: {xml}");
            let reader = vendor.receive(&fields).unwrap_or_else(|why| panic!("{method}: {why}"));
            assert!(!xml.contains(&reader.name_id), "{xml}");
        }
    }
}}

promise! { shared, async fn peers_refuse_what_is_not_for_them(library) {
    for peer in Peer::ALL {
        let (mine, theirs) = (named("mine", peer), named("theirs", peer));
        let Some(mut vendor) = ServiceProvider::plain(peer, library, &mine, "").await else { continue };
        let Some(mut other) = ServiceProvider::plain(peer, library, &theirs, "").await else { continue };
        let (patron, how) = (library.patron("district_grade_7"), Question::default());
        let page = vendor.arrive(&Browser::new(), &patron, how).await;
        let (_, fields) = vendor.handed_over(&page);
        let pseudonym = between(&xml_of(&fields), "</saml:NameID>");
        let bent = xml_of(&fields).replace(&pseudonym, "somebody-else-with-another-pseudonym");
        vendor.receive(&with_xml(&fields, &bent)).expect_err("another name under the same signature");

        let page = other.arrive(&Browser::new(), &patron, how).await;
        let (_, strange) = other.handed_over(&page);
        vendor.receive(&strange).expect_err("the response of another vendor");
        other.receive(&strange).unwrap();

        let page = vendor.arrive(&Browser::new(), &patron, how).await;
        let (_, fields) = vendor.handed_over(&page);
        let reader = vendor.receive(&fields).unwrap();
        assert_eq!(reader.name_id, pseudonym, "it goes on after a refusal");
        vendor.receive(&fields).expect_err("the same again");
    }
}}

promise! { shared, async fn peers_refuse_what_was_to_be_encrypted_and_is_not(library) {
    // Only python3-saml insists.
    let Some(mut vendor) = ServiceProvider::start(Peer::Python3Saml, library, "insists", "encrypt = \"never\"").await
    else { return };
    let refused = vendor.click(&Browser::new(), &library.patron("district_grade_7"), Question::default()).await;
    assert!(refused.unwrap_err().contains("not encrypted"));
}}

promise! { shared, async fn relay_state_comes_back_as_it_was(library) {
    for peer in Peer::ALL {
        let Some(mut vendor) = ServiceProvider::start(peer, library, &named("odd", peer), "").await else { continue };
        for by_post in [false, true] {
            // By redirect, node-saml sends a blank and some signs in another spelling than it signs.
            let relay_state = if peer == Peer::NodeSaml && !by_post { "/odd?a=b&c=%2F+ü\"<>;\\" } else { ODD };
            let how = Question { by_post, relay_state, ..Question::default() };
            let reader = vendor.click(&Browser::new(), &library.patron("district_teacher"), how).await.unwrap();
            assert_eq!(reader.relay_state, relay_state, "{peer:?}");
        }
    }
}}

promise! { shared, async fn peers_ask_quietly_or_once_more(library) {
    for peer in Peer::ALL {
        let Some(mut vendor) = ServiceProvider::start(peer, library, &named("asks", peer), "").await else { continue };
        let (browser, patron) = (Browser::new(), library.patron("district_grade_7"));
        for by_post in [false, true] {
            let quietly = Question { by_post, is_passive: true, ..Question::default() };
            let page = vendor.depart(&Browser::new(), quietly).await;
            let (_, fields) = vendor.handed_over(&page);
            assert!(xml_of(&fields).contains("status:NoPassive"), "{}", xml_of(&fields));
            vendor.receive(&fields).expect_err("nobody is signed in");

            let reader = vendor.click(&browser, &patron, Question { by_post, ..Question::default() }).await.unwrap();
            let page = vendor.depart(&browser, quietly).await;
            let (_, fields) = vendor.handed_over(&page);
            assert_eq!(vendor.receive(&fields).unwrap().name_id, reader.name_id, "she is signed in by now");

            let again = Question { by_post, force_authn: true, ..Question::default() };
            let page = vendor.depart(&browser, again).await;
            assert!(page.has("sign-in"), "{}", page.words());
            let reader_again = vendor.click(&browser, &patron, again).await.unwrap();
            assert_eq!(reader_again.name_id, reader.name_id);
        }
    }
}}

promise! { shared, async fn peers_learn_that_and_never_why_somebody_is_refused(library) {
    for peer in Peer::ALL {
        let Some(mut vendor) = ServiceProvider::start(peer, library, &named("refuses", peer), "").await else { continue };
        let browser = Browser::new();
        let page = vendor.arrive(&browser, &library.patron("charter_grade_5"), Question::default()).await;
        assert_eq!(page.reason().as_deref(), Some("grade-not-covered"), "{}", page.words());
        let mut told = None;
        for link in page.links().into_iter().filter(|link| link.as_str().starts_with(&library.issuer)) {
            let page = browser.open(link).await;
            if page.has("continue") {
                told = Some(page);
            }
        }
        let (_, fields) = vendor.handed_over(&told.expect("a way back to the vendor"));
        let xml = xml_of(&fields);
        assert!(xml.contains("status:RequestDenied") && !xml.contains("grade"), "{xml}");
        vendor.receive(&fields).expect_err("nobody comes");
    }
}}

promise! { shared, async fn usual_mistakes_are_named_as_the_pages_say(library) {
    let mistaken = [("VENDOR_MISTAKEN", "1")];
    for (peer, by_post, code) in [
        (Peer::Pysaml2, false, "signature-sha1"),
        (Peer::NodeSaml, false, "signature-sha1"),
        (Peer::NodeSaml, true, "message-not-text"),
    ] {
        let Some(mut vendor) = ServiceProvider::run(peer, library, &named("mistaken", peer), &mistaken) else { continue };
        vendor.declare_again(library, "").await;
        hears(&vendor.depart(&Browser::new(), Question { by_post, ..Question::default() }).await, code);
    }
    let Some(mut vendor) = ServiceProvider::start(Peer::NodeSaml, library, "blank", "").await else { return };
    hears(&vendor.depart(&Browser::new(), Question { relay_state: "a shelf", ..Question::default() }).await, "signature-wrong");
    let Some(mut stranger) = ServiceProvider::run(Peer::NodeSaml, library, "nobody-knows", &[]) else { return };
    hears(&stranger.depart(&Browser::new(), Question::default()).await, "unknown-service-provider");
}}

/// A page of ours with this code, and nothing for the vendor.
#[track_caller]
fn hears(page: &Page, code: &str) {
    let words = page.words();
    assert!(page.status == 400 && words.split(' ').any(|word| word == code), "{code}: {words}");
}

// ── What is in a message ───────────────────────────────────────────────────────────────────────────────────────────

/// An id for this promise and this peer alone, since such promises share one library.
fn named(what: &str, peer: Peer) -> String {
    format!("{what}-{peer:?}").to_lowercase()
}

/// The right side of scoped attributes.
fn scope_domain(library: &Library) -> String {
    let settings: toml::Table = std::fs::read_to_string(&library.config).unwrap().parse().unwrap();
    settings["library"]["scope_domain"].as_str().unwrap().to_owned()
}

fn xml_of(fields: &[(String, String)]) -> String {
    let (_, message) = fields.iter().find(|(name, _)| name == "SAMLResponse").unwrap();
    String::from_utf8(STANDARD.decode(message).unwrap()).unwrap()
}

/// The same fields with another response.
fn with_xml(fields: &[(String, String)], xml: &str) -> Vec<(String, String)> {
    let other = |name: &String, value: &String| {
        let value = if name == "SAMLResponse" { STANDARD.encode(xml) } else { value.clone() };
        (name.clone(), value)
    };
    fields.iter().map(|(name, value)| other(name, value)).collect()
}

/// The text before an end tag.
fn between(xml: &str, end: &str) -> String {
    let (before, _) = xml.split_once(end).unwrap_or_else(|| panic!("no {end}: {xml}"));
    before.rsplit_once('>').unwrap().1.to_owned()
}
