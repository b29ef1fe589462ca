//! Rosters: bring a delivery in, look back at what came in, take the last one back.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, bail};
use serde::Serialize;
use serde_json::json;

use super::Desk;
use crate::{
    directory::{
        Report, Roster, oneroster,
        roster::{self, ImportError, ImportOptions, Merge, Preview, Run, Step},
    },
    domain::{
        audit::{AuditEvent, Kind as Event},
        card::InitialPin,
        catalogue::Catalogue,
        id::SourceId,
    },
    store::audit,
};

/// Told what is being done, how much of it is done, and how much there is (0: not known).
pub type Progress = Arc<dyn Fn(Stage, u64, u64) + Send + Sync>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Reading the delivery; counts bytes.
    Read,
    /// The rest counts people.
    Sweep,
    Known,
    Compare,
    Write,
}

/// What came of a delivery.
#[derive(Debug, Serialize)]
pub struct Imported {
    /// It is in force now: not so after a dry run, or where the guard stopped it.
    pub applied: bool,
    /// Why the guard stopped it.
    pub refused: Option<String>,
    pub preview: Preview,
    /// Every repair and every refused row.
    pub report: Report,
    pub sessions_ended: u64,
    pub grants_ended: u64,
}

/// Reads the delivery at `path` and merges it. It comes into force at once and as a whole, with its event.
///
/// # Errors
/// Where the source is not declared, the delivery cannot be read, or the database does not answer. A delivery that
/// the guard stops is no error: it comes back with `refused`.
pub async fn import(
    desk: &Desk,
    source: &str,
    path: &Path,
    options: ImportOptions,
    progress: Progress,
) -> Result<Imported> {
    let catalogue = desk.db.catalogue().load().await?;
    let source = declared(&catalogue, source)?;
    let origin = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into());
    let roster = read(desk, &catalogue, path, progress.clone()).await?;
    let tell = |step: Step, done: u64, total: u64| progress(stage_of(step), done, total);
    let merge = Merge {
        db: &desk.db,
        clock: &desk.clock,
        pin_key: desk.keyring.pin_key(),
        organisations: &catalogue.organisations,
        progress: &tell,
    };
    let (preview, report, ended) = if options.dry_run {
        let looked = merge.import(&source, &origin, roster, options).await?;
        (looked.preview, looked.report, None)
    } else {
        let staged = match merge.stage(&source, &origin, roster, options).await {
            Err(stopped @ ImportError::TooManyRemoved { .. }) => return stopped_by_guard(stopped),
            other => other?,
        };
        match switch(desk, &merge, &staged, &origin).await {
            Ok(ended) => (staged.preview, staged.report, Some(ended)),
            Err(error) => {
                merge.abandon(&staged).await;
                return Err(error);
            }
        }
    };
    let applied = ended.is_some();
    let ended = ended.unwrap_or_default();
    Ok(Imported {
        applied,
        refused: None,
        preview,
        report,
        sessions_ended: ended.sessions,
        grants_ended: ended.passages,
    })
}

fn stopped_by_guard(stopped: ImportError) -> Result<Imported> {
    let sentence = stopped.to_string();
    let ImportError::TooManyRemoved { preview, report } = stopped else { return Err(stopped.into()) };
    let (preview, report) = (*preview, *report);
    Ok(Imported { applied: false, refused: Some(sentence), preview, report, sessions_ended: 0, grants_ended: 0 })
}

/// The switch and its event, together.
async fn switch(
    desk: &Desk,
    merge: &Merge<'_>,
    staged: &roster::Staged,
    origin: &str,
) -> Result<crate::store::rosters::Ended> {
    let mut tx = desk.db.begin().await?;
    let ended = merge.switch(&mut tx, staged).await?;
    let Preview { source, run, totals, .. } = &staged.preview;
    let payload = json!({
        "source": source, "run": run, "origin": origin, "totals": totals,
        "rows_refused": staged.report.refusals(), "sessions_ended": ended.sessions,
    });
    audit::append_alone(&mut tx, &[AuditEvent { at: desk.clock.now(), kind: Event::Import, payload }]).await?;
    tx.commit().await?;
    Ok(ended)
}

/// Reading blocks, so it gets a thread of its own. Birthdays are read only where a first PIN is made from them.
async fn read(desk: &Desk, catalogue: &Catalogue, path: &Path, progress: Progress) -> Result<Roster> {
    let birthdays = catalogue.organisations.values().any(|o| o.initial_pin == InitialPin::BirthdayMmdd);
    let today = desk.config.library.time_zone.date(desk.clock.now());
    let place = path.to_owned();
    let reading = tokio::task::spawn_blocking(move || {
        let tell = |at: oneroster::Progress| progress(Stage::Read, at.done, at.total);
        oneroster::read(&place, &oneroster::Options { birthdays, today, progress: &tell })
    });
    let roster = reading.await.context("reading was cut off")?;
    roster.with_context(|| format!("{} was not read, and nothing was changed", path.display()))
}

fn stage_of(step: Step) -> Stage {
    match step {
        Step::Sweep => Stage::Sweep,
        Step::Read => Stage::Known,
        Step::Compare => Stage::Compare,
        Step::Stage => Stage::Write,
    }
}

fn declared(catalogue: &Catalogue, source: &str) -> Result<SourceId> {
    if let Some((id, _)) = catalogue.sources.get_key_value(source) {
        return Ok(id.clone());
    }
    let known: Vec<&str> = catalogue.sources.keys().map(SourceId::as_str).collect();
    match known.as_slice() {
        [] => bail!("there is no source {source:?}: declare it with [[source]] and apply the file"),
        known => bail!("there is no source {source:?}, but {}", known.join(", ")),
    }
}

/// The runs of a source, or of all, the newest first.
///
/// # Errors
/// Those of the database.
pub async fn runs(desk: &Desk, source: Option<&str>) -> Result<Vec<Run>> {
    let source = source.map(str::parse::<SourceId>).transpose()?;
    Ok(roster::runs(&desk.db, source.as_ref()).await?)
}

/// What an undo did.
#[derive(Debug, Serialize)]
pub struct Undone {
    pub source: SourceId,
    pub run: i64,
    /// What holds again; 0 where nothing does.
    pub live: i64,
    pub sessions_ended: u64,
}

/// Takes the last run of a source back, with its event: what held before it holds again.
///
/// # Errors
/// Where there is nothing to undo, or `run` is not the last one.
pub async fn undo(desk: &Desk, source: &str, run: Option<i64>) -> Result<Undone> {
    let catalogue = desk.db.catalogue().load().await?;
    let source = declared(&catalogue, source)?;
    let merge = Merge {
        db: &desk.db,
        clock: &desk.clock,
        pin_key: desk.keyring.pin_key(),
        organisations: &catalogue.organisations,
        progress: &|_, _, _| {},
    };
    let undoing = merge.prepare_undo(&source, run).await?;
    let unswitched = unswitch(desk, &merge, &undoing, &source).await;
    merge.settle(&undoing).await;
    let sessions_ended = unswitched?.sessions;
    let live = desk.db.rosters().live_run(&source).await?;
    Ok(Undone { source, run: undoing.run(), live, sessions_ended })
}

async fn unswitch(
    desk: &Desk,
    merge: &Merge<'_>,
    undoing: &roster::Undoing,
    source: &SourceId,
) -> Result<crate::store::rosters::Ended> {
    let mut tx = desk.db.begin().await?;
    let ended = merge.unswitch(&mut tx, undoing).await?;
    let payload = json!({ "source": source, "run": undoing.run(), "sessions_ended": ended.sessions });
    audit::append_alone(&mut tx, &[AuditEvent { at: desk.clock.now(), kind: Event::ImportUndo, payload }]).await?;
    tx.commit().await?;
    Ok(ended)
}
