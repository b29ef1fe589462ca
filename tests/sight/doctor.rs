//! `oneaccess doctor`: a healthy library has nothing to do, an ill one is told each thing and what to do about it.

use std::{fs, os::unix::fs::PermissionsExt};

use serde_json::Value;

use crate::{actors::*, promise};

/// The verdict and the words of each check, and of what.
fn checks(document: &Value) -> Vec<(String, String, String)> {
    let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
    let checks = document["checks"].as_array().unwrap().iter();
    checks
        .map(|one| (text(one, "check"), text(one, "verdict"), format!("{} {}", text(one, "found"), text(one, "todo"))))
        .collect()
}

#[track_caller]
fn the_finding<'c>(checks: &'c [(String, String, String)], check: &str, verdict: &str) -> &'c str {
    let found = checks.iter().find(|(of, said, _)| of == check && said == verdict);
    &found.unwrap_or_else(|| panic!("no {verdict} {check}: {checks:#?}")).2
}

promise! { founded, async fn a_healthy_library_has_nothing_to_do(library) {
    let people: Vec<Person> = (1..=5).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    let mira = people[0].card();
    Browser::new().sign_in_until_change(&library, &mira).await;
    let said = library.run(&["doctor", "--json"]).fine().json();
    assert_eq!((&said["healthy"], &said["failed"]), (&true.into(), &0.into()), "{said:#}");
    let all = checks(&said);
    for check in ["configuration", "trusted-proxies", "open-files", "database", "schema", "shelf", "key-encryption-key",
        "signing-keys", "source", "audit", "issuer"] {
        the_finding(&all, check, "ok");
    }
    assert!(all.iter().all(|(_, verdict, todo)| verdict == "ok" || !todo.trim().is_empty()), "{all:#?}");
    // Plain http, and a secret in the file itself: it works, and is said.
    let of_the_file = |(check, verdict, words): &(String, String, String)| {
        check == "declarations" && verdict == "warning" && words.contains("plain http")
    };
    assert!(all.iter().any(of_the_file), "{all:#?}");
    let words = library.run(&["doctor"]).fine();
    assert!(words.stdout.contains("ok      database: ") && words.stdout.contains("signing-keys RS256: "), "{}", words.stdout);
    assert!(words.stdout.contains("Fair:"), "{}", words.stdout);
    assert!(!words.words().contains(&mira.card) && !words.words().contains(SECRET_OF_SHELF), "{}", words.stdout);
}}

const SECRET_OF_SHELF: &str = "a-long-enough-secret-of-a-fictional-vendor-0123456789";

promise! { founded, async fn a_library_with_much_wrong_is_told_each_thing_and_what_to_do(library) {
    let people: Vec<Person> = (1..=5).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    library.stop();
    assert!(library.tamper("UPDATE audit_event SET at = at + 1 WHERE seq = 1").await > 0);

    let kek = library.path().join("keys/kek");
    fs::set_permissions(&kek, fs::Permissions::from_mode(0o644)).unwrap();
    let drop = library.path().join("drop");
    fs::create_dir(&drop).unwrap();
    // Declared while all is well, then gone.
    let elsewhere = Identity::new("elsewhere.example");
    let shelf = library.write("shelf-password", "hush-hush-hush-hush");
    fs::set_permissions(&shelf, fs::Permissions::from_mode(0o644)).unwrap();
    let lines = format!(
        "shelf = \"redis://127.0.0.1:{}\"\nshelf_password_file = \"shelf-password\"\ntrusted_proxies = [\"0.0.0.0/0\"]\n\
         [tls]\ncertificate = {:?}\nkey = {:?}\n[library]",
        parts_free_port(), elsewhere.certificate, elsewhere.key,
    );
    let text = fs::read_to_string(&library.config).unwrap().replacen("[library]", &lines, 1);
    fs::write(&library.config, text).unwrap();

    let done = library.run(&["doctor", "--json"]).refused();
    let said = done.json();
    assert_eq!(said["healthy"], false);
    let all = checks(&said);
    for (check, verdict, words) in [
        ("key-encryption-key", "failed", "chmod 600"),
        ("certificate", "failed", "is for elsewhere.example, not for 127.0.0.1"),
        ("shelf", "failed", "is Redis running there"),
        ("audit", "failed", "does not follow"),
        ("trusted-proxies", "failed", "everybody is trusted"),
        ("secret-files", "warning", "chmod 600"),
        ("issuer", "warning", "is the server running"),
    ] {
        assert!(the_finding(&all, check, verdict).contains(words), "{check}: {}", the_finding(&all, check, verdict));
    }
    the_finding(&all, "database", "ok");
    assert!(done.stderr.contains("5 checks failed"), "{}", done.stderr);
    assert!(!done.words().contains("hush"), "{}", done.words());
}}

promise! { founded, async fn a_roster_that_did_not_come_in_and_a_folder_that_is_gone_are_seen(library) {
    let drop = library.path().join("drop");
    fs::create_dir(&drop).unwrap();
    let source = "[[source]]\nid = \"nightly\"\nkind = \"oneroster-csv\"\npath = \"drop\"\nevery = \"15m\"\n";
    library.apply(source).fine();
    let fetched = || async {
        let all = checks(&library.run(&["doctor", "--json"]).json());
        all.iter().any(|(check, _, words)| check == "source" && words.contains("next 2"))
    };
    library.by_timetable("the server knows when to fetch", fetched).await;
    let all = checks(&library.run(&["doctor", "--json"]).fine().json());
    the_finding(&all, "drop-folder", "ok");

    let late = "UPDATE source_schedule SET due_at = due_at - 86400000, outcome = 'failed', detail = 'no delivery'";
    library.stop();
    assert!(library.tamper(late).await > 0);
    fs::remove_dir_all(&drop).unwrap();
    let all = checks(&library.run(&["doctor", "--json"]).refused().json());
    assert!(the_finding(&all, "source", "failed").contains("no delivery"), "{all:#?}");
    assert!(the_finding(&all, "drop-folder", "failed").contains("make the folder"), "{all:#?}");
}}

#[tokio::test(flavor = "multi_thread")]
async fn before_the_first_start_the_doctor_makes_nothing() {
    let folder = Folder::new();
    let lines = "issuer = \"http://127.0.0.1:9\"\ndatabase = \"sqlite:data/x.db\"\nkey_encryption_key_file = \"keys/kek\"\n\
                 [library]\nname = \"Quillwater\"\ntime_zone = \"America/New_York\"\nscope_domain = \"quillwater.example\"\n";
    let file = folder.write("oneaccess.toml", lines);
    let file = file.to_string_lossy();
    let said = operate(&["doctor", "--json", "--config", &file], &[], "").fine().json();
    let all = checks(&said);
    assert!(the_finding(&all, "database", "warning").contains("there is none yet"), "{all:#?}");
    the_finding(&all, "key-encryption-key", "ok");
    assert!(!folder.path().join("data").exists() && !folder.path().join("keys").exists());

    folder.write("oneaccess.toml", format!("nonsense = 1\n{lines}"));
    let done = operate(&["doctor", "--json", "--config", &file], &[], "").refused();
    assert!(the_finding(&checks(&done.json()), "configuration", "failed").contains("nonsense"), "{}", done.stdout);
}
