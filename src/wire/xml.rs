//! XML as strangers send it: bounded before it is parsed, without DTD and processing instructions; and as we write it.
//! Owns the text and its tree. What a message means is `wire::saml`'s, who signed it `wire::dsig`'s.
//!
//! The only home of `roxmltree`. Where that parser is more lenient than XML 1.0 with Namespaces, `scan` is not.

pub mod c14n;
pub mod namespace;
mod scan;
pub mod write;

use std::{borrow::Cow, collections::HashSet};

pub use roxmltree::{Document, Node, NodeId};

/// How much of XML is looked into. All of it is counted before the parser sees a byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Length of the text.
    pub bytes: usize,
    /// Elements within elements, the document element being the first.
    pub depth: usize,
    /// On one element, namespace declarations included. The parser's time grows with their square.
    pub attributes: usize,
    /// Declared at one element and around it. Wherever one is added the parser's time grows with their square.
    pub namespaces: usize,
    /// Elements, comments and runs of text.
    pub nodes: u32,
}

/// One message: a request, a response, a logout.
pub const MESSAGE: Limits = Limits { bytes: 64 * 1024, depth: 64, attributes: 64, namespaces: 32, nodes: 2000 };
/// Metadata of one entity.
pub const METADATA: Limits = Limits { bytes: 1024 * 1024, depth: 64, attributes: 64, namespaces: 64, nodes: 100_000 };
/// A federation's metadata. For background jobs only.
pub const AGGREGATE: Limits =
    Limits { bytes: 128 * 1024 * 1024, depth: 64, attributes: 64, namespaces: 64, nodes: 8_000_000 };

/// Why XML is not taken. For whoever made it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error("the XML is larger than is read here; send less of it")]
    TooLarge,
    #[error("its elements are nested deeper than is read here")]
    TooDeep,
    #[error("an element has more attributes and namespace declarations than are read here")]
    TooManyAttributes,
    #[error("more namespaces are in scope at one element than are read here")]
    TooManyNamespaces,
    #[error("it has more elements and texts than are read here")]
    TooManyNodes,
    #[error("it is not UTF-8, or is declared as something else; send UTF-8")]
    NotUtf8,
    #[error("it is declared as another version than XML 1.0")]
    Version,
    #[error("it has a document type declaration; SAML has no use for one, leave it out")]
    Doctype,
    #[error("it has a processing instruction; SAML has no use for one, leave it out")]
    ProcessingInstruction,
    #[error("two of its elements have the ID `{0}`")]
    DuplicateId(String),
    #[error("it is not well-formed: {0}")]
    Syntax(String),
    #[error("the text of `{0}` is interrupted by a comment or an element")]
    NotText(String),
}

impl Error {
    /// Stable, for logs and tests.
    pub fn code(&self) -> &'static str {
        match self {
            Error::TooLarge => "xml-too-large",
            Error::TooDeep => "xml-too-deep",
            Error::TooManyAttributes => "xml-too-many-attributes",
            Error::TooManyNamespaces => "xml-too-many-namespaces",
            Error::TooManyNodes => "xml-too-many-nodes",
            Error::NotUtf8 => "xml-not-utf8",
            Error::Version => "xml-version",
            Error::Doctype => "xml-doctype",
            Error::ProcessingInstruction => "xml-processing-instruction",
            Error::DuplicateId(_) => "xml-duplicate-id",
            Error::Syntax(_) => "xml-syntax",
            Error::NotText(_) => "xml-not-text",
        }
    }
}

/// The text of bytes that came from outside.
///
/// # Errors
/// `NotUtf8`.
pub fn utf8(bytes: &[u8]) -> Result<&str, Error> {
    std::str::from_utf8(bytes).map_err(|_| Error::NotUtf8)
}

/// The tree of a text within `limits`, with no DTD, no processing instruction and no ID twice. A declaration
/// `<?xml … ?>` at its beginning is fine.
///
/// # Errors
/// The first thing found wrong; whatever exceeds a limit is found before it costs anything.
pub fn parse<'t>(text: &'t str, limits: &Limits) -> Result<Document<'t>, Error> {
    scan::scan(text, limits)?;
    let document = Document::parse(text).map_err(|e| match e {
        roxmltree::Error::DtdDetected => Error::Doctype,
        e => Error::Syntax(e.to_string()),
    })?;
    ids_are_unique(&document)?;
    Ok(document)
}

/// Whatever any verifier might take for an ID counts: `ID`, `Id`, `id`, `xml:id`, `wsu:Id`. All share one space.
fn ids_are_unique(document: &Document<'_>) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for attribute in document.descendants().flat_map(|node| node.attributes()) {
        if attribute.name().eq_ignore_ascii_case("id") && !seen.insert(attribute.value()) {
            return Err(Error::DuplicateId(attribute.value().to_owned()));
        }
    }
    Ok(())
}

/// The text of an element without the white space around it. Nothing but text may be inside: a comment would split it,
/// and whoever reads only the first half is fooled (`admin<!-- -->@evil.example`).
///
/// # Errors
/// `NotText`.
pub fn text<'a>(node: Node<'a, '_>) -> Result<Cow<'a, str>, Error> {
    let mut inside = node.children();
    let text = match (inside.next(), inside.next()) {
        (None, _) => "",
        (Some(only), None) if only.is_text() => only.text().unwrap_or_default(),
        _ => return Err(Error::NotText(node.tag_name().name().to_owned())),
    };
    Ok(Cow::Borrowed(text.trim_matches(SPACE)))
}

/// White space as XML has it; Unicode's is another matter.
pub const SPACE: [char; 4] = [' ', '\t', '\r', '\n'];

/// Whether this is that element. An empty namespace is none.
pub fn is(node: Node<'_, '_>, namespace: &str, local: &str) -> bool {
    let name = node.tag_name();
    node.is_element() && name.name() == local && name.namespace().unwrap_or_default() == namespace
}

/// The first direct child element of that name.
pub fn child<'a, 'i>(node: Node<'a, 'i>, namespace: &str, local: &str) -> Option<Node<'a, 'i>> {
    node.children().find(|child| is(*child, namespace, local))
}

/// All direct child elements of that name.
pub fn children<'a, 'i>(
    node: Node<'a, 'i>,
    namespace: &'static str,
    local: &'static str,
) -> impl Iterator<Item = Node<'a, 'i>> {
    node.children().filter(move |child| is(*child, namespace, local))
}

/// The direct child element of that name, where there is exactly one.
pub fn only<'a, 'i>(node: Node<'a, 'i>, namespace: &str, local: &str) -> Option<Node<'a, 'i>> {
    let mut all = node.children().filter(|child| is(*child, namespace, local));
    let first = all.next();
    if all.next().is_some() { None } else { first }
}

/// An attribute that has no namespace. `Node::attribute("ID")` would answer with `evil:ID` as well.
pub fn attribute<'a>(node: Node<'a, '_>, local: &str) -> Option<&'a str> {
    node.attributes().find(|a| a.name() == local && a.namespace().is_none()).map(|a| a.value())
}

#[cfg(test)]
mod tests;
