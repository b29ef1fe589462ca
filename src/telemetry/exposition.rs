//! Prometheus's text format 0.0.4, which everything that scrapes reads (docs/decisions/0019-metrics-of-our-own.md).

use std::fmt::Write;

use super::measure::{BOUNDS, Declared, Family, Measure, Reading};

pub const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// A scrape that is being written.
#[derive(Debug, Default)]
pub struct Page(String);

impl Page {
    /// All series of a metric; nothing where it has none.
    pub fn family<M: Measure>(&mut self, family: &Family<M>) {
        let series = family.read();
        if series.is_empty() {
            return;
        }
        let Declared { name, kind, labels, help } = family.declared();
        let help = help.replace('\\', r"\\").replace('\n', r"\n");
        self.line(format_args!("# HELP {name} {help}\n# TYPE {name} {}", kind.as_str()));
        for (values, reading) in series {
            let pairs: Vec<String> = labels.iter().zip(&values).map(|(label, value)| pair(label, value)).collect();
            match reading {
                Reading::Number(number) => self.line(format_args!("{name}{} {number}", braced(&pairs, None))),
                Reading::Spread(buckets, seconds) => self.spread(name, &pairs, buckets, seconds),
            }
        }
    }

    fn spread(&mut self, name: &str, pairs: &[String], buckets: [u64; BOUNDS.len() + 1], seconds: f64) {
        let mut below = 0;
        for (number, bucket) in buckets.iter().enumerate() {
            below += bucket;
            let end = BOUNDS.get(number).map_or_else(|| "+Inf".to_owned(), f64::to_string);
            self.line(format_args!("{name}_bucket{} {below}", braced(pairs, Some(&end))));
        }
        let labels = braced(pairs, None);
        self.line(format_args!("{name}_sum{labels} {seconds}\n{name}_count{labels} {below}"));
    }

    fn line(&mut self, line: std::fmt::Arguments<'_>) {
        // A text takes whatever is written to it.
        writeln!(self.0, "{line}").ok();
    }

    pub fn into_text(self) -> String {
        self.0
    }
}

fn pair(label: &str, value: &str) -> String {
    let value = value.replace('\\', r"\\").replace('"', "\\\"").replace('\n', r"\n");
    format!("{label}=\"{value}\"")
}

fn braced(pairs: &[String], end: Option<&str>) -> String {
    let end = end.map(|end| format!("le=\"{end}\""));
    let all: Vec<&str> = pairs.iter().map(String::as_str).chain(end.as_deref()).collect();
    if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(",")) }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{
        super::measure::{Counter, Histogram, Kind},
        *,
    };

    #[test]
    fn no_value_breaks_out_of_its_quotes() {
        let declared = Declared { name: "a", kind: Kind::Counter, labels: &["x", "y"], help: "One\nline \\ of it." };
        let family: Family<Counter> = Family::new(declared);
        family.count(&["\"} 1\nb 2", "\\"]);
        let mut page = Page::default();
        page.family(&family);
        assert_eq!(
            page.into_text(),
            "# HELP a One\\nline \\\\ of it.\n# TYPE a counter\na{x=\"\\\"} 1\\nb 2\",y=\"\\\\\"} 1\n"
        );
    }

    #[test]
    fn buckets_add_up() {
        let family: Family<Histogram> =
            Family::new(Declared { name: "t", kind: Kind::Histogram, labels: &[], help: "Time." });
        family.observe(&[], Duration::from_millis(1));
        family.observe(&[], Duration::from_secs(20));
        let mut page = Page::default();
        page.family(&family);
        let text = page.into_text();
        for line in [
            "t_bucket{le=\"0.0005\"} 0",
            "t_bucket{le=\"0.001\"} 1",
            "t_bucket{le=\"10\"} 1",
            "t_bucket{le=\"+Inf\"} 2",
        ] {
            assert!(text.contains(&format!("{line}\n")), "{line}: {text}");
        }
        assert!(text.ends_with("t_sum 20.001\nt_count 2\n"), "{text}");
    }
}
