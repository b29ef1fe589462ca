//! The programme as a whole: partners, agreements, scopes, vendors and opt-outs, as one snapshot.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    agreement::Agreement,
    card::CardNumber,
    clock::{Date, Timestamp},
    export::Export,
    id::{AgreementId, ExportId, OrganisationId, ScopeId, ScopeName, SourceId, VendorId},
    lookup::LookupField,
    numbers::Way,
    organisation::Organisation,
    patron::Patron,
    scope::{Scope, Scopes},
    timetable::Timetable,
    vendor::{RelyingParty, Vendor},
};

/// A directory that rosters come from, or that says who somebody is, as the configuration declares it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SourceSettings {
    pub id: SourceId,
    /// `oneroster-csv`: the name of a kind of source.
    pub kind: String,
    /// When its roster is fetched without being asked for.
    #[serde(default)]
    pub timetable: Timetable,
    /// Where somebody of these has the card that this source would give, this source leaves them alone.
    #[serde(default)]
    pub yields_to: Vec<SourceId>,
    /// Told, by a form posted there, when a fetch by timetable fails or is stopped.
    #[serde(default)]
    pub alert_url: Option<String>,
    /// What its kind asks for besides.
    #[serde(default)]
    pub settings: Value,
}

impl SourceSettings {
    /// A text among its kind's settings.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.settings.get(name)?.as_str()
    }
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
    /// Put down by staff instead of declared in a file. No file takes it away; only `patron opt-in` does.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_command: bool,
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

    /// The names of every tombstone that would name this patron.
    pub fn keys_of(patron: &Patron) -> Vec<String> {
        let by_number = patron.numbers.all().map(|number| format!("card:{number}"));
        by_number.chain([format!("{}/{}", patron.source, patron.sourced_id)]).collect()
    }
}

/// A consistent snapshot, replaced whole when anything in it changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Catalogue {
    pub organisations: BTreeMap<OrganisationId, Organisation>,
    pub scopes: BTreeMap<ScopeId, Scope>,
    pub agreements: BTreeMap<AgreementId, Agreement>,
    pub vendors: BTreeMap<VendorId, Vendor>,
    pub sources: BTreeMap<SourceId, SourceSettings>,
    pub opt_outs: HashSet<String>,
    pub exports: BTreeMap<ExportId, Export>,
    by_key: HashMap<(String, String), (VendorId, usize)>,
    /// Every name that a scope has or had.
    by_name: HashMap<ScopeName, Named>,
}

/// What a scope's name stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    pub scope: ScopeId,
    /// The scope's newest name.
    pub newest: ScopeName,
}

impl Catalogue {
    /// Call after filling the maps: makes relying parties findable by protocol and key, and scopes by name.
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
        self.by_name = self
            .scopes
            .iter()
            .flat_map(|(id, scope)| {
                let names = std::iter::once(&scope.name).chain(scope.earlier.iter().map(|old| &old.name));
                names.map(|name| (name.clone(), Named { scope: id.clone(), newest: scope.name.clone() }))
            })
            .collect();
        self
    }

    /// The scope that has or ever had this name, whatever the name's state.
    pub fn scope_named(&self, name: &str) -> Option<&Named> {
        self.by_name.get(name)
    }

    /// The scope that a vendor means who asks by this name now. A name that is next or retired means nothing.
    pub fn scope_asked(&self, name: &str, now: Timestamp) -> Option<&ScopeId> {
        let Named { scope, .. } = self.by_name.get(name)?;
        let spelling = self.scopes.get(scope)?.spelling(name, now)?;
        spelling.state.is_in_use().then_some(scope)
    }

    /// These scopes as vendors read them (RFC 6749 section 3.3): by every name in use now, so that during an overlap
    /// whoever looks for the old one and whoever looks for the new one finds it.
    pub fn spelled(&self, scopes: &Scopes, now: Timestamp) -> String {
        let scopes = scopes.iter().filter_map(|id| self.scopes.get(id));
        let mut names: Vec<&str> = scopes.flat_map(|scope| scope.in_use(now)).map(ScopeName::as_str).collect();
        names.sort_unstable();
        names.join(" ")
    }

    /// These scopes as people read them: one name each.
    pub fn shown(&self, scopes: &Scopes, now: Timestamp) -> Vec<ScopeName> {
        let mut names: Vec<ScopeName> =
            scopes.iter().filter_map(|id| Some(self.scopes.get(id)?.shown(now).clone())).collect();
        names.sort();
        names
    }

    /// Nothing but the names of scopes: what a file that declares the whole programme anew may still spell.
    #[must_use]
    pub fn names_alone(self) -> Catalogue {
        Catalogue { by_name: self.by_name, ..Catalogue::default() }
    }

    pub fn relying_party(&self, protocol: &str, key: &str) -> Option<(&Vendor, &RelyingParty)> {
        let (vendor, place) = self.by_key.get(&(protocol.to_owned(), key.to_owned()))?;
        let vendor = self.vendors.get(vendor)?;
        Some((vendor, vendor.relying_parties.get(*place)?))
    }

    /// By which fields other sources find the people of `source`: each names its roster and a field of it.
    pub fn lookups_of(&self, source: &SourceId) -> BTreeSet<LookupField> {
        let of_it = self.sources.values().filter(|other| other.text("roster") == Some(source.as_str()));
        of_it.filter_map(|other| other.text("match_field")?.parse().ok()).collect()
    }

    /// How this patron's organisation, the one that made the card, takes an existing library card; `None` where it does
    /// not.
    pub fn existing_card(&self, patron: &Patron) -> Option<Way> {
        self.organisations.get(&patron.affiliations.first()?.organisation)?.existing_card.way()
    }

    /// By whichever number of theirs the family said no: the roster's, one that replaced it or was replaced, a library
    /// card's.
    pub fn has_opted_out(&self, patron: &Patron) -> bool {
        !self.opt_outs.is_empty() && OptOut::keys_of(patron).iter().any(|key| self.opt_outs.contains(key))
    }
}

#[cfg(test)]
impl Catalogue {
    /// Nothing but scopes, each by the one name that it always had.
    pub fn of_scopes(names: &[&str]) -> Catalogue {
        let mut catalogue = Catalogue::default();
        for name in names {
            let scope = Scope::new(name.parse().unwrap(), None);
            catalogue.scopes.insert(name.parse().unwrap(), scope);
        }
        catalogue.indexed()
    }
}
