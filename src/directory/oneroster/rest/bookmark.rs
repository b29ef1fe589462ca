//! From where to go on: what had changed last by the service's own dates, less a margin, and when all was asked for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::clock::Timestamp;

/// Records may come to light a while after the date that they bear. What is fetched twice does no harm.
const MARGIN: Duration = Duration::from_secs(3600);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bookmark {
    pub since: Timestamp,
    /// The last time that everything was asked for.
    pub whole_at: Timestamp,
}

#[derive(Serialize, Deserialize)]
struct Written {
    service: String,
    since: Timestamp,
    whole_at: Timestamp,
}

impl Bookmark {
    /// `None` where it is no such text, or another service's: then everything is asked for.
    pub fn read(text: &str, service: &str) -> Option<Bookmark> {
        let written: Written = serde_json::from_str(text).ok()?;
        (written.service == service).then_some(Bookmark { since: written.since, whole_at: written.whole_at })
    }

    pub fn write(self, service: &str) -> String {
        let written = Written { service: service.to_owned(), since: self.since, whole_at: self.whole_at };
        serde_json::to_string(&written).unwrap_or_default()
    }
}

/// The newest `dateLastModified` of what came.
#[derive(Debug, Default)]
pub(super) struct Seen(Option<Timestamp>);

impl Seen {
    pub fn note(&mut self, modified: &str) {
        if let Ok(at) = modified.parse::<Timestamp>() {
            self.0 = self.0.max(Some(at));
        }
    }

    /// From where to go on; `None` where nothing that came had a date. A date of the future would leave out what happens
    /// until then.
    pub fn since(&self, now: Timestamp) -> Option<Timestamp> {
        Some(self.0?.min(now) - MARGIN)
    }
}
