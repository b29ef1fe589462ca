//! Browsers of computers that many readers share: marked by a link that is opened on them once, listed, removed.

use anyhow::{Result, ensure};
use aws_lc_rs::digest;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::Desk;
use crate::domain::{
    audit::{AuditEvent, Kind},
    clock::Timestamp,
    handle,
    shared_device::{LINK_LIFE, LONGEST_NAME, SharedDevice, SharedDeviceState},
};

/// A shared device as operators read it.
#[derive(Debug, Serialize)]
pub struct View {
    pub id: String,
    pub name: String,
    pub state: SharedDeviceState,
    pub created_at: String,
    /// The link may be opened until then.
    pub link_until: String,
    pub enrolled_at: Option<String>,
    /// The browser counts as shared until then.
    pub until: Option<String>,
}

/// Makes the link that marks a browser, and the device that it stands for. The link is in no record: who loses it makes
/// another.
///
/// # Errors
/// Where the name is empty or too long, or the database does not answer.
pub async fn enrol(desk: &Desk, name: &str) -> Result<(View, String)> {
    let name = name.trim();
    ensure!(!name.is_empty(), "give the computer a name that staff know it by: --name \"Branch 3, desk\"");
    let fits = name.chars().count() <= LONGEST_NAME && !name.chars().any(char::is_control);
    ensure!(fits, "a name has at most {LONGEST_NAME} characters, all of them visible");
    let now = desk.clock.now();
    let device = SharedDevice {
        id: format!("dev-{}", Uuid::now_v7().simple()),
        name: name.to_owned(),
        created_at: now,
        link_until: now + LINK_LIFE,
        enrolled_at: None,
        until: None,
    };
    let secret = handle::random()?;
    let hash = hex::encode(digest::digest(&digest::SHA256, secret.as_bytes()));
    desk.db.shared_devices().add(&device, &hash, event(now, "added", &device.id)).await?;
    Ok((view(device, now), format!("{}/shared-device/{secret}", desk.config.issuer)))
}

/// # Errors
/// Where the database does not answer.
pub async fn list(desk: &Desk) -> Result<Vec<View>> {
    let now = desk.clock.now();
    Ok(desk.db.shared_devices().all().await?.into_iter().map(|device| view(device, now)).collect())
}

/// From the next sign-in on its browser is one like any other. `false`: there is none of this id.
///
/// # Errors
/// Where the database does not answer.
pub async fn remove(desk: &Desk, id: &str) -> Result<bool> {
    Ok(desk.db.shared_devices().remove(id, event(desk.clock.now(), "removed", id)).await?)
}

fn view(device: SharedDevice, now: Timestamp) -> View {
    View {
        state: device.state(now),
        id: device.id,
        name: device.name,
        created_at: device.created_at.rfc3339(),
        link_until: device.link_until.rfc3339(),
        enrolled_at: device.enrolled_at.map(Timestamp::rfc3339),
        until: device.until.map(Timestamp::rfc3339),
    }
}

fn event(at: Timestamp, action: &str, id: &str) -> AuditEvent {
    let change = json!({ "action": action, "kind": "shared-device", "id": id });
    AuditEvent { at, kind: Kind::Apply, payload: json!({ "by": "command", "changes": [change] }) }
}
