//! A district and a charter school with a database each test has for itself.

use std::collections::BTreeMap;

use crate::{
    directory::{
        Org, Person, Post, Roster,
        roster::{Merge, Step},
    },
    domain::{
        card::{CardNumber, CardScheme, IdField, InitialPin},
        clock::{Clock, Timestamp},
        id::{OrganisationId, SourceId},
        organisation::Organisation,
        patron::Role,
        pin::PinKey,
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
    pub(super) organisations: BTreeMap<OrganisationId, Organisation>,
}

/// One for each engine that is there.
pub(super) async fn houses() -> Vec<House> {
    let organisation = |id: &str, org: &str, card, initial_pin| {
        let id: OrganisationId = id.parse().unwrap();
        let name = id.to_string();
        (id.clone(), Organisation { id, name, roster: vec![org.into()], card, initial_pin, help: None })
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
        organisations: organisations.clone(),
    };
    trial::databases().await.into_iter().map(house).collect()
}

impl House {
    pub(super) fn merge(&self) -> Merge<'_> {
        let House { db, clock, key, organisations, .. } = self;
        Merge { db, clock, pin_key: key, organisations, progress: &|_: Step, _, _| {} }
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
        user_ids: Vec::new(),
        enabled: true,
        posts: vec![Post { org: "s1".into(), role: Role::Student, grade: "07".parse().ok() }],
        password: Some(format!("pin-{id}").into()),
        birthday: Some((2, 29)),
        line: 2,
    }
}

pub(super) fn teacher(sourced_id: &str, id: &str) -> Person {
    let posts = vec![Post { org: "s2".into(), role: Role::Staff, grade: None }];
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
