//! Who would be added, changed, withdrawn: for the eyes of whoever previews an import, and kept nowhere.

use serde::Serialize;

use crate::domain::{card::CardNumber, id::OrganisationId};

/// So many of each kind are named; the preview has the number of them all.
const NAMED: usize = 1000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    Added,
    Changed,
    Returning,
    Withdrawn,
}

impl Change {
    pub const ALL: [Change; 4] = [Change::Added, Change::Changed, Change::Returning, Change::Withdrawn];

    pub fn word(self) -> &'static str {
        match self {
            Change::Added => "added",
            Change::Changed => "changed",
            Change::Returning => "returning",
            Change::Withdrawn => "withdrawn",
        }
    }
}

/// What an import means for one person, named by the directory's key and the card: no name is needed to check it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Movement {
    pub organisation: OrganisationId,
    pub change: Change,
    pub sourced_id: String,
    pub card: CardNumber,
}

#[derive(Debug, Default)]
pub(super) struct Movements {
    all: Vec<Movement>,
    counts: [usize; 4],
}

impl Movements {
    pub fn note(&mut self, change: Change, organisation: &OrganisationId, sourced_id: &str, card: &CardNumber) {
        let Some(count) = self.counts.get_mut(change as usize) else { return };
        *count += 1;
        if *count <= NAMED {
            let (organisation, sourced_id, card) = (organisation.clone(), sourced_id.to_owned(), card.clone());
            self.all.push(Movement { organisation, change, sourced_id, card });
        }
    }

    /// By organisation, then by kind of change.
    pub fn sorted(mut self) -> Vec<Movement> {
        self.all.sort_by(|a, b| (&a.organisation, a.change, &a.card).cmp(&(&b.organisation, b.change, &b.card)));
        self.all
    }
}
