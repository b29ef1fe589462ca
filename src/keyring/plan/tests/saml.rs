//! The same for SAML, where it is known of some parties that they have the next certificate, and others lag behind.

use super::*;
use crate::domain::holding::{Holding, How, held};

fn certificate(id: &str, published_at: Timestamp, active_from: Timestamp, pinned_from: Timestamp) -> Life {
    Life { algorithm: SAML.into(), ..life(id, published_at, active_from, pinned_from) }
}

fn party(name: &str, reader: Reader) -> Reading {
    Reading { party: name.into(), algorithms: vec![SAML.into()], ..reading(reader) }
}

fn holding(party: &str, kid: &str) -> Holding {
    Holding { party: party.into(), kid: kid.into(), how: How::Fetched, at: NOON }
}

#[test]
fn the_certificate_of_before_signs_until_its_last_party_has_the_next_one_or_the_deadline_is_there() {
    let schedules = Schedules::default();
    let active = schedules.saml.had_by_all(NOON);
    let deadline = NOON + 90 * DAY;
    let keys = [certificate("a", NOON - DAY, NOON - DAY, NOON - DAY), certificate("b", NOON, active, deadline)];
    let due = |readings: &[Reading], now| {
        let turns = plan(&keys, &schedules, readings, now).into_iter();
        turns.filter(|turn| !matches!(turn, Turn::Make { .. })).collect::<Vec<_>>()
    };
    let rest = vec![Turn::Rest { id: "a".into() }];
    let mut ready = party("ready", Reader::Pinned);
    ready.holdings = vec![holding("ready", "b")];
    let lagging = party("lagging", Reader::Pinned);
    let second = Duration::from_secs(1);
    for (readings, at, expected) in [
        (vec![ready.clone()], active - second, vec![]),
        (vec![ready.clone()], active, rest.clone()),
        (vec![ready.clone(), lagging.clone()], active, vec![]),
        (vec![ready, lagging], deadline - second, vec![]),
        (vec![party("lagging", Reader::Pinned)], deadline, rest),
    ] {
        assert_eq!(due(&readings, at), expected, "{readings:?} at {}", at.rfc3339());
    }
}

#[derive(Debug, Clone)]
enum Step {
    Pass(u64),
    /// By hand, whether or not one is under way.
    Rotate,
    Fetch(usize),
    /// The deadline of the newest key, from now.
    Defer(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => prop_oneof![1u64..600, 1u64..40_000, 1u64..9_000_000].prop_map(Step::Pass),
        1 => Just(Step::Rotate),
        2 => (0usize..4).prop_map(Step::Fetch),
        1 => (1u64..9_000_000).prop_map(Step::Defer),
    ];
    prop::collection::vec(step, 10..80)
}

/// A library over years.
struct Years {
    schedules: Schedules,
    parties: Vec<Reading>,
    keys: Vec<Life>,
    now: Timestamp,
}

impl Years {
    fn make(&mut self, first: bool) {
        let schedule = self.schedules.saml;
        let active_from = if first { self.now } else { schedule.had_by_all(self.now) };
        let pinned_from = if first { self.now } else { active_from.max(self.now + schedule.pinned_for) };
        self.keys.push(certificate(&format!("k{:03}", self.keys.len()), self.now, active_from, pinned_from));
    }

    fn tick(&mut self) {
        for turn in plan(&self.keys.clone(), &self.schedules, &self.parties, self.now) {
            let now = Some(self.now);
            match turn {
                Turn::Make { algorithm, first } if algorithm == SAML => self.make(first),
                Turn::Make { .. } => {}
                Turn::Rest { id } => self.key(&id).retiring_from = now,
                Turn::Retire { id } => self.key(&id).retired_at = now,
            }
        }
    }

    fn key(&mut self, id: &str) -> &mut Life {
        self.keys.iter_mut().find(|key| key.id == id).unwrap()
    }

    fn go(&mut self, step: &Step) {
        match step {
            Step::Pass(seconds) => self.now = self.now + Duration::from_secs(*seconds),
            Step::Rotate => self.make(false),
            Step::Fetch(place) => {
                let kids: Vec<String> = self.keys.iter().filter(|k| k.is_published()).map(|k| k.kid.clone()).collect();
                let Some(party) = self.parties.get_mut(*place) else { return };
                party.holdings = kids.iter().map(|kid| holding(&party.party, kid)).collect();
            }
            Step::Defer(seconds) => {
                let (now, until) = (self.now, self.now + Duration::from_secs(*seconds));
                let newest =
                    self.keys.iter_mut().filter(|key| key.retiring_from.is_none() && key.is_published()).last();
                if let Some(key) = newest.filter(|key| now < key.pinned_from && key.active_from <= until) {
                    key.pinned_from = until;
                }
            }
        }
    }

    /// The laws, for everybody who is signed for now.
    fn judge(&self) -> Result<(), TestCaseError> {
        let schedule = self.schedules.saml;
        for party in &self.parties {
            let signer = signs_for(&self.keys, |life| party.reader_for(life), self.now, schedule.margin);
            let signer = signer.expect("somebody always signs");
            let has = |life: &Life| held(&party.holdings, &life.kid).is_some();
            prop_assert!(signer.is_published() && signer.retiring_from.is_none());
            let name = &party.party;
            if party.reader == Reader::Pinned {
                prop_assert!(
                    has(signer) || signer.pinned_from <= self.now,
                    "{name} lags behind, and was signed for with {signer:?}"
                );
                let theirs = self.keys.iter().filter(|key| has(key) && key.state(self.now) == State::Active);
                for newer in theirs.filter(|key| key.active_from > signer.active_from) {
                    prop_assert!(false, "{name} has {newer:?}, and was signed for with {signer:?}");
                }
            }
            let first = signer.published_at == signer.active_from;
            prop_assert!(first || schedule.had_by_all(signer.published_at) <= self.now, "too early for {name}");
        }
        Ok(())
    }
}

proptest! {
    /// THE law of certificates: a party that keeps them by hand is never signed for with one that it is not known to
    /// have, before that one's deadline; and with one that it has as soon as everybody is.
    #[test]
    fn a_lagging_party_never_meets_a_certificate_before_its_deadline(
        (every, cache, pinned_for) in (1_000_000u64..90_000_000, 60u64..90_000, 80_000u64..9_000_000),
        steps in steps(),
    ) {
        let seconds = Duration::from_secs;
        let saml = Schedule {
            rotate_every: Some(seconds(every)),
            cache_lifetime: seconds(cache),
            margin: seconds(60),
            pinned_for: seconds(pinned_for),
        };
        let parties = [Reader::Pinned, Reader::Pinned, Reader::Normal, Reader::Periodic(DAY)];
        let parties = parties.iter().enumerate().map(|(place, reader)| party(&format!("sp{place}"), *reader)).collect();
        let schedules = Schedules { saml, ..Schedules::default() };
        let mut years = Years { schedules, parties, keys: vec![], now: NOON };
        years.tick();
        for step in &steps {
            years.go(step);
            years.judge()?;
            years.tick();
            years.judge()?;
        }
    }
}
