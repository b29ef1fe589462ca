//! Vendors: who they are, and the switch that shuts one out at once.

use anyhow::{Context, Result};
use serde_json::json;

use super::{Desk, difference::Difference};
use crate::{
    domain::{
        audit::{AuditEvent, Kind as Event},
        catalogue::Catalogue,
        farewell::Standing,
        id::{ScopeName, VendorId},
        vendor::Vendor,
    },
    store::{audit, catalogue::Kind},
};

/// A vendor as operators read it.
#[derive(Debug)]
pub struct VendorView {
    pub vendor: Vendor,
    /// What it may ask for, by the names that scopes have now.
    pub scopes: Vec<ScopeName>,
}

/// # Errors
/// Those of the database.
pub async fn list(desk: &Desk) -> Result<Vec<VendorView>> {
    let catalogue = desk.db.catalogue().load().await?;
    Ok(catalogue.vendors.values().map(|vendor| view(desk, &catalogue, vendor)).collect())
}

/// # Errors
/// Where there is no such vendor, or the database does not answer.
pub async fn show(desk: &Desk, id: &str) -> Result<VendorView> {
    let catalogue = desk.db.catalogue().load().await?;
    let vendor = catalogue.vendors.get(id).with_context(|| format!("there is no vendor {id:?}"))?;
    Ok(view(desk, &catalogue, vendor))
}

fn view(desk: &Desk, catalogue: &Catalogue, vendor: &Vendor) -> VendorView {
    VendorView { vendor: vendor.clone(), scopes: catalogue.shown(&vendor.scopes, desk.clock.now()) }
}

/// The last relying parties of this vendor that were to hear of a session's end, and how that went; the newest first.
///
/// # Errors
/// Those of the database.
pub async fn farewells(desk: &Desk, id: &VendorId) -> Result<Vec<Standing>> {
    const LAST: u32 = 20;
    Ok(desk.db.farewells().to_vendor(id, LAST).await?)
}

/// Leaves in the audit that a secret of ours at this vendor was shown to an operator.
///
/// # Errors
/// Those of the database.
pub async fn note_secret_shown(desk: &Desk, id: &VendorId) -> Result<()> {
    let payload = json!({ "what": "vendor secret shown", "vendor": id.as_str() });
    let mut tx = desk.db.begin().await?;
    audit::append_alone(&mut tx, &[AuditEvent { at: desk.clock.now(), kind: Event::Apply, payload }]).await?;
    tx.commit().await?;
    Ok(())
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
