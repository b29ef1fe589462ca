//! Canonical forms, on which every signature stands: thousands of documents made by chance, canonicalized by us, by libxml2
//! and by the JDK's Apache Santuario.

use std::{
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

use oneaccess::wire::xml::{MESSAGE, c14n, parse};
use serde_json::{Value, json};

use crate::actors::part;

#[path = "../src/wire/xml/c14n/tests/generated.rs"]
mod generated;

use generated::{Generated, generated_documents};

const DOCUMENTS: usize = 2000;
const CLIENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/clients");

#[test]
fn libxml2_canonicalizes_as_we_do() {
    let Some(python) = part("ONEACCESS_TEST_PYTHON", "canonical forms by libxml2") else { return };
    agree(&python, &[&format!("{CLIENTS}/python/c14n.py")]);
}

#[test]
fn the_jdk_canonicalizes_as_we_do() {
    let Some(java) = part("ONEACCESS_TEST_JAVA", "canonical forms by the JDK") else { return };
    agree(&java, &["-XX:TieredStopAtLevel=1", &format!("{CLIENTS}/java/C14n.java")]);
}

/// The same documents each time: a difference that was found once is found again.
fn agree(program: &str, arguments: &[&str]) {
    let documents = generated_documents(1, DOCUMENTS);
    let theirs = canonical_forms(&documents, program, arguments);
    assert_eq!(theirs.len(), documents.len());
    for (it, theirs) in documents.iter().zip(&theirs) {
        let document = parse(&it.xml, &MESSAGE).unwrap();
        let node = document.descendants().find(|node| node.attribute("ID") == Some(it.id)).unwrap();
        assert_eq!(c14n::exclusive(node, &it.prefixes, None), *theirs, "{:?} of {}", it.prefixes, it.xml);
    }
}

fn canonical_forms(documents: &[Generated], program: &str, arguments: &[&str]) -> Vec<String> {
    assert!(arguments.iter().any(|argument| Path::new(argument).is_file()), "{arguments:?}");
    let mut child = Command::new(program).args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let line = |it: &Generated| format!("{}\n", json!({ "xml": it.xml, "id": it.id, "prefixes": it.prefixes }));
    let lines: String = documents.iter().map(line).collect();
    let mut input = child.stdin.take().unwrap();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap().unwrap();
    assert!(output.status.success(), "{program}: {}", output.status);
    let answers = String::from_utf8(output.stdout).unwrap();
    let form = |line: &str| serde_json::from_str::<Value>(line).unwrap()["c14n"].as_str().unwrap().to_owned();
    answers.lines().map(form).collect()
}
