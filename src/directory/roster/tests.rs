//! What an import promises, kept on real databases.

mod changes;
mod classes;
mod fixture;
mod gone;
mod life;
mod measure;
mod model;

use fixture::{House, houses, pupil, teacher};

use super::*;
use crate::{
    domain::{card::CardStatus, patron::Standing},
    store::{Error, patrons::Pin, rosters::trial},
};

const YES: ImportOptions = ImportOptions { dry_run: false, accept_removals: true };
const NO: ImportOptions = ImportOptions { dry_run: false, accept_removals: false };

fn class(n: usize) -> Vec<super::super::Person> {
    (0..n).map(|i| pupil(&format!("u{i}"), &format!("44{i:02}"))).collect()
}

#[tokio::test]
async fn the_first_import_gives_everybody_a_card() {
    for house in houses().await {
        let mut people = class(3);
        people.push(teacher("t1", "900"));
        let done = house.import(people, NO).await.unwrap();
        assert_eq!((done.preview.totals.added, done.preview.totals.present_after), (4, 4));
        let pupil = house.by_card("4401").await.unwrap();
        assert_eq!((pupil.patron.sourced_id.as_str(), pupil.patron.standing), ("u1", Standing::Enrolled));
        assert_eq!(pupil.patron.affiliations.iter().map(ToString::to_string).collect::<Vec<_>>(), ["cms:student:07"]);
        assert_eq!(pupil.pin, Pin::Initial(house.key.keyed(pupil.patron.id, "pin-4401").hex()));
        assert_eq!(house.db.patrons().by_id(pupil.patron.id).await.unwrap(), Some(pupil));
        assert!(house.by_card("nobody's").await.is_none());
        let counts = house.db.patrons().count_by_organisation().await.unwrap();
        assert_eq!(counts.into_iter().map(|(o, n)| (String::from(o), n)).collect::<Vec<_>>(), [("cms".into(), 4)]);
    }
}

#[tokio::test]
async fn the_same_file_twice_changes_nothing() {
    for house in houses().await {
        house.import(class(5), NO).await.unwrap();
        let rows = trial::rows_of(&house.db, &house.source).await;
        let again = house.import(class(5), NO).await.unwrap();
        assert!(again.preview.is_quiet());
        assert_eq!(again.preview.totals.unchanged, 5);
        assert_eq!(trial::rows_of(&house.db, &house.source).await, rows);
        let states: Vec<_> = runs(&house.db, Some(&house.source)).await.unwrap();
        assert_eq!(states.iter().map(|r| (r.id, r.state.as_str())).collect::<Vec<_>>(), [(2, "live"), (1, "live")]);
        assert_eq!(states[0].preview, Some(again.preview));
    }
}

#[tokio::test]
async fn a_dry_run_tells_and_writes_nothing() {
    for house in houses().await {
        let look = house.import(class(5), ImportOptions { dry_run: true, ..NO }).await.unwrap();
        assert_eq!((look.preview.totals.added, look.applied, look.preview.run), (5, false, None));
        assert!(house.by_card("4401").await.is_none());
        assert!(runs(&house.db, None).await.unwrap().is_empty());
    }
}

#[tokio::test]
async fn more_than_a_tenth_goes_only_by_word() {
    for house in houses().await {
        house.import(class(20), NO).await.unwrap();
        let before = trial::version(&house.db).await;
        let error = house.import(class(17), NO).await.unwrap_err();
        assert!(matches!(error, ImportError::TooManyRemoved { .. }));
        let said = error.to_string();
        assert!(said.contains("cms would lose 3 of 20 people (15 %)") && said.contains("--accept-removals"), "{said}");
        assert_eq!(house.by_card("4419").await.unwrap().patron.standing, Standing::Enrolled);
        assert_eq!(trial::version(&house.db).await, before);
        assert_eq!(runs(&house.db, None).await.unwrap()[0].state, "refused");
        house.import(class(18), NO).await.unwrap();
        house.import(class(15), YES).await.unwrap();
        assert_eq!(house.by_card("4416").await.unwrap().patron.standing, Standing::Withdrawn);
        assert_eq!(trial::version(&house.db).await, before + 2);
    }
}

#[tokio::test]
async fn an_organisation_never_disappears_unasked() {
    for house in houses().await {
        let charter = |n: usize, org: &str| {
            let mut all = class(20);
            all.extend((0..n).map(|i| pupil(&format!("c{i}"), &format!("77{i}")).at(org)));
            all
        };
        house.import(charter(3, "c1"), NO).await.unwrap();
        assert!(house.by_card("CH770").await.is_some());
        let error = house.import(charter(3, "s1"), NO).await.unwrap_err().to_string();
        assert!(error.contains("charter would lose all of its 3 people"), "{error}");
    }
}

#[tokio::test]
async fn an_import_runs_beside_others_as_a_task() {
    let house = houses().await.remove(0);
    let done = tokio::spawn(async move { house.import(class(3), NO).await.map(|done| done.applied) });
    assert!(done.await.unwrap().unwrap());
}

#[tokio::test]
async fn undo_restores_exactly() {
    for house in houses().await {
        house.import(class(6), YES).await.unwrap();
        let before = house.everybody().await;
        let rows = trial::rows_of(&house.db, &house.source).await;
        let mut next = class(4);
        next[0].given_name = "Changed".into();
        next.push(pupil("new", "5000"));
        house.import(next, YES).await.unwrap();
        let newcomer = house.by_card("5000").await.unwrap().patron.id;
        let session = trial::sign_in(&house.db, newcomer, house.clock.now().millis()).await;
        let old = house.merge().undo(&house.source, Some(1), false).await.unwrap_err().to_string();
        assert!(old.contains("is not the latest live run"), "{old}");
        let undone = house.merge().undo(&house.source, None, false).await.unwrap();
        assert_eq!((undone.run, undone.live, undone.ended.sessions), (2, 1, 1));
        assert_eq!(house.everybody().await, before);
        assert_eq!(trial::rows_of(&house.db, &house.source).await, rows);
        assert!(!trial::is_signed_in(&house.db, &session).await);
        assert!(house.db.patrons().by_id(newcomer).await.unwrap().is_none());

        let again = house.import(class(6), YES).await.unwrap();
        assert!(again.preview.is_quiet());
        for _ in 0..2 {
            house.merge().undo(&house.source, None, false).await.unwrap();
        }
        assert!(house.everybody().await.is_empty());
        let error = house.merge().undo(&house.source, None, false).await.unwrap_err();
        assert!(matches!(error, ImportError::Store(Error::Conflict(_))));
    }
}

#[tokio::test]
async fn what_a_crash_left_shows_nowhere_and_goes_with_the_next_import() {
    for house in houses().await {
        house.import(class(3), YES).await.unwrap();
        let before = house.everybody().await;
        let staged = house.merge().stage(&house.source, "night", fixture::delivery(class(9)), YES).await.unwrap();
        assert_eq!(house.everybody().await, before);
        let error = house.import(class(9), YES).await.unwrap_err();
        assert!(error.to_string().contains("under way"), "{error}");
        let error = house.merge().undo(&house.source, None, false).await.unwrap_err();
        assert!(error.to_string().contains("under way"), "{error}");

        house.clock.advance(Duration::from_secs(61));
        let done = house.import(class(4), YES).await.unwrap();
        assert_eq!((done.preview.totals.added, done.preview.totals.unchanged), (1, 3));
        assert_eq!(trial::rows_of(&house.db, &house.source).await, 4);
        let states = runs(&house.db, None).await.unwrap();
        assert_eq!(states.iter().map(|r| r.state.as_str()).collect::<Vec<_>>(), ["live", "abandoned", "live"]);

        // It had only been asleep.
        let mut tx = house.db.begin().await.unwrap();
        let late = house.merge().switch(&mut tx, &staged, None).await.unwrap_err();
        assert!(late.to_string().contains("taken for dead"), "{late}");
        drop(tx);
        assert_eq!(house.everybody().await.len(), 4);
    }
}

#[tokio::test]
async fn imports_at_once_from_several_processes_never_mix() {
    for house in houses().await {
        let mut others = Vec::new();
        for _ in 0..4 {
            others.push(Db::open(&house.url).await.unwrap());
        }
        let (house, others) = (&house, &others);
        let import = |n: usize| {
            let merge = Merge { db: &others[n], ..house.merge() };
            let people = fixture::delivery(class(40 + n));
            async move { merge.import(&house.source, "night", people, YES).await }
        };
        let (a, b, c, d) = tokio::join!(import(0), import(1), import(2), import(3));
        let applied = [a, b, c, d].into_iter().enumerate().filter_map(|(n, done)| match done {
            Ok(done) => Some((done.preview.run, n)),
            Err(error) => {
                assert!(matches!(error, ImportError::Store(Error::Conflict(_))), "{error}");
                None
            }
        });
        let (_, last) = applied.max().unwrap();
        let present = house.everybody().await.into_values().filter(|r| r.patron.standing == Standing::Enrolled).count();
        assert_eq!(present, 40 + last);
    }
}

#[tokio::test]
async fn two_districts_never_share_a_card_even_at_the_same_moment() {
    for house in houses().await {
        let other: SourceId = "other".parse().unwrap();
        let merge = house.merge();
        house.import(vec![pupil("a", "1"), pupil("b", "2")], YES).await.unwrap();
        let theirs = |id: &str| fixture::delivery(vec![pupil("x", id), pupil("y", "9")]);
        let done = merge.import(&other, "file", theirs("1"), YES).await.unwrap();
        assert_eq!((done.preview.totals.refused, done.preview.totals.added), (1, 1));
        assert_eq!(house.by_card("1").await.unwrap().patron.sourced_id, "a");

        let ours = merge.stage(&house.source, "file", fixture::delivery(vec![pupil("a", "7")]), YES).await.unwrap();
        merge.import(&other, "file", theirs("7"), YES).await.unwrap();
        let mut tx = house.db.begin().await.unwrap();
        assert!(merge.switch(&mut tx, &ours, None).await.is_err());
        drop(tx);
        merge.abandon(&ours).await;

        house.import(vec![pupil("b", "2")], YES).await.unwrap();
        let done = merge.import(&other, "file", theirs("1"), YES).await.unwrap();
        assert_eq!(done.preview.totals.changed, 1);
        let error = merge.undo(&house.source, None, false).await.unwrap_err();
        assert!(matches!(error, ImportError::CardsTaken(ref cards) if cards == "1"), "{error}");
    }
}

impl House {
    async fn import(
        &self,
        people: Vec<super::super::Person>,
        options: ImportOptions,
    ) -> Result<ImportOutcome, ImportError> {
        self.merge().import(&self.source, "night.zip", fixture::delivery(people), options).await
    }
}
