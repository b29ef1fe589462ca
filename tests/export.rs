//! What the library's ILS is told of cards.

use serde_json::json;

use crate::{actors::*, promise};

const EXPORT: &str = "[[export]]\nname = \"ils\"\ndelimiter = \"|\"\napproved_by = [\"Ada Quill\", \"Bo Marsh\"]\n\
    columns = [\n\
    { header = \"P BARCODE\", value = \"card\" },\n\
    { header = \"FIRST\", value = \"given_name\" },\n\
    { header = \"LAST\", value = \"family_name\" },\n\
    { header = \"BAND\", value = \"band\" },\n\
    { header = \"EXP DATE\", value = \"expires\" },\n\
    { header = \"HOME\", value = \"text:MAIN\" },\n\
    { header = \"STATUS\", value = \"status\" },\n]\n";

/// The lines of an export, its columns' names left out, sorted.
fn lines(library: &Library, more: &[&str]) -> Vec<String> {
    let made = library.run(&[&["card", "export", "ils", "--reason", "nightly load"], more].concat()).fine();
    let (head, rest) = made.stdout.split_once("\r\n").unwrap();
    assert_eq!(head, "P BARCODE|FIRST|LAST|BAND|EXP DATE|HOME|STATUS");
    let mut lines: Vec<String> = rest.lines().map(str::to_owned).collect();
    lines.sort();
    lines
}

promise! { founded, async fn the_ils_gets_its_columns_in_its_order_and_only_of_whom_an_agreement_covers(library) {
    let people = [
        Person { given: "Zoë |\"Z\"".into(), ..Person::pupil(1) },
        Person { given: "=1+1".into(), role: "teacher", grade: "", ..Person::pupil(2) },
        Person { org: "org-cedar", grade: "02", ..Person::pupil(3) },
        Person::pupil(4),
        Person::pupil(5),
    ];
    let quoted = Delivery::of(&people).edit("users.csv", |text| {
        text.replace("Zoë |\"Z\"", "\"Zoë |\"\"Z\"\"\"").replace("zoë |\"z\"", "zoe")
    });
    library.import(&quoted, &[]).fine();
    library.apply(EXPORT).fine();
    library.run(&["card", "block", &people[3].card().card, "--reason", "lost"]).fine();
    library.run(&["patron", "opt-out", &people[4].card().card, "--reason", "a letter"]).fine();
    assert_eq!(lines(&library, &[]), [
        "700001|\"Zoë |\"\"Z\"\"\"|Fictional|young-adult|2099-06-30|MAIN|active",
        "700002|=1+1|Fictional|adult|2099-06-30|MAIN|active",
        "700004|Pupil4|Fictional|young-adult|2099-06-30|MAIN|blocked",
    ]);
}}

promise! { founded, async fn an_export_of_what_changed_tells_each_change_once_and_closes_who_left(library) {
    let mut people: Vec<Person> = (1..=14).map(Person::pupil).collect();
    library.import(&Delivery::of(&people), &[]).fine();
    library.apply(EXPORT).fine();
    assert_eq!(lines(&library, &["--changed-since", "last"]).len(), 14, "nobody was told of before");
    assert_eq!(lines(&library, &["--changed-since", "last"]), [""; 0]);

    people[0].given = "Renamed".into();
    let gone = people.remove(13);
    let newcomer = Person::pupil(20);
    library.import(&Delivery::of(&[people.clone(), vec![newcomer]].concat()), &[]).fine();
    library.run(&["card", "block", &people[1].card().card, "--reason", "lost"]).fine();
    library.run(&["patron", "opt-out", &people[2].card().card, "--reason", "a letter"]).fine();
    library.run(&["patron", "audience", &people[3].card().card, "juvenile", "--reason", "a parent"]).fine();
    let changed = [
        "700001|Renamed|Fictional|young-adult|2099-06-30|MAIN|active".to_owned(),
        "700002|Pupil2|Fictional|young-adult|2099-06-30|MAIN|blocked".to_owned(),
        "700003|||||MAIN|opted-out".to_owned(),
        "700004|Pupil4|Fictional|juvenile|2099-06-30|MAIN|active".to_owned(),
        format!("{}|||||MAIN|withdrawn", gone.identifier),
        "700020|Pupil20|Fictional|young-adult|2099-06-30|MAIN|active".to_owned(),
    ];
    assert_eq!(lines(&library, &["--changed-since", "last"]), changed);
    assert_eq!(lines(&library, &["--changed-since", "last"]), [""; 0]);
    assert_eq!(lines(&library, &["--changed-since", "2"]), changed, "since the second run of the roster");
    assert_eq!(lines(&library, &["--changed-since", "2020-01-01"]).len(), 15, "all that was ever told");

    // The run is taken back: the newcomer was never there, and who left is back.
    library.run(&["directory", "undo", "cms"]).fine();
    let back = lines(&library, &["--changed-since", "last"]);
    assert!(back.contains(&"700020|||||MAIN|withdrawn".to_owned()), "{back:?}");
    assert!(back.contains(&"700014|Pupil14|Fictional|young-adult|2099-06-30|MAIN|active".to_owned()), "{back:?}");
    for wrong in ["99", "2098-01-01"] {
        library.run(&["card", "export", "--reason", "a try", "--changed-since", wrong]).refused();
    }
}}

promise! { founded, async fn a_number_that_somebody_else_has_by_now_is_not_closed_behind_their_back(library) {
    let others: Vec<Person> = (2..=12).map(Person::pupil).collect();
    let first = Person::pupil(1);
    let heir = Person { sourced_id: "heir".into(), given: "Heir".into(), ..Person::pupil(1) };
    library.import(&Delivery::of(&[others.clone(), vec![first]].concat()), &[]).fine();
    library.apply(EXPORT).fine();
    lines(&library, &["--changed-since", "last"]);
    library.import(&Delivery::of(&[others.clone(), vec![heir]].concat()), &[]).fine();
    let changed = ["700001|Heir|Fictional|young-adult|2099-06-30|MAIN|active"];
    assert_eq!(lines(&library, &["--changed-since", "last"]), changed);
    let renumbered = Person { identifier: "700099".into(), ..others[0].clone() };
    library.import(&Delivery::of(&[vec![renumbered], others[1..].to_vec()].concat()), &["--accept-removals"]).fine();
    let changed = lines(&library, &["--changed-since", "last"]);
    assert!(changed.contains(&"700002|||||MAIN|withdrawn".to_owned()), "her old number: {changed:?}");
    assert!(changed.contains(&"700099|Pupil2|Fictional|young-adult|2099-06-30|MAIN|active".to_owned()), "{changed:?}");
}}

promise! { founded, async fn no_lines_leave_without_two_names_a_reason_and_a_word_in_the_audit(library) {
    use std::os::unix::fs::PermissionsExt;
    library.import(&Delivery::of(&[Person::pupil(1)]), &[]).fine();
    for alone in ["[\"Ada Quill\"]", "[\"Ada Quill\", \"ada quill\"]", "[]"] {
        let said = library.apply(&EXPORT.replace("[\"Ada Quill\", \"Bo Marsh\"]", alone)).refused().stderr;
        assert!(said.contains("approved_by"), "{said}");
    }
    let said = library.apply(&EXPORT.replace("\"given_name\"", "\"birthdate\"")).refused().stderr;
    assert!(said.contains("export.columns.value"), "{said}");
    library.run(&["card", "export", "--reason", "a try"]).refused();
    library.apply(EXPORT).fine();
    assert_eq!(library.run(&["card", "export", "ils"]).status, 2, "no reason");
    let file = library.path().join("patrons.txt");
    let path = file.to_string_lossy().into_owned();
    let args = ["card", "export", "ils", "--reason", "nightly load", "--out", &path, "--json"];
    let made = library.run(&args).fine().json();
    assert_eq!((&made["made"]["lines"], &made["made"]["by_status"]), (&json!(1), &json!({ "active": 1 })));
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let whole = std::fs::read_to_string(&file).unwrap();
    assert_eq!(whole.lines().count(), 2);
    library.run(&args).refused();
    library.run(&[&args[..], &["--force"]].concat()).fine();
    library.run(&["card", "export", "ils", "--reason", "a try", "--json"]).refused();
    let beside = std::fs::read_dir(library.path()).unwrap().filter_map(Result::ok);
    assert_eq!(beside.filter(|entry| entry.file_name().to_string_lossy().contains("patrons.txt")).count(), 1);

    let events = library.run(&["audit", "tail", "--json"]).fine().json();
    let of_export = |event: &&serde_json::Value| event["kind"] == "export";
    let all: Vec<_> = events.as_array().unwrap_or_else(|| events["events"].as_array().unwrap()).iter().filter(of_export).collect();
    let last = &all.last().unwrap()["payload"];
    assert_eq!((&last["export"], &last["why"], &last["lines"]), (&json!("ils"), &json!("nightly load"), &json!(1)));
    assert_eq!((&last["sha256"], &last["approved_by"]), (&made["made"]["sha256"], &json!(["Ada Quill", "Bo Marsh"])));
    assert!(all.iter().any(|event| event["payload"]["what"] == "begun"));
}}
