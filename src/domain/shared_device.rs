//! A computer that many readers share, marked by a cookie in its browser.

use std::time::Duration;

use serde::Serialize;

use super::clock::Timestamp;

/// How long an enrolment link may be opened.
pub const LINK_LIFE: Duration = Duration::from_secs(60 * 60);
/// How long a browser stays marked.
pub const LIFE: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// Characters of a name.
pub const LONGEST_NAME: usize = 80;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SharedDevice {
    pub id: String,
    /// As staff call it: `Branch 3, desk`.
    pub name: String,
    pub created_at: Timestamp,
    /// The enrolment link is worth nothing from here on.
    pub link_until: Timestamp,
    /// When the link was opened in its browser.
    pub enrolled_at: Option<Timestamp>,
    /// The browser counts as shared until here.
    pub until: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum SharedDeviceState {
    /// Its link was not opened yet.
    Waiting,
    /// Nor can it be any more.
    LinkExpired,
    Enrolled,
    /// Its year is over: it counts as a computer of one reader again.
    Lapsed,
}

impl SharedDevice {
    pub fn state(&self, now: Timestamp) -> SharedDeviceState {
        match self.until {
            Some(until) if now < until => SharedDeviceState::Enrolled,
            Some(_) => SharedDeviceState::Lapsed,
            None if now < self.link_until => SharedDeviceState::Waiting,
            None => SharedDeviceState::LinkExpired,
        }
    }
}
