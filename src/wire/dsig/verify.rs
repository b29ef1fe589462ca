//! Judging what a stranger signed. Everything that XML Signature leaves open is closed here: which element, which
//! transforms, which algorithms, which keys. Nothing is looked up by ID, and nothing is parsed a second time.

use super::{Algorithm, Digest, ENVELOPED, EXCLUSIVE, Error, PublicKey, from_base64, shown, verify_octets};
use crate::wire::xml::{Node, attribute, c14n, children, is, namespace, text};

/// An element whose signature was verified: only what is read below `node` was signed.
#[derive(Debug, Clone, Copy)]
pub struct Signed<'a, 'i>(Node<'a, 'i>);

impl<'a, 'i> Signed<'a, 'i> {
    pub fn node(&self) -> Node<'a, 'i> {
        self.0
    }
}

/// Whether a signature stands directly inside.
pub fn has_signature(element: Node<'_, '_>) -> bool {
    children(element, namespace::SIGNATURE, "Signature").next().is_some()
}

/// Verifies that one of `keys` signed `element`, as saml-core section 5.4 has it.
///
/// # Errors
/// The first thing found wrong.
pub fn verify<'a, 'i>(element: Node<'a, 'i>, keys: &[PublicKey]) -> Result<Signed<'a, 'i>, Error> {
    let signature = Signature::of(element)?;
    let info = SignedInfo::of(signature.info)?;
    is_over(element, info.uri)?;
    let octets = c14n::exclusive(signature.info, &info.prefixes, None);
    verify_octets(info.algorithm, octets.as_bytes(), &signature.value, keys)?;
    let canonical = c14n::exclusive(element, &info.content_prefixes, Some(signature.node.id()));
    // Public on both sides: nothing is learned from how long the comparison takes.
    if info.digest.of(&canonical).as_ref() != info.digest_value { Err(Error::Changed) } else { Ok(Signed(element)) }
}

struct Signature<'a, 'i> {
    node: Node<'a, 'i>,
    info: Node<'a, 'i>,
    value: Vec<u8>,
}

impl<'a, 'i> Signature<'a, 'i> {
    /// The only signature directly inside. Its `ds:KeyInfo` is passed over: a key that the message brings proves nothing.
    fn of(element: Node<'a, 'i>) -> Result<Signature<'a, 'i>, Error> {
        let mut signatures = children(element, namespace::SIGNATURE, "Signature");
        let node = signatures.next().ok_or(Error::Missing)?;
        if signatures.next().is_some() {
            return Err(Error::Several);
        }
        let mut parts = Parts::of(node)?;
        let info = parts.next("SignedInfo")?;
        let value = base64(parts.next("SignatureValue")?, "SignatureValue", 1..=1024)?;
        parts.maybe("KeyInfo");
        parts.end()?;
        Ok(Signature { node, info, value })
    }
}

struct SignedInfo<'a> {
    /// That are declared in the canonical form of the SignedInfo itself.
    prefixes: Vec<&'a str>,
    algorithm: Algorithm,
    uri: &'a str,
    /// That are declared in the canonical form of what it is over.
    content_prefixes: Vec<&'a str>,
    digest: Digest,
    digest_value: Vec<u8>,
}

impl<'a> SignedInfo<'a> {
    fn of(node: Node<'a, '_>) -> Result<SignedInfo<'a>, Error> {
        let mut parts = Parts::of(node)?;
        let prefixes = exclusive(parts.next("CanonicalizationMethod")?)?;
        let method = parts.next("SignatureMethod")?;
        // An HMACOutputLength or a parameter would stand inside.
        Parts::of(method)?.end()?;
        let algorithm = Algorithm::from_uri(named(method)?)?;
        let reference = parts.next("Reference").map_err(|_| Error::References)?;
        parts.end().map_err(|_| Error::References)?;

        let uri = attribute(reference, "URI").ok_or(Error::Elsewhere)?;
        let mut parts = Parts::of(reference)?;
        let content_prefixes = transforms(parts.next("Transforms").map_err(|_| Error::Transforms)?)?;
        let method = parts.next("DigestMethod")?;
        Parts::of(method)?.end()?;
        let digest = Digest::from_uri(named(method)?)?;
        let digest_value = base64(parts.next("DigestValue")?, "DigestValue", 32..=64)?;
        parts.end()?;
        Ok(SignedInfo { prefixes, algorithm, uri, content_prefixes, digest, digest_value })
    }
}

/// Only the element that the signature stands in, by its own ID. A metadata root may have none; then it is the whole
/// document (saml-metadata 3.1.3 allows no more).
fn is_over(element: Node<'_, '_>, uri: &str) -> Result<(), Error> {
    match attribute(element, "ID") {
        Some(id) if !is_name(id) => Err(Error::NoId),
        Some(id) if uri.strip_prefix('#') == Some(id) => Ok(()),
        None if !uri.is_empty() => Err(Error::NoId),
        None if element == element.document().root_element() => Ok(()),
        _ => Err(Error::Elsewhere),
    }
}

/// An NCName, near enough that no `xpointer(…)` is one.
fn is_name(id: &str) -> bool {
    let first = |c: char| c.is_alphabetic() || c == '_';
    id.starts_with(first) && id.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Exactly two, in this order. The prefixes that the second one lists.
fn transforms<'a>(node: Node<'a, '_>) -> Result<Vec<&'a str>, Error> {
    let mut parts = Parts::of(node).map_err(|_| Error::Transforms)?;
    let mut next = || parts.next("Transform").map_err(|_| Error::Transforms);
    let (enveloped, canonical) = (next()?, next()?);
    parts.end().map_err(|_| Error::Transforms)?;
    Parts::of(enveloped).and_then(|inside| inside.end()).map_err(|_| Error::Transforms)?;
    match (named(enveloped)?, named(canonical)?) {
        (ENVELOPED, EXCLUSIVE) => exclusive(canonical),
        (ENVELOPED, other) if other.contains("c14n") => Err(Error::Canonicalization(shown(other))),
        _ => Err(Error::Transforms),
    }
}

/// Of a CanonicalizationMethod or Transform that must be exclusive canonicalization: the prefixes that it lists.
fn exclusive<'a>(node: Node<'a, '_>) -> Result<Vec<&'a str>, Error> {
    const MOST: usize = 32;
    let algorithm = named(node)?;
    if algorithm != EXCLUSIVE {
        return Err(Error::Canonicalization(shown(algorithm)));
    }
    let mut inside = elements(node)?;
    let Some(list) = inside.next() else { return Ok(Vec::new()) };
    if inside.next().is_some()
        || !is(list, namespace::EXCLUSIVE, "InclusiveNamespaces")
        || elements(list)?.next().is_some()
    {
        return Err(Error::Malformed("a canonicalization holds more than one list of prefixes"));
    }
    let prefixes: Vec<&str> = attribute(list, "PrefixList").unwrap_or_default().split_ascii_whitespace().collect();
    let is_prefix = |prefix: &&str| *prefix == "#default" || is_name(prefix);
    if prefixes.len() > MOST || !prefixes.iter().all(is_prefix) { Err(Error::Prefixes) } else { Ok(prefixes) }
}

fn named<'a>(node: Node<'a, '_>) -> Result<&'a str, Error> {
    attribute(node, "Algorithm").ok_or(Error::Malformed("a method or transform names no algorithm"))
}

fn base64(node: Node<'_, '_>, name: &'static str, length: std::ops::RangeInclusive<usize>) -> Result<Vec<u8>, Error> {
    let bytes = text(node).ok().and_then(|text| from_base64(&text));
    bytes.filter(|bytes| length.contains(&bytes.len())).ok_or(Error::Base64(name))
}

/// The child elements of one that holds nothing else: no text but white space, no comment.
fn elements<'a, 'i>(node: Node<'a, 'i>) -> Result<impl Iterator<Item = Node<'a, 'i>>, Error> {
    let blank = |node: Node<'_, '_>| node.text().unwrap_or_default().trim_matches(crate::wire::xml::SPACE).is_empty();
    if node.children().any(|child| !(child.is_element() || child.is_text() && blank(child))) {
        return Err(Error::Malformed("text or a comment stands between its elements"));
    }
    Ok(node.children().filter(|child| child.is_element()))
}

/// The elements of XML Signature inside one, taken in the order of its schema.
struct Parts<'a, 'i> {
    rest: std::vec::IntoIter<Node<'a, 'i>>,
}

impl<'a, 'i> Parts<'a, 'i> {
    fn of(node: Node<'a, 'i>) -> Result<Parts<'a, 'i>, Error> {
        Ok(Parts { rest: elements(node)?.collect::<Vec<_>>().into_iter() })
    }

    fn next(&mut self, name: &str) -> Result<Node<'a, 'i>, Error> {
        self.maybe(name).ok_or(Error::Malformed("an element is missing or out of order"))
    }

    fn maybe(&mut self, name: &str) -> Option<Node<'a, 'i>> {
        let next = self.rest.as_slice().first()?;
        if is(*next, namespace::SIGNATURE, name) { self.rest.next() } else { None }
    }

    fn end(mut self) -> Result<(), Error> {
        match self.rest.next() {
            None => Ok(()),
            Some(more) if is(more, namespace::SIGNATURE, "Object") => Err(Error::Object),
            Some(_) => Err(Error::Malformed("an element is one too many")),
        }
    }
}
