//! What stands in an entry, and whom it makes on a roster.

use std::collections::HashMap;

use aws_lc_rs::digest::{Context, SHA256};
use ldap3::SearchEntry;
use uuid::Uuid;

use super::{
    super::{Person, Post, Report, verify::State},
    account, filter,
    settings::Settings,
};
use crate::domain::{clock::Timestamp, patron::Role};

/// Attributes by their names in lower case, since each server spells them its own way.
#[derive(Debug, Clone, Default)]
pub(super) struct Entry {
    pub(super) dn: String,
    values: HashMap<String, Vec<Vec<u8>>>,
}

impl Entry {
    pub(super) fn new(dn: String, values: impl IntoIterator<Item = (String, Vec<Vec<u8>>)>) -> Entry {
        Entry { dn, values: values.into_iter().map(|(name, values)| (name.to_ascii_lowercase(), values)).collect() }
    }

    /// The values that are text.
    pub(super) fn texts(&self, name: &str) -> impl Iterator<Item = String> {
        let guid = filter::is_guid(name);
        let values = self.values.get(&name.to_ascii_lowercase()).map(Vec::as_slice).unwrap_or_default();
        values.iter().filter_map(move |value| {
            if guid {
                return Some(Uuid::from_bytes_le(value.as_slice().try_into().ok()?).to_string());
            }
            let text = std::str::from_utf8(value).ok()?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        })
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.texts(name).next()
    }

    /// Of all that was read of it: two changes within one second bear the same mark.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        let mut part = |bytes: &[u8]| {
            context.update(&(bytes.len() as u64).to_be_bytes());
            context.update(bytes);
        };
        part(self.dn.as_bytes());
        let mut names: Vec<&String> = self.values.keys().collect();
        names.sort_unstable();
        for name in names {
            part(name.as_bytes());
            self.values.get(name).into_iter().flatten().for_each(|value| part(value));
        }
        context.finish().as_ref().try_into().unwrap_or_default()
    }

    pub(super) fn bytes(&self, name: &str) -> Option<&[u8]> {
        self.values.get(&name.to_ascii_lowercase())?.first().map(Vec::as_slice)
    }
}

impl From<SearchEntry> for Entry {
    fn from(found: SearchEntry) -> Entry {
        let texts = found.attrs.into_iter();
        let texts = texts.map(|(name, values)| (name, values.into_iter().map(String::into_bytes).collect()));
        Entry::new(found.dn, texts.chain(found.bin_attrs))
    }
}

/// What an entry means for the roster.
#[derive(Debug)]
pub(super) enum Meaning {
    /// Somebody of the roster, enabled or not.
    Person(Box<Person>),
    /// Somebody whom the roster does not mean, or means no more.
    Gone(String),
    /// Nobody that could be named.
    Nothing,
}

/// `place`: the how many-th of the delivery, for the report.
pub(super) fn read(entry: &Entry, settings: &Settings, now: Timestamp, place: u64, report: &mut Report) -> Meaning {
    let names = &settings.attributes;
    let first = |attribute: &str| entry.text(attribute);
    let file = settings.base_dn.as_str();
    let Some(sourced_id) = first(&names.sourced_id) else {
        report.refused(file, place, &names.sourced_id, "no-sourced-id", "an entry without this attribute was left out");
        return Meaning::Nothing;
    };
    // Closed is more than not being listed: such a card does not live on over the summer.
    if matches!(account::state(entry, now), State::Disabled | State::Expired) {
        report.left_out("disabled");
        return Meaning::Person(Box::new(Person { sourced_id, line: place, ..Person::default() }));
    }
    let Some(role) = role(entry, settings) else {
        report.left_out("role");
        return Meaning::Gone(sourced_id);
    };
    let (given_name, family_name) = (first(&names.given_name), first(&names.family_name));
    if given_name.is_none() && family_name.is_none() {
        report.refused(file, place, &names.family_name, "no-name", "a person with neither name was left out");
        return Meaning::Gone(sourced_id);
    }
    let grade = first(&names.grade).filter(|_| role == Role::Student).and_then(|text| {
        let read = text.parse();
        if read.is_err() {
            report.repaired(file, place, &names.grade, "grade", format!("{text:?} is no grade; passed over"));
        }
        read.ok()
    });
    let mut orgs: Vec<String> = match &settings.org {
        Some(fixed) => vec![fixed.clone()],
        None => entry.texts(&names.org).collect(),
    };
    orgs.dedup();
    if orgs.is_empty() {
        report.refused(file, place, &names.org, "unknown-org", "a person of no organisation was left out");
        return Meaning::Gone(sourced_id);
    }
    Meaning::Person(Box::new(Person {
        sourced_id,
        given_name: given_name.unwrap_or_default(),
        family_name: family_name.unwrap_or_default(),
        identifier: first(&names.identifier),
        username: first(&names.username),
        email: first(&names.email),
        enabled: true,
        grade,
        posts: orgs.iter().map(|org| Post::new(org.as_str(), role, grade)).collect(),
        line: place,
        ..Person::default()
    }))
}

/// The first of the entry's roles that the configuration knows; else the fixed one.
fn role(entry: &Entry, settings: &Settings) -> Option<Role> {
    let told = entry.texts(&settings.attributes.role);
    let mut known = told.filter_map(|word| settings.role_values.get(&word.to_lowercase()).copied());
    known.next().or(settings.role)
}
