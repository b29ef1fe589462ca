//! What one person's card lives through.

use super::*;

#[tokio::test]
async fn a_withdrawn_person_loses_the_session_and_returns_to_the_same_card() {
    for house in houses().await {
        house.import(class(3), YES).await.unwrap();
        let (leaver, stayer) = (house.by_card("4402").await.unwrap(), house.by_card("4401").await.unwrap());
        let now = house.clock.now().millis();
        let hers = trial::sign_in(&house.db, leaver.patron.id, now).await;
        let his = trial::sign_in(&house.db, stayer.patron.id, now).await;
        let done = house.import(class(2), YES).await.unwrap();
        assert_eq!((done.ended.sessions, done.ended.passages), (1, 1));
        assert!(!trial::is_signed_in(&house.db, &hers).await);
        assert!(trial::is_signed_in(&house.db, &his).await);
        let gone = house.by_card("4402").await.unwrap();
        assert_eq!((gone.patron.standing, gone.patron.id), (Standing::Withdrawn, leaver.patron.id));

        let done = house.import(class(3), YES).await.unwrap();
        assert_eq!(done.preview.totals.returning, 1);
        assert_eq!(house.by_card("4402").await.unwrap(), leaver);
    }
}

#[tokio::test]
async fn a_disabled_person_is_withdrawn() {
    for house in houses().await {
        house.import(class(3), YES).await.unwrap();
        let mut people = class(3);
        people[1].enabled = false;
        assert_eq!(house.import(people, YES).await.unwrap().preview.totals.withdrawn, 1);
        assert_eq!(house.by_card("4401").await.unwrap().patron.standing, Standing::Withdrawn);
    }
}

#[tokio::test]
async fn an_id_handed_out_again_gives_a_new_patron() {
    for house in houses().await {
        house.import(vec![pupil("old", "4417"), pupil("b", "1")], YES).await.unwrap();
        let old = house.by_card("4417").await.unwrap();
        house.choose_pin(old.patron.id).await;

        house.import(vec![pupil("heir", "4417"), pupil("b", "1")], YES).await.unwrap();
        let heir = house.by_card("4417").await.unwrap();
        assert_eq!(heir.patron.sourced_id, "heir");
        assert_ne!(heir.patron.id, old.patron.id);
        assert!(matches!(heir.pin, Pin::Initial(_)));

        // The earlier holder comes back while the number is taken.
        let people = vec![pupil("old", "4417").on_line(2), pupil("heir", "4417").on_line(3), pupil("b", "1")];
        let done = house.import(people, YES).await.unwrap();
        let note = done.report.notes.iter().find(|note| note.kind == "card-collision").unwrap();
        assert_eq!((note.line, note.column.as_str(), note.file.as_str()), (2, "identifier", "users.csv"));
        assert!(note.what.contains("4417") && note.what.contains("heir"), "{}", note.what);
        assert_eq!(house.by_card("4417").await.unwrap(), heir);
        let standing = house.db.patrons().by_id(old.patron.id).await.unwrap().unwrap().patron.standing;
        assert_eq!(standing, Standing::Withdrawn);
    }
}

#[tokio::test]
async fn of_two_who_claim_a_card_its_holder_keeps_it_and_else_the_first_line() {
    for house in houses().await {
        house.import(vec![pupil("a", "1"), pupil("b", "2")], YES).await.unwrap();
        let before = house.everybody().await;
        let people = vec![
            pupil("n1", "1").on_line(2),
            pupil("a", "1").on_line(3),
            pupil("n2", "5").on_line(4),
            pupil("n3", "5").on_line(5),
            // Wants a's number, so stays as she was: neither withdrawn nor renamed.
            Person { given_name: "Renamed".into(), ..pupil("b", "1").on_line(6) },
        ];
        let done = house.import(people, YES).await.unwrap();
        let totals = done.preview.totals;
        assert_eq!((totals.added, totals.refused, totals.unchanged, totals.withdrawn), (1, 3, 1, 0));
        assert_eq!(totals.present_after, 3);
        let lines: Vec<u64> = done.report.notes.iter().map(|note| note.line).collect();
        assert_eq!(lines, [2, 5, 6]);
        let after = house.everybody().await;
        assert_eq!((after.get("a"), after.get("b")), (before.get("a"), before.get("b")));
        assert!(after.contains_key("n2") && !after.contains_key("n1") && !after.contains_key("n3"));
    }
}

#[tokio::test]
async fn a_row_without_an_id_is_refused_and_the_person_stays_as_before() {
    for house in houses().await {
        house.import(vec![pupil("a", "1"), pupil("b", "2")], YES).await.unwrap();
        let nameless = |id: &str| Person { identifier: None, ..pupil(id, "") };
        let done = house.import(vec![nameless("a"), pupil("b", "2"), nameless("new")], YES).await.unwrap();
        assert_eq!(done.report.counts.get("refused no-card-number"), Some(&2));
        assert_eq!((done.preview.totals.refused, done.preview.totals.withdrawn), (2, 0));
        assert_eq!(house.by_card("1").await.unwrap().patron.standing, Standing::Enrolled);
    }
}

#[tokio::test]
async fn people_of_foreign_schools_are_counted_and_noted_once_for_each_school() {
    for house in houses().await {
        let mut people = class(2);
        people.extend([pupil("x", "8").at("far"), pupil("y", "9").at("far")]);
        let done = house.import(people, YES).await.unwrap();
        assert_eq!((done.preview.elsewhere, done.preview.totals.added), (2, 2));
        assert_eq!(done.report.counts.get("refused no-organisation"), Some(&1));
    }
}

#[tokio::test]
async fn the_pin_that_a_patron_chose_survives_imports_and_so_does_a_block() {
    for house in houses().await {
        house.import(class(2), YES).await.unwrap();
        let patron = house.by_card("4400").await.unwrap().patron.id;
        house.choose_pin(patron).await;
        let version = trial::version(&house.db).await;
        let mut tx = house.db.begin().await.unwrap();
        assert!(house.db.patrons().set_card_status(&mut tx, patron, CardStatus::Blocked).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(trial::version(&house.db).await, version + 1);

        let mut people = class(2);
        people[0].password = Some("other".into());
        people[0].given_name = "New Name".into();
        house.import(people, YES).await.unwrap();
        let now = house.by_card("4400").await.unwrap();
        assert_eq!((now.patron.given_name.as_str(), now.patron.card_status), ("New Name", CardStatus::Blocked));
        assert_eq!(now.pin, Pin::Chosen { verifier: "$argon2id$…".into(), change_due: false });
        house.import(vec![pupil("u1", "4401")], YES).await.unwrap();
        house.import(class(2), YES).await.unwrap();
        let back = house.by_card("4400").await.unwrap();
        assert_eq!((back.patron.card_status, back.pin), (now.patron.card_status, now.pin));

        let mut tx = house.db.begin().await.unwrap();
        assert!(house.db.patrons().clear_pin(&mut tx, patron).await.unwrap());
        assert!(!house.db.patrons().clear_pin(&mut tx, crate::domain::id::PatronId::new()).await.unwrap());
        tx.commit().await.unwrap();
        assert!(matches!(house.by_card("4400").await.unwrap().pin, Pin::Initial(_)));
    }
}

#[tokio::test]
async fn first_pins_come_from_where_the_organisation_says() {
    for house in houses().await {
        let blank = Person { password: Some("  ".into()), ..pupil("blank", "1") };
        let charter = pupil("ch", "2").at("c1");
        let unborn = Person { birthday: None, ..pupil("unborn", "3").at("c1") };
        house.import(vec![blank, charter, unborn], YES).await.unwrap();
        assert_eq!(house.by_card("1").await.unwrap().pin, Pin::None);
        let charter = house.by_card("CH2").await.unwrap();
        assert_eq!(charter.pin, Pin::Initial(house.key.keyed(charter.patron.id, "0229").hex()));
        assert_eq!(house.by_card("CH3").await.unwrap().pin, Pin::None);
        let mut people = vec![pupil("blank", "1"), pupil("ch", "2").at("c1"), pupil("unborn", "3").at("c1")];
        people[1].password = Some("never read here".into());
        assert_eq!(house.import(people, YES).await.unwrap().preview.totals.changed, 2);
    }
}

#[tokio::test]
async fn a_person_who_got_another_number_leaves_the_old_one_to_nobody() {
    for house in houses().await {
        house.import(vec![pupil("a", "1"), pupil("b", "2")], YES).await.unwrap();
        let patron = house.by_card("1").await.unwrap().patron.id;
        house.import(vec![pupil("a", "3"), pupil("b", "2")], YES).await.unwrap();
        assert!(house.by_card("1").await.is_none());
        assert_eq!(house.by_card("3").await.unwrap().patron.id, patron);
    }
}

#[tokio::test]
async fn a_number_withdrawn_twice_speaks_of_its_last_holder() {
    for house in houses().await {
        house.import(vec![pupil("a", "1"), pupil("z", "9")], YES).await.unwrap();
        house.import(vec![pupil("b", "1"), pupil("z", "9")], YES).await.unwrap();
        house.import(vec![pupil("z", "9")], YES).await.unwrap();
        let last = house.by_card("1").await.unwrap();
        assert_eq!((last.patron.sourced_id.as_str(), last.patron.standing), ("b", Standing::Withdrawn));
    }
}

#[tokio::test]
async fn old_runs_close_and_what_they_replaced_is_gone() {
    let house = houses().await.remove(0);
    for night in 0..36 {
        let mut people = class(2);
        people[0].given_name = format!("Night {night}");
        house.import(people, YES).await.unwrap();
    }
    let all = runs(&house.db, None).await.unwrap();
    let closed = all.iter().filter(|run| run.state == "closed").count();
    assert_eq!(closed, 5, "as of the last import's start, 30 of 35 can be undone");
    assert_eq!(trial::rows_of(&house.db, &house.source).await, 36 + 1 - 4);
    for night in (5..36).rev() {
        assert_eq!(house.by_card("4400").await.unwrap().patron.given_name, format!("Night {night}"));
        assert!(house.by_card("4401").await.is_some());
        house.merge().undo(&house.source, None, false).await.unwrap();
    }
    let error = house.merge().undo(&house.source, None, false).await.unwrap_err().to_string();
    assert!(error.contains("too old"), "{error}");
}

use super::super::super::Person;

impl House {
    async fn choose_pin(&self, patron: crate::domain::id::PatronId) {
        let mut tx = self.db.begin().await.unwrap();
        let now = self.clock.now();
        assert!(self.db.patrons().set_pin(&mut tx, patron, "$argon2id$…", false, now).await.unwrap());
        tx.commit().await.unwrap();
    }
}
