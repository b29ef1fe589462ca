//! Commands, as an operator types them.

use std::{
    io::Write,
    path::PathBuf,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

/// How a command ended and what it said.
#[derive(Debug)]
pub struct Done {
    pub status: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Done {
    /// The command must have succeeded.
    #[track_caller]
    pub fn fine(self) -> Done {
        assert_eq!(self.status, 0, "the command failed: {}\n{}", self.stderr, self.stdout);
        self
    }

    /// The command must have refused, with the reason on standard error.
    #[track_caller]
    pub fn refused(self) -> Done {
        assert_eq!(self.status, 1, "expected a refusal: {}\n{}", self.stderr, self.stdout);
        assert!(!self.stderr.trim().is_empty(), "a refusal says why on standard error");
        self
    }

    /// The one JSON document on standard output.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|e| panic!("no JSON document ({e}): {}", self.stdout))
    }

    /// Everything it said, in both streams.
    pub fn words(&self) -> String {
        format!("{}\n{}", self.stdout, self.stderr)
    }

    /// The notes of an import report, wherever they are in the document: file, line, column and what was done.
    pub fn notes(&self) -> Vec<Note> {
        let mut notes = Vec::new();
        collect(&self.json(), &mut notes);
        notes
    }
}

#[derive(Debug, Clone)]
pub struct Note {
    pub file: String,
    pub line: u64,
    pub column: String,
    pub outcome: String,
    pub what: String,
}

fn collect(value: &Value, notes: &mut Vec<Note>) {
    match value {
        Value::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
            if let (Some(Value::String(file)), Some(line)) =
                (fields.get("file"), fields.get("line").and_then(Value::as_u64))
            {
                let (column, outcome, what) = (text("column"), text("outcome"), text("what"));
                notes.push(Note { file: file.clone(), line, column, outcome, what });
            }
            fields.values().for_each(|v| collect(v, notes));
        }
        Value::Array(items) => items.iter().for_each(|v| collect(v, notes)),
        _ => {}
    }
}

/// Somebody with a library's configuration and its environment.
#[derive(Debug, Clone)]
pub struct Operator {
    pub config: PathBuf,
    pub env: Vec<(String, String)>,
}

impl Operator {
    pub fn run(&self, args: &[&str]) -> Done {
        self.run_with(args, "")
    }

    /// Starts a command and does not wait for it.
    pub fn begin(&self, args: &[&str]) -> Child {
        Command::new(env!("CARGO_BIN_EXE_oneaccess"))
            .args(args)
            .arg("--config")
            .arg(&self.config)
            .envs(self.env.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap()
    }

    pub fn run_with(&self, args: &[&str], input: &str) -> Done {
        let config = self.config.to_string_lossy().into_owned();
        let mut all = args.to_vec();
        all.extend(["--config", &config]);
        let env: Vec<(&str, &str)> = self.env.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        run(&all, &env, input)
    }
}

/// Runs `oneaccess ARGS`, with `input` on standard input. A command that hangs for two minutes fails.
pub fn run(args: &[&str], env: &[(&str, &str)], input: &str) -> Done {
    let mut child = Command::new("timeout")
        .args(["120", env!("CARGO_BIN_EXE_oneaccess")])
        .args(args)
        .envs(env.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // A command that reads nothing closes the pipe: no fault of the test.
    let _ = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    Done {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
