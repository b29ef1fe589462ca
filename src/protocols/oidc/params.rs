//! Request parameters: a query or a form, each name at most once (RFC 6749 section 3.1).

use std::borrow::Cow;

use axum::http::{HeaderMap, header};
use url::form_urlencoded;

#[derive(Debug, Default)]
pub(super) struct Params<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Params<'a> {
    pub fn read(text: &'a [u8]) -> Params<'a> {
        Params(form_urlencoded::parse(text).collect())
    }

    /// Of names and values that are our own by now.
    pub fn of(pairs: Vec<(String, String)>) -> Params<'static> {
        Params(pairs.into_iter().map(|(name, value)| (Cow::Owned(name), Cow::Owned(value))).collect())
    }

    /// Reads what must outlive `text`.
    pub fn owned(text: &str) -> Params<'static> {
        Params::of(form_urlencoded::parse(text.as_bytes()).into_owned().collect())
    }

    /// All but those named so.
    pub fn without(&self, names: &[&str]) -> Params<'static> {
        let kept = self.0.iter().filter(|(name, _)| name == "client_id" || !names.contains(&name.as_ref()));
        Params::of(kept.map(|(name, value)| (name.to_string(), value.to_string())).collect())
    }

    /// One more.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: &str) -> Params<'a> {
        self.0.push((Cow::Borrowed(name), Cow::Owned(value.to_owned())));
        self
    }

    /// The value of `name`. One without a value counts as left away.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref()).filter(|value| !value.is_empty())
    }

    /// Every value of `name`, in their order.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// Whether `name` is given at all, be it without a value.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(key, _)| key == name)
    }

    /// Whether `name` is given more than once, with or without a value.
    pub fn repeats(&self, name: &str) -> bool {
        self.0.iter().filter(|(key, _)| key == name).count() > 1
    }

    /// The first of `names` that is given more than once.
    pub fn repeated(&self, names: &[&'static str]) -> Option<&'static str> {
        names.iter().copied().find(|name| self.repeats(name))
    }

    /// The same parameters as a query, in one spelling.
    pub fn to_query(&self) -> String {
        form_urlencoded::Serializer::new(String::new()).extend_pairs(&self.0).finish()
    }
}

/// Whether the body is what it must be to be read as parameters.
pub(super) fn is_form(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let essence = kind.split(';').next().unwrap_or_default().trim();
    essence.eq_ignore_ascii_case("application/x-www-form-urlencoded")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_parameter_without_a_value_was_not_sent_but_counts_as_a_repetition() {
        let params = Params::read(b"a=&b=1&a=2&c=%20x+y");
        assert_eq!((params.get("a"), params.get("b"), params.get("c")), (None, Some("1"), Some(" x y")));
        assert!(params.repeats("a") && !params.repeats("b"));
        assert_eq!(params.repeated(&["b", "a"]), Some("a"));
    }

    #[test]
    fn what_goes_into_a_query_cannot_leave_it() {
        assert_eq!(Params::read(b"a=%0d%0aSet-Cookie:x&b=%23").to_query(), "a=%0D%0ASet-Cookie%3Ax&b=%23");
    }
}
