//! `oneroster-csv`: deliveries that somebody brings by `directory import`, or drops into a folder.

use std::path::Path;

use super::{Options, Progress, ReadError, read};
use crate::{
    directory::{
        Roster,
        drop::{DropFolder, KEEP, PATH, SETTLE_AFTER},
        source::{Delivery, FromFile, Kind, Means, Pull, PullError, Reading, Soon, Source, Wish},
    },
    domain::{catalogue::SourceSettings, field::Field},
};

pub struct OneRosterCsv;

impl Kind for OneRosterCsv {
    fn name(&self) -> &'static str {
        "oneroster-csv"
    }

    fn settings(&self) -> &'static [Field] {
        &[PATH, SETTLE_AFTER, KEEP]
    }

    fn open(&self, source: &SourceSettings, _means: &Means) -> Result<Box<dyn Source>, String> {
        Ok(Box::new(Brought { dropped: DropFolder::of(source).map(Dropped) }))
    }
}

struct Brought {
    dropped: Option<Dropped>,
}

impl Source for Brought {
    fn roster(&self) -> Option<&dyn Pull> {
        self.dropped.as_ref().map(|dropped| dropped as &dyn Pull)
    }

    fn file(&self) -> Option<&dyn FromFile> {
        Some(&Files)
    }
}

struct Dropped(DropFolder);

impl Pull for Dropped {
    fn pull<'a>(&'a self, wish: &'a Wish<'a>) -> Soon<'a, Result<Option<Delivery>, PullError>> {
        Box::pin(self.0.pull(&Files, wish))
    }

    fn has_queue(&self) -> bool {
        true
    }

    fn settle<'a>(&'a self, origin: &'a str, taken: bool) -> Soon<'a, Result<(), PullError>> {
        Box::pin(std::future::ready(self.0.settle(origin, taken)))
    }
}

/// Reads what was brought.
#[derive(Clone, Copy)]
pub(in crate::directory) struct Files;

impl FromFile for Files {
    fn read(&self, path: &Path, reading: &Reading<'_>) -> Result<Roster, ReadError> {
        let progress = |at: Progress| (reading.progress)(at.done, at.total);
        let Reading { birthdays, classes, today, .. } = *reading;
        read(path, &Options { birthdays, classes, today, progress: &progress })
    }
}
