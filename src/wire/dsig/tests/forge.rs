//! What the tests sign with: keys, honest messages, and a hand that signs whatever it is told to.

use std::sync::LazyLock;

use aws_lc_rs::{
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::RSA_PKCS1_SHA256,
};
use base64::{Engine, engine::general_purpose::STANDARD};

use crate::wire::{
    dsig::{Algorithm, Digest, ENVELOPED, EXCLUSIVE, Error, PublicKey, Signer, sign, verify},
    xml::{MESSAGE, Node, parse, write::Element},
};

pub struct Party {
    pub pair: KeyPair,
    pub pkcs8: Vec<u8>,
    pub certificate: Vec<u8>,
}

impl Party {
    fn new(size: KeySize) -> Party {
        use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
        let pair = KeyPair::generate(size).unwrap();
        let der: Pkcs8V1Der<'_> = pair.as_der().unwrap();
        let pkcs8 = der.as_ref().to_vec();
        let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.clone().into(), &rcgen::PKCS_RSA_SHA256).unwrap();
        let params = rcgen::CertificateParams::new(vec!["library.example".to_owned()]).unwrap();
        let certificate = params.self_signed(&key).unwrap().der().to_vec();
        Party { pair, pkcs8, certificate }
    }

    pub fn key(&self) -> PublicKey {
        PublicKey::from_certificate(&self.certificate).unwrap()
    }

    pub fn octets(&self, octets: &[u8]) -> Vec<u8> {
        let mut signature = vec![0; self.pair.public_modulus_len()];
        self.pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), octets, &mut signature).unwrap();
        signature
    }

    pub fn sign(&self, element: Element, id: &str) -> String {
        let by = |octets: &[u8]| Ok(self.octets(octets));
        sign(element, id, &Signer { certificate: &STANDARD.encode(&self.certificate), sign: &by }).unwrap()
    }
}

pub static LIBRARY: LazyLock<Party> = LazyLock::new(|| Party::new(KeySize::Rsa2048));
pub static MALLORY: LazyLock<Party> = LazyLock::new(|| Party::new(KeySize::Rsa2048));

/// What a message says of whom; the one thing that Mallory wants changed.
pub fn assertion(id: &str, whom: &str) -> Element {
    let value = Element::new("saml:AttributeValue").attr("xsi:type", "xs:string").text(whom);
    Element::new("saml:Assertion")
        .attr("ID", id)
        .attr("Version", "2.0")
        .attr("IssueInstant", "2026-03-01T12:00:00.000Z")
        .child(Element::new("saml:Issuer").text("https://login.library.example/saml"))
        .child(Element::new("saml:Subject").child(Element::new("saml:NameID").text(whom)))
        .child(
            Element::new("saml:AttributeStatement")
                .child(Element::new("saml:Attribute").attr("Name", "urn:oid:0.9.2342.19200300.100.1.1").child(value)),
        )
}

pub fn response(id: &str, assertion: String) -> Element {
    Element::new("samlp:Response")
        .attr("ID", id)
        .attr("Version", "2.0")
        .attr("IssueInstant", "2026-03-01T12:00:00.000Z")
        .child(Element::new("saml:Issuer").text("https://login.library.example/saml"))
        .child(
            Element::new("samlp:Status")
                .child(Element::new("samlp:StatusCode").attr("Value", "urn:oasis:names:tc:SAML:2.0:status:Success")),
        )
        .raw(assertion)
}

/// The `ds:Signature` of a signed text, and the text without it.
pub fn torn(signed: &str) -> (String, String) {
    let start = signed.find("<ds:Signature ").unwrap();
    let end = signed.find("</ds:Signature>").unwrap() + "</ds:Signature>".len();
    (signed[start..end].to_owned(), format!("{}{}", &signed[..start], &signed[end..]))
}

/// What `verify` says of the document element, by the library's key.
pub fn judge(xml: &str) -> Result<(), &'static str> {
    judge_at(xml, |root| root)
}

pub fn judge_at(xml: &str, at: impl for<'a, 'i> Fn(Node<'a, 'i>) -> Node<'a, 'i>) -> Result<(), &'static str> {
    let document = parse(xml, &MESSAGE).map_err(|e| e.code())?;
    let node = at(document.root_element());
    let signed = verify(node, &[LIBRARY.key()]).map_err(|e: Error| e.code())?;
    assert_eq!(signed.node(), node);
    Ok(())
}

/// A signature over `<A ID="_1">…</A>` of the tests' choice, each part of which may be another than it should. The
/// library's own key signs it: but for what is odd about it, it would verify.
pub struct Odd {
    pub content: String,
    pub canonicalization: String,
    pub method: String,
    pub uri: String,
    pub transforms: String,
    pub digest_method: String,
    pub digest_value: String,
    /// After the first Reference.
    pub more_info: String,
    pub key_info: String,
    /// Of the text that is signed, into the text that goes into the message.
    pub written: fn(String) -> String,
    pub value: fn(Vec<u8>) -> String,
    pub signer: &'static LazyLock<Party>,
}

pub const CONTENT: &str = "<B>Ada</B>";
const DS: &str = " xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"";

pub fn transform(uri: &str) -> String {
    format!("<ds:Transform Algorithm=\"{uri}\"></ds:Transform>")
}

pub fn digest(content: &str) -> String {
    STANDARD.encode(Digest::Sha256.of(&format!("<A ID=\"_1\">{content}</A>")))
}

impl Odd {
    pub fn new() -> Odd {
        Odd {
            content: CONTENT.to_owned(),
            canonicalization: format!("Algorithm=\"{EXCLUSIVE}\">"),
            method: format!("Algorithm=\"{}\">", Algorithm::RsaSha256.uri()),
            uri: " URI=\"#_1\"".to_owned(),
            transforms: format!("<ds:Transforms>{}{}</ds:Transforms>", transform(ENVELOPED), transform(EXCLUSIVE)),
            digest_method: format!("Algorithm=\"{}\">", Digest::Sha256.uri()),
            digest_value: format!("<ds:DigestValue>{}</ds:DigestValue>", digest(CONTENT)),
            more_info: String::new(),
            key_info: String::new(),
            written: |info| info,
            value: |signature| format!("<ds:SignatureValue>{}</ds:SignatureValue>", STANDARD.encode(signature)),
            signer: &LIBRARY,
        }
    }

    fn info(&self) -> String {
        format!(
            "<ds:SignedInfo{DS}><ds:CanonicalizationMethod {}</ds:CanonicalizationMethod>\
             <ds:SignatureMethod {}</ds:SignatureMethod>{}{}</ds:SignedInfo>",
            self.canonicalization,
            self.method,
            self.reference(),
            self.more_info,
        )
    }

    pub fn reference(&self) -> String {
        format!(
            "<ds:Reference{}>{}<ds:DigestMethod {}</ds:DigestMethod>{}</ds:Reference>",
            self.uri, self.transforms, self.digest_method, self.digest_value,
        )
    }

    pub fn signature(&self) -> String {
        let info = self.info();
        let value = (self.value)(self.signer.octets(info.as_bytes()));
        let written = (self.written)(info.replacen(DS, "", 1));
        format!("<ds:Signature{DS}>{written}{value}{}</ds:Signature>", self.key_info)
    }

    pub fn message(&self) -> String {
        format!("<A ID=\"_1\">{}{}</A>", self.signature(), self.content)
    }

    pub fn verdict(&self) -> Result<(), &'static str> {
        judge(&self.message())
    }
}
