//! Sets rows of one run against each other: the peer at equal concurrency, the sign-in against the hash limit.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::Context;
use serde_json::Value;

use super::report::rounded;

const OURS: &str = "oneaccess";

/// Reads a file of the documents that `--json` printed, one a line; answers the lines of the comparison.
pub fn compare(file: &Path) -> anyhow::Result<Vec<String>> {
    let text = fs::read_to_string(file).with_context(|| file.display().to_string())?;
    let documents: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let limits: Vec<f64> =
        documents.iter().filter(|one| one["threads"].is_u64()).filter_map(|one| one["per_second"].as_f64()).collect();
    Ok(lines(&Table::of(&documents), median(limits)))
}

fn lines(table: &Table, hash_limit: Option<f64>) -> Vec<String> {
    let mut lines = Vec::new();
    for (scenario, concurrency, target) in table.0.keys() {
        let ours = |figure| table.figure(OURS, scenario, *concurrency, figure);
        if target == OURS
            && scenario == "sign-in"
            && let (Some(rate), Some(limit)) = (ours("per_second"), hash_limit)
        {
            let share = rounded(100.0 * rate / limit);
            lines.push(format!("sign-in c={concurrency}: {rate}/s, {share} % of the hash limit ({limit}/s)"));
        }
        // Our own other settings stand in the report by themselves.
        if target.starts_with(OURS) {
            continue;
        }
        let theirs = |figure| table.figure(target, scenario, *concurrency, figure);
        for (figure, unit, more_is_better) in
            [("per_second", "per s", true), ("server_cpu_ms", "CPU-ms each", false), ("p99_ms", "ms at p99", false)]
        {
            if let (Some(ours), Some(theirs)) = (ours(figure), theirs(figure)) {
                let ratio = rounded(if more_is_better { ours / theirs } else { theirs / ours });
                let line =
                    format!("{scenario} c={concurrency}: {ours} {unit} to {target}'s {theirs}: {ratio} times as good");
                lines.push(line);
            }
        }
    }
    lines
}

/// The median of every figure, by scenario, concurrency and target.
struct Table(BTreeMap<(String, u64, String), BTreeMap<String, f64>>);

impl Table {
    fn of(documents: &[Value]) -> Table {
        let mut seen: BTreeMap<_, BTreeMap<String, Vec<f64>>> = BTreeMap::new();
        for row in documents.iter().filter_map(Value::as_array).flatten().filter_map(Value::as_object) {
            let word = |name: &str| row.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            let concurrency = row.get("concurrency").and_then(Value::as_u64).unwrap_or_default();
            let figures = seen.entry((word("scenario"), concurrency, word("target"))).or_default();
            for (name, value) in row {
                if let Some(number) = value.as_f64() {
                    figures.entry(name.clone()).or_default().push(number);
                }
            }
        }
        let medians = |figures: BTreeMap<String, Vec<f64>>| {
            figures.into_iter().filter_map(|(name, values)| Some((name, median(values)?))).collect()
        };
        Table(seen.into_iter().map(|(key, figures)| (key, medians(figures))).collect())
    }

    fn figure(&self, target: &str, scenario: &str, concurrency: u64, figure: &str) -> Option<f64> {
        self.0.get(&(scenario.to_owned(), concurrency, target.to_owned()))?.get(figure).copied()
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    values.get(values.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_median_of_a_run_is_set_against_the_peer_at_equal_concurrency() {
        let row = |target: &str, scenario: &str, c: u64, rate: f64, cpu: f64| {
            json!([{ "target": target,
            "scenario": scenario, "concurrency": c, "per_second": rate, "server_cpu_ms": cpu }])
        };
        let documents = [
            row("oneaccess", "click", 32, 2000.0, 0.8),
            row("oneaccess", "click", 32, 9000.0, 0.7),
            row("oneaccess", "click", 32, 1000.0, 0.9),
            row("oidc-provider", "click", 32, 500.0, 1.6),
            row("oidc-provider", "click", 1, 400.0, 1.6),
            row("oneaccess", "sign-in", 32, 90.0, 20.0),
        ];
        assert_eq!(
            lines(&Table::of(&documents), Some(100.0)),
            [
                "click c=32: 2000 per s to oidc-provider's 500: 4 times as good",
                "click c=32: 0.8 CPU-ms each to oidc-provider's 1.6: 2 times as good",
                "sign-in c=32: 90/s, 90 % of the hash limit (100/s)",
            ]
        );
    }
}
