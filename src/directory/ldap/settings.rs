//! What an operator says of an LDAP directory.

use std::{collections::BTreeMap, net::IpAddr, path::PathBuf, time::Duration};

use serde_json::Value;
use url::{Host, Url};

use super::filter;
use crate::domain::{
    catalogue::SourceSettings,
    field::{Field, Kind, Misfit},
    id::OrganisationId,
    lookup::LookupField,
    patron::Role,
};

/// As they stand in docs/configuration.md.
pub(super) const FIELDS: &[Field] = &[
    field(
        "urls",
        Kind::Texts,
        true,
        "",
        "The servers, `ldaps://dc1.maple.example`, in the order in which they are tried. `ldap://` needs `start_tls`, except on loopback.",
    ),
    field("start_tls", Kind::Flag, false, "false", "`ldap://` connections turn to TLS before anything is said."),
    field(
        "trusted_certificates",
        Kind::Path,
        false,
        "",
        "Authorities, PEM: only they are trusted for this directory. Without it: the public ones and those of the top level.",
    ),
    field(
        "bind_dn",
        Kind::Text,
        false,
        "",
        "The account that may search. Without it the directory is searched without signing in.",
    ),
    field(
        "bind_password_file",
        Kind::SecretFile,
        false,
        "",
        "The file that holds its password; read at each connection.",
    ),
    field("base_dn", Kind::Text, true, "", "Everybody is below this entry."),
    field(
        "user_filter",
        Kind::Text,
        false,
        "",
        "How an account is found by what a person types, `(&(objectClass=person)(uid={username}))`. With it, people may sign in with this directory's user name and password.",
    ),
    field(
        "roster_filter",
        Kind::Text,
        false,
        "",
        "Which entries are people of the roster, `(objectClass=inetOrgPerson)`. With it, this directory hands over a roster.",
    ),
    field(
        "attributes",
        Kind::Words,
        false,
        "",
        "Attributes that are called otherwise than `{ sourced_id = \"entryUUID\", given_name = \"givenName\", family_name = \"sn\", username = \"uid\", identifier = \"employeeNumber\", email = \"mail\", org = \"ou\", role = \"employeeType\", grade = \"departmentNumber\" }`.",
    ),
    field(
        "role_values",
        Kind::Words,
        false,
        "",
        "Which values of the attribute `role` are `student` or `staff`, `{ Pupil = \"student\", Teacher = \"staff\" }`. Entries without such a value get `role`, or no card.",
    ),
    field("role", Kind::Choice(&["student", "staff"]), false, "", "Everybody's role for whom `role_values` says none."),
    field(
        "org",
        Kind::Text,
        false,
        "",
        "Everybody's org, in place of the attribute `org`; an organisation's `roster` names it.",
    ),
    field(
        "incremental",
        Kind::Choice(&["entryCSN", "uSNChanged", "modifyTimestamp", "none"]),
        false,
        "none",
        "By which attribute only what changed is asked for: `entryCSN` for OpenLDAP, `uSNChanged` for Active Directory.",
    ),
    field(
        "whole_every",
        Kind::Duration("1h", "7d"),
        false,
        "24h",
        "After this long everything is asked for again: deleted entries, and those that moved out of `base_dn` or `roster_filter`, are seen then only.",
    ),
    field(
        "page_size",
        Kind::Number(1, 10_000),
        false,
        "500",
        "Entries in one answer; Active Directory gives 1000 at most.",
    ),
    field("timeout", Kind::Duration("1s", "60s"), false, "5s", "How long one answer, or a connection, is waited for."),
    field(
        "pool",
        Kind::Number(1, 64),
        false,
        "8",
        "Connections at the same time for looking people up, and again as many for checking passwords.",
    ),
    field("roster", Kind::Text, false, "", "The source whose people sign in by this directory; it may be this one."),
    field(
        "match_field",
        Kind::Text,
        false,
        "",
        "The field of that roster by which an account is somebody: `sourcedId`, `identifier`, `username`, `email` or `userIds:Type`.",
    ),
    field(
        "match_attribute",
        Kind::Text,
        false,
        "",
        "The attribute that is compared with it. Without it: the one that `attributes` names for this field.",
    ),
    field(
        "organisations",
        Kind::Texts,
        false,
        "",
        "Only people of these organisations may sign in by this directory; all, where none is named.",
    ),
    field(
        "roles",
        Kind::Choices(&["student", "staff"]),
        false,
        "",
        "Only people in these roles; all, where none is named.",
    ),
    field(
        "pin",
        Kind::Choice(&["also", "never"]),
        false,
        "also",
        "Whether these people's PIN opens their card as well.",
    ),
    field(
        "faces",
        Kind::Flag,
        false,
        "false",
        "Also check passwords that come by way of a vendor's server (SIP2, PATRONAPI, EZproxy). The vendor then sees them: prefer the PIN there.",
    ),
];

const fn field(name: &'static str, kind: Kind, required: bool, default: &'static str, help: &'static str) -> Field {
    Field { name, kind, required, default, help }
}

#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) urls: Vec<String>,
    pub(super) start_tls: bool,
    pub(super) trusted_certificates: Option<PathBuf>,
    /// Who searches, and the file that holds the password.
    pub(super) bind: Option<(String, PathBuf)>,
    pub(super) base_dn: String,
    pub(super) user_filter: Option<String>,
    pub(super) roster_filter: Option<String>,
    pub(super) attributes: Attributes,
    /// By the value in lower case.
    pub(super) role_values: BTreeMap<String, Role>,
    pub(super) role: Option<Role>,
    pub(super) org: Option<String>,
    pub(super) incremental: Incremental,
    pub(super) whole_every: Duration,
    pub(super) page_size: i32,
    pub(super) timeout: Duration,
    pub(super) pool: usize,
    pub(super) match_attribute: Option<String>,
}

#[derive(Debug, Clone)]
pub(super) struct Attributes {
    pub(super) sourced_id: String,
    pub(super) given_name: String,
    pub(super) family_name: String,
    pub(super) username: String,
    pub(super) identifier: String,
    pub(super) email: String,
    pub(super) org: String,
    pub(super) role: String,
    pub(super) grade: String,
}

impl Attributes {
    pub(super) fn all(&self) -> [&str; 9] {
        let Attributes { sourced_id, given_name, family_name, username, identifier, email, org, role, grade } = self;
        [sourced_id, given_name, family_name, username, identifier, email, org, role, grade].map(String::as_str)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Incremental {
    EntryCsn,
    UsnChanged,
    ModifyTimestamp,
    None,
}

impl Incremental {
    pub(super) fn attribute(self) -> Option<&'static str> {
        match self {
            Incremental::EntryCsn => Some("entryCSN"),
            Incremental::UsnChanged => Some("uSNChanged"),
            Incremental::ModifyTimestamp => Some("modifyTimestamp"),
            Incremental::None => None,
        }
    }
}

impl Settings {
    /// # Errors
    /// The field and a sentence, where one is wrong or does not go together with the others.
    pub(super) fn read(source: &SourceSettings) -> Result<Settings, Misfit> {
        let flag = |name: &str| source.settings.get(name).and_then(Value::as_bool).unwrap_or(false);
        let number = |name: &str, default: u64| source.settings.get(name).and_then(Value::as_u64).unwrap_or(default);
        let text = |name: &str| source.text(name).map(str::to_owned).filter(|text| !text.trim().is_empty());
        let start_tls = flag("start_tls");
        let urls = texts(source, "urls").iter().map(|url| server(url, start_tls)).collect::<Result<Vec<_>, _>>();
        let urls = urls.map_err(|why| Misfit { field: "urls", why })?;
        if urls.is_empty() {
            return Err(misfit("urls", "must name at least one server"));
        }
        let bind = match (text("bind_dn"), text("bind_password_file")) {
            (Some(dn), Some(file)) => Some((dn, PathBuf::from(file))),
            (None, None) => None,
            (Some(_), None) => return Err(misfit("bind_password_file", "is missing beside bind_dn")),
            (None, Some(_)) => return Err(misfit("bind_dn", "is missing beside bind_password_file")),
        };
        let attributes = attributes(source)?;
        let (user_filter, roster_filter) = (text("user_filter"), text("roster_filter"));
        check_filters(user_filter.as_deref(), roster_filter.as_deref())?;
        let match_attribute = match &user_filter {
            Some(_) => Some(match_attribute(source, &attributes)?),
            None => None,
        };
        let role = text("role").and_then(|word| role_of(&word));
        let role_values = role_values(source)?;
        if roster_filter.is_some() && role.is_none() && role_values.is_empty() {
            return Err(misfit("role", "is missing: say role_values, or one role for all"));
        }
        for organisation in texts(source, "organisations") {
            let id: Result<OrganisationId, _> = organisation.parse();
            id.map_err(|_| misfit("organisations", format!("{organisation:?} is not the id of an organisation")))?;
        }
        Ok(Settings {
            urls,
            start_tls,
            trusted_certificates: text("trusted_certificates").map(PathBuf::from),
            bind,
            base_dn: text("base_dn").ok_or_else(|| misfit("base_dn", "is missing"))?,
            user_filter,
            roster_filter,
            attributes,
            role_values,
            role,
            org: text("org"),
            incremental: match text("incremental").as_deref() {
                Some("entryCSN") => Incremental::EntryCsn,
                Some("uSNChanged") => Incremental::UsnChanged,
                Some("modifyTimestamp") => Incremental::ModifyTimestamp,
                _ => Incremental::None,
            },
            whole_every: Duration::from_secs(number("whole_every", 86_400)),
            page_size: i32::try_from(number("page_size", 500)).unwrap_or(500),
            timeout: Duration::from_secs(number("timeout", 5)),
            pool: usize::try_from(number("pool", 8)).unwrap_or(8),
            match_attribute,
        })
    }
}

fn misfit(field: &'static str, why: impl Into<String>) -> Misfit {
    Misfit { field, why: why.into() }
}

fn texts(source: &SourceSettings, name: &str) -> Vec<String> {
    let list = source.settings.get(name).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn words<'s>(source: &'s SourceSettings, name: &str) -> impl Iterator<Item = (&'s str, &'s str)> {
    let table = source.settings.get(name).and_then(Value::as_object).into_iter().flatten();
    table.filter_map(|(name, value)| Some((name.as_str(), value.as_str()?)))
}

/// Passwords travel in there: not in clear, unless they stay on this machine.
fn server(text: &str, start_tls: bool) -> Result<String, String> {
    let url = Url::parse(text).map_err(|error| format!("{text:?} is no URL: {error}"))?;
    let plain = match url.scheme() {
        "ldaps" => false,
        "ldap" => !start_tls,
        _ => return Err(format!("{text:?} must begin with ldaps:// or ldap://")),
    };
    let host = url.host_str().filter(|host| !host.is_empty()).ok_or_else(|| format!("{text:?} names no host"))?;
    let more = !matches!(url.path(), "" | "/") || url.query().is_some() || url.fragment().is_some();
    if more || !url.username().is_empty() || url.password().is_some() {
        return Err(format!("{text:?} must be scheme, host and port alone"));
    }
    let address = match Host::parse(host) {
        Ok(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
        Ok(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
        _ => None,
    };
    if plain && host != "localhost" && !address.is_some_and(|address| address.is_loopback()) {
        return Err(format!("{text:?} sends passwords in clear: use ldaps://, or start_tls = true"));
    }
    Ok(text.trim_end_matches('/').to_owned())
}

fn attributes(source: &SourceSettings) -> Result<Attributes, Misfit> {
    let mut all = Attributes {
        sourced_id: "entryUUID".into(),
        given_name: "givenName".into(),
        family_name: "sn".into(),
        username: "uid".into(),
        identifier: "employeeNumber".into(),
        email: "mail".into(),
        org: "ou".into(),
        role: "employeeType".into(),
        grade: "departmentNumber".into(),
    };
    for (name, attribute) in words(source, "attributes") {
        let place = match name {
            "sourced_id" => &mut all.sourced_id,
            "given_name" => &mut all.given_name,
            "family_name" => &mut all.family_name,
            "username" => &mut all.username,
            "identifier" => &mut all.identifier,
            "email" => &mut all.email,
            "org" => &mut all.org,
            "role" => &mut all.role,
            "grade" => &mut all.grade,
            other => return Err(misfit("attributes", format!("knows no {other:?}"))),
        };
        *place = attribute_named("attributes", attribute)?;
    }
    Ok(all)
}

fn attribute_named(field: &'static str, name: &str) -> Result<String, Misfit> {
    let good = name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b';'));
    if good { Ok(name.to_owned()) } else { Err(misfit(field, format!("{name:?} is no attribute's name"))) }
}

fn check_filters(user: Option<&str>, roster: Option<&str>) -> Result<(), Misfit> {
    if user.is_none() && roster.is_none() {
        return Err(misfit(
            "user_filter",
            "is missing, and so is roster_filter: one of them says what this source does",
        ));
    }
    for (name, text) in [("user_filter", user), ("roster_filter", roster)] {
        if let Some(text) = text {
            filter::check(text).map_err(|why| misfit(name, why))?;
        }
    }
    if user.is_some_and(|text| !text.contains(filter::USERNAME)) {
        return Err(misfit("user_filter", "must hold {username}, which stands for what a person types"));
    }
    Ok(())
}

fn match_attribute(source: &SourceSettings, attributes: &Attributes) -> Result<String, Misfit> {
    if source.text("roster").is_none() {
        return Err(misfit("roster", "is missing: whose people sign in by this directory?"));
    }
    let field = source.text("match_field").ok_or_else(|| misfit("match_field", "is missing"))?;
    let field: LookupField = field.parse().map_err(|why| misfit("match_field", why))?;
    if let Some(name) = source.text("match_attribute") {
        return attribute_named("match_attribute", name);
    }
    Ok(match field {
        LookupField::SourcedId => attributes.sourced_id.clone(),
        LookupField::Identifier => attributes.identifier.clone(),
        LookupField::Username => attributes.username.clone(),
        LookupField::Email => attributes.email.clone(),
        LookupField::UserId(_) => return Err(misfit("match_attribute", "is missing")),
    })
}

fn role_values(source: &SourceSettings) -> Result<BTreeMap<String, Role>, Misfit> {
    let read = |(value, role): (&str, &str)| {
        let role = role_of(role).ok_or_else(|| misfit("role_values", format!("{role:?}: use student or staff")))?;
        Ok((value.to_lowercase(), role))
    };
    words(source, "role_values").map(read).collect()
}

fn role_of(word: &str) -> Option<Role> {
    match word {
        "student" => Some(Role::Student),
        "staff" => Some(Role::Staff),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    pub(crate) fn source(more: Value) -> SourceSettings {
        let mut settings = json!({
            "urls": ["ldaps://dc1.maple.example"],
            "base_dn": "dc=maple,dc=example",
            "roster_filter": "(objectClass=person)",
            "role": "staff",
        });
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        SourceSettings {
            id: "ad".parse().unwrap(),
            kind: "ldap".into(),
            timetable: Default::default(),
            yields_to: Vec::new(),
            alert_url: None,
            settings,
        }
    }

    fn wrong(more: Value) -> &'static str {
        Settings::read(&source(more)).unwrap_err().field
    }

    #[test]
    fn passwords_never_travel_in_clear() {
        for url in ["ldap://dc1.maple.example", "http://dc1", "ldaps://", "ldaps://a@dc1", "ldaps://dc1/dc=x", "dc1"] {
            assert_eq!(wrong(json!({ "urls": [url] })), "urls", "{url}");
        }
        for url in ["ldaps://dc1.maple.example:3269", "ldap://127.0.0.1:389", "ldap://localhost", "ldap://[::1]:3890/"]
        {
            assert!(Settings::read(&source(json!({ "urls": [url] }))).is_ok(), "{url}");
        }
        assert!(Settings::read(&source(json!({ "urls": ["ldap://dc1"], "start_tls": true }))).is_ok());
        assert_eq!(wrong(json!({ "urls": [] })), "urls");
    }

    #[test]
    fn what_does_not_go_together_is_told() {
        assert_eq!(wrong(json!({ "bind_dn": "cn=reader" })), "bind_password_file");
        assert_eq!(wrong(json!({ "bind_password_file": "/x" })), "bind_dn");
        assert_eq!(wrong(json!({ "roster_filter": null })), "user_filter");
        assert_eq!(wrong(json!({ "roster_filter": "objectClass=person" })), "roster_filter");
        assert_eq!(wrong(json!({ "role": null })), "role");
        assert_eq!(wrong(json!({ "role_values": { "Guest": "guest" } })), "role_values");
        assert_eq!(wrong(json!({ "attributes": { "shoe": "size" } })), "attributes");
        assert_eq!(wrong(json!({ "attributes": { "username": "uid)(x=*" } })), "attributes");
        let user = |more: Value| {
            let mut all = json!({ "user_filter": "(uid={username})" });
            more.as_object().unwrap().iter().for_each(|(name, value)| all[name] = value.clone());
            Settings::read(&source(all))
        };
        assert_eq!(user(json!({ "user_filter": "(uid=mo)" })).unwrap_err().field, "user_filter");
        assert_eq!(user(json!({})).unwrap_err().field, "roster");
        assert_eq!(user(json!({ "roster": "ad" })).unwrap_err().field, "match_field");
        assert_eq!(user(json!({ "roster": "ad", "match_field": "card" })).unwrap_err().field, "match_field");
        assert_eq!(user(json!({ "roster": "ad", "match_field": "userIds:SIS" })).unwrap_err().field, "match_attribute");
        let fine = user(json!({ "roster": "ad", "match_field": "identifier" })).unwrap();
        assert_eq!(fine.match_attribute.as_deref(), Some("employeeNumber"));
    }
}

#[cfg(test)]
pub(super) use tests::source as trial;
