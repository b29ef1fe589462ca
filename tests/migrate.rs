//! The schema: brought forward once, by whoever comes first; and releases of before and after on one database.

use std::{path::Path, thread};

use crate::{actors::*, promise};

fn own_settings(library: &Library) -> std::path::PathBuf {
    library.write(
        "new/oneaccess.toml",
        "issuer = \"http://127.0.0.1:1\"\ndatabase = \"sqlite:data/new.db\"\nkey_encryption_key_file = \"kek\"\n\
         [library]\nname = \"New\"\ntime_zone = \"America/New_York\"\nscope_domain = \"new.example\"\n",
    )
}

promise! { founded, async fn processes_that_start_together_bring_the_schema_forward_once(library) {
    let config = own_settings(&library).to_string_lossy().into_owned();
    let new = library.another_database();
    let check = || library.run_on(&new, &["migrate", "--check", "--config", &config]);
    let waits = check().refused();
    assert!(waits.stderr.contains("0001_house"), "{}", waits.stderr);
    assert!(!Path::new(&config).with_file_name("data").exists(), "looking makes nothing");
    thread::scope(|scope| {
        let all: Vec<_> =
            (0..4).map(|_| scope.spawn(|| library.run_on(&new, &["migrate", "--config", &config]))).collect();
        all.into_iter().for_each(|one| drop(one.join().unwrap().fine()));
    });
    check().fine();
    let said = library.run_on(&new, &["migrate", "--check", "--json", "--config", &config]).fine().json();
    assert_eq!(said["schema"], "current");
    assert!(!Path::new(&config).with_file_name("kek").exists(), "a schema needs no key");
}}

promise! { founded, async fn a_release_works_on_the_schema_of_the_next_one(library) {
    library.import(&Delivery::of(&[Person::pupil(1)]), &[]).fine();
    library.tamper("ALTER TABLE session ADD COLUMN mood TEXT").await;
    library.tamper("CREATE TABLE moods (id TEXT PRIMARY KEY)").await;
    let step = |version: i64, name: &str| {
        format!(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) \
             SELECT {version}, '{name}', success, checksum, 0 FROM _sqlx_migrations WHERE version = 1"
        )
    };
    library.tamper(&step(9001, "moods")).await;
    library.restart();
    Browser::new().sign_in(&library, &Person::pupil(1).card()).await;
    library.run(&["migrate", "--check"]).fine();
    library.tamper(&step(9002, "contract_after_0014_moods")).await;
    library.run(&["migrate", "--check"]).fine();
    library.tamper(&step(9003, "contract_after_9001_moods")).await;
    for command in [&["migrate", "--check"][..], &["migrate"], &["audit", "verify"]] {
        let refused = library.run(command).refused();
        assert!(refused.stderr.contains("newer release"), "{}", refused.stderr);
    }
}}
