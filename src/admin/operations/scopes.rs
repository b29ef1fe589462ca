//! Scopes: the library's catalogue of privileges, and who grants and asks for each.

use anyhow::Result;
use serde::Serialize;

use super::Desk;

#[derive(Debug, Serialize)]
pub struct ScopeView {
    pub name: String,
    pub description: Option<String>,
    /// Agreements that grant it.
    pub agreements: Vec<String>,
    /// Vendors that may ask for it.
    pub vendors: Vec<String>,
}

/// # Errors
/// Those of the database.
pub async fn list(desk: &Desk) -> Result<Vec<ScopeView>> {
    let catalogue = desk.db.catalogue().load().await?;
    let view = |scope: &crate::domain::scope::Scope| {
        let name = scope.name.as_str();
        let agreements = catalogue.agreements.values().filter(|a| a.privileges.contains(name));
        let vendors = catalogue.vendors.values().filter(|v| v.scopes.contains(name));
        ScopeView {
            name: name.to_owned(),
            description: scope.description.clone(),
            agreements: agreements.map(|a| a.id.to_string()).collect(),
            vendors: vendors.map(|v| v.id.to_string()).collect(),
        }
    };
    Ok(catalogue.scopes.values().map(view).collect())
}
