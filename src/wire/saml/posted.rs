//! The HTTP-POST binding (SAML bindings 3.5): what stands in the form field `SAMLRequest` or `SAMLResponse`, to and
//! from XML. The form itself is the caller's.

#[cfg(test)]
mod tests;

use base64::{
    Engine, alphabet,
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig, general_purpose::STANDARD},
};

use crate::wire::xml;

/// The standard says 80 (bindings 3.4.3); many put a whole address there.
const LONGEST_RELAY_STATE: usize = 1024;

/// Why a form field is not taken. The sender's to mend.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the SAML message is empty")]
    Empty,
    #[error(
        "the SAML message is not base64 (by HTTP-POST it is base64 of the XML, neither deflated nor encoded twice)"
    )]
    Base64,
    #[error("the SAML message is larger than the 64 KiB that are read")]
    TooLarge,
    #[error("the SAML message is not UTF-8 text (by HTTP-POST it is base64 of the XML, and not deflated)")]
    NotText,
    #[error("RelayState is longer than {LONGEST_RELAY_STATE} bytes (the standard allows 80)")]
    RelayStateTooLong,
    #[error("RelayState holds a control character")]
    RelayState,
}

impl Error {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Empty => "message-empty",
            Error::Base64 => "message-not-base64",
            Error::TooLarge => "message-too-large",
            Error::NotText => "message-not-text",
            Error::RelayStateTooLong => "relay-state-too-long",
            Error::RelayState => "relay-state-control-character",
        }
    }
}

/// The XML of a form field, which is not parsed here.
///
/// # Errors
/// `Error`, with what the sender does wrong.
pub fn read(field: &str) -> Result<String, Error> {
    // Four characters for three bytes, and line breaks to spare.
    if field.len() > xml::MESSAGE.bytes * 2 {
        return Err(Error::TooLarge);
    }
    let bytes = from_base64(field).ok_or(Error::Base64)?;
    text(bytes)
}

/// A `RelayState` that can go back as it came, in a form or in a query.
///
/// # Errors
/// `RelayStateTooLong`; `RelayState` for control characters that no page carries.
pub fn relay_state(text: String) -> Result<String, Error> {
    if text.len() > LONGEST_RELAY_STATE {
        return Err(Error::RelayStateTooLong);
    }
    let carried = |c: char| !c.is_control() || matches!(c, '\t' | '\r' | '\n');
    if text.chars().all(carried) { Ok(text) } else { Err(Error::RelayState) }
}

/// The value of the form field, without line breaks.
pub fn write(xml: &str) -> String {
    STANDARD.encode(xml)
}

/// A message's bytes as text, once they were uncovered.
pub(super) fn text(bytes: Vec<u8>) -> Result<String, Error> {
    match bytes.len() {
        0 => Err(Error::Empty),
        length if length > xml::MESSAGE.bytes => Err(Error::TooLarge),
        // NUL is the one character that no XML holds and that UTF-16 is full of.
        _ if bytes.contains(&0) => Err(Error::NotText),
        _ => String::from_utf8(bytes).map_err(|_| Error::NotText),
    }
}

/// Base64 as senders write it: with line breaks and blanks or without, with padding or without.
pub(super) fn from_base64(text: &str) -> Option<Vec<u8>> {
    const LENIENT: GeneralPurpose = GeneralPurpose::new(
        &alphabet::STANDARD,
        GeneralPurposeConfig::new()
            .with_decode_padding_mode(DecodePaddingMode::Indifferent)
            .with_decode_allow_trailing_bits(true),
    );
    let compact: Vec<u8> = text.bytes().filter(|b| !matches!(b, b' ' | b'\t' | b'\r' | b'\n')).collect();
    LENIENT.decode(compact).ok()
}
