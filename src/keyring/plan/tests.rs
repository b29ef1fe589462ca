//! The life cycle with a clock of its own: no keys, no database, a lot of time.

use proptest::prelude::*;

mod saml;

use super::*;
use crate::domain::{id::VendorId, key::LONGEST_TOKEN_LIFE};

const NOON: Timestamp = Timestamp(1_790_000_000_000);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(86_400);

fn life(id: &str, published_at: Timestamp, active_from: Timestamp, pinned_from: Timestamp) -> Life {
    Life {
        id: id.into(),
        kid: id.into(),
        algorithm: "ES256".into(),
        published_at,
        active_from,
        pinned_from,
        retiring_from: None,
        retired_at: None,
        lost_at: None,
    }
}

fn reading(reader: Reader) -> Reading {
    let vendor: VendorId = "maple".parse().unwrap();
    Reading { vendor, party: "maple-web".into(), reader, algorithms: vec!["ES256".into()], holdings: Vec::new() }
}

fn tokens() -> Schedule {
    Schedules::default().tokens
}

/// What is due for ES256 at `now`, in words.
fn due(keys: &[Life], schedule: &Schedule, readings: &[Reading], now: Timestamp) -> Vec<String> {
    let turns = plan(keys, &Schedules { tokens: *schedule, ..Schedules::default() }, readings, now);
    turns
        .iter()
        .filter_map(|turn| match turn {
            Turn::Make { algorithm, first } if algorithm == "ES256" => {
                Some(if *first { "make first" } else { "make next" }.to_owned())
            }
            Turn::Make { .. } => None,
            Turn::Rest { id } => Some(format!("rest {id}")),
            Turn::Retire { id } => Some(format!("retire {id}")),
        })
        .collect()
}

#[test]
fn what_is_due_when() {
    let schedule = tokens();
    let lead = 6 * MINUTE;
    let first = life("a", NOON, NOON, NOON);
    let turn = NOON + 90 * DAY;
    let next = life("b", turn - lead, turn, turn + 30 * DAY);
    let resting = Life { retiring_from: Some(turn), ..first.clone() };
    let lost = Life { lost_at: Some(NOON), ..first.clone() };
    let second = Duration::from_secs(1);
    for (keys, reader, at, expected) in [
        (vec![], Reader::Normal, NOON, vec!["make first"]),
        (vec![lost], Reader::Normal, NOON, vec!["make first"]),
        (vec![first.clone()], Reader::Normal, NOON, vec![]),
        (vec![first.clone()], Reader::Normal, turn - lead - second, vec![]),
        (vec![first.clone()], Reader::Normal, turn - lead, vec!["make next"]),
        (vec![first.clone(), next.clone()], Reader::Normal, turn - second, vec![]),
        (vec![first.clone(), next.clone()], Reader::Normal, turn, vec!["rest a"]),
        (vec![first.clone(), next.clone()], Reader::Periodic(DAY), turn, vec![]),
        (vec![first.clone(), next.clone()], Reader::Periodic(DAY), turn - lead + DAY + MINUTE, vec!["rest a"]),
        (vec![first.clone(), next.clone()], Reader::Pinned, turn + 30 * DAY - second, vec![]),
        (vec![first.clone(), next.clone()], Reader::Pinned, turn + 30 * DAY, vec!["rest a"]),
        (vec![resting.clone(), next.clone()], Reader::Normal, turn + 11 * MINUTE - second, vec![]),
        (vec![resting, next], Reader::Normal, turn + 11 * MINUTE, vec!["retire a"]),
    ] {
        assert_eq!(due(&keys, &schedule, &[reading(reader)], at), expected, "{reader} at {}", at.rfc3339());
    }
}

#[test]
fn a_schedule_that_says_never_turns_nothing() {
    let schedule = Schedule { rotate_every: None, ..tokens() };
    assert_eq!(due(&[life("a", NOON, NOON, NOON)], &schedule, &[], NOON + 4000 * DAY), Vec::<String>::new());
}

#[test]
fn a_rotation_waits_until_the_one_before_is_over() {
    let (first, next) = (life("a", NOON, NOON, NOON), life("b", NOON, NOON + MINUTE, NOON + 200 * DAY));
    let now = NOON + 100 * DAY;
    assert_eq!(due(&[first, next], &tokens(), &[reading(Reader::Pinned)], now), Vec::<String>::new());
}

/// A library over time: keys turn by the plan, tokens are signed, and readers hold key sets that they fetched.
struct World {
    schedule: Schedule,
    readers: Vec<Reader>,
    keys: Vec<Life>,
    now: Timestamp,
    /// The published ids from each instant on.
    sets: Vec<(Timestamp, Vec<String>)>,
    /// Who was signed for with what, and when.
    signed: Vec<(Timestamp, Reader, String)>,
}

impl World {
    fn publish(&mut self) {
        let ids = self.keys.iter().filter(|key| key.is_published()).map(|key| key.id.clone()).collect();
        self.sets.push((self.now, ids));
    }

    fn make(&mut self, first: bool) {
        let active_from = if first { self.now } else { self.schedule.had_by_all(self.now) };
        let pinned_from = if first { self.now } else { active_from.max(self.now + self.schedule.pinned_for) };
        self.keys.push(life(&format!("k{}", self.keys.len()), self.now, active_from, pinned_from));
    }

    /// The scheduler looks.
    fn tick(&mut self) {
        let readings: Vec<Reading> = self.readers.iter().map(|reader| reading(*reader)).collect();
        let schedules = Schedules { tokens: self.schedule, ..Schedules::default() };
        for turn in plan(&self.keys.clone(), &schedules, &readings, self.now) {
            let at = self.now;
            match turn {
                Turn::Make { algorithm, first } if algorithm == "ES256" => self.make(first),
                Turn::Make { .. } => {}
                Turn::Rest { id } => self.key(&id).retiring_from = Some(at),
                Turn::Retire { id } => self.key(&id).retired_at = Some(at),
            }
        }
        self.publish();
    }

    fn key(&mut self, id: &str) -> &mut Life {
        self.keys.iter_mut().find(|key| key.id == id).unwrap()
    }

    fn sign(&mut self) {
        for reader in self.readers.clone() {
            let key = signs_for(&self.keys, |_| reader, self.now, self.schedule.margin).expect("somebody always signs");
            self.signed.push((self.now, reader, key.id.clone()));
        }
    }

    /// Every set that a reader may still hold at `at`.
    fn held(&self, reader: Reader, at: Timestamp) -> impl Iterator<Item = &Vec<String>> {
        let oldest = match reader {
            Reader::Normal => at - self.schedule.cache_lifetime,
            Reader::Periodic(every) => at - every.max(self.schedule.cache_lifetime),
            // By the deadline they have read the set once more: since the newest key was published that is theirs.
            Reader::Pinned => {
                let theirs = self.keys.iter().filter(|key| key.from(reader, self.schedule.margin) <= at);
                theirs.map(|key| key.published_at).max().unwrap_or(NOON)
            }
        };
        let first = self.sets.partition_point(|(from, _)| *from <= oldest).saturating_sub(1);
        self.sets[first..].iter().take_while(move |(from, _)| *from <= at).map(|(_, ids)| ids)
    }
}

proptest! {
    /// THE law: at any instant every token signed for a reader verifies by whatever set that reader may hold.
    #[test]
    fn no_token_ever_meets_a_reader_without_its_key(
        periods in prop::collection::vec(1u64..200_000, 0..3),
        pinned in any::<bool>(),
        (cache, margin, every, pinned_for) in (prop_oneof![1u64..60, 1u64..4000], 0u64..300, prop_oneof![1u64..2000, 1u64..500_000], 1u64..600_000),
        // Seconds between looks, and whether the operator rotates by hand; a long one is an outage of the scheduler.
        steps in prop::collection::vec((prop_oneof![1u64..5, 1u64..400, 1u64..90_000], prop::bool::weighted(0.05)), 20..120),
    ) {
        let seconds = Duration::from_secs;
        let schedule = Schedule {
            rotate_every: Some(seconds(every)),
            cache_lifetime: seconds(cache),
            margin: seconds(margin),
            pinned_for: seconds(pinned_for),
        };
        let mut readers: Vec<Reader> = periods.iter().map(|p| Reader::Periodic(seconds(*p))).collect();
        readers.push(Reader::Normal);
        readers.extend(pinned.then_some(Reader::Pinned));
        let mut world = World { schedule, readers, keys: vec![], now: NOON, sets: vec![], signed: vec![] };
        world.tick();
        for (pause, by_hand) in steps {
            // Clicks go on whether or not the scheduler looks.
            world.sign();
            world.now = world.now + seconds(pause);
            world.sign();
            if by_hand {
                world.make(false);
            }
            world.tick();
            world.sign();
        }
        for (at, reader, key) in &world.signed {
            for verified in [Duration::ZERO, seconds(1), LONGEST_TOKEN_LIFE] {
                for set in world.held(*reader, *at + verified) {
                    prop_assert!(set.contains(key), "{reader} was signed for with {key}, and holds {set:?}");
                }
            }
        }
    }

    /// Carrying out what is due leaves nothing due.
    #[test]
    fn a_plan_that_was_carried_out_is_empty(pauses in prop::collection::vec(1u64..9_000_000, 1..12)) {
        let readers = vec![Reader::Normal, Reader::Pinned, Reader::Periodic(DAY)];
        let schedule = tokens();
        let mut world = World { schedule, readers, keys: vec![], now: NOON, sets: vec![], signed: vec![] };
        for pause in pauses {
            world.now = world.now + Duration::from_secs(pause);
            world.tick();
            world.tick();
            let readings: Vec<Reading> = world.readers.iter().map(|reader| reading(*reader)).collect();
            prop_assert_eq!(due(&world.keys, &schedule, &readings, world.now), Vec::<String>::new());
        }
    }
}
