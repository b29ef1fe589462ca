//! Runs visitors side by side for a bounded time: first a warm-up that nobody counts, then the measure.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicU8, AtomicU64, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{sync::Notify, task::JoinSet, time::timeout};

use super::meter::{self, Memory};

/// Somebody who does one thing again and again.
pub trait Visit: Send + 'static {
    fn visit(&mut self) -> impl Future<Output = anyhow::Result<()>> + Send;

    /// What the first visit brought, for the report: how it was signed.
    fn tokens(&self) -> Option<&str>;
}

/// No visit may take longer; it counts as an error.
const PATIENCE: Duration = Duration::from_secs(30);
/// After an error, so that a dead server is not hammered for the rest of the run.
const BREATH: Duration = Duration::from_millis(50);
/// Sessions are opened a few at a time: a server may rightly turn a crowd away.
const DOOR: usize = 4;

#[derive(Debug, Clone, Copy)]
pub struct Plan {
    pub warm_up: Duration,
    pub longest: Duration,
    pub operations: Option<u64>,
}

#[derive(Debug, Default)]
pub struct Outcome {
    pub elapsed: Duration,
    /// Microseconds of each counted operation, sorted.
    pub latencies: Vec<u32>,
    pub errors: BTreeMap<String, u64>,
    pub server_cpu: Duration,
    pub own_cpu: Duration,
    pub memory: Memory,
    pub tokens: Option<String>,
}

impl Outcome {
    pub fn error_count(&self) -> u64 {
        self.errors.values().sum()
    }

    /// The latency below which `share` of the operations stayed, in milliseconds (nearest rank).
    pub fn percentile(&self, share: f64) -> f64 {
        let rank = (self.latencies.len() as f64 * share).ceil() as usize;
        let latency = self.latencies.get(rank.saturating_sub(1)).or(self.latencies.last());
        latency.map_or(f64::NAN, |micros| f64::from(*micros) / 1000.0)
    }

    fn add(&mut self, tally: Tally) {
        self.latencies.extend(tally.latencies);
        for (error, times) in tally.errors {
            *self.errors.entry(error).or_default() += times;
        }
        self.tokens = self.tokens.take().or(tally.tokens);
    }
}

/// As many visitors, a few at a time; `visitor` makes the one of a number.
pub async fn arrive<V: Visit, F>(count: usize, visitor: impl Fn(usize) -> F) -> anyhow::Result<Vec<V>>
where
    F: Future<Output = anyhow::Result<V>> + Send + 'static,
{
    let mut arriving = JoinSet::new();
    let mut visitors = Vec::with_capacity(count);
    for place in 0..count {
        if arriving.len() >= DOOR
            && let Some(visitor) = arriving.join_next().await
        {
            visitors.push(visitor??);
        }
        arriving.spawn(visitor(place));
    }
    while let Some(visitor) = arriving.join_next().await {
        visitors.push(visitor??);
    }
    Ok(visitors)
}

/// Measures `visitors`, and beside them `crowd`, which loads the server and is told apart in the second outcome.
pub async fn run<V: Visit>(
    visitors: Vec<V>,
    crowd: Vec<V>,
    plan: Plan,
    pids: &[u32],
) -> anyhow::Result<(Outcome, Outcome)> {
    let course = Arc::new(Course::new(plan.operations));
    let spawn = |visitors: Vec<V>, counts: bool| {
        let mut tasks = JoinSet::new();
        for visitor in visitors {
            tasks.spawn(walk(visitor, course.clone(), counts));
        }
        tasks
    };
    let (mut visits, mut beside) = (spawn(visitors, true), spawn(crowd, false));

    tokio::time::sleep(plan.warm_up).await;
    let (cpu_before, own_before) = (meter::cpu(pids)?, meter::own_cpu());
    let began = Instant::now();
    course.enter(Phase::Measure);
    let _ = timeout(plan.longest, course.done.notified()).await;
    course.enter(Phase::Over);
    let elapsed = began.elapsed();
    let server_cpu = meter::cpu(pids)?.saturating_sub(cpu_before);
    let own_cpu = meter::own_cpu().saturating_sub(own_before);

    let mut outcome = Outcome { elapsed, server_cpu, own_cpu, memory: meter::memory(pids), ..Outcome::default() };
    let mut aside = Outcome { elapsed, ..Outcome::default() };
    while let Some(tally) = visits.join_next().await {
        outcome.add(tally?);
    }
    while let Some(tally) = beside.join_next().await {
        aside.add(tally?);
    }
    outcome.latencies.sort_unstable();
    aside.latencies.sort_unstable();
    Ok((outcome, aside))
}

async fn walk<V: Visit>(mut visitor: V, course: Arc<Course>, counts: bool) -> Tally {
    let mut tally = Tally::default();
    while course.phase() != Phase::Over {
        let began = Instant::now();
        let visit =
            timeout(PATIENCE, visitor.visit()).await.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in 30 s")));
        let measured = course.phase() == Phase::Measure;
        if let Err(error) = visit {
            // An error of the warm-up is an error too: a run that has any cannot be trusted.
            *tally.errors.entry(format!("{error:#}")).or_default() += 1;
            tokio::time::sleep(BREATH).await;
        } else if measured {
            tally.latencies.push(u32::try_from(began.elapsed().as_micros()).unwrap_or(u32::MAX));
        }
        if measured && counts {
            course.count();
        }
    }
    tally.tokens = visitor.tokens().map(str::to_owned);
    tally
}

#[derive(Default)]
struct Tally {
    latencies: Vec<u32>,
    errors: BTreeMap<String, u64>,
    tokens: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Measure,
    Over,
}

/// What all visitors of a run share.
struct Course {
    phase: AtomicU8,
    left: Option<AtomicU64>,
    done: Notify,
}

impl Course {
    fn new(operations: Option<u64>) -> Course {
        let left = operations.map(|operations| AtomicU64::new(operations.max(1)));
        Course { phase: AtomicU8::new(Phase::WarmUp as u8), left, done: Notify::new() }
    }

    fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Ordering::SeqCst);
    }

    fn phase(&self) -> Phase {
        match self.phase.load(Ordering::Relaxed) {
            0 => Phase::WarmUp,
            1 => Phase::Measure,
            _ => Phase::Over,
        }
    }

    fn count(&self) {
        if let Some(left) = &self.left
            && left.fetch_sub(1, Ordering::Relaxed) == 1
        {
            self.enter(Phase::Over);
            self.done.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentile_is_a_latency_that_somebody_had() {
        let outcome = Outcome { latencies: (1..=100).map(|ms| ms * 1000).collect(), ..Outcome::default() };
        assert_eq!((outcome.percentile(0.5), outcome.percentile(0.99), outcome.percentile(1.0)), (50.0, 99.0, 100.0));
        assert!(Outcome::default().percentile(0.5).is_nan());
    }
}
