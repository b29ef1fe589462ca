//! Single values: from what TOML knows to what the house knows, or a sentence on what was expected.

use std::{fmt::Display, path::Path, str::FromStr, time::Duration};

use toml::de::DeValue;
use url::Url;

use crate::domain::{
    clock::{Date, span},
    field,
};

type Read<T> = Result<T, String>;

pub(super) fn text(value: &DeValue<'_>) -> Read<String> {
    match value {
        DeValue::String(text) if text.trim().is_empty() => Err("must not be empty".into()),
        DeValue::String(text) => Ok(text.trim().to_owned()),
        other => Err(format!("must be text in quotes, not {}", said(other))),
    }
}

/// Text that the domain reads by itself.
pub(super) fn word<T: FromStr<Err: Display>>(value: &DeValue<'_>) -> Read<T> {
    text(value)?.parse().map_err(|error: T::Err| error.to_string())
}

/// Text that the domain reads by itself from an owned string.
pub(super) fn owned<T: TryFrom<String, Error: Display>>(value: &DeValue<'_>) -> Read<T> {
    T::try_from(text(value)?).map_err(|error| error.to_string())
}

/// One of the words of a domain enum.
pub(super) fn choice<T: serde::de::DeserializeOwned>(
    words: &'static [&'static str],
) -> impl Fn(&DeValue<'_>) -> Read<T> {
    move |value| {
        let found = text(value)?;
        serde_json::from_value(serde_json::Value::String(found.clone()))
            .map_err(|_| format!("{found:?}: use {}", listed(words)))
    }
}

/// A table of texts, lists and tables, as JSON.
pub(super) fn table(value: &DeValue<'_>) -> Read<serde_json::Value> {
    match value {
        DeValue::Table(_) => json(value),
        other => Err(format!("must be a table, not {}", said(other))),
    }
}

fn json(value: &DeValue<'_>) -> Read<serde_json::Value> {
    Ok(match value {
        DeValue::String(text) => text.as_ref().into(),
        DeValue::Boolean(flag) => (*flag).into(),
        DeValue::Array(all) => all.iter().map(|one| json(one.get_ref())).collect::<Read<Vec<_>>>()?.into(),
        DeValue::Table(members) => {
            let member = |(name, value): (&toml::Spanned<_>, &toml::Spanned<DeValue<'_>>)| {
                let name: &std::borrow::Cow<'_, str> = name.get_ref();
                Ok((name.to_string(), json(value.get_ref())?))
            };
            serde_json::Value::Object(members.iter().map(member).collect::<Read<_>>()?)
        }
        other => return Err(format!("must hold texts, lists and tables, not {}", said(other))),
    })
}

pub(super) fn flag(value: &DeValue<'_>) -> Read<bool> {
    value.as_bool().ok_or_else(|| format!("must be true or false, not {}", said(value)))
}

pub(super) fn number(from: i64, to: i64) -> impl Fn(&DeValue<'_>) -> Read<i64> {
    move |value| {
        let DeValue::Integer(digits) = value else {
            return Err(format!("must be a whole number, not {}", said(value)));
        };
        i64::from_str_radix(digits.as_str(), digits.radix())
            .ok()
            .filter(|number| (from..=to).contains(number))
            .ok_or_else(|| format!("must be between {from} and {to}"))
    }
}

/// `90s`, `30m`, `12h`, `30d`, between `from` and `to`.
pub(super) fn duration(from: &'static str, to: &'static str) -> impl Fn(&DeValue<'_>) -> Read<Duration> {
    move |value| {
        let text = text(value)?;
        let found = span(&text).ok_or_else(|| format!("{text:?} is not a duration such as 90s, 30m, 12h or 30d"))?;
        let within = span(from).is_none_or(|from| from <= found) && span(to).is_none_or(|to| found <= to);
        within.then_some(found).ok_or_else(|| format!("must be between {from} and {to}"))
    }
}

/// A TOML date, or the same as text.
pub(super) fn date(value: &DeValue<'_>) -> Read<Date> {
    let wrong = |text: String| format!("{text} is not a day such as 2026-07-01");
    match value {
        DeValue::Datetime(at) if at.time.is_none() && at.offset.is_none() => {
            at.to_string().parse().map_err(|_| wrong(at.to_string()))
        }
        DeValue::String(text) => text.trim().parse().map_err(|_| wrong(format!("{text:?}"))),
        other => Err(wrong(said(other))),
    }
}

/// An absolute https URL, http on loopback only, without fragment or credentials. Kept byte for byte.
pub(super) fn url(value: &DeValue<'_>) -> Read<String> {
    let text = text(value)?;
    field::url(&text)?;
    Ok(text)
}

/// Scheme and host alone, since tokens state it to the letter.
pub(super) fn issuer(value: &DeValue<'_>) -> Read<String> {
    let text = url(value)?;
    if text.ends_with('/') {
        return Err(format!("{text:?} must not end with a slash: vendors compare it letter by letter"));
    }
    let parsed = Url::parse(&text).map_err(|error| error.to_string())?;
    if parsed.path() != "/" || parsed.query().is_some() {
        return Err(format!("{text:?} must be scheme and host alone"));
    }
    if parsed.origin().ascii_serialization() != text {
        return Err(format!("must be spelled {:?}", parsed.origin().ascii_serialization()));
    }
    Ok(text)
}

/// `#1f5fa8`.
pub(super) fn colour(value: &DeValue<'_>) -> Read<String> {
    let text = text(value)?;
    let digits = text.strip_prefix('#').unwrap_or_default();
    let good = digits.len() == 6 && digits.bytes().all(|b| b.is_ascii_hexdigit());
    good.then(|| text.to_ascii_lowercase()).ok_or_else(|| format!("{text:?} is not a colour such as #1f5fa8"))
}

/// `library.example`: the right side of a scoped attribute.
pub(super) fn domain(value: &DeValue<'_>) -> Read<String> {
    let text = text(value)?.to_ascii_lowercase();
    let label = |label: &str| {
        !label.is_empty() && !label.starts_with('-') && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    let good = text.contains('.') && text.split('.').all(label);
    good.then(|| text.clone()).ok_or_else(|| format!("{text:?} is not a domain such as library.example"))
}

/// What a file holds, blanks around it aside.
pub(super) fn secret_file(path: &Path) -> Read<String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let secret = text.trim();
    if secret.is_empty() { Err(format!("{} is empty", path.display())) } else { Ok(secret.to_owned()) }
}

fn said(value: &DeValue<'_>) -> String {
    match value {
        DeValue::Array(_) => "a list".into(),
        DeValue::Table(_) => "a table".into(),
        DeValue::String(text) => format!("{text:?}"),
        DeValue::Integer(number) => number.to_string(),
        DeValue::Float(number) => number.to_string(),
        DeValue::Boolean(flag) => flag.to_string(),
        DeValue::Datetime(at) => at.to_string(),
    }
}

/// `a, b or c`.
pub(super) fn listed(words: &[&str]) -> String {
    match words {
        [] => String::new(),
        [only] => (*only).to_owned(),
        [rest @ .., last] => format!("{} or {last}", rest.join(", ")),
    }
}
