//! Looks at everything that a run needs, and says of each what it found and what to do. Changes nothing and makes nothing,
//! so it may look at a library that serves, or at one that does not start.

mod keys;
mod machine;
mod parts;
mod programme;
mod record;
mod settings;

use std::path::Path;

use serde::Serialize;

use super::existing_database;
use crate::{config::Config, domain::clock::Clock, store::Db};

/// What to look at besides.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wishes {
    /// Call the addresses that readers and vendors use, and vendors' own.
    pub reach: bool,
    /// Walk the whole of the audit instead of its newest chains.
    pub whole_audit: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    Ok,
    /// It works, and will not for ever, or not as it should.
    Warning,
    Failed,
}

/// One thing that was looked at.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable: `database`.
    pub check: &'static str,
    /// Which of several: a source, a vendor, a file.
    pub about: Option<String>,
    pub verdict: Verdict,
    pub found: String,
    /// What to do about it; absent where nothing is.
    pub todo: Option<String>,
}

impl Finding {
    pub fn ok(check: &'static str, found: impl Into<String>) -> Finding {
        Finding { check, about: None, verdict: Verdict::Ok, found: found.into(), todo: None }
    }

    pub fn warning(check: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Warning, todo: Some(todo.into()), ..Finding::ok(check, found) }
    }

    pub fn failed(check: &'static str, found: impl Into<String>, todo: impl Into<String>) -> Finding {
        Finding { verdict: Verdict::Failed, ..Finding::warning(check, found, todo) }
    }

    #[must_use]
    pub fn of(self, about: impl Into<String>) -> Finding {
        Finding { about: Some(about.into()), ..self }
    }
}

/// Everything, in the order in which a run needs it. What cannot be looked at, because something before it failed, is left
/// out.
pub async fn examine(file: &Path, clock: &Clock, wishes: Wishes) -> Vec<Finding> {
    let (mut found, config) = settings::configuration(file);
    let Some(config) = config else { return found };
    found.extend(settings::secrets(file));
    found.extend(settings::proxies(&config));
    found.extend(settings::certificates(&config, clock.now()));
    found.extend(machine::all(&config));
    let (database, db) = database(&config, clock).await;
    found.extend(database);
    found.extend(parts::shelf(&config, clock).await);
    if let Some(db) = &db {
        found.extend(keys::all(db, &config, clock.now()).await);
        found.extend(programme::all(db, file, &config, clock.now(), wishes).await);
        found.extend(record::audit(db, wishes).await);
    } else {
        found.extend(keys::file(&config));
    }
    if wishes.reach || config.is_plain_http() {
        found.push(parts::issuer(&config).await);
    }
    found
}

/// The database, where this release can read it.
async fn database(config: &Config, clock: &Clock) -> (Vec<Finding>, Option<Db>) {
    match existing_database(config).await {
        Ok(None) => {
            let found = "there is none yet";
            let todo = "the first `oneaccess serve` or `oneaccess migrate` makes it";
            (vec![Finding::warning("database", found, todo)], None)
        }
        Err(error) => {
            let todo = "is the address right, the server running, and its password the one that is written there?";
            (vec![Finding::failed("database", format!("{error:#}"), todo)], None)
        }
        Ok(Some(db)) => {
            let (found, readable) = parts::database(&db, clock).await;
            (found, readable.then_some(db))
        }
    }
}
