//! Measures that need no running server: the hash limit of this machine, how long a command takes, how fast a server
//! starts. Load on a running server belongs to `drill`.

use std::{
    net::SocketAddr,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, bail, ensure};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use serde::Serialize;

use super::{
    http::{Answer, read_answer, write_request},
    meter::{self, Memory},
    report::rounded,
};

#[derive(Debug, Serialize)]
pub struct HashLimit {
    pub threads: usize,
    pub per_second: f64,
    pub cpu_ms: f64,
}

/// Argon2id, 19 MiB, two passes, one lane, as fast as `threads` threads can, each with memory of its own that it keeps.
pub fn hash_limit(threads: usize, duration: Duration) -> anyhow::Result<HashLimit> {
    let cpu_before = meter::own_cpu();
    let began = Instant::now();
    let workers: Vec<_> = (0..threads).map(|_| thread::spawn(move || hash_until(began + duration))).collect();
    let mut hashes = 0;
    for worker in workers {
        hashes += worker.join().map_err(|_| anyhow::anyhow!("a hashing thread broke"))??;
    }
    let cpu = meter::own_cpu().saturating_sub(cpu_before);
    Ok(HashLimit {
        threads,
        per_second: rounded(f64::from(hashes) / began.elapsed().as_secs_f64()),
        cpu_ms: rounded(cpu.as_secs_f64() * 1000.0 / f64::from(hashes)),
    })
}

fn hash_until(end: Instant) -> anyhow::Result<u32> {
    let params = Params::new(19_456, 2, 1, None).map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
    let mut memory = vec![Block::default(); params.block_count()];
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let (mut hashes, mut hash) = (0_u32, [0_u8; 32]);
    while Instant::now() < end {
        hasher
            .hash_password_into_with_memory(&hashes.to_le_bytes(), b"sixteen letters.", &mut hash, &mut memory)
            .map_err(|error| anyhow::anyhow!("argon2: {error}"))?;
        hashes += 1;
    }
    Ok(hashes)
}

#[derive(Debug, Serialize)]
pub struct Timed {
    pub label: String,
    pub wall_s: f64,
    /// Of the command and its children; a database server's is apart.
    pub cpu_s: f64,
    pub server_cpu_s: Option<f64>,
    pub peak_mib: f64,
    pub succeeded: bool,
}

/// Runs a command to its end. Its words go to standard error, so that standard output stays ours.
pub fn timed(label: &str, command: &[String], pids: &[u32]) -> anyhow::Result<Timed> {
    let (cpu_before, server_before) = (meter::ended_children_cpu(), meter::cpu(pids)?);
    let began = Instant::now();
    let mut child = spawn(command, Stdio::from(std::io::stderr()), Stdio::inherit())?;
    let mut peak = Memory::default();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        // The high-water mark only grows: the last look before the end misses at most what 5 ms add.
        peak.peak = peak.peak.max(meter::memory(&[child.id()]).peak);
        thread::sleep(Duration::from_millis(5));
    };
    let server = meter::cpu(pids)?.saturating_sub(server_before);
    Ok(Timed {
        label: label.to_owned(),
        wall_s: rounded(began.elapsed().as_secs_f64()),
        cpu_s: rounded(meter::ended_children_cpu().saturating_sub(cpu_before).as_secs_f64()),
        server_cpu_s: (!pids.is_empty()).then(|| rounded(server.as_secs_f64())),
        peak_mib: rounded(peak.peak),
        succeeded: status.success(),
    })
}

#[derive(Debug, Serialize)]
pub struct Start {
    pub times: usize,
    /// From the process's start to its first 200, median and worst.
    pub median_ms: f64,
    pub worst_ms: f64,
    /// Resident memory one second after the last start, nobody having asked for anything.
    pub idle_mib: f64,
}

/// Starts a server again and again, and asks `path` at `address` until it answers 200.
pub fn start(command: &[String], address: SocketAddr, path: &str, times: usize) -> anyhow::Result<Start> {
    ensure!(ask(address, path).is_none(), "{address} already answers: another server is there");
    let mut millis = Vec::new();
    let mut idle = 0.0;
    for _ in 0..times.max(1) {
        let began = Instant::now();
        let mut child = spawn(command, Stdio::null(), Stdio::null())?;
        while ask(address, path) != Some(200) {
            if let Some(status) = child.try_wait()? {
                bail!("the server ended: {status}");
            }
            if began.elapsed() > Duration::from_secs(60) {
                stop(&mut child)?;
                bail!("no 200 from {address}{path} in 60 s");
            }
            thread::sleep(Duration::from_millis(1));
        }
        millis.push(began.elapsed().as_secs_f64() * 1000.0);
        thread::sleep(Duration::from_secs(1));
        idle = meter::memory(&[child.id()]).now;
        stop(&mut child)?;
    }
    millis.sort_unstable_by(f64::total_cmp);
    Ok(Start {
        times: millis.len(),
        median_ms: rounded(millis.get(millis.len() / 2).copied().unwrap_or_default()),
        worst_ms: rounded(millis.last().copied().unwrap_or_default()),
        idle_mib: rounded(idle),
    })
}

fn spawn(command: &[String], words: Stdio, complaints: Stdio) -> anyhow::Result<Child> {
    let (program, arguments) = command.split_first().context("which command?")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(words).stderr(complaints);
    command.spawn().with_context(|| program.clone())
}

/// Asks it to end, and makes it end where it does not.
fn stop(child: &mut Child) -> anyhow::Result<()> {
    let _ = Command::new("kill").arg(child.id().to_string()).status();
    for _ in 0..500 {
        if child.try_wait()?.is_some() {
            return Ok(());
        }
        thread::sleep(Duration::from_millis(10));
    }
    child.kill()?;
    child.wait()?;
    Ok(())
}

fn ask(address: SocketAddr, path: &str) -> Option<u16> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect_timeout(&address, Duration::from_secs(1)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(1))).ok()?;
    let (mut out, mut bytes, mut answer) = (Vec::new(), Vec::new(), Answer::default());
    write_request(&mut out, "GET", path, &address.to_string(), &["Connection: close"], None);
    stream.write_all(&out).ok()?;
    stream.read_to_end(&mut bytes).ok()?;
    read_answer(&bytes, true, &mut answer).ok()??;
    Some(answer.status)
}
