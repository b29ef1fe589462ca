//! Relying parties, `[[vendor.oidc]]`: read by the fields that their protocol declares, so that a new protocol
//! changes nothing here. Secrets leave this file as hashes.

use std::borrow::Cow;

use aws_lc_rs::digest;
use serde_json::{Map, Value};

use super::{
    DeclaredPin, DeclaredSecret, Fields, Judge, by_field, fields,
    section::{Known, Section, known},
};
use crate::domain::{
    field::{Field, Kind},
    vendor::RelyingParty,
};

/// A vendor's own fields and one list of tables for each protocol.
pub(super) fn fields_of_vendor(protocols: Fields<'_>) -> Vec<Known> {
    let mut fields = known(fields::VENDOR.fields);
    fields.extend(protocols.iter().map(|(name, _)| Known { name: Cow::Borrowed(*name), default: "" }));
    fields
}

/// A relying party and where it stands.
pub(super) struct Party<'s> {
    pub(super) section: Section<'s>,
    pub(super) key_field: &'static str,
    pub(super) party: RelyingParty,
    secret: Option<String>,
}

impl Party<'_> {
    pub(super) fn declared_secret(&self) -> Option<DeclaredSecret> {
        let secret = DeclaredPin(self.secret.clone()?);
        Some(DeclaredSecret { protocol: self.party.protocol.clone(), key: self.party.key.clone(), secret })
    }
}

/// The endpoints of one vendor within one protocol.
pub(super) fn read<'s>(
    vendor: &Section<'s>,
    protocol: &'static str,
    fields: &[Field],
    judge: &dyn Judge,
) -> Vec<Party<'s>> {
    let names = by_field::names(fields);
    vendor.tables(protocol, &names).into_iter().filter_map(|section| party(section, protocol, fields, judge)).collect()
}

fn party<'s>(section: Section<'s>, protocol: &str, fields: &[Field], judge: &dyn Judge) -> Option<Party<'s>> {
    let mut settings = Map::new();
    let mut good = true;
    let mut shown = None;
    for field in fields {
        if let Kind::Secret = field.kind {
            match by_field::secret(&section, field) {
                Some(Some(text)) => {
                    let hash = hex::encode(digest::digest(&digest::SHA256, text.as_bytes()));
                    settings.insert(format!("{}_sha256", field.name), Value::String(hash));
                    shown = Some(text);
                }
                Some(None) => {}
                None => good = false,
            }
            continue;
        }
        match by_field::setting(&section, field) {
            Some(Some((name, value))) => {
                settings.insert(name, value);
            }
            Some(None) => {}
            None => good = false,
        }
    }
    let key_field = fields.first()?.name;
    let named = settings.remove(key_field);
    if !good {
        return None;
    }
    let settings = Value::Object(settings);
    let key = match named {
        Some(Value::String(key)) => key,
        _ => judge.key(protocol, &settings).map_err(|(field, why)| section.wrong(field, why)).ok()?,
    };
    if section.has("pkce") && settings["pkce"] == "optional" {
        section.warn("pkce", "optional is an exception for old vendors: a stolen code is not bound to its browser");
    }
    let party = RelyingParty { protocol: protocol.to_owned(), key, settings, registered: None, published: None };
    Some(Party { section, key_field, party, secret: shown })
}
