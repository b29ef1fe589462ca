//! Cards shown at faces without pages.

use super::*;
use crate::domain::audit::Kind;

const VENDORS_SERVER: &str = "198.51.100.20";

impl House {
    async fn show(&self, card: &str, pin: &str) -> Result<Told, Reason> {
        let maple = "maple".parse().unwrap();
        let door = Door { vendor: &maple, protocol: "sip2", relying_party: "maple" };
        self.signon.verify(&door, card, pin, VENDORS_SERVER.parse().unwrap()).await.unwrap()
    }

    async fn look_up(&self, vendor: &str, card: &str) -> Result<Told, Reason> {
        let vendor = vendor.parse().unwrap();
        let door = Door { vendor: &vendor, protocol: "sip2", relying_party: "maple" };
        self.signon.look_up(&door, card).await.unwrap()
    }

    fn hashed(&self) -> u64 {
        self.signon.0.pins.hashed()
    }

    /// How often somebody was let through, and refused.
    async fn audited(&self) -> (usize, usize) {
        let events = self.signon.app().store.audit().tail(1000).await.unwrap();
        let of = |kind: Kind| events.iter().filter(|event| event.kind == kind.as_str()).count();
        (of(Kind::Issue), of(Kind::Refusal))
    }
}

fn code(verdict: Result<Told, Reason>) -> &'static str {
    verdict.map_or_else(|reason| reason.code(), |_| "yes")
}

#[tokio::test]
async fn a_vendors_server_is_told_the_same_name_as_its_web_site() {
    for house in houses().await {
        let shown = house.show("4417", "739150").await.unwrap();
        let cookie = house.sign_in("4417", "739150").await;
        let Next::Issue(ready) = house.signon.begin(house.ask(), &house.visitor(Some(&cookie))).await.unwrap() else {
            panic!("no yes")
        };
        let (_, clicked) = house.signon.finish(*ready).await.unwrap();
        assert_eq!((shown.subject, shown.release), (clicked.subject, clicked.release));
    }
}

#[tokio::test]
async fn an_unknown_card_and_a_wrong_pin_are_refused_alike_and_cost_the_same() {
    for house in houses().await {
        let mut costs = Vec::new();
        for (card, pin) in [("4417", "111119"), ("9999", "739150"), ("4417", ""), ("4417", "  ")] {
            let before = house.hashed();
            assert_eq!(code(house.show(card, pin).await), "sign-in-failed");
            costs.push(house.hashed() - before);
        }
        assert_eq!(costs, [1, 1, 1, 1]);
    }
}

#[tokio::test]
async fn a_card_just_shown_is_not_hashed_again_and_written_down_once() {
    for house in houses().await {
        assert_eq!(code(house.show("4417", "739150").await), "yes");
        let (hashed, audited) = (house.hashed(), house.audited().await);
        for _ in 0..5 {
            assert_eq!(code(house.show("4417", "739150").await), "yes");
        }
        assert_eq!((house.hashed(), house.audited().await), (hashed, audited));
        assert_eq!(code(house.show("4417", "739151").await), "sign-in-failed");
        assert_eq!(house.hashed(), hashed + 1, "another PIN is looked at");
    }
}

#[tokio::test]
async fn a_changed_pin_ends_what_was_remembered_of_the_old_one_at_once() {
    for house in houses().await {
        assert_eq!(code(house.show("4417", "739150").await), "yes");
        let cookie = house.sign_in("4417", "739150").await;
        let changed = house.signon.change_pin(None, "739150", "582036", &house.visitor(Some(&cookie))).await.unwrap();
        assert!(matches!(changed, ChangedPin::Done { .. }));
        assert_eq!(code(house.show("4417", "739150").await), "sign-in-failed");
        assert_eq!(code(house.show("4417", "582036").await), "yes");
    }
}

#[tokio::test]
async fn what_was_looked_at_before_a_change_is_not_remembered_after_it() {
    let known = known::Known::new(MINUTE);
    let (before, key) = (known.generation(), crate::domain::pin::KeyedPin([7; 32]));
    known.forget_shown();
    let shown = verify::Shown::yes(crate::domain::id::PatronId(uuid::Uuid::nil()));
    known.remember_shown(before, key.clone(), shown.clone());
    assert!(known.shown(known.generation(), &key).is_none());
    known.remember_shown(known.generation(), key.clone(), shown);
    assert!(known.shown(known.generation(), &key).is_some());
}

#[tokio::test]
async fn a_card_blocked_elsewhere_is_refused_although_its_pin_is_remembered() {
    for house in houses().await {
        assert_eq!(code(house.show("4417", "739150").await), "yes");
        let app = house.signon.app();
        let patron = app.store.patrons().by_card(&"4417".to_owned().try_into().unwrap()).await.unwrap().unwrap().patron;
        let mut tx = app.store.begin().await.unwrap();
        let blocked = crate::domain::card::CardStatus::Blocked;
        app.store.patrons().set_card_status(&mut tx, patron.id, blocked).await.unwrap();
        tx.commit().await.unwrap();
        house.signon.look_again();
        for _ in 0..2 {
            assert_eq!(code(house.show("4417", "739150").await), "card-blocked");
        }
    }
}

#[tokio::test]
async fn guesses_by_way_of_a_vendor_count_like_those_at_the_sign_in_page_and_the_memory_tells_no_guesser() {
    for house in houses().await {
        assert_eq!(code(house.show("4417", "739150").await), "yes");
        for guess in 0..6 {
            assert_eq!(code(house.show("4417", &format!("88{guess}17")).await), "sign-in-failed");
        }
        assert_eq!(code(house.show("4417", "739150").await), "too-many-tries");
        assert!(matches!(house.try_pin("4417", "739150").await, Answer::TryAgain(Reason::TooManyTries { .. })));
    }
}

#[tokio::test]
async fn a_pin_from_the_district_is_good_and_one_that_must_be_changed_is_not() {
    for house in houses().await {
        assert_eq!(code(house.show("4418", "440018").await), "yes");
        let app = house.signon.app();
        let mut catalogue = (*app.catalogue()).clone();
        let cms = catalogue.organisations.values_mut().next().unwrap();
        cms.initial_pin = crate::domain::card::InitialPin::BirthdayMmdd;
        app.catalogue.replace(catalogue);
        house.signon.look_again();
        assert_eq!(code(house.show("4418", "440018").await), "pin-must-change");
        assert_eq!(code(house.show("4418", "440018").await), "pin-must-change", "remembered all the same");
        assert_eq!(code(house.show("4418", "999999").await), "sign-in-failed");
    }
}

#[tokio::test]
async fn a_vendor_may_ask_by_the_pseudonym_that_it_keeps_and_no_other_vendor_may() {
    for house in houses().await {
        let name = house.show("4417", "739150").await.unwrap().subject;
        assert_eq!(house.show(&name, "739150").await.unwrap().subject, name);
        assert_eq!(house.look_up("maple", &name.to_uppercase()).await.unwrap().subject, name);
        assert_eq!(code(house.look_up("oak", &name).await), "sign-in-failed");
        assert_eq!(code(house.show(&name, "111119").await), "sign-in-failed");
        let other = if name.starts_with('a') { "b" } else { "a" };
        let nobodys = format!("{other}{}", &name[1..]);
        assert_eq!(code(house.show(&nobodys, "739150").await), "sign-in-failed");
    }
}

#[tokio::test]
async fn a_vendor_that_tries_many_numbers_without_a_pin_is_stopped() {
    for house in houses().await {
        assert_eq!(code(house.look_up("maple", "4417").await), "yes");
        for number in 0..300 {
            assert_eq!(code(house.look_up("maple", &format!("70{number:03}")).await), "sign-in-failed");
        }
        assert_eq!(code(house.look_up("maple", "4417").await), "too-many-tries");
    }
}

#[tokio::test]
async fn a_pin_that_many_mistype_at_a_vendor_is_not_refused_to_its_owner_and_spraying_it_is_caught() {
    for house in houses().await {
        for number in 0..20 {
            assert_eq!(code(house.show(&format!("60{number:02}"), "739150").await), "sign-in-failed");
        }
        assert_eq!(code(house.show("4417", "739150").await), "yes", "twenty mistyped it");
        let mut caught = false;
        for number in 20..60 {
            caught |= code(house.show(&format!("60{number:02}"), "739150").await) == "too-many-tries";
        }
        assert!(caught);
    }
}
