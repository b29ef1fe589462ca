//! Where rosters come from by themselves: a folder that deliveries are dropped into, a student system's own service, a
//! plain file with columns of its own.

use std::fs;

use crate::{actors::*, promise};

/// What changed, as OneRoster 1.1: each person anew, or gone.
fn delta(changed: &[Person], gone: &[Person]) -> Delivery {
    let manifest = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.users,delta\n";
    Delivery::of(changed).without("orgs.csv").with("manifest.csv", manifest).edit("users.csv", |mut users| {
        for person in gone {
            users.push_str(&format!("{},tobedeleted\n", person.sourced_id));
        }
        users
    })
}

fn source(library: &Library, kind: &str, lines: &str) {
    library.apply(&format!("[[source]]\nid = \"night\"\nkind = \"{kind}\"\n{lines}\n")).fine();
}

fn drop_folder(library: &Library, lines: &str) -> std::path::PathBuf {
    fs::create_dir_all(library.path().join("drop")).unwrap();
    source(library, "oneroster-csv", &format!("path = \"drop\"\n{lines}"));
    library.path().join("drop")
}

fn pull(library: &Library) -> Done {
    library.run(&["directory", "pull", "night", "--json"])
}

fn names(folder: &std::path::Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut names: Vec<String> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn people(from: usize, to: usize) -> Vec<Person> {
    (from..=to).map(Person::pupil).collect()
}

promise! { founded, async fn deliveries_that_are_dropped_are_taken_in_order_and_set_aside(library) {
    let folder = drop_folder(&library, "settle_after = \"0s\"");
    let all = people(1, 30);
    let moved = Person { pin: "90210".into(), ..all[1].clone() };
    fs::write(folder.join("2026-11-01.zip"), Delivery::of(&all).zip()).unwrap();
    fs::write(folder.join("2026-11-03.zip"), delta(&[all[2].clone()], &[moved.clone()]).zip()).unwrap();
    delta(std::slice::from_ref(&moved), &[all[2].clone()]).folder(&folder.join("2026-11-02"));
    let done = pull(&library).fine();
    let deliveries = done.json()["deliveries"].as_array().unwrap().clone();
    assert_eq!(deliveries.len(), 3, "{}", done.words());
    let taken = names(&folder.join("taken"));
    assert_eq!(taken.len(), 3, "{taken:?}");
    for (name, end) in taken.iter().zip(["2026-11-01.zip", "2026-11-02", "2026-11-03.zip"]) {
        assert!(name.ends_with(end), "{taken:?}");
    }
    assert_eq!(names(&folder), ["taken"]);
    Browser::new().sign_in(&library, &all[0].card()).await;
    Browser::new().sign_in(&library, &all[2].card()).await;
    assert!(Browser::new().try_sign_in(&library, &moved.card()).await.has("sign-in"), "gone since the last one");
    assert_eq!(pull(&library).fine().json()["deliveries"].as_array().map(Vec::len), Some(0));
}}

promise! { founded, async fn what_is_still_being_written_waits(library) {
    let folder = drop_folder(&library, "settle_after = \"1d\"");
    let whole = Delivery::of(&people(1, 3)).zip();
    fs::write(folder.join("a.zip"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.join("0.zip.part"), &whole).unwrap();
    assert_eq!(pull(&library).fine().json()["deliveries"].as_array().map(Vec::len), Some(0));
    assert_eq!(names(&folder), ["0.zip.part", "a.zip"], "nothing was touched");
}}

promise! { founded, async fn a_dropped_file_that_cannot_be_read_is_set_aside_with_the_reason(library) {
    let folder = drop_folder(&library, "settle_after = \"0s\"");
    let whole = Delivery::of(&people(1, 3)).zip();
    fs::write(folder.join("1.zip"), &whole[..whole.len() / 2]).unwrap();
    fs::write(folder.join("2.zip"), &whole).unwrap();
    let why = pull(&library).refused().words();
    assert!(why.contains("1.zip") && why.contains("cut off"), "{why}");
    let refused = names(&folder.join("refused"));
    assert_eq!(refused.len(), 2, "{refused:?}");
    let report = fs::read_to_string(folder.join("refused").join(&refused[1])).unwrap();
    assert!(report.contains("cut off"), "{report}");
    pull(&library).fine();
    Browser::new().sign_in(&library, &Person::pupil(1).card()).await;
}}

fn service_source(library: &Library, service: &OneRosterService, version: &str) {
    library.write("service.secret", format!("{SECRET}\n"));
    let lines = format!(
        "url = \"{}\"\nversion = \"{version}\"\ntoken_url = \"{}\"\nclient_id = \"{CLIENT}\"\n\
         client_secret_file = \"service.secret\"\npage_size = 10\nspool = \".\"",
        service.url,
        service.token_url()
    );
    source(library, "oneroster-rest", &lines);
}

promise! { founded, async fn a_student_system_s_service_is_asked_for_everything_and_then_for_changes(library) {
    let service = OneRosterService::open(false).await;
    service_source(&library, &service, "1.1");
    let all = people(1, 45);
    let hold = |people: &[Person], name: &str, at: &str| {
        service.hold(&Delivery::of(people).folder(&library.path().join(name)), at);
    };
    hold(&all[..44], "sunday", "2026-08-02T03:00:00.000Z");
    hold(&all, "monday", "2026-08-03T03:00:00.000Z");
    // Pages that break off, a service that is busy and tokens that run out are a normal night.
    service.mood(Moods { broken: 1, busy: 1, pages_per_token: 4, ..Moods::default() });
    pull(&library).fine();
    Browser::new().sign_in(&library, &all[44].card()).await;
    service.asked();

    let mut tuesday = all[1..].to_vec();
    tuesday.extend(people(46, 47));
    hold(&tuesday, "tuesday", "2026-08-04T03:00:00.000Z");
    let done = pull(&library).fine().json();
    let asked = service.asked();
    let users = asked.iter().filter(|asked| asked.contains("/users")).collect::<Vec<_>>();
    assert!(users.len() == 1 && users[0].contains("filter=dateLastModified"), "{asked:?}");
    let totals = &done["deliveries"][0]["preview"]["totals"];
    assert_eq!((totals["added"].as_u64(), totals["withdrawn"].as_u64()), (Some(2), Some(1)), "{done:#}");
    Browser::new().sign_in(&library, &tuesday[45].card()).await;
    Browser::new().sign_in(&library, &tuesday[0].card()).await;
    assert!(Browser::new().try_sign_in(&library, &all[0].card()).await.has("sign-in"));
    let left = names(library.path());
    assert!(!left.iter().any(|name| name.starts_with("oneaccess-roster")), "{left:?}");
}}

promise! { founded, async fn a_secret_that_is_not_right_is_said_plainly_and_never_shown(library) {
    let service = OneRosterService::open(true).await;
    service_source(&library, &service, "1.2");
    library.write("service.secret", "last-year-s-secret");
    let why = pull(&library).refused().words();
    assert!(why.contains("client_id") && why.contains("service.secret"), "{why}");
    assert!(!why.contains("last-year-s-secret"), "{why}");
}}

promise! { founded, async fn a_plain_file_in_windows_letters_becomes_cards(library) {
    source(&library, "csv", "encoding = \"windows-1252\"\ndelimiter = \";\"\norg = \"org-maple\"\n\
        columns = { sourced_id = \"Key\", given_name = \"First\", family_name = \"Last\", identifier = \"ID\", \
        role = \"Kind\", grade = \"Gr\", password = \"PIN\" }\nrole_values = { S = \"student\", P = \"none\" }");
    let mut text = "Key;First;Last;ID;Kind;Gr;PIN\n".to_owned();
    text += "k1;Ren\u{e9}e;Brookquill;700001;S;7;864209\nk2;Zo\u{eb};Brookquill;700002;P;;111111\n";
    text += "k3;Marisel;Brookquill;700003;X;8;222222\n";
    let bytes: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let file = library.write("people.csv", bytes);
    let done = library.run(&["directory", "import", "night", &file.to_string_lossy(), "--json"]).fine();
    let notes = done.notes();
    assert!(notes.iter().any(|note| note.line == 2 && note.column == "grade" && note.outcome == "repaired"), "{notes:?}");
    assert!(notes.iter().any(|note| note.line == 4 && note.column == "role" && note.outcome == "refused"), "{notes:?}");
    Browser::new().sign_in(&library, &Patron::new("700001", "864209")).await;
    for (card, pin) in [("700002", "111111"), ("700003", "222222")] {
        assert!(Browser::new().try_sign_in(&library, &Patron::new(card, pin)).await.has("sign-in"), "{card}");
    }
    let card = library.run(&["card", "show", "700001", "--reason", "to see how the name is spelled", "--json"]).fine();
    assert_eq!(card.json()["name"], "Renée Brookquill");
}}
