//! XML as we write it: a tree that renders itself in exclusive canonical form, so that what is signed is what was built
//! and nothing is parsed again.

use super::{c14n, namespace};

/// One element of ours. Prefixes are those of `wire::xml::namespace`, and are declared where they are first used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Element {
    name: &'static str,
    /// In canonical order.
    attributes: Vec<(&'static str, String)>,
    children: Vec<Child>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Child {
    Element(Element),
    Text(String),
    /// Canonical already, as a document element.
    Raw(String),
}

impl Element {
    /// `saml:Issuer`, with a prefix that we know.
    pub fn new(name: &'static str) -> Element {
        debug_assert!(is_known(name), "{name} has a prefix that `wire::xml::namespace` does not know");
        Element { name, attributes: Vec::new(), children: Vec::new() }
    }

    /// `ID`, `xml:lang`, `xsi:type`. A second value for the same name takes the place of the first. The prefix of an
    /// `xsi:type`'s value is declared as well.
    pub fn attr(mut self, name: &'static str, value: impl Into<String>) -> Element {
        debug_assert!(is_known(name), "{name} has a prefix that `wire::xml::namespace` does not know");
        let value = carried(value.into());
        match self.attributes.binary_search_by_key(&order(name), |(other, _)| order(other)) {
            Ok(at) => self.attributes.splice(at..=at, [(name, value)]).for_each(drop),
            Err(at) => self.attributes.insert(at, (name, value)),
        }
        self
    }

    pub fn maybe_attr(self, name: &'static str, value: Option<impl Into<String>>) -> Element {
        match value {
            Some(value) => self.attr(name, value),
            None => self,
        }
    }

    pub fn text(mut self, text: impl Into<String>) -> Element {
        self.children.push(Child::Text(carried(text.into())));
        self
    }

    pub fn child(mut self, child: Element) -> Element {
        self.children.push(Child::Element(child));
        self
    }

    pub fn children(mut self, children: impl IntoIterator<Item = Element>) -> Element {
        self.children.extend(children.into_iter().map(Child::Element));
        self
    }

    pub fn maybe(self, child: Option<Element>) -> Element {
        self.children(child)
    }

    /// A child that was rendered before: a signed assertion inside a response.
    pub fn raw(mut self, canonical: String) -> Element {
        self.children.push(Child::Raw(canonical));
        self
    }

    /// After a first child of that name, else before all children.
    pub(in crate::wire) fn after_first(mut self, name: &str, child: Element) -> Element {
        let behind = match self.children.first() {
            Some(Child::Element(first)) => first.name == name,
            _ => false,
        };
        self.children.insert(usize::from(behind), Child::Element(child));
        self
    }

    pub(in crate::wire) fn attribute(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| *known == name).map(|(_, value)| value.as_str())
    }

    /// In exclusive canonical form, as a document element; the prefixes of `xsi:type`s are an inclusive prefix list.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(4096);
        self.write(&mut out, &mut Vec::new());
        out
    }

    fn write(&self, out: &mut String, in_scope: &mut Vec<&'static str>) {
        let outside = in_scope.len();
        out.push('<');
        out.push_str(self.name);
        self.declare(out, in_scope);
        for (name, value) in &self.attributes {
            out.push(' ');
            out.push_str(name);
            out.push_str("=\"");
            c14n::escape_attribute(value, out);
            out.push('"');
        }
        out.push('>');
        for child in &self.children {
            match child {
                Child::Element(element) => element.write(out, in_scope),
                Child::Text(text) => c14n::escape_text(text, out),
                Child::Raw(canonical) => write_raw(canonical, out, in_scope),
            }
        }
        out.push_str("</");
        out.push_str(self.name);
        out.push('>');
        in_scope.truncate(outside);
    }

    fn declare(&self, out: &mut String, in_scope: &mut Vec<&'static str>) {
        let outside = in_scope.len();
        let attributes = self.attributes.iter().map(|(name, _)| prefix(name));
        let typed = self.attribute("xsi:type").map(prefix).and_then(namespace::known_prefix);
        for used in [prefix(self.name)].into_iter().chain(attributes).chain(typed) {
            if !matches!(used, "" | "xml") && !in_scope.contains(&used) {
                in_scope.push(used);
            }
        }
        let Some(new) = in_scope.get_mut(outside..) else { return };
        new.sort_unstable();
        for prefix in new {
            declaration(prefix, out);
        }
    }
}

/// A canonical text declares all that it uses. Inside of us what is in force already must not be declared again.
fn write_raw(canonical: &str, out: &mut String, in_scope: &[&'static str]) {
    let declarations = in_scope.iter().map(|prefix| {
        let mut text = String::with_capacity(80);
        declaration(prefix, &mut text);
        text
    });
    let again: Vec<String> = declarations.filter(|text| canonical.contains(text.as_str())).collect();
    if again.is_empty() {
        out.push_str(canonical);
        return;
    }
    // Within quotes and between tags the same letters mean nothing; `<` begins a tag and nothing else.
    let mut rest = canonical;
    while let Some(start) = rest.find('<') {
        rest = copy(rest, start, out);
        rest = copy(rest, rest.find([' ', '>']).unwrap_or(rest.len()), out);
        loop {
            while let Some(after) = again.iter().find_map(|declaration| rest.strip_prefix(declaration.as_str())) {
                rest = after;
            }
            let end = rest.find(['"', '>']).unwrap_or(rest.len());
            let quoted = rest.get(end..).and_then(|value| value.strip_prefix('"')).and_then(|value| value.find('"'));
            match quoted {
                Some(length) => rest = copy(rest, end + length + 2, out),
                None => {
                    rest = copy(rest, end, out);
                    break;
                }
            }
        }
    }
    out.push_str(rest);
}

/// Copies so many bytes, and gives back what is left.
fn copy<'t>(text: &'t str, length: usize, out: &mut String) -> &'t str {
    let (copied, rest) = text.split_at(length);
    out.push_str(copied);
    rest
}

fn declaration(prefix: &str, out: &mut String) {
    let Some(uri) = namespace::of_prefix(prefix) else { return };
    for part in [" xmlns:", prefix, "=\"", uri, "\""] {
        out.push_str(part);
    }
}

fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

fn is_known(name: &str) -> bool {
    prefix(name).is_empty() || namespace::of_prefix(prefix(name)).is_some()
}

/// Canonical XML 1.0 section 2.3: attributes by the URI of their namespace, none first, then by their local name.
fn order(name: &str) -> (&str, &str) {
    match name.split_once(':') {
        Some((prefix, local)) => (namespace::of_prefix(prefix).unwrap_or_default(), local),
        None => ("", name),
    }
}

/// XML 1.0 section 2.2: what no document can carry, not even escaped, becomes U+FFFD.
fn carried(text: String) -> String {
    let cannot =
        |c: char| matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}');
    if text.contains(cannot) { text.replace(cannot, "\u{fffd}") } else { text }
}

#[cfg(test)]
mod tests;
