//! The HTTP-Redirect binding (SAML bindings 3.4.4) over the query string as it came: what was signed are the very
//! octets that the sender wrote, so nothing is decoded and encoded again before the signature was judged.
//!
//! Whose keys count is the caller's to say; it gives `Detached` to `wire::dsig`.

#[cfg(test)]
mod tests;

use std::io::Write;

use base64::{Engine, engine::general_purpose::STANDARD};
use flate2::{Compression, Decompress, FlushDecompress, Status, write::DeflateEncoder};

use super::posted;
use crate::wire::{
    dsig::{self, Algorithm, Signer},
    xml,
};

/// What a query string held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Redirected {
    pub kind: Kind,
    /// Not parsed yet.
    pub xml: String,
    pub relay_state: Option<String>,
    /// Not judged yet.
    pub signature: Option<Detached>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Request,
    Response,
}

impl Kind {
    /// The parameter's name, in a query and in a form alike.
    pub fn parameter(self) -> &'static str {
        match self {
            Kind::Request => "SAMLRequest",
            Kind::Response => "SAMLResponse",
        }
    }
}

/// A signature that stands beside what it covers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Detached {
    pub algorithm_uri: String,
    pub signature: Vec<u8>,
    /// `SAMLRequest=…&RelayState=…&SigAlg=…` in the standard's order, whatever order they came in, each value with the
    /// escapes that the sender chose.
    pub octets: Vec<u8>,
}

/// Why a query string is not taken. The sender's to mend, all of them.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the query string is longer than is read")]
    TooLong,
    #[error("the query string holds neither SAMLRequest nor SAMLResponse")]
    NoMessage,
    #[error("the query string holds both SAMLRequest and SAMLResponse")]
    TwoMessages,
    #[error("the query string holds {0} twice")]
    Duplicate(&'static str),
    #[error("the name of a query parameter is percent-encoded; SAML's names need no escapes")]
    EncodedName,
    #[error("the query parameter {0} is not well percent-encoded, or not UTF-8")]
    Escape(&'static str),
    #[error("the query string has a Signature, but no SigAlg that says how it was made")]
    SignatureWithoutAlgorithm,
    #[error("the query string has a SigAlg, but no Signature")]
    AlgorithmWithoutSignature,
    #[error("the query parameter Signature is not base64")]
    Signature,
    #[error("SAMLEncoding names an encoding other than DEFLATE, which is the only one known here")]
    Encoding,
    #[error("{0} is not base64 of deflated XML")]
    Base64(&'static str),
    #[error("the SAML message is not deflated (RFC 1951); was it cut off on its way?")]
    Deflate,
    #[error("the SAML message is compressed with a zlib header (RFC 1950); send raw DEFLATE data (RFC 1951)")]
    Zlib,
    #[error("the SAML message is XML that was not deflated; by HTTP-Redirect it must be, before base64")]
    NotDeflated,
    #[error(transparent)]
    Message(#[from] posted::Error),
}

impl Error {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Error::TooLong => "query-too-long",
            Error::NoMessage => "message-missing",
            Error::TwoMessages => "two-messages",
            Error::Duplicate(_) => "parameter-twice",
            Error::EncodedName => "parameter-name-encoded",
            Error::Escape(_) => "parameter-escape",
            Error::SignatureWithoutAlgorithm => "signature-without-sigalg",
            Error::AlgorithmWithoutSignature => "sigalg-without-signature",
            Error::Signature => "signature-not-base64",
            Error::Encoding => "saml-encoding-unknown",
            Error::Base64(_) => "message-not-base64",
            Error::Deflate => "message-not-deflated",
            Error::Zlib => "message-zlib",
            Error::NotDeflated => "message-plain-xml",
            Error::Message(error) => error.code(),
        }
    }
}

/// Escapes make a message longer; no server or browser takes more than this by far.
const LONGEST_QUERY: usize = 64 * 1024;
const DEFLATE: &str = "urn:oasis:names:tc:SAML:2.0:bindings:URL-Encoding:DEFLATE";

/// Reads a query string as it stands behind the question mark, escapes and all. Parameters that are not SAML's are
/// passed over.
///
/// # Errors
/// `Error`, the first thing found wrong.
pub fn read(raw_query: &str) -> Result<Redirected, Error> {
    let raw = Raw::read(raw_query)?;
    if let Some(encoding) = raw.encoding
        && unescape(encoding, Plus::Blank).as_deref() != Some(DEFLATE)
    {
        return Err(Error::Encoding);
    }
    let (kind, message) = match (raw.request, raw.response) {
        (Some(message), None) => (Kind::Request, message),
        (None, Some(message)) => (Kind::Response, message),
        (None, None) => return Err(Error::NoMessage),
        (Some(_), Some(_)) => return Err(Error::TwoMessages),
    };
    let relay_state = raw.relay_state.map(relay_state).transpose()?;
    let signature = match (raw.signature, raw.algorithm) {
        (Some(signature), Some(algorithm)) => {
            let octets = octets(kind, message, raw.relay_state, algorithm).into_bytes();
            let algorithm_uri = unescape(algorithm, Plus::Blank).ok_or(Error::Escape("SigAlg"))?;
            let signature = unescape(signature, Plus::Plus).ok_or(Error::Escape("Signature"))?;
            let signature = posted::from_base64(&signature).filter(|s| !s.is_empty()).ok_or(Error::Signature)?;
            Some(Detached { algorithm_uri, signature, octets })
        }
        (None, None) => None,
        (Some(_), None) => return Err(Error::SignatureWithoutAlgorithm),
        (None, Some(_)) => return Err(Error::AlgorithmWithoutSignature),
    };
    let name = kind.parameter();
    let message = unescape(message, Plus::Plus).ok_or(Error::Escape(name))?;
    let deflated = posted::from_base64(&message).ok_or(Error::Base64(name))?;
    Ok(Redirected { kind, xml: posted::text(inflate(&deflated)?)?, relay_state, signature })
}

/// A query string to stand behind `?` or `&`, signed with RSA-SHA256 where there is a signer.
///
/// # Errors
/// Only what the signer says.
pub fn write(
    kind: Kind,
    xml: &str,
    relay_state: Option<&str>,
    signer: Option<&Signer<'_>>,
) -> Result<String, dsig::Error> {
    let message = escape(&STANDARD.encode(deflate(xml.as_bytes())));
    let relay_state = relay_state.map(escape);
    let Some(signer) = signer else {
        return Ok(query(kind, &message, relay_state.as_deref()));
    };
    let octets = octets(kind, &message, relay_state.as_deref(), &escape(Algorithm::RsaSha256.uri()));
    let signature = STANDARD.encode((signer.sign)(octets.as_bytes())?);
    Ok(format!("{octets}&Signature={}", escape(&signature)))
}

/// SAML's parameters, each once and with its escapes.
#[derive(Default)]
struct Raw<'q> {
    request: Option<&'q str>,
    response: Option<&'q str>,
    relay_state: Option<&'q str>,
    algorithm: Option<&'q str>,
    signature: Option<&'q str>,
    encoding: Option<&'q str>,
}

impl<'q> Raw<'q> {
    fn read(query: &'q str) -> Result<Raw<'q>, Error> {
        if query.len() > LONGEST_QUERY {
            return Err(Error::TooLong);
        }
        let mut raw = Raw::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            // Others would take `SAML%52equest` for SAMLRequest, and see another message than we do.
            if name.contains('%') {
                return Err(Error::EncodedName);
            }
            let (place, name) = match name {
                "SAMLRequest" => (&mut raw.request, "SAMLRequest"),
                "SAMLResponse" => (&mut raw.response, "SAMLResponse"),
                "RelayState" => (&mut raw.relay_state, "RelayState"),
                "SigAlg" => (&mut raw.algorithm, "SigAlg"),
                "Signature" => (&mut raw.signature, "Signature"),
                "SAMLEncoding" => (&mut raw.encoding, "SAMLEncoding"),
                _ => continue,
            };
            if place.replace(value).is_some() {
                return Err(Error::Duplicate(name));
            }
        }
        Ok(raw)
    }
}

/// What is signed (SAML bindings 3.4.4.1).
fn octets(kind: Kind, message: &str, relay_state: Option<&str>, algorithm: &str) -> String {
    format!("{}&SigAlg={algorithm}", query(kind, message, relay_state))
}

fn query(kind: Kind, message: &str, relay_state: Option<&str>) -> String {
    let name = kind.parameter();
    match relay_state {
        Some(relay_state) => format!("{name}={message}&RelayState={relay_state}"),
        None => format!("{name}={message}"),
    }
}

fn relay_state(raw: &str) -> Result<String, Error> {
    Ok(posted::relay_state(unescape(raw, Plus::Blank).ok_or(Error::Escape("RelayState"))?)?)
}

/// At most `MESSAGE.bytes` and one more come out, however much would. Bytes after the stream's end are passed over:
/// some senders leave zlib's checksum there.
fn inflate(deflated: &[u8]) -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::with_capacity(xml::MESSAGE.bytes + 1);
    let status = Decompress::new(false).decompress_vec(deflated, &mut bytes, FlushDecompress::Finish);
    match status {
        _ if bytes.len() > xml::MESSAGE.bytes => Err(posted::Error::TooLarge.into()),
        Ok(Status::StreamEnd) => Ok(bytes),
        _ if deflated.is_empty() => Err(posted::Error::Empty.into()),
        _ => Err(not_deflated(deflated)),
    }
}

/// Which of the usual mistakes it was.
fn not_deflated(bytes: &[u8]) -> Error {
    match bytes {
        [first, second, ..]
            if first & 0x0f == 8 && (u16::from(*first) << 8 | u16::from(*second)).is_multiple_of(31) =>
        {
            Error::Zlib
        }
        [b'<', ..] | [0xef, 0xbb, 0xbf, b'<', ..] => Error::NotDeflated,
        _ => Error::Deflate,
    }
}

fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}

/// What a plus sign means in a value. Base64 has it for a letter and knows no blanks, so there a sender who forgot to
/// escape it is understood; elsewhere it is a blank, as in every form.
#[derive(Clone, Copy)]
enum Plus {
    Plus,
    Blank,
}

fn unescape(raw: &str, plus: Plus) -> Option<String> {
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        bytes.push(match (first, plus) {
            (b'%', _) => {
                let (digits, after) = rest.split_at_checked(2)?;
                rest = after;
                *hex::decode(digits).ok()?.first()?
            }
            (b'+', Plus::Blank) => b' ',
            (byte, _) => *byte,
        });
    }
    String::from_utf8(bytes).ok()
}

/// All but RFC 3986's unreserved characters.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + text.len() / 8);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push('%');
            escaped.push_str(&hex::encode_upper([byte]));
        }
    }
    escaped
}
