//! Everything as one sealed file: from SQLite to PostgreSQL and back, whole or not at all.

use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    thread,
};

use crate::{actors::*, promise};

fn key(library: &Library) -> PathBuf {
    key_of(library, "backup.key", b'k')
}

fn key_of(library: &Library, name: &str, byte: u8) -> PathBuf {
    use base64::Engine as _;
    let path = library.write(name, base64::engine::general_purpose::STANDARD.encode([byte; 32]));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path
}

fn backup(library: &Library, name: &str, key: &Path) -> PathBuf {
    let out = library.path().join(name);
    library.run(&["backup", "--out", &out.to_string_lossy(), "--key-file", &key.to_string_lossy()]).fine();
    out
}

/// The configuration of a library with the same keys and a database of its own.
fn elsewhere(library: &Library, name: &str) -> PathBuf {
    let kek = library.config.parent().unwrap().join("keys/kek");
    library.write(
        &format!("{name}/oneaccess.toml"),
        format!(
            "issuer = \"http://127.0.0.1:1\"\nlisten = \"127.0.0.1:0\"\ndatabase = \"sqlite:there.db\"\n\
             key_encryption_key_file = \"{}\"\n[library]\nname = \"Elsewhere\"\ntime_zone = \"America/New_York\"\n\
             scope_domain = \"elsewhere.example\"\n",
            kek.display()
        ),
    )
}

fn restore(library: &Library, config: &Path, from: &Path, key: &Path, more: &[&str]) -> Done {
    let (config, from, key) = (config.to_string_lossy(), from.to_string_lossy(), key.to_string_lossy());
    let mut args = vec!["restore", "--config", &config, "--from", &from, "--key-file", &key];
    args.extend(more);
    library.run_bare(&args)
}

promise! { own, async fn a_library_moves_to_the_other_engine_and_back_and_nobody_notices(library) {
    let patron = library.patron("district_grade_7");
    let vendor = OidcVendor::of(&library, library.oidc()).await;
    let (browser, scopes) = (Browser::new(), ["openid", "library.ebooks"]);
    let before = vendor.click(&library, &browser, &patron, &scopes).await;
    let keys = json_of(&vendor.endpoint("jwks_uri")).await;
    library.run(&["card", "block", &library.patron("district_grade_2").card, "--reason", "lost"]).fine();
    let key = key(&library);

    for _ in ["there", "and back"] {
        library.move_house(&key);
        assert!(browser.is_signed_in(&library).await, "the session goes on");
        assert_eq!(json_of(&vendor.endpoint("jwks_uri")).await, keys);
        let after = vendor.click(&library, &browser, &patron, &scopes).await;
        assert_eq!(after.subject, before.subject, "the vendor knows the same reader");
        assert_eq!(vendor.userinfo(&before.access_token).await.0, 200, "tokens of before are still good");
        let blocked = Browser::new().try_sign_in(&library, &library.patron("district_grade_2")).await;
        assert!(blocked.has("sign-in") || blocked.reason().is_some(), "a blocked card stays blocked");
        library.run(&["audit", "verify"]).fine();
        let told = library.run(&["audit", "tail", "-n", "200", "--json"]).fine().stdout;
        assert!(told.contains("\"backup\"") && told.contains("\"restore\""), "{told}");
    }
}}

promise! { founded, async fn a_backup_that_is_not_whole_is_refused_and_nothing_of_it_stays(library) {
    library.import(&Delivery::of(&[Person::pupil(1), Person::pupil(2)]), &[]).fine();
    let (key, other) = (key(&library), key_of(&library, "other.key", b'o'));
    let whole = backup(&library, "whole.backup", &key);
    assert_eq!(fs::metadata(&whole).unwrap().permissions().mode() & 0o777, 0o600);
    let there = elsewhere(&library, "there");
    let bytes = fs::read(&whole).unwrap();
    let place = bytes.len() - 40;
    let mut changed = bytes.clone();
    changed[place] ^= 1;
    let head = String::from_utf8_lossy(&bytes).replacen("\"engine\"", "\"engime\"", 1);
    let of_a_head = [head.split('\n').next().unwrap().as_bytes(), b"\n"].concat();
    for (what, bytes) in [
        ("a changed byte", changed),
        ("a cut end", bytes[..bytes.len() - 1].to_vec()),
        ("a changed first line", of_a_head),
        ("an empty file", Vec::new()),
        ("another file", b"PK\x03\x04".to_vec()),
    ] {
        let broken = library.write("broken.backup", bytes);
        for more in [&["--verify"][..], &[]] {
            let refused = restore(&library, &there, &broken, &key, more).refused();
            assert!(refused.stderr.contains("broken.backup"), "{what}: {}", refused.stderr);
        }
    }
    let wrong = restore(&library, &there, &whole, &other, &[]).refused();
    assert!(wrong.stderr.contains("another one"), "{}", wrong.stderr);
    // Nothing of all that is there: the whole backup finds an empty database.
    let done = restore(&library, &there, &whole, &key, &["--json"]).fine().json();
    assert!(done["keys_closed"].is_null(), "{done}");
    let full = restore(&library, &there, &whole, &key, &[]).refused();
    assert!(full.stderr.contains("not empty"), "{}", full.stderr);
    restore(&library, &there, &whole, &key, &["--replace"]).fine();
    library.run_bare(&["audit", "verify", "--config", &there.to_string_lossy()]).fine();
}}

promise! { founded, async fn reading_a_backup_says_what_is_in_it_and_needs_no_database(library) {
    library.import(&Delivery::of(&[Person::pupil(1), Person::pupil(2)]), &[]).fine();
    let out = library.path().join("by-passphrase.backup").to_string_lossy().into_owned();
    library.run_with(&["backup", "--out", &out, "--passphrase-file", "-"], "too short\n").refused();
    assert!(!Path::new(&out).exists(), "no half of a backup");
    let words = "four fictional words together\n";
    let taken = library.run_with(&["backup", "--out", &out, "--passphrase-file", "-", "--json"], words).fine().json();
    let passphrase = library.write("passphrase", words).to_string_lossy().into_owned();
    let verify = ["restore", "--from", &out, "--verify", "--json", "--passphrase-file", &passphrase];
    let read = library.run_bare(&verify).fine().json();
    assert_eq!(read["contents"], taken["contents"]);
    let rows = |table: &str| {
        let tables = read["contents"]["tables"].as_array().unwrap();
        tables.iter().find(|counted| counted["table"] == table).unwrap()["rows"].as_u64().unwrap()
    };
    assert_eq!((rows("patron"), rows("roster_run")), (2, 1));
    let text = fs::read(&out).unwrap();
    let text = String::from_utf8_lossy(&text);
    assert!(!text.contains(&Person::pupil(1).identifier), "nothing of anybody can be read");
    library.run_with(&["backup", "--out", &out, "--passphrase-file", "-"], words).refused();
}}

promise! { founded, async fn a_backup_beside_an_import_is_of_one_moment(library) {
    let people: Vec<Person> = (1..=300).map(Person::pupil).collect();
    library.import(&Delivery::of(&people[..20]), &[]).fine();
    let key = key(&library);
    let backups: Vec<PathBuf> = thread::scope(|scope| {
        let import = scope.spawn(|| library.import(&Delivery::of(&people), &[]).fine());
        let mut backups = Vec::new();
        while !import.is_finished() || backups.is_empty() {
            backups.push(backup(&library, &format!("{}.backup", backups.len()), &key));
        }
        backups.push(backup(&library, "after.backup", &key));
        backups
    });
    let mut seen = Vec::new();
    for (n, from) in backups.iter().enumerate() {
        let there = elsewhere(&library, &format!("moment-{n}"));
        restore(&library, &there, from, &key, &[]).fine();
        library.run_bare(&["audit", "verify", "--config", &there.to_string_lossy()]).fine();
        let file = there.parent().unwrap().join("there.db");
        let listed = count(
            &file,
            "SELECT COUNT(DISTINCT patron) FROM roster_entry \
             WHERE run <= (SELECT live_run FROM roster_source WHERE source = 'cms')",
        );
        seen.push(listed.await);
    }
    assert!(seen.iter().all(|listed| [20, 300].contains(listed)), "the roster of before or of after: {seen:?}");
    assert_eq!(seen.last(), Some(&300));
}}
