//! A certificate that signs itself, made for one run of a test.

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair},
};
use base64::{Engine, prelude::BASE64_STANDARD};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

pub struct Made {
    pub certificate: CertificateDer<'static>,
    pub key: PrivateKeyDer<'static>,
    pub pem: String,
}

const SEQUENCE: u8 = 0x30;
const OID_ECDSA_SHA256: &[u8] = &[0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02];
const OID_COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];
const OID_ALTERNATIVE_NAME: &[u8] = &[0x55, 0x1d, 0x11];

/// X.509 version 3 (RFC 5280 section 4.1), valid for this century.
pub fn for_name(name: &str) -> Made {
    let key = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING).unwrap();
    let public: PublicKeyX509Der<'_> = key.public_key().as_der().unwrap();
    let algorithm = der(SEQUENCE, &[&der(6, &[OID_ECDSA_SHA256])]);
    let common_name = der(SEQUENCE, &[&der(6, &[OID_COMMON_NAME]), &der(0x0c, &[b"A fictional authority"])]);
    let who = der(SEQUENCE, &[&der(0x31, &[&common_name])]);
    let valid = der(SEQUENCE, &[&der(0x17, &[b"200101000000Z"]), &der(0x17, &[b"491231235959Z"])]);
    let names = der(SEQUENCE, &[&der(0x82, &[name.as_bytes()])]);
    let extension = der(SEQUENCE, &[&der(6, &[OID_ALTERNATIVE_NAME]), &der(4, &[&names])]);
    let extensions = der(0xa3, &[&der(SEQUENCE, &[&extension])]);
    let version = der(0xa0, &[&der(2, &[&[2]])]);
    let serial = der(2, &[&[1]]);
    let parts = [&version, &serial, &algorithm, &who, &valid, &who, public.as_ref(), &extensions];
    let signed = der(SEQUENCE, &parts);
    let signature = key.sign(&SystemRandom::new(), &signed).unwrap();
    let whole = der(SEQUENCE, &[&signed, &algorithm, &der(3, &[&[0], signature.as_ref()])]);
    let pem = format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", BASE64_STANDARD.encode(&whole));
    let private = PrivatePkcs8KeyDer::from(key.to_pkcs8v1().unwrap().as_ref().to_vec());
    Made { certificate: CertificateDer::from(whole), key: private.into(), pem }
}

fn der(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let inside = parts.concat();
    let length = u16::try_from(inside.len()).unwrap();
    let mut whole = vec![tag];
    match length {
        0..128 => whole.push(length as u8),
        128..256 => whole.extend([0x81, length as u8]),
        _ => whole.extend([0x82, (length >> 8) as u8, length as u8]),
    }
    whole.extend(inside);
    whole
}
