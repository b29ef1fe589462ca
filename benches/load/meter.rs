//! What processes cost, read from /proc: CPU time and memory. Linux counts CPU in ticks of 10 ms (`USER_HZ` is 100 on
//! every architecture that Rust and Linux share), which is fine over seconds.

use std::{collections::HashMap, fs, time::Duration};

use anyhow::Context;

const TICK: Duration = Duration::from_millis(10);

/// CPU time of these processes and of all that descends from them, the living and the ended: PostgreSQL's
/// backends count with their postmaster.
pub fn cpu(pids: &[u32]) -> anyhow::Result<Duration> {
    let table = processes();
    let mut ticks = 0;
    let mut open: Vec<u32> = pids.to_vec();
    for pid in pids {
        table.get(pid).with_context(|| format!("process {pid} is gone"))?;
    }
    while let Some(pid) = open.pop() {
        if let Some(process) = table.get(&pid) {
            ticks += process.own + process.ended_children;
            open.extend(table.iter().filter(|(_, child)| child.parent == pid).map(|(child, _)| *child));
        }
    }
    Ok(TICK * ticks)
}

/// CPU time of this process itself.
pub fn own_cpu() -> Duration {
    process("self").map_or(Duration::ZERO, |process| TICK * process.own)
}

/// CPU time of the children of ours that have ended.
pub fn ended_children_cpu() -> Duration {
    process("self").map_or(Duration::ZERO, |process| TICK * process.ended_children)
}

/// Resident memory in MiB now, and the most it ever was, summed over `pids` alone (backends share their pages).
#[derive(Debug, Clone, Copy, Default)]
pub struct Memory {
    pub now: f64,
    pub peak: f64,
}

pub fn memory(pids: &[u32]) -> Memory {
    let mut sum = Memory::default();
    for pid in pids {
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        sum.now += mebibytes(&status, "VmRSS:");
        sum.peak += mebibytes(&status, "VmHWM:");
    }
    sum
}

fn mebibytes(status: &str, field: &str) -> f64 {
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap_or_default();
    line.split_whitespace().next().and_then(|number| number.parse::<f64>().ok()).unwrap_or_default() / 1024.0
}

#[derive(Debug, PartialEq, Eq)]
struct Process {
    parent: u32,
    own: u32,
    ended_children: u32,
}

fn processes() -> HashMap<u32, Process> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    pids.filter_map(|pid| Some((pid, process(&pid.to_string())?))).collect()
}

fn process(pid: &str) -> Option<Process> {
    parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// proc_pid_stat(5); the name in brackets may itself hold blanks and brackets.
fn parse(stat: &str) -> Option<Process> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let field = |place: usize| fields.get(place - 3)?.parse::<u32>().ok();
    Some(Process { parent: field(4)?, own: field(14)? + field(15)?, ended_children: field(16)? + field(17)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_read_whatever_it_calls_itself() {
        let stat = "7 (a) b (c)) S 3 7 7 0 -1 4194304 100 0 0 0 21 4 5 6 20 0 1 0 100 0 0";
        assert_eq!(parse(stat), Some(Process { parent: 3, own: 25, ended_children: 11 }));
    }
}
