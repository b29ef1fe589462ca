//! What the generator writes, the reader reads: the same people, whatever the version and the wrapping.

use std::fs;

use secrecy::ExposeSecret;

use super::*;
use crate::{
    directory::{
        Extent, Post,
        oneroster::{
            Version,
            generate::{CHARTER_ORG, DISTRICT_ORG, District, Side},
        },
    },
    domain::patron::Role,
};

fn read_at(path: &Path) -> Roster {
    read(
        path,
        &Options {
            birthdays: true,
            classes: ClassKinds::None,
            today: "2026-11-02".parse().unwrap(),
            progress: &|_| {},
        },
    )
    .unwrap()
}

fn delivered(district: &District, version: Version, name: &str) -> Roster {
    let place = Place::new();
    let path = place.join(name);
    district.write(&path, version, &|_| {}).unwrap();
    read_at(&path)
}

#[test]
fn everyone_of_a_generated_district_arrives_from_either_version_and_either_wrapping() {
    let district = District::new(800);
    for (version, name) in [
        (Version::V1p1, "roster.zip"),
        (Version::V1p1, "roster"),
        (Version::V1p2, "roster.zip"),
        (Version::V1p2, "roster"),
    ] {
        let roster = delivered(&district, version, name);
        assert_eq!((roster.people.len(), roster.report.notes.len()), (800, 0), "{:?}", roster.report.notes.first());
        assert!(roster.report.counts["left-out no-card-role"] > 10);
        for (sent, arrived) in district.people().zip(&roster.people) {
            let preferred = sent.preferred_given_name().filter(|_| version == Version::V1p2);
            assert_eq!(arrived.sourced_id, sent.sourced_id());
            assert_eq!(arrived.given_name, preferred.unwrap_or_else(|| sent.given_name()));
            assert_eq!(arrived.family_name, sent.family_name());
            assert_eq!(arrived.identifier, Some(sent.identifier()));
            assert_eq!(arrived.username, Some(sent.username()));
            assert_eq!(arrived.user_ids, [("SIS".to_owned(), sent.sis_number().to_string())]);
            assert_eq!(arrived.password.as_ref().unwrap().expose_secret(), sent.initial_pin());
            assert!(arrived.enabled);
            let posts: Vec<&str> = arrived.posts.iter().map(|post| &*post.org).collect();
            assert_eq!(posts, sent.orgs().collect::<Vec<_>>());
            let role = if sent.is_student() { Role::Student } else { Role::Staff };
            assert!(arrived.posts.iter().all(|post| post.role == role && post.grade == sent.grade()));
            let born = (sent.birthday().month().unsigned_abs(), sent.birthday().day().unsigned_abs());
            assert_eq!(arrived.birthday, Some(born));
        }
    }
}

#[test]
fn the_same_size_makes_the_same_bytes() {
    let place = Place::new();
    for name in ["one.zip", "two.zip"] {
        District::new(300).write(&place.join(name), Version::V1p2, &|_| {}).unwrap();
    }
    assert!(fs::read(place.join("one.zip")).unwrap() == fs::read(place.join("two.zip")).unwrap());
}

#[test]
fn the_demo_finds_everyone_it_needs_even_in_the_smallest_district() {
    let district = District::new(0);
    let of = |side, grade: &str| district.people().find(|p| p.side() == side && p.grade() == grade.parse().ok());
    for grade in ["PK", "02", "07", "12"] {
        assert!(of(Side::District, grade).is_some(), "{grade}");
    }
    for grade in ["KG", "05", "08", "12"] {
        assert!(of(Side::Charter, grade).is_some(), "{grade}");
    }
    assert!(of(Side::Charter, "PK").is_none());
    for side in [Side::District, Side::Charter] {
        let teacher = district.people().find(|p| p.side() == side && !p.is_student()).unwrap();
        assert_eq!((teacher.job().word_1p2(), teacher.grade()), ("teacher", None));
    }
}

#[test]
fn the_full_district_has_the_programme_s_proportions() {
    let district = District::new(165_000);
    let count = |side, students| district.people().filter(|p| p.side() == side && p.is_student() == students).count();
    assert_eq!(district.len(), 165_000);
    assert_eq!(count(Side::Charter, true), 1_500);
    let (students, staff) = (count(Side::District, true), count(Side::District, false) + count(Side::Charter, false));
    assert_eq!((students + 1_500, staff), (147_000, 18_000));
    assert_eq!(district.schools().iter().filter(|school| school.side == Side::District).count(), 170);
}

#[test]
fn both_sides_hang_below_the_organisations_that_the_configuration_names() {
    for people in [60, 700] {
        let roster = delivered(&District::new(people), Version::V1p2, "roster.zip");
        for root in [DISTRICT_ORG, CHARTER_ORG] {
            assert!(roster.orgs.iter().any(|org| *org.sourced_id == *root && org.parent.is_none()));
            assert!(roster.orgs.iter().any(|org| org.parent.as_deref() == Some(root)));
        }
    }
}

#[test]
fn ids_are_unique_on_each_side_and_some_meet_across() {
    let district = District::new(3000).after_nights(3);
    let ids = |side| {
        let mut ids: Vec<_> = district.people().filter(|p| p.side() == side).map(|p| p.identifier()).collect();
        let all = ids.len();
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), all);
        assert!(ids.iter().all(|id| id.len() == 7));
        ids
    };
    let (district_ids, charter_ids) = (ids(Side::District), ids(Side::Charter));
    assert!(charter_ids.iter().any(|id| district_ids.binary_search(id).is_ok()));
}

#[test]
fn a_night_changes_two_percent() {
    let (before, after) = (District::new(5000), District::new(5000).after_nights(1));
    let all = |district: &District| -> std::collections::BTreeMap<String, String> {
        let line = |p: &super::super::generate::Person<'_>| {
            let orgs: Vec<_> = p.orgs().collect();
            format!("{} {:?} {:?} {}", p.family_name(), p.grade(), orgs, p.initial_pin())
        };
        district.people().map(|p| (p.sourced_id(), line(&p))).collect()
    };
    let (before, after) = (all(&before), all(&after));
    let left = before.keys().filter(|id| !after.contains_key(*id)).count();
    let joined = after.keys().filter(|id| !before.contains_key(*id)).count();
    let changed = before.iter().filter(|(id, line)| after.get(*id).is_some_and(|other| other != *line)).count();
    assert_eq!((joined, left, changed), (25, 25, 50));
}

/// A whole delivery after a delta, put together by the rule that the delta's type states.
fn merged(mut whole: Roster, delta: Roster) -> Roster {
    let Extent::Changes(changes) = delta.extent else { panic!("a delta") };
    for mut person in delta.people {
        let known = whole.people.iter().position(|known| known.sourced_id == person.sourced_id);
        let known = known.map(|place| whole.people.swap_remove(place));
        if !changes.posts_are_whole {
            let kept = known.as_ref().map(|known| known.posts.clone()).unwrap_or_default();
            person.posts = kept.into_iter().map(|post| Post { grade: person.grade, ..post }).collect();
        }
        person.birthday = known.and_then(|known| known.birthday);
        whole.people.push(person);
    }
    for (user, id, post) in changes.posts {
        let Some(person) = whole.people.iter_mut().find(|person| person.sourced_id == user) else { continue };
        person.posts.retain(|known| known.id != id);
        let grade = person.grade.or(person.posts.first().and_then(|post| post.grade));
        person.posts.extend(post.map(|post| Post { grade, ..post }));
        person.posts.sort_by_key(|post| !post.primary);
    }
    for (user, day) in changes.birthdays {
        if let Some(person) = whole.people.iter_mut().find(|person| person.sourced_id == user) {
            person.birthday = Some(day);
        }
    }
    // In 1.2 guardians are people like others, and stay without a post.
    whole.people.retain(|person| !changes.gone.contains(&person.sourced_id) && !person.posts.is_empty());
    whole
}

#[test]
fn a_night_s_delta_on_the_night_before_is_the_whole_of_that_night() {
    let told = |roster: &Roster| {
        let mut people: Vec<String> = roster.people.iter().map(told).collect();
        people.sort();
        people
    };
    for version in [Version::V1p1, Version::V1p2] {
        let nights: Vec<District> = (0..=2).map(|nights| District::new(600).after_nights(nights)).collect();
        let mut roster = delivered(&nights[0], version, "roster");
        for pair in nights.windows(2) {
            let place = Place::new();
            pair[1].write_changes(&pair[0], &place.join("delta.zip"), version, &|_| {}).unwrap();
            let delta = read_at(&place.join("delta.zip"));
            assert!((9..60).contains(&delta.people.len()), "{}", delta.people.len());
            assert_eq!(delta.report.notes, []);
            roster = merged(roster, delta);
            assert_eq!(told(&roster), told(&delivered(&pair[1], version, "roster")), "{version}");
        }
    }
}

#[test]
fn who_left_may_come_back_under_the_same_id() {
    let nights: Vec<District> = (0..3).map(|night| District::new(5000).after_nights(night)).collect();
    let has = |district: &District, id: &str| district.people().any(|p| p.sourced_id() == id);
    let left = nights[0].people().map(|p| p.sourced_id()).filter(|id| !has(&nights[1], id));
    assert!(left.into_iter().any(|id| has(&nights[2], &id)));
}

#[test]
fn progress_ends_where_it_said_it_would() {
    let place = Place::new();
    let path = place.join("roster.zip");
    let last = std::cell::Cell::new(None);
    let keep = |progress| last.set(Some(progress));
    District::new(2000).write(&path, Version::V1p1, &keep).unwrap();
    assert!(last.get().is_some_and(|p| p.done == p.total && p.total > 2000));
    last.set(None);
    read(
        &path,
        &Options { birthdays: true, classes: ClassKinds::None, today: "2026-11-02".parse().unwrap(), progress: &keep },
    )
    .unwrap();
    assert!(last.get().is_some_and(|p| p.done == p.total && p.total > 100_000));
}

/// `cargo test --release --lib -- --ignored --nocapture a_full_district`, in CPU time of this thread, so that neighbours
/// on the machine do not count.
#[test]
#[ignore = "a measurement"]
fn a_full_district_is_written_and_read_in_seconds() {
    let place = Place::new();
    let cpu = || {
        let stat = fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
        stat.split(' ').next().and_then(|ns| ns.parse::<u64>().ok()).unwrap_or(0) / 1_000_000
    };
    for version in [Version::V1p1, Version::V1p2] {
        let path = place.join("roster.zip");
        let start = cpu();
        let district = District::new(165_000);
        let made = cpu();
        district.write(&path, version, &|_| {}).unwrap();
        let written = cpu();
        let with_birthdays = read_at(&path).people.len();
        let read_all = cpu();
        let options = Options {
            birthdays: false,
            classes: ClassKinds::None,
            today: "2026-11-02".parse().unwrap(),
            progress: &|_| {},
        };
        let people = read(&path, &options).unwrap().people.len();
        let read = cpu();
        println!(
            "{version}: made in {} ms, written in {} ms ({} MB), read in {} ms, with birthdays in {} ms",
            made - start,
            written - made,
            fs::metadata(&path).unwrap().len() / 1_000_000,
            read - read_all,
            read_all - written,
        );
        assert_eq!((people, with_birthdays), (165_000, 165_000));
        let start = cpu();
        let next = District::new(165_000).after_nights(5);
        println!("made with five nights in {} ms, {} people", cpu() - start, next.len());
    }
}
