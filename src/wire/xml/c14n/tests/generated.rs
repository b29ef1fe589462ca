//! Documents made by chance that can be repeated, for comparing canonical forms with other implementations. Has no
//! dependency, so that tests outside of this crate can include the file.

use std::fmt::Write;

pub struct Generated {
    pub xml: String,
    /// Of the one element to canonicalize.
    pub id: &'static str,
    pub prefixes: Vec<&'static str>,
}

/// `n` well-formed documents without DTD and processing instructions, each with exactly one `ID`.
pub fn generated_documents(seed: u64, n: usize) -> Vec<Generated> {
    (0..n as u64).map(|i| Document::new(seed.wrapping_add(i)).generate()).collect()
}

const ID: &str = "_target";
/// The first stands for the default namespace.
const PREFIXES: [&str; 6] = ["", "a", "b", "B", "xs", "ns-1.é"];
// None with `&`: libxml2 forgets to escape it in a declaration.
const URIS: [&str; 5] = ["urn:one", "urn:two", "http://a.example/?x=%22", "urn:Two", "http://b.example/it's"];
const LOCALS: [&str; 6] = ["e", "E", "elem-1", "Issuer", "_x.y", "ünï"];
const TEXTS: [&str; 22] = [
    "x",
    "Ada",
    " ",
    "\n",
    "\r\n",
    // Not alone: some parsers misread a lone CR beside a reference, and `wire::xml` refuses it.
    "\rx",
    "\t",
    "&#13;",
    "&#xA;",
    "&#9;",
    "&amp;",
    "&lt;",
    "&gt;",
    ">",
    "&quot;",
    "&apos;",
    "é",
    "€",
    "\u{1f4da}",
    "\u{a0}",
    "\u{2028}",
    "  two  blanks  ",
];

struct Document {
    state: u64,
    xml: String,
    /// Declarations in force, as prefix and URI, the innermost last.
    scope: Vec<(&'static str, &'static str)>,
    elements: usize,
    target: usize,
}

impl Document {
    fn new(seed: u64) -> Document {
        let state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        Document { state, xml: String::new(), scope: Vec::new(), elements: 0, target: 0 }
    }

    fn generate(mut self) -> Generated {
        self.target = self.below(6);
        loop {
            self.element(0);
            // Smaller than hoped for: the same again, with the target where there is an element.
            if self.elements > self.target {
                break;
            }
            self.target = self.below(self.elements);
            (self.elements, self.xml) = (0, String::new());
        }
        if self.one_in(4) {
            self.xml.insert_str(0, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- before -->\n");
            self.xml.push_str("\n<!-- after -->\n");
        }
        let listed = if self.one_in(2) { 0 } else { self.below(4) };
        let prefixes = (0..listed).map(|_| self.pick(&["#default", "a", "b", "B", "xs", "absent"])).collect();
        Generated { xml: self.xml, id: ID, prefixes }
    }

    fn element(&mut self, depth: usize) {
        let outside = self.scope.len();
        let mut tag = Vec::new();
        for _ in 0..self.below(4) {
            let (prefix, uri) = (self.pick(&PREFIXES), self.pick(&URIS));
            if self.scope.iter().skip(outside).any(|(declared, _)| *declared == prefix) {
                continue;
            }
            let uri = if prefix.is_empty() && self.one_in(3) { "" } else { uri };
            self.scope.push((prefix, uri));
            tag.push(if prefix.is_empty() { format!("xmlns=\"{uri}\"") } else { format!("xmlns:{prefix}=\"{uri}\"") });
        }
        if self.elements == self.target {
            tag.push(format!("ID=\"{ID}\""));
        }
        self.elements += 1;
        self.attributes(&mut tag);
        let mut turned = Vec::new();
        while !tag.is_empty() {
            let at = self.below(tag.len());
            turned.push(tag.swap_remove(at));
        }
        let prefix = self.pick(&PREFIXES);
        let prefix = if self.uri(prefix).is_some() { prefix } else { "" };
        let name = qualified(prefix, self.pick(&LOCALS));
        self.xml.push('<');
        self.xml.push_str(&name);
        for part in turned {
            let blank = self.pick(&[" ", "\n  ", "\t", "  "]);
            self.xml.push_str(blank);
            self.xml.push_str(&part);
        }
        let children = if depth > 5 { 0 } else { self.below(5) };
        if children == 0 && self.one_in(2) {
            self.xml.push_str(" />");
        } else {
            self.xml.push('>');
            for _ in 0..children {
                self.content(depth);
            }
            let _ = write!(self.xml, "</{name}>");
        }
        self.scope.truncate(outside);
    }

    fn attributes(&mut self, tag: &mut Vec<String>) {
        // Two prefixes may stand for one namespace: an attribute must not come twice by its expanded name.
        let mut seen = Vec::new();
        for _ in 0..self.below(5) {
            let prefix = self.pick(&["", "", "a", "b", "B", "xs", "ns-1.é", "xml"]);
            let uri = match (prefix, self.uri(prefix)) {
                ("", _) => "",
                ("xml", _) => "xml",
                (_, Some(uri)) => uri,
                _ => continue,
            };
            let local = if prefix == "xml" { self.pick(&["lang", "space", "base"]) } else { self.pick(&LOCALS) };
            if seen.contains(&(uri, local)) {
                continue;
            }
            seen.push((uri, local));
            let value: String = (0..self.below(4)).map(|_| self.pick(&TEXTS)).collect();
            // `xml:space` and `xml:base` with odd values are errors to some.
            let value = match local {
                "space" => "preserve".to_owned(),
                "base" => "http://c.example/".to_owned(),
                _ => value,
            };
            let name = qualified(prefix, local);
            let equals = self.pick(&["=", " = "]);
            let quote = self.pick(&["\"", "'"]);
            tag.push(format!("{name}{equals}{quote}{value}{quote}"));
        }
    }

    fn content(&mut self, depth: usize) {
        match self.below(10) {
            0..5 => self.element(depth + 1),
            5..8 => {
                for _ in 0..=self.below(4) {
                    let text = self.pick(&TEXTS);
                    self.xml.push_str(text);
                }
            }
            8 => self.xml.push_str("<!-- a comment > & -->"),
            _ => {
                let text = self.pick(&["", "<a href=\"&amp;\">", "]]", "\r\n", "é & >", " "]);
                let _ = write!(self.xml, "<![CDATA[{text}]]>");
            }
        }
    }

    /// What a prefix stands for here. `None` where it stands for nothing, as an absent default namespace does.
    fn uri(&self, prefix: &str) -> Option<&'static str> {
        self.scope.iter().rev().find(|(declared, _)| *declared == prefix).map(|(_, uri)| *uri)
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }

    fn one_in(&mut self, n: usize) -> bool {
        self.below(n) == 0
    }

    fn below(&mut self, end: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        (self.state >> 11) as usize % end.max(1)
    }
}

fn qualified(prefix: &str, local: &str) -> String {
    if prefix.is_empty() { local.to_owned() } else { format!("{prefix}:{local}") }
}
