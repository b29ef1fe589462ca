//! What we publish and send, seen by xmlsec1.

use std::process::Command;

use super::*;

const RESPONSE: &str = "urn:oasis:names:tc:SAML:2.0:protocol:Response";
const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion:Assertion";
const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata:EntityDescriptor";

promise! { shared, async fn signatures_hold_for_xmlsec1(library) {
    let Some(xmlsec1) = Xmlsec1::here() else { return };
    let metadata = Browser::new().get(library.url("/saml/metadata")).await.body;
    let certificate = certificate_of(&metadata);
    xmlsec1.verify(&metadata, METADATA, "EntityDescriptor", &certificate).unwrap();
    let renamed = metadata.replace("/saml/sso", "/evil/sso");
    assert_ne!(renamed, metadata);
    xmlsec1.verify(&renamed, METADATA, "EntityDescriptor", &certificate).unwrap_err();

    let Some(mut vendor) = ServiceProvider::plain(Peer::Pysaml2, library, "xmlsec-plain", "").await else { return };
    let patron = library.patron("district_grade_7");
    let page = vendor.arrive(&Browser::new(), &patron, Question::default()).await;
    let response = xml_of(&vendor.handed_over(&page).1);
    for (element, name) in [(RESPONSE, "Response"), (ASSERTION, "Assertion")] {
        xmlsec1.verify(&response, element, name, &certificate).unwrap();
    }
    let bent = response.replace("</saml:NameID>", "x</saml:NameID>");
    for (element, name) in [(RESPONSE, "Response"), (ASSERTION, "Assertion")] {
        xmlsec1.verify(&bent, element, name, &certificate).unwrap_err();
    }
    let refusal = vendor.depart(&Browser::new(), Question { is_passive: true, ..Question::default() }).await;
    let refusal = xml_of(&vendor.handed_over(&refusal).1);
    xmlsec1.verify(&refusal, RESPONSE, "Response", &certificate).unwrap();
}}

promise! { shared, async fn what_is_encrypted_opens_for_xmlsec1_and_the_vendors_key(library) {
    let Some(xmlsec1) = Xmlsec1::here() else { return };
    let certificate = certificate_of(&Browser::new().get(library.url("/saml/metadata")).await.body);
    for method in ["aes256-gcm", "aes128-gcm", "aes256-cbc", "aes128-cbc"] {
        let lines = format!("encryption_method = \"{method}\"");
        let id = format!("xmlsec-{method}");
        let Some(mut vendor) = ServiceProvider::start(Peer::Pysaml2, library, &id, &lines).await else { return };
        let page = vendor.arrive(&Browser::new(), &library.patron("district_grade_2"), Question::default()).await;
        let response = xml_of(&vendor.handed_over(&page).1);
        xmlsec1.verify(&response, RESPONSE, "Response", &certificate).unwrap();
        let opened = xmlsec1.decrypt(&response, &vendor.identity).unwrap();
        assert!(opened.contains("juvenile"), "{method}: {opened}");
        xmlsec1.verify(&opened, ASSERTION, "Assertion", &certificate).unwrap();
        xmlsec1.decrypt(&response, &Identity::new("somebody.example")).unwrap_err();
    }
}}

pub(super) struct Xmlsec1 {
    program: String,
    folder: Folder,
}

impl Xmlsec1 {
    pub fn here() -> Option<Xmlsec1> {
        Some(Xmlsec1 { program: part("ONEACCESS_TEST_XMLSEC1", "xmlsec1")?, folder: Folder::new() })
    }

    /// The signature that is a child of the first element of this name, over the element that its reference names.
    pub fn verify(&self, xml: &str, element: &str, name: &str, certificate: &str) -> Result<String, String> {
        let file = self.folder.write("message.xml", xml);
        let certificate = self.folder.write("certificate.pem", certificate);
        let signature = format!("//*[local-name()='{name}']/*[local-name()='Signature']");
        let (certificate, file) = (certificate.to_string_lossy(), file.to_string_lossy());
        self.run(&[
            "--verify",
            "--enabled-key-data",
            "x509",
            "--pubkey-cert-pem",
            &certificate,
            "--id-attr:ID",
            element,
            "--node-xpath",
            &signature,
            &file,
        ])
    }

    pub fn decrypt(&self, xml: &str, identity: &Identity) -> Result<String, String> {
        let file = self.folder.write("sealed.xml", xml);
        self.run(&["--decrypt", "--privkey-pem", &identity.key.to_string_lossy(), &file.to_string_lossy()])
    }

    fn run(&self, arguments: &[&str]) -> Result<String, String> {
        let done = Command::new(&self.program).args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }
}

/// The first certificate of a metadata document, as PEM.
pub(super) fn certificate_of(metadata: &str) -> String {
    let text: String = between(metadata, "</ds:X509Certificate>").split_whitespace().collect();
    let lines: Vec<&str> = text.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
    format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
}
