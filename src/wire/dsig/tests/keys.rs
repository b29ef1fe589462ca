use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeySize,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::forge::{LIBRARY, MALLORY};
use crate::wire::dsig::{Algorithm, PublicKey, verify_octets};

fn ec(algorithm: &'static rcgen::SignatureAlgorithm) -> (rcgen::KeyPair, PublicKey) {
    let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
    let params = rcgen::CertificateParams::new(vec!["library.example".to_owned()]).unwrap();
    let key = PublicKey::from_certificate(params.self_signed(&pair).unwrap().der()).unwrap();
    (pair, key)
}

#[test]
fn a_key_is_the_same_by_its_certificate_and_by_itself() {
    let (pair, by_certificate) = ec(&rcgen::PKCS_ECDSA_P256_SHA256);
    let by_itself = PublicKey::from_spki(&rcgen::PublicKeyData::subject_public_key_info(&pair)).unwrap();
    assert_eq!(by_certificate, by_itself);
    assert_ne!(LIBRARY.key(), MALLORY.key());
}

#[test]
fn octets_are_verified_by_the_key_that_signed_them() {
    let octets = b"SAMLRequest=x&SigAlg=y";
    let signature = LIBRARY.octets(octets);
    let code = |algorithm, octets, keys: &[PublicKey]| {
        verify_octets(algorithm, octets, &signature, keys).map_err(|e| e.code())
    };
    assert_eq!(code(Algorithm::RsaSha256, octets, &[MALLORY.key(), LIBRARY.key()]), Ok(()));
    assert_eq!(code(Algorithm::RsaSha256, octets, &[MALLORY.key()]), Err("signature-wrong"));
    assert_eq!(code(Algorithm::RsaSha512, octets, &[LIBRARY.key()]), Err("signature-wrong"));
    assert_eq!(code(Algorithm::RsaSha256, b"SAMLRequest=x&SigAlg=z", &[LIBRARY.key()]), Err("signature-wrong"));
    assert_eq!(code(Algorithm::EcdsaSha256, octets, &[LIBRARY.key()]), Err("signature-no-key"));
    assert_eq!(code(Algorithm::RsaSha256, octets, &[]), Err("signature-no-key"));
}

#[test]
fn a_key_on_a_curve_verifies_with_its_own_digest_and_no_other() {
    let octets = b"octets";
    for (curve, how, algorithm, other) in [
        (
            &rcgen::PKCS_ECDSA_P256_SHA256,
            &ECDSA_P256_SHA256_FIXED_SIGNING,
            Algorithm::EcdsaSha256,
            Algorithm::EcdsaSha384,
        ),
        (
            &rcgen::PKCS_ECDSA_P384_SHA384,
            &ECDSA_P384_SHA384_FIXED_SIGNING,
            Algorithm::EcdsaSha384,
            Algorithm::EcdsaSha256,
        ),
    ] {
        let (pair, key) = ec(curve);
        let signer = EcdsaKeyPair::from_pkcs8(how, &pair.serialize_der()).unwrap();
        let signature = signer.sign(&SystemRandom::new(), octets).unwrap();
        assert!(verify_octets(algorithm, octets, signature.as_ref(), std::slice::from_ref(&key)).is_ok());
        assert_eq!(verify_octets(other, octets, signature.as_ref(), &[key]).unwrap_err().code(), "signature-no-key");
    }
}

/// An RSA key of 1024 bits, as no library at hand makes them any more.
const SHORT: &str = "MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQCToQZRjMWvqHbVmtcIqxXlbEENiMwVWfd1i/isbv8Gt+g5lRESWlNWrjJb\
    ZmOlRYedQ0aQeF7/Mik3I6Ljz7kyDaVQtkdPtf+CJ1Zcb3ZsOnV6rpAJ/bZGMEOEUvAG+8HqOsjsCurUroq9WJaQyPatCU9S\
    Su0U8f7w3j8YGWm+OwIDAQAB";

#[test]
fn a_key_that_is_too_short_or_of_another_kind_is_refused() {
    assert_eq!(PublicKey::from_spki(&STANDARD.decode(SHORT).unwrap()).unwrap_err().code(), "key-rsa-bits");
    let code = |algorithm| {
        let pair = rcgen::KeyPair::generate_for(algorithm).unwrap();
        PublicKey::from_spki(&rcgen::PublicKeyData::subject_public_key_info(&pair)).unwrap_err().code()
    };
    assert_eq!(code(&rcgen::PKCS_ED25519), "key-kind");
    assert_eq!(code(&rcgen::PKCS_ECDSA_P521_SHA512), "key-kind");
}

#[test]
fn what_is_no_certificate_is_refused() {
    let code = |der: &[u8]| PublicKey::from_certificate(der).unwrap_err().code();
    assert_eq!(code(b""), "key-no-certificate");
    assert_eq!(code(b"-----BEGIN CERTIFICATE-----"), "key-no-certificate");
    assert_eq!(code(&LIBRARY.certificate[..LIBRARY.certificate.len() - 1]), "key-no-certificate");
    assert_eq!(code(&[LIBRARY.certificate.as_slice(), b"x"].concat()), "key-no-certificate");
    assert_eq!(PublicKey::from_spki(&LIBRARY.certificate).unwrap_err().code(), "key-unreadable");
    assert_eq!(LIBRARY.pair.public_modulus_len(), KeySize::Rsa2048.len());
}
