//! Classes go with the run that brought them: seen when it is live, gone when it is undone.

use std::collections::BTreeMap;

use super::*;
use crate::{
    directory::{Roster, roster::tests::fixture::delivery},
    domain::class::{ClassRole, ClassRoll},
};

fn room(id: &str, pupils: &[&str]) -> ClassRoll {
    let members = pupils.iter().map(|pupil| ((*pupil).to_owned(), ClassRole::Student));
    let mut members: Vec<_> = members.chain([("t1".to_owned(), ClassRole::Teacher)]).collect();
    members.sort_unstable();
    let [org, grades] = ["s1", "01"].map(str::to_owned);
    ClassRoll { sourced_id: id.to_owned(), title: format!("Room {id}"), org, grades, members }
}

impl House {
    async fn bring(&self, classes: Option<Vec<ClassRoll>>) {
        let roster = Roster { classes, ..delivery(class(5)) };
        self.merge().import(&self.source, "classes", roster, YES).await.unwrap();
    }

    async fn rooms(&self) -> BTreeMap<String, usize> {
        let held = self.db.rosters().live_rolls().await.unwrap();
        held.into_iter().map(|held| (held.roll.sourced_id.clone(), held.roll.students().count())).collect()
    }

    async fn roll_rows(&self) -> usize {
        self.db.rosters().rolls(&self.source, i64::MAX).await.unwrap().len()
    }
}

fn rooms(all: &[(&str, usize)]) -> BTreeMap<String, usize> {
    all.iter().map(|(id, n)| ((*id).to_owned(), *n)).collect()
}

#[tokio::test]
async fn classes_come_change_and_go_with_their_runs_and_undo_brings_them_back() {
    for house in houses().await {
        house.bring(Some(vec![room("a", &["u0", "u1"]), room("b", &["u2"])])).await;
        assert_eq!(house.rooms().await, rooms(&[("a", 2), ("b", 1)]));
        house.bring(Some(vec![room("a", &["u0"]), room("c", &["u1", "u2"])])).await;
        assert_eq!(house.rooms().await, rooms(&[("a", 1), ("c", 2)]));
        // A night that says nothing of classes leaves them.
        house.bring(None).await;
        assert_eq!(house.rooms().await, rooms(&[("a", 1), ("c", 2)]));
        house.bring(Some(Vec::new())).await;
        assert_eq!(house.rooms().await, rooms(&[]));

        for after in [&[("a", 1), ("c", 2)][..], &[("a", 1), ("c", 2)], &[("a", 2), ("b", 1)], &[]] {
            house.merge().undo(&house.source, None, false).await.unwrap();
            assert_eq!(house.rooms().await, rooms(after));
        }
        assert_eq!(house.roll_rows().await, 0, "an undone run's rows are swept");
    }
}

#[tokio::test]
async fn a_class_that_returns_is_the_same_class() {
    for house in houses().await {
        house.bring(Some(vec![room("a", &["u0"])])).await;
        house.bring(Some(Vec::new())).await;
        house.bring(Some(vec![room("a", &["u0"])])).await;
        assert_eq!(house.rooms().await, rooms(&[("a", 1)]));
    }
}

#[tokio::test]
async fn many_nights_leave_few_rows() {
    for house in houses().await {
        for night in 0..40 {
            let pupils: &[&str] = if night % 2 == 0 { &["u0"] } else { &["u0", "u1"] };
            house.bring(Some(vec![room("a", pupils), room("b", &["u2"])])).await;
        }
        assert_eq!(house.rooms().await, rooms(&[("a", 2), ("b", 1)]));
        let sql = "SELECT COUNT(*) FROM class_roll";
        let rows = trial::number(&house.db, sql).await;
        assert!(rows <= 34, "{rows} rows of two classes");
    }
}
