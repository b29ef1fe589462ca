//! A delivery of changes: what began, changed or ended, and nothing about the rest.

use super::*;
use crate::{
    directory::{Changes, Extent},
    domain::patron::Role,
};

const MANIFEST: &str = "propertyName,value\nmanifest.version,1.0\noneroster.version,1.1\nfile.orgs,absent\n\
    file.users,delta\nfile.demographics,absent\n";

fn v1p1() -> Delivery {
    Delivery::v1p1().with("manifest.csv", MANIFEST).without("orgs.csv")
}

fn v1p2() -> Delivery {
    let manifest = MANIFEST.replace("1.1", "1.2") + "file.roles,delta\n";
    Delivery::v1p2().with("manifest.csv", manifest).without("orgs.csv")
}

fn changes(roster: &Roster) -> &Changes {
    match &roster.extent {
        Extent::Changes(changes) => changes,
        Extent::Whole => panic!("read as a whole"),
    }
}

#[test]
fn people_of_a_1p1_delta_come_with_all_their_posts_and_gone_ones_by_name() {
    let users = USERS_1P1.to_owned() + "u4,tobedeleted,,,,,,,,,,,,,,,,\nu5,tobedeleted\n";
    let roster = v1p1().with("users.csv", users).roster();
    let changes = changes(&roster);
    assert_eq!(ids(&roster), ["u1", "u2"]);
    assert!(changes.posts_are_whole && changes.posts.is_empty() && roster.orgs.is_empty());
    // Whoever became a parent has no card any more.
    assert_eq!(changes.gone, ["u3", "u4", "u5"]);
    let posts: Vec<_> = person(&roster, "u2").posts.iter().map(|post| (&*post.org, post.role)).collect();
    assert_eq!(posts, [("s1", Role::Staff), ("s2", Role::Staff)], "whether there is such a school is not asked here");
    assert_eq!(person(&roster, "u1").posts[0].grade, "07".parse().ok());
    assert_eq!(roster.report.refusals(), 0, "{:?}", roster.report.notes);
}

#[test]
fn people_of_a_1p2_delta_keep_the_posts_that_no_role_speaks_of() {
    let roles = ROLES
        .replace("r1,,,u1,primary,student,,,s1", "r1,tobedeleted,,u1,,,,,")
        .replace("r3,,,u2,primary,teacher,2020-08-01,,s1", "r3,,,u2,primary,teacher,2027-08-01,2028-06-30,s9");
    let roster = v1p2().with("roles.csv", roles).roster();
    let changes = changes(&roster);
    assert_eq!(ids(&roster), ["u1", "u2", "u3"], "whether somebody is a parent only the roles know");
    assert!(roster.people.iter().all(|person| person.posts.is_empty()) && !changes.posts_are_whole);
    assert_eq!((person(&roster, "u1").grade, person(&roster, "u2").grade), ("07".parse().ok(), None));
    assert_eq!(person(&roster, "u1").primary_org.as_deref(), Some("s1"));
    let told: Vec<_> = changes
        .posts
        .iter()
        .map(|(user, id, post)| {
            let post = post.as_ref().map(|post| {
                assert_eq!(post.id, *id);
                let day = |day: Option<crate::domain::clock::Date>| day.map(|day| day.to_string()).unwrap_or_default();
                (&*post.org, post.primary, day(post.from), day(post.until))
            });
            (user.as_str(), id.as_str(), post)
        })
        .collect();
    assert_eq!(
        told,
        [
            ("u1", "r1", None),
            ("u2", "r2", Some(("s2", false, String::new(), String::new()))),
            ("u2", "r3", Some(("s9", true, "2027-08-01".to_owned(), "2028-06-30".to_owned()))),
            ("u3", "r4", None),
        ]
    );
    assert_eq!(roster.report.notes, []);
}

#[test]
fn a_whole_delivery_says_which_post_is_which() {
    let roster = Delivery::v1p2().roster();
    let posts: Vec<_> = person(&roster, "u2").posts.iter().map(|post| (post.id.as_str(), post.primary)).collect();
    assert_eq!(posts, [("r3", true), ("r2", false)]);
    assert_eq!(person(&roster, "u2").posts[0].from, "2020-08-01".parse().ok());
    assert!(matches!(roster.extent, Extent::Whole));
}

#[test]
fn organisations_come_as_changes_or_all_of_them() {
    let orgs = ORGS.replace("s2,,,Copperwick", "s2,tobedeleted,,Copperwick").replace("school,,d", "school,,known");
    let delta = v1p1().changed("manifest.csv", "orgs,absent", "orgs,delta").with("orgs.csv", &orgs);
    let roster = delta.roster();
    assert_eq!(roster.orgs.iter().map(|org| &*org.sourced_id).collect::<Vec<_>>(), ["d", "s1"]);
    assert_eq!(roster.orgs[1].parent.as_deref(), Some("known"), "an earlier delivery may have told of it");
    assert_eq!((&changes(&roster).orgs_gone[..], changes(&roster).orgs_are_whole), (&["s2".to_owned()][..], false));
    let roster = v1p1().changed("manifest.csv", "orgs,absent", "orgs,bulk").with("orgs.csv", ORGS).roster();
    assert_eq!((roster.orgs.len(), changes(&roster).orgs_are_whole), (3, true));
    let alone = delta.without("users.csv").changed("manifest.csv", "users,delta", "users,absent").roster();
    assert_eq!((alone.people.len(), alone.orgs.len()), (0, 2));
}

#[test]
fn birthdays_come_by_themselves_and_only_where_they_are_wanted() {
    let births = "sourcedId,status,birthDate\nu1,,2014-03-04\nu9,,2010-12-31\nu8,tobedeleted,2010-12-30\n";
    let manifest = "propertyName,value\noneroster.version,1.1\nfile.demographics,delta\n";
    let delta = Delivery(vec![]).with("manifest.csv", manifest).with("demographics.csv", births);
    let delta = delta.with("orgs.csv", ORGS);
    let roster = delta.read_on("2026-11-02", true).unwrap();
    assert_eq!(changes(&roster).birthdays, [("u1".to_owned(), (3, 4)), ("u9".to_owned(), (12, 31))]);
    assert!(changes(&delta.roster()).birthdays.is_empty());
    let all =
        v1p1().changed("manifest.csv", "demographics,absent", "demographics,bulk").with("demographics.csv", births);
    assert_eq!(changes(&all.read_on("2026-11-02", true).unwrap()).birthdays.len(), 2);
}

#[test]
fn a_night_without_changes_is_no_empty_file() {
    let header = |text: &str| text.lines().next().unwrap().to_owned();
    let roster = v1p2().with("users.csv", header(USERS_1P2)).with("roles.csv", header(ROLES)).roster();
    let changes = changes(&roster);
    assert!(roster.people.is_empty() && changes.gone.is_empty() && changes.posts.is_empty());
    assert_eq!(v1p2().with("users.csv", "").error().0, "empty", "without a header it was cut off");
}

#[test]
fn bulk_and_delta_of_people_are_not_mixed() {
    let mixed = v1p2().changed("manifest.csv", "roles,delta", "roles,bulk").error();
    assert_eq!((mixed.0, mixed.1.contains("roles.csv is bulk")), ("bulk-and-delta", true), "{}", mixed.1);
    assert_eq!(v1p2().changed("manifest.csv", "users,delta", "users,bulk").error().0, "bulk-and-delta");
    assert_eq!(Delivery::v1p1().changed("manifest.csv", "orgs,bulk", "orgs,delta").error().0, "bulk-and-delta");
    let births = "sourcedId,status,birthDate\nu1,,2014-03-04\n";
    let manifest = MANIFEST_1P1.to_owned() + "file.demographics,delta\n";
    let whole = Delivery::v1p1().with("manifest.csv", manifest).with("demographics.csv", births);
    assert_eq!(whole.read_on("2026-11-02", true).unwrap_err().kind(), "bulk-and-delta");
    assert_eq!(ids(&whole.roster()), ["u1", "u2"], "nobody wants birthdays: the rest is whole");
}

#[test]
fn what_a_delta_promises_must_be_there_and_what_it_does_not_name_is_not_read() {
    assert_eq!(v1p2().without("roles.csv").error(), ("missing-file", "roles.csv is missing".into()));
    let roster = v1p2().changed("manifest.csv", "roles,delta", "roles,absent").roster();
    assert!(changes(&roster).posts.is_empty());
    assert_eq!(note(&roster, "manifest-file").column, "file.roles");
    let roster = v1p1().with("orgs.csv", ORGS).roster();
    assert_eq!((roster.orgs.len(), note(&roster, "manifest-file").column.as_str()), (0, "file.orgs"));
}

#[test]
fn a_row_of_a_delta_that_cannot_be_read_changes_nobody() {
    for (from, to, kind) in [
        ("u1,,,", "u1,on leave,,", "unknown-status"),
        ("student", "visitor", "unknown-role"),
        ("true,s1,student", "true,,student", "unknown-org"),
        ("Marisel,Brookquill", ",", "no-name"),
    ] {
        let roster = v1p1().changed("users.csv", from, to).roster();
        assert_eq!((ids(&roster), refused(&roster, kind).1), (vec!["u2"], 2), "{kind}");
        assert_eq!(changes(&roster).gone, ["u3"], "{kind}");
    }
    for (from, to, kind) in [
        ("r1,,", ",,", "no-sourced-id"),
        ("r1,,,u1", "r1,,,", "no-user"),
        ("student,,,s1", "student,,,", "unknown-org"),
        ("student,,,s1", "student,03/11/2026,,s1", "ambiguous-date"),
    ] {
        let roster = v1p2().changed("roles.csv", from, to).roster();
        assert_eq!((refused(&roster, kind).1, changes(&roster).posts.len()), (2, 3), "{kind}");
    }
    assert_eq!(v1p1().changed("users.csv", "u3,,", "u1,,").error().0, "duplicate-sourced-id");
    assert_eq!(v1p2().changed("roles.csv", "r2,", "r1,").error().0, "duplicate-sourced-id");
}

#[test]
fn the_order_of_rows_makes_no_difference() {
    let turned = |text: &str| {
        let mut lines: Vec<&str> = text.lines().collect();
        lines[1..].reverse();
        lines.join("\n")
    };
    let (one, other) = (v1p2(), v1p2().with("users.csv", turned(USERS_1P2)).with("roles.csv", turned(ROLES)));
    let told = |delivery: &Delivery| {
        let roster = delivery.roster();
        let mut posts = changes(&roster).posts.clone();
        posts.sort_by(|a, b| a.1.cmp(&b.1));
        let mut people: Vec<_> = roster.people.iter().map(|p| (p.sourced_id.clone(), p.given_name.clone())).collect();
        people.sort();
        (posts, people)
    };
    assert_eq!(told(&one), told(&other));
}
