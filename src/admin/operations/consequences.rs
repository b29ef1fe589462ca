//! What a change means for people: cards that open nothing any more or something anew, and privileges won and lost,
//! counted by organisation. Asked of the same policy as a click.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::Desk;
use crate::{
    domain::{
        catalogue::Catalogue,
        clock::Timestamp,
        id::{OrganisationId, ScopeId, ScopeName},
        patron::Patron,
    },
    policy::{Facts, entitlement::entitled},
};

/// People, counted at the organisation that made their card.
#[derive(Debug, Default, Serialize)]
pub struct Change {
    /// Absent for everybody together.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organisation: Option<OrganisationId>,
    /// Whose card opens something today.
    pub cards_today: u64,
    pub cards_then: u64,
    /// Cards that open something today and nothing then.
    pub lapse: u64,
    /// Cards that open nothing today and something then.
    pub begin: u64,
    /// By the names that scopes have now.
    pub lose: BTreeMap<ScopeName, u64>,
    pub gain: BTreeMap<ScopeName, u64>,
}

/// What a patron's card opens at that instant.
pub(super) fn open_to(desk: &Desk, catalogue: &Catalogue, patron: &Patron, at: Timestamp) -> BTreeSet<ScopeId> {
    let facts = Facts {
        patron,
        opted_out: catalogue.has_opted_out(patron),
        agreements: &catalogue.agreements,
        scopes: &catalogue.scopes,
        bands: &desk.config.bands,
        time_zone: &desk.config.library.time_zone,
        narrow: None,
    };
    let entitlement = entitled(&facts, at, &mut |_| ());
    entitlement.map(|yes| yes.scopes.iter().cloned().collect()).unwrap_or_default()
}

#[derive(Default)]
pub(super) struct Tally {
    today: u64,
    then: u64,
    lapse: u64,
    begin: u64,
    lose: BTreeMap<ScopeId, u64>,
    gain: BTreeMap<ScopeId, u64>,
}

impl Tally {
    pub(super) fn add(&mut self, today: BTreeSet<ScopeId>, then: BTreeSet<ScopeId>) {
        self.add_many(today, then, 1);
    }

    /// So many people whose cards open the same.
    pub(super) fn add_many(&mut self, today: BTreeSet<ScopeId>, then: BTreeSet<ScopeId>, people: u64) {
        let (open, opens) = (!today.is_empty(), !then.is_empty());
        let if_so = |is: bool| if is { people } else { 0 };
        self.today += if_so(open);
        self.then += if_so(opens);
        self.lapse += if_so(open && !opens);
        self.begin += if_so(!open && opens);
        today.difference(&then).for_each(|scope| *self.lose.entry(scope.clone()).or_default() += people);
        then.difference(&today).for_each(|scope| *self.gain.entry(scope.clone()).or_default() += people);
    }

    pub(super) fn join(&mut self, other: &Tally) {
        self.today += other.today;
        self.then += other.then;
        self.lapse += other.lapse;
        self.begin += other.begin;
        other.lose.iter().for_each(|(scope, n)| *self.lose.entry(scope.clone()).or_default() += n);
        other.gain.iter().for_each(|(scope, n)| *self.gain.entry(scope.clone()).or_default() += n);
    }

    pub(super) fn changes(&self) -> bool {
        !self.lose.is_empty() || !self.gain.is_empty()
    }

    pub(super) fn shown(
        self,
        organisation: Option<OrganisationId>,
        name: &impl Fn(ScopeId) -> Option<ScopeName>,
    ) -> Change {
        let named = |all: BTreeMap<ScopeId, u64>| {
            all.into_iter().filter_map(|(scope, n)| Some((name(scope)?, n))).collect::<BTreeMap<_, _>>()
        };
        Change {
            organisation,
            cards_today: self.today,
            cards_then: self.then,
            lapse: self.lapse,
            begin: self.begin,
            lose: named(self.lose),
            gain: named(self.gain),
        }
    }
}
