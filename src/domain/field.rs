//! One setting that an operator fills in, declared once: validation, help and docs derive from it.

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

#[derive(Debug, Clone, Copy)]
pub enum Kind {
    Text,
    Flag,
    /// One of these words.
    Choice(&'static [&'static str]),
    /// A list of some of these words; a default holds several, separated by spaces.
    Choices(&'static [&'static str]),
    /// A whole number between these bounds.
    Number(i64, i64),
    /// An absolute https URL (http on loopback only), without fragment.
    Url,
    /// A list of such URLs.
    Urls,
    /// A JSON Web Key Set: a table `{ keys = [ … ] }`, or the JSON file NAME_file; kept as `client_NAME`.
    Jwks,
    /// Text, where NAME may hold a table as well, which is then another field's (`Jwks`).
    TextAlone,
    /// Given as NAME, or as the file NAME_file; kept as the hex SHA-256 of its bytes.
    Secret,
}
