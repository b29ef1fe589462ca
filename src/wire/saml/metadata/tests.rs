mod finding;
mod fixtures;
mod places;
mod software;

use std::sync::LazyLock;

use base64::{Engine, engine::general_purpose::STANDARD};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair};

pub(in crate::wire::saml) use self::fixtures::ALL;
use self::fixtures::MINIMAL;
use super::*;

/// Three certificates of nobody, DER as base64.
static CERTIFICATES: LazyLock<Vec<String>> =
    LazyLock::new(|| ["One Example", "Two Example", "Three Example"].map(certificate).to_vec());

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.not_after = rcgen::date_time_ymd(2031, 1, 2);
    params
}

fn certificate(name: &str) -> String {
    let key = KeyPair::generate().unwrap();
    STANDARD.encode(params(name).self_signed(&key).unwrap().der())
}

/// Puts certificates where a fixture has `{1}`, `{2}` and `{3}`.
pub(in crate::wire::saml) fn filled(fixture: &str) -> String {
    let places = ["{1}", "{2}", "{3}"].into_iter().zip(CERTIFICATES.iter());
    places.fold(fixture.to_owned(), |text, (place, certificate)| text.replace(place, certificate))
}

fn parsed(text: &str) -> Result<ServiceProvider, Error> {
    let text = filled(text);
    let document = xml::parse(&text, &xml::METADATA)?;
    read(find_entity(document.root_element(), None)?)
}

fn code(read: Result<ServiceProvider, Error>) -> &'static str {
    read.map(|sp| sp.entity_id).unwrap_err().code()
}

/// The shortest metadata, with more inside its role.
fn with(inside: &str) -> Result<ServiceProvider, Error> {
    let (head, tail) = MINIMAL.split_once("<md:AssertionConsumerService").unwrap();
    parsed(&format!("{head}{inside}<md:AssertionConsumerService{tail}"))
}

/// The shortest metadata, with more before its role.
fn beside(before: &str) -> Result<ServiceProvider, Error> {
    parsed(&MINIMAL.replace("<md:SPSSODescriptor", &format!("{before}<md:SPSSODescriptor")))
}

fn key(attributes: &str, certificates: &str) -> String {
    format!(
        r#"<md:KeyDescriptor {attributes}><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#">
           <ds:X509Data>{certificates}</ds:X509Data></ds:KeyInfo></md:KeyDescriptor>"#
    )
}

fn x509(certificate: &str) -> String {
    format!("<ds:X509Certificate>{certificate}</ds:X509Certificate>")
}

fn subjects(certificates: &[Certificate]) -> Vec<&str> {
    certificates.iter().map(|certificate| certificate.subject.as_str()).collect()
}

fn encrypting(sp: &ServiceProvider) -> Vec<&str> {
    sp.encryption.iter().map(|key| key.certificate.subject.as_str()).collect()
}

#[test]
fn the_shortest_metadata_says_where_answers_go_and_nothing_else() {
    let sp = parsed(MINIMAL).unwrap();
    assert_eq!(sp.entity_id, "https://sp.example/saml");
    assert_eq!(sp.acs.len(), 1);
    assert!(!sp.authn_requests_signed && !sp.want_assertions_signed);
    assert!(sp.signing.is_empty() && sp.encryption.is_empty() && sp.slo.is_empty() && sp.contacts.is_empty());
    assert_eq!((sp.valid_until, sp.cache_duration, sp.registration_authority), (None, None, None));
}

#[test]
fn a_key_without_use_is_for_both_and_each_key_is_told_once() {
    let sp =
        with(&[key("", &x509("{1}")), key("use='signing'", &x509("{2}")), key("use='signing'", &x509("{1}"))].concat());
    let sp = sp.unwrap();
    assert_eq!(subjects(&sp.signing), ["CN=One Example", "CN=Two Example"]);
    assert_eq!(encrypting(&sp), ["CN=One Example"]);
    let sp = with(&[key("use='encryption'", &x509("{3}")), key("", &x509("{3}"))].concat()).unwrap();
    assert_eq!((sp.signing.len(), sp.encryption.len()), (1, 1));
    assert_eq!(code(with(&key("use='Signing'", &x509("{1}")))), "unknown-value");
}

#[test]
fn several_certificates_in_one_descriptor_all_count() {
    let sp = with(&key("", &[x509("{1}"), x509("{2}")].concat())).unwrap();
    assert_eq!(subjects(&sp.signing), ["CN=One Example", "CN=Two Example"]);
}

#[test]
fn an_authority_that_stands_in_the_chain_signs_for_nobody() {
    let mut authority = params("Authority Example");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(authority, KeyPair::generate().unwrap()).unwrap();
    let leaf = params("Leaf Example").signed_by(&KeyPair::generate().unwrap(), &authority).unwrap();
    let [authority, leaf] = [authority.as_ref().der(), leaf.der()].map(|der| x509(&STANDARD.encode(der)));
    for chain in [[&*leaf, &*authority].concat(), [&*authority, &*leaf].concat()] {
        let sp = with(&key("", &chain)).unwrap();
        assert_eq!(subjects(&sp.signing), ["CN=Leaf Example"]);
        assert_eq!(encrypting(&sp), ["CN=Leaf Example"]);
    }
    assert_eq!(subjects(&with(&key("", &authority)).unwrap().signing), ["CN=Authority Example"], "alone it is its own");
}

#[test]
fn a_certificate_is_known_by_its_fingerprint_and_its_end() {
    let sp = with(&key("", &x509("{1}"))).unwrap();
    let certificate = &sp.signing[0];
    assert_eq!(STANDARD.encode(&certificate.der), CERTIFICATES[0]);
    assert_eq!(
        certificate.fingerprint,
        hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &certificate.der))
    );
    assert_eq!(instant::write(certificate.not_after), "2031-01-02T00:00:00.000Z");
}

#[test]
fn white_space_in_a_certificate_is_passed_over_and_anything_else_is_not() {
    let lines = CERTIFICATES[0].as_bytes().chunks(64).map(|line| String::from_utf8(line.to_vec()).unwrap());
    let broken = format!("\n\t\t{}\r\n ", lines.collect::<Vec<_>>().join("\r\n\t\t"));
    assert_eq!(with(&key("", &x509(&broken))).unwrap().signing[0].subject, "CN=One Example");
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----", CERTIFICATES[0]);
    let longer = STANDARD.encode([STANDARD.decode(&CERTIFICATES[0]).unwrap(), vec![0]].concat());
    for (bad, why) in [
        ("", "empty"),
        (" ", "empty"),
        (&pem, "BEGIN and END"),
        ("MIIC=", "not base64"),
        ("…", "not base64"),
        ("{1}=", "not base64"),
        ("bm8gY2VydGlmaWNhdGU=", "no X.509"),
        ("MIIC", "no X.509"),
        (&longer, "no X.509"),
    ] {
        let error = with(&key("", &x509(bad))).unwrap_err();
        assert_eq!(error.code(), "certificate", "{bad}");
        assert!(error.to_string().contains(why), "{bad}: {error}");
    }
    assert_eq!(code(with(&key("", &x509("MII<!-- -->C")))), "xml-not-text");
}

#[test]
fn a_key_that_is_no_certificate_is_passed_over() {
    let named = r#"<md:KeyDescriptor><ds:KeyInfo xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:KeyName>k</ds:KeyName>
        <ds:KeyValue><ds:RSAKeyValue/></ds:KeyValue></ds:KeyInfo></md:KeyDescriptor>"#;
    assert!(with(named).unwrap().signing.is_empty());
}

#[test]
fn encryption_methods_are_told_in_their_order() {
    let methods = r#"</ds:KeyInfo><md:EncryptionMethod Algorithm="http://www.w3.org/2009/xmlenc11#aes256-gcm"/>
        <md:EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"/>"#;
    let sp = with(&key("use='encryption'", &x509("{1}")).replace("</ds:KeyInfo>", methods)).unwrap();
    assert_eq!(
        sp.encryption[0].methods,
        ["http://www.w3.org/2009/xmlenc11#aes256-gcm", "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p"]
    );
    let nameless = methods.replacen("Algorithm", "algorithm", 1);
    assert_eq!(code(with(&key("", &x509("{1}")).replace("</ds:KeyInfo>", &nameless))), "missing");
}

#[test]
fn who_is_no_saml_2_0_service_provider_is_told_so() {
    let role = |role: &str| parsed(&MINIMAL.replace("SPSSODescriptor", role));
    assert_eq!(code(role("IDPSSODescriptor")), "identity-provider");
    assert_eq!(code(role("PDPDescriptor")), "no-service-provider");
    let old = MINIMAL.replace("urn:oasis:names:tc:SAML:2.0:protocol", "urn:oasis:names:tc:SAML:1.1:protocol");
    assert_eq!(code(parsed(&old)), "old-saml-version");
    assert_eq!(code(parsed(&MINIMAL.replace("protocolSupportEnumeration", "other"))), "old-saml-version");
    let both = "urn:oasis:names:tc:SAML:1.1:protocol\n urn:oasis:names:tc:SAML:2.0:protocol";
    assert!(parsed(&MINIMAL.replace("urn:oasis:names:tc:SAML:2.0:protocol", both)).is_ok());
}

#[test]
fn of_several_roles_the_one_for_saml_2_0_counts() {
    let old = r#"<md:SPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:1.1:protocol">
        <md:AssertionConsumerService index="1" Binding="urn:oasis:names:tc:SAML:1.0:profiles:browser-post"
          Location="https://old.example/acs"/></md:SPSSODescriptor>
        <md:IDPSSODescriptor protocolSupportEnumeration="urn:oasis:names:tc:SAML:2.0:protocol"/>"#;
    assert_eq!(beside(old).unwrap().acs, parsed(MINIMAL).unwrap().acs);
}

#[test]
fn the_earliest_end_and_the_shortest_duration_count() {
    let times = |entity: &str, role: &str, group: &str| {
        let text = MINIMAL
            .replace("entityID=", &format!("{entity} entityID="))
            .replace("protocolSupportEnumeration=", &format!("{role} protocolSupportEnumeration="));
        let group = format!(r#"<md:EntitiesDescriptor xmlns:md="urn:oasis:names:tc:SAML:2.0:metadata" {group}>"#);
        parsed(&format!("{group}{text}</md:EntitiesDescriptor>")).map(|sp| (sp.valid_until, sp.cache_duration))
    };
    let end = |year: u32| format!(r#"validUntil="{year}-01-01T00:00:00Z""#);
    let first_of = |year: u32| instant::parse(&format!("{year}-01-01T00:00:00Z"));
    for (entity, role, group, earliest) in
        [(2030, 2031, 2032, 2030), (2031, 2030, 2032, 2030), (2032, 2031, 2001, 2001)]
    {
        assert_eq!(times(&end(entity), &end(role), &end(group)), Ok((first_of(earliest), None)));
    }
    let lasts = |text: &str| format!(r#"cacheDuration="{text}""#);
    assert_eq!(times(&lasts("P1D"), &lasts("PT6H"), &lasts("P7D")), Ok((None, Some(21_600))));
    for bad in ["tomorrow", "", "-P1D", "6h"] {
        assert_eq!(times(&lasts(bad), "", "").unwrap_err().code(), "no-duration", "{bad}");
        assert_eq!(times("", "", &format!(r#"validUntil="{bad}""#)).unwrap_err().code(), "no-time", "{bad}");
    }
}

#[test]
fn an_end_that_is_past_is_told_and_not_judged() {
    let past = MINIMAL.replace("entityID=", r#"validUntil="2001-02-03T04:05:06Z" entityID="#);
    assert_eq!(parsed(&past).unwrap().valid_until.map(instant::write).unwrap(), "2001-02-03T04:05:06.000Z");
}

#[test]
fn an_entity_id_is_there_and_bounded() {
    let id = |id: &str| parsed(&MINIMAL.replace("https://sp.example/saml", id));
    assert_eq!(code(id("")), "empty");
    assert_eq!(code(id(&"a".repeat(1025))), "value-too-long");
    assert_eq!(code(parsed(&MINIMAL.replace("entityID", "entityId"))), "missing");
}

#[test]
fn comments_stand_between_elements_but_in_no_value() {
    let spaced = MINIMAL.replace("><", "><!-- a comment --><");
    assert_eq!(parsed(&spaced).unwrap(), parsed(MINIMAL).unwrap());
    let format = |text: &str| with(&format!("<md:NameIDFormat>{text}</md:NameIDFormat>"));
    assert_eq!(format(" urn:a\n").unwrap().name_id_formats, ["urn:a"]);
    assert_eq!(code(format("urn:<!-- -->a")), "xml-not-text");
    assert_eq!(code(format("")), "empty");
}

#[test]
fn asked_attributes_are_read_with_their_names() {
    let sp = with(
        r#"<md:AttributeConsumingService index="0"><md:ServiceName xml:lang="en">Books</md:ServiceName>
             <md:ServiceName xml:lang="de">Bücher</md:ServiceName>
             <md:RequestedAttribute Name="urn:oid:0.9.2342.19200300.100.1.3" FriendlyName="mail" isRequired="true"
               NameFormat="urn:oasis:names:tc:SAML:2.0:attrname-format:uri"/>
             <md:RequestedAttribute Name="grade"><saml:AttributeValue
               xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">7<!-- --></saml:AttributeValue></md:RequestedAttribute>
           </md:AttributeConsumingService>
           <md:AttributeConsumingService index="1" isDefault="true"/>"#,
    )
    .unwrap();
    let service = &sp.attribute_consuming[0];
    assert_eq!(in_language(&service.service_names, "de-AT"), Some("Bücher"));
    assert_eq!(
        service.requested,
        [
            RequestedAttribute {
                name: "urn:oid:0.9.2342.19200300.100.1.3".to_owned(),
                name_format: Some("urn:oasis:names:tc:SAML:2.0:attrname-format:uri".to_owned()),
                friendly_name: Some("mail".to_owned()),
                required: true,
            },
            RequestedAttribute { name: "grade".to_owned(), name_format: None, friendly_name: None, required: false },
        ]
    );
    assert_eq!(sp.attributes_asked(None).map(|service| service.index), Some(1), "the marked default");
    assert_eq!(sp.attributes_asked(Some(0)).map(|service| service.requested.len()), Some(2));
    assert_eq!(sp.attributes_asked(Some(2)), None);
    let twice = r#"<md:AttributeConsumingService index="3"/>"#.repeat(2);
    assert_eq!(code(with(&twice)), "index-twice");
    assert_eq!(code(with("<md:AttributeConsumingService/>")), "missing");
    let nameless = r#"<md:AttributeConsumingService index="1"><md:RequestedAttribute/></md:AttributeConsumingService>"#;
    assert_eq!(code(with(nameless)), "missing");
}

fn categories(values: &str) -> Result<ServiceProvider, Error> {
    beside(&format!(
        r#"<md:Extensions><mdattr:EntityAttributes xmlns:mdattr="urn:oasis:names:tc:SAML:metadata:attribute"
             xmlns:saml="urn:oasis:names:tc:SAML:2.0:assertion">{values}</mdattr:EntityAttributes></md:Extensions>"#
    ))
}

#[test]
fn entity_categories_are_read_whatever_they_are() {
    const KNOWN: [&str; 6] = [
        "http://www.geant.net/uri/dataprotection-code-of-conduct/v1",
        "https://refeds.org/category/code-of-conduct/v2",
        "http://refeds.org/category/research-and-scholarship",
        "https://refeds.org/category/anonymous",
        "https://refeds.org/category/pseudonymous",
        "https://refeds.org/category/personalized",
    ];
    let values = KNOWN.map(|uri| format!("<saml:AttributeValue>\n  {uri}\n</saml:AttributeValue>")).concat();
    let attribute = |name: &str, values: &str| format!(r#"<saml:Attribute Name="{name}">{values}</saml:Attribute>"#);
    let sp = categories(
        &[
            attribute("http://macedir.org/entity-category", &values),
            attribute("http://macedir.org/entity-category", "<saml:AttributeValue>urn:more</saml:AttributeValue>"),
            attribute("urn:other", "<saml:AttributeValue><saml:NameID>x</saml:NameID></saml:AttributeValue>"),
            "<saml:Assertion/>".to_owned(),
        ]
        .concat(),
    )
    .unwrap();
    assert_eq!(sp.entity_categories().collect::<Vec<_>>(), [&KNOWN[..], &["urn:more"]].concat());
    assert_eq!(sp.entity_attributes.len(), 3);
    let split = "<saml:AttributeValue>urn:a<!-- -->b</saml:AttributeValue>";
    assert_eq!(code(categories(&attribute("http://macedir.org/entity-category", split))), "xml-not-text");
}

#[test]
fn the_subject_identifier_asked_for_is_one_of_four_or_not_known() {
    let asked = |values: &[&str]| {
        let values: String = values.iter().map(|v| format!("<saml:AttributeValue>{v}</saml:AttributeValue>")).collect();
        let name = "urn:oasis:names:tc:SAML:profiles:subject-id:req";
        categories(&format!(r#"<saml:Attribute Name="{name}">{values}</saml:Attribute>"#))
            .unwrap()
            .subject_id_required()
    };
    assert_eq!(asked(&["subject-id"]), Some(SubjectId::SubjectId));
    assert_eq!(asked(&["pairwise-id"]), Some(SubjectId::PairwiseId));
    assert_eq!(asked(&["none"]), Some(SubjectId::None));
    assert_eq!(asked(&["any"]), Some(SubjectId::Any));
    for odd in [&["Any"][..], &["pairwise-id", "subject-id"], &[""], &[]] {
        assert_eq!(asked(odd), None, "{odd:?}");
    }
}

#[test]
fn a_text_is_told_in_the_nearest_language() {
    let texts = |langs: &[&str]| -> Vec<Localized> {
        langs.iter().map(|lang| Localized { lang: (*lang).to_owned(), text: (*lang).to_owned() }).collect()
    };
    for (langs, wanted, told) in [
        (&["en", "de", "de-AT"][..], "de-AT", Some("de-AT")),
        (&["en", "de"], "de-AT", Some("de")),
        (&["en", "de-AT"], "de", Some("de-AT")),
        (&["fr", "EN-us"], "de", Some("EN-us")),
        (&["fr", "it"], "de", Some("fr")),
        (&["", "fr"], "de", Some("")),
        (&[], "de", None),
    ] {
        assert_eq!(in_language(&texts(langs), wanted), told, "{langs:?} {wanted}");
    }
}
