//! `csv`: one file with a row for each person, as consortia send it, whatever its columns are called. Always whole: who
//! is not in it is here no more. Read with the tolerance and the report of OneRoster's files.
//!
//! `mapping` is what the configuration says of the file, `people` what its rows say.

mod mapping;
mod people;
#[cfg(test)]
mod tests;

use std::path::Path;

use self::mapping::Mapping;
use super::{
    ReadError, Roster,
    drop::DropFolder,
    source::{Delivery, FromFile, Kind, Means, Pull, PullError, Reading, Soon, Source, Wish},
};
use crate::domain::{
    catalogue::SourceSettings,
    field::{Field, Misfit},
};

pub struct PlainCsv;

impl Kind for PlainCsv {
    fn name(&self) -> &'static str {
        "csv"
    }

    fn settings(&self) -> &'static [Field] {
        mapping::FIELDS
    }

    fn check(&self, source: &SourceSettings) -> Result<(), Misfit> {
        Mapping::of(source).map(drop).map_err(|(field, why)| Misfit { field, why })
    }

    fn open(&self, source: &SourceSettings, _means: &Means) -> Result<Box<dyn Source>, String> {
        let mapping = Mapping::of(source).map_err(|(field, why)| format!("{field} {why}"))?;
        Ok(Box::new(Mapped { mapping, dropped: DropFolder::of(source) }))
    }
}

struct Mapped {
    mapping: Mapping,
    dropped: Option<DropFolder>,
}

impl Source for Mapped {
    fn roster(&self) -> Option<&dyn Pull> {
        self.dropped.is_some().then_some(self as &dyn Pull)
    }

    fn file(&self) -> Option<&dyn FromFile> {
        Some(&self.mapping)
    }
}

impl Pull for Mapped {
    fn pull<'a>(&'a self, wish: &'a Wish<'a>) -> Soon<'a, Result<Option<Delivery>, PullError>> {
        Box::pin(async move {
            match &self.dropped {
                Some(dropped) => dropped.pull(&self.mapping, wish).await,
                None => Ok(None),
            }
        })
    }

    fn has_queue(&self) -> bool {
        true
    }

    fn settle<'a>(&'a self, origin: &'a str, taken: bool) -> Soon<'a, Result<(), PullError>> {
        let settled = self.dropped.as_ref().map_or(Ok(()), |dropped| dropped.settle(origin, taken));
        Box::pin(std::future::ready(settled))
    }
}

impl FromFile for Mapping {
    fn read(&self, path: &Path, reading: &Reading<'_>) -> Result<Roster, ReadError> {
        people::read(path, self, reading)
    }
}
