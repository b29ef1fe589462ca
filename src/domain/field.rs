//! One setting that an operator fills in, declared once: validation, help and docs derive from it.

use serde_json::Value;
use url::{Host, Url};

use super::clock::span;

/// A field of a relying party or a source, as its protocol declares it.
#[derive(Debug, Clone, Copy)]
pub struct Field {
    pub name: &'static str,
    pub kind: Kind,
    pub required: bool,
    /// What stands when the operator says nothing; empty where nothing does.
    pub default: &'static str,
    /// One or two sentences for the configuration page and the console.
    pub help: &'static str,
}

impl Field {
    /// What is kept where nothing is said, so that what stands in the catalogue does not change its meaning with a later
    /// release.
    pub fn default_value(&self) -> Option<Value> {
        if self.default.is_empty() {
            return None;
        }
        match self.kind {
            Kind::Flag => self.default.parse().ok().map(Value::Bool),
            Kind::Number(..) => self.default.parse::<i64>().ok().map(Value::from),
            Kind::Urls | Kind::Networks | Kind::Choices(_) | Kind::Texts => {
                Some(self.default.split_whitespace().collect())
            }
            Kind::Text | Kind::TextAlone | Kind::Choice(_) | Kind::Url => Some(Value::String(self.default.to_owned())),
            Kind::Duration(..) => span(self.default).map(|span| Value::from(span.as_secs())),
            Kind::Secret | Kind::Jwks | Kind::Document | Kind::Path | Kind::SecretFile | Kind::Words => None,
        }
    }
}

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Text,
    Flag,
    /// A list of texts; a default holds several, separated by spaces.
    Texts,
    /// A table of texts, `{ given_name = "First Name" }`.
    Words,
    /// A list of addresses and networks such as `192.0.2.0/24`.
    Networks,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of some of these words; a default holds several, separated by spaces.
    Choices(&'static [&'static str]),
    /// A whole number between these bounds.
    Number(i64, i64),
    /// `90s`, `30m`, `12h` between these bounds; kept as seconds.
    Duration(&'static str, &'static str),
    /// An absolute https URL (http on loopback only), without fragment.
    Url,
    /// A list of such URLs.
    Urls,
    /// A JSON Web Key Set: a table `{ keys = [ … ] }`, or the JSON file NAME_file; kept as `client_NAME`.
    Jwks,
    /// Text, where NAME may hold a table as well, which is then another field's (`Jwks`).
    TextAlone,
    /// The path of a file, whose text is kept as `NAME_document`; or an https URL, which is kept as NAME.
    Document,
    /// Given as NAME, or as the file NAME_file; kept as the hex SHA-256 of its bytes.
    Secret,
    /// A file or folder, relative to the configuration file and kept from the root; it need not be there yet.
    Path,
    /// As `Path`, a file that holds a secret. It is read whenever it is needed and its contents are kept nowhere, so
    /// that exchanging the file exchanges the secret.
    SecretFile,
}

/// A setting that does not fit the others.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field} {why}")]
pub struct Misfit {
    pub field: &'static str,
    pub why: String,
}

/// What a `Url` must be.
///
/// # Errors
/// A sentence on what it is instead.
pub fn url(text: &str) -> Result<(), String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is not an absolute URL: {error}"))?;
    if text.bytes().any(|b| !b.is_ascii_graphic() || b == b'\\') {
        return Err(format!("{text:?} holds a character that no URL has: write it percent-encoded"));
    }
    match url.scheme() {
        "https" => {}
        "http" if is_loopback(&url) => {}
        "http" => return Err(format!("{text:?} must be https; plain http is allowed on loopback only")),
        other => return Err(format!("{text:?} must be https, not {other}")),
    }
    if url.fragment().is_some() {
        return Err(format!("{text:?} must not have a fragment (#…)"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{text:?} must not hold a user name or a password"));
    }
    Ok(())
}

fn is_loopback(url: &Url) -> bool {
    match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(name)) => name == "localhost",
        None => false,
    }
}
