//! Classes are read where somebody asks for them, and nowhere else.

use super::*;
use crate::domain::class::{ClassRole, ClassRoll};

const CLASSES: &str = "sourcedId,status,dateLastModified,title,grades,courseSourcedId,classCode,classType,location,\
    schoolSourcedId,termSourcedIds,subjects,subjectCodes,periods\n\
    c1,,,\"Room 4, first grade\",01,k1,R4,homeroom,,s1,t1,,,\n\
    c2,active,,Reading 07,07,k2,,scheduled,,s1,t1,,,\n\
    c3,tobedeleted,,Room 5,01,k1,R5,homeroom,,s1,t1,,,\n";
const ENROLLMENTS: &str = "sourcedId,status,dateLastModified,classSourcedId,schoolSourcedId,userSourcedId,role,primary,\
    beginDate,endDate\n\
    e1,,,c1,s1,u1,student,,2026-08-24,2027-06-10\n\
    e2,,,c1,s1,u2,teacher,true,,\n\
    e3,,,c2,s1,u2,teacher,true,,\n\
    e4,,,c1,s1,u1,student,,,\n";

fn delivery() -> Delivery {
    Delivery::v1p1().with("classes.csv", CLASSES).with("enrollments.csv", ENROLLMENTS)
}

fn read(delivery: &Delivery, classes: ClassKinds) -> Roster {
    let place = Place::new();
    delivery.in_folder(&place.0);
    let today = "2026-11-02".parse().unwrap();
    super::super::read(&place.0, &Options { birthdays: false, classes, today, progress: &|_| {} }).unwrap()
}

fn rolls(roster: &Roster) -> Vec<(&str, Vec<(&str, ClassRole)>)> {
    fn members(roll: &ClassRoll) -> Vec<(&str, ClassRole)> {
        roll.members.iter().map(|(id, role)| (id.as_str(), *role)).collect()
    }
    let all = roster.classes.as_ref().unwrap();
    all.iter().map(|roll| (roll.sourced_id.as_str(), members(roll))).collect()
}

#[test]
fn home_rooms_are_read_with_their_members_each_once() {
    use ClassRole::{Student, Teacher};
    for version in [delivery(), Delivery::v1p2().with("classes.csv", CLASSES).with("enrollments.csv", ENROLLMENTS)] {
        let roster = read(&version, ClassKinds::Homeroom);
        assert_eq!(rolls(&roster), [("c1", vec![("u1", Student), ("u2", Teacher)])]);
        let roll = &roster.classes.as_ref().unwrap()[0];
        assert_eq!((&*roll.title, &*roll.org, &*roll.grades), ("Room 4, first grade", "s1", "01"));
        assert_eq!(roster.report.refusals(), 0);
    }
    assert_eq!(read(&delivery(), ClassKinds::Scheduled).classes.unwrap()[0].sourced_id, "c2");
    assert_eq!(read(&delivery(), ClassKinds::All).classes.unwrap().len(), 2);
}

#[test]
fn nobody_asks_so_nothing_is_opened() {
    let spoilt = delivery().with("classes.csv", b"\xff\xfe nothing").with("enrollments.csv", "what\n");
    let roster = read(&spoilt, ClassKinds::None);
    assert_eq!((roster.classes.unwrap().len(), roster.people.len()), (0, 2));
    assert!(!roster.report.notes.iter().any(|note| note.file == "classes.csv"));
}

#[test]
fn a_delivery_without_classes_leaves_them_as_they_are() {
    let roster = read(&Delivery::v1p1(), ClassKinds::All);
    assert!(roster.classes.is_none());
    assert_eq!(repaired(&roster, "no-classes").0, "classes.csv");
}

#[test]
fn a_delivery_of_changes_leaves_classes_as_they_are_and_half_a_class_stops_a_whole_one() {
    let manifest = |files: &str| format!("propertyName,value\noneroster.version,1.1\n{files}");
    let of = |files: &str| delivery().with("manifest.csv", manifest(files));
    let changes = of("file.orgs,bulk\nfile.users,delta\nfile.classes,bulk\nfile.enrollments,bulk\n");
    let roster = read(&changes, ClassKinds::All);
    assert!(roster.classes.is_none());
    assert_eq!(repaired(&roster, "classes-in-changes").0, "classes.csv");
    let roster = read(&changes, ClassKinds::None);
    assert!(roster.classes.is_some_and(|none| none.is_empty()) && roster.report.notes.is_empty());

    let place = Place::new();
    of("file.orgs,bulk\nfile.users,bulk\nfile.classes,bulk\nfile.enrollments,delta\n").in_folder(&place.0);
    let today = "2026-11-02".parse().unwrap();
    let options = |classes| Options { birthdays: false, classes, today, progress: &|_| {} };
    let error = super::super::read(&place.0, &options(ClassKinds::All)).unwrap_err();
    assert!(error.to_string().contains("enrollments.csv is delta"), "{error}");
    assert!(super::super::read(&place.0, &options(ClassKinds::None)).is_ok());
}

#[test]
fn an_enrollment_that_is_over_is_as_good_as_none() {
    let over =
        delivery().changed("enrollments.csv", "u1,student,,2026-08-24,2027-06-10", "u1,student,,2025-08-24,2026-06-10");
    let over = over.changed("enrollments.csv", "e4,,,c1,s1,u1,student,,,", "e4,,,c1,s1,u1,student,,2026-12-01,");
    assert_eq!(rolls(&read(&over, ClassKinds::Homeroom)), [("c1", vec![("u2", ClassRole::Teacher)])]);
}

#[test]
fn a_row_that_would_say_who_teaches_whom_is_not_guessed() {
    for (from, to, kind, column) in [
        ("e2,,,c1,s1,u2,teacher", "e2,,,c9,s1,u2,teacher", "unknown-class", "classSourcedId"),
        ("e2,,,c1,s1,u2,teacher", "e2,,,c1,s1,u2,wizard", "unknown-role", "role"),
        ("e2,,,c1,s1,u2,teacher,true,,", "e2,,,c1,s1,u2,teacher,true,,03/11/2026", "ambiguous-date", "endDate"),
        ("e2,,,c1,s1,u2,teacher,true,,", "e2,,,c1,s1,u2,teacher,true,,,u1", "shifted-row", ""),
        ("e2,,,c1", "e2,maybe,,c1", "unknown-status", "status"),
    ] {
        let roster = read(&delivery().changed("enrollments.csv", from, to), ClassKinds::Homeroom);
        assert_eq!(rolls(&roster), [("c1", vec![("u1", ClassRole::Student)])], "{to}");
        assert_eq!(refused(&roster, kind), ("enrollments.csv", 3, column), "{to}");
    }
}

#[test]
fn members_who_get_no_card_are_passed_over_and_counted() {
    let orphan = delivery().changed("enrollments.csv", "e4,,,c1,s1,u1,student", "e4,,,c1,s1,u9,student");
    let roster = read(&orphan, ClassKinds::Homeroom);
    assert_eq!(rolls(&roster)[0].1.len(), 2);
    assert_eq!(repaired(&roster, "orphan-enrollment").0, "enrollments.csv");
    let aide = delivery().changed("enrollments.csv", "e2,,,c1,s1,u2,teacher", "e2,,,c1,s1,u2,aide");
    assert_eq!(rolls(&read(&aide, ClassKinds::Homeroom)), [("c1", vec![("u1", ClassRole::Student)])]);
}
