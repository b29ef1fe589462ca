//! Finds a form in a page as a person would: where it goes and what it already holds.

use std::fmt::Write as _;

#[derive(Debug, Default, PartialEq, Eq)]
pub struct Form {
    /// Where it is sent, as the page spells it; empty means the page's own address.
    pub action: String,
    /// Hidden inputs, the token against forged requests among them.
    pub hidden: Vec<(String, String)>,
}

impl Form {
    /// The form `#{id}` of a page, or the one of that name, if the page has one.
    pub fn find(page: &str, id: &str) -> Option<Form> {
        Form::first(page, |form| form == Some(id), |_| true)
    }

    /// The first form with a hidden input of this name.
    pub fn holding(page: &str, name: &str) -> Option<Form> {
        Form::first(page, |_| true, |form| form.value(name).is_some())
    }

    /// The first form that is sent to an address with this ending.
    pub fn leading_to(page: &str, end: &str) -> Option<Form> {
        Form::first(page, |_| true, |form| form.action.ends_with(end))
    }

    /// The first form whose id and whose content fit.
    fn first(page: &str, called: impl Fn(Option<&str>) -> bool, fits: impl Fn(&Form) -> bool) -> Option<Form> {
        let mut form: Option<Form> = None;
        let mut rest = page;
        while let Some(start) = rest.find('<') {
            rest = rest.get(start + 1..)?;
            let end = end_of_tag(rest)?;
            let tag = rest.get(..end)?;
            rest = rest.get(end..)?;
            match (&mut form, name_of(tag)) {
                (None, "form") if called(attribute(tag, "id").or_else(|| attribute(tag, "name")).as_deref()) => {
                    form = Some(Form { action: attribute(tag, "action").unwrap_or_default(), hidden: Vec::new() });
                }
                (Some(form), "input") if attribute(tag, "type").as_deref() == Some("hidden") => {
                    let name = attribute(tag, "name").unwrap_or_default();
                    form.hidden.push((name, attribute(tag, "value").unwrap_or_default()));
                }
                (Some(_), "/form") => {
                    if let Some(form) = form.take().filter(&fits) {
                        return Some(form);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// What the page put into a hidden input.
    pub fn value(&self, name: &str) -> Option<&str> {
        self.hidden.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body that a browser would send once `typed` is filled in.
    pub fn filled(&self, typed: &[(&str, &str)]) -> String {
        let hidden = self.hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        encode(hidden.chain(typed.iter().copied()))
    }
}

/// `application/x-www-form-urlencoded`.
pub fn encode<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish()
}

/// The `>` that closes a tag is not one inside a quoted value.
fn end_of_tag(text: &str) -> Option<usize> {
    let mut quote = None;
    for (at, letter) in text.char_indices() {
        match (quote, letter) {
            (None, '>') => return Some(at),
            (None, '"' | '\'') => quote = Some(letter),
            (Some(open), _) if open == letter => quote = None,
            _ => {}
        }
    }
    None
}

fn name_of(tag: &str) -> &str {
    tag.split(|letter: char| letter.is_whitespace()).next().unwrap_or_default().trim_end_matches('>')
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let mut rest = tag.get(name_of(tag).len()..)?;
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_whitespace() || letter == '/');
        if rest.is_empty() {
            return None;
        }
        let end = rest.find(|letter: char| letter == '=' || letter.is_whitespace()).unwrap_or(rest.len());
        let (key, after) = rest.split_at(end.max(1));
        let (value, after) = match after.trim_start().strip_prefix('=') {
            None => ("", after),
            Some(value) => value_of(value.trim_start()),
        };
        if key.eq_ignore_ascii_case(name) {
            return Some(unescape(value));
        }
        rest = after;
    }
}

fn value_of(text: &str) -> (&str, &str) {
    for quote in ['"', '\''] {
        if let Some(quoted) = text.strip_prefix(quote) {
            return quoted.split_once(quote).unwrap_or((quoted, ""));
        }
    }
    text.split_at(text.find(char::is_whitespace).unwrap_or(text.len()))
}

fn unescape(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        plain.push_str(before);
        let entity = after.split_once(';').and_then(|(name, after)| Some((letter_of(name)?, after)));
        match entity {
            Some((letter, after)) => {
                plain.push(letter);
                rest = after;
            }
            None => {
                plain.push('&');
                rest = after;
            }
        }
    }
    let _ = plain.write_str(rest);
    plain
}

fn letter_of(entity: &str) -> Option<char> {
    match entity {
        "amp" => Some('&'),
        "lt" => Some('<'),
        "gt" => Some('>'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => {
            let number = entity.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = r#"<!doctype html><form id=search action=/find><input type=hidden name=x value=1></form>
        <form class="a > b" method="post" id="sign-in" action="/sign-in/t?a=1&amp;b=2">
        <input type="hidden" name="csrf" value="q&#x2f;&quot;&#43;&unknown;"><input name='card'>
        <input type=password name=pin required /></form>"#;

    #[test]
    fn the_form_is_found_by_its_id_with_what_it_hides() {
        let form = Form::find(PAGE, "sign-in").unwrap();
        assert_eq!(form.action, "/sign-in/t?a=1&b=2");
        assert_eq!(form.hidden, [("csrf".to_owned(), "q/\"+&unknown;".to_owned())]);
        assert_eq!(form.filled(&[("card", "1 2")]), "csrf=q%2F%22%2B%26unknown%3B&card=1+2");
    }

    #[test]
    fn a_form_is_found_by_what_it_holds() {
        assert_eq!(Form::holding(PAGE, "csrf").unwrap().value("csrf"), Some("q/\"+&unknown;"));
        assert_eq!(Form::holding(PAGE, "x").unwrap().action, "/find");
        assert_eq!(Form::holding(PAGE, "card"), None, "it is not hidden");
    }

    #[test]
    fn a_page_without_it_has_none() {
        assert_eq!(Form::find(PAGE, "change-pin"), None);
        assert_eq!(Form::find("<form id=\"sign-in\"", "sign-in"), None);
    }
}
