//! Helm with our chart, and Kubernetes as far as it can be asked without a cluster: its types and its schemas.

use std::{
    fs,
    io::Write,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::Value;

use super::parts::{Folder, part};

const CHART: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/helm/oneaccess");
const WHAT_FOR: &str = "Helm with the chart";

pub struct Helm {
    program: PathBuf,
    reader: PathBuf,
    /// Helm's own files; nobody's settings but its defaults.
    home: Folder,
}

impl Helm {
    /// `None` where Go is absent, of which Helm is built: a named skip.
    pub fn installed() -> Option<Helm> {
        let program = part("ONEACCESS_TEST_HELM", WHAT_FOR)?.into();
        let reader = part("ONEACCESS_TEST_MANIFESTS", WHAT_FOR)?.into();
        Some(Helm { program, reader, home: Folder::new() })
    }

    /// The names of `helm/oneaccess/ci/*.yaml`, each a whole set of values.
    pub fn sets() -> Vec<String> {
        let entries = fs::read_dir(Path::new(CHART).join("ci")).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().path().file_stem().unwrap().to_str().unwrap().to_owned()).collect();
        names.sort();
        names
    }

    fn run(&self, verb: &str, set: &str, more: &[&str]) -> Output {
        let values = format!("{CHART}/ci/{set}.yaml");
        let mut command = Command::new(&self.program);
        command.env("HOME", self.home.path()).arg(verb);
        if verb == "template" {
            command.args(["library", "--namespace", "library"]);
        }
        command.args([CHART, "--values", &values, "--kube-version", "1.37.0"]).args(more).output().unwrap()
    }

    #[track_caller]
    pub fn lints(&self, set: &str) {
        let output = self.run("lint", set, &["--strict"]);
        assert!(output.status.success(), "{set}: {}", String::from_utf8_lossy(&output.stdout));
    }

    /// The manifests, as Helm would send them.
    #[track_caller]
    pub fn renders(&self, set: &str, more: &[&str]) -> String {
        let output = self.run("template", set, more);
        assert!(output.status.success(), "{set}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    /// The sentence with which a set of values is refused that has `more` on top.
    #[track_caller]
    pub fn refuses(&self, set: &str, more: &[&str]) -> String {
        let output = self.run("template", set, more);
        assert!(!output.status.success(), "{set} with {more:?} was not refused");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// The same as JSON, read as strictly as an API server does.
    #[track_caller]
    pub fn manifests(&self, set: &str) -> Vec<Value> {
        let output = fed(&mut Command::new(&self.reader), self.renders(set, &[]).as_bytes());
        assert!(output.status.success(), "{set}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).unwrap()
    }
}

/// What expressions of PromQL name, by Prometheus's own parser: each metric with the labels that select it, and labels that
/// are grouped by.
#[track_caller]
pub fn queries(expressions: &[String]) -> Option<Vec<Value>> {
    let reader = part("ONEACCESS_TEST_MANIFESTS", WHAT_FOR)?;
    let output = fed(Command::new(reader).arg("queries"), &serde_json::to_vec(expressions).unwrap());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

/// Holds manifests against the schemas of these releases of Kubernetes. Without Python it is a named skip.
#[track_caller]
pub fn kubernetes_takes(manifests: &[Value], releases: &[&str]) {
    let Some(python) = part("ONEACCESS_TEST_KUBERNETES", "Kubernetes' schemas") else { return };
    let mut command = Command::new(python);
    command.args(["-B", concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients/kubernetes/schemas.py")]).args(releases);
    let output = fed(&mut command, &serde_json::to_vec(manifests).unwrap());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

fn fed(command: &mut Command, input: &[u8]) -> Output {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    stdin.write_all(input).unwrap();
    drop(stdin);
    child.wait_with_output().unwrap()
}

/// The pod of a Deployment, a Job or a CronJob.
pub fn pod_of(manifest: &Value) -> Option<&Value> {
    match manifest["kind"].as_str()? {
        "Deployment" | "Job" => Some(&manifest["spec"]["template"]["spec"]),
        "CronJob" => Some(&manifest["spec"]["jobTemplate"]["spec"]["template"]["spec"]),
        _ => None,
    }
}
