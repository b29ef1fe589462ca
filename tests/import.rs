//! The roster: tolerant of what is harmless, exact about who has access, and nothing half done.

use std::fs;

use crate::{actors::*, promise};

promise! { founded, async fn a_roster_becomes_cards_that_sign_in(library) {
    let (pupil, teacher) = (Person::pupil(1), Person { role: "teacher", grade: "", ..Person::pupil(2) });
    let parent = Person { role: "guardian", grade: "", ..Person::pupil(3) };
    let charter = Person { org: "org-cedar", ..Person::pupil(4) };
    let people = [pupil.clone(), teacher.clone(), parent.clone(), charter.clone()];
    library.import(&Delivery::of(&people), &[]).fine();
    Browser::new().sign_in(&library, &pupil.card()).await;
    Browser::new().sign_in(&library, &teacher.card()).await;
    let prefixed = Patron::new(format!("CC{}", charter.identifier), charter.pin.clone());
    Browser::new().sign_in(&library, &prefixed).await;
    assert!(Browser::new().try_sign_in(&library, &charter.card()).await.has("sign-in"), "its card has a prefix");
    assert!(Browser::new().try_sign_in(&library, &parent.card()).await.has("sign-in"), "guardians get no card");
}}

promise! { founded, async fn a_dry_run_tells_everything_and_changes_nothing(library) {
    let delivery = Delivery::of(&[Person::pupil(1), Person::pupil(2)]);
    let said = library.import(&delivery, &["--dry-run"]).fine().words();
    assert!(said.contains("maple"), "by organisation: {said}");
    assert!(Browser::new().try_sign_in(&library, &Person::pupil(1).card()).await.has("sign-in"));
    library.import(&delivery, &[]).fine();
    Browser::new().sign_in(&library, &Person::pupil(1).card()).await;
}}

promise! { founded, async fn harmless_dirt_is_repaired_and_every_repair_is_reported(library) {
    let people = [
        Person { enabled: "TRUE", ..Person::pupil(1) },
        Person { enabled: "True", ..Person::pupil(2) },
        Person { grade: "7", ..Person::pupil(3) },
        Person::pupil(4),
    ];
    let delivery = Delivery::of(&people)
        .edit("users.csv", |text| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            lines[0] = lines[0].replace("enabledUser", "EnabledUser").replace("givenName", "GIVENNAME");
            lines[4] = lines[4].replace("2026-08-01T00:00:00.000Z", "15/06/2023");
            // A ragged row: the empty columns at its end are cut off, which hurts nobody but must be told.
            lines[4].push_str(",,,");
            format!("\u{feff}{}\r\n", lines.join("\r\n"))
        })
        .edit("manifest.csv", |text| text.replace("file.users", "file.Users"));
    let done = library.import(&delivery, &[]).fine();
    for person in &people {
        Browser::new().sign_in(&library, &person.card()).await;
    }
    let notes = done.notes();
    let on_line = |line: u64| notes.iter().any(|n| n.file.to_lowercase().contains("users") && n.line == line);
    assert!(on_line(1), "the header was mis-cased: {notes:#?}");
    assert!(on_line(2) && on_line(3), "TRUE is not true: {notes:#?}");
    assert!(on_line(5), "the row was ragged: {notes:#?}");
    assert!(notes.iter().all(|n| !n.what.is_empty() && n.outcome == "repaired"), "{notes:#?}");
    assert!(notes.iter().any(|n| n.column.eq_ignore_ascii_case("enabledUser")), "{notes:#?}");
    let words = done.words();
    assert!(people.iter().all(|p| !words.contains(&p.pin)), "no PIN is repeated");
}}

promise! { founded, async fn a_row_that_cannot_be_read_is_refused_alone_and_reported(library) {
    let people = [
        Person::pupil(1),
        Person { org: "school-nowhere", ..Person::pupil(2) },
        Person { identifier: String::new(), ..Person::pupil(3) },
        Person { role: "wizard", ..Person::pupil(4) },
        Person::pupil(5),
    ];
    let done = library.import(&Delivery::of(&people), &[]).fine();
    Browser::new().sign_in(&library, &people[0].card()).await;
    Browser::new().sign_in(&library, &people[4].card()).await;
    let notes = done.notes();
    for line in [3, 4, 5] {
        assert!(notes.iter().any(|n| n.line == line && n.outcome == "refused"), "line {line}: {notes:#?}");
    }
    assert!(Browser::new().try_sign_in(&library, &people[1].card()).await.has("sign-in"));
}}

promise! { founded, async fn a_delivery_that_is_wrong_as_a_whole_changes_nothing(library) {
    let people: Vec<Person> = (1..=4).map(Person::pupil).collect();
    let good = Delivery::of(&people);
    library.import(&good, &[]).fine();
    let browser = Browser::new();
    browser.sign_in(&library, &people[0].card()).await;

    let folder = Folder::new();
    let write = |name: &str, bytes: Vec<u8>| folder.write(name, bytes);
    let zip = good.zip();
    let without = |column: &str| good.clone().edit("users.csv", |text| text.replacen(column, "somethingElse", 1));
    let utf16: Vec<u8> = fs::read_to_string(good.folder(&folder.path().join("good")).join("users.csv"))
        .unwrap()
        .encode_utf16()
        .flat_map(u16::to_le_bytes)
        .collect();
    let mut cases = vec![
        ("nothing there".to_owned(), folder.path().join("nothing-here")),
        ("an empty file".to_owned(), write("empty.zip", Vec::new())),
        ("a zip cut short".to_owned(), write("cut.zip", zip[..zip.len() * 2 / 3].to_vec())),
        ("a zip with a byte changed".to_owned(), write("bent.zip", bent(&zip))),
        ("no zip at all".to_owned(), write("picture.zip", b"\x89PNG\r\n\x1a\n not a roster".to_vec())),
        ("a zip bomb".to_owned(), write("bomb.zip", bomb(&good))),
        ("not OneRoster".to_owned(), Delivery::of(&[]).without("manifest.csv").without("orgs.csv").without("users.csv")
            .with("people.csv", "name,grade\nPupil,7\n").folder(&folder.path().join("other"))),
        ("no users".to_owned(), good.clone().without("users.csv").folder(&folder.path().join("no-users"))),
        ("no orgs".to_owned(), good.clone().without("orgs.csv").folder(&folder.path().join("no-orgs"))),
        ("UTF-16".to_owned(), good.clone().with("users.csv", utf16).folder(&folder.path().join("utf16"))),
        ("no UTF-8".to_owned(), good.clone().edit("users.csv", |t| t).with("users.csv", latin(&people))
            .folder(&folder.path().join("latin"))),
        ("an empty users file".to_owned(), good.clone().with("users.csv", "").folder(&folder.path().join("hollow"))),
        ("a version unknown".to_owned(), good.clone()
            .edit("manifest.csv", |t| t.replace("oneroster.version,1.1", "oneroster.version,9.9"))
            .folder(&folder.path().join("version"))),
        ("one sourcedId twice".to_owned(), Delivery::of(&[people[0].clone(), Person {
            sourced_id: people[0].sourced_id.clone(), ..Person::pupil(9)
        }]).folder(&folder.path().join("twice"))),
    ];
    for column in ["sourcedId", "enabledUser", "orgSourcedIds", "role", "username", "givenName", "familyName"] {
        cases.push((format!("no column {column}"), without(column).folder(&folder.path().join(column))));
    }
    for (what, path) in cases {
        let done = library.import_path(&path, &["--accept-removals"]);
        assert_eq!(done.status, 1, "{what}: {}", done.words());
        assert!(done.stderr.trim().len() > 15, "{what}: a sentence that helps, not {:?}", done.stderr);
        assert!(!done.stderr.contains("panicked"), "{what}: {}", done.stderr);
        assert!(browser.is_signed_in(&library).await, "{what}: somebody lost the session");
    }
    for person in &people[1..] {
        Browser::new().sign_in(&library, &person.card()).await;
    }
    let again = library.import(&good, &[]).fine().json();
    assert!(is_quiet(&again), "nothing had changed: {again:#}");
}}

promise! { founded, async fn a_file_that_withdraws_too_many_stops_until_somebody_agrees(library) {
    let people: Vec<Person> = (1..=40).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    let last = people[39].card();
    let browser = Browser::new();
    browser.sign_in(&library, &last).await;

    // 5 of 40 are more than 10 %.
    let short = Delivery::of(&people[..35]);
    let said = library.import(&short, &[]).refused();
    assert!(said.stderr.contains("--accept-removals"), "{}", said.stderr);
    assert!(browser.is_signed_in(&library).await);
    library.import(&short, &["--dry-run"]);
    assert!(browser.is_signed_in(&library).await);

    library.import(&short, &["--accept-removals"]).fine();
    library.soon("the withdrawn are out", || async { !browser.is_signed_in(&library).await }).await;
    // 3 of the remaining 35 are fewer.
    library.import(&Delivery::of(&people[..32]), &[]).fine();
}}

promise! { founded, async fn an_import_can_be_undone(library) {
    let people: Vec<Person> = (1..=4).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    let renamed = [people[0].clone(), people[1].clone(), Person { identifier: "799999".into(), ..people[2].clone() }];
    library.import(&Delivery::of(&renamed), &["--accept-removals"]).fine();
    assert!(Browser::new().try_sign_in(&library, &people[2].card()).await.has("sign-in"));
    library.run(&["directory", "undo", "cms"]).fine();
    library.soon("everybody is back", || async {
        let page = Browser::new().try_sign_in(&library, &people[2].card()).await;
        !page.has("sign-in") && page.reason().is_none()
    }).await;
    Browser::new().sign_in(&library, &people[3].card()).await;
    let runs = library.run(&["directory", "runs", "--json"]).fine().json().to_string();
    assert!(runs.contains("undone"), "{runs}");
}}

promise! { founded, async fn the_same_file_again_changes_nothing_zipped_or_not(library) {
    let people: Vec<Person> = (1..=6).map(Person::pupil).collect();
    let delivery = Delivery::of(&people);
    library.import(&delivery, &[]).fine();
    let again = library.import(&delivery, &[]).fine().json();
    assert!(is_quiet(&again), "{again:#}");
    let zip = library.write("tonight.zip", delivery.zip());
    let zipped = library.import_path(&zip, &[]).fine().json();
    assert!(is_quiet(&zipped), "{zipped:#}");
}}

promise! { founded, async fn two_people_never_share_a_card(library) {
    let first = Person::pupil(1);
    let second = Person { identifier: first.identifier.clone(), ..Person::pupil(2) };
    library.import(&Delivery::of(&[first.clone(), Person::pupil(3)]), &[]).fine();
    Browser::new().sign_in(&library, &first.card()).await;
    let done = library.import(&Delivery::of(&[first.clone(), second.clone(), Person::pupil(3)]), &[]).fine();
    assert!(done.notes().iter().any(|n| n.outcome == "refused"), "{}", done.words());
    let thief = Patron::new(second.identifier, second.pin);
    assert!(Browser::new().try_sign_in(&library, &thief).await.has("sign-in"), "the collision took the card over");
    Browser::new().sign_in(&library, &Patron::new(first.identifier, CHANGED_PIN)).await;
}}

promise! { founded, async fn an_id_handed_out_again_does_not_inherit_the_account(library) {
    let (left, stays) = (Person::pupil(1), Person::pupil(2));
    library.import(&Delivery::of(&[left.clone(), stays.clone()]), &[]).fine();
    let vendor = OidcVendor::of(&library, library.shelf()).await;
    let before = vendor.click(&library, &Browser::new(), &left.card(), &["openid", "library.ebooks"]).await.subject;
    library.import(&Delivery::of(std::slice::from_ref(&stays)), &["--accept-removals"]).fine();
    let newcomer = Person { identifier: left.identifier.clone(), pin: "61803".into(), ..Person::pupil(7) };
    library.import(&Delivery::of(&[stays, newcomer.clone()]), &["--accept-removals"]).fine();
    let old = Patron::new(left.identifier, CHANGED_PIN);
    assert!(Browser::new().try_sign_in(&library, &old).await.has("sign-in"), "the earlier PIN opens the account");
    let after = vendor.click(&library, &Browser::new(), &newcomer.card(), &["openid", "library.ebooks"]).await.subject;
    assert_ne!(before, after, "the vendor would hand her the other's loans");
}}

promise! { founded, async fn an_import_never_overwrites_a_pin_that_the_patron_chose(library) {
    let person = Person::pupil(1);
    library.import(&Delivery::of(&[person.clone(), Person::pupil(2)]), &[]).fine();
    Browser::new().sign_in(&library, &person.card()).await;
    let night = Person { pin: "99124".into(), given: "Renamed".into(), ..person.clone() };
    library.import(&Delivery::of(&[night.clone(), Person::pupil(2)]), &[]).fine();
    Browser::new().sign_in(&library, &Patron::new(person.identifier.clone(), CHANGED_PIN)).await;
    assert!(Browser::new().try_sign_in(&library, &night.card()).await.has("sign-in"));
}}

promise! { founded, async fn what_nobody_needs_is_never_stored(library) {
    let marks = ["zqmail@fictional.example", "zqphone5551234", "zqmiddle", "zqethnicity"];
    let delivery = Delivery::of(&[Person::pupil(1), Person::pupil(2)])
        .edit("users.csv", |text| {
            let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
            // middleName, email, sms, phone
            lines[1] = lines[1].replacen(
                ",Fictional,,700001,,,,",
                ",Fictional,zqmiddle,700001,zqmail@fictional.example,zqphone5551234,zqphone5551234,",
                1,
            );
            assert!(lines[1].contains("zqmiddle"), "{}", lines[1]);
            lines.join("\n") + "\n"
        })
        .edit("manifest.csv", |text| text.replace("file.demographics,absent", "file.demographics,bulk"))
        .with(
            "demographics.csv",
            "sourcedId,status,dateLastModified,birthDate,sex,americanIndianOrAlaskaNative,asian,\
             blackOrAfricanAmerican,nativeHawaiianOrOtherPacificIslander,white,demographicRaceTwoOrMoreRaces,\
             hispanicOrLatinoEthnicity,countryOfBirthCode,stateOfBirthAbbreviation,cityOfBirth,\
             publicSchoolResidenceStatus\nuser-1,active,,2013-04-05,zqethnicity,true,,,,,,,ZQ,ZQ,zqethnicity,\n",
        );
    library.import(&delivery, &[]).fine();
    Browser::new().sign_in(&library, &Person::pupil(1).card()).await;
    let everything = format!("{}{}", library.records().await, library.logs());
    for mark in marks {
        assert!(!everything.contains(mark), "{mark} was kept");
    }
}}

promise! { founded, async fn the_generated_district_is_the_same_each_time_and_imports_without_a_word(library) {
    let folder = Folder::new();
    for version in ["1.1", "1.2"] {
        let make = |name: &str, more: &[&str]| {
            let path = folder.path().join(format!("{name}-{version}"));
            let text = path.to_string_lossy().into_owned();
            let mut args = vec!["directory", "generate", &text, "--people", "400", "--oneroster", version];
            args.extend(more);
            library.run(&args).fine();
            path
        };
        let (one, two, later) = (make("one", &[]), make("two", &[]), make("later", &["--night", "1"]));
        assert_eq!(contents(&one), contents(&two), "deterministic");
        assert_ne!(contents(&one), contents(&later), "a night later something changed");
        let done = library.import_path(&one, &["--dry-run", "--accept-removals"]).fine();
        let refused: Vec<_> = done.notes().into_iter().filter(|n| n.outcome == "repaired").collect();
        assert!(refused.is_empty(), "{refused:#?}");
    }
}}

promise! { founded, async fn an_unknown_source_and_a_wrong_word_are_told(library) {
    let path = Delivery::of(&[Person::pupil(1)]).folder(&library.path().join("d"));
    let path = path.to_string_lossy().into_owned();
    library.run(&["directory", "import", "nowhere", &path]).refused();
    assert_eq!(library.run(&["directory", "import", "cms", &path, "--accept-everything"]).status, 2);
    assert_eq!(library.run(&["directory", "import", "cms"]).status, 2);
}}

/// Every file of a folder, by name; a zip by its bytes.
fn contents(path: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    if path.is_file() {
        return vec![(String::new(), fs::read(path).unwrap())];
    }
    let mut files: Vec<_> = fs::read_dir(path)
        .unwrap()
        .map(|e| e.unwrap())
        .map(|e| (e.file_name().to_string_lossy().into_owned(), fs::read(e.path()).unwrap()))
        .collect();
    files.sort();
    files
}

/// Whether a run's document says that nobody was added, changed or withdrawn.
fn is_quiet(document: &serde_json::Value) -> bool {
    let mut moved = 0;
    count(document, &mut moved);
    moved == 0
}

fn count(value: &serde_json::Value, moved: &mut u64) {
    match value {
        serde_json::Value::Object(fields) => {
            for (name, value) in fields {
                match (["added", "changed", "withdrawn", "returning"].contains(&name.as_str()), value.as_u64()) {
                    (true, Some(n)) => *moved += n,
                    _ => count(value, moved),
                }
            }
        }
        serde_json::Value::Array(items) => items.iter().for_each(|item| count(item, moved)),
        _ => {}
    }
}

fn bent(zip: &[u8]) -> Vec<u8> {
    let mut zip = zip.to_vec();
    let middle = zip.len() / 3;
    zip[middle] ^= 0x55;
    zip[middle + 1] ^= 0x55;
    zip
}

/// A small zip that unpacks to a thousand times its size, in a file that a reader must read.
fn bomb(good: &Delivery) -> Vec<u8> {
    good.clone().bomb("users.csv", 96 << 20)
}

/// A name with a letter in Latin-1.
fn latin(people: &[Person]) -> Vec<u8> {
    let mut person = people[0].clone();
    person.given = "Zo@".into();
    let delivery = Delivery::of(&[person]);
    delivery.bytes("users.csv").iter().map(|b| if *b == b'@' { 0xEB } else { *b }).collect()
}
