use std::{collections::HashSet, sync::LazyLock};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::*;
use crate::wire::xml::{MESSAGE, child, namespace, parse, write::Element};

mod xmlsec1;

struct Vendor {
    pkcs8: Vec<u8>,
    certificate: Vec<u8>,
}

impl Vendor {
    fn new() -> Vendor {
        use aws_lc_rs::{
            encoding::{AsDer, Pkcs8V1Der},
            rsa::{KeyPair, KeySize},
        };
        let der: Pkcs8V1Der<'_> = KeyPair::generate(KeySize::Rsa2048).unwrap().as_der().unwrap();
        let pkcs8 = der.as_ref().to_vec();
        let key = rcgen::KeyPair::from_pkcs8_der_and_sign_algo(&pkcs8.clone().into(), &rcgen::PKCS_RSA_SHA256).unwrap();
        let params = rcgen::CertificateParams::new(vec!["vendor.example".to_owned()]).unwrap();
        Vendor { pkcs8, certificate: params.self_signed(&key).unwrap().der().to_vec() }
    }

    fn recipient(&self) -> Recipient {
        Recipient::from_certificate(&self.certificate).unwrap()
    }

    fn key(&self) -> PrivateKey {
        PrivateKey::from_pkcs8(&self.pkcs8).unwrap()
    }

    fn reads(&self, encrypted: &str, accept: &[Data]) -> Result<String, &'static str> {
        let document = parse(encrypted, &MESSAGE).map_err(|e| e.code())?;
        decrypt(document.root_element(), &self.key(), accept).map_err(|e| e.code())
    }
}

static VENDOR: LazyLock<Vendor> = LazyLock::new(Vendor::new);
static OTHER: LazyLock<Vendor> = LazyLock::new(Vendor::new);

const PLAIN: &str =
    "<saml:Assertion xmlns:saml=\"urn:oasis:names:tc:SAML:2.0:assertion\" ID=\"_a\">Björn \u{1f4da}</saml:Assertion>";

fn encrypted(data: Data, transport: Transport) -> String {
    encrypt(PLAIN, &VENDOR.recipient(), data, transport).unwrap()
}

fn usual() -> String {
    encrypted(Data::Aes128Gcm, Transport::OaepMgf1p)
}

/// What the vendor says after some letters were changed.
fn after(from: &str, to: &str) -> Result<String, &'static str> {
    assert!(usual().contains(from), "{from}");
    VENDOR.reads(&usual().replacen(from, to, 1), &Data::ALL)
}

#[test]
fn what_is_encrypted_for_a_vendor_it_alone_reads() {
    for data in Data::ALL {
        for transport in Transport::ALL {
            let encrypted = encrypted(data, transport);
            assert!(!encrypted.contains("Assertion"), "{encrypted}");
            assert_eq!(VENDOR.reads(&encrypted, &[data]).as_deref(), Ok(PLAIN), "{data:?} {transport:?}");
            assert_eq!(OTHER.reads(&encrypted, &[data]), Err("encryption-undecryptable"));
        }
    }
}

#[test]
fn a_text_of_any_length_comes_back() {
    for length in 0..50 {
        let plain = "x".repeat(length);
        for data in [Data::Aes256Gcm, Data::Aes256Cbc] {
            let encrypted = encrypt(&plain, &VENDOR.recipient(), data, Transport::OaepMgf1p).unwrap();
            assert_eq!(VENDOR.reads(&encrypted, &[data]).as_ref(), Ok(&plain));
        }
    }
}

#[test]
fn nothing_is_encrypted_twice_alike() {
    assert_eq!((0..20).map(|_| usual()).collect::<HashSet<_>>().len(), 20);
}

#[test]
fn it_stands_in_an_encrypted_assertion_and_is_canonical_there() {
    let element = Element::new("saml:EncryptedAssertion").raw(usual());
    let rendered = element.render();
    let document = parse(&rendered, &MESSAGE).unwrap();
    assert_eq!(crate::wire::xml::c14n::exclusive(document.root_element(), &[], None), rendered);
    let data = child(document.root_element(), namespace::ENCRYPTION, "EncryptedData").unwrap();
    assert_eq!(decrypt(data, &VENDOR.key(), &[Data::Aes128Gcm]).as_deref(), Ok(PLAIN));
}

#[test]
fn a_key_beside_the_data_is_found_as_well() {
    let usual = usual();
    let start = usual.find("<ds:KeyInfo").unwrap();
    let end = usual.find("</ds:KeyInfo>").unwrap() + "</ds:KeyInfo>".len();
    let key = &usual[start..end];
    let key = &key[key.find("<xenc:EncryptedKey").unwrap()..key.find("</ds:KeyInfo>").unwrap()];
    let key = key.replacen("<xenc:EncryptedKey", "<xenc:EncryptedKey xmlns:xenc=\"http://www.w3.org/2001/04/xmlenc#\" xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\"", 1);
    let beside = format!("<A>{}{}{key}</A>", &usual[..start], &usual[end..]);
    let document = parse(&beside, &MESSAGE).unwrap();
    let data = document.root_element().first_element_child().unwrap();
    assert_eq!(decrypt(data, &VENDOR.key(), &[Data::Aes128Gcm]).as_deref(), Ok(PLAIN));
    let twice = format!("<A>{}{}{key}{key}</A>", &usual[..start], &usual[end..]);
    let document = parse(&twice, &MESSAGE).unwrap();
    let data = document.root_element().first_element_child().unwrap();
    assert_eq!(decrypt(data, &VENDOR.key(), &[Data::Aes128Gcm]).unwrap_err().code(), "encryption-malformed");
}

#[test]
fn cbc_is_decrypted_only_where_it_is_asked_for() {
    let encrypted = encrypted(Data::Aes128Cbc, Transport::OaepMgf1p);
    assert_eq!(VENDOR.reads(&encrypted, &[Data::Aes128Gcm, Data::Aes256Gcm]), Err("encryption-data-method"));
}

#[test]
fn rsa_1_5_is_refused() {
    let refused = after("xmlenc#rsa-oaep-mgf1p", "xmlenc#rsa-1_5");
    assert_eq!(refused, Err("encryption-rsa-1-5"));
    assert_eq!(Transport::from_uri("http://www.w3.org/2001/04/xmlenc#rsa-1_5"), None);
}

#[test]
fn another_method_is_refused() {
    assert_eq!(after("xmlenc11#aes128-gcm", "xmlenc#tripledes-cbc"), Err("encryption-data-method"));
    assert_eq!(after("xmlenc11#aes128-gcm", ""), Err("encryption-data-method"));
    assert_eq!(after("xmlenc#rsa-oaep-mgf1p", "xmlenc#kw-aes128"), Err("encryption-key-method"));
    assert_eq!(after("xmldsig#sha1", "xmldsig#md5"), Err("encryption-key-method"));
    assert_eq!(after("2000/09/xmldsig#sha1", "2001/04/xmlenc#sha256"), Err("encryption-key-method"));
    assert_eq!(
        after(
            "</xenc:EncryptionMethod><xenc:CipherData>",
            "<xenc:OAEPparams>AA==</xenc:OAEPparams></xenc:EncryptionMethod><xenc:CipherData>"
        ),
        Err("encryption-key-method")
    );
    let digest = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"></ds:DigestMethod>";
    assert_eq!(after(digest, &digest.repeat(2)), Err("encryption-key-method"));
    assert_eq!(after(digest, &digest.replace("ds:", "xenc:")), Err("encryption-key-method"));
    let eleven = encrypted(Data::Aes256Gcm, Transport::Oaep11Sha256);
    assert_eq!(VENDOR.reads(&eleven.replace("mgf1sha256", "mgf1sha1"), &Data::ALL), Err("encryption-key-method"));
    assert_eq!(VENDOR.reads(&eleven.replace("xenc11:MGF", "xenc:MGF"), &Data::ALL), Err("encryption-key-method"));
}

#[test]
fn a_digest_that_goes_without_saying_is_sha1() {
    let bare = "<ds:DigestMethod Algorithm=\"http://www.w3.org/2000/09/xmldsig#sha1\"></ds:DigestMethod>";
    assert_eq!(after(bare, "").as_deref(), Ok(PLAIN));
}

#[test]
fn a_text_that_was_changed_is_not_decrypted() {
    let usual = usual();
    let value = usual.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
    let end = value + usual[value..].find('<').unwrap();
    let octets = STANDARD.decode(&usual[value..end]).unwrap();
    let with = |octets: &[u8]| {
        VENDOR.reads(&format!("{}{}{}", &usual[..value], STANDARD.encode(octets), &usual[end..]), &Data::ALL)
    };
    assert_eq!(with(&octets).as_deref(), Ok(PLAIN));
    for at in [0, 11, 12, octets.len() - 17, octets.len() - 1] {
        let mut changed = octets.clone();
        changed[at] ^= 1;
        assert_eq!(with(&changed), Err("encryption-undecryptable"), "{at}");
    }
    for length in [0, 1, 12, 27] {
        assert_eq!(with(&octets[..length]), Err("encryption-undecryptable"), "{length}");
    }
}

#[test]
fn cbc_that_was_cut_or_has_no_padding_is_not_decrypted() {
    let encrypted = encrypted(Data::Aes256Cbc, Transport::Oaep11Sha256);
    let value = encrypted.rfind("<xenc:CipherValue>").unwrap() + "<xenc:CipherValue>".len();
    let end = value + encrypted[value..].find('<').unwrap();
    let octets = STANDARD.decode(&encrypted[value..end]).unwrap();
    for length in [0, 15, 16, 17, octets.len() - 1] {
        let cut = format!("{}{}{}", &encrypted[..value], STANDARD.encode(&octets[..length]), &encrypted[end..]);
        assert_eq!(VENDOR.reads(&cut, &Data::ALL), Err("encryption-undecryptable"), "{length}");
    }
}

#[test]
fn a_part_that_is_missing_or_twice_is_refused() {
    for name in ["xenc:EncryptionMethod", "ds:KeyInfo", "xenc:EncryptedKey", "xenc:CipherData", "xenc:CipherValue"] {
        let renamed = usual()
            .replace(&format!("{name}>"), "X>")
            .replace(&format!("<{name} "), "<X ")
            .replace(&format!("<{name}>"), "<X>");
        assert_eq!(VENDOR.reads(&renamed, &Data::ALL), Err("encryption-malformed"), "{name}");
    }
    assert_eq!(after("</xenc:CipherValue>", "</xenc:CipherValue><xenc:CipherValue/>"), Err("encryption-malformed"));
    assert_eq!(after("</xenc:CipherValue>", "<!---->AAAA</xenc:CipherValue>"), Err("encryption-malformed"));
    assert_eq!(after("</xenc:CipherValue>", "=</xenc:CipherValue>"), Err("encryption-malformed"));
}

/// A certificate for an RSA key of 1024 bits, as no library at hand makes them any more.
const SHORT: &str = "MIICDDCCAXWgAwIBAgIUTOmCf33DRsJWFfi6/RWG289vaCEwDQYJKoZIhvcNAQELBQAwGDEWMBQGA1UEAwwNc2hvcnQuZXhh\
    bXBsZTAeFw0yNjExMjcxMDAxNTZaFw0zNjExMjQxMDAxNTZaMBgxFjAUBgNVBAMMDXNob3J0LmV4YW1wbGUwgZ8wDQYJKoZI\
    hvcNAQEBBQADgY0AMIGJAoGBAL71tgOZ2IDOTgtN+bqCl1P2qTFzmVyLMNVkjfWp8ODUJiupL4R+rvSMnls+tiitC8iP2zSB\
    G09uF0Za12U2itiBX4NgDZnrMimGH95QvN9e5wWY2yniLh9qYNpDIyke8hJ5QocBEcEnevuoxd/IkfP0ZeDZX+Eq9N35yf/x\
    sw/DAgMBAAGjUzBRMB0GA1UdDgQWBBQjzX2yBTMV7R77qhOg6AEHO6eE0jAfBgNVHSMEGDAWgBQjzX2yBTMV7R77qhOg6AEH\
    O6eE0jAPBgNVHRMBAf8EBTADAQH/MA0GCSqGSIb3DQEBCwUAA4GBAFr1uNhyEP3qP6dM0WlZ2MCGZtXD4ybcT6HASpY5PjX9\
    rYW7PcAMPN0tWEx+I1zArF2tRG3hzJ/6NiMrAoJSrarmZ+VoCbsyHeA0TUxiucq9cxMTPa00ORXOYJDbGwGMZozEro8S/ZrT\
    5FL32FzrWiHkac/wH/xibLhsIsARZAq+";

#[test]
fn only_a_long_enough_rsa_key_is_encrypted_to() {
    let code = |der: &[u8]| Recipient::from_certificate(der).unwrap_err().code();
    let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
    let params = rcgen::CertificateParams::new(vec!["vendor.example".to_owned()]).unwrap();
    assert_eq!(code(params.self_signed(&pair).unwrap().der()), "encryption-no-rsa-key");
    assert_eq!(code(b"x"), "encryption-no-certificate");
    assert_eq!(code(&[VENDOR.certificate.as_slice(), b"x"].concat()), "encryption-no-certificate");
    assert_eq!(code(&STANDARD.decode(SHORT).unwrap()), "encryption-rsa-bits");
    assert_eq!(PrivateKey::from_pkcs8(b"x").unwrap_err().code(), "encryption-no-rsa-key");
}
