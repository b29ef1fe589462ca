//! The pages of `docs/integrate/` show programs that tests run: each block of code is a marked part of a file in
//! `tests/clients/`, and each version is the one in a lock file.
//!
//! A page says where a block comes from in the line above it, `<!-- FILE: NAME -->`; the file marks the part with
//! `docs:begin NAME` and `docs:end` in comments of its own language. To write the pages anew after a change of a program:
//! `ONEACCESS_WRITE_DOCS=1 cargo test recipes`.

use std::{
    collections::BTreeSet,
    env, fs,
    path::{Path, PathBuf},
};

const PAGES: &str = "docs/integrate";
/// Written by hand for people without any library.
const BY_HAND: [&str; 3] = ["oidc.md", "device.md", "saml.md"];

#[test]
fn recipes_show_what_the_tests_run() {
    for page in pages() {
        let shown = fs::read_to_string(&page).unwrap();
        let (run, _) = rewritten(&shown);
        if env::var("ONEACCESS_WRITE_DOCS").is_ok() {
            fs::write(&page, run).unwrap();
        } else {
            assert_eq!(shown, run, "{}: see the top of {}", page.display(), file!());
        }
    }
}

#[test]
fn every_part_that_is_marked_stands_on_one_page() {
    let shown: Vec<String> = pages().iter().flat_map(|page| rewritten(&fs::read_to_string(page).unwrap()).1).collect();
    let once: BTreeSet<&String> = shown.iter().collect();
    assert_eq!(shown.len(), once.len(), "shown twice: {shown:?}");
    let mut marked = BTreeSet::new();
    for file in files(Path::new("tests/clients")) {
        let text = fs::read_to_string(&file).unwrap();
        let (begins, ends) = (text.matches("docs:begin").count(), text.matches("docs:end").count());
        assert_eq!(begins, ends, "{}", file.display());
        marked.extend(text.lines().filter_map(begin_of).map(|name| format!("{}: {name}", file.display())));
    }
    assert_eq!(once.into_iter().cloned().collect::<BTreeSet<_>>(), marked);
    assert!(marked.len() > 15, "{marked:?}");
}

/// Only shell lines and text are not run.
#[test]
fn recipes_hold_no_code_of_their_own() {
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let mut inside = false;
        for (at, line) in lines.iter().enumerate() {
            let Some(language) = line.strip_prefix("```") else { continue };
            inside = !inside;
            let from_a_test = at > 0 && source_of(lines[at - 1]).is_some();
            assert!(!inside || language == "sh" || from_a_test, "{}:{}: {line}", page.display(), at + 1);
        }
        assert!(!inside, "{}: an open block", page.display());
    }
}

#[test]
fn recipes_name_the_versions_of_the_lock_files() {
    let index = fs::read_to_string(format!("{PAGES}/README.md")).unwrap();
    let mut told = BTreeSet::new();
    for (page, package, version) in [
        ("openid-client.md", "openid-client", npm("openid-client")),
        ("openid-client.md", "jose", npm("jose")),
        ("oauth4webapi.md", "oauth4webapi", npm("oauth4webapi")),
        ("authlib.md", "authlib", pip("authlib")),
        ("authlib.md", "flask", pip("flask")),
        ("requests-oauthlib.md", "requests-oauthlib", pip("requests-oauthlib")),
        ("requests-oauthlib.md", "pyjwt", pip("pyjwt")),
        ("go-oidc.md", "go-oidc/v3", go("github.com/coreos/go-oidc/v3")),
        ("go-oidc.md", "golang.org/x/oauth2", go("golang.org/x/oauth2")),
        ("spring-security.md", "spring-boot", spring_boot()),
        ("openidconnect.md", "openidconnect", crates("openidconnect")),
        ("openidconnect.md", "jsonwebtoken", crates("jsonwebtoken")),
        ("pysaml2.md", "pysaml2", pip("pysaml2")),
        ("python3-saml.md", "python3-saml", pip("python3-saml")),
        ("python3-saml.md", "lxml", pip("lxml")),
        ("python3-saml.md", "xmlsec", pip("xmlsec")),
        ("node-saml.md", "@node-saml/node-saml", npm("@node-saml/node-saml")),
        ("node-saml.md", "@xmldom/xmldom", npm("@xmldom/xmldom")),
        ("sip2.md", "pysip2", pip("pysip2")),
        ("sip2.md", "sip2", crates("sip2")),
    ] {
        let name = format!("{package} {version}");
        let text = fs::read_to_string(format!("{PAGES}/{page}")).unwrap();
        let tried = text.lines().find(|line| line.starts_with("Tried with ")).unwrap_or_default();
        assert!(tried.contains(&name), "{page} says: {tried}; the lock file: {name}");
        assert!(index.lines().any(|l| l.contains(&name) && l.contains(page)), "README.md: {page} with {name}");
        told.insert(page);
    }
    // Debian's own, whatever version apt-get brings; and kinds of vendors, who have no version.
    told.extend(["mod_auth_openidc.md", "mod_auth_mellon.md", "ebsco-like.md", "proquest-like.md", "gale-like.md"]);
    told.extend(["overdrive-like.md", "hoopla-like.md", "tumblebooks-like.md", "ezproxy.md", "palace-like.md"]);
    let there: BTreeSet<String> =
        pages().iter().map(|p| p.file_name().unwrap().to_string_lossy().into_owned()).collect();
    assert_eq!(there.iter().map(String::as_str).filter(|page| *page != "README.md").collect::<BTreeSet<_>>(), told);
}

// ── Pages and parts ────────────────────────────────────────────────────────────────────────────────────────────────

fn pages() -> Vec<PathBuf> {
    files(Path::new(PAGES)).into_iter().filter(|page| !BY_HAND.iter().any(|name| page.ends_with(name))).collect()
}

/// The page with each block as its file has it, and the sources that it names.
fn rewritten(page: &str) -> (String, Vec<String>) {
    let (mut text, mut sources) = (String::new(), Vec::new());
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        text.push_str(line);
        text.push('\n');
        let Some(source) = source_of(line) else { continue };
        let fence = lines.next().unwrap_or_default();
        assert!(fence.starts_with("```"), "no block below {line}");
        assert!(lines.any(|line| line == "```"), "an open block below {line}");
        text.push_str(&format!("{fence}\n{}\n```\n", part_of(source)));
        sources.push(source.to_owned());
    }
    (text, sources)
}

fn source_of(line: &str) -> Option<&str> {
    let source = line.strip_prefix("<!-- ")?.strip_suffix(" -->")?;
    source.starts_with("tests/clients/").then_some(source)
}

/// What stands between the marks, moved to the left, without empty lines around it.
fn part_of(source: &str) -> String {
    let (file, name) = source.split_once(": ").unwrap_or_else(|| panic!("FILE: NAME, not {source}"));
    let text = fs::read_to_string(file).unwrap_or_else(|e| panic!("{source}: {e}"));
    let part: Vec<&str> = text
        .lines()
        .skip_while(|line| begin_of(line) != Some(name))
        .skip(1)
        .take_while(|line| !line.contains("docs:end"))
        .collect();
    assert!(!part.is_empty(), "{file} marks no {name}");
    let indent =
        part.iter().filter(|l| !l.trim().is_empty()).map(|l| l.len() - l.trim_start().len()).min().unwrap_or(0);
    let part: Vec<&str> = part.iter().map(|line| line.get(indent..).unwrap_or_default()).collect();
    part.join("\n").trim_matches('\n').to_owned()
}

fn begin_of(line: &str) -> Option<&str> {
    let (_, name) = line.split_once("docs:begin ")?;
    name.split_whitespace().next()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

// ── Lock files ─────────────────────────────────────────────────────────────────────────────────────────────────────

fn npm(package: &str) -> String {
    let lock = fs::read_to_string("tests/clients/node/package-lock.json").unwrap();
    let lock: serde_json::Value = serde_json::from_str(&lock).unwrap();
    lock["packages"][format!("node_modules/{package}")]["version"].as_str().unwrap().to_owned()
}

fn pip(package: &str) -> String {
    word_after("tests/clients/python/requirements.txt", &format!("\n{package}=="))
}

fn go(module: &str) -> String {
    word_after("tests/clients/go/go.mod", &format!("\t{module} "))
}

fn spring_boot() -> String {
    word_after("tests/clients/java/pom.xml", "<artifactId>spring-boot-starter-parent</artifactId>\n    <version>")
}

fn crates(package: &str) -> String {
    word_after("Cargo.lock", &format!("\nname = \"{package}\"\nversion = \""))
}

fn word_after(file: &str, begin: &str) -> String {
    let text = format!("\n{}", fs::read_to_string(file).unwrap());
    let (_, rest) = text.split_once(begin).unwrap_or_else(|| panic!("{file} has no {begin:?}"));
    rest.split(|c: char| c.is_whitespace() || "\"<;".contains(c)).next().unwrap().to_owned()
}
