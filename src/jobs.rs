//! What runs on a clock: looking for changes made by other processes, turning keys, ending sessions and telling of it,
//! writing down what was only remembered, and erasing what is over.

mod fetch;

use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::json;

use crate::{
    app::App,
    domain::{
        audit::{AuditEvent, Kind},
        key::readings,
    },
    signon::SignOn,
    store::{catalogue::Versions, retention::Erased},
};

/// A change made beside us is seen within this time.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// Looking at the keys' dates costs nothing; only a turn that is due touches the database.
const TURN_EVERY: Duration = Duration::from_millis(500);
/// No counter is less than nothing.
const UNREAD: i64 = -1;
const COUNT_FETCHES_EVERY: Duration = Duration::from_secs(10);
/// A session is over at most so long after its time.
const EXPIRE_EVERY: Duration = Duration::from_secs(10);
/// Relying parties hear of a session's end within this time, where nobody waits for it.
const PART_EVERY: Duration = Duration::from_millis(500);
const ERASE_EVERY: Duration = Duration::from_secs(3600);
const WRITE_DOWN_EVERY: Duration = Duration::from_secs(2);

/// Runs until the process ends.
pub fn start(signon: &SignOn) {
    tokio::spawn(watch(signon.clone()));
    tokio::spawn(erase_hourly(signon.clone()));
    tokio::spawn(turn_keys(signon.clone()));
    tokio::spawn(write_down(signon.clone()));
    tokio::spawn(expire(signon.clone()));
    tokio::spawn(part(signon.clone()));
    tokio::spawn(fetch::by_timetable(signon.clone()));
}

/// Commands work beside a running server: it sees what they changed by the version counters.
async fn watch(signon: SignOn) {
    let mut seen: Option<Versions> = None;
    let mut failing = false;
    loop {
        let before = seen;
        let looked = tokio::time::timeout(signon.app().store.patience(), look(&signon, &mut seen)).await;
        let looked = looked.unwrap_or_else(|_| {
            // Cut short, nothing of it counts as seen.
            seen = before;
            Err(anyhow::anyhow!(LATE))
        });
        match looked {
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

const LATE: &str = "the database did not answer in time";

/// No database keeps a job for longer than it would keep a reader: what comes after must go on, on another connection.
async fn in_time<T>(signon: &SignOn, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::time::timeout(signon.app().store.patience(), work).await.context(LATE)?
}

async fn look(signon: &SignOn, seen: &mut Option<Versions>) -> Result<()> {
    let app = signon.app();
    let now = app.store.catalogue().versions().await?;
    // At the start programme and keys are taken up once more: they were read before these counters were.
    let before = seen.replace(now).unwrap_or(Versions { catalogue: UNREAD, keys: UNREAD, ..now });
    if before == now {
        return Ok(());
    }
    if before.sessions != now.sessions {
        match app.store.sessions().parted(before.sessions, now.sessions).await {
            Ok(ended) => signon.have_ended(&ended),
            Err(error) => {
                *seen = Some(before);
                return Err(error.into());
            }
        }
    }
    if before.grants != now.grants {
        signon.forget_grants();
    }
    if before.pins != now.pins {
        signon.forget_pins();
    }
    if (before.catalogue, before.patrons, before.keys) == (now.catalogue, now.patrons, now.keys) {
        return Ok(());
    }
    if before.catalogue != now.catalogue {
        if let Err(error) = app.reload().await {
            *seen = Some(before);
            return Err(error.into());
        }
        tracing::info!("the programme was taken up");
    }
    if before.keys != now.keys {
        if let Err(error) = app.keyring.reload(&app.store, app.clock.now()).await {
            *seen = Some(before);
            return Err(error.into());
        }
        tracing::info!("the keys were taken up");
    }
    signon.look_again();
    Ok(())
}

/// The scheduler of `[keys]`. Every replica runs it; of several that find the same turn due, one carries it out.
async fn turn_keys(signon: SignOn) {
    let app = signon.app();
    let mut failing = false;
    let mut counted = app.clock.now();
    loop {
        let now = app.clock.now();
        app.keyring.look_at_the_clock(now);
        match app.keyring.turn(&app.store, &readings(&app.catalogue()), now).await {
            Ok(turns) => {
                turns.iter().for_each(|turn| tracing::info!(?turn, "a key turned"));
                failing = false;
            }
            Err(error) if !failing => {
                tracing::warn!(%error, "keys cannot be turned; they go on as they are");
                failing = true;
            }
            Err(_) => {}
        }
        if now.apart(counted) >= COUNT_FETCHES_EVERY {
            counted = now;
            let jwks = app.keyring.jwks();
            if let Some(fetches) = jwks.take_fetches()
                && let Err(error) = app.store.keys().count_fetches(&jwks.etag, fetches).await
            {
                tracing::debug!(%error, "fetches of the key set were not counted");
            }
        }
        tokio::time::sleep(TURN_EVERY).await;
    }
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

/// Ends sessions whose time is over, so that their vendors hear of it.
async fn expire(signon: SignOn) {
    loop {
        if let Err(error) = in_time(&signon, async { Ok(signon.expire().await?) }).await {
            tracing::warn!(%error, "cannot end the sessions that are over; trying again");
        }
        tokio::time::sleep(EXPIRE_EVERY).await;
    }
}

/// Tells vendors of sessions that ended, whoever ended them: a patron, their time, a command, a roster.
async fn part(signon: SignOn) {
    let mut failing = false;
    loop {
        let outcome = async {
            in_time(&signon, async { Ok(signon.part().await?) }).await?;
            Ok::<_, anyhow::Error>(signon.tell_due().await?)
        };
        match outcome.await {
            Ok(()) => failing = false,
            Err(error) if !failing => {
                tracing::warn!(%error, "cannot look for sessions that ended; trying again");
                failing = true;
            }
            Err(_) => {}
        }
        tokio::time::sleep(PART_EVERY).await;
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
/// aggregates remain; people withdrawn for longer than theirs go as well.
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
    app.store.people().erase_strays().await?;
    let left = now - app.config.retention.withdrawn;
    let people = app.store.people().erase_long_withdrawn(left, now, &app.config.library.time_zone).await?.people;
    if people > 0 {
        app.store.people().clear_log().await?;
        tracing::info!(people, "erased people whom no roster has listed for long");
    }
    Ok(erased)
}
