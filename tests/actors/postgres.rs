//! A PostgreSQL server of a test's own, which may be stopped, crash, hang, and start again.

use std::{
    fs,
    path::PathBuf,
    process::Command,
    time::{Duration, Instant},
};

use super::{
    engine::Database,
    parts::{Folder, free_port, part},
    process::Process,
};

const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Postgres {
    port: u16,
    programs: PathBuf,
    /// Whom it runs as: it refuses to be root.
    account: Option<Account>,
    process: Option<Process>,
    folder: Folder,
}

#[derive(Debug)]
struct Account {
    name: &'static str,
    group: String,
}

impl Postgres {
    /// Running, for whoever is on this machine. `None` where there is no PostgreSQL.
    pub fn running() -> Option<Postgres> {
        let programs = PathBuf::from(part("ONEACCESS_TEST_POSTGRES_BIN", "PostgreSQL's own programs")?);
        let (folder, account) = (Folder::new(), Account::unless_not_root());
        if let Some(account) = &account {
            done(Command::new("chown").arg(account.name).arg(folder.path()));
        }
        let mut postgres = Postgres { port: free_port(), programs, account, process: None, folder };
        let data = postgres.data();
        let made = ["initdb", "-D", &data, "-U", "oneaccess", "--auth=trust", "--locale=C", "--encoding=UTF8", "-N"];
        let words = postgres.words(&made);
        done(Command::new(&words[0]).args(&words[1..]).current_dir(postgres.folder.path()));
        postgres.begin();
        Some(postgres)
    }

    /// Its first database, as a library keeps its records there.
    pub fn database(&self) -> Database {
        Database::Postgres { url: format!("postgres://oneaccess@127.0.0.1:{}/postgres", self.port) }
    }

    pub fn begin(&mut self) {
        let (data, port) = (self.data(), self.port.to_string());
        let socket = format!("unix_socket_directories={}", self.folder.path().display());
        let made = ["postgres", "-D", &data, "-p", &port, "-c", "listen_addresses=127.0.0.1", "-c", &socket];
        let words = self.words(&made);
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let mut process = Process::start("postgres", &words, &[], self.folder.path());
        let asks = self.programs.join("pg_isready");
        let answers = |_: &Process| {
            let asked = Command::new(&asks).args(["-q", "-h", "127.0.0.1", "-p", &port]).status();
            asked.is_ok_and(|status| status.success()).then_some(())
        };
        process.wait_for("it answered", PATIENCE, answers).unwrap_or_else(|why| panic!("{why}"));
        self.process = Some(process);
    }

    /// As an operator stops it: whoever is connected is cut off.
    pub fn stop(&mut self) {
        self.end("-INT");
    }

    /// Without writing down what is only in its log yet.
    pub fn crash(&mut self) {
        self.end("-QUIT");
    }

    /// It and all that serve its connections stand still: they neither answer nor hang up.
    pub fn pause(&self) {
        self.signal_all("-STOP");
    }

    pub fn go_on(&self) {
        self.signal_all("-CONT");
    }

    fn end(&mut self, signal: &str) {
        let Some(mut process) = self.process.take() else { return };
        done(Command::new("kill").args([signal, &self.pid()]));
        let give_up = Instant::now() + PATIENCE;
        while process.ended().is_none() && Instant::now() < give_up {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn signal_all(&self, signal: &str) {
        let pid = self.pid();
        let children = Command::new("ps").args(["-o", "pid=", "--ppid", &pid]).output().unwrap().stdout;
        let children = String::from_utf8(children).unwrap();
        let all: Vec<&str> = std::iter::once(pid.as_str()).chain(children.split_whitespace()).collect();
        // One of them may have ended since.
        let _ = Command::new("kill").arg(signal).args(all).stderr(std::process::Stdio::null()).status();
    }

    fn pid(&self) -> String {
        fs::read_to_string(self.folder.path().join("postgres.pid")).unwrap().trim().to_owned()
    }

    fn data(&self) -> String {
        self.folder.path().join("data").to_string_lossy().into_owned()
    }

    /// One of its programs with its arguments, as the account that may run it.
    fn words(&self, program: &[&str]) -> Vec<String> {
        let mut words = Vec::new();
        if let Some(Account { name, group }) = &self.account {
            let account = [format!("--reuid={name}"), format!("--regid={group}"), "--clear-groups".into(), "--".into()];
            words.push("setpriv".to_owned());
            words.extend(account);
        }
        words.push(self.programs.join(program[0]).to_string_lossy().into_owned());
        words.extend(program[1..].iter().map(|word| (*word).to_owned()));
        words
    }
}

impl Account {
    fn unless_not_root() -> Option<Account> {
        let of = |words: &[&str]| {
            let said = Command::new("id").args(words).output().ok().filter(|output| output.status.success())?;
            Some(String::from_utf8(said.stdout).ok()?.trim().to_owned())
        };
        if of(&["-u"])? != "0" {
            return None;
        }
        ["postgres", "nobody"].into_iter().find_map(|name| Some(Account { name, group: of(&["-g", name])? }))
    }
}

fn done(command: &mut Command) {
    let output = command.output().unwrap_or_else(|e| panic!("{command:?}: {e}"));
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}

impl Drop for Postgres {
    fn drop(&mut self) {
        if self.process.is_some() {
            self.go_on();
            self.end("-QUIT");
        }
    }
}
