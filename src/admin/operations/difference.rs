//! What a change of the programme changes, field by field, for people and for the audit.

use std::{collections::BTreeMap, fmt};

use serde::Serialize;
use serde_json::{Value, json};

use crate::store::catalogue::Kind;

/// Changes in the order that people think in: scopes and organisations before what refers to them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub changes: Vec<Change>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Change {
    pub action: Action,
    pub kind: &'static str,
    pub id: String,
    /// Of an object that was there before and still is; otherwise empty.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub fields: Vec<FieldChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Added,
    Changed,
    Removed,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldChange {
    pub field: String,
    pub before: Option<String>,
    pub after: Option<String>,
}

impl Difference {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    pub fn count(&self, action: Action) -> usize {
        self.changes.iter().filter(|change| change.action == action).count()
    }

    /// For the audit, which keeps it for ever: opt-outs name children, so they are only counted.
    pub fn for_audit(&self) -> Value {
        let (opt_outs, others): (Vec<_>, Vec<_>) =
            self.changes.iter().partition(|change| change.kind == Kind::OptOut.as_str());
        json!({ "changes": others, "opt_outs_changed": opt_outs.len() })
    }

    pub(super) fn added(&mut self, kind: Kind, id: &str) {
        self.push(Action::Added, kind, id, Vec::new());
    }

    pub(super) fn removed(&mut self, kind: Kind, id: &str) {
        self.push(Action::Removed, kind, id, Vec::new());
    }

    /// Adds what differs between the bodies, and says whether anything does.
    pub(super) fn changed(&mut self, kind: Kind, id: &str, before: &Value, after: &Value) -> bool {
        let (before, after) = (flat(before), flat(after));
        let mut names: Vec<&String> = before.keys().chain(after.keys()).collect();
        names.sort();
        names.dedup();
        let fields: Vec<FieldChange> = names
            .into_iter()
            .filter(|name| before.get(*name) != after.get(*name))
            .map(|name| field_change(name, before.get(name), after.get(name)))
            .collect();
        let differs = !fields.is_empty();
        if differs {
            self.push(Action::Changed, kind, id, fields);
        }
        differs
    }

    fn push(&mut self, action: Action, kind: Kind, id: &str, fields: Vec<FieldChange>) {
        self.changes.push(Change { action, kind: kind.as_str(), id: id.to_owned(), fields });
    }
}

/// A hash of a secret is nothing that anybody could read; that it changed is all there is to say.
fn field_change(name: &str, before: Option<&String>, after: Option<&String>) -> FieldChange {
    match name.strip_suffix("_sha256").or_else(|| name.strip_suffix("_keyed")) {
        Some(secret) => FieldChange {
            field: secret.to_owned(),
            before: before.map(|_| "(old secret)".to_owned()),
            after: after.map(|_| "(new secret)".to_owned()),
        },
        None if name.ends_with("_document") => FieldChange {
            field: name.trim_end_matches("_document").to_owned(),
            before: before.map(|text| document(text)),
            after: after.map(|text| document(text)),
        },
        None => FieldChange { field: name.to_owned(), before: before.cloned(), after: after.cloned() },
    }
}

/// A whole file is named by its size and the beginning of its SHA-256.
fn document(text: &str) -> String {
    let digest = hex::encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, text.as_bytes()));
    format!("(a file of {} bytes, {})", text.len(), digest.get(..12).unwrap_or_default())
}

/// Path → value. What is null or an empty list is as if it were not there.
fn flat(body: &Value) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    flatten("", body, &mut out);
    out
}

fn flatten(path: &str, value: &Value, out: &mut BTreeMap<String, String>) {
    let below = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    match value {
        Value::Null => {}
        Value::Object(fields) => fields.iter().for_each(|(name, value)| flatten(&below(name), value, out)),
        Value::Array(entries) if entries.iter().any(Value::is_object) => {
            for (place, entry) in entries.iter().enumerate() {
                flatten(&format!("{path}[{}]", name_of(entry).unwrap_or_else(|| place.to_string())), entry, out);
            }
        }
        Value::Array(entries) if entries.is_empty() => {}
        Value::Array(entries) => {
            let list: Vec<String> = entries.iter().map(plain).collect();
            out.insert(path.to_owned(), list.join(", "));
        }
        scalar => {
            out.insert(path.to_owned(), plain(scalar));
        }
    }
}

/// What tells one entry of a list from another: `oidc maple-web`, `card_number`.
fn name_of(entry: &Value) -> Option<String> {
    let text = |name: &str| entry.get(name).and_then(Value::as_str);
    match (text("protocol"), text("key"), text("name")) {
        (Some(protocol), Some(key), _) => Some(format!("{protocol} {key}")),
        (_, _, Some(name)) => Some(name.to_owned()),
        _ => None,
    }
}

fn plain(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// `+` added, `~` changed, `-` removed; a line for each object and each field.
impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, change) in self.changes.iter().enumerate() {
            if place > 0 {
                f.write_str("\n")?;
            }
            let sign = match change.action {
                Action::Added => '+',
                Action::Changed => '~',
                Action::Removed => '-',
            };
            write!(f, "{sign} {} {}", change.kind, change.id)?;
            for FieldChange { field, before, after } in &change.fields {
                let shown = |value: &Option<String>| value.clone().unwrap_or_else(|| "(none)".to_owned());
                write!(f, "\n    {field}: {} → {}", shown(before), shown(after))?;
            }
        }
        Ok(())
    }
}
