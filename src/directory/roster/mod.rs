//! The one rule for merging incoming people: stage → preview → guard → apply → undo.
//! Owns who is added, changed, withdrawn and which card they get. Readers of formats are the sibling modules';
//! how rows are kept and the switch is thrown is `store::rosters`'.

mod before;
mod belonging;
mod changes;
mod classes;
mod deliver;
pub mod fetch;
mod lookups;
mod movement;
mod named;
mod plan;
mod preview;
mod rules;
#[cfg(test)]
mod tests;

use std::time::Duration;

use tokio::sync::mpsc;

use super::{Report, Roster};
use crate::{
    domain::{
        card::CardNumber,
        clock::{Clock, Timestamp},
        id::{PatronId, SourceId},
        pin::PinKey,
    },
    store::{
        self, Db, Tx,
        rosters::{Closing, Ended, Entry, Hold, World},
    },
};
pub use movement::{Change, Movement, Shift};
use plan::{Judged, Plan};
pub use preview::{Counts, Preview, Removal};
pub use rules::Rules;

/// Merges deliveries into the library's patrons.
///
/// `import` and `undo` do everything. A caller who has something to add to the switch, an audit event, takes the
/// same steps itself: `stage`, then `switch` in a transaction of its own and `commit`, or `prepare_undo`, `unswitch`,
/// `commit` and `settle`. On an error between them: `abandon`.
pub struct Merge<'a> {
    pub db: &'a Db,
    pub clock: &'a Clock,
    pub pin_key: &'a PinKey,
    pub rules: &'a Rules,
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
    /// Writing rows that nobody sees yet, of whoever is not as before.
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
    #[error("{0} has no whole delivery in force yet that changes could build upon: import one first")]
    NothingToChange(SourceId),
    #[error("undoing would give cards back that other people hold by now: {0}")]
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
    pub shifts: Vec<Shift>,
    hold: Hold,
    world: World,
}

#[derive(Debug)]
pub struct ImportOutcome {
    pub preview: Preview,
    pub report: Report,
    /// Who moves: up to a thousand of each kind. Only in a dry run.
    pub movements: Vec<Movement>,
    pub shifts: Vec<Shift>,
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
    /// The latest run that was taken back.
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

/// Rows drafted before they are handed on to be written.
const BATCH: usize = 3000;

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
            let live = self.db.rosters().live_run(source).await?;
            let (judged, _) = self.judge(source, live, roster).await?;
            let Plan { preview, report, movements, shifts, .. } = self.draft(judged, |_, _| {}).await?;
            return Ok(ImportOutcome { preview, report, movements, shifts, applied: false, ended: Ended::default() });
        }
        let staged = self.stage(source, origin, roster, options).await?;
        let switched = async {
            let mut tx = self.db.begin().await?;
            let ended = self.switch(&mut tx, &staged, None).await?;
            tx.commit().await?;
            Ok(ended)
        };
        match switched.await {
            Ok(ended) => {
                let Staged { preview, report, shifts, .. } = staged;
                Ok(ImportOutcome { preview, report, movements: Vec::new(), shifts, applied: true, ended })
            }
            Err(error) => {
                self.abandon(&staged).await;
                Err(error)
            }
        }
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
            Ok((plan, world)) => {
                let Plan { preview, report, shifts, .. } = plan;
                Ok(Staged { preview, report, shifts, hold, world })
            }
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
        let (mut judged, tree) = self.judge(&hold.source, hold.before, roster).await?;
        judged.preview.run = Some(hold.run);
        if !judged.preview.removals.is_empty() && !options.accept_removals {
            let Plan { preview, report, .. } = self.draft(judged, |_, _| {}).await?;
            return Err(ImportError::TooManyRemoved { preview: Box::new(preview), report: Box::new(report) });
        }
        let plan = self.write(hold, judged).await?;
        self.stage_classes(hold, classes).await?;
        if rosters.orgs(&hold.source, hold.before).await?.as_deref() != Some(tree.as_str()) {
            rosters.put_orgs(hold, &tree, self.clock.now()).await?;
        }
        // Meanwhile another source may have gone live with a card that this one gives out.
        loop {
            let now = rosters.world(&hold.source).await?;
            if now == world {
                break;
            }
            world = now;
            if let Some(card) = self.taken(hold).await? {
                return Err(ImportError::Store(store::Error::Conflict(format!(
                    "the card number {card} went to somebody else during this import; start it again"
                ))));
            }
        }
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

    /// With the directory's tree as it will be.
    async fn judge(&self, source: &SourceId, live: i64, roster: Roster) -> Result<(Judged, String), ImportError> {
        (self.progress)(Step::Read, 0, 0);
        let (incoming, before) = self.read(source, live, roster).await?;
        let tree = changes::write_tree(&incoming.orgs);
        (self.progress)(Step::Read, before.people.len() as u64, before.people.len() as u64);
        let people = incoming.people.len() as u64;
        (self.progress)(Step::Compare, 0, people);
        let (source, rules) = (source.clone(), self.rules.clone());
        let judged = tokio::task::spawn_blocking(move || plan::judge(&source, incoming, before, &rules)).await;
        (self.progress)(Step::Compare, people, people);
        Ok((judged.map_err(broken)?, tree))
    }

    async fn draft(
        &self,
        judged: Judged,
        write: impl FnMut(usize, Option<Entry>) + Send + 'static,
    ) -> Result<Plan, ImportError> {
        let (rules, key) = (self.rules.clone(), self.pin_key.clone());
        tokio::task::spawn_blocking(move || judged.draft(&rules, &key, write)).await.map_err(broken)
    }

    /// Drafts the rows and writes them, both at once: a district's rows never lie in memory all together.
    async fn write(&self, hold: &Hold, judged: Judged) -> Result<Plan, ImportError> {
        let rosters = self.db.rosters();
        let staying = judged.staying();
        let (drafted, mut rows) = mpsc::channel::<(usize, Vec<Entry>)>(1);
        let mut batch = Vec::with_capacity(BATCH);
        let drafting = self.draft(judged, move |n, entry| {
            batch.extend(entry);
            if batch.len() == BATCH || n == staying {
                // Where nobody takes it any more, the writer tells why.
                drop(drafted.blocking_send((n, std::mem::replace(&mut batch, Vec::with_capacity(BATCH)))));
            }
        });
        let writing = async move {
            while let Some((n, batch)) = rows.recv().await {
                let mut entries = batch.as_slice();
                while !entries.is_empty() {
                    let n = rosters.append(hold, entries, self.clock.now()).await?;
                    entries = entries.get(n..).unwrap_or_default();
                    self.gap().await;
                }
                (self.progress)(Step::Stage, n as u64, staying as u64);
            }
            Ok::<_, ImportError>(())
        };
        let (plan, written) = tokio::join!(drafting, writing);
        written?;
        let plan = plan?;
        for (bridged_until, withdrawn) in &plan.withdrawn {
            let mut withdrawn = withdrawn.as_slice();
            while !withdrawn.is_empty() {
                let n = self.db.rosters().withdraw(hold, withdrawn, *bridged_until, self.clock.now()).await?;
                withdrawn = withdrawn.get(n..).unwrap_or_default();
                self.gap().await;
            }
        }
        Ok(plan)
    }

    /// A card of this run's that somebody else has by now.
    async fn taken(&self, hold: &Hold) -> store::Result<Option<CardNumber>> {
        let elsewhere = self.db.rosters().cards_elsewhere(&hold.source, self.rules.now).await?;
        let kept = self.db.kept_numbers().await?;
        let mut given = self.db.rosters().given_by(hold).await?.into_iter();
        let others = |(card, patron): &(CardNumber, PatronId)| {
            elsewhere.contains_key(card) || kept.get(card).is_some_and(|of| of != patron)
        };
        Ok(given.find(others).map(|(card, _)| card))
    }

    async fn gap(&self) {
        if self.db.is_sqlite() {
            tokio::time::sleep(GAP).await;
        }
    }

    /// Makes a staged run what holds, in the caller's transaction. `bookmark`: from where the source is asked next time.
    ///
    /// # Errors
    /// `Conflict` where it was taken for dead, or another source went live in the same moment.
    pub async fn switch(&self, tx: &mut Tx, staged: &Staged, bookmark: Option<&str>) -> Result<Ended, ImportError> {
        let said = Closing { summary: &json(&staged.preview), bookmark };
        Ok(self.db.rosters().switch(tx, &staged.hold, &staged.world, said, self.clock.now()).await?)
    }

    /// Gives up a staged run, so that another import need not wait until its lease is over.
    pub async fn abandon(&self, staged: &Staged) {
        let summary = json(&staged.preview);
        drop(self.db.rosters().release(&staged.hold, "failed", &summary, self.clock.now()).await);
    }

    /// Takes the latest live run of a source back, or with `and_later` all from `run` on: exactly what held before
    /// holds again.
    ///
    /// # Errors
    /// `Conflict` where later runs are in the way, the run is too old, or there is none; `CardsTaken`.
    pub async fn undo(&self, source: &SourceId, run: Option<i64>, and_later: bool) -> Result<UndoOutcome, ImportError> {
        let undoing = self.prepare_undo(source, run, and_later).await?;
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
    pub async fn prepare_undo(
        &self,
        source: &SourceId,
        run: Option<i64>,
        and_later: bool,
    ) -> Result<Undoing, ImportError> {
        let rosters = self.db.rosters();
        let hold = rosters.hold_for_undo(source, run, and_later, self.clock.now()).await?;
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
        let elsewhere = self.db.rosters().cards_elsewhere(&hold.source, self.rules.now).await?;
        let kept = self.db.kept_numbers().await?;
        if elsewhere.is_empty() && kept.is_empty() {
            return Ok(Vec::new());
        }
        let restored = self.db.rosters().people(&hold.source, hold.before).await?;
        let present = restored.into_iter().filter_map(|known| Some((known.patron, known.held?)));
        let present = present.filter(|(_, held)| held.present);
        let taken = present.filter(|(patron, held)| {
            elsewhere.contains_key(&held.card) || kept.get(&held.card).is_some_and(|of| of != patron)
        });
        Ok(taken.map(|(_, held)| held.card.to_string()).collect())
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

fn broken(error: tokio::task::JoinError) -> ImportError {
    ImportError::Store(store::corrupt(format!("comparing failed: {error}")))
}

fn json(preview: &Preview) -> String {
    serde_json::to_string(preview).unwrap_or_default()
}
