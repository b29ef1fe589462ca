//! Encrypting for a recipient, by the key of its registered certificate.

use std::fmt;

use aws_lc_rs::{
    aead::{self, Aad, RandomizedNonceKey},
    cipher::{self, PaddedBlockEncryptingKey, UnboundCipherKey},
    error::Unspecified,
    rsa::{OaepPublicEncryptingKey, PublicEncryptingKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{Data, ELEMENT, Error, MGF1_SHA256, RSA_BITS, SHA1, SHA256, Transport};
use crate::wire::xml::write::Element;

/// Who alone shall read it.
pub struct Recipient(OaepPublicEncryptingKey);

impl Recipient {
    /// The key of a certificate. Its dates and issuer are not looked at: what makes it count is that registered
    /// metadata holds it (saml-metadata-iop 2.6.1).
    ///
    /// # Errors
    /// `NoCertificate`, `NoRsaKey`, `RsaBits`.
    pub fn from_certificate(der: &[u8]) -> Result<Recipient, Error> {
        let (rest, certificate) = X509Certificate::from_der(der).map_err(|_| Error::NoCertificate)?;
        if !rest.is_empty() {
            return Err(Error::NoCertificate);
        }
        let spki = certificate.public_key();
        let bits = match spki.parsed() {
            Ok(x509_parser::public_key::PublicKey::RSA(key)) => key.key_size(),
            _ => return Err(Error::NoRsaKey),
        };
        if !RSA_BITS.contains(&bits) {
            return Err(Error::RsaBits(bits));
        }
        let key = PublicEncryptingKey::from_der(spki.raw).map_err(|_| Error::NoRsaKey)?;
        Ok(Recipient(OaepPublicEncryptingKey::new(key).map_err(|_| Error::NoRsaKey)?))
    }
}

impl fmt::Debug for Recipient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Recipient(RSA, {} bits)", self.0.key_size_bits())
    }
}

/// An element's text as a canonical `xenc:EncryptedData` with its key inside, to stand in a `saml:EncryptedAssertion`.
/// What is encrypted must stand alone: it must declare the namespaces that it uses.
///
/// # Errors
/// `Failed`, where the machine has no randomness.
pub fn encrypt(plain: &str, to: &Recipient, data: Data, transport: Transport) -> Result<String, Error> {
    let mut key = [0; 32];
    let key = key.get_mut(..data.key_length()).ok_or(Error::Failed)?;
    aws_lc_rs::rand::fill(key).map_err(|_| Error::Failed)?;
    let encrypted = match data {
        Data::Aes128Gcm => gcm(&aead::AES_128_GCM, key, plain),
        Data::Aes256Gcm => gcm(&aead::AES_256_GCM, key, plain),
        Data::Aes128Cbc => cbc(&cipher::AES_128, key, plain),
        Data::Aes256Cbc => cbc(&cipher::AES_256, key, plain),
    };
    let encrypted = encrypted.map_err(|_| Error::Failed)?;
    let mut wrapped = vec![0; to.0.ciphertext_size()];
    to.0.encrypt(transport.algorithm(), key, &mut wrapped, None).map_err(|_| Error::Failed)?;

    let encrypted_key = Element::new("xenc:EncryptedKey").child(key_method(transport)).child(value(&wrapped));
    Ok(Element::new("xenc:EncryptedData")
        .attr("Type", ELEMENT)
        .child(Element::new("xenc:EncryptionMethod").attr("Algorithm", data.uri()))
        .child(Element::new("ds:KeyInfo").child(encrypted_key))
        .child(value(&encrypted))
        .render())
}

/// XML Encryption 1.1 section 5.2.4: the nonce of 12 octets, then the text, then the tag of 16.
fn gcm(algorithm: &'static aead::Algorithm, key: &[u8], plain: &str) -> Result<Vec<u8>, Unspecified> {
    let mut sealed = plain.as_bytes().to_vec();
    let nonce = RandomizedNonceKey::new(algorithm, key)?.seal_in_place_append_tag(Aad::empty(), &mut sealed)?;
    Ok([nonce.as_ref().as_slice(), &sealed].concat())
}

/// XML Encryption 1.1 section 5.2.3: the initialization vector, then the text, padded. PKCS#7 is one such padding.
fn cbc(algorithm: &'static cipher::Algorithm, key: &[u8], plain: &str) -> Result<Vec<u8>, Unspecified> {
    let mut padded = plain.as_bytes().to_vec();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(UnboundCipherKey::new(algorithm, key)?)?;
    let context = key.encrypt(&mut padded)?;
    let vector: &[u8] = (&context).try_into()?;
    Ok([vector, &padded].concat())
}

fn key_method(transport: Transport) -> Element {
    let digest = |uri: &str| Element::new("ds:DigestMethod").attr("Algorithm", uri);
    let method = Element::new("xenc:EncryptionMethod").attr("Algorithm", transport.uri());
    match transport {
        Transport::OaepMgf1p => method.child(digest(SHA1)),
        Transport::Oaep11Sha256 => {
            method.child(digest(SHA256)).child(Element::new("xenc11:MGF").attr("Algorithm", MGF1_SHA256))
        }
    }
}

fn value(octets: &[u8]) -> Element {
    Element::new("xenc:CipherData").child(Element::new("xenc:CipherValue").text(STANDARD.encode(octets)))
}
