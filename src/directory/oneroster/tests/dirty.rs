//! Harmless dirt: read as what it plainly means, and noted with file, line and column.

use secrecy::ExposeSecret;

use super::*;
use crate::domain::patron::Role;

#[test]
fn a_sound_delivery_leaves_no_notes() {
    for delivery in [Delivery::v1p1(), Delivery::v1p2()] {
        let roster = delivery.roster();
        assert_eq!(ids(&roster), ["u1", "u2"]);
        assert_eq!(roster.report.notes, []);
        assert_eq!(roster.report.counts["left-out no-card-role"], 1);
        assert_eq!(roster.orgs.len(), 3);
        let pupil = person(&roster, "u1");
        assert_eq!((pupil.line, pupil.posts[0].role, pupil.posts[0].grade), (2, Role::Student, "07".parse().ok()));
        assert_eq!(pupil.password.as_ref().unwrap().expose_secret(), "246810");
        let teacher = person(&roster, "u2");
        let orgs: Vec<_> = teacher.posts.iter().map(|post| (&*post.org, post.role, post.grade)).collect();
        assert_eq!(orgs, [("s1", Role::Staff, None), ("s2", Role::Staff, None)]);
    }
}

#[test]
fn the_name_that_somebody_goes_by_wins() {
    let roster = Delivery::v1p2().roster();
    let teacher = person(&roster, "u2");
    assert_eq!((teacher.given_name.as_str(), teacher.family_name.as_str()), ("Tavi", "Willowmere"));
}

#[test]
fn headers_in_any_case_are_found() {
    let roster = Delivery::v1p1().changed("users.csv", "sourcedId,status", "SOURCEDID,Status").roster();
    assert_eq!(ids(&roster), ["u1", "u2"]);
    let notes: Vec<_> = roster.report.notes.iter().map(|n| (n.line, n.column.as_str(), n.kind.as_str())).collect();
    assert_eq!(notes, [(1, "sourcedId", "header-spelling"), (1, "status", "header-spelling")]);
    let roster = Delivery::v1p1().changed("orgs.csv", "dateLastModified", "dataLastModified").roster();
    assert_eq!(repaired(&roster, "header-spelling"), ("orgs.csv", 1, "dateLastModified"));
}

#[test]
fn file_names_in_any_case_and_one_folder_deep_are_found() {
    let roster = Delivery::v1p1().without("users.csv").with("Users.CSV", USERS_1P1).roster();
    assert_eq!((ids(&roster).len(), repaired(&roster, "file-name")), (2, ("Users.CSV", 0, "")));
    let deep = Delivery(Delivery::v1p2().0.into_iter().map(|(name, b)| (format!("export/{name}"), b)).collect());
    let deep = deep.with("__MACOSX/export/users.csv", "junk").with("export/._users.csv", "junk");
    assert_eq!(ids(&read_zip(&deep.zipped()).unwrap()), ["u1", "u2"]);
    assert_eq!(ids(&deep.roster()), ["u1", "u2"]);
}

#[test]
fn a_byte_order_mark_is_passed_over() {
    let roster = Delivery::v1p1().with("users.csv", format!("\u{feff}{USERS_1P1}")).roster();
    assert_eq!((ids(&roster).len(), repaired(&roster, "byte-order-mark")), (2, ("users.csv", 1, "")));
}

#[test]
fn windows_line_ends_and_a_missing_last_one_keep_the_lines_right() {
    for users in [USERS_1P1.replace('\n', "\r\n"), USERS_1P1.replace('\n', "\r"), USERS_1P1.trim_end().to_owned()] {
        let roster = Delivery::v1p1().with("users.csv", users.replace("07,246810", "7th,246810")).roster();
        assert_eq!((ids(&roster), person(&roster, "u2").line), (vec!["u1", "u2"], 3));
        assert_eq!(repaired(&roster, "grade-spelling"), ("users.csv", 2, "grades"));
    }
}

#[test]
fn blank_lines_do_not_count_as_rows_but_do_as_lines() {
    let users = USERS_1P1.replacen("\nu2", "\n\n\r\n,,,,,,,,,,,,,,,,,\nu2", 1) + "\n\n\n";
    let roster = Delivery::v1p1().with("users.csv", users).roster();
    assert_eq!(repaired(&roster, "blank-row"), ("users.csv", 5, ""));
    assert_eq!(person(&roster, "u2").line, 6);
}

#[test]
fn ragged_rows_are_read_as_far_as_they_go() {
    let roster = Delivery::v1p1().changed("users.csv", ",,,,07,246810", "").roster();
    assert!(person(&roster, "u1").password.is_none());
    let ragged = roster.report.notes.iter().find(|note| note.kind == "ragged-row").unwrap();
    assert_eq!((ragged.file.as_str(), ragged.line), ("users.csv", 2));
    let roster = Delivery::v1p1().changed("users.csv", "07,246810", "07,246810,,surplus").roster();
    assert_eq!((ids(&roster).len(), repaired(&roster, "ragged-row")), (2, ("users.csv", 2, "")));
}

#[test]
fn booleans_status_and_roles_are_read_in_capitals() {
    let roster = Delivery::v1p1()
        .changed("users.csv", "u1,,,true,s1,student", "u1,Active,,TRUE,s1,Student")
        .changed("users.csv", "u2,,,true", "u2,,,FALSE")
        .roster();
    assert_eq!((person(&roster, "u1").enabled, person(&roster, "u2").enabled), (true, false));
    assert_eq!(repaired(&roster, "role-case"), ("users.csv", 2, "role"));
    assert_eq!(repaired(&roster, "status"), ("users.csv", 2, "status"));
    assert_eq!(roster.report.counts["repaired boolean"], 2);
}

#[test]
fn a_strange_date_of_change_is_noted_and_does_not_matter() {
    let roster = Delivery::v1p1().changed("users.csv", "u1,,,true", "u1,,15/06/2023,true").roster();
    assert_eq!((ids(&roster).len(), repaired(&roster, "date-format")), (2, ("users.csv", 2, "dateLastModified")));
}

#[test]
fn surrounding_blanks_are_taken_off() {
    let roster = Delivery::v1p1().changed("users.csv", "4417001", "  4417001\u{a0}").roster();
    assert_eq!(person(&roster, "u1").identifier.as_deref(), Some("4417001"));
    assert_eq!(repaired(&roster, "blanks"), ("users.csv", 2, "identifier"));
}

#[test]
fn a_student_without_a_readable_grade_counts_as_the_youngest() {
    let roster = Delivery::v1p1().changed("users.csv", "07,246810", "seventh-ish,246810").roster();
    assert_eq!(person(&roster, "u1").posts[0].grade, None);
    assert_eq!(repaired(&roster, "grade"), ("users.csv", 2, "grades"));
    assert_eq!(repaired(&roster, "no-grade"), ("users.csv", 2, "grades"));
}

#[test]
fn of_several_grades_the_first_is_taken() {
    let roster = Delivery::v1p1().changed("users.csv", "07,246810", "\"06,07\",246810").roster();
    assert_eq!(person(&roster, "u1").posts[0].grade, "06".parse().ok());
    assert_eq!(repaired(&roster, "several-grades"), ("users.csv", 2, "grades"));
}

#[test]
fn a_post_at_an_unknown_school_is_left_away_while_another_remains() {
    let roster = Delivery::v1p1().changed("users.csv", "\"s1,s2\"", "\"s9,s2\"").roster();
    assert_eq!(person(&roster, "u2").posts.len(), 1);
    assert_eq!(repaired(&roster, "unknown-org"), ("users.csv", 3, "orgSourcedIds"));
}

#[test]
fn a_line_end_inside_a_name_becomes_a_blank() {
    let roster = Delivery::v1p1().changed("users.csv", "Marisel", "\"Mari\nSel\"").roster();
    assert_eq!((person(&roster, "u1").given_name.as_str(), person(&roster, "u2").line), ("Mari Sel", 4));
    assert_eq!(repaired(&roster, "control-character"), ("users.csv", 2, "givenName"));
}

#[test]
fn a_missing_manifest_is_noted_where_the_files_speak_for_themselves() {
    for delivery in [Delivery::v1p1(), Delivery::v1p2()] {
        let roster = delivery.without("manifest.csv").roster();
        assert_eq!((ids(&roster).len(), repaired(&roster, "no-manifest")), (2, ("manifest.csv", 0, "")));
    }
    let roster = Delivery::v1p2().changed("manifest.csv", "version,1.2", "version,1.1").roster();
    assert_eq!(repaired(&roster, "version"), ("manifest.csv", 3, "oneroster.version"));
    let roster = Delivery::v1p1().changed("manifest.csv", "users,bulk", "users,absent").roster();
    assert_eq!(repaired(&roster, "manifest-file"), ("manifest.csv", 5, "file.users"));
}

#[test]
fn what_is_to_be_deleted_is_not_there() {
    let roster = Delivery::v1p1().changed("users.csv", "u1,,", "u1,tobedeleted,").roster();
    assert_eq!((ids(&roster), roster.report.counts["left-out tobedeleted"]), (vec!["u2"], 1));
    assert_eq!(roster.report.notes, []);
}

#[test]
fn a_role_counts_from_its_first_day_to_its_last() {
    let delivery =
        Delivery::v1p2().changed("roles.csv", "u1,primary,student,,", "u1,primary,student,2026-08-01,15/06/2027");
    for (today, there) in [("2026-07-31", false), ("2026-08-01", true), ("2027-06-15", true), ("2027-06-16", false)] {
        let roster = delivery.read_on(today, false).unwrap();
        assert_eq!(ids(&roster).contains(&"u1"), there, "{today}");
        assert_eq!(repaired(&roster, "date-format"), ("roles.csv", 2, "endDate"));
    }
}

#[test]
fn organisations_that_go_round_in_a_ring_stand_alone() {
    let roster = Delivery::v1p1().changed("orgs.csv", "district,,\n", "district,,s1\n").roster();
    let parents: Vec<_> = roster.orgs.iter().map(|org| org.parent.as_deref()).collect();
    assert_eq!(parents, [None, None, Some("d")]);
    assert_eq!(roster.report.counts["repaired parent-ring"], 2);
    let roster = Delivery::v1p1().changed("orgs.csv", "school,,d\ns2", "school,,d9\ns2").roster();
    assert_eq!(repaired(&roster, "unknown-parent"), ("orgs.csv", 3, "parentSourcedId"));
}

#[test]
fn of_demographics_only_month_and_day_of_birth_are_read_and_only_when_asked() {
    let today = "2026-11-02";
    let sent = "sourcedId,birthDate,sex,white\nu1,2013-03-09,female,true\nu2,03/04/1980,male,true\n";
    let roster = Delivery::v1p1().with("demographics.csv", sent).read_on(today, true).unwrap();
    assert_eq!((person(&roster, "u1").birthday, person(&roster, "u2").birthday), (Some((3, 9)), None));
    assert_eq!(refused(&roster, "ambiguous-date"), ("demographics.csv", 3, "birthDate"));
    for dropped in ["male", "1980", "2013"] {
        assert!(!format!("{roster:?}").contains(dropped));
    }
    let unopened = Delivery::v1p1().with("demographics.csv", [0xff]).roster();
    assert_eq!((ids(&unopened), person(&unopened, "u1").birthday), (vec!["u1", "u2"], None));
    let without = Delivery::v1p1().read_on(today, true).unwrap();
    assert_eq!(repaired(&without, "no-demographics"), ("demographics.csv", 0, ""));
}

#[test]
fn a_report_never_holds_a_pin() {
    let roster = Delivery::v1p1().changed("users.csv", "246810", " 246810 ").roster();
    assert_eq!(repaired(&roster, "blanks"), ("users.csv", 2, "password"));
    assert!(!format!("{roster:?}").contains("246810"));
}
