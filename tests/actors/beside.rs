//! A vendor's program in its own language, beside the test: told what to do over lines of JSON, each answered by one.

use std::{
    ffi::OsString,
    io::{BufRead, BufReader, Write},
    path::PathBuf,
    process::{Child, ChildStdin, ChildStdout, Command, Stdio},
};

use serde_json::Value;

use super::parts::part;

/// What to run, and where.
pub struct Program {
    pub path: OsString,
    pub arguments: Vec<OsString>,
    pub folder: PathBuf,
}

impl Program {
    /// A module of `tests/clients/python/`; `None` where Python is absent, which is then a named skip.
    pub fn python(module: &str, what_for: &str) -> Option<Program> {
        let path = part("ONEACCESS_TEST_PYTHON", what_for)?.into();
        let arguments = vec!["-B".into(), "conversation.py".into(), module.into()];
        Some(Program { path, arguments, folder: clients("python") })
    }

    /// A module of `tests/clients/node/`.
    pub fn node(module: &str, what_for: &str) -> Option<Program> {
        let folder = part("ONEACCESS_TEST_NODE_CLIENTS", what_for)?.into();
        let path = std::env::var_os("ONEACCESS_TEST_NODE").unwrap_or_else(|| "node".into());
        Some(Program { path, arguments: vec!["conversation.mjs".into(), module.into()], folder })
    }
}

pub fn clients(language: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/clients").join(language)
}

pub struct Beside {
    name: String,
    child: Child,
    hear: BufReader<ChildStdout>,
    say: ChildStdin,
}

impl Beside {
    /// It ends when its input does; `timeout` is for a program that hangs.
    pub fn start(name: String, program: Program, env: &[(&str, &str)]) -> Beside {
        let mut child = Command::new("timeout")
            .arg("900")
            .arg(program.path)
            .args(program.arguments)
            .current_dir(program.folder)
            .envs(env.iter().copied())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (say, hear) = (child.stdin.take().unwrap(), BufReader::new(child.stdout.take().unwrap()));
        Beside { name, child, hear, say }
    }

    /// `Err` with its own words where it refuses.
    pub fn ask(&mut self, message: &Value) -> Result<Value, String> {
        let name = &self.name;
        tokio::task::block_in_place(|| {
            writeln!(self.say, "{message}").unwrap_or_else(|e| panic!("{name} is gone: {e}"));
            let mut line = String::new();
            self.hear.read_line(&mut line).unwrap();
            let said: Value =
                serde_json::from_str(&line).unwrap_or_else(|e| panic!("{name} said no JSON ({e}): {line}"));
            match said["error"].as_str() {
                Some(why) => Err(format!("{name}: {why}")),
                None => Ok(said),
            }
        })
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
