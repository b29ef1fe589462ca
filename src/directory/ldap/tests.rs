//! Whom an entry makes on a roster.

use serde_json::json;

use super::{
    entry::{Entry, Meaning, read},
    settings::{Settings, trial},
};
use crate::{
    directory::Report,
    domain::{clock::Timestamp, patron::Role},
};

fn entry(values: &[(&str, &[&str])]) -> Entry {
    let values = values
        .iter()
        .map(|(name, values)| ((*name).to_owned(), values.iter().map(|value| value.as_bytes().to_vec()).collect()));
    Entry::new("uid=mo,dc=maple,dc=example".into(), values)
}

fn meaning(entry: &Entry, settings: serde_json::Value) -> (Meaning, Report) {
    let settings = Settings::read(&trial(settings)).unwrap();
    let mut report = Report::default();
    (read(entry, &settings, Timestamp(1_795_000_000_000), 1, &mut report), report)
}

#[test]
fn an_entry_becomes_a_person_by_the_configured_attributes() {
    let pupil = entry(&[
        ("EntryUUID", &["u-1"]),
        ("givenname", &["Mira"]),
        ("sn", &["Sandoval"]),
        ("uid", &["mira"]),
        ("pager", &["4417"]),
        ("mail", &["mira@maple.example"]),
        ("ou", &["Hill School", "Band"]),
        ("employeeType", &["Chess", "PUPIL"]),
        ("departmentNumber", &["7"]),
    ]);
    let settings = json!({ "attributes": { "identifier": "pager" }, "role_values": { "Pupil": "student" } });
    let (Meaning::Person(person), report) = meaning(&pupil, settings) else { panic!("not here") };
    assert_eq!((person.sourced_id.as_str(), person.given_name.as_str()), ("u-1", "Mira"));
    assert_eq!((person.identifier.as_deref(), person.username.as_deref()), (Some("4417"), Some("mira")));
    let posts: Vec<_> = person.posts.iter().map(|post| (&*post.org, post.role)).collect();
    assert_eq!(posts, [("Hill School", Role::Student), ("Band", Role::Student)]);
    assert_eq!(person.posts[0].grade.map(|grade| grade.code()), Some("07"));
    assert!(report.counts.is_empty(), "{report:?}");
}

#[test]
fn who_is_disabled_is_so_who_has_no_role_is_gone_and_who_has_no_key_is_nobody() {
    let whole: [(&str, &[&str]); 3] = [("entryUUID", &["u-1"]), ("sn", &["Sandoval"]), ("ou", &["Hill"])];
    let with = |more: (&'static str, &'static [&'static str])| {
        let mut all = whole.to_vec();
        all.push(more);
        entry(&all)
    };
    let gone = |meaning: Meaning| matches!(meaning, Meaning::Gone(id) if id == "u-1");
    assert!(matches!(meaning(&entry(&whole), json!({})).0, Meaning::Person(_)));
    let closed =
        |meaning: Meaning| matches!(meaning, Meaning::Person(person) if person.sourced_id == "u-1" && !person.enabled);
    assert!(closed(meaning(&with(("userAccountControl", &["514"])), json!({})).0));
    assert!(closed(meaning(&with(("shadowExpire", &["1"])), json!({})).0));
    assert!(gone(meaning(&entry(&whole), json!({ "role": null, "role_values": { "Pupil": "student" } })).0));
    assert!(gone(meaning(&entry(&whole[..2]), json!({})).0), "no organisation");
    assert!(matches!(meaning(&entry(&whole[..2]), json!({ "org": "hill" })).0, Meaning::Person(_)));
    assert!(matches!(meaning(&entry(&whole[1..]), json!({})).0, Meaning::Nothing));
}

#[test]
fn active_directorys_binary_names_become_text() {
    let bytes: Vec<u8> = (0u8..16).collect();
    let values = [
        ("objectGUID".to_owned(), vec![bytes]),
        ("sn".to_owned(), vec![b"Okafor".to_vec()]),
        ("sAMAccountName".to_owned(), vec![b"okafor".to_vec()]),
    ];
    let names = json!({ "sourced_id": "objectGUID", "username": "sAMAccountName" });
    let settings = json!({ "attributes": names, "org": "maple" });
    let (Meaning::Person(person), _) = meaning(&Entry::new("cn=o".into(), values), settings) else {
        panic!("not here")
    };
    assert_eq!(person.sourced_id, "03020100-0504-0706-0809-0a0b0c0d0e0f");
}
