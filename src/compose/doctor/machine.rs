//! The machine: room on its disks, and how many files and connections may be open.

use std::path::Path;

use super::{super::FILES, Finding};
use crate::config::Config;

const DISK: &str = "disk";
const OPEN_FILES: &str = "open-files";

/// Below the first, whoever watches should look; below the second, a night's roster may not fit.
const LITTLE: u64 = 2 << 30;
const TOO_LITTLE: u64 = 256 << 20;

pub fn all(config: &Config) -> Vec<Finding> {
    let mut found = vec![open_files(config)];
    if let Some(path) = config.database.strip_prefix("sqlite:") {
        // The audit is in the database: where it cannot be written, nobody signs in.
        found.push(disk(Path::new(path).parent().unwrap_or(Path::new("."))));
    }
    found
}

fn disk(folder: &Path) -> Finding {
    let about = folder.display().to_string();
    let here = folder.ancestors().find(|folder| folder.exists()).unwrap_or(Path::new("."));
    let finding = match rustix::fs::statvfs(here) {
        Err(error) => Finding::warning(DISK, format!("its disk cannot be asked: {error}"), "look with df"),
        Ok(disk) if disk.f_flag.contains(rustix::fs::StatVfsMountFlags::RDONLY) => {
            Finding::failed(DISK, "it cannot be written to", "the database and its audit must be on a disk that can")
        }
        Ok(disk) => {
            let free = disk.f_bavail.saturating_mul(disk.f_frsize);
            let found = format!("{} MiB free", free >> 20);
            match free {
                0..TOO_LITTLE => {
                    Finding::failed(DISK, found, "make room: what cannot be written down is refused with 503")
                }
                TOO_LITTLE..LITTLE => Finding::warning(DISK, found, "make room before a roster needs it"),
                _ => Finding::ok(DISK, found),
            }
        }
    };
    finding.of(about)
}

fn open_files(config: &Config) -> Finding {
    let needed = u64::try_from(config.serving.requests + config.sip2.connections).unwrap_or(u64::MAX);
    let needed = if config.sip2.listen.or(config.sip2.tls_listen).is_some() {
        needed
    } else {
        u64::try_from(config.serving.requests).unwrap_or(u64::MAX)
    };
    match rlimit::getrlimit(rlimit::Resource::NOFILE) {
        Err(error) => {
            Finding::warning(OPEN_FILES, format!("the limit cannot be read: {error}"), "look with ulimit -Hn")
        }
        // The server raises its own limit as far as it may.
        Ok((_, hard)) if hard.min(FILES) < needed + 64 => {
            let todo = format!("allow the service more than {needed} (systemd: LimitNOFILE=65536)");
            Finding::warning(OPEN_FILES, format!("at most {hard}, fewer than connections that are allowed"), todo)
        }
        Ok((_, hard)) => Finding::ok(OPEN_FILES, format!("{} may be open", hard.min(FILES))),
    }
}
