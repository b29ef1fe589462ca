//! XML Encryption 1.1 of one assertion for one recipient, and back: a fresh key for the data, wrapped by the
//! recipient's RSA key. Encryption says nothing of who wrote what is inside; `wire::dsig` does.
//!
//! `encrypt` writes and `decrypt` reads the same narrow form. RSA PKCS#1 v1.5 is in neither (security-considerations of
//! XML Encryption 1.1, section 6.1.3).

mod decrypt;
mod encrypt;

pub use self::{
    decrypt::{PrivateKey, decrypt},
    encrypt::{Recipient, encrypt},
};

/// How the data is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Data {
    Aes128Gcm,
    Aes256Gcm,
    /// Without integrity: only where a recipient knows nothing better, and inside of something signed.
    Aes128Cbc,
    /// As `Aes128Cbc`.
    Aes256Cbc,
}

impl Data {
    pub const ALL: [Data; 4] = [Data::Aes128Gcm, Data::Aes256Gcm, Data::Aes128Cbc, Data::Aes256Cbc];

    pub const fn uri(self) -> &'static str {
        match self {
            Data::Aes128Gcm => "http://www.w3.org/2009/xmlenc11#aes128-gcm",
            Data::Aes256Gcm => "http://www.w3.org/2009/xmlenc11#aes256-gcm",
            Data::Aes128Cbc => "http://www.w3.org/2001/04/xmlenc#aes128-cbc",
            Data::Aes256Cbc => "http://www.w3.org/2001/04/xmlenc#aes256-cbc",
        }
    }

    pub fn from_uri(uri: &str) -> Option<Data> {
        Data::ALL.into_iter().find(|data| data.uri() == uri)
    }

    /// Octets of the key.
    const fn key_length(self) -> usize {
        match self {
            Data::Aes128Gcm | Data::Aes128Cbc => 16,
            Data::Aes256Gcm | Data::Aes256Cbc => 32,
        }
    }
}

/// How the data's key is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// With SHA-1 within the padding, where its weakness does not matter: every SAML software reads it.
    OaepMgf1p,
    /// With SHA-256, also for the mask.
    Oaep11Sha256,
}

impl Transport {
    pub const ALL: [Transport; 2] = [Transport::OaepMgf1p, Transport::Oaep11Sha256];

    pub const fn uri(self) -> &'static str {
        match self {
            Transport::OaepMgf1p => "http://www.w3.org/2001/04/xmlenc#rsa-oaep-mgf1p",
            Transport::Oaep11Sha256 => "http://www.w3.org/2009/xmlenc11#rsa-oaep",
        }
    }

    pub fn from_uri(uri: &str) -> Option<Transport> {
        Transport::ALL.into_iter().find(|transport| transport.uri() == uri)
    }

    fn algorithm(self) -> &'static aws_lc_rs::rsa::OaepAlgorithm {
        match self {
            Transport::OaepMgf1p => &aws_lc_rs::rsa::OAEP_SHA1_MGF1SHA1,
            Transport::Oaep11Sha256 => &aws_lc_rs::rsa::OAEP_SHA256_MGF1SHA256,
        }
    }
}

/// Of any EncryptedData that stands for an element.
const ELEMENT: &str = "http://www.w3.org/2001/04/xmlenc#Element";
const SHA1: &str = "http://www.w3.org/2000/09/xmldsig#sha1";
const SHA256: &str = "http://www.w3.org/2001/04/xmlenc#sha256";
const MGF1_SHA1: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha1";
const MGF1_SHA256: &str = "http://www.w3.org/2009/xmlenc11#mgf1sha256";
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=8192;

/// Why nothing was encrypted or decrypted. For whoever published the key or encrypted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("it is no X.509 certificate in DER")]
    NoCertificate,
    #[error("only an RSA key can be encrypted to")]
    NoRsaKey,
    #[error("an RSA key must have 2048 to 8192 bits, this one has {0}")]
    RsaBits(usize),
    #[error("encrypting failed")]
    Failed,
    #[error("the xenc:EncryptedData is not built as is read here: {0}")]
    Malformed(&'static str),
    #[error("the data's encryption method is not accepted; use AES-128-GCM or AES-256-GCM")]
    Data,
    #[error("the key is encrypted with RSA PKCS#1 v1.5, which leaks it; use RSA-OAEP")]
    Pkcs1,
    #[error("the key's encryption method is not accepted; use rsa-oaep-mgf1p, or rsa-oaep with SHA-256 throughout")]
    Transport,
    /// Whatever the reason: to tell reasons apart is to help whoever tries keys (a padding oracle).
    #[error("it cannot be decrypted with our key; encrypt to the key in our current metadata")]
    Undecryptable,
}

impl Error {
    /// Stable, for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Error::NoCertificate => "encryption-no-certificate",
            Error::NoRsaKey => "encryption-no-rsa-key",
            Error::RsaBits(_) => "encryption-rsa-bits",
            Error::Failed => "encryption-failed",
            Error::Malformed(_) => "encryption-malformed",
            Error::Data => "encryption-data-method",
            Error::Pkcs1 => "encryption-rsa-1-5",
            Error::Transport => "encryption-key-method",
            Error::Undecryptable => "encryption-undecryptable",
        }
    }
}

#[cfg(test)]
mod tests;
