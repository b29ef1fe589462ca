//! What of the programme a roster is merged by.

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::{
    catalogue::Catalogue,
    clock::{Date, TimeZone, Timestamp},
    id::{OrganisationId, SourceId},
    lookup::LookupField,
    organisation::Organisation,
};

#[derive(Debug, Clone)]
pub struct Rules {
    pub organisations: BTreeMap<OrganisationId, Organisation>,
    /// By which fields other directories find the source's people.
    pub lookups: BTreeSet<LookupField>,
    /// Whose people this source leaves alone.
    pub yields_to: Vec<SourceId>,
    pub now: Timestamp,
    pub time_zone: TimeZone,
}

impl Rules {
    pub fn of(catalogue: &Catalogue, source: &SourceId, now: Timestamp, time_zone: &TimeZone) -> Rules {
        Rules {
            organisations: catalogue.organisations.clone(),
            lookups: catalogue.lookups_of(source),
            yields_to: catalogue.sources.get(source).map(|of| of.yields_to.clone()).unwrap_or_default(),
            now,
            time_zone: time_zone.clone(),
        }
    }

    pub(super) fn today(&self) -> Date {
        self.time_zone.date(self.now)
    }

    /// Until when the card of somebody lives on who leaves this organisation today.
    pub(super) fn bridge(&self, organisation: &OrganisationId) -> Option<Timestamp> {
        let season = self.organisations.get(organisation)?.bridge?;
        Some(self.time_zone.end_of(season.last_day(self.today())?))
    }
}
