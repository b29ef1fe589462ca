//! The load generator. `http` and `form` are bytes, `connection` is a socket, `visitor` is one virtual user, `drill` runs
//! many, `meter` reads what the server costs, `report` says it. How to read the figures: `benches/README.md`.

mod alone;
mod compare;
mod connection;
mod cookies;
mod drill;
mod form;
mod http;
mod meter;
mod report;
mod target;
mod visitor;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use drill::Plan;
use report::{Row, rounded};
use target::Target;
use visitor::Task;

/// Measures oneaccess and its peer: the same requests, the same machine, the same run.
#[derive(Parser)]
#[command(name = "load", arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// The discovery document
    Discovery(Load),
    /// The key set
    Jwks(Load),
    /// A patron without a session: the sign-in page, then card and PIN
    SignIn(Load),
    /// A patron with a session: authorize, token with PKCE, userinfo
    Click(Load),
    /// A vendor's back end gets a token for itself
    ClientCredentials(Load),
    /// An app renews what it has, again and again
    Refresh(Load),
    /// A vendor's server asks whether a token holds
    Introspect(Load),
    /// A vendor asks again who its reader is
    Userinfo(Load),
    /// A class starts its day: the click at c=8, alone and then beside 128 sign-ins
    Morning(Load),
    /// What Argon2id alone allows on this machine
    HashLimit {
        #[arg(long, default_value_t = cores())]
        threads: usize,
        #[arg(long, default_value_t = 5.0)]
        seconds: f64,
        #[arg(long)]
        json: bool,
    },
    /// Sets the rows of a run against each other: medians, the peer's ratio, the hash limit's share
    Compare {
        /// What `--json` printed, one document a line
        rows: PathBuf,
    },
    /// Runs a command: wall time, CPU time, peak memory
    Time {
        #[arg(long, default_value = "command")]
        label: String,
        /// A database server that works for the command
        #[arg(long)]
        pid: Vec<u32>,
        #[arg(long)]
        json: bool,
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
    /// Starts a server: time to the first 200, idle memory
    Start {
        #[arg(long)]
        address: SocketAddr,
        #[arg(long, default_value = "/health/ready")]
        path: String,
        #[arg(long, default_value_t = 5)]
        times: usize,
        #[arg(long)]
        json: bool,
        #[arg(last = true, required = true)]
        command: Vec<String>,
    },
}

#[derive(Args)]
struct Load {
    /// A file whose first line `oneaccess demo --json` printed
    #[arg(long, value_name = "FILE", required_unless_present = "peer", conflicts_with = "peer")]
    oneaccess: Option<PathBuf>,
    /// A file whose first line benches/peers/oidc-provider printed
    #[arg(long, value_name = "FILE")]
    peer: Option<PathBuf>,
    /// What the target is called in the report, where one target is measured in several settings
    #[arg(long)]
    label: Option<String>,
    /// Virtual users, each with a connection and a session of her own
    #[arg(long, short, value_delimiter = ',', default_values_t = [1, 32, 128])]
    concurrency: Vec<usize>,
    #[arg(long, default_value_t = 10.0)]
    seconds: f64,
    /// Stop after so many, if that comes first
    #[arg(long)]
    operations: Option<u64>,
    /// Seconds that nobody counts
    #[arg(long, default_value_t = 2.0)]
    warm_up: f64,
    /// The server's process; several where a database works for it
    #[arg(long)]
    pid: Vec<u32>,
    #[arg(long)]
    json: bool,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("load: {error:#}");
            ExitCode::FAILURE
        }
    }
}

/// Answers whether nothing went wrong on the way.
fn run(command: Command) -> anyhow::Result<bool> {
    match command {
        Command::Discovery(load) => measure(&load, "discovery", Task::Discovery),
        Command::Jwks(load) => measure(&load, "jwks", Task::Jwks),
        Command::SignIn(load) => measure(&load, "sign-in", Task::SignIn),
        Command::Click(load) => measure(&load, "click", Task::Click),
        Command::ClientCredentials(load) => measure(&load, "client-credentials", Task::ClientCredentials),
        Command::Refresh(load) => measure(&load, "refresh", Task::Refresh),
        Command::Introspect(load) => measure(&load, "introspect", Task::Introspect),
        Command::Userinfo(load) => measure(&load, "userinfo", Task::Userinfo),
        Command::Morning(load) => runtime()?.block_on(morning(&load)),
        Command::HashLimit { threads, seconds, json } => {
            let limit = alone::hash_limit(threads.max(1), Duration::from_secs_f64(seconds))?;
            eprintln!("argon2id, {} threads: {}/s, {} CPU-ms each", limit.threads, limit.per_second, limit.cpu_ms);
            document(json, &limit)?;
            Ok(true)
        }
        Command::Compare { rows } => {
            compare::compare(&rows)?.iter().for_each(|line| println!("{line}"));
            Ok(true)
        }
        Command::Time { label, pid, json, command } => {
            let timed = alone::timed(&label, &command, &pid)?;
            let server =
                timed.server_cpu_s.map_or_else(String::new, |seconds| format!(" + {seconds} s of the database"));
            let verdict = if timed.succeeded { "" } else { " FAILED" };
            let (wall, cpu, peak) = (timed.wall_s, timed.cpu_s, timed.peak_mib);
            eprintln!("{label}: {wall} s, CPU {cpu} s{server}, peak {peak} MiB{verdict}");
            document(json, &timed)?;
            Ok(timed.succeeded)
        }
        Command::Start { address, path, times, json, command } => {
            let start = alone::start(&command, address, &path, times)?;
            let (median, worst) = (start.median_ms, start.worst_ms);
            eprintln!("first 200: {median} ms, worst of {}: {worst} ms; idle {} MiB", start.times, start.idle_mib);
            document(json, &start)?;
            Ok(true)
        }
    }
}

fn measure(load: &Load, scenario: &str, task: Task) -> anyhow::Result<bool> {
    runtime()?.block_on(async {
        let target = load.target().await?;
        let mut rows = Vec::new();
        Row::heading();
        for &concurrency in &load.concurrency {
            let visitors = drill::arrive(&target, task, concurrency).await?;
            let (outcome, _) = drill::run(visitors, Vec::new(), load.plan(), &load.pid).await?;
            rows.push(load.row(&target, scenario, concurrency, &outcome));
        }
        document(load.json, &rows)?;
        Ok(!rows.iter().any(Row::failed))
    })
}

async fn morning(load: &Load) -> anyhow::Result<bool> {
    const CLICKS: usize = 8;
    const CROWD: usize = 128;
    let target = load.target().await?;
    Row::heading();
    let clicks = drill::arrive(&target, Task::Click, CLICKS).await?;
    let (alone, _) = drill::run(clicks, Vec::new(), load.plan(), &load.pid).await?;
    let alone = load.row(&target, "click alone", CLICKS, &alone);
    let clicks = drill::arrive(&target, Task::Click, CLICKS).await?;
    let crowd = drill::arrive(&target, Task::SignIn, CROWD).await?;
    let (beside, crowd) = drill::run(clicks, crowd, load.plan(), &load.pid).await?;
    let beside = load.row(&target, "click beside", CLICKS, &beside);
    let crowd = Row::new(&target.name, "the sign-ins", CROWD, &crowd, false);
    crowd.print();
    eprintln!("the click's p99 beside {CROWD} sign-ins: {} times its p99 alone", rounded(beside.p99_ms / alone.p99_ms));
    // The crowd may be turned away (503 with Retry-After): that is the bound doing its work, so only clicks must hold.
    let held = !alone.failed() && !beside.failed();
    document(load.json, &[alone, beside, crowd])?;
    Ok(held)
}

impl Load {
    async fn target(&self) -> anyhow::Result<Arc<Target>> {
        let target = match (&self.oneaccess, &self.peer) {
            (Some(file), _) => Target::oneaccess(file, self.label.as_deref()).await?,
            (None, Some(file)) => Target::peer(file, self.label.as_deref()).await?,
            (None, None) => anyhow::bail!("--oneaccess or --peer"),
        };
        Ok(Arc::new(target))
    }

    fn plan(&self) -> Plan {
        Plan {
            warm_up: Duration::from_secs_f64(self.warm_up),
            longest: Duration::from_secs_f64(self.seconds),
            operations: self.operations,
        }
    }

    fn row(&self, target: &Target, scenario: &str, concurrency: usize, outcome: &drill::Outcome) -> Row {
        let row = Row::new(&target.name, scenario, concurrency, outcome, !self.pid.is_empty());
        row.print();
        row
    }
}

fn document<T: Serialize + ?Sized>(wanted: bool, what: &T) -> anyhow::Result<()> {
    if wanted {
        println!("{}", serde_json::to_string(what)?);
    }
    Ok(())
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
