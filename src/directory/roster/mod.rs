//! The one rule for merging incoming people: stage → preview → guard → apply → undo.
//! Owns who is added, changed, withdrawn and which card they get. Readers of formats are the sibling modules';
//! how rows are kept and the switch is thrown is `store::rosters`'.

mod belonging;
mod classes;
mod movement;
mod plan;
mod preview;
#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, time::Duration};

use super::{Report, Roster};
use crate::{
    domain::{
        card::CardNumber,
        clock::{Clock, Timestamp},
        id::{OrganisationId, SourceId},
        organisation::Organisation,
        pin::PinKey,
    },
    store::{
        self, Db, Tx,
        rosters::{Ended, Entry, Hold, World},
    },
};
pub use movement::{Change, Movement};
use plan::{Before, Known, Plan};
pub use preview::{Counts, Preview, Removal};

/// Merges deliveries into the library's patrons.
///
/// `import` and `undo` do everything. A caller who has something to add to the switch, an audit event, takes the
/// same steps itself: `stage`, then `switch` in a transaction of its own and `commit`, or `prepare_undo`, `unswitch`,
/// `commit` and `settle`. On an error between them: `abandon`.
pub struct Merge<'a> {
    pub db: &'a Db,
    pub clock: &'a Clock,
    pub pin_key: &'a PinKey,
    pub organisations: &'a BTreeMap<OrganisationId, Organisation>,
    pub progress: &'a Progress<'a>,
}

/// Step, done, total. A total of 0 is one not known yet.
pub type Progress<'a> = dyn Fn(Step, u64, u64) + Send + Sync + 'a;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Removing what dead or undone runs left.
    Sweep,
    /// Reading what holds now.
    Read,
    /// Comparing it with the delivery.
    Compare,
    /// Writing rows that nobody sees yet.
    Stage,
}

#[derive(Debug, Clone, Copy, Default)]
pub struct ImportOptions {
    /// Only look; write nothing.
    pub dry_run: bool,
    /// Let more than a tenth of an organisation go.
    pub accept_removals: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    /// `Conflict`: somebody else is at it, or there is nothing such to undo.
    #[error(transparent)]
    Store(#[from] store::Error),
    #[error("nothing was changed: {}; --accept-removals lets them go", sentence(&.preview.removals))]
    TooManyRemoved { preview: Box<Preview>, report: Box<Report> },
    #[error("undoing would give cards back that people of other sources hold by now: {0}")]
    CardsTaken(String),
}

fn sentence(removals: &[Removal]) -> String {
    removals.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A run whose rows are all written and not yet to be seen.
#[derive(Debug)]
pub struct Staged {
    pub preview: Preview,
    pub report: Report,
    hold: Hold,
    world: World,
}

#[derive(Debug)]
pub struct ImportOutcome {
    pub preview: Preview,
    pub report: Report,
    /// Who moves: up to a thousand of each kind. Only in a dry run.
    pub movements: Vec<Movement>,
    /// `false` after a dry run.
    pub applied: bool,
    pub ended: Ended,
}

/// An undo for which everything is ready.
#[derive(Debug)]
pub struct Undoing {
    hold: Hold,
    world: World,
}

impl Undoing {
    pub fn run(&self) -> i64 {
        self.hold.run
    }

    /// The run that is live again afterwards; 0 where none is.
    pub fn live(&self) -> i64 {
        self.hold.before
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UndoOutcome {
    pub run: i64,
    /// The run that is live again; 0 where none is.
    pub live: i64,
    pub ended: Ended,
}

/// One import, as it is remembered.
#[derive(Debug, Clone)]
pub struct Run {
    pub id: i64,
    pub source: SourceId,
    pub origin: String,
    /// `staging`, `refused`, `failed`, `abandoned`, `live`, `undone` or `closed`.
    pub state: String,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub preview: Option<Preview>,
}

/// The runs of a source, or of all, the newest first.
///
/// # Errors
/// `Unavailable` or `Corrupt`.
pub async fn runs(db: &Db, source: Option<&SourceId>) -> store::Result<Vec<Run>> {
    let rows = db.rosters().runs(source).await?;
    let read = |row: store::rosters::RunRow| {
        Ok(Run {
            id: row.id,
            source: row.source.parse().map_err(store::corrupt)?,
            origin: row.origin,
            state: row.state,
            started_at: row.started_at,
            finished_at: row.finished_at,
            preview: serde_json::from_str(&row.summary).ok(),
        })
    };
    rows.into_iter().map(read).collect()
}

/// Between two transactions, another process's click gets SQLite's writer.
const GAP: Duration = Duration::from_millis(4);

impl Merge<'_> {
    /// A delivery becomes what holds, at once and as a whole, or nothing changes.
    ///
    /// # Errors
    /// `TooManyRemoved` where the guard stops it, `Conflict` where another import of this source is under way.
    pub async fn import(
        &self,
        source: &SourceId,
        origin: &str,
        roster: Roster,
        options: ImportOptions,
    ) -> Result<ImportOutcome, ImportError> {
        if options.dry_run {
            let Plan { preview, report, movements, .. } = self.preview(source, roster).await?;
            return Ok(ImportOutcome { preview, report, movements, applied: false, ended: Ended::default() });
        }
        let staged = self.stage(source, origin, roster, options).await?;
        let switched = async {
            let mut tx = self.db.begin().await?;
            let ended = self.switch(&mut tx, &staged).await?;
            tx.commit().await?;
            Ok(ended)
        };
        match switched.await {
            Ok(ended) => {
                let Staged { preview, report, .. } = staged;
                Ok(ImportOutcome { preview, report, movements: Vec::new(), applied: true, ended })
            }
            Err(error) => {
                self.abandon(&staged).await;
                Err(error)
            }
        }
    }

    /// What an import would do, with nothing written.
    async fn preview(&self, source: &SourceId, roster: Roster) -> Result<Plan, ImportError> {
        let live = self.db.rosters().live_run(source).await?;
        self.plan(source, live, roster).await
    }

    /// Writes a run's rows where nobody sees them.
    ///
    /// # Errors
    /// As `import`; nothing is left behind that anybody could see.
    pub async fn stage(
        &self,
        source: &SourceId,
        origin: &str,
        roster: Roster,
        options: ImportOptions,
    ) -> Result<Staged, ImportError> {
        let hold = self.db.rosters().hold(source, origin, self.clock.now()).await?;
        match self.stage_under(&hold, roster, options).await {
            Ok((plan, world)) => Ok(Staged { preview: plan.preview, report: plan.report, hold, world }),
            Err(error) => {
                let (state, summary) = match &error {
                    ImportError::TooManyRemoved { preview, .. } => ("refused", json(preview)),
                    _ => ("failed", String::new()),
                };
                // Where even this fails, the hold ends with its lease.
                drop(self.db.rosters().release(&hold, state, &summary, self.clock.now()).await);
                Err(error)
            }
        }
    }

    async fn stage_under(
        &self,
        hold: &Hold,
        mut roster: Roster,
        options: ImportOptions,
    ) -> Result<(Plan, World), ImportError> {
        let rosters = self.db.rosters();
        self.sweep(hold).await?;
        while rosters.close_old(hold, self.clock.now()).await? > 0 {
            self.gap().await;
        }
        let mut world = rosters.world(&hold.source).await?;
        let classes = roster.classes.take();
        let mut plan = self.plan(&hold.source, hold.before, roster).await?;
        plan.preview.run = Some(hold.run);
        if !plan.preview.removals.is_empty() && !options.accept_removals {
            let (preview, report) = (Box::new(plan.preview), Box::new(plan.report));
            return Err(ImportError::TooManyRemoved { preview, report });
        }
        self.write(hold, &plan).await?;
        self.stage_classes(hold, classes).await?;
        // Meanwhile another source may have gone live with a card that this one gives out.
        loop {
            let now = rosters.world(&hold.source).await?;
            if now == world {
                break;
            }
            world = now;
            if let Some(card) = self.taken(&hold.source, &plan.entries).await? {
                return Err(ImportError::Store(store::Error::Conflict(format!(
                    "the card number {card} went to somebody of another source during this import; start it again"
                ))));
            }
        }
        plan.entries = Vec::new();
        Ok((plan, world))
    }

    async fn sweep(&self, hold: &Hold) -> store::Result<()> {
        let mut gone = 0;
        loop {
            let n = self.db.rosters().sweep(hold, self.clock.now()).await?;
            if n == 0 {
                return Ok(());
            }
            gone += n;
            (self.progress)(Step::Sweep, gone, 0);
            self.gap().await;
        }
    }

    async fn plan(&self, source: &SourceId, live: i64, roster: Roster) -> Result<Plan, ImportError> {
        let rosters = self.db.rosters();
        (self.progress)(Step::Read, 0, 0);
        let mut before = Before::default();
        for known in rosters.people(source, live).await? {
            let here = Known { patron: known.patron, held: known.held, stays: false };
            before.people.insert(known.sourced_id, here);
        }
        before.cards_elsewhere = rosters.cards_elsewhere(source).await?;
        (self.progress)(Step::Read, before.people.len() as u64, before.people.len() as u64);
        let people = roster.people.len() as u64;
        (self.progress)(Step::Compare, 0, people);
        let (source, organisations, key) = (source.clone(), self.organisations.clone(), self.pin_key.clone());
        let compared =
            tokio::task::spawn_blocking(move || plan::plan(&source, roster, before, &organisations, &key)).await;
        (self.progress)(Step::Compare, people, people);
        compared.map_err(|error| ImportError::Store(store::corrupt(format!("comparing failed: {error}"))))
    }

    async fn taken(&self, source: &SourceId, entries: &[Entry]) -> store::Result<Option<CardNumber>> {
        let elsewhere = self.db.rosters().cards_elsewhere(source).await?;
        Ok(entries.iter().map(|entry| &entry.card).find(|card| elsewhere.contains_key(*card)).cloned())
    }

    async fn write(&self, hold: &Hold, plan: &Plan) -> store::Result<()> {
        let rosters = self.db.rosters();
        let total = (plan.entries.len() + plan.withdrawn.len()) as u64;
        let (mut entries, mut withdrawn) = (plan.entries.as_slice(), plan.withdrawn.as_slice());
        while !entries.is_empty() || !withdrawn.is_empty() {
            if entries.is_empty() {
                let n = rosters.withdraw(hold, withdrawn, self.clock.now()).await?;
                withdrawn = withdrawn.get(n..).unwrap_or_default();
            } else {
                let n = rosters.append(hold, entries, self.clock.now()).await?;
                entries = entries.get(n..).unwrap_or_default();
            }
            (self.progress)(Step::Stage, total - (entries.len() + withdrawn.len()) as u64, total);
            self.gap().await;
        }
        Ok(())
    }

    async fn gap(&self) {
        if self.db.is_sqlite() {
            tokio::time::sleep(GAP).await;
        }
    }

    /// Makes a staged run what holds, in the caller's transaction.
    ///
    /// # Errors
    /// `Conflict` where it was taken for dead, or another source went live in the same moment.
    pub async fn switch(&self, tx: &mut Tx, staged: &Staged) -> Result<Ended, ImportError> {
        let summary = json(&staged.preview);
        Ok(self.db.rosters().switch(tx, &staged.hold, &staged.world, &summary, self.clock.now()).await?)
    }

    /// Gives up a staged run, so that another import need not wait until its lease is over.
    pub async fn abandon(&self, staged: &Staged) {
        let summary = json(&staged.preview);
        drop(self.db.rosters().release(&staged.hold, "failed", &summary, self.clock.now()).await);
    }

    /// Takes the latest live run of a source back: exactly what held before it holds again.
    ///
    /// # Errors
    /// `Conflict` where `run` is not the latest or there is none; `CardsTaken`.
    pub async fn undo(&self, source: &SourceId, run: Option<i64>) -> Result<UndoOutcome, ImportError> {
        let undoing = self.prepare_undo(source, run).await?;
        let unswitched = async {
            let mut tx = self.db.begin().await?;
            let ended = self.unswitch(&mut tx, &undoing).await?;
            tx.commit().await?;
            Ok::<_, ImportError>(ended)
        };
        let unswitched = unswitched.await;
        self.settle(&undoing).await;
        unswitched.map(|ended| UndoOutcome { run: undoing.hold.run, live: undoing.hold.before, ended })
    }

    /// # Errors
    /// As `undo`.
    pub async fn prepare_undo(&self, source: &SourceId, run: Option<i64>) -> Result<Undoing, ImportError> {
        let rosters = self.db.rosters();
        let hold = rosters.hold_for_undo(source, run, self.clock.now()).await?;
        let checked = async {
            let world = rosters.world(source).await?;
            let taken = self.restored_but_taken(&hold).await?;
            if taken.is_empty() { Ok(world) } else { Err(ImportError::CardsTaken(taken.join(", "))) }
        };
        match checked.await {
            Ok(world) => Ok(Undoing { hold, world }),
            Err(error) => {
                drop(rosters.put_down(&hold).await);
                Err(error)
            }
        }
    }

    /// Nobody else could have got a card while its holder was present: only what the run took away can be taken.
    async fn restored_but_taken(&self, hold: &Hold) -> store::Result<Vec<String>> {
        let elsewhere = self.db.rosters().cards_elsewhere(&hold.source).await?;
        if elsewhere.is_empty() {
            return Ok(Vec::new());
        }
        let restored = self.db.rosters().people(&hold.source, hold.before).await?;
        let present = restored.into_iter().filter_map(|known| known.held).filter(|held| held.present);
        Ok(present.filter(|held| elsewhere.contains_key(&held.card)).map(|held| held.card.to_string()).collect())
    }

    /// The undo itself, in the caller's transaction.
    ///
    /// # Errors
    /// `Conflict` as for `switch`.
    pub async fn unswitch(&self, tx: &mut Tx, undoing: &Undoing) -> Result<Ended, ImportError> {
        Ok(self.db.rosters().unswitch(tx, &undoing.hold, &undoing.world, self.clock.now()).await?)
    }

    /// After an undo, or in place of it: deletes what is out of sight and gives the hold back. What fails here the
    /// next import makes good.
    pub async fn settle(&self, undoing: &Undoing) {
        drop(self.sweep(&undoing.hold).await);
        drop(self.db.rosters().put_down(&undoing.hold).await);
    }
}

fn json(preview: &Preview) -> String {
    serde_json::to_string(preview).unwrap_or_default()
}
