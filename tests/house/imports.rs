//! Imports only run down the tree of `docs/architecture.md`; this table is its "uses" column.
//! When the plan is wrong, change it there and here, and say why in `docs/decisions/`.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

/// Each module at the top of `src/`, and all that it may import from the crate besides itself. Whoever may import
/// `app` may name the settings that it holds, `config`.
const USES: &[(&str, &[&str])] = &[
    ("main", &["cli"]),
    ("lib", &[]),
    // The generator is one function that the demo, the command, tests and benches share.
    (
        "cli",
        &[
            "compose",
            "admin::operations",
            "directory::oneroster::generate",
            "directory::oneroster::Version",
            "config",
            "telemetry",
            "domain",
        ],
    ),
    (
        "compose",
        &[
            "admin",
            "protocols",
            "web",
            "signon",
            "jobs",
            "app",
            "pages",
            "directory",
            "keyring",
            "outbound",
            "policy",
            "store",
            "ephemeral",
            "wire",
            "domain",
            "config",
            "telemetry",
        ],
    ),
    ("admin", &["signon", "app", "backup", "config", "policy", "keyring", "directory", "store", "domain"]),
    ("protocols", &["signon", "app", "keyring", "outbound", "pages", "ephemeral", "wire", "domain", "telemetry"]),
    ("web", &["signon", "app", "pages", "wire", "domain", "telemetry"]),
    ("signon", &["app", "config", "policy", "directory", "store", "ephemeral", "domain", "telemetry"]),
    ("jobs", &["signon", "app", "directory", "keyring", "store", "domain"]),
    ("app", &["config", "pages", "store", "ephemeral", "keyring", "outbound", "directory", "domain", "telemetry"]),
    ("backup", &["store", "domain"]),
    ("outbound", &["wire", "domain"]),
    ("pages", &["domain"]),
    ("directory", &["outbound", "store", "wire", "domain"]),
    ("keyring", &["store", "wire", "domain", "telemetry"]),
    ("policy", &["domain"]),
    ("store", &["domain", "telemetry"]),
    ("ephemeral", &["domain", "telemetry"]),
    ("wire", &[]),
    ("domain", &[]),
    ("config", &["domain", "telemetry"]),
    ("telemetry", &[]),
];

/// Each named package's homes, as beginnings of paths.
const HOMES: &[(&str, &[&str])] = &[
    ("sqlx", &["src/store/"]),
    ("redis", &["src/ephemeral/redis.rs"]),
    ("rcgen", &["src/wire/certificate.rs"]),
    ("opentelemetry", &["src/telemetry/"]),
    ("rustix", &["src/compose/doctor"]),
    ("roxmltree", &["src/wire/xml"]),
    ("jsonwebtoken", &["src/wire/jose", "src/keyring"]),
    ("ldap3", &["src/directory/ldap"]),
    ("openidconnect", &["src/directory/oidc", "src/cli/demo", "examples/"]),
    ("hyper", &["src/outbound/"]),
    ("tokio_rustls", &["src/outbound/", "src/protocols/sip2/", "benches/"]),
    ("reqwest", &["examples/"]),
    ("jiff", &["src/domain/clock.rs"]),
    (
        "axum",
        &[
            "src/web",
            "src/protocols",
            "src/admin",
            "src/compose.rs",
            "src/cli/serve",
            "src/cli/demo",
            "examples/",
            "benches/",
        ],
    ),
];

const LONGEST_FILE: usize = 600;

#[test]
fn imports_only_run_down_the_house() {
    let mut wrong = Vec::new();
    for file in product() {
        let module = module_of(&file);
        let Some((home, allowed)) = USES.iter().find(|(name, _)| *name == module[0]) else {
            wrong.push(format!("{}: src/{} is not in the plan", file.display(), module[0]));
            continue;
        };
        for import in imports(&read(&file), &module) {
            let inside = import.starts_with(home) && import[home.len()..].starts_with([':', ' ']) || import == *home;
            let planned = allowed.iter().any(|a| import == *a || import.starts_with(&format!("{a}::")));
            if !inside && !planned {
                wrong.push(format!("{}: {home} may not use {import}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn folders_of_protocols_never_import_each_other() {
    let mut wrong = Vec::new();
    for file in files("src/protocols") {
        let module = module_of(&file);
        let Some(own) = module.get(1) else { continue };
        for import in imports(&read(&file), &module) {
            let mut path = import.split("::");
            if path.next() == Some("protocols")
                && let Some(folder) = path.next()
                && folder != own
                && Path::new("src/protocols").join(folder).is_dir()
            {
                wrong.push(format!("{}: {own} may not use {import}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn each_named_package_has_one_home() {
    let mut wrong = Vec::new();
    for file in product() {
        let text = code_of(&read(&file));
        let text = product_of(&text);
        for (package, homes) in HOMES {
            let named = words(text).any(|(word, after)| word == *package && after.starts_with("::"))
                || text.contains(&format!("use {package};"));
            if named && !homes.iter().any(|home| file.to_string_lossy().starts_with(home)) {
                wrong.push(format!("{}: {package} lives in {homes:?}", file.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn a_file_tells_one_story() {
    let long = |file: &PathBuf| {
        let lines = read(file).lines().count();
        (lines > LONGEST_FILE).then(|| format!("{}: {lines} lines", file.display()))
    };
    let wrong: Vec<String> =
        ["src", "tests", "benches", "examples"].iter().flat_map(|f| files(f)).filter_map(|f| long(&f)).collect();
    assert!(wrong.is_empty(), "look for the second noun hiding inside:\n{}", wrong.join("\n"));
}

#[test]
fn every_module_says_what_it_owns() {
    let silent: Vec<String> = product()
        .iter()
        .filter(|file| !read(file).starts_with("//!") && !file.ends_with("main.rs"))
        .map(|file| file.display().to_string())
        .collect();
    assert!(silent.is_empty(), "no //! at the top of:\n{}", silent.join("\n"));
}

/// The readers above, tried on text that breaks the rules.
#[test]
fn no_way_of_writing_an_import_escapes() {
    let of = |text: &str, module: &[&str]| {
        imports(text, &module.iter().map(|m| (*m).to_owned()).collect::<Vec<_>>()).into_iter().collect::<Vec<_>>()
    };
    assert_eq!(of("use crate::store::Db;", &["policy"]), ["store::Db"]);
    assert_eq!(
        of("use crate::{\n    domain::{id::CardId, pin},\n    store::{self, Db},\n};", &["web"]),
        ["domain::id::CardId", "domain::pin", "store", "store::Db"]
    );
    assert_eq!(of("fn f() { crate::store::open() }", &["policy", "step"]), ["store::open"]);
    assert_eq!(of("use super::super::store::Db;", &["policy", "step"]), ["store::Db"]);
    assert_eq!(of("pub use super::store;", &["policy"]), ["store"]);
    assert_eq!(of("use super::sibling;", &["policy", "step"]), Vec::<String>::new());
    assert_eq!(of("use crate as house;", &["policy"]), ["everything"]);
    assert_eq!(
        of("#[cfg(test)]\nmod tests;\nuse crate::store;\n#[cfg(test)]\nmod more { use crate::web; }", &["policy"]),
        ["store"]
    );
    assert_eq!(of("// crate::store\n/* crate::web */ \"crate::cli\"", &["policy"]), Vec::<String>::new());
}

// ── Reading Rust just well enough ──────────────────────────────────────────────────────────────────────────────────

/// The files of `src/` that are not unit tests.
fn product() -> Vec<PathBuf> {
    let is_test = |file: &Path| file.iter().any(|part| part == "tests") || file.ends_with("tests.rs");
    files("src").into_iter().filter(|file| !is_test(file)).collect()
}

fn files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![PathBuf::from(folder)];
    while let Some(folder) = open.pop() {
        let Ok(entries) = fs::read_dir(&folder) else { continue };
        for path in entries.map(|e| e.unwrap().path()) {
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

fn read(file: &Path) -> String {
    fs::read_to_string(file).unwrap()
}

/// `src/web/sign_in.rs` → `["web", "sign_in"]`.
fn module_of(file: &Path) -> Vec<String> {
    let inside = file.strip_prefix("src").unwrap().with_extension("");
    let mut path: Vec<String> = inside.iter().map(|part| part.to_string_lossy().into_owned()).collect();
    if path.last().is_some_and(|last| last == "mod") {
        path.pop();
    }
    path
}

/// Paths from the crate's root that this text names: `crate::…`, groups opened, and `super::` that climbs to the root.
fn imports(text: &str, module: &[String]) -> BTreeSet<String> {
    let text = code_of(text);
    let text = product_of(&text);
    let mut found = BTreeSet::new();
    for (word, after) in words(text) {
        if word == "crate" {
            match after.strip_prefix("::") {
                Some(rest) => {
                    open_group("", rest, &mut found);
                }
                None if after.trim_start().starts_with("as ") => {
                    found.insert("everything".into());
                }
                None => {}
            }
        }
    }
    let mut climbed_to = 0;
    for (word, after) in words(text) {
        // Only the first `super` of a chain.
        if word != "super" || after.as_ptr() as usize <= climbed_to {
            continue;
        }
        let (mut rest, mut floors) = (after, 1);
        while let Some(next) = rest.strip_prefix("::super") {
            (rest, floors) = (next, floors + 1);
        }
        climbed_to = rest.as_ptr() as usize;
        if floors >= module.len()
            && let Some(rest) = rest.strip_prefix("::")
        {
            open_group("", rest, &mut found);
        }
    }
    found
}

/// Without the unit tests at the end: a test may set up more of the house than its module may know.
fn product_of(code: &str) -> &str {
    let opens_module = |at: usize| {
        let rest = code[at + "#[cfg(test)]".len()..].trim_start();
        let rest = rest.strip_prefix("pub(crate) ").unwrap_or(rest);
        rest.starts_with("mod ") && rest.find('{').is_some_and(|brace| rest.find(';').is_none_or(|end| brace < end))
    };
    let end = code.match_indices("#[cfg(test)]").map(|(at, _)| at).find(|at| opens_module(*at));
    &code[..end.unwrap_or(code.len())]
}

/// Adds every path of a use tree that begins at `rest`.
fn open_group<'a>(prefix: &str, rest: &'a str, found: &mut BTreeSet<String>) -> &'a str {
    let rest = rest.trim_start();
    if let Some(mut inner) = rest.strip_prefix('{') {
        loop {
            inner = inner.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
            if let Some(done) = inner.strip_prefix('}') {
                return done;
            }
            if inner.is_empty() {
                return inner;
            }
            inner = open_group(prefix, inner, found);
            inner = inner.trim_start();
            if let Some(alias) = inner.strip_prefix("as ") {
                inner = alias.trim_start().trim_start_matches(|c: char| c.is_alphanumeric() || c == '_');
            }
        }
    }
    let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != '*').unwrap_or(rest.len());
    if end == 0 {
        // Nothing that a use tree may hold: over.
        return "";
    }
    let (name, after) = rest.split_at(end);
    let path = match (prefix, name) {
        (_, "self") => prefix.to_owned(),
        ("", _) => name.to_owned(),
        _ => format!("{prefix}::{name}"),
    };
    match after.strip_prefix("::") {
        Some(deeper) => open_group(&path, deeper, found),
        None => {
            found.insert(path);
            after
        }
    }
}

/// Identifiers, each with what follows it.
fn words(text: &str) -> impl Iterator<Item = (&str, &str)> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut rest = text;
    std::iter::from_fn(move || {
        let begin = rest.find(in_word)?;
        let word = &rest[begin..];
        let (word, after) = word.split_at(word.find(|c| !in_word(c)).unwrap_or(word.len()));
        rest = after;
        Some((word, after))
    })
}

/// The text without comments and without what stands between quotes.
fn code_of(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let skip = if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").map_or(rest.len(), |end| end + 2)
        } else if let Some(raw) = rest.strip_prefix("r#\"") {
            raw.find("\"#").map_or(rest.len(), |end| end + 5)
        } else if rest.starts_with("'\"'") {
            3
        } else if c == '"' {
            let mut end = 1;
            let bytes = rest.as_bytes();
            while end < bytes.len() && bytes[end] != b'"' {
                end += if bytes[end] == b'\\' { 2 } else { 1 };
            }
            (end + 1).min(rest.len())
        } else {
            code.push(c);
            c.len_utf8()
        };
        rest = &rest[skip..];
    }
    code
}
