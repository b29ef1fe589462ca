//! docs/configuration.md, from the fields as they are declared.

use std::fmt::Write;

use super::{
    Kinds,
    fields::{Setting, TABLES, Table},
};
use crate::domain::field::{Field, Kind};

/// The whole page. `kinds` as for `load`.
pub fn markdown(kinds: Kinds<'_>) -> String {
    let mut page = String::from(HEAD);
    for table in TABLES {
        section(&mut page, table);
        if table.name == "vendor.release" {
            kinds.protocols.iter().for_each(|(name, fields)| protocol(&mut page, name, fields));
        }
        if table.name == "source" {
            kinds.sources.iter().filter(|(_, fields)| !fields.is_empty()).for_each(|(name, fields)| {
                head(&mut page, &format!("`[[source]]` of kind `{name}`"), "What such a source has besides.");
                fields.iter().for_each(|field| one(&mut page, field));
            });
        }
    }
    page
}

const HEAD: &str = "<!-- Made from the code: cargo run -- docs configuration > docs/configuration.md -->
# The configuration file

One TOML file, `oneaccess.toml` unless `--config` says otherwise. It may hold settings, declarations of the programme,
or both. `oneaccess check` says what is wrong with it, by line and field, all at once; `oneaccess apply FILE` brings
its declarations into force, all of them or nothing, and `oneaccess serve` does so at its start. What was made by
command and is not in the file stays, unless `--prune`. A whole programme stands in
[examples/district/oneaccess.toml](../examples/district/oneaccess.toml).

- Unknown fields are refused.
- Paths are relative to the file.
- Durations are written `90s`, `30m`, `12h`, `30d`; days `2026-07-01`; grades in CEDS codes (`IT PR PK TK KG 01`-`13`
  `PS UG Other`).
- An id is 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`, beginning with a letter or digit.
- A URL is absolute and `https`; plain `http` is allowed on loopback only.
";

fn section(page: &mut String, table: &Table) {
    let title = match (table.name, table.many) {
        ("", _) => "Top level".to_owned(),
        (
            name @ ("organisation.card"
            | "organisation.bridge"
            | "vendor.release"
            | "test_patron.address"
            | "export.columns"),
            _,
        ) => {
            format!("`{name}`")
        }
        (name, true) => format!("`[[{name}]]`"),
        (name, false) => format!("`[{name}]`"),
    };
    head(page, &title, table.help);
    // The top level's tables have sections of their own.
    for setting in table.fields.iter().filter(|setting| !table.name.is_empty() || !setting.help.is_empty()) {
        let Setting { name, kind, default, required, help } = setting;
        row(page, name, kind, *required, default, help);
    }
}

fn protocol(page: &mut String, name: &str, fields: &[Field]) {
    let help = format!("An endpoint of the vendor above it that speaks {}. There may be several.", name.to_uppercase());
    head(page, &format!("`[[vendor.{name}]]`"), &help);
    fields.iter().for_each(|field| one(page, field));
}

fn one(page: &mut String, field: &Field) {
    let default = match field.kind {
        _ if field.default.is_empty() => String::new(),
        Kind::Flag | Kind::Number(..) => field.default.to_owned(),
        Kind::Choices(_) | Kind::Urls | Kind::Networks | Kind::Texts => {
            format!("{:?}", field.default.split_whitespace().collect::<Vec<_>>())
        }
        _ => format!("\"{}\"", field.default),
    };
    row(page, field.name, &kind(field), field.required, &default, field.help);
}

fn kind(field: &Field) -> String {
    match field.kind {
        Kind::Text | Kind::TextAlone => "text".to_owned(),
        Kind::Flag => "true or false".to_owned(),
        Kind::Choice(words) => quoted(words),
        Kind::Choices(words) => format!("list of {}", quoted(words)),
        Kind::Networks => "list of addresses and networks".to_owned(),
        Kind::Number(from, to) => format!("number, {from} to {to}"),
        Kind::Texts => "list of texts".to_owned(),
        Kind::Words => "table of texts".to_owned(),
        Kind::Duration(from, to) => format!("duration, {from} to {to}"),
        Kind::Path => "path".to_owned(),
        Kind::SecretFile => "path of a file that holds it".to_owned(),
        Kind::Url => "URL".to_owned(),
        Kind::Urls => "list of URLs".to_owned(),
        Kind::Document => "path of a file, or a URL".to_owned(),
        Kind::Secret => format!("text, or a file: `{}_file`", field.name),
        Kind::Jwks => format!("table with a list `keys`, or a JSON file: `{}_file`", field.name),
    }
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn head(page: &mut String, title: &str, help: &str) {
    // Writing to a String cannot fail.
    let _ = write!(page, "\n## {title}\n\n{help}\n\n| Field | Value | Default | |\n|---|---|---|---|\n");
}

fn row(page: &mut String, name: &str, kind: &str, required: bool, default: &str, help: &str) {
    let default = match (required, default) {
        (true, _) => "*required*".to_owned(),
        (false, "") => String::new(),
        (false, default) => format!("`{default}`"),
    };
    let _ = writeln!(page, "| `{name}` | {kind} | {default} | {help} |");
}
