//! What a source has to hand over, fetched and brought into force one delivery after the other.

use super::{ImportError, ImportOptions, ImportOutcome, Merge};
use crate::{
    directory::source::{Pull, PullError, Wish},
    domain::{card::InitialPin, class::ClassKinds, id::SourceId},
};

/// One fetch takes no more than these: a source that always has something new must not keep a job for ever.
const MOST: usize = 100;

#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    #[error(transparent)]
    Pull(#[from] PullError),
    #[error(transparent)]
    Import(#[from] ImportError),
}

impl FetchError {
    /// Whether the same again may go well by itself.
    pub fn may_pass(&self) -> bool {
        match self {
            FetchError::Pull(error) => matches!(error, PullError::Away(_)),
            FetchError::Import(ImportError::Store(_)) => true,
            FetchError::Import(_) => false,
        }
    }

    /// Whether the guard wants a person to look.
    pub fn is_guard(&self) -> bool {
        matches!(self, FetchError::Import(ImportError::TooManyRemoved { .. }))
    }
}

#[derive(Debug, Clone, Copy, Default)]
pub struct FetchOptions {
    pub import: ImportOptions,
    /// Ask for everything, whatever is known already.
    pub whole: bool,
    /// Which classes are kept.
    pub classes: ClassKinds,
}

impl Merge<'_> {
    /// Everything that is new, in its order; in a dry run the first delivery alone. `reading` is told done and total.
    ///
    /// # Errors
    /// The first thing that fails. What came before it is in force.
    pub async fn fetch(
        &self,
        source: &SourceId,
        pull: &dyn Pull,
        options: FetchOptions,
        reading: &(dyn Fn(u64, u64) + Send + Sync),
    ) -> Result<Vec<ImportOutcome>, FetchError> {
        let birthdays = self.rules.organisations.values().any(|o| o.initial_pin == InitialPin::BirthdayMmdd);
        let mut outcomes = Vec::new();
        while outcomes.len() < MOST {
            let known = self.db.rosters().bookmark(source).await.map_err(ImportError::from)?;
            let bookmark = known.as_deref().filter(|_| !options.whole || !outcomes.is_empty());
            let (now, today) = (self.rules.now, self.rules.today());
            let wish = Wish { now, today, birthdays, classes: options.classes, bookmark, progress: reading };
            let Some(delivery) = pull.pull(&wish).await? else { break };
            let origin = delivery.origin.clone();
            let outcome = self.deliver(source, delivery, options.import).await?;
            let applied = outcome.applied;
            outcomes.push(outcome);
            if !applied {
                break;
            }
            pull.settle(&origin, true).await?;
            if !pull.has_queue() {
                break;
            }
        }
        Ok(outcomes)
    }
}
