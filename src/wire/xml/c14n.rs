//! Exclusive XML Canonicalization 1.0, without comments: the one text of a subtree that signer and verifier agree on.
//! Knows nothing of signatures; `wire::dsig` says which subtree, and what of it is left out.

use super::{Node, NodeId};

/// The subtree at `node` in canonical form, as if it stood alone. Namespaces are declared where they are visibly used;
/// those of `inclusive_prefixes` (`#default` for the default one) wherever they are in scope. One descendant may be
/// left out: the signature that is enveloped.
///
/// The tree comes from `xml::parse`: no DTD, so no attribute has a default and each is of type CDATA.
pub fn exclusive(node: Node<'_, '_>, inclusive_prefixes: &[&str], without: Option<NodeId>) -> String {
    let mut writer = Writer {
        out: String::with_capacity(node.range().len() + 256),
        inclusive: inclusive_prefixes.iter().map(|prefix| if *prefix == "#default" { "" } else { prefix }).collect(),
        rendered: Vec::new(),
        marks: Vec::new(),
    };
    writer.subtree(node, without);
    writer.out
}

struct Writer<'a, 'p> {
    out: String,
    inclusive: Vec<&'p str>,
    /// Prefix and URI of every declaration in force in the output, the innermost last.
    rendered: Vec<(&'a str, &'a str)>,
    /// Per open element, how long `rendered` was outside of it.
    marks: Vec<usize>,
}

impl<'a> Writer<'a, '_> {
    /// A loop and not a recursion: the stack does not grow with the depth of what a stranger wrote.
    fn subtree(&mut self, top: Node<'a, '_>, without: Option<NodeId>) {
        let mut node = top;
        loop {
            let inside = if Some(node.id()) == without { None } else { self.open(node) };
            if let Some(child) = inside {
                node = child;
                continue;
            }
            if Some(node.id()) != without {
                self.close(node);
            }
            loop {
                if node.id() == top.id() {
                    return;
                }
                if let Some(next) = node.next_sibling() {
                    node = next;
                    break;
                }
                let Some(parent) = node.parent() else { return };
                self.close(parent);
                node = parent;
            }
        }
    }

    /// Writes what comes before the children, and names the first of them.
    fn open<'i>(&mut self, node: Node<'a, 'i>) -> Option<Node<'a, 'i>> {
        if node.is_element() {
            self.start_tag(node);
        } else if node.is_text() {
            escape_text(node.text().unwrap_or_default(), &mut self.out);
        }
        node.first_child()
    }

    fn close(&mut self, node: Node<'a, '_>) {
        if node.is_element() {
            self.out.push_str("</");
            self.out.push_str(qualified_name(node));
            self.out.push('>');
            self.rendered.truncate(self.marks.pop().unwrap_or_default());
        }
    }

    fn start_tag(&mut self, node: Node<'a, '_>) {
        let name = qualified_name(node);
        self.out.push('<');
        self.out.push_str(name);
        self.marks.push(self.rendered.len());

        let mut attributes: Vec<_> = node
            .attributes()
            .map(|attribute| {
                let name = name_at(node, attribute.range().start);
                (attribute.namespace().unwrap_or_default(), attribute.name(), name, attribute.value())
            })
            .collect();
        attributes.sort_unstable();

        let own = node.tag_name().namespace().unwrap_or_default();
        self.declare(prefix(name), own);
        for (uri, _, name, _) in attributes.iter().filter(|(uri, ..)| !uri.is_empty()) {
            self.declare(prefix(name), uri);
        }
        for at in 0..self.inclusive.len() {
            self.declare_if_in_scope(node, at);
        }
        self.write_declarations();

        for (_, _, name, value) in attributes {
            self.out.push(' ');
            self.out.push_str(name);
            self.out.push_str("=\"");
            escape_attribute(value, &mut self.out);
            self.out.push('"');
        }
        self.out.push('>');
    }

    fn declare_if_in_scope(&mut self, node: Node<'a, '_>, at: usize) {
        let Some(&prefix) = self.inclusive.get(at) else { return };
        let wanted = if prefix.is_empty() { None } else { Some(prefix) };
        match node.namespaces().find(|namespace| namespace.name() == wanted) {
            Some(namespace) => self.declare(namespace.name().unwrap_or_default(), namespace.uri()),
            // The default namespace may be taken back; a prefix may not.
            None if prefix.is_empty() => self.declare("", ""),
            None => {}
        }
    }

    /// Takes a note of a declaration unless the output has it in force already.
    fn declare(&mut self, prefix: &'a str, uri: &'a str) {
        let current = self.rendered.iter().rev().find(|(known, _)| *known == prefix).map(|(_, uri)| *uri);
        if prefix != "xml" && current.unwrap_or_default() != uri {
            self.rendered.push((prefix, uri));
        }
    }

    fn write_declarations(&mut self) {
        let outside = self.marks.last().copied().unwrap_or_default();
        let Some(new) = self.rendered.get_mut(outside..) else { return };
        new.sort_unstable();
        for (prefix, uri) in new {
            self.out.push_str(" xmlns");
            if !prefix.is_empty() {
                self.out.push(':');
                self.out.push_str(prefix);
            }
            self.out.push_str("=\"");
            escape_attribute(uri, &mut self.out);
            self.out.push('"');
        }
    }
}

/// The name as it was written, with its prefix. The tree knows only namespaces.
fn qualified_name<'i>(node: Node<'_, 'i>) -> &'i str {
    name_at(node, node.range().start + 1)
}

fn name_at<'i>(node: Node<'_, 'i>, start: usize) -> &'i str {
    let text = node.document().input_text().get(start..).unwrap_or_default();
    let end = text.find([' ', '\t', '\r', '\n', '=', '>', '/']).unwrap_or(text.len());
    text.get(..end).unwrap_or_default()
}

fn prefix(name: &str) -> &str {
    name.split_once(':').map_or("", |(prefix, _)| prefix)
}

/// Canonical XML 1.0 section 2.3, text nodes.
pub(super) fn escape_text(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'>' => Some("&gt;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    });
}

/// Canonical XML 1.0 section 2.3, attribute nodes.
pub(super) fn escape_attribute(text: &str, out: &mut String) {
    escape(text, out, |byte| match byte {
        b'&' => Some("&amp;"),
        b'<' => Some("&lt;"),
        b'"' => Some("&quot;"),
        b'\t' => Some("&#x9;"),
        b'\n' => Some("&#xA;"),
        b'\r' => Some("&#xD;"),
        _ => None,
    });
}

/// Copies in runs; only ASCII is ever replaced, so each run ends between characters.
fn escape(text: &str, out: &mut String, replacement: impl Fn(u8) -> Option<&'static str>) {
    let mut from = 0;
    for (at, byte) in text.bytes().enumerate() {
        if let Some(replacement) = replacement(byte) {
            out.push_str(text.get(from..at).unwrap_or_default());
            out.push_str(replacement);
            from = at + 1;
        }
    }
    out.push_str(text.get(from..).unwrap_or_default());
}

#[cfg(test)]
mod tests;
