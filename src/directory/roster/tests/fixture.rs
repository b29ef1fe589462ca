//! A district and a charter school with a database each test has for itself.

use std::collections::BTreeMap;

use crate::{
    directory::{
        Org, Person, Post, Roster,
        roster::{Merge, Rules, Step},
    },
    domain::{
        card::{CardNumber, CardScheme, IdField, InitialPin},
        clock::{Clock, TimeZone, Timestamp},
        id::{OrganisationId, SourceId},
        lookup::LookupField,
        organisation::Organisation,
        patron::Role,
        pin::PinKey,
        season::Season,
    },
    store::{Db, patrons::PatronRecord, rosters::trial},
};

pub(super) struct House {
    pub(super) db: Db,
    pub(super) url: String,
    _folder: trial::Folder,
    pub(super) clock: Clock,
    pub(super) key: PinKey,
    pub(super) source: SourceId,
    pub(super) rules: Rules,
}

/// One for each engine that is there.
pub(super) async fn houses() -> Vec<House> {
    let organisation = |id: &str, org: &str, card, initial_pin| {
        let id: OrganisationId = id.parse().unwrap();
        let name = id.to_string();
        let bridge = Some(Season { from: "05-15".parse().unwrap(), until: "09-15".parse().unwrap() });
        let roster = vec![org.into()];
        let (help, existing_card, keeps_cards) = (None, Default::default(), true);
        let organisation =
            Organisation { id, name, roster, card, initial_pin, help, bridge, keeps_cards, existing_card };
        (organisation.id.clone(), organisation)
    };
    let from = IdField::Identifier;
    let charter = CardScheme::Prefix { prefix: "CH".into(), from: from.clone() };
    let organisations = BTreeMap::from([
        organisation("cms", "d", CardScheme::Raw { from }, InitialPin::Password),
        organisation("charter", "c1", charter, InitialPin::BirthdayMmdd),
    ]);
    let house = |(db, folder, url)| House {
        db,
        url,
        _folder: folder,
        clock: Clock::standing_at(Timestamp(1_800_000_000_000)),
        key: PinKey::new(b"a key of tests"),
        source: "cms".parse().unwrap(),
        rules: Rules {
            organisations: organisations.clone(),
            lookups: [LookupField::Username].into(),
            yields_to: Vec::new(),
            now: Timestamp(1_800_000_000_000),
            time_zone: TimeZone::utc(),
        },
    };
    trial::databases().await.into_iter().map(house).collect()
}

impl House {
    pub(super) fn merge(&self) -> Merge<'_> {
        let House { db, clock, key, rules, .. } = self;
        Merge { db, clock, pin_key: key, rules, progress: &|_: Step, _, _| {} }
    }

    pub(super) async fn by_card(&self, card: &str) -> Option<PatronRecord> {
        self.db.patrons().by_card(&CardNumber::read(card).unwrap()).await.unwrap()
    }

    /// Everybody whom the live roster shows, as sign-on sees them.
    pub(super) async fn everybody(&self) -> BTreeMap<String, PatronRecord> {
        let mut all = BTreeMap::new();
        let live = self.db.rosters().live_run(&self.source).await.unwrap();
        for known in self.db.rosters().people(&self.source, live).await.unwrap() {
            let record = self.db.patrons().by_id(known.patron).await.unwrap();
            assert_eq!(record.is_some(), known.held.is_some());
            all.extend(record.map(|record| (known.sourced_id, record)));
        }
        all
    }
}

pub(super) fn delivery(people: Vec<Person>) -> Roster {
    let org = |id: &str, parent: Option<&str>| Org {
        sourced_id: id.into(),
        parent: parent.map(Into::into),
        name: format!("School {id}"),
    };
    let orgs = vec![org("d", None), org("s1", Some("d")), org("s2", Some("d")), org("c1", Some("d")), org("far", None)];
    Roster { orgs, people, ..Roster::default() }
}

pub(super) fn pupil(sourced_id: &str, id: &str) -> Person {
    Person {
        sourced_id: sourced_id.into(),
        given_name: "Pupil".into(),
        family_name: format!("Example-{sourced_id}"),
        identifier: Some(id.into()),
        username: None,
        email: None,
        grade: None,
        user_ids: Vec::new(),
        enabled: true,
        posts: vec![Post::new("s1", Role::Student, "07".parse().ok())],
        password: Some(format!("pin-{id}").into()),
        birthday: Some((2, 29)),
        line: 2,
        ..Person::default()
    }
}

pub(super) fn teacher(sourced_id: &str, id: &str) -> Person {
    let posts = vec![Post::new("s2", Role::Staff, None)];
    Person { posts, ..pupil(sourced_id, id) }
}

impl Person {
    pub(super) fn at(mut self, org: &str) -> Person {
        for post in &mut self.posts {
            post.org = org.into();
        }
        self
    }

    pub(super) fn on_line(mut self, line: u64) -> Person {
        self.line = line;
        self
    }
}
