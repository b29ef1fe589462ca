//! Every metric, declared once: what is scraped, docs/operate/metrics.md and the test that compares the chart's dashboard
//! and rules with them follow from here. No label names a patron, and each has few values: ids that the library gave
//! (vendors, sources, keys), codes and templates that stand in this code.

use std::sync::Arc;

use super::{
    exposition::Page,
    measure::{Counter, Declared, Family, Gauge, Histogram, Level, Measure, OTHER, Total},
};

macro_rules! metrics {
    ($($field:ident: $measure:ident, $name:literal, [$($label:literal),*], $help:literal;)*) => {
        /// One process's metrics. Counting is adding to an atomic.
        #[derive(Debug)]
        pub struct Metrics {
            $(pub $field: Family<$measure>,)*
        }

        impl Default for Metrics {
            fn default() -> Metrics {
                Metrics { $($field: Family::new(Declared {
                    name: $name, kind: $measure::KIND, labels: &[$($label),*], help: $help,
                }),)* }
            }
        }

        /// Each of them, in the order of the scrape.
        pub const DECLARED: &[Declared] = &[$(Declared {
            name: $name, kind: <$measure as Measure>::KIND, labels: &[$($label),*], help: $help,
        },)*];

        impl Metrics {
            /// As they are now.
            pub fn written(&self) -> String {
                let mut page = Page::default();
                $(page.family(&self.$field);)*
                page.into_text()
            }
        }
    };
}

metrics! {
    // ── People ──────────────────────────────────────────────────────────────────────────────────────────────────────
    sign_ins: Counter, "oneaccess_sign_ins_total", ["way", "outcome"],
        "Tries to sign in on a page: by pin, badge, directory or upstream:ID; signed-in, wrong, throttled, refused, busy or fault.";
    refusals: Counter, "oneaccess_refusals_total", ["reason", "protocol"],
        "Refusals that the audit keeps, by the reason's stable code and the protocol of who asked; none on our own pages.";
    clicks: Counter, "oneaccess_clicks_total", ["protocol", "vendor"],
        "Times that a vendor was told yes, each with its audit event: a grant, or by sip2, patronapi and ezproxy a good card.";
    exchanges: Counter, "oneaccess_vendor_exchanges_total", ["vendor", "protocol", "step", "outcome"],
        "What vendors and we said to each other: ok, or the code of the error or refusal. For sip2 the step is the message.";
    farewells: Counter, "oneaccess_farewells_total", ["vendor", "protocol", "outcome"],
        "Vendors told of a session's end by a message: told, later (tried again) or given-up.";

    // ── Requests ────────────────────────────────────────────────────────────────────────────────────────────────────
    http: Histogram, "oneaccess_http_request_duration_seconds", ["route", "method", "status"],
        "Seconds from a request's head to its answer's head, by the route's template and the status's class.";
    in_flight: Level, "oneaccess_http_requests_in_flight", [],
        "Requests that are being worked at.";
    in_flight_limit: Gauge, "oneaccess_http_requests_limit", [],
        "Requests that may be worked at at the same time, [serving] requests.";
    shed: Counter, "oneaccess_http_requests_shed_total", [],
        "Requests answered 503 at once, because there were too many at the same time.";

    // ── Steps ───────────────────────────────────────────────────────────────────────────────────────────────────────
    hash_wait: Histogram, "oneaccess_pin_hash_wait_seconds", [],
        "Seconds that a PIN check waited for a thread.";
    hash_run: Histogram, "oneaccess_pin_hash_run_seconds", [],
        "Seconds that a PIN check took once it had one.";
    hash_queue: Level, "oneaccess_pin_hash_queue", [],
        "PIN checks that wait or run.";
    hash_queue_limit: Gauge, "oneaccess_pin_hash_queue_limit", [],
        "PIN checks that may wait or run, [hashing] queue and threads together.";
    hash_refused: Counter, "oneaccess_pin_hash_refused_total", [],
        "PIN checks that were not begun, because the queue was full.";
    journal_commit: Histogram, "oneaccess_journal_commit_seconds", [],
        "Seconds that a transaction of sessions, grants and audit events took; many requests share one.";
    journal_entries: Counter, "oneaccess_journal_entries_total", ["outcome"],
        "Requests' entries in those transactions: kept or failed.";
    shelf_round_trip: Histogram, "oneaccess_shelf_round_trip_seconds", [],
        "Seconds that Redis took to answer. Nothing, where the shelf is in the process.";
    shelf_failures: Counter, "oneaccess_shelf_failures_total", [],
        "Questions that Redis did not answer.";
    signing: Histogram, "oneaccess_signing_seconds", ["alg"],
        "Seconds that signing a token or an assertion took, by algorithm.";

    // ── SIP2 ────────────────────────────────────────────────────────────────────────────────────────────────────────
    sip2_open: Level, "oneaccess_sip2_connections", [],
        "SIP2 connections that are open.";
    sip2_limit: Gauge, "oneaccess_sip2_connections_limit", [],
        "SIP2 connections that may be open, [sip2] connections. Nothing, where nobody listens.";
    sip2_connections: Counter, "oneaccess_sip2_connections_total", ["outcome"],
        "SIP2 connections: taken, full (turned away) or unwelcome (no vendor may ask from there).";

    // ── Keys and certificates ───────────────────────────────────────────────────────────────────────────────────────
    key_age: Gauge, "oneaccess_key_age_seconds", ["use", "alg", "kid", "state"],
        "Seconds since a published signing key first signed, or was to; below nothing for one that waits.";
    key_due: Gauge, "oneaccess_key_rotation_due_timestamp_seconds", ["use", "alg"],
        "When the next key of this algorithm is due. Nothing, where keys turn by command alone.";
    certificate_end: Gauge, "oneaccess_certificate_expiry_timestamp_seconds", ["of"],
        "When a certificate ends: https, sip2, or saml:ID for a key of ours.";

    // ── Sources ─────────────────────────────────────────────────────────────────────────────────────────────────────
    source_success: Gauge, "oneaccess_source_last_success_timestamp_seconds", ["source"],
        "When a source last went well: fetched by its timetable, or brought in by hand.";
    source_attempt: Gauge, "oneaccess_source_last_attempt_timestamp_seconds", ["source"],
        "When a fetch by timetable last began.";
    source_failure: Gauge, "oneaccess_source_last_failure_timestamp_seconds", ["source"],
        "When the last fetch by timetable failed or was stopped. Nothing, where it went well.";
    source_due: Gauge, "oneaccess_source_next_due_timestamp_seconds", ["source"],
        "When a source is fetched next by its timetable.";
    source_bad: Gauge, "oneaccess_source_bad", ["source"],
        "1 where `oneaccess directory status --check` would fail: failed, stopped by the guard, or overdue.";
    source_people: Gauge, "oneaccess_source_people", ["source"],
        "People in a source's run in force.";

    // ── The process ─────────────────────────────────────────────────────────────────────────────────────────────────
    ready: Gauge, "oneaccess_ready", [],
        "1 where /health/ready says yes.";
    store_up: Gauge, "oneaccess_store_up", [],
        "1 where the database answers.";
    shelf_up: Gauge, "oneaccess_shelf_up", [],
        "1 where the shelf answers.";
    build: Gauge, "oneaccess_build_info", ["version", "database", "shelf"],
        "1; the release, the engine of the database (sqlite, postgres) and the kind of shelf (memory, redis).";
    started: Gauge, "process_start_time_seconds", [],
        "When the process began.";
    cpu: Total, "process_cpu_seconds_total", [],
        "CPU seconds of the process so far.";
    memory: Gauge, "process_resident_memory_bytes", [],
        "Memory that the process holds.";
    files: Gauge, "process_open_fds", [],
        "Files and connections that are open.";
    files_limit: Gauge, "process_max_fds", [],
        "Files and connections that may be open.";
}

/// One of those that are there now, for as long as this is kept.
#[derive(Debug)]
pub struct Stay(Arc<Metrics>, fn(&Metrics) -> &Family<Level>);

impl Stay {
    pub fn of(metrics: &Arc<Metrics>, where_to: fn(&Metrics) -> &Family<Level>) -> Stay {
        where_to(metrics).at(&[], |level| level.moves(1));
        Stay(metrics.clone(), where_to)
    }
}

impl Drop for Stay {
    fn drop(&mut self) {
        (self.1)(&self.0).at(&[], |level| level.moves(-1));
    }
}

/// A method of HTTP, among those that we answer.
pub fn method(name: &str) -> &'static str {
    ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS"].into_iter().find(|known| *known == name).unwrap_or(OTHER)
}

/// The class of a status: `2xx`.
pub fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        5 => "5xx",
        _ => OTHER,
    }
}

/// The part of docs/operate/metrics.md that is made from the declarations.
pub fn table() -> String {
    let mut table = String::from("| Metric | Kind | Labels | What it says |\n|---|---|---|---|\n");
    for Declared { name, kind, labels, help } in DECLARED {
        let kind = kind.as_str();
        let labels: Vec<String> = labels.iter().map(|label| format!("`{label}`")).collect();
        table.push_str(&format!("| `{name}` | {kind} | {} | {help} |\n", labels.join(" ")));
    }
    table
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{super::measure::Kind, *};

    #[test]
    fn a_metric_says_its_unit_in_its_name() {
        let names: BTreeSet<&str> = DECLARED.iter().map(|declared| declared.name).collect();
        assert_eq!(names.len(), DECLARED.len());
        for Declared { name, kind, help, labels } in DECLARED {
            let plain = |text: &str| text.bytes().all(|b| b.is_ascii_lowercase() || b == b'_' || b.is_ascii_digit());
            assert!(plain(name) && labels.iter().all(|label| plain(label)), "{name}");
            assert!(name.starts_with("oneaccess_") || name.starts_with("process_"), "{name}");
            match kind {
                Kind::Counter => assert!(name.ends_with("_total"), "{name}"),
                Kind::Histogram => assert!(name.ends_with("_seconds"), "{name}"),
                Kind::Gauge => {}
            }
            assert!(help.ends_with('.') && !help.contains('|'), "{name}: {help}");
        }
    }

    #[test]
    fn what_nobody_knows_is_other() {
        assert_eq!((method("BREW"), class(99), class(204)), (OTHER, OTHER, "2xx"));
    }
}
