//! Vendors: who they are, and the switch that shuts one out at once.

use anyhow::{Context, Result};
use serde_json::json;

use super::{Desk, difference::Difference};
use crate::{
    domain::{
        audit::{AuditEvent, Kind as Event},
        vendor::Vendor,
    },
    store::{audit, catalogue::Kind},
};

/// # Errors
/// Those of the database.
pub async fn list(desk: &Desk) -> Result<Vec<Vendor>> {
    Ok(desk.db.catalogue().load().await?.vendors.into_values().collect())
}

/// # Errors
/// Where there is no such vendor, or the database does not answer.
pub async fn show(desk: &Desk, id: &str) -> Result<Vendor> {
    let mut catalogue = desk.db.catalogue().load().await?;
    catalogue.vendors.remove(id).with_context(|| format!("there is no vendor {id:?}"))
}

/// Switches a vendor off or on, and says whether that changed anything.
///
/// # Errors
/// Where there is no such vendor, or the database does not answer.
pub async fn set_disabled(desk: &Desk, id: &str, disabled: bool) -> Result<bool> {
    let now = desk.clock.now();
    let mut tx = desk.db.begin().await?;
    tx.catalogue().changed().await?;
    let mut catalogue = tx.catalogue().load().await?;
    let mut vendor = catalogue.vendors.remove(id).with_context(|| format!("there is no vendor {id:?}"))?;
    // Those are kept apart from what was declared.
    vendor.relying_parties.retain(|party| party.registered.is_none());
    let before = serde_json::to_value(&vendor)?;
    vendor.disabled = disabled;
    let after = serde_json::to_value(&vendor)?;
    let mut difference = Difference::default();
    if !difference.changed(Kind::Vendor, id, &before, &after) {
        return Ok(false);
    }
    tx.catalogue().put(Kind::Vendor, id, &vendor, now).await?;
    let mut payload = difference.for_audit();
    payload["by"] = json!("command");
    audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Event::Apply, payload }]).await?;
    tx.commit().await?;
    Ok(true)
}
