use std::fs;

use serde_json::{Value, json};
use standin::{CLIENT, Moods, OneRosterService, SECRET};

use super::*;
use crate::{
    directory::{
        Person,
        oneroster::{
            Options,
            generate::District,
            read,
            tests::{Place, told},
        },
    },
    domain::{class::ClassKinds, clock::Timestamp, timetable::Timetable},
};

/// The same service that whole promises are told with.
#[path = "../../../../tests/actors/oneroster.rs"]
#[allow(dead_code)]
mod standin;

struct World {
    place: Place,
    service: OneRosterService,
    version: Version,
    source: Box<dyn Source>,
    settings: SourceSettings,
    birthdays: bool,
}

const NIGHT_0: &str = "2026-11-01T03:00:00.000Z";
const NIGHT_1: &str = "2026-11-02T03:00:00.000Z";

impl World {
    async fn open(version: Version, more: Value) -> World {
        let place = Place::new();
        let service = OneRosterService::open(version == Version::V1p2).await;
        fs::write(place.join("secret"), format!("{SECRET}\n")).unwrap();
        let mut settings = json!({
            "url": service.url, "version": version.to_string(), "token_url": service.token_url(), "client_id": CLIENT,
            "client_secret_file": place.join("secret"), "spool": place.join(""), "page_size": 50,
        });
        for (name, value) in more.as_object().unwrap() {
            settings[name] = value.clone();
        }
        let settings = SourceSettings {
            id: "sis".parse().unwrap(),
            kind: "oneroster-rest".into(),
            timetable: Timetable::default(),
            yields_to: vec![],
            alert_url: None,
            settings,
        };
        let outbound = Outbound::new(&["127.0.0.1".parse().unwrap()], None).unwrap();
        let means = Means { outbound, issuer: "https://library.example".into() };
        let source = OneRosterRest.open(&settings, &means).unwrap();
        World { place, service, version, source, settings, birthdays: true }
    }

    fn live(&self, district: &District, at: &str) {
        let folder = self.place.join("delivery");
        let _ = fs::remove_dir_all(&folder);
        district.write(&folder, self.version, &|_| {}).unwrap();
        self.service.hold(&folder, at);
    }

    async fn pull(&self, now: &str, bookmark: Option<&str>) -> Result<Delivery, PullError> {
        let now: Timestamp = now.parse().unwrap();
        let today = "2026-11-02".parse().unwrap();
        let wish =
            Wish { now, today, birthdays: self.birthdays, classes: ClassKinds::None, bookmark, progress: &|_, _| {} };
        let delivery = self.source.roster().unwrap().pull(&wish).await;
        let left = fs::read_dir(self.place.join("")).unwrap().flatten();
        let spooled = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("oneaccess-roster"));
        assert_eq!(spooled.count(), 0, "nothing of it stays behind");
        delivery.map(Option::unwrap)
    }
}

fn sorted(people: &[Person]) -> Vec<String> {
    let mut all: Vec<String> = people.iter().map(told).collect();
    all.sort();
    all
}

fn by_csv(district: &District, version: Version, birthdays: bool) -> Roster {
    let place = Place::new();
    district.write(&place.join("roster"), version, &|_| {}).unwrap();
    let options =
        Options { birthdays, classes: ClassKinds::None, today: "2026-11-02".parse().unwrap(), progress: &|_| {} };
    read(&place.join("roster"), &options).unwrap()
}

#[tokio::test]
async fn everyone_arrives_as_by_csv_whatever_the_version() {
    for version in [Version::V1p1, Version::V1p2] {
        let (world, district) = (World::open(version, json!({})).await, District::new(300));
        world.live(&district, NIGHT_0);
        let delivery = world.pull(NIGHT_1, None).await.unwrap();
        assert!(matches!(delivery.roster.extent, Extent::Whole));
        let whole = by_csv(&district, version, true);
        assert_eq!(sorted(&delivery.roster.people), sorted(&whole.people));
        assert_eq!(delivery.roster.orgs.len(), whole.orgs.len());
        assert_eq!(delivery.roster.report.notes, []);
        let agent = concat!("oneaccess/", env!("CARGO_PKG_VERSION"));
        assert!(world.service.agents().iter().all(|by| by == agent));
        let asked = world.service.asked();
        assert!(asked.len() > 12 && asked.iter().all(|asked| asked.contains("limit=50")), "{asked:?}");
        assert!(asked.iter().all(|asked| asked.contains("fields=sourcedId") && !asked.contains("sex")), "{asked:?}");
    }
}

#[tokio::test]
async fn after_the_first_time_only_changes_are_asked_for_until_all_is_due_again() {
    for version in [Version::V1p1, Version::V1p2] {
        let mut world = World::open(version, json!({ "whole_every": 86_400 })).await;
        // A birthday that has not changed does not come again.
        world.birthdays = false;
        let [first, before, after] = [0, 1, 2].map(|nights| District::new(300).after_nights(nights));
        world.live(&first, "2026-10-01T03:00:00.000Z");
        world.live(&before, NIGHT_0);
        let first = world.pull("2026-11-01T04:00:00Z", None).await.unwrap();
        world.live(&after, NIGHT_1);
        world.service.asked();
        let second = world.pull("2026-11-02T03:30:00Z", first.bookmark.as_deref()).await.unwrap();
        let Extent::Changes(changes) = second.roster.extent else { panic!("changes") };
        assert!(changes.posts_are_whole && changes.posts.is_empty() && changes.orgs_are_whole);
        let asked = world.service.asked();
        let users = asked.iter().find(|asked| asked.contains("/users")).unwrap();
        assert!(users.contains("dateLastModified%3E%272026-11-01T02%3A00%3A00Z%27"), "{users}");
        let (old, new) = (by_csv(&before, version, false), by_csv(&after, version, false));
        let (old, new) = (sorted(&old.people), sorted(&new.people));
        let changed: Vec<String> = sorted(&second.roster.people);
        let expected: Vec<String> = new.iter().filter(|person| !old.contains(person)).cloned().collect();
        assert!(
            expected.len() > 3 && expected.iter().all(|person| changed.contains(person)),
            "{version}: {changed:#?}"
        );
        assert!(changed.iter().all(|person| new.contains(person)) && changed.len() < 60, "{}", changed.len());
        let gone = |line: &&String| !new.iter().any(|other| other.split(' ').next() == line.split(' ').next());
        for line in old.iter().filter(gone) {
            let id = line.split(' ').next().unwrap();
            assert!(changes.gone.iter().any(|gone| gone == id), "{id}");
        }
        let third = world.pull("2026-11-02T04:00:01Z", second.bookmark.as_deref()).await.unwrap();
        assert!(matches!(third.roster.extent, Extent::Whole));
        assert_eq!(sorted(&third.roster.people), new);
    }
}

#[tokio::test]
async fn broken_pages_busy_answers_and_tokens_that_run_out_cost_nobody_their_card() {
    let (world, district) = (World::open(Version::V1p2, json!({})).await, District::new(200));
    world.live(&district, NIGHT_0);
    world.service.mood(Moods { broken: 2, busy: 2, pages_per_token: 3, ..Moods::default() });
    let delivery = world.pull(NIGHT_1, None).await.unwrap();
    assert_eq!(sorted(&delivery.roster.people), sorted(&by_csv(&district, Version::V1p2, true).people));
}

#[tokio::test]
async fn services_that_count_nothing_sort_nothing_or_give_less_than_asked_are_read_to_the_end() {
    let (world, district) = (World::open(Version::V1p1, json!({})).await, District::new(150));
    world.live(&district, NIGHT_0);
    let all = sorted(&by_csv(&district, Version::V1p1, true).people);
    for moods in [
        Moods { silent: true, ..Moods::default() },
        Moods { silent: true, most: 20, ..Moods::default() },
        Moods { plain: true, most: 33, ..Moods::default() },
    ] {
        world.service.mood(moods.clone());
        let delivery = world.pull(NIGHT_1, None).await.unwrap();
        assert_eq!(sorted(&delivery.roster.people), all, "{moods:?}");
    }
}

#[tokio::test]
async fn somebody_who_joins_while_pages_are_read_pushes_nobody_out() {
    let (world, district) = (World::open(Version::V1p1, json!({})).await, District::new(150));
    world.live(&district, NIGHT_0);
    world.service.mood(Moods { grows: true, ..Moods::default() });
    let delivery = world.pull(NIGHT_1, None).await.unwrap();
    assert_eq!(delivery.roster.people.len(), 151);
    let users =
        world.service.asked().iter().filter(|asked| asked.contains("/users") && asked.contains("offset=0")).count();
    assert_eq!(users, 2, "the collection was read anew");
}

#[tokio::test]
async fn what_must_be_mended_first_is_said_plainly() {
    let world = World::open(Version::V1p1, json!({})).await;
    world.live(&District::new(60), NIGHT_0);
    let wrong = async |world: &World| match world.pull(NIGHT_1, None).await.map(|delivery| delivery.origin) {
        Err(PullError::Wrong(why)) => why,
        other => panic!("{other:?}"),
    };
    fs::write(world.place.join("secret"), "another one").unwrap();
    let why = wrong(&world).await;
    assert!(why.contains("client_id") && why.contains("invalid_client") && !why.contains("another one"), "{why}");
    fs::remove_file(world.place.join("secret")).unwrap();
    assert!(wrong(&world).await.contains("client_secret_file"));

    let world = World::open(Version::V1p1, json!({ "version": "1.2" })).await;
    world.live(&District::new(60), NIGHT_0);
    assert!(wrong(&world).await.contains("check url and version"));
    let world = World::open(Version::V1p1, json!({ "scope": ["everything"] })).await;
    assert!(wrong(&world).await.contains("invalid_scope"));
    let world = World::open(Version::V1p1, json!({})).await;
    world.live(&District::new(60), NIGHT_0);
    world.service.mood(Moods { leads_astray: true, ..Moods::default() });
    assert!(wrong(&world).await.contains("another server"), "the token is for nobody else");
}

#[tokio::test]
async fn the_secret_may_stand_in_the_form() {
    let world = World::open(Version::V1p1, json!({ "client_auth": "client_secret_post" })).await;
    world.live(&District::new(60), NIGHT_0);
    assert_eq!(world.pull(NIGHT_1, None).await.unwrap().roster.people.len(), 60);
}

#[tokio::test]
async fn a_bookmark_of_another_service_is_not_gone_by() {
    let world = World::open(Version::V1p1, json!({})).await;
    world.live(&District::new(60), NIGHT_0);
    let now: Timestamp = NIGHT_1.parse().unwrap();
    for bookmark in ["", "{}", &Bookmark { since: now, whole_at: now }.write("https://elsewhere.example/v1p1")] {
        let delivery = world.pull(NIGHT_1, Some(bookmark)).await.unwrap();
        assert!(matches!(delivery.roster.extent, Extent::Whole), "{bookmark}");
    }
    assert!(world.settings.text("url").is_some());
}
