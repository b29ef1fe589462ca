//! XML Signature, the narrow part of it that SAML needs: one enveloped signature over one element by its own ID.
//! Owns what was signed and by which key. Whose keys count is the caller's: they come from metadata, never from the
//! message. Whoever reads a verified message reads only below `Signed::node`.
//!
//! `sign` signs what `wire::xml::write` built, `verify` judges what a stranger signed, `key` reads public keys.

mod key;
mod sign;
mod verify;

use base64::{Engine, engine::general_purpose::STANDARD};

pub use self::{
    key::{BadKey, PublicKey},
    sign::{Sign, Signer, sign},
    verify::{Signed, has_signature, verify},
};

/// The signature algorithms of the house (RFC 6931). There is no other: SHA-1, DSA and the HMACs have no name here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Algorithm {
    RsaSha256,
    RsaSha384,
    RsaSha512,
    /// By a key on P-256.
    EcdsaSha256,
    /// By a key on P-384.
    EcdsaSha384,
}

impl Algorithm {
    pub const ALL: [Algorithm; 5] = [
        Algorithm::RsaSha256,
        Algorithm::RsaSha384,
        Algorithm::RsaSha512,
        Algorithm::EcdsaSha256,
        Algorithm::EcdsaSha384,
    ];

    pub const fn uri(self) -> &'static str {
        match self {
            Algorithm::RsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256",
            Algorithm::RsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha384",
            Algorithm::RsaSha512 => "http://www.w3.org/2001/04/xmldsig-more#rsa-sha512",
            Algorithm::EcdsaSha256 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256",
            Algorithm::EcdsaSha384 => "http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha384",
        }
    }

    /// # Errors
    /// `Sha1` or `Algorithm`, for whoever signs.
    pub fn from_uri(uri: &str) -> Result<Algorithm, Error> {
        let known = Algorithm::ALL.into_iter().find(|algorithm| algorithm.uri() == uri);
        known.ok_or_else(|| if uri.ends_with("sha1") { Error::Sha1 } else { Error::Algorithm(shown(uri)) })
    }
}

/// Why a signature does not count. For whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("it is not signed: the signer puts one ds:Signature directly inside the signed element")]
    Missing,
    #[error("the signed element holds more than one ds:Signature")]
    Several,
    #[error("the ds:Signature is not built as SAML asks (saml-core 5.4): {0}")]
    Malformed(&'static str),
    #[error("the ds:Signature holds a ds:Object; SAML signatures have none")]
    Object,
    #[error("only Exclusive XML Canonicalization without comments is accepted, not `{0}`")]
    Canonicalization(String),
    #[error("it is signed or digested with SHA-1, which can be forged; sign with RSA-SHA256")]
    Sha1,
    #[error("the signature algorithm `{0}` is not accepted; sign with RSA-SHA256")]
    Algorithm(String),
    #[error("the digest algorithm `{0}` is not accepted; digest with SHA-256")]
    DigestAlgorithm(String),
    #[error("the signature must have exactly one ds:Reference")]
    References,
    #[error("the signed element has no ID, or one that is no XML name")]
    NoId,
    #[error("the signature is over something other than the element that it stands in")]
    Elsewhere,
    #[error("the transforms must be exactly enveloped-signature and then exclusive canonicalization")]
    Transforms,
    #[error("its InclusiveNamespaces list is longer than is read here, or names no prefixes")]
    Prefixes,
    #[error("its ds:{0} is not base64 of the right length")]
    Base64(&'static str),
    #[error("none of the signer's registered keys is one for this signature algorithm")]
    NoKey,
    #[error("the signature was not made by any of the signer's registered keys, or what it is over was changed")]
    Wrong,
    #[error("what was signed has been changed since")]
    Changed,
    #[error("signing failed: {0}")]
    Signing(String),
}

impl Error {
    /// Stable, for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Missing => "signature-missing",
            Error::Several => "signature-several",
            Error::Malformed(_) => "signature-malformed",
            Error::Object => "signature-object",
            Error::Canonicalization(_) => "signature-canonicalization",
            Error::Sha1 => "signature-sha1",
            Error::Algorithm(_) => "signature-algorithm",
            Error::DigestAlgorithm(_) => "signature-digest-algorithm",
            Error::References => "signature-references",
            Error::NoId => "signature-no-id",
            Error::Elsewhere => "signature-elsewhere",
            Error::Transforms => "signature-transforms",
            Error::Prefixes => "signature-prefixes",
            Error::Base64(_) => "signature-base64",
            Error::NoKey => "signature-no-key",
            Error::Wrong => "signature-wrong",
            Error::Changed => "signature-changed",
            Error::Signing(_) => "signing-failed",
        }
    }
}

/// Verifies a detached signature, that of the HTTP-Redirect binding (saml-bindings 3.4.4.1), over octets as they came.
///
/// # Errors
/// `NoKey` or `Wrong`.
pub fn verify_octets(algorithm: Algorithm, octets: &[u8], signature: &[u8], keys: &[PublicKey]) -> Result<(), Error> {
    let mut fit = keys.iter().filter(|key| key.fits(algorithm)).peekable();
    if fit.peek().is_none() {
        return Err(Error::NoKey);
    }
    if fit.any(|key| key.signed(algorithm, octets, signature)) { Ok(()) } else { Err(Error::Wrong) }
}

const ENVELOPED: &str = "http://www.w3.org/2000/09/xmldsig#enveloped-signature";
const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";

/// A digest algorithm of the house.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Digest {
    Sha256,
    Sha384,
    Sha512,
}

impl Digest {
    const ALL: [Digest; 3] = [Digest::Sha256, Digest::Sha384, Digest::Sha512];

    const fn uri(self) -> &'static str {
        match self {
            Digest::Sha256 => "http://www.w3.org/2001/04/xmlenc#sha256",
            Digest::Sha384 => "http://www.w3.org/2001/04/xmldsig-more#sha384",
            Digest::Sha512 => "http://www.w3.org/2001/04/xmlenc#sha512",
        }
    }

    fn from_uri(uri: &str) -> Result<Digest, Error> {
        let known = Digest::ALL.into_iter().find(|digest| digest.uri() == uri);
        known.ok_or_else(|| if uri.ends_with("sha1") { Error::Sha1 } else { Error::DigestAlgorithm(shown(uri)) })
    }

    fn of(self, text: &str) -> aws_lc_rs::digest::Digest {
        let algorithm = match self {
            Digest::Sha256 => &aws_lc_rs::digest::SHA256,
            Digest::Sha384 => &aws_lc_rs::digest::SHA384,
            Digest::Sha512 => &aws_lc_rs::digest::SHA512,
        };
        aws_lc_rs::digest::digest(algorithm, text.as_bytes())
    }
}

/// As much of a stranger's URI as is worth repeating.
fn shown(uri: &str) -> String {
    uri.chars().filter(|c| !c.is_control()).take(100).collect()
}

/// Base64 as XML Schema has it: white space anywhere (signers break lines), padding and unused bits as they must be.
fn from_base64(text: &str) -> Option<Vec<u8>> {
    let text: Vec<u8> = text.bytes().filter(|byte| !matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).collect();
    STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests;
