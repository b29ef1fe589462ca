//! A school morning: students arrive at an even pace whatever the server does, half of them with a live session; vendors'
//! servers ask by SIP2 beside them, and somebody guesses PINs. What each step took, counted from when it was due, and
//! what was turned away.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, ensure};
use clap::Args;
use tokio::{sync::Mutex, task::JoinSet, time::timeout};

use super::{
    drill::{Outcome, Visit},
    meter,
    report::Row,
    sip2,
    target::{Patron, Target},
    visitor::Visitor,
};

#[derive(Args)]
pub struct Storm {
    /// A file whose first line `oneaccess demo --json` printed
    #[arg(long, value_name = "FILE")]
    oneaccess: PathBuf,
    /// The `users.csv` of the district that the demo was made with, as `directory generate` writes it into a folder
    #[arg(long, value_name = "FILE")]
    users: PathBuf,
    /// Who arrives
    #[arg(long, default_value_t = 20_000)]
    students: usize,
    /// Within so many seconds
    #[arg(long, default_value_t = 120.0)]
    within: f64,
    /// Readers with a PIN of their own, made before the clock starts; each arrives several times. Tries at one card take
    /// turns, so few readers wait for themselves
    #[arg(long, default_value_t = 2000)]
    readers: usize,
    /// SIP2 checks a second
    #[arg(long, default_value_t = 20.0)]
    checks: f64,
    /// Guesses a second by one bad actor
    #[arg(long, default_value_t = 10.0)]
    guesses: f64,
    #[arg(long)]
    pub pid: Vec<u32>,
    #[arg(long)]
    pub json: bool,
}

const CHOSEN: &str = "8-quiet-otters";
/// Nobody waits longer; it counts as an error.
const PATIENCE: Duration = Duration::from_secs(30);

/// The rows of the report.
///
/// # Errors
/// Where the readers cannot be made ready.
pub async fn morning(storm: &Storm) -> anyhow::Result<Vec<Row>> {
    let target = Target::oneaccess(&storm.oneaccess, None).await?;
    let target = Arc::new(target);
    eprintln!("{} readers choose their PINs …", storm.readers);
    let mut students = students(&storm.users, 2 * storm.readers)?;
    let victims = Arc::new(students.split_off(students.len() / 2));
    let readers = Arc::new(choose_pins(&target, students).await?);
    ensure!(!readers.is_empty(), "nobody could choose a PIN");
    let live = Arc::new(Mutex::new(come_in(&target, &readers).await?));
    let library = sip2::Library::of(&storm.oneaccess, None)?;
    let vendors = Arc::new(Mutex::new(Vec::new()));
    for place in 0..8 {
        vendors.lock().await.push(sip2::Server::arrive(library.clone(), true, place).await?);
    }
    eprintln!("{} students within {} s", storm.students, storm.within);

    let (cpu_before, own_before) = (meter::cpu(&storm.pid)?, meter::own_cpu());
    let began = Instant::now();
    let within = Duration::from_secs_f64(storm.within);
    let paced = |count: usize| (0..count).map(move |n| within.mul_f64(n as f64 / count.max(1) as f64));

    let mut steps = JoinSet::new();
    for (n, due) in paced(storm.students).enumerate() {
        let (target, reader) = (target.clone(), readers[n % readers.len()].clone());
        if n % 2 == 0 {
            steps.spawn(step("click", began + due, borrowed(live.clone())));
        } else {
            steps.spawn(step("sign-in", began + due, async move { Visitor::stranger(target, reader).come_in().await }));
        }
    }
    for due in paced((storm.checks * storm.within) as usize) {
        steps.spawn(step("sip2", began + due, borrowed(vendors.clone())));
    }
    for (n, due) in paced((storm.guesses * storm.within) as usize).enumerate() {
        let (target, card) = (target.clone(), victims[n % victims.len()].card.clone());
        steps.spawn(step("guess", began + due, async move {
            let mut thief = Visitor::stranger(target, Patron { card, pin: format!("{n:06}") });
            ensure!(thief.come_in().await.is_err(), "a guess was let in");
            Ok(())
        }));
    }

    let mut seen: [(&str, Outcome); 4] = ["click", "sign-in", "sip2", "guess"].map(|name| (name, Outcome::default()));
    while let Some(done) = steps.join_next().await {
        let (name, took, failed) = done?;
        let Some((_, outcome)) = seen.iter_mut().find(|(of, _)| *of == name) else { continue };
        match failed {
            None => outcome.latencies.push(took),
            Some(error) => *outcome.errors.entry(error).or_default() += 1,
        }
    }
    let elapsed = began.elapsed();
    let server_cpu = meter::cpu(&storm.pid)?.saturating_sub(cpu_before);
    let own_cpu = meter::own_cpu().saturating_sub(own_before);
    Row::heading();
    let mut rows = Vec::new();
    for (name, mut outcome) in seen {
        outcome.latencies.sort_unstable();
        // The server's cost is of all steps together: told with each, an operation's share would mean nothing.
        outcome.elapsed = elapsed;
        outcome.memory = meter::memory(&storm.pid);
        let row = Row::new("oneaccess", &format!("storm {name}"), storm.students, &outcome, false);
        row.print();
        rows.push(row);
    }
    let (server, generator) = (server_cpu.as_secs_f64(), own_cpu.as_secs_f64());
    let memory = meter::memory(&storm.pid);
    eprintln!(
        "altogether: server {server:.1} s of CPU, generator {generator:.1} s, in {:.1} s; memory {:.0} MiB, most {:.0}",
        elapsed.as_secs_f64(),
        memory.now,
        memory.peak
    );
    for row in &rows {
        let shed: u64 = row.what_failed.iter().filter(|(why, _)| why.contains("503")).map(|(_, times)| times).sum();
        if row.errors > 0 {
            eprintln!(
                "{}: {shed} of {} failures were deliberate 503s; {:?}",
                row.scenario, row.errors, row.what_failed
            );
        }
    }
    Ok(rows)
}

/// Does `what` at `due`: its name, the microseconds since then, and what went wrong.
async fn step(
    name: &'static str,
    due: Instant,
    what: impl Future<Output = anyhow::Result<()>>,
) -> (&'static str, u32, Option<String>) {
    tokio::time::sleep_until(due.into()).await;
    let done = timeout(PATIENCE, what).await.unwrap_or_else(|_| Err(anyhow::anyhow!("no answer in 30 s")));
    let took = u32::try_from(due.elapsed().as_micros()).unwrap_or(u32::MAX);
    (name, took, done.err().map(|error| format!("{error:#}")))
}

/// A visit by whoever has waited longest of those who have a session, or a connection.
async fn borrowed<V: Visit>(waiting: Arc<Mutex<Vec<V>>>) -> anyhow::Result<()> {
    let next = {
        let mut waiting = waiting.lock().await;
        if waiting.is_empty() { None } else { Some(waiting.remove(0)) }
    };
    let mut visitor = next.context("everybody is busy: more --readers are needed")?;
    let done = visitor.visit().await;
    waiting.lock().await.push(visitor);
    done
}

/// Students who have a first PIN, from all over the file.
fn students(users: &Path, count: usize) -> anyhow::Result<Vec<Patron>> {
    let mut reader = csv::Reader::from_path(users).with_context(|| users.display().to_string())?;
    let headers = reader.headers()?.clone();
    let place = |name: &str| headers.iter().position(|column| column == name).with_context(|| format!("no {name}"));
    let (identifier, password, grades) = (place("identifier")?, place("password")?, place("grades")?);
    let mut all = Vec::new();
    for row in reader.records() {
        let row = row?;
        let field = |place: usize| row.get(place).unwrap_or_default();
        if !field(password).is_empty() && field(grades) == "07" {
            all.push(Patron { card: field(identifier).to_owned(), pin: field(password).to_owned() });
        }
    }
    let step = (all.len() / count.max(1)).max(1);
    Ok(all.into_iter().step_by(step).take(count).collect())
}

const DOOR: usize = 4;

async fn choose_pins(target: &Arc<Target>, patrons: Vec<Patron>) -> anyhow::Result<Vec<Patron>> {
    let (mut choosing, mut ready, mut left) = (JoinSet::new(), Vec::new(), patrons.into_iter());
    loop {
        while choosing.len() < DOOR
            && let Some(patron) = left.next()
        {
            let target = target.clone();
            choosing.spawn(async move {
                Visitor::stranger(target, patron.clone()).choose_pin(CHOSEN).await?;
                Ok::<_, anyhow::Error>(Patron { pin: CHOSEN.to_owned(), ..patron })
            });
        }
        match choosing.join_next().await {
            // The charter's cards are not the bare identifier; others ask in their place.
            Some(done) => ready.extend(done?.ok()),
            None => return Ok(ready),
        }
    }
}

async fn come_in(target: &Arc<Target>, readers: &[Patron]) -> anyhow::Result<Vec<Visitor>> {
    let mut live = Vec::with_capacity(readers.len());
    for reader in readers {
        let mut visitor = Visitor::stranger(target.clone(), reader.clone());
        visitor.come_in().await?;
        live.push(visitor);
    }
    Ok(live)
}
