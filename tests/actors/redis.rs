//! A Redis server of a test's own, which may be stopped, paused, flushed, and started again.

use std::{
    fs,
    io::{Read, Write},
    net::{Shutdown, TcpStream},
    path::Path,
    process::Command,
    time::Duration,
};

use super::{
    parts::{Folder, free_port, part},
    process::Process,
    saml::Identity,
};

const PASSWORD: &str = "holds-what-may-be-forgotten-4470";

#[derive(Debug)]
pub struct Redis {
    /// Without TLS.
    pub port: u16,
    pub tls_port: u16,
    program: String,
    more: Vec<String>,
    process: Option<Process>,
    folder: Folder,
}

impl Redis {
    /// Running, with a password. `None` where there is no Redis.
    pub fn running() -> Option<Redis> {
        Redis::running_with(&[])
    }

    /// The same with more words on its command line.
    pub fn running_with(more: &[&str]) -> Option<Redis> {
        let program = part("ONEACCESS_TEST_REDIS_SERVER", "Redis")?;
        let more = more.iter().map(|word| (*word).to_owned()).collect();
        let (port, tls_port) = (free_port(), free_port());
        let mut redis = Redis { port, tls_port, program, more, process: None, folder: Folder::new() };
        redis.begin();
        Some(redis)
    }

    /// Running with TLS as well, with this certificate.
    pub fn secure(identity: &Identity) -> Option<Redis> {
        let port = free_port().to_string();
        let (certificate, key) = (shown(&identity.certificate), shown(&identity.key));
        let words =
            ["--tls-port", &port, "--tls-cert-file", &certificate, "--tls-key-file", &key, "--tls-ca-cert-file"];
        let mut words = words.to_vec();
        words.extend([certificate.as_str(), "--tls-auth-clients", "no"]);
        let mut redis = Redis::running_with(&words)?;
        redis.tls_port = port.parse().unwrap();
        Some(redis)
    }

    pub fn url(&self) -> String {
        format!("redis://:{PASSWORD}@127.0.0.1:{}/0", self.port)
    }

    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    pub fn begin(&mut self) {
        let (port, folder) = (self.port.to_string(), shown(self.folder.path()));
        let words = [&self.program, "--port", &port, "--bind", "127.0.0.1", "--dir", &folder, "--save", ""];
        let mut words = words.to_vec();
        words.extend(["--appendonly", "no", "--requirepass", PASSWORD, "--masterauth", PASSWORD]);
        words.extend(self.more.iter().map(String::as_str));
        let mut process = Process::start("redis", &words, &[], self.folder.path());
        let answers = |_: &Process| self.says("PING").filter(|said| said.contains("+PONG")).map(drop);
        process.wait_for("it answered", Duration::from_secs(30), answers).unwrap_or_else(|why| panic!("{why}"));
        self.process = Some(process);
    }

    pub fn stop(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.stop();
        }
    }

    /// Without a chance to tidy up.
    pub fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            process.kill();
        }
    }

    /// It keeps its connections and answers nothing.
    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = fs::read_to_string(self.folder.path().join("redis.pid")).unwrap();
        assert!(Command::new("kill").args([signal, pid.trim()]).status().unwrap().success());
    }

    /// Has it carry out one command.
    pub fn ask(&self, command: &str) -> String {
        let said = self.says(command).unwrap_or_else(|| panic!("Redis does not answer {command}"));
        assert!(!said.contains("\r\n-"), "{command}: {said}");
        said
    }

    fn says(&self, command: &str) -> Option<String> {
        says(self.port, &format!("AUTH {PASSWORD}\r\n"), command)
    }
}

fn says(port: u16, login: &str, command: &str) -> Option<String> {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
    stream.set_read_timeout(Some(Duration::from_secs(10))).ok()?;
    stream.write_all(format!("{login}{command}\r\n").as_bytes()).ok()?;
    // Sentinels know no QUIT.
    stream.shutdown(Shutdown::Write).ok()?;
    let mut said = String::new();
    stream.read_to_string(&mut said).ok()?;
    Some(said)
}

/// Knows the primary as `library`, and makes its replica the primary when it has been silent for a second.
pub struct Sentinel {
    port: u16,
    _process: Process,
    _folder: Folder,
}

impl Sentinel {
    /// Watching both; `replica` was started as one of `primary`.
    pub async fn over(primary: &Redis, replica: &Redis) -> Sentinel {
        let (port, folder) = (free_port(), Folder::new());
        let settings = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor library 127.0.0.1 {} 1\n\
             sentinel auth-pass library {PASSWORD}\nsentinel down-after-milliseconds library 1000\n\
             sentinel failover-timeout library 10000\n",
            shown(folder.path()),
            primary.port
        );
        let file = shown(&folder.write("sentinel.conf", settings));
        let mut process = Process::start("sentinel", &[&primary.program, &file, "--sentinel"], &[], folder.path());
        let follows = |_: &Process| {
            let synced = primary.says("INFO replication")?.contains("state=online");
            let known = says(port, "", "SENTINEL REPLICAS library")?.contains(&replica.port.to_string());
            (synced && known).then_some(())
        };
        process.wait_for("it knew the replica", Duration::from_secs(60), follows).unwrap_or_else(|why| panic!("{why}"));
        Sentinel { port, _process: process, _folder: folder }
    }

    pub fn url(&self) -> String {
        format!("redis-sentinel://:{PASSWORD}@127.0.0.1:{}/library/0", self.port)
    }
}

impl Drop for Redis {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.go_on();
        }
    }
}

fn shown(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}
