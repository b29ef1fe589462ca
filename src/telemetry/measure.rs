//! What is counted and timed: atomics, found by their labels without a copy of them. Owns how; what is measured is
//! `metrics`'.

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        PoisonError, RwLock,
        atomic::{AtomicI64, AtomicU64, Ordering},
    },
    time::Duration,
};

/// A metric as it is declared: once, for the scrape, for docs/operate/metrics.md, and for the test that compares the
/// chart's dashboard and rules with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Declared {
    pub name: &'static str,
    pub kind: Kind,
    pub labels: &'static [&'static str],
    pub help: &'static str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

impl Kind {
    pub fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        }
    }
}

/// What one series holds.
pub trait Measure: Default {
    const KIND: Kind;
    fn read(&self) -> Reading;
}

/// A series as it was at one moment.
#[derive(Debug, Clone, PartialEq)]
pub enum Reading {
    Number(f64),
    /// How many fell below each bound of `BOUNDS` and into none of them, not added up; and seconds in all.
    Spread([u64; BOUNDS.len() + 1], f64),
}

/// Only ever more, from nothing at the process's start.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }
}

impl Measure for Counter {
    const KIND: Kind = Kind::Counter;
    #[expect(clippy::cast_precision_loss, reason = "Prometheus's numbers are floats")]
    fn read(&self) -> Reading {
        Reading::Number(self.0.load(Ordering::Relaxed) as f64)
    }
}

/// How much there is now.
#[derive(Debug, Default)]
pub struct Gauge(AtomicU64);

impl Gauge {
    pub fn set(&self, now: f64) {
        self.0.store(now.to_bits(), Ordering::Relaxed);
    }
}

impl Measure for Gauge {
    const KIND: Kind = Kind::Gauge;
    fn read(&self) -> Reading {
        Reading::Number(f64::from_bits(self.0.load(Ordering::Relaxed)))
    }
}

/// How many there are now, of what comes and goes.
#[derive(Debug, Default)]
pub struct Level(AtomicI64);

impl Level {
    pub(super) fn moves(&self, by: i64) {
        self.0.fetch_add(by, Ordering::Relaxed);
    }
}

impl Measure for Level {
    const KIND: Kind = Kind::Gauge;
    #[expect(clippy::cast_precision_loss, reason = "Prometheus's numbers are floats")]
    fn read(&self) -> Reading {
        Reading::Number(self.0.load(Ordering::Relaxed) as f64)
    }
}

/// A counter that somebody else counts, read at each scrape.
#[derive(Debug, Default)]
pub struct Total(Gauge);

impl Measure for Total {
    const KIND: Kind = Kind::Counter;
    fn read(&self) -> Reading {
        self.0.read()
    }
}

/// Of how long things take: upper ends, in seconds. One row for all, so that panels can be laid side by side.
pub const BOUNDS: [f64; 11] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.1, 0.25, 1.0, 2.0, 10.0];

#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS.len() + 1],
    nanoseconds: AtomicU64,
}

impl Histogram {
    pub fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound).unwrap_or(BOUNDS.len());
        if let Some(bucket) = self.buckets.get(bucket) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        let nanoseconds = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        self.nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl Measure for Histogram {
    const KIND: Kind = Kind::Histogram;
    fn read(&self) -> Reading {
        let buckets = self.buckets.each_ref().map(|bucket| bucket.load(Ordering::Relaxed));
        Reading::Spread(buckets, Duration::from_nanos(self.nanoseconds.load(Ordering::Relaxed)).as_secs_f64())
    }
}

/// More series of one metric than this there never are: whatever comes then is counted together, as `other`.
pub const MOST_SERIES: usize = 4096;
/// What stands where a label's value is not one of those that are known.
pub const OTHER: &str = "other";

/// All series of one metric. Found under a hash of their labels, keyed anew in each process; two that were taken for one
/// another by chance would need 2^32 of them.
#[derive(Debug)]
pub struct Family<M> {
    declared: Declared,
    hasher: RandomState,
    series: RwLock<HashMap<u64, Series<M>>>,
}

#[derive(Debug)]
struct Series<M> {
    labels: Box<[Box<str>]>,
    measure: M,
}

impl<M: Measure> Family<M> {
    pub fn new(declared: Declared) -> Family<M> {
        Family { declared, hasher: RandomState::new(), series: RwLock::default() }
    }

    pub fn declared(&self) -> &Declared {
        &self.declared
    }

    /// Measures at these values of the labels, in the order in which they are declared.
    pub fn at<R>(&self, labels: &[&str], measure: impl FnOnce(&M) -> R) -> R {
        let key = self.hasher.hash_one(labels);
        let known = self.series.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(series) = known.get(&key) {
            return measure(&series.measure);
        }
        drop(known);
        let mut known = self.series.write().unwrap_or_else(PoisonError::into_inner);
        let full = known.len() >= MOST_SERIES && !known.contains_key(&key);
        let others = vec![OTHER; labels.len()];
        let (key, labels) =
            if full { (self.hasher.hash_one(others.as_slice()), others.as_slice()) } else { (key, labels) };
        let fresh = || Series { labels: labels.iter().map(|label| (*label).into()).collect(), measure: M::default() };
        measure(&known.entry(key).or_insert_with(fresh).measure)
    }

    /// Leaves nothing but what `fill` measures: for what is looked up anew at each scrape.
    pub fn anew(&self, fill: impl FnOnce(&Family<M>)) {
        let fresh = Family { declared: self.declared, hasher: self.hasher.clone(), series: RwLock::default() };
        fill(&fresh);
        let fresh = fresh.series.into_inner().unwrap_or_else(PoisonError::into_inner);
        *self.series.write().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    /// Every series, in the order of its labels.
    pub fn read(&self) -> Vec<(Vec<String>, Reading)> {
        let known = self.series.read().unwrap_or_else(PoisonError::into_inner);
        let one = |series: &Series<M>| (series.labels.iter().map(ToString::to_string).collect(), series.measure.read());
        let mut all: Vec<(Vec<String>, Reading)> = known.values().map(one).collect();
        drop(known);
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }
}

impl Family<Counter> {
    pub fn count(&self, labels: &[&str]) {
        self.at(labels, |counter| counter.add(1));
    }
}

impl Family<Gauge> {
    pub fn set(&self, labels: &[&str], now: f64) {
        self.at(labels, |gauge| gauge.set(now));
    }
}

impl Family<Total> {
    pub fn set(&self, labels: &[&str], now: f64) {
        self.at(labels, |total| total.0.set(now));
    }
}

impl Family<Histogram> {
    pub fn observe(&self, labels: &[&str], took: Duration) {
        self.at(labels, |histogram| histogram.observe(took));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn family<M: Measure>(labels: &'static [&'static str]) -> Family<M> {
        Family::new(Declared { name: "oneaccess_test", kind: M::KIND, labels, help: "A test." })
    }

    #[test]
    fn what_is_counted_side_by_side_is_all_there() {
        let counted: Family<Counter> = family(&["vendor"]);
        std::thread::scope(|scope| {
            for n in 0..8 {
                let counted = &counted;
                scope.spawn(move || {
                    (0..1000).for_each(|_| counted.count(&[if n % 2 == 0 { "maple" } else { "cedar" }]))
                });
            }
        });
        let all: Vec<_> = counted.read();
        let of = |vendor: &str| (vec![vendor.to_owned()], Reading::Number(4000.0));
        assert_eq!(all, [of("cedar"), of("maple")]);
    }

    #[test]
    fn whoever_invents_labels_fills_no_memory() {
        let counted: Family<Counter> = family(&["vendor"]);
        for n in 0..MOST_SERIES + 500 {
            counted.count(&[&format!("vendor-{n}")]);
        }
        let all = counted.read();
        assert_eq!(all.len(), MOST_SERIES + 1);
        assert!(all.contains(&(vec![OTHER.to_owned()], Reading::Number(500.0))));
    }

    #[test]
    fn a_time_falls_into_the_bucket_whose_end_it_reaches() {
        let times = Histogram::default();
        for millis in [0, 1, 2, 250, 251, 60_000] {
            times.observe(Duration::from_millis(millis));
        }
        let Reading::Spread(buckets, seconds) = times.read() else { panic!() };
        assert_eq!(buckets, [1, 1, 1, 0, 0, 0, 0, 1, 1, 0, 0, 1]);
        assert!((seconds - 60.504).abs() < 1e-9, "{seconds}");
    }

    #[test]
    fn what_is_not_there_any_more_is_not_told_any_more() {
        let people: Family<Gauge> = family(&["source"]);
        people.set(&["cms"], 7.0);
        people.anew(|people| people.set(&["oak"], 8.0));
        people.set(&["oak"], 9.0);
        assert_eq!(people.read(), [(vec!["oak".to_owned()], Reading::Number(9.0))]);
    }
}
