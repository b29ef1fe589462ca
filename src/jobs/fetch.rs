//! Fetches rosters by their sources' timetables. Every replica looks; the one that takes a fetch on carries it out. A
//! failure is kept for `directory status`, logged, and told to the source's alert address.

use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;

use crate::{
    directory::{
        roster::{
            ImportOptions, Merge, Rules,
            fetch::{FetchError, FetchOptions},
        },
        source::Source,
    },
    domain::{catalogue::SourceSettings, clock::Timestamp, id::SourceId},
    signon::SignOn,
    store::schedules::{Outcome, Scheduled},
};

const LOOK_EVERY: Duration = Duration::from_secs(2);
/// What may pass by itself is tried again after this, unless the timetable comes first.
const TRY_AGAIN_AFTER: Duration = Duration::from_secs(10 * 60);
/// Who carries a fetch out says so as often.
const BEAT_EVERY: Duration = Duration::from_secs(5);
/// Whoever has not for so long is dead, and others begin anew. Longer than a dead import holds the roster.
const DEAD_AFTER: Duration = Duration::from_secs(90);
const ALERT_WITHIN: Duration = Duration::from_secs(10);

pub(super) async fn by_timetable(signon: SignOn) {
    let mut failing = false;
    loop {
        match all_due(&signon).await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                tracing::warn!(%error, "cannot look which rosters are due; trying again");
                failing = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn all_due(signon: &SignOn) -> Result<()> {
    let app = signon.app();
    let sources = app.sources.now();
    for (settings, source) in sources.all() {
        let now = app.clock.now();
        let Some(next) = settings.timetable.next(now, &app.config.library.time_zone) else { continue };
        let scheduled = app.store.schedules().of(&settings.id, next).await?;
        // Somebody has made the timetable denser since.
        if next < scheduled.due_at && scheduled.outcome != Outcome::Running {
            app.store.schedules().move_to(&settings.id, next).await?;
            continue;
        }
        if is_due(&scheduled, now) && app.store.schedules().take(&scheduled, next, now).await? {
            if scheduled.outcome == Outcome::Running {
                tracing::warn!(source = settings.id.as_str(), "whoever fetched its roster has died");
            }
            one(signon, settings, source.as_ref(), next).await?;
        }
    }
    Ok(())
}

fn is_due(scheduled: &Scheduled, now: Timestamp) -> bool {
    match scheduled.outcome {
        Outcome::Running => scheduled.started_at.is_none_or(|alive| now.apart(alive) >= DEAD_AFTER),
        _ => scheduled.due_at <= now,
    }
}

/// Says that this process is at it, until it is stopped.
async fn beat(signon: SignOn, id: SourceId) {
    loop {
        tokio::time::sleep(BEAT_EVERY).await;
        let app = signon.app();
        if let Err(error) = app.store.schedules().beat(&id, app.clock.now()).await {
            tracing::debug!(%error, "a fetch under way could not be said to be");
        }
    }
}

async fn one(signon: &SignOn, settings: &SourceSettings, source: &dyn Source, next: Timestamp) -> Result<()> {
    let app = signon.app();
    let id = &settings.id;
    tracing::info!(source = id.as_str(), "fetching its roster");
    let mut beating = JoinSet::new();
    beating.spawn(beat(signon.clone(), id.clone()));
    let fetched = fetch(signon, settings, source).await;
    beating.shutdown().await;
    let (outcome, detail, may_pass) = match fetched {
        Ok(detail) => detail,
        Err(error) => {
            let outcome = if error.is_guard() { Outcome::Stopped } else { Outcome::Failed };
            (outcome, error.to_string(), error.may_pass())
        }
    };
    let now = app.clock.now();
    app.store.schedules().finish(id, outcome, &detail, now).await?;
    if outcome.is_good() {
        tracing::info!(source = id.as_str(), outcome = outcome.as_str(), detail, "fetched");
        return Ok(());
    }
    tracing::error!(source = id.as_str(), outcome = outcome.as_str(), detail, "its roster is not in force");
    if may_pass {
        app.store.schedules().move_to(id, next.min(now + TRY_AGAIN_AFTER)).await?;
    }
    if let Some(url) = &settings.alert_url {
        let form = [("source", id.as_str()), ("outcome", outcome.as_str()), ("detail", detail.as_str())];
        if let Err(error) = app.outbound.post_form(url, &form, ALERT_WITHIN).await {
            tracing::error!(source = id.as_str(), %error, "nobody was told at its alert_url");
        }
    }
    Ok(())
}

async fn fetch(
    signon: &SignOn,
    settings: &SourceSettings,
    source: &dyn Source,
) -> Result<(Outcome, String, bool), FetchError> {
    let app = signon.app();
    let Some(pull) = source.roster() else {
        return Ok((Outcome::Failed, format!("a source of kind {} hands over no roster", settings.kind), false));
    };
    let catalogue = app.catalogue();
    let rules = Rules::of(&catalogue, &settings.id, app.clock.now(), &app.config.library.time_zone);
    let merge = Merge {
        db: &app.store,
        clock: &app.clock,
        pin_key: app.keyring.pin_key(),
        rules: &rules,
        progress: &|_, _, _| {},
    };
    let options = FetchOptions { import: ImportOptions::default(), whole: false, classes: app.config.classes.read };
    let outcomes = merge.fetch(&settings.id, pull, options, &|_, _| {}).await?;
    let Some(last) = outcomes.last() else { return Ok((Outcome::NothingNew, String::new(), false)) };
    let sum = |of: fn(&crate::directory::roster::Counts) -> u64| -> u64 {
        outcomes.iter().map(|outcome| of(&outcome.preview.totals)).sum()
    };
    let detail = format!(
        "{} added, {} changed, {} returning, {} withdrawn, {} refused; {} people have cards",
        sum(|c| c.added),
        sum(|c| c.changed),
        sum(|c| c.returning),
        sum(|c| c.withdrawn),
        sum(|c| c.refused),
        last.preview.totals.present_after,
    );
    Ok((Outcome::Taken, detail, false))
}
