//! What the usual software publishes is understood.

use super::{fixtures::*, *};
use crate::wire::saml::{binding, format};

fn bindings(endpoints: &[Endpoint]) -> Vec<&str> {
    endpoints.iter().map(|endpoint| endpoint.binding.as_str()).collect()
}

fn default_of(sp: &ServiceProvider) -> &str {
    &sp.default_acs().unwrap().location
}

#[test]
fn mellon() {
    let sp = parsed(MELLON).unwrap();
    assert_eq!(sp.entity_id, "https://wiki.example/mellon/metadata");
    assert!(sp.authn_requests_signed && sp.want_assertions_signed);
    assert_eq!((subjects(&sp.signing), encrypting(&sp)), (vec!["CN=One Example"], vec!["CN=One Example"]));
    assert_eq!(bindings(&sp.acs), [binding::POST, binding::ARTIFACT, binding::PAOS]);
    assert_eq!(bindings(&sp.slo), [binding::SOAP, binding::REDIRECT]);
    assert_eq!(default_of(&sp), "https://wiki.example/mellon/postResponse");
    assert_eq!(sp.name_id_formats, [format::TRANSIENT]);
}

#[test]
fn shibboleth() {
    let sp = parsed(SHIBBOLETH).unwrap();
    assert_eq!(sp.acs.len(), 5);
    assert_eq!(default_of(&sp), "https://press.example/Shibboleth.sso/SAML2/POST");
    assert_eq!(sp.registration_authority.as_deref(), Some("https://federation.example/"));
    assert_eq!(sp.entity_categories().collect::<Vec<_>>(), ["https://refeds.org/category/pseudonymous"]);
    assert_eq!(sp.subject_id_required(), Some(SubjectId::PairwiseId));
    assert_eq!(in_language(&sp.display_name, "es"), Some("Prensa Ficticia"));
    assert_eq!(in_language(&sp.description, "es"), Some("Journals that nobody writes"));
    assert_eq!(in_language(&sp.information_url, "en"), Some("https://press.example/about"));
    assert_eq!(in_language(&sp.privacy_statement_url, "en"), Some("https://press.example/privacy"));
    let sizes: Vec<_> = sp.logo.iter().map(|logo| (logo.width, logo.height, logo.lang.as_deref())).collect();
    assert_eq!(sizes, [(Some(16), Some(16), None), (Some(80), Some(60), Some("es"))]);
    let organization = sp.organization.as_ref().unwrap();
    assert_eq!(in_language(&organization.name, "en"), Some("Fictional Press"));
    assert_eq!(in_language(&organization.display_name, "en"), Some("Fictional Press (not there)"));
    assert_eq!(in_language(&organization.url, "en"), Some("https://press.example/"));
    let contacts: Vec<_> = sp.contacts.iter().map(|contact| (contact.kind.as_str(), contact.emails.concat())).collect();
    assert_eq!(
        contacts,
        [
            ("technical", "tech@press.examplemore@press.example".to_owned()),
            ("security", "security@press.example".to_owned())
        ]
    );
    assert_eq!(sp.contacts[0].given_name.as_deref(), Some("Nobody"));
    assert_eq!(sp.contacts[0].sur_name.as_deref(), Some("Example"));
    assert_eq!(sp.contacts[1].company.as_deref(), Some("Fictional Press"));
    assert_eq!(sp.encryption[0].methods.len(), 2);
}

#[test]
fn pysaml2() {
    let sp = parsed(PYSAML2).unwrap();
    assert_eq!(sp.entity_id, "http://localhost:8087/sp.xml");
    assert_eq!((subjects(&sp.signing), encrypting(&sp)), (vec!["CN=One Example"], vec!["CN=Two Example"]));
    assert_eq!(sp.default_acs().unwrap().reach(), Reach::Loopback);
    assert_eq!(sp.attributes_asked(None).unwrap().requested[0].friendly_name.as_deref(), Some("givenName"));
    assert_eq!(sp.contacts[0].emails, ["tech@sp.example"]);
}

#[test]
fn python3_saml() {
    let sp = parsed(PYTHON3_SAML).unwrap();
    assert_eq!(sp.valid_until, Some(1_795_944_600_000));
    assert_eq!(sp.cache_duration, Some(604_800));
    assert_eq!(default_of(&sp), "https://reader.example/?acs");
    assert!(!sp.attributes_asked(Some(1)).unwrap().requested[0].required);
}

#[test]
fn node_saml() {
    let sp = parsed(NODE_SAML).unwrap();
    assert_eq!(sp.entity_id, "quiz-app");
    assert_eq!(subjects(&sp.signing), ["CN=One Example", "CN=Two Example"]);
    assert_eq!(encrypting(&sp), ["CN=Three Example"]);
    assert_eq!(sp.encryption[0].methods[0], "http://www.w3.org/2009/xmlenc11#aes256-gcm");
}

#[test]
fn a_vendor_with_several_hosts() {
    let sp = parsed(VENDOR_HOSTS).unwrap();
    assert!(sp.want_assertions_signed && sp.signing.is_empty());
    assert_eq!(default_of(&sp), "https://login.articles.example/SAML/POST");
    assert_eq!(sp.name_id_formats, [format::TRANSIENT, format::PERSISTENT]);
}

#[test]
fn a_vendor_with_a_group_around_itself_and_an_address_that_nothing_is_sent_to() {
    let sp = parsed(VENDOR_GROUP).unwrap();
    assert_eq!(sp.valid_until.map(instant::write).unwrap(), "2027-01-01T00:00:00.000Z");
    assert_eq!((sp.signing.len(), sp.encryption.len()), (1, 1));
    assert_eq!(sp.default_acs().unwrap().reach(), Reach::Unsafe);
}

#[test]
fn every_fixture_reads() {
    for fixture in ALL {
        assert!(parsed(fixture).is_ok(), "{fixture}");
    }
}
