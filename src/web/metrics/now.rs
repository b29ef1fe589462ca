//! What is looked up for a scrape, rather than counted: keys, certificates, sources, whether store and shelf answer, the
//! process itself. At most once in a few seconds, however many scrape.

use std::{path::Path, time::Duration};

use tokio::time::{Instant, timeout};

use crate::{
    app::App,
    domain::{clock::Timestamp, key::SAML},
    signon::SignOn,
    telemetry::metrics::Metrics,
    wire::certificate,
};

const FRESH_FOR: Duration = Duration::from_secs(2);
/// Whoever scrapes gives up after some ten seconds.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

pub async fn look(signon: &SignOn) {
    let app = signon.app();
    // Whoever comes while somebody looks waits for that, and reads what was found.
    let mut looked = app.looked.lock().await;
    if looked.is_some_and(|at| at.elapsed() < FRESH_FOR) {
        return;
    }
    parts(app).await;
    sources(app).await;
    keys(app);
    certificates(app);
    process(&app.metrics);
    *looked = Some(Instant::now());
}

async fn parts(app: &App) {
    let metrics = &app.metrics;
    let (store, shelf) = tokio::join!(timeout(ANSWERS_WITHIN, app.store.ping()), app.shelf.ping());
    let (store, shelf) = (matches!(store, Ok(Ok(()))), shelf.is_ok());
    metrics.store_up.set(&[], truth(store));
    metrics.shelf_up.set(&[], truth(shelf));
    metrics.ready.set(&[], truth(store && shelf && !app.is_leaving()));
    let engine = if app.store.is_sqlite() { "sqlite" } else { "postgres" };
    metrics.build.set(&[env!("CARGO_PKG_VERSION"), engine, app.shelf.kind()], 1.0);
}

/// Where the database does not say, what it said last stands.
async fn sources(app: &App) {
    let metrics = &app.metrics;
    let asked = async { (app.store.schedules().all().await, app.store.rosters().live_runs().await) };
    let Ok((Ok(scheduled), Ok(live))) = timeout(ANSWERS_WITHIN, asked).await else { return };
    let (catalogue, now) = (app.catalogue(), app.clock.now());
    let of = |id: &str| {
        let fetched = scheduled.iter().find(|of| of.source.as_str() == id);
        (fetched, live.iter().find(|run| run.source == id))
    };
    let ids = || catalogue.sources.values();
    metrics.source_success.anew(|gauge| {
        for source in ids() {
            let (fetched, run) = of(source.id.as_str());
            let good = fetched.and_then(|of| of.good_at).max(run.and_then(|run| run.finished_at));
            good.into_iter().for_each(|at| gauge.set(&[source.id.as_str()], seconds(at)));
        }
    });
    metrics.source_people.anew(|gauge| {
        for source in ids() {
            let people = of(source.id.as_str()).1.and_then(|run| people(&run.summary));
            people.into_iter().for_each(|people| gauge.set(&[source.id.as_str()], people));
        }
    });
    let fetched =
        || ids().filter(|s| !s.timetable.is_empty()).filter_map(|s| Some((s.id.as_str(), of(s.id.as_str()).0?)));
    metrics.source_attempt.anew(|gauge| {
        fetched().for_each(|(id, of)| of.started_at.into_iter().for_each(|at| gauge.set(&[id], seconds(at))));
    });
    metrics.source_failure.anew(|gauge| {
        let failed = fetched().filter(|(_, of)| of.outcome.is_bad());
        failed.for_each(|(id, of)| of.finished_at.into_iter().for_each(|at| gauge.set(&[id], seconds(at))));
    });
    metrics.source_due.anew(|gauge| fetched().for_each(|(id, of)| gauge.set(&[id], seconds(of.due_at))));
    metrics.source_bad.anew(|gauge| fetched().for_each(|(id, of)| gauge.set(&[id], truth(!of.is_good(now)))));
}

/// Of a run's preview, how many people there were after it.
fn people(preview: &str) -> Option<f64> {
    let preview: serde_json::Value = serde_json::from_str(preview).ok()?;
    preview["totals"]["present_after"].as_f64()
}

fn keys(app: &App) {
    let (metrics, now) = (&app.metrics, app.clock.now());
    let purpose = |algorithm: &str| if algorithm == SAML { "saml" } else { "token" };
    metrics.key_age.anew(|gauge| {
        for life in app.keyring.lives().into_iter().filter(|life| life.is_published()) {
            let labels = [purpose(&life.algorithm), &life.algorithm, &life.kid, life.state(now).as_str()];
            gauge.set(&labels, seconds(now) - seconds(life.active_from));
        }
    });
    metrics.key_due.anew(|gauge| {
        for (algorithm, due) in app.keyring.rotations_due() {
            gauge.set(&[purpose(&algorithm), &algorithm], seconds(due));
        }
    });
}

fn certificates(app: &App) {
    let config = &app.config;
    app.metrics.certificate_end.anew(|gauge| {
        let files = [("https", config.tls.as_ref()), ("sip2", config.sip2.tls.as_ref())];
        for (whose, tls) in files {
            let end = tls.and_then(|tls| end_of(&tls.certificate));
            end.into_iter().for_each(|end| gauge.set(&[whose], end));
        }
        for of_saml in app.keyring.certificates(app.clock.now()) {
            gauge.set(&[&format!("saml:{}", of_saml.id)], seconds(of_saml.not_after));
        }
    });
}

fn end_of(file: &Path) -> Option<f64> {
    let text = std::fs::read_to_string(file).ok()?;
    let first = certificate::first_of_pem(&text).ok()?;
    Some(seconds(Timestamp(first.not_after.saturating_mul(1000))))
}

/// As Linux has it; elsewhere nothing is said.
fn process(metrics: &Metrics) {
    let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).ok();
    // After the name, which may hold blanks, in parentheses: the 12th and 13th are ticks of a hundredth of a second.
    let ticks = read("stat").and_then(|stat| {
        let (_, fields) = stat.rsplit_once(") ")?;
        let mut fields = fields.split(' ').skip(11);
        Some(fields.next()?.parse::<f64>().ok()? + fields.next()?.parse::<f64>().ok()?)
    });
    ticks.into_iter().for_each(|ticks| metrics.cpu.set(&[], ticks / 100.0));
    let resident = read("status").and_then(|status| {
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse::<f64>().ok()
    });
    resident.into_iter().for_each(|kibibytes| metrics.memory.set(&[], kibibytes * 1024.0));
    let open = std::fs::read_dir("/proc/self/fd").map(|entries| entries.count());
    open.into_iter().for_each(|open| metrics.files.set(&[], u32::try_from(open).map_or(f64::MAX, f64::from)));
    let limit = rlimit::getrlimit(rlimit::Resource::NOFILE);
    limit
        .into_iter()
        .for_each(|(soft, _)| metrics.files_limit.set(&[], u32::try_from(soft).map_or(f64::MAX, f64::from)));
}

#[expect(clippy::cast_precision_loss, reason = "Prometheus's numbers are floats")]
fn seconds(at: Timestamp) -> f64 {
    at.millis() as f64 / 1000.0
}

fn truth(is: bool) -> f64 {
    if is { 1.0 } else { 0.0 }
}
