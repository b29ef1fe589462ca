//! What the configuration says of a plain CSV file: where each thing stands, and what its words mean.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::{
    drop::{KEEP, PATH, SETTLE_AFTER},
    oneroster::table::{Layout, Spot},
};
use crate::domain::{
    catalogue::SourceSettings,
    field::{Field, Kind},
    patron::Role,
};

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "columns",
        kind: Kind::Words,
        required: true,
        default: "",
        help: "Where each thing stands, `{ sourced_id = \"Student ID\", given_name = \"First\" }`: `sourced_id` (a key \
               that never changes, required), `given_name`, `family_name`, `identifier` (the ID that the card is made \
               from), `username`, `email`, `org`, `role`, `grade`, `password`, `birthday`. By the names of the header, \
               or by numbers from 1 where `header = false`.",
    },
    Field {
        name: "delimiter",
        kind: Kind::Choice(&[",", ";", "tab", "pipe"]),
        required: false,
        default: ",",
        help: "What stands between two fields.",
    },
    Field {
        name: "encoding",
        kind: Kind::Choice(&["utf-8", "windows-1252"]),
        required: false,
        default: "utf-8",
        help: "How letters are written.",
    },
    Field {
        name: "header",
        kind: Kind::Flag,
        required: false,
        default: "true",
        help: "Whether the first row names the columns.",
    },
    Field {
        name: "role_values",
        kind: Kind::Words,
        required: false,
        default: "",
        help: "What the words of the role column mean, `{ S = \"student\", T = \"staff\", P = \"none\" }`. Without it: \
               the words of OneRoster.",
    },
    Field {
        name: "role",
        kind: Kind::Choice(&["student", "staff"]),
        required: false,
        default: "",
        help: "What everybody in the file is, where no column says so.",
    },
    Field {
        name: "org",
        kind: Kind::Text,
        required: false,
        default: "",
        help: "Where everybody in the file belongs, where no column says so; with such a column: what stands above all \
               the schools in it.",
    },
    Field {
        name: "org_names",
        kind: Kind::Words,
        required: false,
        default: "",
        help: "What the schools are called, `{ 310 = \"Thistledown Middle School\" }`. Without it: their codes.",
    },
    Field {
        name: "dates",
        kind: Kind::Choice(&["month-first", "day-first"]),
        required: false,
        default: "",
        help: "How `03/04/2014` is meant. Without it such a birthday is not guessed.",
    },
    PATH,
    SETTLE_AFTER,
    KEEP,
];

/// What a column may be mapped to.
const COLUMNS: [&str; 11] = [
    "sourced_id",
    "given_name",
    "family_name",
    "identifier",
    "username",
    "email",
    "org",
    "role",
    "grade",
    "password",
    "birthday",
];

#[derive(Debug, Clone)]
pub(super) struct Mapping {
    columns: BTreeMap<String, String>,
    delimiter: u8,
    pub windows: bool,
    header: bool,
    /// By the words of the file, lower case; `None` gets no card.
    pub role_values: BTreeMap<String, Option<Role>>,
    pub role: Option<Role>,
    pub org: Option<String>,
    pub org_names: BTreeMap<String, String>,
    pub month_first: Option<bool>,
}

impl Mapping {
    /// # Errors
    /// The field that does not fit, and why.
    pub fn of(source: &SourceSettings) -> Result<Mapping, (&'static str, String)> {
        let columns = words(source, "columns");
        let header = source.settings.get("header").and_then(Value::as_bool).unwrap_or(true);
        let has = |name: &str| columns.contains_key(name);
        for (name, column) in &columns {
            if !COLUMNS.contains(&name.as_str()) {
                return Err(("columns", format!("has no {name}: it may have {}", COLUMNS.join(", "))));
            }
            if !header && column.parse::<usize>().ok().is_none_or(|number| number == 0) {
                let why = format!("names {name} by {column:?}: without a header give its number, from 1");
                return Err(("columns", why));
            }
        }
        if !has("sourced_id") {
            let why = "must say which column is the sourced_id: a key by which the same person is found every night";
            return Err(("columns", why.into()));
        }
        if !has("given_name") && !has("family_name") {
            return Err(("columns", "must say where given_name or family_name stand".into()));
        }
        match (has("role"), source.text("role")) {
            (true, Some(_)) => return Err(("role", "is given, and columns.role as well: give one".into())),
            (false, None) => return Err(("role", "is missing: give it, or columns.role".into())),
            _ => {}
        }
        if !has("org") && source.text("org").is_none() {
            return Err(("org", "is missing: give it, or columns.org".into()));
        }
        let mut role_values = BTreeMap::new();
        for (word, meant) in words(source, "role_values") {
            let role = match meant.as_str() {
                "student" => Some(Role::Student),
                "staff" => Some(Role::Staff),
                "none" => None,
                _ => return Err(("role_values", format!("means {meant:?} by {word:?}: use student, staff or none"))),
            };
            role_values.insert(word.to_lowercase(), role);
        }
        if !role_values.is_empty() && !has("role") {
            return Err(("role_values", "says what words mean, but columns.role does not say where they stand".into()));
        }
        Ok(Mapping {
            delimiter: match source.text("delimiter") {
                Some(";") => b';',
                Some("pipe") => b'|',
                Some("tab") => b'\t',
                _ => b',',
            },
            windows: source.text("encoding") == Some("windows-1252"),
            header,
            role_values,
            role: source.text("role").map(|role| if role == "staff" { Role::Staff } else { Role::Student }),
            org: source.text("org").map(str::to_owned),
            org_names: words(source, "org_names"),
            month_first: source.text("dates").map(|dates| dates == "month-first"),
            columns,
        })
    }

    pub fn layout(&self) -> Layout {
        Layout { delimiter: self.delimiter, header: self.header }
    }

    pub fn spot(&self, name: &str) -> Spot<'_> {
        match self.columns.get(name) {
            None => Spot::Nowhere,
            Some(column) if self.header => Spot::Named(column),
            // Judged when the mapping was made.
            Some(column) => column.parse::<usize>().map_or(Spot::Nowhere, |number| Spot::At(number.saturating_sub(1))),
        }
    }
}

fn words(source: &SourceSettings, name: &str) -> BTreeMap<String, String> {
    let table = source.settings.get(name).and_then(Value::as_object);
    let all = table.into_iter().flatten();
    all.filter_map(|(word, value)| Some((word.clone(), value.as_str()?.trim().to_owned()))).collect()
}
