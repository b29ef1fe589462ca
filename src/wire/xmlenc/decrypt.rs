//! Decrypting what others encrypted to us, in the same narrow form.

use std::fmt;

use aws_lc_rs::{
    aead::{self, Aad, Nonce, RandomizedNonceKey},
    cipher::{self, DecryptionContext, PaddedBlockDecryptingKey, UnboundCipherKey},
    error::Unspecified,
    iv::FixedLength,
    rsa::{OaepPrivateDecryptingKey, PrivateDecryptingKey},
};
use base64::{Engine, engine::general_purpose::STANDARD};

use super::{Data, Error, MGF1_SHA1, MGF1_SHA256, RSA_BITS, SHA1, SHA256, Transport};
use crate::wire::xml::{Node, SPACE, attribute, namespace, only, text};

/// Our own key to decrypt with.
pub struct PrivateKey(OaepPrivateDecryptingKey);

impl PrivateKey {
    /// # Errors
    /// `NoRsaKey`, `RsaBits`.
    pub fn from_pkcs8(der: &[u8]) -> Result<PrivateKey, Error> {
        let key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| Error::NoRsaKey)?;
        if !RSA_BITS.contains(&key.key_size_bits()) {
            return Err(Error::RsaBits(key.key_size_bits()));
        }
        Ok(PrivateKey(OaepPrivateDecryptingKey::new(key).map_err(|_| Error::NoRsaKey)?))
    }
}

impl fmt::Debug for PrivateKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PrivateKey(RSA, {} bits)", self.0.key_size_bits())
    }
}

/// The text inside an `xenc:EncryptedData`, whose key is in its `ds:KeyInfo` or stands beside it (saml-core 2.2.4).
/// `accept` says how the data may be encrypted; CBC gives away what is inside to whoever may ask often whether a changed
/// message decrypts, so name it only for what is signed on the outside. The text is yet to be parsed, within limits.
///
/// # Errors
/// The first thing found wrong; of the decryption itself only that it failed.
pub fn decrypt(encrypted_data: Node<'_, '_>, key: &PrivateKey, accept: &[Data]) -> Result<String, Error> {
    let method = part(encrypted_data, "EncryptionMethod")?;
    let data = Data::from_uri(algorithm(method)).filter(|data| accept.contains(data)).ok_or(Error::Data)?;
    let encrypted_key = encrypted_key(encrypted_data)?;
    let transport = transport(part(encrypted_key, "EncryptionMethod")?)?;
    let wrapped = value(encrypted_key)?;
    let mut encrypted = value(encrypted_data)?;

    let failed = |_: Unspecified| Error::Undecryptable;
    let mut room = vec![0; key.0.min_output_size()];
    let data_key = key.0.decrypt(transport.algorithm(), &wrapped, &mut room, None).map_err(failed)?;
    let plain = match data {
        Data::Aes128Gcm => gcm(&aead::AES_128_GCM, data_key, &mut encrypted),
        Data::Aes256Gcm => gcm(&aead::AES_256_GCM, data_key, &mut encrypted),
        Data::Aes128Cbc => cbc(&cipher::AES_128, data_key, &mut encrypted),
        Data::Aes256Cbc => cbc(&cipher::AES_256, data_key, &mut encrypted),
    };
    String::from_utf8(plain.map_err(failed)?).map_err(|_| Error::Undecryptable)
}

fn encrypted_key<'a, 'i>(encrypted_data: Node<'a, 'i>) -> Result<Node<'a, 'i>, Error> {
    let named = |node: Node<'a, 'i>| only(node, namespace::ENCRYPTION, "EncryptedKey");
    let inside = only(encrypted_data, namespace::SIGNATURE, "KeyInfo").and_then(named);
    let found = inside.or_else(|| encrypted_data.parent_element().and_then(named));
    found.ok_or(Error::Malformed("there is not exactly one xenc:EncryptedKey"))
}

fn transport(method: Node<'_, '_>) -> Result<Transport, Error> {
    if algorithm(method) == "http://www.w3.org/2001/04/xmlenc#rsa-1_5" {
        return Err(Error::Pkcs1);
    }
    let transport = Transport::from_uri(algorithm(method)).ok_or(Error::Transport)?;
    let inside = |namespace: &str, name: &str, default: &'static str| {
        let all = method.children().filter(|child| child.tag_name().name() == name).count();
        match only(method, namespace, name) {
            Some(node) => Some(algorithm(node)),
            None if all == 0 => Some(default),
            None => None,
        }
    };
    let digest = inside(namespace::SIGNATURE, "DigestMethod", SHA1);
    let mask = inside(namespace::ENCRYPTION_11, "MGF", MGF1_SHA1);
    let labelled = only(method, namespace::ENCRYPTION, "OAEPparams").is_some();
    match (transport, digest, mask) {
        _ if labelled => Err(Error::Transport),
        (Transport::OaepMgf1p, Some(SHA1), Some(MGF1_SHA1)) => Ok(transport),
        (Transport::Oaep11Sha256, Some(SHA256), Some(MGF1_SHA256)) => Ok(transport),
        _ => Err(Error::Transport),
    }
}

fn algorithm<'a>(node: Node<'a, '_>) -> &'a str {
    attribute(node, "Algorithm").unwrap_or_default()
}

fn part<'a, 'i>(node: Node<'a, 'i>, name: &'static str) -> Result<Node<'a, 'i>, Error> {
    only(node, namespace::ENCRYPTION, name).ok_or(Error::Malformed("a part is missing, or there twice"))
}

/// A `xenc:CipherReference` would be fetched from somewhere; there is no such thing here.
fn value(node: Node<'_, '_>) -> Result<Vec<u8>, Error> {
    let value = part(part(node, "CipherData")?, "CipherValue")?;
    let text = text(value).map_err(|_| Error::Malformed("a xenc:CipherValue holds more than text"))?;
    STANDARD.decode(text.replace(SPACE, "")).map_err(|_| Error::Malformed("a xenc:CipherValue is no base64"))
}

fn gcm(algorithm: &'static aead::Algorithm, key: &[u8], sealed: &mut [u8]) -> Result<Vec<u8>, Unspecified> {
    let (nonce, sealed) = sealed.split_first_chunk_mut::<12>().ok_or(Unspecified)?;
    let key = RandomizedNonceKey::new(algorithm, key)?;
    Ok(key.open_in_place(Nonce::from(&*nonce), Aad::empty(), sealed)?.to_vec())
}

/// Any padding whose last octet is its length (XML Encryption 1.1 section 5.2.2).
fn cbc(algorithm: &'static cipher::Algorithm, key: &[u8], padded: &mut [u8]) -> Result<Vec<u8>, Unspecified> {
    let (vector, padded) = padded.split_first_chunk_mut::<16>().ok_or(Unspecified)?;
    if padded.is_empty() || padded.len() % 16 != 0 {
        return Err(Unspecified);
    }
    let key = PaddedBlockDecryptingKey::cbc_iso10126(UnboundCipherKey::new(algorithm, key)?)?;
    let context = DecryptionContext::Iv128(FixedLength::from(&*vector));
    Ok(key.decrypt(padded, context)?.to_vec())
}
