//! What the flow promises whatever the protocol: limits of sessions, PINs, a full queue, the retention job; on real
//! databases, with the clock turned by hand.

mod faces;

use std::time::Duration;

use serde_json::json;

use super::*;
use crate::{
    admin::operations::{Desk, apply, cards},
    compose, config,
    directory::{Org, Person, Post, Roster, roster::ImportOptions, roster::Merge, roster::Rules},
    domain::{catalogue::Catalogue, clock::Clock, patron::Role},
    jobs,
    store::rosters::trial::{Folder, databases},
};

const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

const SETTINGS: &str = r#"
issuer = "https://access.library.example"
database = "DATABASE"
key_encryption_key_file = "FOLDER/kek"
[library]
name = "Example Library"
time_zone = "America/New_York"
scope_domain = "library.example"
[session]
idle = "30m"
absolute = "8h"
[hashing]
threads = 1
queue = 1
[[scope]]
name = "library.ebooks"
[[organisation]]
id = "cms"
name = "Example Schools"
roster = ["s1"]
card = { scheme = "raw", from = "identifier" }
initial_pin = "password"
[[agreement]]
id = "cms-2026"
organisation = "cms"
roles = ["student"]
grades = ["06", "12"]
privileges = ["library.ebooks"]
from = 2026-07-01
to = 2031-06-30
[[vendor]]
id = "maple"
name = "Maple Books"
audience = ["juvenile", "young-adult", "adult"]
scopes = ["library.ebooks"]
"#;

/// A library with a seventh grader, 4417, whose PIN is 739150, and a classmate, 4418, who never changed hers: 440018.
struct House {
    signon: SignOn,
    clock: Clock,
    _folder: Folder,
    keys: std::path::PathBuf,
}

impl Drop for House {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.keys));
    }
}

async fn houses() -> Vec<House> {
    let mut all = Vec::new();
    for (db, folder, url) in databases().await {
        db.close().await;
        // 2026-10-01, noon in UTC.
        let clock = Clock::standing_at(Timestamp(1_790_856_000_000));
        let keys = std::env::temp_dir().join(format!("signon-{}", uuid::Uuid::now_v7()));
        std::fs::create_dir_all(&keys).unwrap();
        let file = keys.join("house.toml");
        let text = SETTINGS.replace("DATABASE", &url).replace("FOLDER", &keys.display().to_string());
        std::fs::write(&file, text).unwrap();
        let read = config::load(&file, config::Kinds::default(), &Catalogue::default()).unwrap();
        let desk = compose::desk(read.settings.unwrap(), clock.clone()).await.unwrap();
        apply::apply(desk.hand(), read.declared, apply::Options::default(), "test").await.unwrap();
        enrol(&desk).await;
        cards::set_pin(&desk, "4417", "739150", false).await.unwrap();
        let signon = compose::sign_on(desk).await.unwrap();
        all.push(House { signon, clock, _folder: folder, keys });
    }
    all
}

async fn enrol(desk: &Desk) {
    let catalogue = desk.db.catalogue().load().await.unwrap();
    let (source, time_zone) = ("cms".parse().unwrap(), &desk.config.library.time_zone);
    let rules = Rules::of(&catalogue, &source, desk.clock.now(), time_zone);
    let merge = Merge {
        db: &desk.db,
        clock: &desk.clock,
        pin_key: desk.keyring.pin_key(),
        rules: &rules,
        progress: &|_, _, _| {},
    };
    let pupil = |id: &str, pin: &str| Person {
        sourced_id: format!("u-{id}"),
        given_name: "Mira".into(),
        family_name: "Brookquill".into(),
        identifier: Some(id.into()),
        username: None,
        email: None,
        grade: None,
        user_ids: Vec::new(),
        enabled: true,
        posts: vec![Post::new("s1", Role::Student, "07".parse().ok())],
        password: Some(pin.to_owned().into()),
        birthday: None,
        line: 2,
        ..Person::default()
    };
    let orgs = vec![Org { sourced_id: "s1".into(), parent: None, name: "School".into() }];
    let roster = Roster { orgs, people: vec![pupil("4417", "440017"), pupil("4418", "440018")], ..Roster::default() };
    let options = ImportOptions { dry_run: false, accept_removals: false };
    merge.import(&"cms".parse().unwrap(), "test", roster, options).await.unwrap();
}

impl House {
    fn visitor(&self, cookie: Option<&str>) -> Visitor {
        Visitor { cookie: cookie.map(str::to_owned), device: None, address: "203.0.113.7".parse().unwrap() }
    }

    async fn try_pin(&self, card: &str, pin: &str) -> Answer {
        self.signon.answer(None, card, pin, &self.visitor(None)).await.unwrap()
    }

    /// The cookie of a fresh session.
    async fn sign_in(&self, card: &str, pin: &str) -> String {
        match self.try_pin(card, pin).await {
            Answer::SignedIn { cookie, .. } => cookie,
            other => panic!("{other:?}"),
        }
    }

    async fn is_in(&self, cookie: &str) -> bool {
        self.signon.who(&self.visitor(Some(cookie))).await.unwrap().is_some()
    }

    fn ask(&self) -> Ask {
        Ask {
            protocol: "oidc".into(),
            relying_party: "maple-web".into(),
            vendor: "maple".parse().unwrap(),
            scopes: ["library.ebooks".parse().unwrap()].into_iter().collect(),
            fresh_after: None,
            password: false,
            interactive: true,
            card_hint: None,
            languages: Vec::new(),
            consent: None,
            offline: false,
            renewable: None,
            resume: "/oidc/resume/".into(),
            state: json!({}),
        }
    }

    fn ask_with_consent(&self) -> Ask {
        let question = Question { reader: true, scopes: self.ask().scopes, ..Question::default() };
        Ask { consent: Some(question), ..self.ask() }
    }

    /// The ticket of the page that this leads to.
    async fn sent_to(&self, path: &str, ask: Ask, visitor: &Visitor) -> String {
        match self.signon.begin(ask, visitor).await.unwrap() {
            Next::Page(to) => to.strip_prefix(path).unwrap_or_else(|| panic!("{to}")).to_owned(),
            _ => panic!("no page"),
        }
    }

    async fn grant(&self, cookie: &str) -> GrantId {
        match self.signon.begin(self.ask(), &self.visitor(Some(cookie))).await.unwrap() {
            Next::Issue(ready) => self.signon.finish(*ready).await.unwrap().1.grant,
            _ => panic!("no yes"),
        }
    }
}

#[tokio::test]
async fn a_session_that_nobody_uses_ends_and_one_in_use_goes_on_until_its_last_hour() {
    for house in houses().await {
        let (idle, used) = (house.sign_in("4417", "739150").await, house.sign_in("4417", "739150").await);
        for _ in 0..2 {
            house.clock.advance(MINUTE * 20);
            assert!(house.is_in(&used).await);
        }
        assert!(!house.is_in(&idle).await, "unused for 40 minutes");
        house.signon.look_again();
        assert!(house.is_in(&used).await, "its use is written down, not only remembered");
        for _ in 0..22 {
            house.clock.advance(MINUTE * 20);
            house.is_in(&used).await;
        }
        assert!(!house.is_in(&used).await, "eight hours after the sign-in");
    }
}

#[tokio::test]
async fn a_session_whose_time_is_over_ends_with_what_was_granted_through_it() {
    for house in houses().await {
        let (idle, used) = (house.sign_in("4417", "739150").await, house.sign_in("4417", "739150").await);
        let (of_idle, of_used) = (house.grant(&idle).await, house.grant(&used).await);
        house.clock.advance(MINUTE * 20);
        assert!(house.is_in(&used).await);
        house.signon.expire().await.unwrap();
        assert!(house.signon.recheck(of_idle).await.unwrap().is_ok(), "20 minutes are not 30");
        house.clock.advance(MINUTE * 10);
        house.signon.expire().await.unwrap();
        assert!(house.signon.recheck(of_idle).await.unwrap().is_err());
        assert!(house.signon.recheck(of_used).await.unwrap().is_ok() && house.is_in(&used).await);
        for _ in 0..23 {
            house.clock.advance(MINUTE * 20);
            house.is_in(&used).await;
        }
        house.signon.expire().await.unwrap();
        let kept = house.signon.app().store.sessions().by_handle(&visitor::handle_of(&used)).await.unwrap().unwrap();
        assert!(kept.ended_at.is_some(), "eight hours after the sign-in, used or not");
        house.signon.part().await.unwrap();
        assert_eq!(house.signon.app().store.farewells().ended(10).await.unwrap().0, [], "all are put down");
    }
}

#[tokio::test]
async fn an_initial_pin_opens_nothing_but_its_own_change() {
    for house in houses().await {
        let Answer::SignedIn { cookie, to } = house.try_pin("4418", "440018").await else { panic!("refused") };
        assert_eq!(to, "/change-pin");
        let here = house.visitor(Some(&cookie));
        let next = house.signon.begin(house.ask(), &here).await.unwrap();
        assert!(matches!(next, Next::Page(page) if page.starts_with("/change-pin/")));
        let too_easy = house.signon.change_pin(None, "440018", "1234", &here).await.unwrap();
        assert!(matches!(too_easy, ChangedPin::TooEasy("pin-runs")));
        let wrong = house.signon.change_pin(None, "999999", "582036", &here).await.unwrap();
        assert!(matches!(wrong, ChangedPin::TryAgain(Reason::SignInFailed)));
        let ChangedPin::Done { cookie: renewed, to } =
            house.signon.change_pin(None, "440018", "582036", &here).await.unwrap()
        else {
            panic!("not changed")
        };
        assert_eq!(to, "/");
        assert!(!house.is_in(&cookie).await, "the handle changes with the PIN");
        house.grant(&renewed).await;
        assert!(matches!(house.try_pin("4418", "440018").await, Answer::TryAgain(Reason::SignInFailed)));
        house.sign_in("4418", "582036").await;
    }
}

#[tokio::test]
async fn a_changed_pin_ends_every_other_session_of_the_patron() {
    for house in houses().await {
        let (here, elsewhere) = (house.sign_in("4417", "739150").await, house.sign_in("4417", "739150").await);
        let grant = house.grant(&elsewhere).await;
        let changed = house.signon.change_pin(None, "739150", "582036", &house.visitor(Some(&here))).await.unwrap();
        assert!(matches!(changed, ChangedPin::Done { .. }));
        assert!(!house.is_in(&elsewhere).await);
        assert!(house.signon.recheck(grant).await.unwrap().is_err());
    }
}

#[tokio::test]
async fn signing_out_ends_what_was_granted_through_the_session() {
    for house in houses().await {
        let cookie = house.sign_in("4417", "739150").await;
        let grant = house.grant(&cookie).await;
        assert!(house.signon.recheck(grant).await.unwrap().is_ok());
        house.signon.leave(&house.visitor(Some(&cookie)), None, None).await.unwrap();
        assert!(!house.is_in(&cookie).await);
        assert!(house.signon.recheck(grant).await.unwrap().is_err());
        house.signon.look_again();
        assert!(house.signon.recheck(grant).await.unwrap().is_err(), "in the database as well");
    }
}

#[tokio::test]
async fn unknown_cards_and_wrong_pins_are_answered_alike_until_both_must_wait() {
    for house in houses().await {
        for guess in 0..8 {
            let pin = format!("80513{guess}");
            let (known, unknown) = (house.try_pin("4417", &pin).await, house.try_pin("9999", &pin).await);
            let code = |answer: &Answer| match answer {
                Answer::TryAgain(reason) => reason.code(),
                other => panic!("{other:?}"),
            };
            assert_eq!(code(&known), code(&unknown));
            assert_eq!(code(&known), if guess < 6 { "sign-in-failed" } else { "too-many-tries" });
        }
        assert!(matches!(house.try_pin("4417", "739150").await, Answer::TryAgain(Reason::TooManyTries { .. })));
        house.sign_in("4418", "440018").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_queue_is_a_fault_that_says_when_to_come_back_and_costs_no_try() {
    for house in houses().await {
        let tries: Vec<_> = (0..12)
            .map(|n| {
                let (signon, visitor) = (house.signon.clone(), house.visitor(None));
                tokio::spawn(async move { signon.answer(None, "4417", &format!("10{n:04}"), &visitor).await })
            })
            .collect();
        let (mut busy, mut looked_at) = (0, 0);
        for one in tries {
            match one.await.unwrap() {
                Err(Fault::Busy { retry_after }) if retry_after > 0 => busy += 1,
                Ok(Answer::TryAgain(_)) => looked_at += 1,
                other => panic!("{other:?}"),
            }
        }
        assert!(busy > 0, "twelve at once fitted into a queue of one");
        if looked_at < 6 {
            house.sign_in("4417", "739150").await;
        }
    }
}

#[tokio::test]
async fn the_retention_job_erases_who_went_where_when_its_time_is_over() {
    for house in houses().await {
        let cookie = house.sign_in("4417", "739150").await;
        house.grant(&cookie).await;
        house.clock.advance(HOUR * 24 * 29);
        assert_eq!(jobs::erase(house.signon.app()).await.unwrap(), Default::default(), "29 days are not 30");
        house.clock.advance(HOUR * 24 * 3);
        let erased = jobs::erase(house.signon.app()).await.unwrap();
        assert_eq!((erased.passages, erased.sessions), (1, 1));
        let store = &house.signon.app().store;
        let events = store.audit().tail(1000).await.unwrap();
        let mentions =
            |word: &str| events.iter().any(|e| e.payload.as_ref().is_some_and(|p| p.to_string().contains(word)));
        assert!(!mentions("patron"), "nothing tells of a patron any more");
        assert!(mentions("\"passages\":1"), "that it was erased is told");
        assert_eq!(store.audit().verify().await.unwrap().breaks, Vec::<String>::new());
    }
}

#[tokio::test]
async fn every_check_costs_one_argon2id_whatever_the_card_and_whatever_the_pin() {
    for house in houses().await {
        for (what, card, pin) in [
            ("unknown card", "9999", "805131"),
            ("no card number at all", "\u{7}", "805132"),
            ("chosen, wrong", "4417", "805133"),
            ("chosen, right", "4417", "739150"),
            ("initial, wrong", "4418", "805134"),
            ("initial, right", "4418", "440018"),
        ] {
            let before = house.signon.0.pins.hashed();
            house.try_pin(card, pin).await;
            assert_eq!(house.signon.0.pins.hashed() - before, 1, "{what}");
        }
    }
}

#[tokio::test]
async fn a_yes_counts_for_its_own_ask_and_is_remembered_no_longer() {
    for house in houses().await {
        let here = house.visitor(Some(&house.sign_in("4417", "739150").await));
        for _ in 0..2 {
            let ticket = house.sent_to("/consent/", house.ask_with_consent(), &here).await;
            let Some(Asked::Now(asked)) = house.signon.consenting(&ticket, &here).await.unwrap() else {
                panic!("nothing is asked")
            };
            assert_eq!(asked.scopes.to_string(), "library.ebooks");
            assert!(asked.release.card_number.is_none() && asked.release.standard.is_empty());
            let to = house.signon.consent(&ticket, true, &here).await.unwrap();
            assert_eq!(to, Some(format!("/oidc/resume/{ticket}")));
            let (_, next) = house.signon.resume(&ticket, &here).await.unwrap().unwrap();
            assert!(matches!(next, Next::Issue(_)));
            assert_eq!(house.signon.consent(&ticket, true, &here).await.unwrap(), None, "the ticket is spent");
        }
        let silent = Ask { interactive: false, ..house.ask_with_consent() };
        assert!(matches!(house.signon.begin(silent, &here).await.unwrap(), Next::ConsentNeeded));
    }
}

#[tokio::test]
async fn nothing_but_a_yes_leads_past_the_question() {
    for house in houses().await {
        let here = house.visitor(Some(&house.sign_in("4417", "739150").await));
        let ticket = house.sent_to("/consent/", house.ask_with_consent(), &here).await;
        let (_, next) = house.signon.resume(&ticket, &here).await.unwrap().unwrap();
        assert!(matches!(next, Next::Page(page) if page.starts_with("/consent/")), "asked again");
    }
}

#[tokio::test]
async fn who_signs_in_as_somebody_else_after_a_yes_is_asked_again() {
    for house in houses().await {
        let mira = house.visitor(Some(&house.sign_in("4417", "739150").await));
        let ticket = house.sent_to("/consent/", house.ask_with_consent(), &mira).await;
        house.signon.consent(&ticket, true, &mira).await.unwrap();
        // A browser that carries the same ticket, and another session of the same patron.
        let other = house.visitor(Some(&house.sign_in("4417", "739150").await));
        let (_, next) = house.signon.resume(&ticket, &other).await.unwrap().unwrap();
        assert!(matches!(next, Next::Page(page) if page.starts_with("/consent/")));
        let ticket = house.sent_to("/consent/", house.ask_with_consent(), &mira).await;
        house.signon.consent(&ticket, true, &mira).await.unwrap();
        let answer = house.signon.answer(Some(&ticket), "4417", "739150", &mira).await.unwrap();
        let Answer::SignedIn { cookie, .. } = answer else { panic!("{answer:?}") };
        let (_, next) = house.signon.resume(&ticket, &house.visitor(Some(&cookie))).await.unwrap().unwrap();
        assert!(matches!(next, Next::Page(page) if page.starts_with("/consent/")), "the sign-in forgets the yes");
        let nobody = house.visitor(None);
        let ticket = house.sent_to("/sign-in/", house.ask_with_consent(), &nobody).await;
        let to = house.signon.consent(&ticket, true, &nobody).await.unwrap();
        assert_eq!(to, Some(format!("/sign-in/{ticket}")), "nobody says yes for nobody");
    }
}

#[tokio::test]
async fn a_no_goes_straight_back_and_is_kept() {
    for house in houses().await {
        let here = house.visitor(Some(&house.sign_in("4417", "739150").await));
        let ticket = house.sent_to("/consent/", house.ask_with_consent(), &here).await;
        house.signon.consent(&ticket, false, &here).await.unwrap();
        assert_eq!(house.signon.consent(&ticket, true, &here).await.unwrap(), Some(format!("/refused/{ticket}")));
        let (_, next) = house.signon.resume(&ticket, &here).await.unwrap().unwrap();
        assert!(matches!(next, Next::Refuse { reason: Reason::Declined, page: None }));
        let events = house.signon.app().store.audit().tail(10).await.unwrap();
        let kept = events.iter().filter_map(|event| event.payload.as_ref());
        assert!(kept.into_iter().any(|payload| payload.to_string().contains("\"declined\"")));
    }
}
