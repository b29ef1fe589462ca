//! A vendor that asks by SIP2, as this protocol sees it.

use serde::Deserialize;

use crate::{
    domain::{
        claims::StandardClaims,
        id::ScopeId,
        vendor::{Attribute, RelyingParty, Vendor},
    },
    protocols::{Misfit, asker::Asker, bands},
    wire::sip2::{Charset, Code, code},
};

#[derive(Debug)]
pub(super) struct Party {
    pub asker: Asker,
    pub institution: Option<String>,
    pub location: Option<String>,
    pub charset: Charset,
    pub patron_name: String,
    /// Told of adult staff, beside what every vendor is told.
    pub personal: Vec<Personal>,
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
    #[serde(default)]
    personal_fields: Vec<Personal>,
    loans: Option<ScopeId>,
    #[serde(default = "patron_classes")]
    patron_classes: String,
}

/// A field about a person that a release may let out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub(super) enum Personal {
    #[serde(rename = "BD")]
    Address,
    #[serde(rename = "BE")]
    Email,
    #[serde(rename = "BF")]
    Phone,
    #[serde(rename = "BC")]
    BirthDate,
}

impl Personal {
    pub const ALL: [Personal; 4] = [Personal::Address, Personal::Email, Personal::Phone, Personal::BirthDate];

    pub fn code(self) -> Code {
        match self {
            Personal::Address => code::BD,
            Personal::Email => code::BE,
            Personal::Phone => code::BF,
            Personal::BirthDate => code::BC,
        }
    }

    /// The rule that lets it out.
    fn rule(self) -> Attribute {
        match self {
            Personal::Address => Attribute::Address,
            Personal::Email => Attribute::Email,
            Personal::Phone => Attribute::Phone,
            Personal::BirthDate => Attribute::Profile,
        }
    }

    pub fn of(self, told: &StandardClaims) -> Option<String> {
        match self {
            Personal::Address => told.address.as_ref()?.formatted.clone(),
            Personal::Email => told.email.clone(),
            Personal::Phone => told.phone_number.clone(),
            // YYYYMMDD.
            Personal::BirthDate => Some(told.birthdate.as_ref()?.replace('-', "")),
        }
    }
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
        let agreed = |field: &Personal| {
            vendor.release.iter().any(|item| item.name == field.rule() && !item.purpose.trim().is_empty())
        };
        if let Some(field) = settings.personal_fields.iter().find(|field| !agreed(field)) {
            let why = format!("{} needs a release of its own, with a purpose", field.code());
            return Err(misfit("personal_fields", &why));
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
            personal: settings.personal_fields,
            loans: settings.loans,
            classes: classes.ok_or_else(|| misfit("patron_classes", "must be three words, youngest readers first"))?,
        })
    }
}
