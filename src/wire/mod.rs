//! PURE codecs: bytes and text to and from meaning. What is done with them belongs to the callers.

pub mod barcode;
pub mod certificate;
pub mod dsig;
pub mod jose;
pub mod saml;
pub mod sip2;
pub mod xml;
pub mod xmlenc;
