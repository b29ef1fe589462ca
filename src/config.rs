//! The configuration file: settings of this server and declarations of the programme, read and checked as a whole.
//! Owns what may be written and where it is wrong, by line and field; what the words mean is `domain`'s,
//! and putting declarations into force is `admin::operations::apply`'s.

mod by_field;
mod check;
mod declarations;
pub mod docs;
mod exports;
pub mod fields;
mod parties;
mod problem;
mod read;
mod school;
mod section;
mod settings;
mod sight;
mod test_patrons;

use std::{
    collections::BTreeMap,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::Value;

use crate::domain::network::Network;
use crate::domain::{
    agreement::Agreement,
    badge::BadgeRule,
    catalogue::{Catalogue, OptOut, SourceSettings},
    clock::TimeZone,
    export::Export,
    field::Field,
    grade::{AudienceBand, BandRule},
    id::{VendorId, VendorUid},
    ils::Ils,
    key::Schedules,
    organisation::Organisation,
    pool::PoolSettings,
    scope::{Scope, Scopes},
    session::SessionLimits,
    shelf::Place,
    vendor::{ReleaseItem, RelyingParty, Shelf, Vendor},
};
use crate::telemetry::LogFormat;
pub use problem::{Problem, Problems};
pub use school::{Classes, Librarian};
use section::Sheet;
pub use sight::Sight;
pub use test_patrons::{DeclaredPin, DeclaredTestPatron};

/// Names, each with what an operator fills in for it.
pub type Fields<'a> = &'a [(&'static str, &'static [Field])];

/// What the file may hold beyond the house's own fields.
#[derive(Debug, Clone, Copy, Default)]
pub struct Kinds<'a> {
    /// Each protocol's; the first field is the key that a relying party is found by.
    pub protocols: Fields<'a>,
    /// Those of each kind of source.
    pub sources: Fields<'a>,
}

/// What protocols and kinds of sources say of what a file declares. What is wrong is told as the field and a sentence.
pub trait Judge {
    /// The key of a relying party that the file does not name itself, because its settings do.
    ///
    /// # Errors
    /// Where they do not.
    fn key(&self, protocol: &str, settings: &Value) -> Result<String, (&'static str, String)>;

    /// What fields that are each right get wrong together.
    fn misfit(&self, vendor: &Vendor, party: &RelyingParty) -> Option<(&'static str, String)>;

    /// The same of a source.
    fn source_misfit(&self, source: &SourceSettings) -> Option<(&'static str, String)>;
}

/// Nobody judges: each field by itself must be right.
struct FieldByField;

impl Judge for FieldByField {
    fn key(&self, _protocol: &str, _settings: &Value) -> Result<String, (&'static str, String)> {
        Err(("", "has no key".into()))
    }

    fn misfit(&self, _vendor: &Vendor, _party: &RelyingParty) -> Option<(&'static str, String)> {
        None
    }

    fn source_misfit(&self, _source: &SourceSettings) -> Option<(&'static str, String)> {
        None
    }
}

/// How this server runs. Paths are already relative to the working directory.
#[derive(Debug, Clone)]
pub struct Config {
    /// The public address, exactly as tokens state it: no slash at its end.
    pub issuer: String,
    pub listen: SocketAddr,
    pub log_format: LogFormat,
    /// `sqlite:PATH` or `postgres://…`.
    pub database: String,
    /// Absent: in this process, which is then the only replica.
    pub shelf: Option<Place>,
    pub key_encryption_key_file: PathBuf,
    /// Whose X-Forwarded-For counts.
    pub trusted_proxies: Vec<Network>,
    /// Private networks that this server may call all the same.
    pub private_destinations: Vec<Network>,
    /// Authorities, PEM, whose certificates are trusted besides the public ones when this server calls others.
    pub trusted_certificates: Option<PathBuf>,
    pub tls: Option<Tls>,
    pub sip2: Sip2,
    /// The library's own system, where it can be asked.
    pub ils: Option<Ils>,
    pub session: SessionLimits,
    /// Of computers that many readers share.
    pub shared_networks: Vec<Network>,
    pub throttle: Throttle,
    pub serving: Serving,
    pub metrics: Sight,
    pub database_pool: PoolSettings,
    pub hashing: Hashing,
    pub retention: Retention,
    /// When signing keys turn.
    pub keys: Schedules,
    pub oidc: Oidc,
    pub theme: Theme,
    pub library: Library,
    pub bands: BandRule,
    pub classes: Classes,
    /// Absent: there are no badges.
    pub badge: Option<BadgeRule>,
    pub librarians: Vec<Librarian>,
}

impl Config {
    /// Plain http is allowed on loopback only, where cookies cannot be `Secure`.
    pub fn is_plain_http(&self) -> bool {
        self.issuer.starts_with("http://")
    }
}

/// PEM files.
#[derive(Debug, Clone)]
pub struct Tls {
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// Where vendors ask by SIP2.
#[derive(Debug, Clone)]
pub struct Sip2 {
    pub listen: Option<SocketAddr>,
    pub tls_listen: Option<SocketAddr>,
    /// Its own certificate; absent: that of http.
    pub tls: Option<Tls>,
    /// Connections at the same time.
    pub connections: usize,
    pub idle: Duration,
}

/// How many wrong tries count within which window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    pub tries: u64,
    pub window: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Throttle {
    pub card: Tries,
    pub initial_pin: Tries,
    pub pattern: Tries,
    pub server_pattern: Tries,
    pub device_code: Tries,
}

/// What one process takes on, and how it leaves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Serving {
    /// HTTP requests at the same time; the next is answered 503.
    pub requests: usize,
    /// How long it serves on, not ready any more, after it was told to end.
    pub leave_after: Duration,
}

/// The pool that PINs are hashed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Hashing {
    /// 0: one for each core.
    pub threads: usize,
    /// How many checks may wait before the next is answered 503.
    pub queue: usize,
    /// How long a card and PIN just shown at a face without pages need not be hashed again.
    pub remembered: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retention {
    pub who_went_where: Duration,
    /// How long people are kept whom no roster lists any more.
    pub withdrawn: Duration,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Oidc {
    /// Whether vendors that were invited may register clients by themselves (RFC 7591).
    pub dynamic_registration: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Theme {
    /// A folder whose templates and assets stand in for the built-in ones.
    pub folder: Option<PathBuf>,
    pub logo: Option<PathBuf>,
    /// `#rrggbb`.
    pub primary: Option<String>,
    pub accent: Option<String>,
}

#[derive(Debug, Clone)]
pub struct Library {
    pub name: String,
    pub time_zone: TimeZone,
    /// Right side of scoped attributes.
    pub scope_domain: String,
}

/// The programme as a file declares it. Scopes in it are what the file spells, each as if it were new to the catalogue;
/// whose names they are by now, whoever applies it finds out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Declared {
    pub scopes: Vec<Scope>,
    pub organisations: Vec<Organisation>,
    pub agreements: Vec<Agreement>,
    pub vendors: Vec<DeclaredVendor>,
    pub sources: Vec<SourceSettings>,
    pub opt_outs: Vec<OptOut>,
    pub test_patrons: Vec<DeclaredTestPatron>,
    pub exports: Vec<Export>,
}

impl Declared {
    pub fn is_empty(&self) -> bool {
        *self == Declared::default()
    }
}

/// A vendor before the store has given it its immutable identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredVendor {
    pub id: VendorId,
    pub name: String,
    pub description: Option<String>,
    pub shelf: Shelf,
    pub audience: Vec<AudienceBand>,
    pub scopes: Scopes,
    pub release: Vec<ReleaseItem>,
    pub launch_url: Option<String>,
    /// Absent: whatever an operator last said holds.
    pub disabled: Option<bool>,
    pub relying_parties: Vec<RelyingParty>,
    /// Of those of them that have one, as the file has it.
    pub secrets: Vec<DeclaredSecret>,
}

/// A relying party's secret. What is kept of it is a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeclaredSecret {
    pub protocol: String,
    pub key: String,
    pub secret: DeclaredPin,
}

impl DeclaredVendor {
    pub fn with_identity(self, uid: VendorUid, disabled_before: bool) -> Vendor {
        Vendor {
            id: self.id,
            uid,
            name: self.name,
            description: self.description,
            shelf: self.shelf,
            audience: self.audience,
            scopes: self.scopes,
            release: self.release,
            launch_url: self.launch_url,
            disabled: self.disabled.unwrap_or(disabled_before),
            relying_parties: self.relying_parties,
        }
    }
}

/// A file that is right in every line.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// Absent where the file holds declarations only.
    pub settings: Option<Config>,
    pub declared: Declared,
    /// Allowed, but not for ever: plain http on loopback, PKCE optional, short secrets.
    pub warnings: Vec<Problem>,
}

/// Reads the file at `path`. Declarations may refer to one another and to what `known` holds.
///
/// # Errors
/// Everything that is wrong with the file, by line and field, at once.
pub fn load(path: &Path, kinds: Kinds<'_>, known: &Catalogue) -> Result<Loaded, Problems> {
    load_judged(path, kinds, &FieldByField, known)
}

/// `load`, with each relying party judged by its protocol, and each source by its kind.
///
/// # Errors
/// As `load`.
pub fn load_judged(path: &Path, kinds: Kinds<'_>, judge: &dyn Judge, known: &Catalogue) -> Result<Loaded, Problems> {
    let text = text_of(path)?;
    parse(&text, path, &Rules { kinds, judge, known }, &Environment::of_process())
}

/// What declarations are held against.
struct Rules<'a> {
    kinds: Kinds<'a>,
    judge: &'a dyn Judge,
    known: &'a Catalogue,
}

/// The settings alone, so that the database can be opened before the declarations are judged against it.
///
/// # Errors
/// What is wrong with the settings; also where the file has none.
pub fn load_settings(path: &Path) -> Result<Config, Problems> {
    let none = || Problems::of_file(path, "this file holds no settings, only declarations".into());
    load_settings_if_any(path)?.ok_or_else(none)
}

/// `None` where the file holds declarations only.
///
/// # Errors
/// What is wrong with the settings.
pub fn load_settings_if_any(path: &Path) -> Result<Option<Config>, Problems> {
    let text = text_of(path)?;
    let environment = Environment::of_process();
    let parsed = section::parse(&text, path)?;
    let sheet = Sheet::new(&text, path);
    let root = sheet.root(&parsed, &environment);
    root.refuse_unknown_fields();
    let settings = if settings::are_present(&root) { settings::read(&root) } else { None };
    sheet.result(settings)
}

fn text_of(path: &Path) -> Result<String, Problems> {
    std::fs::read_to_string(path).map_err(|error| Problems::of_file(path, format!("the file cannot be read: {error}")))
}

fn parse(text: &str, path: &Path, rules: &Rules<'_>, environment: &Environment) -> Result<Loaded, Problems> {
    let parsed = section::parse(text, path)?;
    let sheet = Sheet::new(text, path);
    let root = sheet.root(&parsed, environment);
    root.refuse_unknown_fields();
    environment.warn_of_unknown(&root);
    let settings = if settings::are_present(&root) { settings::read(&root) } else { None };
    let declared = declarations::read(&root, rules);
    check::references(&root, &declared, rules.known);
    let warnings = sheet.warnings();
    let declared = declared.plain();
    sheet.result(())?;
    Ok(Loaded { settings, declared, warnings })
}

/// `ONEACCESS_…` variables, which override fields of the file's top level.
#[derive(Debug, Clone, Default)]
pub struct Environment(BTreeMap<String, String>);

const PREFIX: &str = "ONEACCESS_";

impl Environment {
    pub fn of_process() -> Environment {
        std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect()
    }

    /// The value for a field of the top level, `ONEACCESS_LISTEN` for `listen`.
    fn value(&self, field: &str) -> Option<&str> {
        self.0.get(&format!("{PREFIX}{}", field.to_ascii_uppercase())).map(String::as_str)
    }

    fn warn_of_unknown(&self, root: &section::Section<'_>) {
        let known =
            |name: &str| fields::ROOT.fields.iter().any(|f| format!("{PREFIX}{}", f.name.to_ascii_uppercase()) == name);
        for name in self.0.keys().filter(|name| !known(name)) {
            root.warn_at(0, name, "this variable overrides nothing: no field of the top level has this name");
        }
    }
}

impl FromIterator<(String, String)> for Environment {
    fn from_iter<I: IntoIterator<Item = (String, String)>>(all: I) -> Self {
        Environment(all.into_iter().filter(|(name, _)| name.starts_with(PREFIX)).collect())
    }
}

#[cfg(test)]
mod tests;
