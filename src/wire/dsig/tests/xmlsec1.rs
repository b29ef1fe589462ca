//! What we sign verifies with `xmlsec1`, and what `xmlsec1` signs verifies here. Passed over where it is not installed.

use std::{fs, path::PathBuf, process::Command};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::forge::{LIBRARY, assertion, judge, judge_at, response};
use crate::wire::{
    dsig::{ENVELOPED, EXCLUSIVE},
    xml::{child, namespace},
};

/// A folder for one test, with the library's key and certificate in it.
struct Desk(PathBuf);

impl Desk {
    fn of(test: &str) -> Option<Desk> {
        if Command::new("xmlsec1").arg("--version").output().is_err() {
            eprintln!("xmlsec1 is not installed: {test} is passed over");
            return None;
        }
        let folder = std::env::temp_dir().join(format!("oneaccess-xmlsec1-{test}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let desk = Desk(folder);
        desk.put("key.pem", &pem("PRIVATE KEY", &LIBRARY.pkcs8));
        desk.put("cert.pem", &pem("CERTIFICATE", &LIBRARY.certificate));
        Some(desk)
    }

    fn put(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).unwrap();
    }

    /// What it says, on both outputs.
    fn run(&self, arguments: &[&str]) -> (bool, String) {
        let output = Command::new("xmlsec1").args(arguments).current_dir(&self.0).output().unwrap();
        let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        (output.status.success(), said)
    }
}

impl Drop for Desk {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn pem(name: &str, der: &[u8]) -> String {
    let lines: Vec<String> =
        STANDARD.encode(der).as_bytes().chunks(64).map(|line| String::from_utf8_lossy(line).into_owned()).collect();
    format!("-----BEGIN {name}-----\n{}\n-----END {name}-----\n", lines.join("\n"))
}

const ASSERTION_ID: &[&str] = &["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:assertion:Assertion"];
const RESPONSE_ID: &[&str] = &["--id-attr:ID", "urn:oasis:names:tc:SAML:2.0:protocol:Response"];

#[test]
fn xmlsec1_verifies_what_we_sign() {
    let Some(desk) = Desk::of("verify") else { return };
    let whom = "Ada & <Björn> \u{1f4da}\r\n\t\"";
    desk.put("assertion.xml", &LIBRARY.sign(assertion("_a1", whom), "_a1"));
    let verify = ["--verify", "--pubkey-cert-pem", "cert.pem"];
    let (right, said) = desk.run(&[&verify, ASSERTION_ID, &["assertion.xml"]].concat());
    assert!(right, "{said}");
    desk.put("response.xml", &LIBRARY.sign(response("_r1", LIBRARY.sign(assertion("_a1", whom), "_a1")), "_r1"));
    for node in ["/*/*[local-name()='Signature']", "//*[local-name()='Assertion']/*[local-name()='Signature']"] {
        let (right, said) =
            desk.run(&[&verify, ASSERTION_ID, RESPONSE_ID, &["--node-xpath", node, "response.xml"]].concat());
        assert!(right, "{node}: {said}");
    }
    let changed = fs::read_to_string(desk.0.join("assertion.xml")).unwrap().replace("Ada", "Eve");
    desk.put("assertion.xml", &changed);
    assert!(!desk.run(&[&verify, ASSERTION_ID, &["assertion.xml"]].concat()).0, "the tool does look");
}

/// As a stranger would: pretty-printed, a default namespace, and its own choice of algorithms.
fn template(signature: &str, digest: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<samlp:Response xmlns:samlp=\"{}\" xmlns:xs=\"{}\" ID=\"_r1\">\n  \
         <Assertion xmlns=\"{}\" xmlns:xsi=\"{}\" ID=\"_a1\" Version='2.0'>\n    <Issuer>x &amp; y</Issuer>\n\
         <dsig:Signature xmlns:dsig=\"http://www.w3.org/2000/09/xmldsig#\"><dsig:SignedInfo>\
         <dsig:CanonicalizationMethod Algorithm=\"{EXCLUSIVE}\"/>\n\
         <dsig:SignatureMethod Algorithm=\"{signature}\"/><dsig:Reference URI=\"#_a1\"><dsig:Transforms>\
         <dsig:Transform Algorithm=\"{ENVELOPED}\"/><dsig:Transform Algorithm=\"{EXCLUSIVE}\">\
         <c:InclusiveNamespaces xmlns:c=\"{EXCLUSIVE}\" PrefixList=\"xs #default\"/></dsig:Transform></dsig:Transforms>\
         <dsig:DigestMethod Algorithm=\"{digest}\"/><dsig:DigestValue/></dsig:Reference></dsig:SignedInfo>\
         <dsig:SignatureValue/><dsig:KeyInfo><dsig:X509Data/></dsig:KeyInfo></dsig:Signature>\n    \
         <AttributeValue xsi:type=\"xs:string\" b='2' a='1'>Ada<![CDATA[ & Björn]]></AttributeValue>\n  </Assertion>\n</samlp:Response>\n",
        namespace::PROTOCOL,
        namespace::SCHEMA,
        namespace::ASSERTION,
        namespace::SCHEMA_INSTANCE,
    )
}

#[test]
fn what_xmlsec1_signs_verifies_here() {
    let Some(desk) = Desk::of("sign") else { return };
    let sign = |signature: &str, digest: &str| {
        desk.put("template.xml", &template(signature, digest));
        let key = "key.pem,cert.pem";
        let (right, said) = desk.run(&[&["--sign", "--privkey-pem", key], ASSERTION_ID, &["template.xml"]].concat());
        assert!(right, "{said}");
        said
    };
    let inside = |xml: &str| judge_at(xml, |root| child(root, namespace::ASSERTION, "Assertion").unwrap());
    for (signature, digest) in
        [("sha256", "xmlenc#sha256"), ("sha384", "xmldsig-more#sha384"), ("sha512", "xmlenc#sha512")]
    {
        let signed = sign(
            &format!("http://www.w3.org/2001/04/xmldsig-more#rsa-{signature}"),
            &format!("http://www.w3.org/2001/04/{digest}"),
        );
        assert_eq!(inside(&signed), Ok(()), "{signed}");
        assert_eq!(inside(&signed.replace("Björn", "Eve")), Err("signature-changed"));
        assert_eq!(judge(&signed), Err("signature-missing"));
    }
    let weak = sign("http://www.w3.org/2000/09/xmldsig#rsa-sha1", "http://www.w3.org/2000/09/xmldsig#sha1");
    assert_eq!(inside(&weak), Err("signature-sha1"));
}
