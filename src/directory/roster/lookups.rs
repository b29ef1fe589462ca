//! By which digests other directories will find a person.

use std::collections::BTreeSet;

use super::super::Person;
use crate::domain::{lookup::LookupField, pin::PinKey};

/// An address is not kept in any other form, so what was made of it must be told from the rest.
const OF_EMAIL: char = '@';

/// The digests of these fields, separated by blanks. `before`: what the person had, for an address that a delivery of
/// changes does not repeat.
pub(super) fn of(person: &Person, fields: &BTreeSet<LookupField>, key: &PinKey, before: Option<&str>) -> String {
    let mut all: Vec<String> = Vec::new();
    for field in fields {
        let digest = |value: &str| field.digest(key, value).hex();
        match field {
            LookupField::SourcedId => all.push(digest(&person.sourced_id)),
            LookupField::Identifier => all.extend(person.identifier.as_deref().map(digest)),
            LookupField::Username => all.extend(person.username.as_deref().map(digest)),
            LookupField::Email => match &person.email {
                Some(email) => all.push(format!("{OF_EMAIL}{}", digest(email))),
                None => all.extend(
                    before
                        .into_iter()
                        .flat_map(str::split_whitespace)
                        .filter(|d| d.starts_with(OF_EMAIL))
                        .map(str::to_owned),
                ),
            },
            LookupField::UserId(kind) => {
                all.extend(person.user_ids.iter().filter(|(of, _)| of == kind).map(|(_, id)| digest(id)));
            }
        }
    }
    all.join(" ")
}
