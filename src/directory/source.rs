//! Kinds of directories and what each can do: hand over a roster, check a password, sign somebody in at its own page.
//! To add one: a folder beside this file, and a line in `compose`.

use std::{collections::BTreeMap, future::Future, path::Path, pin::Pin, sync::Arc};

use super::{ReadError, Roster, redirect::Redirect, verify::Verify};
use crate::{
    domain::{
        catalogue::{Catalogue, SourceSettings},
        class::ClassKinds,
        clock::{Date, Timestamp},
        field::{Field, Misfit},
        id::SourceId,
    },
    outbound::Outbound,
};

pub type Soon<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// How directories of one kind are spoken with.
pub trait Kind: Send + Sync {
    /// `oneroster-csv` …, as the configuration's `kind`.
    fn name(&self) -> &'static str;

    /// What an operator fills in besides what every source has.
    fn settings(&self) -> &'static [Field];

    /// What the fields, each right by itself, get wrong together.
    ///
    /// # Errors
    /// The field and a sentence, for the operator.
    fn check(&self, _source: &SourceSettings) -> Result<(), Misfit> {
        Ok(())
    }

    /// One such directory, ready to be spoken with. Calls nobody yet.
    ///
    /// # Errors
    /// A sentence on why it cannot be.
    fn open(&self, source: &SourceSettings, means: &Means) -> Result<Box<dyn Source>, String>;
}

/// What a source works with.
#[derive(Clone)]
pub struct Means {
    pub outbound: Outbound,
    /// The public address of this server, to which an upstream sends browsers back.
    pub issuer: String,
}

/// One directory of the programme. It lives as long as its settings stay the same.
pub trait Source: Send + Sync {
    /// Where it hands over a roster when asked.
    fn roster(&self) -> Option<&dyn Pull> {
        None
    }

    /// Where it signs people in at a page of its own.
    fn redirect(&self) -> Option<&dyn Redirect> {
        None
    }

    /// Where it checks passwords.
    fn verify(&self) -> Option<&dyn Verify> {
        None
    }

    /// Where it reads a delivery that somebody brings by hand.
    fn file(&self) -> Option<&dyn FromFile> {
        None
    }
}

/// A directory whose deliveries are files and folders.
pub trait FromFile: Send + Sync {
    /// Reads a whole delivery, changing nothing. Blocks: call it where that is allowed.
    ///
    /// # Errors
    /// Where the delivery cannot be trusted as a whole; what is wrong with single rows is in the report.
    fn read(&self, path: &Path, reading: &Reading<'_>) -> Result<Roster, ReadError>;
}

/// How a delivery is read.
#[derive(Clone, Copy)]
pub struct Reading<'a> {
    /// Read month and day of birth: only where a birthday PIN is configured.
    pub birthdays: bool,
    /// Read who is in which of these classes: none, unless a configuration asks for it.
    pub classes: ClassKinds,
    /// The library's calendar day.
    pub today: Date,
    /// Told now and then: bytes done, of how many.
    pub progress: &'a dyn Fn(u64, u64),
}

/// A directory whose roster can be fetched.
pub trait Pull: Send + Sync {
    /// The next delivery; `None` where there is nothing new.
    fn pull<'a>(&'a self, wish: &'a Wish<'a>) -> Soon<'a, Result<Option<Delivery>, PullError>>;

    /// Whether several deliveries may lie ready, to be taken one after the other.
    fn has_queue(&self) -> bool {
        false
    }

    /// A delivery is in force, or was refused for good: it need not be handed over again.
    fn settle<'a>(&'a self, _origin: &'a str, _taken: bool) -> Soon<'a, Result<(), PullError>> {
        Box::pin(std::future::ready(Ok(())))
    }
}

/// What is asked of a directory.
pub struct Wish<'a> {
    pub now: Timestamp,
    /// The library's calendar day.
    pub today: Date,
    /// Read month and day of birth: only where a birthday PIN is configured.
    pub birthdays: bool,
    /// Read who is in which of these classes: none, unless a configuration asks for it.
    pub classes: ClassKinds,
    /// What the last delivery in force left with us, to ask for changes alone; absent: ask for everything.
    pub bookmark: Option<&'a str>,
    /// Told now and then: done, total (0: not known yet).
    pub progress: &'a (dyn Fn(u64, u64) + Send + Sync),
}

/// What a directory handed over.
pub struct Delivery {
    pub roster: Roster,
    /// A file's name, an address: for people.
    pub origin: String,
    /// From where to go on next time.
    pub bookmark: Option<String>,
}

/// Why there is no delivery. The sentence is for the operator and holds no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PullError {
    /// Trying again may help.
    #[error("{0}")]
    Away(String),
    /// The settings, the secret or the delivery must be mended first.
    #[error("{0}")]
    Wrong(String),
}

/// The directories of the programme as they are now, opened.
#[derive(Default, Clone)]
pub struct Sources(BTreeMap<SourceId, Opened>);

#[derive(Clone)]
struct Opened {
    settings: SourceSettings,
    source: Result<Arc<dyn Source>, String>,
}

impl Sources {
    /// Those of `catalogue`; who was open already, with the same settings, stays open.
    #[must_use]
    pub fn following(&self, catalogue: &Catalogue, kinds: &[Box<dyn Kind>], means: &Means) -> Sources {
        let open = |settings: &SourceSettings| {
            let kind = kinds.iter().find(|kind| kind.name() == settings.kind);
            let kind = kind.ok_or_else(|| format!("nobody here speaks {}", settings.kind))?;
            kind.open(settings, means).map(Arc::from)
        };
        let each = catalogue.sources.iter().map(|(id, settings)| {
            let known = self.0.get(id).filter(|opened| opened.settings == *settings && opened.source.is_ok());
            let opened =
                known.cloned().unwrap_or_else(|| Opened { settings: settings.clone(), source: open(settings) });
            (id.clone(), opened)
        });
        Sources(each.collect())
    }

    /// # Errors
    /// Why it could not be opened; also where there is none of this name.
    pub fn get(&self, id: &str) -> Result<&Arc<dyn Source>, String> {
        let known = || self.0.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        let none = || format!("there is no source {id}; the programme has: {}", known());
        let opened = self.0.get(id).ok_or_else(none)?;
        opened.source.as_ref().map_err(Clone::clone)
    }

    /// All that could be opened, with their settings, by id.
    pub fn all(&self) -> impl Iterator<Item = (&SourceSettings, &Arc<dyn Source>)> {
        self.0.values().filter_map(|opened| Some((&opened.settings, opened.source.as_ref().ok()?)))
    }
}
