//! Vendors, and the endpoints by which they speak with us.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    claims::Group,
    clock::Timestamp,
    grade::AudienceBand,
    id::{VendorId, VendorUid},
    published::Published,
    scope::Scopes,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vendor {
    pub id: VendorId,
    /// Never changes, whatever the vendor is renamed to: pseudonyms are derived over it.
    pub uid: VendorUid,
    pub name: String,
    #[serde(default)]
    pub description: Option<String>,
    #[serde(default)]
    pub shelf: Shelf,
    /// The readers whom this vendor serves.
    pub audience: Vec<AudienceBand>,
    pub scopes: Scopes,
    /// What it is told beyond the default, each with its purpose.
    #[serde(default)]
    pub release: Vec<ReleaseItem>,
    /// Where a launchpad tile leads.
    #[serde(default)]
    pub launch_url: Option<String>,
    #[serde(default)]
    pub disabled: bool,
    #[serde(default)]
    pub relying_parties: Vec<RelyingParty>,
}

/// The launchpad's shelf that a vendor stands on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Shelf {
    #[default]
    Books,
    Databases,
    Help,
}

/// One attribute released beyond the default, and why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseItem {
    pub name: Attribute,
    pub purpose: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Attribute {
    CardNumber,
    /// Standard claims by group, of adult staff only.
    Profile,
    Email,
    Address,
    Phone,
}

impl Attribute {
    /// The group of standard claims that this lets through.
    pub fn group(self) -> Option<Group> {
        match self {
            Attribute::CardNumber => None,
            Attribute::Profile => Some(Group::Profile),
            Attribute::Email => Some(Group::Email),
            Attribute::Address => Some(Group::Address),
            Attribute::Phone => Some(Group::Phone),
        }
    }
}

/// One vendor endpoint speaking one protocol.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RelyingParty {
    /// `oidc`, `saml`, `sip2` …: the name of a `protocols` folder.
    pub protocol: String,
    /// client_id, entityID, SIP2 login …: unique within its protocol.
    pub key: String,
    /// What the protocol's own settings say; secrets in it are hashes.
    pub settings: Value,
    /// When it registered itself; absent where an operator declared it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub registered: Option<Timestamp>,
    /// What it says of itself at an address of its own; kept apart from what was declared.
    #[serde(skip)]
    pub published: Option<Arc<Published>>,
}
