//! Fields that a protocol or a kind of source declares, read from the file as their kinds say. A new one of either
//! changes nothing here.

use std::{borrow::Cow, path::Path};

use serde_json::Value;
use toml::de::DeValue;

use super::{
    read,
    section::{Known, Section},
};
use crate::domain::{
    field::{Field, Kind},
    network::Network,
};

/// A shorter secret can be guessed.
const GOOD_SECRET: usize = 16;

/// What a table of these fields may hold.
pub(super) fn names(fields: &[Field]) -> Vec<Known> {
    let mut names: Vec<Known> = Vec::new();
    for field in fields {
        names.push(Known { name: Cow::Borrowed(field.name), default: "" });
        if let Kind::Secret | Kind::Jwks = field.kind {
            names.push(Known { name: Cow::Owned(file_of(field.name)), default: "" });
        }
    }
    names
}

/// A secret or a key set is written as NAME or as the file NAME_file.
fn file_of(secret: &str) -> String {
    format!("{secret}_file")
}

/// A field's name and value as they are kept; `Some(None)` where it is left away, `None`, once told, where it is wrong.
pub(super) fn setting(section: &Section<'_>, field: &Field) -> Option<Option<(String, Value)>> {
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
        Kind::Texts => section.list(name, read::text)?.into_iter().map(|text| text.value).collect(),
        Kind::Words => section.need(name, words)?,
        Kind::Duration(from, to) => Value::from(section.need(name, read::duration(from, to))?.as_secs()),
        Kind::Path => Value::String(section.need(name, |value| from_the_root(section, value))?),
        Kind::SecretFile => Value::String(section.need(name, |value| {
            let path = from_the_root(section, value)?;
            read::secret_file(Path::new(&path)).map(|_| path)
        })?),
        Kind::Secret | Kind::Jwks => return None,
    };
    Some(Some((name.to_owned(), value)))
}

/// Whoever reads it later may work in another folder.
fn from_the_root(section: &Section<'_>, value: &DeValue<'_>) -> Result<String, String> {
    let path = section.resolve(&read::text(value)?);
    let path = std::path::absolute(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    path.into_os_string().into_string().map_err(|_| "must be a path in UTF-8".into())
}

fn words(value: &DeValue<'_>) -> Result<Value, String> {
    let table = read::table(value)?;
    let all_text = table.as_object().is_some_and(|members| members.values().all(Value::is_string));
    if all_text { Ok(table) } else { Err("must hold texts alone".into()) }
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
pub(super) fn secret(section: &Section<'_>, field: &Field) -> Option<Option<String>> {
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
