//! One OneRoster service as the configuration describes it.

use std::{path::PathBuf, time::Duration};

use serde_json::Value;
use url::Url;

use super::super::Version;
use crate::domain::{
    catalogue::SourceSettings,
    clock::span,
    field::{Field, Kind},
};

pub(super) const FIELDS: &[Field] = &[
    Field {
        name: "url",
        kind: Kind::Url,
        required: true,
        default: "",
        help: "The address of the service: either with its path, `…/ims/oneroster/v1p1`, or what stands before \
               `/ims/oneroster`.",
    },
    Field {
        name: "version",
        kind: Kind::Choice(&["1.1", "1.2"]),
        required: true,
        default: "",
        help: "The OneRoster version that the service speaks.",
    },
    Field {
        name: "token_url",
        kind: Kind::Url,
        required: true,
        default: "",
        help: "Where access tokens are given out (OAuth 2 client credentials).",
    },
    Field {
        name: "client_id",
        kind: Kind::Text,
        required: true,
        default: "",
        help: "The name that the service gave this server.",
    },
    Field {
        name: "client_secret_file",
        kind: Kind::SecretFile,
        required: true,
        default: "",
        help: "A file that holds the secret. It is read whenever a token is asked for.",
    },
    Field {
        name: "client_auth",
        kind: Kind::Choice(&["client_secret_basic", "client_secret_post"]),
        required: false,
        default: "client_secret_basic",
        help: "How the secret is shown: in the header, or as a field of the form.",
    },
    Field {
        name: "scope",
        kind: Kind::Texts,
        required: false,
        default: "",
        help: "What the token is asked for. Without it: the `roster-core.readonly` of the version, and \
               `roster-demographics.readonly` where a birthday PIN is configured.",
    },
    Field {
        name: "page_size",
        kind: Kind::Number(1, 10_000),
        required: false,
        default: "1000",
        help: "How many records are asked for at a time.",
    },
    Field {
        name: "timeout",
        kind: Kind::Duration("1s", "10m"),
        required: false,
        default: "60s",
        help: "How long one page may take. After that it is asked for again, later and later, some times.",
    },
    Field {
        name: "whole_every",
        kind: Kind::Duration("0s", "365d"),
        required: false,
        default: "7d",
        help: "How often everything is asked for. In between only what has changed since the last time is.",
    },
    Field {
        name: "spool",
        kind: Kind::Path,
        required: false,
        default: "",
        help: "A folder for what was fetched until it is read. Without it: the system's folder for such things.",
    },
];

#[derive(Debug, Clone)]
pub(super) struct Service {
    /// Of the collections: `https://sis.example/ims/oneroster/v1p1`.
    pub root: String,
    pub version: Version,
    pub token_url: String,
    pub client_id: String,
    pub secret_file: PathBuf,
    /// The secret goes into the form.
    pub posts_secret: bool,
    scope: Option<String>,
    pub page_size: u64,
    pub timeout: Duration,
    pub whole_every: Duration,
    pub spool: PathBuf,
}

impl Service {
    /// # Errors
    /// The field that does not fit, and why.
    pub fn of(source: &SourceSettings) -> Result<Service, (&'static str, String)> {
        let text = |name: &'static str| {
            let text = source.text(name).filter(|text| !text.is_empty());
            text.map(str::to_owned).ok_or_else(|| (name, "is missing".to_owned()))
        };
        let number = |name: &str, default: u64| source.settings.get(name).and_then(Value::as_u64).unwrap_or(default);
        let seconds = |name: &str, default: &str| match source.settings.get(name).and_then(Value::as_u64) {
            Some(seconds) => Duration::from_secs(seconds),
            None => span(default).unwrap_or_default(),
        };
        let version = if text("version")? == "1.1" { Version::V1p1 } else { Version::V1p2 };
        let scope = source.settings.get("scope").and_then(Value::as_array);
        let scope = scope.map(|all| all.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" "));
        Ok(Service {
            root: root(&text("url")?, version).map_err(|why| ("url", why))?,
            version,
            token_url: text("token_url")?,
            client_id: text("client_id")?,
            secret_file: PathBuf::from(text("client_secret_file")?),
            posts_secret: source.text("client_auth") == Some("client_secret_post"),
            scope: scope.filter(|scope| !scope.is_empty()),
            page_size: number("page_size", 1000).max(1),
            timeout: seconds("timeout", "60s"),
            whole_every: seconds("whole_every", "7d"),
            spool: source.text("spool").map_or_else(std::env::temp_dir, PathBuf::from),
        })
    }

    /// What a token must be good for.
    pub fn scope(&self, birthdays: bool) -> String {
        if let Some(scope) = &self.scope {
            return scope.clone();
        }
        let version = if self.version == Version::V1p1 { "v1p1" } else { "v1p2" };
        let named = |what: &str| format!("https://purl.imsglobal.org/spec/or/{version}/scope/{what}.readonly");
        match birthdays {
            false => named("roster-core"),
            true => format!("{} {}", named("roster-core"), named("roster-demographics")),
        }
    }
}

/// Where the collections are. The standard fixes the path behind the address that a service is known by.
fn root(address: &str, version: Version) -> Result<String, String> {
    let url = Url::parse(address).map_err(|error| format!("{address:?} is not an absolute URL: {error}"))?;
    if url.query().is_some() {
        return Err(format!("{address:?} must not have a query (?…)"));
    }
    let address = address.trim_end_matches('/');
    if url.path().contains("/ims/oneroster") {
        return Ok(address.to_owned());
    }
    Ok(match version {
        Version::V1p1 => format!("{address}/ims/oneroster/v1p1"),
        Version::V1p2 => format!("{address}/ims/oneroster/rostering/v1p2"),
    })
}
