//! What runs on a clock: looking for changes made by other processes, writing down what was only remembered, and erasing
//! what is over.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;

use crate::{
    app::App,
    domain::audit::{AuditEvent, Kind},
    signon::SignOn,
    store::{catalogue::Versions, retention::Erased},
};

/// A change made beside us is seen within this time.
const LOOK_EVERY: Duration = Duration::from_millis(250);
const ERASE_EVERY: Duration = Duration::from_secs(3600);
const WRITE_DOWN_EVERY: Duration = Duration::from_secs(2);

/// Runs until the process ends.
pub fn start(signon: &SignOn) {
    tokio::spawn(watch(signon.clone()));
    tokio::spawn(erase_hourly(signon.clone()));
    tokio::spawn(write_down(signon.clone()));
}

/// Commands work beside a running server: it sees what they changed by the version counters.
async fn watch(signon: SignOn) {
    let mut seen: Option<Versions> = None;
    let mut failing = false;
    loop {
        match look(&signon, &mut seen).await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                tracing::warn!(%error, "cannot look for changes; going on with what is known");
                failing = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

async fn look(signon: &SignOn, seen: &mut Option<Versions>) -> Result<()> {
    let app = signon.app();
    let now = app.store.catalogue().versions().await?;
    let Some(before) = seen.replace(now) else { return Ok(()) };
    if before == now {
        return Ok(());
    }
    if before.catalogue != now.catalogue {
        match app.store.catalogue().load().await {
            Ok(catalogue) => app.catalogue.replace(catalogue),
            Err(error) => {
                *seen = Some(before);
                return Err(error.into());
            }
        }
        tracing::info!("the programme changed");
    }
    signon.look_again();
    Ok(())
}

/// Which scopes vendors ask for, by which names.
async fn write_down(signon: SignOn) {
    loop {
        tokio::time::sleep(WRITE_DOWN_EVERY).await;
        if let Err(error) = signon.write_down_asked().await {
            tracing::warn!(%error, "which scopes were asked for is not written down yet");
        }
    }
}

async fn erase_hourly(signon: SignOn) {
    loop {
        if let Err(error) = erase(signon.app()).await {
            tracing::warn!(%error, "the retention job did not finish; it runs again in an hour");
        }
        tokio::time::sleep(ERASE_EVERY).await;
    }
}

/// One run of the retention job: what tells of a patron and is older than the configured time goes, and daily
/// aggregates remain.
///
/// # Errors
/// Those of the database.
pub async fn erase(app: &App) -> Result<Erased> {
    let now = app.clock.now();
    let before = now - app.config.retention.who_went_where;
    let erased =
        app.store.retention().erase(before, now - app.config.session.absolute, &app.config.library.time_zone).await?;
    if erased != Erased::default() {
        let payload = json!({ "events": erased.events, "passages": erased.passages, "sessions": erased.sessions });
        let event = AuditEvent { at: now, kind: Kind::Retention, payload };
        app.journal.keep(Vec::new(), vec![event]).await?;
        tracing::info!(
            events = erased.events,
            passages = erased.passages,
            sessions = erased.sessions,
            "erased what was over"
        );
    }
    Ok(erased)
}
