//! Public keys for verifying, parsed once: from certificates as metadata holds them.

use std::{fmt, ops::RangeInclusive};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256,
        RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RsaPublicKeyComponents, VerificationAlgorithm,
    },
};
use x509_parser::{
    oid_registry::{OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_PKCS1_RSAENCRYPTION},
    prelude::{FromDer, SubjectPublicKeyInfo, X509Certificate},
    public_key::{PublicKey as Spki, RSAPublicKey},
};

use super::Algorithm;

const RSA_BITS: RangeInclusive<usize> = 2048..=8192;

/// One public key, ready for each algorithm that it fits.
#[derive(Clone)]
pub struct PublicKey {
    /// SHA-256 of its SubjectPublicKeyInfo.
    fingerprint: [u8; 32],
    parsed: Vec<(Algorithm, ParsedPublicKey)>,
}

/// Why a key is not taken. For whoever published it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadKey {
    #[error("it is no X.509 certificate in DER")]
    NoCertificate,
    #[error("it holds no public key that can be read")]
    NoKey,
    #[error("an RSA key must have 2048 to 8192 bits, this one has {0}")]
    RsaBits(usize),
    #[error("it is of a kind that is not accepted (RSA, and EC on P-256 and P-384, are)")]
    Kind,
    #[error("it is no point of its curve, or no RSA key that can be used")]
    Broken,
}

impl BadKey {
    /// Stable, for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            BadKey::NoCertificate => "key-no-certificate",
            BadKey::NoKey => "key-unreadable",
            BadKey::RsaBits(_) => "key-rsa-bits",
            BadKey::Kind => "key-kind",
            BadKey::Broken => "key-broken",
        }
    }
}

impl PublicKey {
    /// The key of a certificate. Its dates, issuer and extensions are not looked at: in SAML a certificate is a wrapping
    /// for a key, and what makes the key count is that registered metadata holds it (saml-metadata-iop 2.6.1).
    ///
    /// # Errors
    /// `BadKey`, with what to mend.
    pub fn from_certificate(der: &[u8]) -> Result<PublicKey, BadKey> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| BadKey::NoCertificate)?;
        if !rest.is_empty() {
            return Err(BadKey::NoCertificate);
        }
        PublicKey::read(certificate.public_key())
    }

    /// # Errors
    /// `BadKey`, with what to mend.
    pub fn from_spki(der: &[u8]) -> Result<PublicKey, BadKey> {
        let (rest, spki) = SubjectPublicKeyInfo::from_der(der).map_err(|_| BadKey::NoKey)?;
        if rest.is_empty() { PublicKey::read(&spki) } else { Err(BadKey::NoKey) }
    }

    fn read(spki: &SubjectPublicKeyInfo<'_>) -> Result<PublicKey, BadKey> {
        let kind = &spki.algorithm.algorithm;
        let parsed = match spki.parsed().map_err(|_| BadKey::NoKey)? {
            Spki::RSA(key) if *kind == OID_PKCS1_RSAENCRYPTION => rsa(&key)?,
            Spki::EC(point) if *kind == OID_KEY_TYPE_EC_PUBLIC_KEY => ec(spki, point.data())?,
            _ => return Err(BadKey::Kind),
        };
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest(&SHA256, spki.raw).as_ref());
        Ok(PublicKey { fingerprint, parsed })
    }

    /// SHA-256 of its SubjectPublicKeyInfo: the same in every certificate for this key.
    pub fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    pub fn fits(&self, algorithm: Algorithm) -> bool {
        self.parsed.iter().any(|(fit, _)| *fit == algorithm)
    }

    pub(super) fn signed(&self, algorithm: Algorithm, octets: &[u8], signature: &[u8]) -> bool {
        let fit = self.parsed.iter().find(|(fit, _)| *fit == algorithm);
        fit.is_some_and(|(_, key)| key.verify_sig(octets, signature).is_ok())
    }
}

fn rsa(key: &RSAPublicKey<'_>) -> Result<Vec<(Algorithm, ParsedPublicKey)>, BadKey> {
    let n = without_zeros(key.modulus);
    let bits = n.len() * 8 - n.first().map_or(0, |first| first.leading_zeros() as usize);
    if !RSA_BITS.contains(&bits) {
        return Err(BadKey::RsaBits(bits));
    }
    // Odd, above one, and small enough that verifying stays cheap.
    let e = without_zeros(key.exponent);
    if e.len() > 4 || e == [1] || e.last().is_none_or(|last| last % 2 == 0) {
        return Err(BadKey::Broken);
    }
    let key = RsaPublicKeyComponents { n, e };
    [
        (Algorithm::RsaSha256, &RSA_PKCS1_2048_8192_SHA256),
        (Algorithm::RsaSha384, &RSA_PKCS1_2048_8192_SHA384),
        (Algorithm::RsaSha512, &RSA_PKCS1_2048_8192_SHA512),
    ]
    .into_iter()
    .map(|(algorithm, how)| Ok((algorithm, key.to_parsed_public_key(how).map_err(|_| BadKey::Broken)?)))
    .collect()
}

/// Each curve with its own digest only.
fn ec(spki: &SubjectPublicKeyInfo<'_>, point: &[u8]) -> Result<Vec<(Algorithm, ParsedPublicKey)>, BadKey> {
    let curve = spki.algorithm.parameters.as_ref().and_then(|curve| curve.as_oid().ok()).ok_or(BadKey::Kind)?;
    let (algorithm, how): (_, &'static dyn VerificationAlgorithm) = if curve == OID_EC_P256 {
        (Algorithm::EcdsaSha256, &ECDSA_P256_SHA256_FIXED)
    } else if curve == OID_NIST_EC_P384 {
        (Algorithm::EcdsaSha384, &ECDSA_P384_SHA384_FIXED)
    } else {
        return Err(BadKey::Kind);
    };
    let key = ParsedPublicKey::new(how, point).map_err(|_| BadKey::Broken)?;
    Ok(vec![(algorithm, key)])
}

fn without_zeros(number: &[u8]) -> &[u8] {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    number.get(zeros..).unwrap_or_default()
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", hex::encode(self.fingerprint))
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &PublicKey) -> bool {
        self.fingerprint == other.fingerprint
    }
}

impl Eq for PublicKey {}
