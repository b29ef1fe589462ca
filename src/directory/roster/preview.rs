//! What an import would do, in numbers, and the guard that stops one which would take too many cards away.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Serialize};

use crate::domain::id::{OrganisationId, SourceId};

/// Who would be added, changed, withdrawn. Holds no person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Preview {
    pub source: SourceId,
    /// `None` in a dry run.
    pub run: Option<i64>,
    pub totals: Counts,
    pub by_organisation: BTreeMap<OrganisationId, Counts>,
    /// People of the delivery whose posts belong to no organisation of the configuration.
    pub elsewhere: u64,
    /// What needs `--accept-removals`.
    pub removals: Vec<Removal>,
}

/// People of an organisation, each counted where the card was made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    pub present_before: u64,
    pub present_after: u64,
    pub added: u64,
    pub changed: u64,
    pub withdrawn: u64,
    /// Of the withdrawn: whose card lives on until the end of the summer.
    #[serde(default)]
    pub bridged: u64,
    pub returning: u64,
    pub unchanged: u64,
    /// Rows that could not be taken; who was present before stays as they were.
    pub refused: u64,
}

/// An organisation that would lose too many.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Removal {
    pub organisation: OrganisationId,
    pub present: u64,
    pub withdrawn: u64,
    /// Nobody would be left.
    pub disappears: bool,
}

impl fmt::Display for Removal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Removal { organisation, present, withdrawn, disappears } = self;
        if *disappears {
            write!(f, "{organisation} would lose all of its {present} people ({withdrawn} withdrawn)")
        } else {
            let percent = withdrawn * 100 / (*present).max(1);
            write!(f, "{organisation} would lose {withdrawn} of {present} people ({percent} %)")
        }
    }
}

impl Preview {
    pub(super) fn new(source: &SourceId) -> Preview {
        Preview {
            source: source.clone(),
            run: None,
            totals: Counts::default(),
            by_organisation: BTreeMap::new(),
            elsewhere: 0,
            removals: Vec::new(),
        }
    }

    pub(super) fn at(&mut self, organisation: &OrganisationId) -> &mut Counts {
        self.by_organisation.entry(organisation.clone()).or_default()
    }

    /// Finds what must be stopped: that more than a tenth of an organisation goes, or the whole of it.
    pub(super) fn guard(&mut self) {
        for (organisation, counts) in &self.by_organisation {
            let (present, withdrawn) = (counts.present_before, counts.withdrawn);
            let disappears = present > 0 && counts.present_after == 0;
            if disappears || withdrawn * 10 > present {
                self.removals.push(Removal { organisation: organisation.clone(), present, withdrawn, disappears });
            }
        }
    }

    pub(super) fn sum_up(&mut self) {
        for counts in self.by_organisation.values() {
            self.totals.add(counts);
        }
    }

    /// Whether nothing at all would be written.
    pub fn is_quiet(&self) -> bool {
        let t = &self.totals;
        t.added + t.changed + t.withdrawn + t.returning == 0
    }
}

impl Counts {
    fn add(&mut self, more: &Counts) {
        self.present_before += more.present_before;
        self.present_after += more.present_after;
        self.added += more.added;
        self.changed += more.changed;
        self.withdrawn += more.withdrawn;
        self.bridged += more.bridged;
        self.returning += more.returning;
        self.unchanged += more.unchanged;
        self.refused += more.refused;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stopped(present_before: u64, present_after: u64, withdrawn: u64) -> bool {
        let mut preview = Preview::new(&"cms".parse().unwrap());
        let counts = Counts { present_before, present_after, withdrawn, ..Counts::default() };
        preview.by_organisation.insert("cms".parse().unwrap(), counts);
        preview.guard();
        !preview.removals.is_empty()
    }

    #[test]
    fn a_tenth_may_go_and_more_may_not() {
        assert!(!stopped(100, 90, 10));
        assert!(stopped(100, 89, 11));
        assert!(stopped(1, 5, 1));
        assert!(!stopped(0, 0, 0));
        assert!(stopped(100, 0, 0), "all moved to another organisation");
    }
}
