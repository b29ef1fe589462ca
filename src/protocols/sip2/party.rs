//! A vendor that asks by SIP2, as this protocol sees it.

use serde::Deserialize;

use crate::{
    domain::{
        id::ScopeId,
        vendor::{RelyingParty, Vendor},
    },
    protocols::{Misfit, asker::Asker, bands},
    wire::sip2::Charset,
};

#[derive(Debug)]
pub(super) struct Party {
    pub asker: Asker,
    pub institution: Option<String>,
    pub location: Option<String>,
    pub charset: Charset,
    pub patron_name: String,
    /// Who lacks it is marked as denied.
    pub loans: Option<ScopeId>,
    pub classes: bands::Words,
}

/// As they are kept; defaults are those of `settings::FIELDS`.
#[derive(Deserialize)]
struct Settings {
    institution: Option<String>,
    location: Option<String>,
    #[serde(default)]
    encoding: Encoding,
    #[serde(default = "patron_name")]
    patron_name: String,
    loans: Option<ScopeId>,
    #[serde(default = "patron_classes")]
    patron_classes: String,
}

#[derive(Default, Deserialize)]
enum Encoding {
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "cp850")]
    Cp850,
}

fn patron_name() -> String {
    "Library patron".to_owned()
}

fn patron_classes() -> String {
    bands::USUAL.to_owned()
}

impl Party {
    pub fn read(vendor: &Vendor, party: &RelyingParty) -> Result<Party, Misfit> {
        let misfit = |field, why: &str| Misfit { field, why: why.to_owned() };
        let asker = Asker::read(vendor, party, "password_sha256")?;
        if !asker.has_secret() && !asker.has_addresses() {
            return Err(misfit(
                "password",
                "is missing: give password or password_file, or else addresses to know it by",
            ));
        }
        let settings = Settings::deserialize(&party.settings).map_err(|error| misfit("loans", &error.to_string()))?;
        if settings.loans.as_ref().is_some_and(|loans| !vendor.scopes.contains(loans)) {
            return Err(misfit("loans", "must be one of the vendor's scopes"));
        }
        let classes = bands::Words::read(&settings.patron_classes);
        Ok(Party {
            asker,
            institution: settings.institution,
            location: settings.location,
            charset: match settings.encoding {
                Encoding::Utf8 => Charset::Utf8,
                Encoding::Cp850 => Charset::Cp850,
            },
            patron_name: settings.patron_name,
            loans: settings.loans,
            classes: classes.ok_or_else(|| misfit("patron_classes", "must be three words, youngest readers first"))?,
        })
    }
}
