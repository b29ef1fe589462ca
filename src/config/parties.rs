//! Relying parties, `[[vendor.oidc]]`: read by the fields that their protocol declares, so that a new protocol
//! changes nothing here. Secrets leave this file as hashes.

use std::borrow::Cow;

use aws_lc_rs::digest;
use serde_json::{Map, Value};
use toml::de::DeValue;

use super::{
    DeclaredPin, DeclaredSecret, Judge, Protocols, fields, read,
    section::{Known, Section, known},
};
use crate::domain::{
    field::{Field, Kind},
    network::Network,
    vendor::RelyingParty,
};

/// A shorter secret can be guessed.
const GOOD_SECRET: usize = 16;

/// A vendor's own fields and one list of tables for each protocol.
pub(super) fn fields_of_vendor(protocols: Protocols<'_>) -> Vec<Known> {
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
    let mut names: Vec<Known> = Vec::new();
    for field in fields {
        names.push(Known { name: Cow::Borrowed(field.name), default: "" });
        if let Kind::Secret | Kind::Jwks = field.kind {
            names.push(Known { name: Cow::Owned(file_of(field.name)), default: "" });
        }
    }
    vendor.tables(protocol, &names).into_iter().filter_map(|section| party(section, protocol, fields, judge)).collect()
}

/// A secret or a key set is written as NAME or as the file NAME_file.
fn file_of(secret: &str) -> String {
    format!("{secret}_file")
}

fn party<'s>(section: Section<'s>, protocol: &str, fields: &[Field], judge: &dyn Judge) -> Option<Party<'s>> {
    let mut settings = Map::new();
    let mut good = true;
    let mut shown = None;
    for field in fields {
        if let Kind::Secret = field.kind {
            match secret(&section, field) {
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
        match setting(&section, field) {
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

/// A field's name and value as they are kept; `Some(None)` where it is left away, `None`, once told, where it is wrong.
fn setting(section: &Section<'_>, field: &Field) -> Option<Option<(String, Value)>> {
    if let Kind::Jwks = field.kind {
        return key_set(section, field);
    }
    let of_another_field = matches!(field.kind, Kind::TextAlone) && !section.is_text(field.name);
    if of_another_field || !section.has(field.name) {
        if field.required {
            section.wrong(field.name, "is missing");
            return None;
        }
        return Some(field.default_value().map(|value| (field.name.to_owned(), value)));
    }
    let name = field.name;
    let value = match field.kind {
        Kind::Text | Kind::TextAlone => Value::String(section.need(name, read::text)?),
        Kind::Flag => Value::Bool(section.need(name, read::flag)?),
        Kind::Number(from, to) => Value::from(section.need(name, read::number(from, to))?),
        Kind::Url => Value::String(section.need(name, read::url)?),
        Kind::Urls => {
            let urls = section.list(name, read::url)?;
            if urls.is_empty() && field.required {
                section.wrong(name, "must not be empty");
            }
            urls.into_iter().map(|url| url.value).collect()
        }
        Kind::Networks => {
            let networks = section.list(name, read::word::<Network>)?;
            networks.into_iter().map(|network| network.value.to_string()).collect()
        }
        Kind::Choice(words) => Value::String(section.need(name, |value| word_of(words, value))?),
        Kind::Choices(words) => {
            let chosen = section.list(name, |value| word_of(words, value))?;
            chosen.into_iter().map(|word| word.value).collect()
        }
        Kind::Document => return document(section, field),
        Kind::Secret | Kind::Jwks => return None,
    };
    Some(Some((name.to_owned(), value)))
}

fn word_of(words: &[&str], value: &DeValue<'_>) -> Result<String, String> {
    let found = read::text(value)?;
    let known = words.contains(&found.as_str());
    known.then(|| found.clone()).ok_or_else(|| format!("{found:?}: use {}", read::listed(words)))
}

/// What the file says is judged by the protocol.
fn document(section: &Section<'_>, field: &Field) -> Option<Option<(String, Value)>> {
    let place = section.need(field.name, read::text)?;
    if place.starts_with("https:") || place.starts_with("http:") {
        let url = section.need(field.name, read::url)?;
        return Some(Some((field.name.to_owned(), Value::String(url))));
    }
    let text = section.need(field.name, |_| {
        let path = section.resolve(&place);
        std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))
    })?;
    Some(Some((format!("{}_document", field.name), Value::String(text))))
}

/// What is in the set is judged by the protocol.
fn key_set(section: &Section<'_>, field: &Field) -> Option<Option<(String, Value)>> {
    let file = file_of(field.name);
    let here = section.has(field.name) && !section.is_text(field.name);
    let set = match (here, section.has(&file)) {
        (true, true) => {
            section.wrong(&file, format!("give {} or {file}, not both", field.name));
            return None;
        }
        (true, false) => section.need(field.name, read::table)?,
        (false, true) => section.need(&file, |value| {
            let path = section.resolve(&read::text(value)?);
            let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
            serde_json::from_str(&text).map_err(|error| format!("{} is no JSON: {error}", path.display()))
        })?,
        (false, false) => return Some(None),
    };
    Some(Some((format!("client_{}", field.name), set)))
}

/// Such secrets have entropy of their own, or else a warning. They are kept as `NAME_sha256`.
fn secret(section: &Section<'_>, field: &Field) -> Option<Option<String>> {
    let file = file_of(field.name);
    let (name, secret) = match (section.has(field.name), section.has(&file)) {
        (true, true) => {
            section.wrong(&file, format!("give {} or {file}, not both", field.name));
            return None;
        }
        (true, false) => (field.name, section.need(field.name, read::text)?),
        (false, true) => {
            (file.as_str(), section.need(&file, |value| read::secret_file(&section.resolve(&read::text(value)?)))?)
        }
        (false, false) if field.required => {
            section.wrong(field.name, format!("is missing: give {} or {file}", field.name));
            return None;
        }
        (false, false) => return Some(None),
    };
    if secret.len() < GOOD_SECRET {
        section.warn(name, "this secret is shorter than 16 characters and can be guessed");
    }
    Some(Some(secret))
}
