use std::{fs, path::PathBuf};

use secrecy::ExposeSecret;
use serde_json::{Value, json};

use super::*;
use crate::{
    directory::{Outcome, Person},
    domain::{class::ClassKinds, patron::Role, timetable::Timetable},
};

struct Place(PathBuf);

impl Place {
    fn with(bytes: impl AsRef<[u8]>) -> Place {
        let path = std::env::temp_dir().join(format!("oneaccess-csv-{}.csv", uuid::Uuid::now_v7()));
        fs::write(&path, bytes).unwrap();
        Place(path)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.0);
    }
}

/// The usual columns, and what a test says besides.
fn settings(more: Value) -> SourceSettings {
    let mut settings = json!({
        "columns": {
            "sourced_id": "Student Key", "given_name": "First", "family_name": "Last", "identifier": "Student ID",
            "grade": "Gr", "org": "School", "password": "PIN", "birthday": "Born",
        },
        "role": "student",
    });
    for (name, value) in more.as_object().unwrap() {
        settings[name] = value.clone();
        if value.is_null() {
            settings.as_object_mut().unwrap().remove(name);
        }
    }
    SourceSettings {
        id: "west".parse().unwrap(),
        kind: "csv".into(),
        timetable: Timetable::default(),
        yields_to: vec![],
        alert_url: None,
        settings,
    }
}

const FILE: &str = "Student Key,First,Last,Student ID,Gr,School,PIN,Born\n\
    k1,Marisel,Brookquill,4417001,07,310,246810,2014-06-15\n\
    k2,Tavowen,Willowmere,4417002,12,320,135791,2009-12-31\n";

fn read_as(bytes: impl AsRef<[u8]>, more: Value) -> Result<Roster, ReadError> {
    let place = Place::with(bytes);
    let mapping = Mapping::of(&settings(more)).unwrap();
    let reading = Reading {
        birthdays: true,
        classes: ClassKinds::None,
        today: "2026-11-02".parse().unwrap(),
        progress: &|_, _| {},
    };
    mapping.read(&place.0, &reading)
}

fn person<'r>(roster: &'r Roster, id: &str) -> &'r Person {
    roster.people.iter().find(|person| person.sourced_id == id).unwrap()
}

fn noted(roster: &Roster, kind: &str) -> (Outcome, u64, String) {
    let note = roster.report.notes.iter().find(|note| note.kind == kind);
    let note = note.unwrap_or_else(|| panic!("no {kind} in {:#?}", roster.report.notes));
    (note.outcome, note.line, note.column.clone())
}

#[test]
fn people_are_found_by_the_operator_s_names_of_columns() {
    let roster = read_as(FILE, json!({ "org_names": { "310": "Thistledown Middle School" } })).unwrap();
    assert_eq!(roster.report.notes, []);
    let pupil = person(&roster, "k1");
    assert_eq!((pupil.given_name.as_str(), pupil.family_name.as_str()), ("Marisel", "Brookquill"));
    assert_eq!((pupil.identifier.as_deref(), pupil.birthday, pupil.line), (Some("4417001"), Some((6, 15)), 2));
    assert_eq!(pupil.password.as_ref().unwrap().expose_secret(), "246810");
    assert_eq!(pupil.posts, [super::super::Post::new("310", Role::Student, "07".parse().ok())]);
    let orgs: Vec<_> = roster.orgs.iter().map(|org| (org.sourced_id.as_ref(), org.name.as_str())).collect();
    assert_eq!(orgs, [("310", "Thistledown Middle School"), ("320", "320")]);
}

#[test]
fn one_organisation_may_stand_above_all_schools_or_for_them() {
    let roster = read_as(FILE, json!({ "org": "west" })).unwrap();
    let above: Vec<_> = roster.orgs.iter().map(|org| (org.sourced_id.as_ref(), org.parent.as_deref())).collect();
    assert_eq!(above, [("310", Some("west")), ("320", Some("west")), ("west", None)]);
    let columns = json!({ "sourced_id": "Student Key", "given_name": "First" });
    let roster = read_as(FILE, json!({ "org": "west", "columns": columns })).unwrap();
    assert!(roster.people.iter().all(|person| *person.posts[0].org == *"west" && person.password.is_none()));
    assert_eq!(roster.orgs.len(), 1);
}

#[test]
fn windows_letters_other_delimiters_and_files_without_a_header_are_read() {
    let text = "k1;Ren\u{e9}e;Brookquill\nk2;\u{a0}Zo\u{eb};Will\u{f3}wmere\n";
    let latin: Vec<u8> = text.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let more = json!({
        "delimiter": ";", "encoding": "windows-1252", "header": false, "org": "west",
        "columns": { "sourced_id": "1", "given_name": "2", "family_name": "3" },
    });
    let roster = read_as(&latin, more.clone()).unwrap();
    assert_eq!((person(&roster, "k1").given_name.as_str(), person(&roster, "k1").line), ("Renée", 1));
    assert_eq!(person(&roster, "k2").family_name, "Willówmere");
    let mut utf8 = more.clone();
    utf8["encoding"] = "utf-8".into();
    assert_eq!(read_as(&latin, utf8).unwrap_err().kind(), "wrong-encoding");
    assert_eq!(read_as("k1;Only two\n", more.clone()).unwrap_err().kind(), "missing-column");
    // A spreadsheet that says itself that it is UTF-8 is believed.
    let roster = read_as(format!("\u{feff}{text}"), more).unwrap();
    assert_eq!(person(&roster, "k1").given_name, "Renée");
    let tabs = FILE.replace(',', "\t");
    assert_eq!(read_as(tabs, json!({ "delimiter": "tab" })).unwrap().people.len(), 2);
}

#[test]
fn roles_mean_what_the_operator_says() {
    let file =
        FILE.replace("Gr,", "Kind,").replace("07,", "S,").replace("12,", "T,") + "k3,A,B,1,P,310,,\nk4,A,B,2,X,310,,\n";
    let mut columns = settings(json!({})).settings["columns"].clone();
    columns["role"] = "Kind".into();
    columns.as_object_mut().unwrap().remove("grade");
    let values = json!({ "s": "student", "T": "staff", "P": "none" });
    let roster = read_as(&file, json!({ "columns": columns, "role": null, "role_values": values })).unwrap();
    let roles: Vec<_> = roster.people.iter().map(|person| person.posts[0].role).collect();
    assert_eq!(roles, [Role::Student, Role::Staff]);
    assert_eq!(roster.report.counts["left-out no-card-role"], 1);
    assert_eq!(noted(&roster, "unknown-role"), (Outcome::Refused, 5, "role".into()));
    let words = file.replace(",S,", ",Student,").replace(",T,", ",Staff,").replace(",P,", ",parent,");
    let roster = read_as(words, json!({ "columns": columns, "role": null })).unwrap();
    assert_eq!(roster.people.len(), 2);
}

#[test]
fn dirt_is_repaired_or_refused_as_in_other_files() {
    let dirty =
        FILE.replace("07,", "7th,").replace("k2,", ",") + "k3,,,4417003,01,310,,\nk4,A,B,4,01,310,1,,extra\nk5,A,B,5\n";
    let roster = read_as(dirty, json!({})).unwrap();
    assert_eq!(noted(&roster, "grade-spelling"), (Outcome::Repaired, 2, "grade".into()));
    assert_eq!(noted(&roster, "no-sourced-id"), (Outcome::Refused, 3, "sourced_id".into()));
    assert_eq!(noted(&roster, "no-name").1, 4);
    assert_eq!(noted(&roster, "shifted-row").1, 5);
    assert_eq!(noted(&roster, "unknown-org").1, 6);
    assert_eq!(roster.people.len(), 1);
    assert_eq!(read_as(FILE.replace("k2", "k1"), json!({})).unwrap_err().kind(), "duplicate-sourced-id");
    assert_eq!(read_as("", json!({})).unwrap_err().kind(), "empty");
    assert_eq!(read_as(FILE.lines().next().unwrap(), json!({})).unwrap_err().kind(), "empty");
    let error = read_as(FILE.replace("Student Key", "Key"), json!({})).unwrap_err();
    assert!(error.to_string().contains("no column \"Student Key\", which columns.sourced_id"), "{error}");
    let error = read_as(FILE.replace("Marisel", "\"Marisel"), json!({})).unwrap_err();
    assert_eq!(error.kind(), "unclosed-quote");
}

#[test]
fn a_birthday_of_two_meanings_is_read_only_where_the_operator_says_how() {
    let file = FILE.replace("2014-06-15", "03/04/2014");
    let roster = read_as(&file, json!({})).unwrap();
    assert_eq!((person(&roster, "k1").birthday, noted(&roster, "ambiguous-date").1), (None, 2));
    assert!(roster.report.notes.iter().all(|note| !note.what.contains("2014")), "it is personal");
    let of = |dates: &str| person(&read_as(&file, json!({ "dates": dates })).unwrap(), "k1").birthday;
    assert_eq!((of("month-first"), of("day-first")), (Some((3, 4)), Some((4, 3))));
}

#[test]
fn a_mapping_that_cannot_work_is_said_with_its_field() {
    let field = |more: Value| Mapping::of(&settings(more)).unwrap_err();
    assert_eq!(field(json!({ "role": null })).0, "role");
    assert_eq!(field(json!({ "columns": { "sourced_id": "a", "given_name": "b" } })).0, "org");
    for (columns, word) in [
        (json!({ "given_name": "b", "org": "c" }), "sourced_id"),
        (json!({ "sourced_id": "a", "org": "c" }), "given_name"),
        (json!({ "sourced_id": "a", "given_name": "b", "org": "c", "shoe_size": "d" }), "shoe_size"),
    ] {
        let (field, why) = field(json!({ "columns": columns }));
        assert!(field == "columns" && why.contains(word), "{why}");
    }
    assert_eq!(field(json!({ "header": false })).0, "columns");
    assert_eq!(field(json!({ "role_values": { "S": "student" } })).0, "role_values");
}

#[test]
fn one_file_alone_is_read_also_from_a_zip() {
    use std::io::Write;
    let zipped = |names: &[&str]| {
        let mut zip = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
        for name in names {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).unwrap();
            zip.write_all(FILE.as_bytes()).unwrap();
        }
        zip.finish().unwrap().into_inner()
    };
    assert_eq!(read_as(zipped(&["people.csv"]), json!({})).unwrap().people.len(), 2);
    assert_eq!(read_as(zipped(&["people.csv", "more.csv"]), json!({})).unwrap_err().kind(), "not-one-file");
    let mapping = Mapping::of(&settings(json!({}))).unwrap();
    let reading = Reading {
        birthdays: false,
        classes: ClassKinds::None,
        today: "2026-11-02".parse().unwrap(),
        progress: &|_, _| {},
    };
    assert_eq!(mapping.read(&std::env::temp_dir(), &reading).unwrap_err().kind(), "not-one-file");
}
