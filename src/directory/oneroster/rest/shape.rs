//! What a service says of an organisation, a person or a birth date, as the fields of a CSV row. What the fields mean is
//! for the reader of rows.

use std::borrow::Cow;

use serde_json::Value;

use super::spool::Spool;
use crate::directory::source::PullError;

/// A collection of the service, and what is read of its records.
pub(super) struct Shape {
    /// In the address and around the list.
    pub collection: &'static str,
    pub file: &'static str,
    pub columns: &'static [&'static str],
    /// What is asked for: nobody is sent what nobody reads.
    pub fields: &'static [&'static str],
    row: fn(&Value) -> Vec<Cow<'_, str>>,
    has_roles: bool,
}

const ROLES: &str = "roles.csv";
const ROLE_COLUMNS: &[&str] =
    &["sourcedId", "status", "userSourcedId", "roleType", "role", "beginDate", "endDate", "orgSourcedId"];

pub(super) const ORGS: Shape = Shape {
    collection: "orgs",
    file: "orgs.csv",
    columns: &["sourcedId", "status", "dateLastModified", "name", "type", "parentSourcedId"],
    fields: &["sourcedId", "status", "dateLastModified", "name", "type", "parent"],
    row: |org| {
        let parent = text(org.pointer("/parent/sourcedId"));
        start(org).into_iter().chain(["name", "type"].map(|name| text(org.get(name)))).chain([parent]).collect()
    },
    has_roles: false,
};

pub(super) const USERS_1P1: Shape = Shape {
    collection: "users",
    file: "users.csv",
    columns: &[
        "sourcedId",
        "status",
        "dateLastModified",
        "enabledUser",
        "username",
        "userIds",
        "givenName",
        "familyName",
        "identifier",
        "email",
        "grades",
        "password",
        "role",
        "orgSourcedIds",
    ],
    fields: &[
        "sourcedId",
        "status",
        "dateLastModified",
        "enabledUser",
        "username",
        "userIds",
        "givenName",
        "familyName",
        "identifier",
        "email",
        "grades",
        "password",
        "role",
        "orgs",
    ],
    row: |user| {
        let orgs = list(user.get("orgs")).map(|org| text(org.get("sourcedId")));
        person(user).into_iter().chain([text(user.get("role")), joined(orgs)]).collect()
    },
    has_roles: false,
};

pub(super) const USERS_1P2: Shape = Shape {
    collection: "users",
    file: "users.csv",
    columns: &[
        "sourcedId",
        "status",
        "dateLastModified",
        "enabledUser",
        "username",
        "userIds",
        "givenName",
        "familyName",
        "identifier",
        "email",
        "grades",
        "password",
        "preferredGivenName",
        "preferredFamilyName",
        "primaryOrgSourcedId",
    ],
    fields: &[
        "sourcedId",
        "status",
        "dateLastModified",
        "enabledUser",
        "username",
        "userIds",
        "givenName",
        "familyName",
        "identifier",
        "email",
        "grades",
        "password",
        "preferredFirstName",
        "preferredLastName",
        "primaryOrg",
        "roles",
    ],
    row: |user| {
        let preferred = ["preferredFirstName", "preferredLastName"].map(|name| text(user.get(name)));
        let primary = text(user.pointer("/primaryOrg/sourcedId"));
        person(user).into_iter().chain(preferred).chain([primary]).collect()
    },
    has_roles: true,
};

pub(super) const DEMOGRAPHICS: Shape = Shape {
    collection: "demographics",
    file: "demographics.csv",
    columns: &["sourcedId", "status", "dateLastModified", "birthDate"],
    fields: &["sourcedId", "status", "dateLastModified", "birthDate"],
    row: |about| {
        // Some services keep the spelling of an early draft.
        let born = about.get("birthDate").or_else(|| about.get("birthdate"));
        start(about).into_iter().chain([text(born)]).collect()
    },
    has_roles: false,
};

impl Shape {
    /// Begins the files that records of this shape fill.
    pub fn begin(&self, spool: &mut Spool) -> Result<(), PullError> {
        spool.begin(self.file, self.columns)?;
        if self.has_roles { spool.begin(ROLES, ROLE_COLUMNS) } else { Ok(()) }
    }

    pub fn write(&self, record: &Value, spool: &mut Spool) -> Result<(), PullError> {
        spool.row(self.file, (self.row)(record).iter().map(|field| field.as_bytes()))?;
        if !self.has_roles {
            return Ok(());
        }
        let user = id(record);
        for (nth, role) in list(record.get("roles")).enumerate() {
            // Roles have no key of their own here, and rows must have one.
            let key = format!("{user}/{nth}");
            let org = text(role.pointer("/org/sourcedId"));
            let [kind, word, begin, end] =
                ["roleType", "role", "beginDate", "endDate"].map(|name| text(role.get(name)));
            spool.row(ROLES, [&*key, "", &*user, &*kind, &*word, &*begin, &*end, &*org].map(str::as_bytes))?;
        }
        Ok(())
    }
}

pub(super) fn id(record: &Value) -> Cow<'_, str> {
    text(record.get("sourcedId"))
}

pub(super) fn modified(record: &Value) -> Cow<'_, str> {
    text(record.get("dateLastModified"))
}

fn start(record: &Value) -> [Cow<'_, str>; 3] {
    [id(record), text(record.get("status")), modified(record)]
}

fn person(user: &Value) -> Vec<Cow<'_, str>> {
    let pair = |id: &Value| match id {
        Value::Object(_) => format!("{{{}:{}}}", text(id.get("type")), text(id.get("identifier"))).into(),
        plain => text(Some(plain)).into_owned().into(),
    };
    let mut fields: Vec<Cow<'_, str>> = start(user).into();
    fields.extend(["enabledUser", "username"].map(|name| text(user.get(name))));
    fields.push(joined(list(user.get("userIds")).map(pair)));
    fields.extend(["givenName", "familyName", "identifier", "email"].map(|name| text(user.get(name))));
    fields.push(joined(list(user.get("grades")).map(|grade| text(Some(grade)))));
    fields.push(text(user.get("password")));
    fields
}

fn joined<'v>(parts: impl Iterator<Item = Cow<'v, str>>) -> Cow<'v, str> {
    let parts: Vec<Cow<'_, str>> = parts.filter(|part| !part.is_empty()).collect();
    match parts.as_slice() {
        [] => "".into(),
        _ => parts.join(",").into(),
    }
}

/// A list, or one value where there should be a list of one.
fn list(value: Option<&Value>) -> impl Iterator<Item = &Value> {
    let (all, one) = match value {
        Some(Value::Array(all)) => (all.as_slice(), None),
        Some(Value::Null) | None => (&[][..], None),
        Some(one) => (&[][..], Some(one)),
    };
    all.iter().chain(one)
}

/// A text; also a number or a truth where services write one for the other.
fn text(value: Option<&Value>) -> Cow<'_, str> {
    match value {
        Some(Value::String(text)) => Cow::Borrowed(text),
        Some(Value::Number(number)) => number.to_string().into(),
        Some(Value::Bool(true)) => "true".into(),
        Some(Value::Bool(false)) => "false".into(),
        _ => "".into(),
    }
}
