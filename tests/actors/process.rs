//! A program that runs beside the test, writes into files, and never outlives the test process.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, ChildStdin, Command, ExitStatus, Stdio},
    thread,
    time::{Duration, Instant},
};

/// Starts the program, notes its id, and ends it when this shell's standard input closes: the kernel closes that pipe
/// however the test process ends.
const KEEPER: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
child=$!
echo "$child" >"$PID_FILE"
{ read -r _ <&3; kill "$child"; } 2>/dev/null &
watcher=$!
wait "$child"
status=$?
kill "$watcher" 2>/dev/null
exit "$status"
"#;

#[derive(Debug)]
pub struct Process {
    keeper: Child,
    leash: Option<ChildStdin>,
    files: PathBuf,
    name: String,
}

impl Process {
    /// Starts `command`, whose output goes to `FILES/NAME.out` and `FILES/NAME.err`, appended.
    pub fn start(name: &str, command: &[&str], env: &[(&str, &str)], files: &Path) -> Process {
        let append = |kind: &str| {
            fs::OpenOptions::new().append(true).create(true).open(files.join(format!("{name}.{kind}"))).unwrap()
        };
        let _ = fs::remove_file(files.join(format!("{name}.pid")));
        let mut keeper = Command::new("sh")
            .args(["-c", KEEPER, name])
            .args(command)
            .envs(env.iter().copied())
            .env("PID_FILE", files.join(format!("{name}.pid")))
            .stdin(Stdio::piped())
            .stdout(append("out"))
            .stderr(append("err"))
            .spawn()
            .unwrap();
        let leash = keeper.stdin.take();
        Process { keeper, leash, files: files.to_owned(), name: name.to_owned() }
    }

    pub fn stdout(&self) -> String {
        fs::read_to_string(self.files.join(format!("{}.out", self.name))).unwrap_or_default()
    }

    pub fn stderr(&self) -> String {
        fs::read_to_string(self.files.join(format!("{}.err", self.name))).unwrap_or_default()
    }

    /// How the program ended, if it did.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.keeper.try_wait().unwrap()
    }

    /// Looks until `look` finds something. `Err` with what the program said, where it ended before or took too long.
    pub fn wait_for<T>(
        &mut self,
        what: &str,
        within: Duration,
        mut look: impl FnMut(&Process) -> Option<T>,
    ) -> Result<T, String> {
        let give_up = Instant::now() + within;
        loop {
            if let Some(found) = look(self) {
                return Ok(found);
            }
            if let Some(status) = self.ended() {
                return Err(format!("{} ended ({status}) before {what}:\n{}", self.name, self.stderr()));
            }
            if Instant::now() > give_up {
                return Err(format!("{} took over {within:?} for {what}:\n{}", self.name, self.stderr()));
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Asks it to end (SIGTERM).
    pub fn ask_to_end(&mut self) {
        drop(self.leash.take());
    }

    /// Asks it to end (SIGTERM) and waits until it has.
    pub fn stop(&mut self) {
        drop(self.leash.take());
        let give_up = Instant::now() + Duration::from_secs(20);
        while self.ended().is_none() {
            if Instant::now() > give_up {
                self.kill();
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it without a chance to tidy up (SIGKILL).
    pub fn kill(&mut self) {
        if self.ended().is_none()
            && let Ok(pid) = fs::read_to_string(self.files.join(format!("{}.pid", self.name)))
        {
            let _ = Command::new("kill").args(["-KILL", pid.trim()]).status();
            let _ = self.keeper.wait();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}
