//! A run as a row: a table for people on standard error, one JSON document for machines on standard output.

use serde::Serialize;

use super::drill::Outcome;

#[derive(Debug, Serialize)]
pub struct Row {
    pub target: String,
    pub scenario: String,
    pub concurrency: usize,
    pub seconds: f64,
    pub operations: usize,
    pub errors: u64,
    pub per_second: f64,
    pub p50_ms: f64,
    pub p99_ms: f64,
    pub max_ms: f64,
    /// Absent where no `--pid` was given.
    pub server_cpu_ms: Option<f64>,
    pub generator_cpu_ms: f64,
    pub rss_mib: Option<f64>,
    pub peak_mib: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tokens: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub what_failed: Vec<(String, u64)>,
}

impl Row {
    pub fn new(target: &str, scenario: &str, concurrency: usize, outcome: &Outcome, metered: bool) -> Row {
        let operations = outcome.latencies.len();
        let seconds = outcome.elapsed.as_secs_f64();
        let each = |cpu: std::time::Duration| cpu.as_secs_f64() * 1000.0 / operations.max(1) as f64;
        let mut what_failed: Vec<(String, u64)> =
            outcome.errors.iter().map(|(error, times)| (error.clone(), *times)).collect();
        what_failed.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        what_failed.truncate(5);
        Row {
            target: target.to_owned(),
            scenario: scenario.to_owned(),
            concurrency,
            seconds: rounded(seconds),
            operations,
            errors: outcome.error_count(),
            per_second: rounded(operations as f64 / seconds),
            p50_ms: rounded(outcome.percentile(0.5)),
            p99_ms: rounded(outcome.percentile(0.99)),
            max_ms: rounded(outcome.percentile(1.0)),
            server_cpu_ms: metered.then(|| rounded(each(outcome.server_cpu))),
            generator_cpu_ms: rounded(each(outcome.own_cpu)),
            rss_mib: metered.then(|| rounded(outcome.memory.now)),
            peak_mib: metered.then(|| rounded(outcome.memory.peak)),
            tokens: outcome.tokens.clone(),
            what_failed,
        }
    }

    pub fn failed(&self) -> bool {
        self.errors > 0 || self.operations == 0
    }

    pub fn heading() {
        eprintln!(
            "{:<14} {:<12} {:>4} {:>9} {:>6} {:>10} {:>9} {:>9} {:>11} {:>11} {:>8} {:>8}",
            "target",
            "scenario",
            "c",
            "ops",
            "errors",
            "per s",
            "p50 ms",
            "p99 ms",
            "CPU-ms/op",
            "(generator)",
            "RSS MiB",
            "peak"
        );
    }

    pub fn print(&self) {
        let shown = |number: Option<f64>| number.map_or_else(|| "-".to_owned(), |number| number.to_string());
        eprintln!(
            "{:<14} {:<12} {:>4} {:>9} {:>6} {:>10} {:>9} {:>9} {:>11} {:>11} {:>8} {:>8}  {}",
            self.target,
            self.scenario,
            self.concurrency,
            self.operations,
            self.errors,
            self.per_second,
            self.p50_ms,
            self.p99_ms,
            shown(self.server_cpu_ms),
            self.generator_cpu_ms,
            shown(self.rss_mib),
            shown(self.peak_mib),
            self.tokens.as_deref().unwrap_or_default(),
        );
        for (error, times) in &self.what_failed {
            eprintln!("    {times} × {error}");
        }
    }
}

/// Three significant decimals are more than a measure on a shared machine is worth.
pub fn rounded(number: f64) -> f64 {
    let step = if number >= 100.0 { 1.0 } else { 1000.0 };
    (number * step).round() / step
}
