//! Rosters: import with its guard, the list of runs, undo. Each that changes anything leaves an event in the
//! transaction that makes it visible.

use std::{path::Path, sync::Arc};

use anyhow::{Context, Result, ensure};
use serde_json::json;

use super::Desk;
pub use crate::directory::{
    Report,
    oneroster::Progress as Reading,
    roster::{Change, Counts, ImportError, ImportOptions, Movement, Preview, Run, Step},
};
use crate::{
    directory::{
        oneroster,
        roster::{self, ImportOutcome, Merge, Progress, Rules, UndoOutcome},
        source::{self, Delivery, Source},
    },
    domain::{
        audit::{AuditEvent, Kind},
        card::InitialPin,
        id::SourceId,
        test_patron::is_reserved,
    },
    store::audit,
};

/// Reads the delivery at `path`, as the kind of its source does, and makes it what holds; with `options.dry_run` only says what that would change.
///
/// # Errors
/// Where the delivery cannot be trusted as a whole, the guard stops it, or the database does not answer; then
/// nothing is changed.
pub async fn import(
    desk: &Desk,
    opened: &Arc<dyn Source>,
    source: &str,
    path: &Path,
    options: ImportOptions,
    reading: impl Fn(oneroster::Progress) + Send + Sync + 'static,
    merging: &Progress<'_>,
) -> Result<ImportOutcome> {
    let catalogue = desk.db.catalogue().load().await?;
    let source: SourceId = source.parse()?;
    let known = || catalogue.sources.keys().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    ensure!(catalogue.sources.contains_key(&source), "there is no source {source}; the programme has: {}", known());
    ensure!(!catalogue.organisations.is_empty(), "no organisation is declared yet: apply a configuration first");

    let birthdays = catalogue.organisations.values().any(|o| o.initial_pin == InitialPin::BirthdayMmdd);
    let today = desk.config.library.time_zone.date(desk.clock.now());
    let classes = desk.config.classes.read;
    let opened = opened.clone();
    ensure!(opened.file().is_some(), "deliveries of {source} are fetched from its server: nobody can bring one");
    let delivery = path.to_owned();
    let roster = tokio::task::spawn_blocking(move || {
        let progress = |done, total| reading(oneroster::Progress { done, total });
        let reading = source::Reading { birthdays, classes, today, progress: &progress };
        opened.file().map(|file| file.read(&delivery, &reading))
    })
    .await
    .context("reading the delivery failed")?
    .context("nobody reads such files")?
    .with_context(|| format!("{} was not imported", path.display()))?;

    let rules = Rules::of(&catalogue, &source, desk.clock.now(), &desk.config.library.time_zone);
    let origin = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let delivery = Delivery { roster, origin, bookmark: None };
    Ok(merge(desk, &rules, merging).deliver(&source, delivery, options).await?)
}

pub(super) fn merge<'a>(desk: &'a Desk, rules: &'a Rules, progress: &'a Progress<'a>) -> Merge<'a> {
    Merge { db: &desk.db, clock: &desk.clock, pin_key: desk.keyring.pin_key(), rules, progress }
}

/// The runs of a source, or of all, the newest first.
///
/// # Errors
/// Those of the database.
pub async fn runs(desk: &Desk, source: Option<&str>) -> Result<Vec<Run>> {
    let source: Option<SourceId> = source.map(str::parse).transpose()?;
    Ok(roster::runs(&desk.db, source.as_ref()).await?)
}

/// Brings back what held before the latest import of `source`, or with `and_later` before `run` and all after it.
///
/// # Errors
/// Where there is nothing to undo, another import is under way, or the database does not answer.
pub async fn undo(
    desk: &Desk,
    source: &str,
    run: Option<i64>,
    and_later: bool,
    merging: &Progress<'_>,
) -> Result<UndoOutcome> {
    let catalogue = desk.db.catalogue().load().await?;
    let source: SourceId = source.parse()?;
    let test = is_reserved(source.as_str());
    ensure!(!test, "{source} holds test patrons, which come and go with the configuration file: apply another one");
    let rules = Rules::of(&catalogue, &source, desk.clock.now(), &desk.config.library.time_zone);
    let merge = merge(desk, &rules, merging);
    let undoing = merge.prepare_undo(&source, run, and_later).await?;
    let switched = async {
        let mut tx = desk.db.begin().await?;
        let ended = merge.unswitch(&mut tx, &undoing).await?;
        let payload = json!({ "source": source.as_str(), "run": undoing.run(), "live": undoing.live() });
        audit::append_alone(&mut tx, &[AuditEvent { at: desk.clock.now(), kind: Kind::ImportUndo, payload }]).await?;
        tx.commit().await?;
        Ok::<_, ImportError>(ended)
    };
    let switched = switched.await;
    merge.settle(&undoing).await;
    Ok(UndoOutcome { run: undoing.run(), live: undoing.live(), ended: switched? })
}
