//! Key pairs of ours, parsed: made, signed with, and their public halves as JWK members.

use aws_lc_rs::{
    encoding::{AsDer, Pkcs8V1Der},
    error::{KeyRejected, Unspecified},
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair as _, RSA_PKCS1_SHA256, RSA_PSS_SHA256,
        RsaEncoding, RsaKeyPair, RsaPublicKeyComponents,
    },
};
use serde_json::{Value, json};

use super::{Algorithm, Error, base64url};

/// A private key and its public half, ready to work.
pub(super) enum Pair {
    Rs256(Box<RsaKeyPair>),
    Ps256(Box<RsaKeyPair>),
    Es256(EcdsaKeyPair),
    EdDsa(Ed25519KeyPair),
}

impl Pair {
    /// A new private key, as PKCS#8 DER.
    pub fn generate(algorithm: Algorithm) -> Result<Vec<u8>, Error> {
        let failed = |_: Unspecified| Error::BadKey("it could not be made".into());
        match algorithm {
            Algorithm::Rs256 | Algorithm::Ps256 => {
                let pair = RsaKeyPair::generate(KeySize::Rsa2048).map_err(failed)?;
                let der: Pkcs8V1Der<'_> = pair.as_der().map_err(failed)?;
                Ok(der.as_ref().to_vec())
            }
            Algorithm::Es256 => {
                let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).map_err(failed)?;
                Ok(pair.to_pkcs8v1().map_err(failed)?.as_ref().to_vec())
            }
            Algorithm::EdDsa => {
                let pair = Ed25519KeyPair::generate().map_err(failed)?;
                Ok(pair.to_pkcs8().map_err(failed)?.as_ref().to_vec())
            }
        }
    }

    pub fn from_pkcs8(algorithm: Algorithm, der: &[u8]) -> Result<Pair, Error> {
        let bad = |e: KeyRejected| Error::BadKey(e.to_string());
        let rsa = || RsaKeyPair::from_pkcs8(der).map(Box::new).map_err(bad);
        Ok(match algorithm {
            Algorithm::Rs256 => Pair::Rs256(rsa()?),
            Algorithm::Ps256 => Pair::Ps256(rsa()?),
            Algorithm::Es256 => {
                Pair::Es256(EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der).map_err(bad)?)
            }
            Algorithm::EdDsa => Pair::EdDsa(Ed25519KeyPair::from_pkcs8(der).map_err(bad)?),
        })
    }

    pub fn algorithm(&self) -> Algorithm {
        match self {
            Pair::Rs256(_) => Algorithm::Rs256,
            Pair::Ps256(_) => Algorithm::Ps256,
            Pair::Es256(_) => Algorithm::Es256,
            Pair::EdDsa(_) => Algorithm::EdDsa,
        }
    }

    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
        match self {
            Pair::Rs256(pair) => by_rsa(pair, &RSA_PKCS1_SHA256, message),
            Pair::Ps256(pair) => by_rsa(pair, &RSA_PSS_SHA256, message),
            Pair::Es256(pair) => Ok(pair.sign(&SystemRandom::new(), message)?.as_ref().to_vec()),
            Pair::EdDsa(pair) => Ok(pair.sign(message).as_ref().to_vec()),
        }
    }

    /// The members that make the key what it is (RFC 7518 sections 6.2.1 and 6.3.1, RFC 8037 section 2).
    pub fn public_members(&self) -> Value {
        match self {
            Pair::Rs256(pair) | Pair::Ps256(pair) => {
                let parts = RsaPublicKeyComponents::<Vec<u8>>::from(pair.public_key());
                json!({ "kty": "RSA", "n": base64url(parts.n), "e": base64url(parts.e) })
            }
            Pair::Es256(pair) => {
                // An uncompressed point: 04, then 32 bytes each of x and y.
                let point = pair.public_key().as_ref();
                let half = |range| base64url(point.get(range).unwrap_or_default());
                json!({ "kty": "EC", "crv": "P-256", "x": half(1..33), "y": half(33..65) })
            }
            Pair::EdDsa(pair) => json!({ "kty": "OKP", "crv": "Ed25519", "x": base64url(pair.public_key()) }),
        }
    }
}

fn by_rsa(pair: &RsaKeyPair, padding: &'static dyn RsaEncoding, message: &[u8]) -> Result<Vec<u8>, Unspecified> {
    let mut signature = vec![0; pair.public_modulus_len()];
    pair.sign(padding, &SystemRandom::new(), message, &mut signature)?;
    Ok(signature)
}
