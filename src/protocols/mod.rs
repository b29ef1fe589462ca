//! How vendors speak to us, one folder each. A protocol reads and writes its own wire and asks `signon` for
//! everything else; the folders never import one another, nor `web`.

pub mod answer;
pub mod asker;
pub mod bands;
pub mod ezproxy;
pub mod link;
pub mod oidc;
pub mod opds;
pub mod patronapi;
pub mod reach;
pub mod registry;
pub mod saml;
pub mod selftest;
pub mod sip2;
pub mod tls;
pub mod trial;

use std::{
    future::{Future, ready},
    net::SocketAddr,
    pin::Pin,
};

use axum::{
    Router,
    http::{HeaderMap, header},
};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Serialize;
use serde_json::Value;
use tokio::sync::watch;

use self::trial::{Trial, Trying};
pub use crate::domain::field::Misfit;
use crate::{
    domain::{
        check::{Check, Whose},
        clock::{TimeZone, Timestamp},
        field::Field,
        id::VendorId,
        vendor::{RelyingParty, Vendor},
    },
    keyring::KeyRing,
    outbound::Outbound,
    signon::{Fault, SignOn, Told, farewell::Farewell},
};

/// One language that vendors speak. To add one: a folder here, and a line in `compose`.
pub trait Protocol: Send + Sync {
    /// `oidc`, `saml` …: what relying parties and grants are kept under, and the configuration's `[[vendor.NAME]]`.
    fn name(&self) -> &'static str;

    /// What an operator fills in. The first field is the relying party's key.
    fn settings(&self) -> &'static [Field];

    /// The key of a relying party whose first field is left away: what its other settings say that it is.
    ///
    /// # Errors
    /// The field that does not say so and a sentence, for the operator.
    fn key(&self, _settings: &Value) -> Result<String, Misfit> {
        let field = self.settings().first().map_or("", |field| field.name);
        Err(Misfit { field, why: "is missing".into() })
    }

    /// What the fields, each right by itself, get wrong together.
    ///
    /// # Errors
    /// The field and a sentence, for the operator.
    fn check(&self, _vendor: &Vendor, _party: &RelyingParty) -> Result<(), Misfit> {
        Ok(())
    }

    /// What the party is spared that others are held to, by stable codes.
    fn weaknesses(&self, _vendor: &Vendor, _party: &RelyingParty, _now: Timestamp) -> Vec<&'static str> {
        Vec::new()
    }

    /// Whether the party can work, as far as we can see; a protocol that knows addresses of its parties calls them.
    fn examine<'a>(&'a self, vendor: &'a Vendor, party: &'a RelyingParty, _outbound: &'a Outbound) -> Examination<'a> {
        let found = match self.check(vendor, party) {
            Ok(()) => Check::ok("settings", "they fit together"),
            Err(misfit) => Check::mend("settings", Whose::Ours, misfit.to_string()),
        };
        Box::pin(ready(vec![found]))
    }

    /// Asks ourselves as this party's server would, where it has one that asks.
    fn try_out<'a>(&'a self, _trial: Trial<'a>) -> Option<Trying<'a>> {
        None
    }

    fn routes(&self, signon: SignOn) -> Router;

    /// How reading apps come in by it: its entry in an OPDS authentication document.
    fn opds(&self, _issuer: &str) -> Option<Value> {
        None
    }

    /// What the vendor checks our signatures with, where that is a secret made of our own keys.
    fn secret(&self, _keyring: &KeyRing, _vendor: &Vendor, _party: &RelyingParty) -> Option<String> {
        None
    }

    /// Takes the addresses of its own that it listens at, beside http.
    ///
    /// # Errors
    /// A sentence on the address that cannot be had, or on what it needs and lacks.
    fn listen(&self, _signon: &SignOn) -> Result<Vec<Listener>, String> {
        Ok(Vec::new())
    }

    /// Where a vendor's engineer finds everything else: a discovery document, metadata, an address. Some know it by a key
    /// of the ring for each relying party.
    fn entrance(&self, _issuer: &str, _keyring: &KeyRing, _vendor: &Vendor, _party: &RelyingParty) -> Option<String> {
        None
    }

    /// How it knows a vendor by the credentials of a request, where it has such.
    fn voucher(&self, _signon: &SignOn) -> Option<Box<dyn Voucher>> {
        None
    }

    /// What it would say of a patron to this relying party, where that is a document that people can read.
    fn rehearse(&self, _stage: &Stage<'_>, _vendor: &Vendor, _party: &RelyingParty) -> Option<Rehearsed> {
        None
    }

    /// Begins what it does by itself while we serve.
    fn tend(&self, _signon: &SignOn) {}

    /// How its relying parties are told that a session has ended, where they can be.
    fn farewell(&self, _issuer: &str) -> Option<Box<dyn Farewell>> {
        None
    }
}

/// An address taken, at which nobody is answered yet.
pub struct Listener {
    pub protocol: &'static str,
    pub address: SocketAddr,
    /// Whether it speaks TLS.
    pub secure: bool,
    pub run: Box<dyn FnOnce(Stop) -> Standing + Send>,
}

/// Answers until told to stop, and then until what is under way is over.
pub type Standing = Pin<Box<dyn Future<Output = ()> + Send>>;
/// Becomes true when the process ends.
pub type Stop = watch::Receiver<bool>;

/// What a rehearsal is given: a patron whom policy lets in, and the house as it is.
#[derive(Debug, Clone, Copy)]
pub struct Stage<'a> {
    pub issuer: &'a str,
    /// The right side of scoped attributes.
    pub scope_domain: &'a str,
    pub time_zone: &'a TimeZone,
    pub told: &'a Told,
    /// The granted scopes by every name in use.
    pub scopes: &'a [String],
    pub now: Timestamp,
    /// When a session that began now would end at the latest.
    pub session_until: Timestamp,
}

/// What would be said, and why each part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Rehearsed {
    pub protocol: &'static str,
    /// Its key within the protocol.
    pub relying_party: String,
    pub text: String,
    pub parts: Vec<Part>,
    /// What the relying party asks for and is not told.
    pub withheld: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    pub name: String,
    pub values: Vec<String>,
    /// The rule that lets it out, or keeps it in.
    pub why: String,
}

pub type Examination<'a> = Pin<Box<dyn Future<Output = Vec<Check>> + Send + 'a>>;

/// Knows vendors by what only they have.
pub trait Voucher: Send + Sync {
    /// Whose credentials the request carries; `None`: wrong ones, or none of this protocol's.
    fn vendor<'a>(&'a self, headers: &'a HeaderMap) -> Vouching<'a>;
}

/// Name and password of HTTP Basic (RFC 7617).
pub fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let (scheme, rest) = headers.get(header::AUTHORIZATION)?.to_str().ok()?.split_once(' ')?;
    let decoded = STANDARD.decode(rest.trim()).ok().filter(|_| scheme.eq_ignore_ascii_case("basic"))?;
    let text = String::from_utf8(decoded).ok()?;
    text.split_once(':').map(|(name, password)| (name.to_owned(), password.to_owned()))
}

pub type Vouching<'a> = Pin<Box<dyn Future<Output = Result<Option<VendorId>, Fault>> + Send + 'a>>;
