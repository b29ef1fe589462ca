//! Who would be added, changed, withdrawn: for the eyes of whoever previews an import, and kept nowhere.

use std::{collections::HashMap, sync::Arc};

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

/// So many people go from these affiliations to those, `cms:student:07`; absent where somebody has none that count.
/// What that means for privileges is policy's to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shift {
    pub before: Option<Arc<str>>,
    pub after: Option<Arc<str>>,
    pub people: u64,
}

#[derive(Debug, Default)]
pub(super) struct Shifts(HashMap<(Option<Arc<str>>, Option<Arc<str>>), u64>);

impl Shifts {
    pub fn note(&mut self, before: Option<&Arc<str>>, after: Option<&str>) {
        if before.map(AsRef::as_ref) != after {
            *self.0.entry((before.cloned(), after.map(Arc::from))).or_default() += 1;
        }
    }

    pub fn listed(self) -> Vec<Shift> {
        let mut all: Vec<Shift> =
            self.0.into_iter().map(|((before, after), people)| Shift { before, after, people }).collect();
        all.sort_by(|a, b| (&a.before, &a.after).cmp(&(&b.before, &b.after)));
        all
    }
}
