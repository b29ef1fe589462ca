//! The programme as a whole: partners, agreements, scopes, vendors and opt-outs, as one snapshot.

use std::collections::{BTreeMap, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    agreement::Agreement,
    card::CardNumber,
    clock::Date,
    id::{AgreementId, OrganisationId, ScopeName, SourceId, VendorId},
    organisation::Organisation,
    patron::Patron,
    scope::Scope,
    vendor::{RelyingParty, Vendor},
};

/// A source of rosters, as the configuration declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    pub id: SourceId,
    /// `oneroster-csv`.
    pub kind: String,
}

/// A tombstone that beats every later roster, named by card or by the directory's own key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OptOut {
    #[serde(default)]
    pub card: Option<CardNumber>,
    #[serde(default)]
    pub source: Option<SourceId>,
    #[serde(default)]
    pub sourced_id: Option<String>,
    /// The day the family said so; for the record only.
    #[serde(default)]
    pub since: Option<Date>,
}

impl OptOut {
    /// The tombstone's own name: `card:…` or `source/sourcedId`.
    pub fn key(&self) -> String {
        match (&self.card, &self.source, &self.sourced_id) {
            (Some(card), _, _) => format!("card:{card}"),
            (None, Some(source), Some(id)) => format!("{source}/{id}"),
            _ => String::new(),
        }
    }
}

/// A consistent snapshot, replaced whole when anything in it changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    pub organisations: BTreeMap<OrganisationId, Organisation>,
    pub scopes: BTreeMap<ScopeName, Scope>,
    pub agreements: BTreeMap<AgreementId, Agreement>,
    pub vendors: BTreeMap<VendorId, Vendor>,
    pub sources: BTreeMap<SourceId, SourceSettings>,
    pub opt_outs: HashSet<String>,
    by_key: HashMap<(String, String), (VendorId, usize)>,
}

impl Catalogue {
    /// Call after filling the maps: makes relying parties findable by protocol and key.
    #[must_use]
    pub fn indexed(mut self) -> Catalogue {
        self.by_key = self
            .vendors
            .values()
            .flat_map(|vendor| {
                vendor.relying_parties.iter().enumerate().map(move |(place, party)| (vendor, place, party))
            })
            .map(|(vendor, place, party)| ((party.protocol.clone(), party.key.clone()), (vendor.id.clone(), place)))
            .collect();
        self
    }

    pub fn relying_party(&self, protocol: &str, key: &str) -> Option<(&Vendor, &RelyingParty)> {
        let (vendor, place) = self.by_key.get(&(protocol.to_owned(), key.to_owned()))?;
        let vendor = self.vendors.get(vendor)?;
        Some((vendor, vendor.relying_parties.get(*place)?))
    }

    pub fn has_opted_out(&self, patron: &Patron) -> bool {
        !self.opt_outs.is_empty()
            && (self.opt_outs.contains(&format!("card:{}", patron.card))
                || self.opt_outs.contains(&format!("{}/{}", patron.source, patron.sourced_id)))
    }
}
