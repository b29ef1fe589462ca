//! Deliveries of changes, summers, and numbers that move along.

use super::*;
use crate::{
    directory::{Changes, Extent, Org, Person, Post, Roster},
    domain::{class::ClassKinds, patron::Role},
};

fn changes(people: Vec<Person>, changes: Changes) -> Roster {
    Roster { people, extent: Extent::Changes(changes), ..Roster::default() }
}

fn post(id: &str, org: &str) -> Post {
    Post { id: id.into(), primary: true, ..Post::new(org, Role::Student, "07".parse().ok()) }
}

/// A pupil whose post has a key of its own, as OneRoster 1.2 has them.
fn with_role(sourced_id: &str, id: &str) -> Person {
    Person { posts: vec![post(&format!("r-{sourced_id}"), "s1")], grade: "07".parse().ok(), ..pupil(sourced_id, id) }
}

fn few() -> Vec<Person> {
    (0..12).map(|i| with_role(&format!("u{i}"), &format!("44{i:02}"))).collect()
}

impl House {
    async fn change(&self, people: Vec<Person>, more: Changes) -> ImportOutcome {
        self.merge().import(&self.source, "changes", changes(people, more), YES).await.unwrap()
    }

    async fn at_of(&self, card: &str) -> Vec<String> {
        let record = self.by_card(card).await.unwrap();
        record.patron.affiliations.iter().map(ToString::to_string).collect()
    }
}

#[tokio::test]
async fn changes_change_whom_they_speak_of_and_leave_everybody_else() {
    for house in houses().await {
        let error = house.merge().import(&house.source, "changes", changes(few(), Changes::default()), YES).await;
        assert!(matches!(error, Err(ImportError::NothingToChange(_))));
        house.import(few(), YES).await.unwrap();
        let before = house.everybody().await;

        let renamed = Person { given_name: "Renamed".into(), posts: Vec::new(), ..with_role("u1", "4401") };
        let new = Person { posts: Vec::new(), ..with_role("new", "5000") };
        let more = Changes {
            gone: vec!["u2".into()],
            posts: vec![("new".into(), "r-new".into(), Some(post("r-new", "s2")))],
            ..Changes::default()
        };
        let done = house.change(vec![renamed, new], more).await;
        let t = &done.preview.totals;
        assert_eq!((t.added, t.changed, t.withdrawn, t.unchanged), (1, 1, 1, 10));
        assert_eq!((t.present_before, t.present_after), (12, 12));
        assert_eq!(house.by_card("4401").await.unwrap().patron.given_name, "Renamed");
        assert_eq!(house.by_card("4402").await.unwrap().patron.standing, Standing::Withdrawn);
        assert_eq!(house.at_of("5000").await, ["cms:student:07"]);
        let after = house.everybody().await;
        for (id, record) in &before {
            assert!(["u1", "u2"].contains(&id.as_str()) || after.get(id) == Some(record), "{id}");
        }

        let quiet = house.change(Vec::new(), Changes::default()).await;
        assert!(quiet.preview.is_quiet());
        for _ in 0..2 {
            house.merge().undo(&house.source, None, false).await.unwrap();
        }
        assert_eq!(house.everybody().await, before, "taken back like any other delivery");
    }
}

#[tokio::test]
async fn a_post_that_moves_takes_its_pupil_along_and_one_that_ends_lets_her_go() {
    for house in houses().await {
        house.import(few(), YES).await.unwrap();
        let pin = house.by_card("4403").await.unwrap().pin;
        let moved = Changes {
            posts: vec![
                ("u3".into(), "r-u3".into(), Some(Post { grade: None, ..post("r-u3", "c1") })),
                ("u4".into(), "r-u4".into(), None),
                ("stranger".into(), "r-x".into(), Some(post("r-x", "s1"))),
            ],
            ..Changes::default()
        };
        let done = house.change(Vec::new(), moved).await;
        assert_eq!((done.preview.totals.changed, done.preview.totals.withdrawn), (1, 1));
        assert_eq!(house.at_of("4403").await, ["charter:student:07"], "the grade stays, and so does the number");
        assert_eq!(house.by_card("4403").await.unwrap().pin, pin);
        assert_eq!(house.by_card("4404").await.unwrap().patron.standing, Standing::Withdrawn);
        assert!(done.report.notes.iter().any(|note| note.kind == "role-without-person"), "{:?}", done.report.notes);

        let again = Changes { posts: vec![("u4".into(), "r-9".into(), Some(post("r-9", "s1")))], ..Changes::default() };
        let done = house.change(Vec::new(), again).await;
        assert!(done.preview.is_quiet(), "a post alone brings nobody back");
        let back = Changes { posts: vec![("u4".into(), "r-9".into(), Some(post("r-9", "s1")))], ..Changes::default() };
        let done = house.change(vec![Person { posts: Vec::new(), ..with_role("u4", "4404") }], back).await;
        assert_eq!(done.preview.totals.returning, 1);
    }
}

#[tokio::test]
async fn a_school_that_moves_takes_everybody_along() {
    for house in houses().await {
        house.import(few(), YES).await.unwrap();
        let school = Org { sourced_id: "s1".into(), parent: Some("c1".into()), name: "School s1".into() };
        let roster = Roster { orgs: vec![school], ..changes(Vec::new(), Changes::default()) };
        let done = house.merge().import(&house.source, "changes", roster, YES).await.unwrap();
        assert_eq!(done.preview.totals.changed, 12);
        let shift = done.shifts.iter().map(|s| (s.before.as_deref(), s.after.as_deref(), s.people)).collect::<Vec<_>>();
        assert_eq!(shift, [(Some("cms:student:07"), Some("charter:student:07"), 12)]);
        house.merge().undo(&house.source, None, false).await.unwrap();
        let done =
            house.change(vec![with_role("u1", "4401")], Changes { posts_are_whole: true, ..Changes::default() }).await;
        assert!(done.preview.is_quiet(), "the tree is the earlier one again");
    }
}

#[tokio::test]
async fn a_summer_is_bridged_and_a_disabled_person_is_out_at_once() {
    for mut house in houses().await {
        house.import(few(), YES).await.unwrap();
        // 2027-06-15, noon.
        let june = Timestamp(1_813_060_800_000);
        house.rules.now = june;
        house.clock.advance(june.since(house.clock.now()));
        let graduate = house.by_card("4400").await.unwrap().patron.id;
        let session = trial::sign_in(&house.db, graduate, june.millis()).await;
        let mut people = few();
        people[1].enabled = false;
        people.remove(0);
        let done = house.import(people, YES).await.unwrap();
        assert_eq!((done.preview.totals.withdrawn, done.preview.totals.bridged), (2, 1));
        assert!(trial::is_signed_in(&house.db, &session).await, "a bridged card goes on");
        let until = house.rules.time_zone.end_of("2027-09-15".parse().unwrap());
        assert_eq!(house.by_card("4400").await.unwrap().patron.standing, Standing::Bridged { until });
        assert_eq!(house.by_card("4401").await.unwrap().patron.standing, Standing::Withdrawn);
        assert!(Standing::Bridged { until }.counts(june) && !Standing::Bridged { until }.counts(until));

        // Nobody gets the number meanwhile; afterwards somebody may.
        let mut heirs = few();
        heirs.drain(..2);
        heirs.push(with_role("heir", "4400"));
        let done = house.import(heirs, YES).await.unwrap();
        assert_eq!(done.preview.totals.refused, 1);
        house.rules.now = until;
        let mut heirs = few();
        heirs.drain(..2);
        heirs.push(with_role("heir", "4400"));
        assert_eq!(house.import(heirs, YES).await.unwrap().preview.totals.added, 1);
        assert_eq!(house.by_card("4400").await.unwrap().patron.sourced_id, "heir");
    }
}

#[tokio::test]
async fn a_number_moves_along_where_that_is_the_rule_and_stays_the_night_after() {
    for mut house in houses().await {
        let at = |org: &str| vec![pupil("u1", "4401").at(org), pupil("u2", "4402")];
        house.import(at("s1"), YES).await.unwrap();
        house.import(at("c1"), YES).await.unwrap();
        assert_eq!(house.at_of("4401").await, ["charter:student:07"]);
        assert!(house.import(at("c1"), YES).await.unwrap().preview.is_quiet());
        house.import(at("s1"), YES).await.unwrap();
        assert_eq!(house.at_of("4401").await, ["cms:student:07"]);
        house.rules.organisations.values_mut().for_each(|o| o.keeps_cards = false);
        house.import(at("c1"), YES).await.unwrap();
        assert!(house.by_card("4401").await.is_none());
        assert_eq!(house.at_of("CH4401").await, ["charter:student:07"]);
    }
}

#[tokio::test]
async fn an_undo_takes_later_runs_along_when_told_to() {
    for house in houses().await {
        house.import(few(), YES).await.unwrap();
        let before = house.everybody().await;
        let mut people = few();
        people.truncate(6);
        house.import(people, YES).await.unwrap();
        house.import(vec![pupil("late", "6000")], YES).await.unwrap();
        let late = house.by_card("6000").await.unwrap().patron.id;
        let session = trial::sign_in(&house.db, late, house.clock.now().millis()).await;
        let refused = house.merge().undo(&house.source, Some(2), false).await.unwrap_err().to_string();
        assert!(refused.contains("up to run 3") && refused.contains("--and-later"), "{refused}");
        let undone = house.merge().undo(&house.source, Some(2), true).await.unwrap();
        assert_eq!((undone.run, undone.live), (3, 1));
        assert_eq!(house.everybody().await, before);
        assert!(!trial::is_signed_in(&house.db, &session).await);
        let states = runs(&house.db, None).await.unwrap();
        assert_eq!(states.iter().map(|r| r.state.as_str()).collect::<Vec<_>>(), ["undone", "undone", "live"]);
        assert!(house.merge().undo(&house.source, Some(2), true).await.is_err());
    }
}

#[tokio::test]
async fn people_are_found_by_what_another_directory_calls_them() {
    for house in houses().await {
        let named = |sourced_id: &str, id: &str, username: &str| Person {
            username: Some(username.into()),
            ..with_role(sourced_id, id)
        };
        house.import(vec![named("u1", "1", "mira.b"), named("u2", "2", "theo.v")], YES).await.unwrap();
        let find = async |name: &str| {
            let digest = crate::domain::lookup::LookupField::Username.digest(&house.key, name);
            house.db.lookups().meant(&house.source, &digest).await.unwrap()
        };
        let mira = house.by_card("1").await.unwrap().patron.id;
        assert_eq!(find(" Mira.B ").await, [mira]);
        assert!(find("nobody").await.is_empty());
        // The district hands the name out again.
        house.import(vec![named("u1", "1", "mira.brookquill"), named("u2", "2", "mira.b")], YES).await.unwrap();
        assert_eq!(find("mira.b").await, [house.by_card("2").await.unwrap().patron.id]);
        assert_eq!(find("mira.brookquill").await, [mira]);
        house.import(vec![named("u2", "2", "mira.b"), named("u3", "3", "mira.b")], YES).await.unwrap();
        assert_eq!(find("mira.b").await.len(), 2, "two are for the caller to refuse");
        assert!(find("mira.brookquill").await.is_empty(), "who left is not found");
    }
}

/// Card, name, where, and whether they are here: what two libraries must agree on whose people have other identities.
type Shown = std::collections::BTreeMap<String, (String, String, String, Standing, String)>;

impl House {
    async fn shown(&self) -> Shown {
        let shown = |(id, record): (String, crate::store::patrons::PatronRecord)| {
            let patron = record.patron;
            let at = patron.affiliations.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
            (id, (patron.given_name, patron.family_name, patron.card.to_string(), patron.standing, at))
        };
        self.everybody().await.into_iter().map(shown).collect()
    }
}

#[tokio::test]
async fn a_nights_changes_upon_the_night_before_are_that_night_as_a_whole() {
    use crate::directory::oneroster::{
        self, Version,
        generate::{CHARTER_ORG, DISTRICT_ORG, District},
    };
    let folder = std::env::temp_dir().join(format!("changes-{}", uuid::Uuid::now_v7()));
    std::fs::create_dir_all(&folder).unwrap();
    let read = |path: &std::path::Path| {
        let today = "2026-11-02".parse().unwrap();
        oneroster::read(
            path,
            &oneroster::Options { birthdays: true, classes: ClassKinds::None, today, progress: &|_| {} },
        )
        .unwrap()
    };
    for version in [Version::V1p1, Version::V1p2] {
        let (mut by_changes, mut by_wholes) = (houses().await, houses().await);
        for house in by_changes.iter_mut().chain(&mut by_wholes) {
            house.rules.organisations.get_mut("cms").unwrap().roster = vec![DISTRICT_ORG.into()];
            house.rules.organisations.get_mut("charter").unwrap().roster = vec![CHARTER_ORG.into()];
        }
        for night in 0..4u32 {
            let now = District::new(600).after_nights(night);
            let (whole, delta) =
                (folder.join(format!("{version}-{night}.zip")), folder.join(format!("{version}-d{night}")));
            now.write(&whole, version, &|_| {}).unwrap();
            if night > 0 {
                now.write_changes(&District::new(600).after_nights(night - 1), &delta, version, &|_| {}).unwrap();
            }
            for (changed, entire) in by_changes.iter().zip(&by_wholes) {
                let roster = read(if night == 0 { &whole } else { &delta });
                assert_eq!(matches!(roster.extent, Extent::Changes(_)), night > 0);
                let done = changed.merge().import(&changed.source, "night", roster, YES).await.unwrap();
                let all = entire.merge().import(&entire.source, "night", read(&whole), YES).await.unwrap();
                assert_eq!(changed.shown().await, entire.shown().await, "{version} night {night}");
                assert_eq!(done.preview.totals, all.preview.totals, "{version} night {night}");
                // A whole delivery afterwards finds nothing to do.
                let again = changed.merge().import(&changed.source, "night", read(&whole), YES).await.unwrap();
                assert!(again.preview.is_quiet(), "{version} night {night}: {:?}", again.preview.totals);
                changed.merge().undo(&changed.source, None, false).await.unwrap();
            }
        }
    }
    std::fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_newcomer_takes_no_card_of_somebody_whom_the_changes_do_not_name() {
    for house in houses().await {
        house.import(few(), YES).await.unwrap();
        let elsewhere = fixture::delivery(vec![pupil("theirs", "7001")]);
        house.merge().import(&"other".parse().unwrap(), "file", elsewhere, YES).await.unwrap();

        let told = Changes { posts_are_whole: true, ..Changes::default() };
        let people = vec![with_role("n1", "4405"), with_role("n2", "7001"), with_role("n3", "5003")];
        let done = house.change(people, told).await;
        let t = &done.preview.totals;
        assert_eq!((t.added, t.refused, t.unchanged, t.present_before, t.present_after), (1, 2, 12, 12, 13));
        for (card, holder) in [("4405", "u5"), ("7001", "theirs"), ("5003", "n3")] {
            assert_eq!(house.by_card(card).await.unwrap().patron.sourced_id, holder);
        }
        let collisions = done.report.notes.iter().filter(|note| note.kind == "card-collision");
        let told: Vec<&str> = collisions.map(|note| note.what.as_str()).collect();
        assert!(told[0].contains("is held by \"u5\", who is still here"), "{told:?}");
        assert!(told[1].contains("somebody of the source \"other\""), "{told:?}");
    }
}
