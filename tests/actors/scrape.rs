//! A scrape of `/metrics`, read as strictly as the text format 0.0.4 is written.

use std::collections::{BTreeMap, BTreeSet};

use super::{Browser, Library};

/// A name and its labels.
type Series = (String, BTreeMap<String, String>);

/// Every sample by its name and labels, and each metric's kind.
#[derive(Debug, Clone, Default)]
pub struct Scrape {
    pub text: String,
    pub kinds: BTreeMap<String, String>,
    samples: BTreeMap<Series, f64>,
}

impl Scrape {
    pub async fn of(library: &Library) -> Scrape {
        let page = Browser::new().get(library.url("/metrics")).await;
        assert_eq!(page.status, 200, "{}", page.body);
        assert_eq!(page.header("content-type"), "text/plain; version=0.0.4; charset=utf-8");
        Scrape::read(&page.body)
    }

    #[track_caller]
    pub fn read(text: &str) -> Scrape {
        let mut scrape = Scrape { text: text.to_owned(), ..Scrape::default() };
        let mut helped = BTreeSet::new();
        let mut over = BTreeSet::new();
        let mut at = String::new();
        assert!(text.ends_with('\n'), "the last line has an end");
        for line in text.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(helped.insert(name.to_owned()) && !help.is_empty(), "{line}");
                continue;
            }
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert!(["counter", "gauge", "histogram"].contains(&kind) && helped.contains(name), "{line}");
                assert!(scrape.kinds.insert(name.to_owned(), kind.to_owned()).is_none(), "{line}");
                over.insert(std::mem::replace(&mut at, name.to_owned()));
                continue;
            }
            let (name, labels, value) = sample(line);
            let family = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| name.strip_suffix(end));
            let family = family.filter(|family| scrape.kinds.get(*family).is_some_and(|kind| kind == "histogram"));
            assert_eq!(family.unwrap_or(&name), at, "samples stand together, below their type: {line}");
            assert!(!over.contains(&at), "{line}");
            let before = scrape.samples.insert((name, labels), value);
            assert!(before.is_none(), "twice: {line}");
        }
        scrape.buckets_add_up();
        scrape
    }

    fn buckets_add_up(&self) {
        let mut last: BTreeMap<Series, Vec<(f64, f64)>> = BTreeMap::new();
        for ((name, labels), value) in &self.samples {
            let Some(family) = name.strip_suffix("_bucket") else { continue };
            let mut labels = labels.clone();
            let end = match labels.remove("le").unwrap().as_str() {
                "+Inf" => f64::INFINITY,
                number => number.parse().unwrap(),
            };
            last.entry((family.to_owned(), labels)).or_default().push((end, *value));
        }
        for ((family, labels), mut buckets) in last {
            buckets.sort_by(|one, other| one.0.total_cmp(&other.0));
            assert!(buckets.is_sorted_by(|one, other| one.1 <= other.1), "{family}: {buckets:?}");
            let (end, all) = *buckets.last().unwrap();
            assert!(end.is_infinite(), "{family}");
            assert_eq!(self.samples[&(format!("{family}_count"), labels.clone())], all, "{family}");
            assert!(self.samples[&(format!("{family}_sum"), labels)] >= 0.0, "{family}");
        }
    }

    /// The sum of all samples of this name that have these labels.
    pub fn sum(&self, name: &str, labels: &[(&str, &str)]) -> f64 {
        let fits = |have: &BTreeMap<String, String>| {
            labels.iter().all(|(label, value)| have.get(*label).is_some_and(|of| of == value))
        };
        self.samples.iter().filter(|((of, have), _)| of == name && fits(have)).map(|(_, value)| value).sum()
    }

    /// Whether there is such a sample at all.
    pub fn has(&self, name: &str) -> bool {
        self.samples.keys().any(|(of, _)| of == name)
    }

    /// Each metric with the labels that it came with.
    pub fn labels(&self) -> BTreeMap<String, BTreeSet<String>> {
        let mut all: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        for (name, labels) in self.samples.keys() {
            let family = ["_bucket", "_sum", "_count"].into_iter().find_map(|end| {
                name.strip_suffix(end).filter(|family| self.kinds.get(*family).is_some_and(|kind| kind == "histogram"))
            });
            let of = all.entry(family.unwrap_or(name).to_owned()).or_default();
            of.extend(labels.keys().filter(|label| *label != "le").cloned());
        }
        all
    }

    pub fn samples(&self) -> usize {
        self.samples.len()
    }
}

/// `name{label="value",…} number`.
fn sample(line: &str) -> (String, BTreeMap<String, String>, f64) {
    let is_name = |text: &str| {
        text.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
    };
    let end = line.find(['{', ' ']).unwrap_or_else(|| panic!("no sample: {line}"));
    let (name, mut rest) = line.split_at(end);
    assert!(is_name(name), "{line}");
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        loop {
            let (label, value) = rest.split_once("=\"").unwrap_or_else(|| panic!("no label: {line}"));
            assert!(is_name(label), "{line}");
            let mut text = String::new();
            let mut chars = value.char_indices();
            let end = loop {
                match chars.next().unwrap_or_else(|| panic!("no end: {line}")) {
                    (at, '"') => break at,
                    (_, '\\') => match chars.next().unwrap().1 {
                        'n' => text.push('\n'),
                        c @ ('\\' | '"') => text.push(c),
                        _ => panic!("no such escape: {line}"),
                    },
                    (_, c) => text.push(c),
                }
            };
            assert!(labels.insert(label.to_owned(), text).is_none(), "{line}");
            rest = &value[end + 1..];
            match rest.strip_prefix(',') {
                Some(more) => rest = more,
                None => break,
            }
        }
        rest = rest.strip_prefix('}').unwrap_or_else(|| panic!("not closed: {line}"));
    }
    let number = rest.strip_prefix(' ').unwrap_or_else(|| panic!("no number: {line}"));
    (name.to_owned(), labels, number.parse().unwrap_or_else(|_| panic!("no number: {line}")))
}
