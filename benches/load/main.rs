//! The load generator. `http` and `form` are bytes, `connection` is a socket and `browser` what uses it; `visitor` is one
//! virtual user at a vendor of OpenID Connect, `saml` one at a vendor of SAML, `sip2` a vendor's server that asks by SIP2. `drill` runs many, `meter` reads what the
//! server costs, `report` says it. How to read the figures: `benches/README.md`.

mod alone;
mod bare;
mod browser;
mod compare;
mod connection;
mod cookies;
mod drill;
mod form;
mod http;
mod meter;
mod report;
mod saml;
mod sip2;
mod storm;
mod student_system;
mod target;
mod upstream;
mod visitor;

use std::{net::SocketAddr, path::PathBuf, process::ExitCode, sync::Arc, time::Duration};

use clap::{Args, Parser, Subcommand};
use serde::Serialize;

use drill::{Plan, Visit};
use report::{Row, rounded};
use saml::{
    Reader,
    idp::Idp,
    sp::{ServiceProvider, Sign},
};
use target::Target;
use visitor::{Task, Visitor};

/// The server's own, so that `bare` is measured under the same conditions.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

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
    /// A patron without a session, at her school's page: the sign-in page, its button, and back
    Upstream(Load),
    /// The school that `upstream` goes to: a bare provider
    UpstreamSchool {
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
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
    /// A patron with a session at a vendor of SAML: a request by HTTP-Redirect, and the page with the signed answer
    Saml(SamlLoad),
    /// A vendor's server asks by SIP2 about a card and PIN (63) over a connection that it keeps
    Sip2(Load),
    /// The same with a connection for each check: connect, 93, 63, 35, close
    Sip2Connect(Load),
    /// Opens many connections over TLS that say nothing after their login: what they cost
    Sip2Idle {
        /// A file whose first line `oneaccess demo --json` printed
        #[arg(long, value_name = "FILE")]
        oneaccess: PathBuf,
        /// The demo's `[sip2] tls_listen`
        #[arg(long)]
        at: SocketAddr,
        /// Its certificate, PEM, for `localhost`
        #[arg(long)]
        authority: PathBuf,
        #[arg(long, default_value_t = 5000)]
        connections: usize,
        #[arg(long)]
        pid: Vec<u32>,
        #[arg(long)]
        json: bool,
    },
    /// Makes the vendor that `saml` plays: a key, and metadata for the identity providers to be told of
    SamlSp { folder: PathBuf },
    /// Reading and judging a signed request, on one thread, without a server
    SamlVerify {
        /// What `saml-sp` made
        #[arg(long)]
        sp: PathBuf,
        #[arg(long, default_value_t = 3.0)]
        seconds: f64,
        #[arg(long)]
        json: bool,
    },
    /// Serves what the target publishes (discovery, key set) from a bare axum handler: the limit of such a server
    Bare {
        /// A file whose first line `oneaccess demo --json` printed
        #[arg(long, value_name = "FILE")]
        like: PathBuf,
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// Serves a generated delivery by OneRoster REST, for the server to fetch
    StudentSystem {
        /// What `directory generate` wrote, a folder
        folder: PathBuf,
        /// The OneRoster version of the delivery is 1.2
        #[arg(long)]
        v1p2: bool,
        #[arg(long, default_value = "127.0.0.1:0")]
        listen: SocketAddr,
    },
    /// A class starts its day: the click at c=8, alone and then beside 128 sign-ins
    Morning(Load),
    /// A school morning against a whole district: thousands arrive, half with a session; SIP2 beside, and a guesser
    Storm(storm::Storm),
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
    /// A file whose first line a peer in benches/peers printed
    #[arg(long, value_name = "FILE")]
    peer: Option<PathBuf>,
    /// Ask there what the target would be asked: `bare` stands there
    #[arg(long)]
    at: Option<SocketAddr>,
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

#[derive(Args)]
struct SamlLoad {
    #[command(flatten)]
    load: Load,
    /// What `saml-sp` made
    #[arg(long)]
    sp: PathBuf,
    /// Which of its vendors asks: what is signed for it
    #[arg(long, value_enum)]
    sign: Sign,
    /// Requests without a signature
    #[arg(long)]
    unsigned: bool,
    /// Requests to write before the clock starts; when they are used up, each is written when it is sent
    #[arg(long, default_value_t = 10_000)]
    in_advance: usize,
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
        Command::Upstream(load) => runtime()?.block_on(by_school(&load)),
        Command::UpstreamSchool { listen } => runtime()?.block_on(upstream::school(listen)).map(|()| true),
        Command::Click(load) => measure(&load, "click", Task::Click),
        Command::ClientCredentials(load) => measure(&load, "client-credentials", Task::ClientCredentials),
        Command::Refresh(load) => measure(&load, "refresh", Task::Refresh),
        Command::Introspect(load) => measure(&load, "introspect", Task::Introspect),
        Command::Userinfo(load) => measure(&load, "userinfo", Task::Userinfo),
        Command::Saml(load) => runtime()?.block_on(sign_on(&load)),
        Command::Sip2(load) => runtime()?.block_on(ask(&load, "sip2", true)),
        Command::Sip2Connect(load) => runtime()?.block_on(ask(&load, "sip2-connect", false)),
        Command::Sip2Idle { oneaccess, at, authority, connections, pid, json } => {
            let library = sip2::Library::of(&oneaccess, None)?;
            let idle = runtime()?.block_on(sip2::idle(library, at, &authority, connections, &pid))?;
            eprintln!(
                "{} idle TLS connections: {} MiB (before: {} MiB), opened in {} s; a question meanwhile: {} ms",
                idle.connections, idle.rss_mib, idle.before_mib, idle.seconds, idle.question_ms
            );
            document(json, &idle)?;
            Ok(true)
        }
        Command::SamlSp { folder } => saml::sp::write(&folder).map(|()| true),
        Command::SamlVerify { sp, seconds, json } => {
            let sp = ServiceProvider::read(&sp, Sign::Both, true)?;
            let figures = saml::verify::figures(&sp, Duration::from_secs_f64(seconds))?;
            for one in &figures {
                let (what, bytes, rate, alone, cpu) =
                    (one.what, one.bytes, one.per_second, one.per_cpu_second, one.cpu_ms);
                eprintln!("{what}, {bytes} bytes: {rate}/s, {alone} per second of CPU, {cpu} CPU-ms each");
            }
            document(json, &figures)?;
            Ok(true)
        }
        Command::Bare { like, listen } => runtime()?.block_on(bare::serve(&like, listen)).map(|()| true),
        Command::StudentSystem { folder, v1p2, listen } => {
            runtime()?.block_on(student_system::serve(&folder, v1p2, listen)).map(|()| true)
        }
        Command::Morning(load) => runtime()?.block_on(morning(&load)),
        Command::Storm(storm) => {
            let rows = runtime()?.block_on(storm::morning(&storm))?;
            document(storm.json, &rows)?;
            // Turned away with a 503 is the bound doing its work; anything else is an error.
            let told = |row: &Row| row.what_failed.iter().all(|(why, _)| why.contains("503"));
            Ok(rows.iter().all(|row| row.operations > 0 && told(row)))
        }
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
        let arrive = |place| Visitor::arrive(target.clone(), task, place);
        let mut rows = Vec::new();
        Row::heading();
        for &concurrency in &load.concurrency {
            let visitors = drill::arrive(concurrency, arrive).await?;
            rows.push(load.row(&target.name, scenario, visitors).await?);
        }
        document(load.json, &rows)?;
        Ok(!rows.iter().any(Row::failed))
    })
}

async fn by_school(load: &Load) -> anyhow::Result<bool> {
    let target = load.target().await?;
    let mut rows = Vec::new();
    Row::heading();
    for &concurrency in &load.concurrency {
        let pupils = drill::arrive(concurrency, |place| upstream::Pupil::arrive(target.clone(), place)).await?;
        rows.push(load.row(&target.name, "upstream", pupils).await?);
    }
    document(load.json, &rows)?;
    Ok(!rows.iter().any(Row::failed))
}

async fn ask(load: &Load, scenario: &str, keeps: bool) -> anyhow::Result<bool> {
    let file = load.oneaccess.as_deref().ok_or_else(|| anyhow::anyhow!("--oneaccess"))?;
    let library = sip2::Library::of(file, load.label.as_deref())?;
    let mut rows = Vec::new();
    Row::heading();
    for &concurrency in &load.concurrency {
        let servers = drill::arrive(concurrency, |place| sip2::Server::arrive(library.clone(), keeps, place)).await?;
        rows.push(load.row(&library.name, scenario, servers).await?);
    }
    document(load.json, &rows)?;
    Ok(!rows.iter().any(Row::failed))
}

async fn sign_on(SamlLoad { load, sp, sign, unsigned, in_advance }: &SamlLoad) -> anyhow::Result<bool> {
    let idp = Arc::new(load.idp().await?);
    let sp = Arc::new(ServiceProvider::read(sp, *sign, !unsigned)?);
    let scenario = format!("saml {sign}{}", if *unsigned { ", asked unsigned" } else { "" });
    let arrive = |place| Reader::arrive(idp.clone(), sp.clone(), place);
    let mut rows = Vec::new();
    Row::heading();
    for &concurrency in &load.concurrency {
        let readers = drill::arrive(concurrency, arrive).await?;
        sp.prepare(&idp, *in_advance)?;
        rows.push(load.row(&idp.name, &scenario, readers).await?);
    }
    document(load.json, &rows)?;
    Ok(!rows.iter().any(Row::failed))
}

async fn morning(load: &Load) -> anyhow::Result<bool> {
    const CLICKS: usize = 8;
    const CROWD: usize = 128;
    let target = load.target().await?;
    let arrive = |task| {
        let target = target.clone();
        move |place| Visitor::arrive(target.clone(), task, place)
    };
    Row::heading();
    let clicks = drill::arrive(CLICKS, arrive(Task::Click)).await?;
    let alone = load.row(&target.name, "click alone", clicks).await?;
    let clicks = drill::arrive(CLICKS, arrive(Task::Click)).await?;
    let crowd = drill::arrive(CROWD, arrive(Task::SignIn)).await?;
    let (beside, crowd) = drill::run(clicks, crowd, load.plan(), &load.pid).await?;
    let beside = load.printed(&target.name, "click beside", CLICKS, &beside);
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
        let mut target = match (&self.oneaccess, &self.peer) {
            (Some(file), _) => Target::oneaccess(file, self.label.as_deref()).await?,
            (None, Some(file)) => Target::peer(file, self.label.as_deref()).await?,
            (None, None) => anyhow::bail!("--oneaccess or --peer"),
        };
        target.address = self.at.unwrap_or(target.address);
        Ok(Arc::new(target))
    }

    async fn idp(&self) -> anyhow::Result<Idp> {
        match (&self.oneaccess, &self.peer) {
            (Some(file), _) => Idp::oneaccess(file, self.label.as_deref()).await,
            (None, Some(file)) => Idp::peer(file, self.label.as_deref()).await,
            (None, None) => anyhow::bail!("--oneaccess or --peer"),
        }
    }

    fn plan(&self) -> Plan {
        Plan {
            warm_up: Duration::from_secs_f64(self.warm_up),
            longest: Duration::from_secs_f64(self.seconds),
            operations: self.operations,
        }
    }

    async fn row<V: Visit>(&self, target: &str, scenario: &str, visitors: Vec<V>) -> anyhow::Result<Row> {
        let concurrency = visitors.len();
        let (outcome, _) = drill::run(visitors, Vec::new(), self.plan(), &self.pid).await?;
        Ok(self.printed(target, scenario, concurrency, &outcome))
    }

    fn printed(&self, target: &str, scenario: &str, concurrency: usize, outcome: &drill::Outcome) -> Row {
        let row = Row::new(target, scenario, concurrency, outcome, !self.pid.is_empty());
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
