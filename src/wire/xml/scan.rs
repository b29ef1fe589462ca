//! One walk over the bytes before the parser's: it counts what could cost much, and refuses what SAML has no use for
//! and what the parser would take although Namespaces in XML forbids it. What it lets pass the parser judges.

use super::{Error, Limits};

pub(super) fn scan(text: &str, limits: &Limits) -> Result<(), Error> {
    if text.len() > limits.bytes {
        return Err(Error::TooLarge);
    }
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut scan = Scan { rest: declaration(text)?, limits, nodes: 0, declared: Vec::new(), in_scope: 0 };
    scan.run()
}

/// What follows `<?xml … ?>`, if it is there.
fn declaration(text: &str) -> Result<&str, Error> {
    let Some(rest) = text.strip_prefix("<?xml ") else { return Ok(text) };
    let (inside, rest) = rest.split_once("?>").ok_or_else(|| syntax("its XML declaration does not end"))?;
    let mut inside = Attributes { rest: inside };
    while let Some((name, value)) = inside.next()? {
        match name {
            "version" if value != "1.0" => return Err(Error::Version),
            "encoding" if !value.eq_ignore_ascii_case("utf-8") => return Err(Error::NotUtf8),
            "version" | "encoding" | "standalone" => {}
            _ => return Err(syntax("its XML declaration has an unknown part")),
        }
    }
    Ok(rest)
}

struct Scan<'t, 'l> {
    rest: &'t str,
    limits: &'l Limits,
    nodes: u32,
    /// For each open element, the namespaces that it declared.
    declared: Vec<usize>,
    in_scope: usize,
}

impl<'t> Scan<'t, '_> {
    fn run(&mut self) -> Result<(), Error> {
        while !self.rest.is_empty() {
            if let Some(after) = self.rest.strip_prefix("<!--") {
                self.rest = past(after, "-->")?;
            } else if let Some(after) = self.rest.strip_prefix("<![CDATA[") {
                self.rest = past(after, "]]>")?;
            } else if let Some(after) = self.rest.strip_prefix("</") {
                self.rest = past(after, ">")?;
                self.leave()?;
                continue;
            } else if self.rest.starts_with("<?") {
                return Err(Error::ProcessingInstruction);
            } else if self.rest.starts_with("<!") {
                return Err(Error::Doctype);
            } else if let Some(after) = self.rest.strip_prefix('<') {
                self.enter(after)?;
            } else {
                self.text()?;
            }
            self.nodes += 1;
            if self.nodes > self.limits.nodes {
                return Err(Error::TooManyNodes);
            }
        }
        Ok(())
    }

    fn enter(&mut self, after: &'t str) -> Result<(), Error> {
        if self.declared.len() >= self.limits.depth {
            return Err(Error::TooDeep);
        }
        let (_, rest) = name(after)?;
        let mut attributes = Attributes { rest };
        let (mut count, mut declared, mut by_default) = (0, 0, false);
        while let Some((name, value)) = attributes.next()? {
            count += 1;
            if count > self.limits.attributes {
                return Err(Error::TooManyAttributes);
            }
            if name == "xmlns" {
                // The parser would take the first of two.
                if by_default {
                    return Err(syntax("an element declares its default namespace twice"));
                }
                by_default = true;
                declared += 1;
            } else if let Some(prefix) = name.strip_prefix("xmlns:") {
                if value.is_empty() || prefix == "xmlns" {
                    return Err(syntax("a namespace prefix is undeclared, or is `xmlns`"));
                }
                declared += 1;
            }
        }
        if self.in_scope + declared > self.limits.namespaces {
            return Err(Error::TooManyNamespaces);
        }
        if let Some(rest) = attributes.rest.strip_prefix("/>") {
            self.rest = rest;
            return Ok(());
        }
        self.rest = attributes.rest.strip_prefix('>').ok_or_else(|| syntax("a tag does not end"))?;
        self.declared.push(declared);
        self.in_scope += declared;
        Ok(())
    }

    fn leave(&mut self) -> Result<(), Error> {
        let declared = self.declared.pop().ok_or_else(|| syntax("an element ends that did not begin"))?;
        self.in_scope -= declared;
        Ok(())
    }

    fn text(&mut self) -> Result<(), Error> {
        let end = self.rest.find('<').unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        references(text)?;
        // The parser forgets to make a line feed of a lone carriage return beside a reference.
        if text.contains("\r&") || text.ends_with(";\r") {
            return Err(syntax("a carriage return stands alone beside a reference"));
        }
        self.rest = rest;
        Ok(())
    }
}

/// The attributes of a tag, up to its `>` or `/>`.
struct Attributes<'t> {
    rest: &'t str,
}

impl<'t> Attributes<'t> {
    fn next(&mut self) -> Result<Option<(&'t str, &'t str)>, Error> {
        self.rest = self.rest.trim_start_matches(super::SPACE);
        if self.rest.is_empty() || self.rest.starts_with(['>', '/']) {
            return Ok(None);
        }
        let (name, rest) = name(self.rest)?;
        let value = rest.trim_start_matches(super::SPACE).strip_prefix('=').map(|v| v.trim_start_matches(super::SPACE));
        let quoted = value.and_then(|value| {
            let quote = value.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
            value.get(1..)?.split_once(quote)
        });
        let (value, rest) = quoted.ok_or_else(|| syntax("an attribute has no quoted value"))?;
        if value.contains('<') {
            return Err(syntax("an attribute's value holds `<`"));
        }
        references(value)?;
        self.rest = rest;
        Ok(Some((name, value)))
    }
}

/// A name and what follows it. The parser would take `:ID` for `ID`.
fn name(text: &str) -> Result<(&str, &str), Error> {
    let end = text.find([' ', '\t', '\r', '\n', '=', '>', '/', '<', '"', '\'']).unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    if name.is_empty() || name.starts_with(':') || name.ends_with(':') {
        return Err(syntax("a name is missing, or begins or ends with a colon"));
    }
    Ok((name, rest))
}

/// A reference to no character: the parser would put U+FFFD in its place.
fn references(text: &str) -> Result<(), Error> {
    for number in text.split("&#").skip(1) {
        let number = number.split(';').next().unwrap_or_default();
        let value = match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        if value.ok().and_then(char::from_u32).is_none() {
            return Err(syntax("a reference stands for no character"));
        }
    }
    Ok(())
}

fn past<'t>(text: &'t str, end: &str) -> Result<&'t str, Error> {
    text.split_once(end).map(|(_, rest)| rest).ok_or_else(|| syntax("a comment, a section or a tag does not end"))
}

fn syntax(what: &str) -> Error {
    Error::Syntax(what.to_owned())
}

#[cfg(test)]
mod tests;
