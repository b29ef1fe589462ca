//! Reading elements: attributes and children by the types and counts that the SAML schemas give them, and the header
//! that all messages share. What a value means is said by the files beside.

use super::{format, instant};
use crate::wire::xml::{
    self, Node,
    namespace::{ASSERTION, PROTOCOL, SIGNATURE},
};

/// Why a message cannot be read. Each is the sender's to mend.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Xml(#[from] xml::Error),
    #[error("the document is no {expected}, but has the root element {found}")]
    Root { expected: &'static str, found: String },
    #[error("Version must be 2.0, it is {0:?}")]
    Version(String),
    #[error("ID must be an XML name without a colon (a letter or _ first) of at most {LONGEST_ID} characters")]
    Id,
    #[error("{0} is missing")]
    Missing(&'static str),
    #[error("{0} stands there more than once")]
    Repeated(&'static str),
    #[error("{0} is empty")]
    Empty(&'static str),
    #[error("{0} is longer than {LONGEST_VALUE} characters")]
    TooLong(&'static str),
    #[error("{0} is no time such as 2026-11-27T09:30:00Z")]
    Instant(&'static str),
    #[error("{0} is no duration such as PT6H")]
    Duration(&'static str),
    #[error("{0} must be true or false (or 1 or 0)")]
    Boolean(&'static str),
    #[error("{0} must be a number from 0 to 65535")]
    Number(&'static str),
    #[error("{attribute} has the value {value:?}, which the standard does not know")]
    Value { attribute: &'static str, value: String },
    #[error("the Issuer must be an entityID; it has the format {0:?}")]
    IssuerFormat(String),
    #[error("the Issuer must be an entityID, without {0}")]
    IssuerQualified(&'static str),
    #[error("{0} is nothing that may stand in {1}")]
    Unexpected(String, &'static str),
    #[error("text stands in {0}, which holds elements alone")]
    StrayText(&'static str),
    #[error("AssertionConsumerServiceIndex excludes AssertionConsumerServiceURL and ProtocolBinding; send either")]
    AcsTwice,
    #[error("RequestedAuthnContext holds AuthnContextClassRef and AuthnContextDeclRef; send either")]
    ContextTwice,
    #[error("a Subject in an AuthnRequest must hold no SubjectConfirmation (profiles 4.1.4.1)")]
    SubjectConfirmation,
}

impl Error {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Xml(error) => error.code(),
            Error::Root { .. } => "another-message",
            Error::Version(_) => "version",
            Error::Id => "id",
            Error::Missing(_) => "missing",
            Error::Repeated(_) => "repeated",
            Error::Empty(_) => "empty",
            Error::TooLong(_) => "value-too-long",
            Error::Instant(_) => "no-time",
            Error::Duration(_) => "no-duration",
            Error::Boolean(_) => "no-boolean",
            Error::Number(_) => "no-number",
            Error::Value { .. } => "unknown-value",
            Error::IssuerFormat(_) => "issuer-format",
            Error::IssuerQualified(_) => "issuer-qualified",
            Error::Unexpected(..) => "unexpected-element",
            Error::StrayText(_) => "stray-text",
            Error::AcsTwice => "acs-url-and-index",
            Error::ContextTwice => "context-class-and-declaration",
            Error::SubjectConfirmation => "subject-confirmation",
        }
    }
}

const LONGEST_ID: usize = 256;
/// An entityID has at most 1024 characters (core 8.3.6), and nothing else needs more.
const LONGEST_VALUE: usize = 1024;

/// What all messages begin with (core 3.2.1, 3.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Header {
    pub id: String,
    pub issue_instant: i64,
    pub destination: Option<String>,
    pub issuer: String,
}

/// Reads the header of the message `name`. `Consent` says nothing that we act on.
pub(super) fn header(node: Node<'_, '_>, name: &'static str) -> Result<Header, Error> {
    if !xml::is(node, PROTOCOL, name) {
        return Err(Error::Root { expected: name, found: full_name(node) });
    }
    let version = xml::attribute(node, "Version").ok_or(Error::Missing("Version"))?;
    if version != "2.0" {
        return Err(Error::Version(shortened(version)));
    }
    let id = xml::attribute(node, "ID").ok_or(Error::Missing("ID"))?;
    Ok(Header {
        id: id_of(id)?,
        issue_instant: time(node, "IssueInstant")?.ok_or(Error::Missing("IssueInstant"))?,
        destination: value(node, "Destination")?,
        issuer: issuer(node)?,
    })
}

/// Optional in the schema, required by the profiles (profiles 4.1.4.1, 4.4.4.1), where it is a bare entityID.
fn issuer(message: Node<'_, '_>) -> Result<String, Error> {
    let issuer = once(message, ASSERTION, "Issuer")?.ok_or(Error::Missing("Issuer"))?;
    if let Some(format) = xml::attribute(issuer, "Format").filter(|format| *format != format::ENTITY) {
        return Err(Error::IssuerFormat(shortened(format)));
    }
    let qualifier =
        ["NameQualifier", "SPNameQualifier", "SPProvidedID"].into_iter().find(|q| xml::attribute(issuer, q).is_some());
    if let Some(qualifier) = qualifier {
        return Err(Error::IssuerQualified(qualifier));
    }
    text(issuer, "Issuer")
}

/// The one direct child of that name, or none.
pub(super) fn once<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    name: &'static str,
) -> Result<Option<Node<'a, 'i>>, Error> {
    let mut children = xml::children(node, namespace, name);
    let first = children.next();
    if children.next().is_some() { Err(Error::Repeated(name)) } else { Ok(first) }
}

/// Refuses elements that have no place in `parent`, and text between those that have. Signatures are judged elsewhere,
/// extensions are nobody's business here (core 3.2.1).
pub(super) fn only(node: Node<'_, '_>, parent: &'static str, known: &[(&str, &str)]) -> Result<(), Error> {
    for child in node.children() {
        if child.is_text() && !child.text().unwrap_or_default().chars().all(|c| c.is_ascii_whitespace()) {
            return Err(Error::StrayText(parent));
        }
        if child.is_element() && !known.iter().any(|(namespace, name)| xml::is(child, namespace, name)) {
            return Err(Error::Unexpected(full_name(child), parent));
        }
    }
    Ok(())
}

/// What may stand in every request and response besides its own.
pub(super) const COMMON: [(&str, &str); 3] =
    [(ASSERTION, "Issuer"), (SIGNATURE, "Signature"), (PROTOCOL, "Extensions")];

/// An element's text, which must be some.
pub(super) fn text(node: Node<'_, '_>, name: &'static str) -> Result<String, Error> {
    bounded(&xml::text(node)?, name)
}

pub(super) fn value(node: Node<'_, '_>, name: &'static str) -> Result<Option<String>, Error> {
    match xml::attribute(node, name) {
        Some(value) if value.chars().count() > LONGEST_VALUE => Err(Error::TooLong(name)),
        value => Ok(value.map(str::to_owned)),
    }
}

/// An attribute that must be there and not be empty.
pub(super) fn required(node: Node<'_, '_>, name: &'static str) -> Result<String, Error> {
    bounded(xml::attribute(node, name).ok_or(Error::Missing(name))?, name)
}

fn bounded(text: &str, name: &'static str) -> Result<String, Error> {
    match text.chars().count() {
        0 => Err(Error::Empty(name)),
        length if length > LONGEST_VALUE => Err(Error::TooLong(name)),
        _ => Ok(text.to_owned()),
    }
}

pub(super) fn time(node: Node<'_, '_>, name: &'static str) -> Result<Option<i64>, Error> {
    xml::attribute(node, name).map(|text| instant::parse(text).ok_or(Error::Instant(name))).transpose()
}

/// `xs:boolean`, which knows four spellings and no other.
pub(super) fn boolean(node: Node<'_, '_>, name: &'static str) -> Result<Option<bool>, Error> {
    match xml::attribute(node, name).map(|text| text.trim_ascii()) {
        None => Ok(None),
        Some("true" | "1") => Ok(Some(true)),
        Some("false" | "0") => Ok(Some(false)),
        Some(_) => Err(Error::Boolean(name)),
    }
}

pub(super) fn number(node: Node<'_, '_>, name: &'static str) -> Result<Option<u16>, Error> {
    let Some(text) = xml::attribute(node, name).map(str::trim_ascii) else { return Ok(None) };
    // Rust would take a plus sign too, and so does xs:unsignedShort.
    text.parse().map(Some).map_err(|_| Error::Number(name))
}

/// `xs:ID` (Namespaces in XML 1.0, production NCName).
pub(super) fn id_of(text: &str) -> Result<String, Error> {
    let mut characters = text.chars();
    let right = characters.next().is_some_and(begins_name) && characters.all(continues_name);
    if right && text.chars().count() <= LONGEST_ID { Ok(text.to_owned()) } else { Err(Error::Id) }
}

/// XML 1.0, production 4, without the colon.
fn begins_name(c: char) -> bool {
    matches!(c,
        'A'..='Z' | '_' | 'a'..='z' | '\u{C0}'..='\u{D6}' | '\u{D8}'..='\u{F6}' | '\u{F8}'..='\u{2FF}'
        | '\u{370}'..='\u{37D}' | '\u{37F}'..='\u{1FFF}' | '\u{200C}' | '\u{200D}' | '\u{2070}'..='\u{218F}'
        | '\u{2C00}'..='\u{2FEF}' | '\u{3001}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFFD}'
        | '\u{10000}'..='\u{EFFFF}')
}

/// XML 1.0, production 4a, without the colon.
fn continues_name(c: char) -> bool {
    begins_name(c) || matches!(c, '-' | '.' | '0'..='9' | '\u{B7}' | '\u{300}'..='\u{36F}' | '\u{203F}' | '\u{2040}')
}

/// For an error's sentence.
pub(super) fn full_name(node: Node<'_, '_>) -> String {
    let name = node.tag_name();
    match name.namespace() {
        Some(namespace) => format!("{{{}}}{}", shortened(namespace), shortened(name.name())),
        None => shortened(name.name()),
    }
}

pub(super) fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}
