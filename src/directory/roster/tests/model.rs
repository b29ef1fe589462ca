//! Random nights beside a model that is too simple to be wrong: a map, and a stack of maps.

use std::collections::{BTreeMap, BTreeSet};

use super::*;
use crate::directory::Person;

type State = BTreeMap<String, Seen>;

#[derive(Debug, Clone, PartialEq)]
struct Seen {
    name: String,
    card: String,
    present: bool,
}

/// A small generator, so that a failing seed tells the whole story.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn night(dice: &mut Dice) -> Vec<Person> {
    let mut people = Vec::new();
    for i in 0..12 {
        if dice.roll(4) == 0 {
            continue;
        }
        // Mostly one's own number, sometimes another's, sometimes none.
        let id = if dice.roll(3) > 0 { i } else { dice.roll(14) };
        let mut person = pupil(&format!("u{i}"), &id.to_string()).on_line(i + 2);
        person.given_name = format!("Name {}", dice.roll(2));
        person.enabled = dice.roll(10) > 0;
        if dice.roll(12) == 0 {
            person.identifier = None;
        }
        if dice.roll(12) == 0 {
            person = person.at("far");
        }
        people.push(person);
    }
    people
}

fn after(state: &State, people: &[Person]) -> State {
    let here: Vec<&Person> = people.iter().filter(|p| p.enabled && *p.posts[0].org != *"far").collect();
    let staying: BTreeSet<&str> = here.iter().map(|p| p.sourced_id.as_str()).collect();
    let mut next = state.clone();
    let mut owner: BTreeMap<String, String> = BTreeMap::new();
    for (id, seen) in &mut next {
        if seen.present && staying.contains(id.as_str()) {
            owner.insert(seen.card.clone(), id.clone());
        }
        seen.present &= staying.contains(id.as_str());
    }
    for person in here {
        let Some(card) = person.identifier.clone() else { continue };
        let id = person.sourced_id.clone();
        if *owner.entry(card.clone()).or_insert_with(|| id.clone()) == id {
            next.insert(id, Seen { name: person.given_name.clone(), card, present: true });
        }
    }
    next
}

async fn shown(house: &House) -> State {
    let seen = |record: crate::store::patrons::PatronRecord| Seen {
        name: record.patron.given_name,
        card: record.patron.card.into(),
        present: record.patron.standing == Standing::Enrolled,
    };
    house.everybody().await.into_iter().map(|(id, record)| (id, seen(record))).collect()
}

async fn play(house: &House, seed: u64, nights: usize) {
    let mut dice = Dice(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1);
    let mut history: Vec<State> = vec![State::new()];
    let mut patrons = BTreeMap::new();
    for _ in 0..nights {
        match dice.roll(5) {
            0 if history.len() > 1 => {
                house.merge().undo(&house.source, None, false).await.unwrap();
                history.pop();
            }
            1 => {
                let people = fixture::delivery(night(&mut dice));
                house.merge().stage(&house.source, "died", people, YES).await.unwrap();
                house.clock.advance(Duration::from_secs(61));
            }
            _ => {
                let people = night(&mut dice);
                let next = after(history.last().unwrap(), &people);
                let done = house.import(people, YES).await.unwrap();
                let present = next.values().filter(|seen| seen.present).count() as u64;
                assert_eq!(done.preview.totals.present_after, present, "seed {seed}");
                history.push(next);
            }
        }
        let state = history.last().unwrap();
        assert_eq!(shown(house).await, *state, "seed {seed}");
        for card in 0..14 {
            let card = card.to_string();
            let found = house.by_card(&card).await.map(|r| (r.patron.sourced_id, r.patron.standing));
            let holders: Vec<_> = state.iter().filter(|(_, seen)| seen.card == card).collect();
            let present: Vec<_> = holders.iter().filter(|(_, seen)| seen.present).collect();
            assert!(present.len() < 2, "seed {seed}: two hold {card}");
            match present.first() {
                Some((id, _)) => assert_eq!(found, Some(((*id).clone(), Standing::Enrolled)), "seed {seed}"),
                None => assert_eq!(found.is_some(), !holders.is_empty(), "seed {seed}"),
            }
        }
        for (id, record) in house.everybody().await {
            assert_eq!(*patrons.entry(id).or_insert(record.patron.id), record.patron.id, "seed {seed}");
        }
    }
}

#[tokio::test]
async fn after_any_nights_and_undos_the_roster_shows_what_the_model_says() {
    for seed in 1..=12 {
        // A PostgreSQL database takes a while to make.
        let engines = if seed > 4 { 1 } else { 2 };
        for house in houses().await.into_iter().take(engines) {
            play(&house, seed, 12).await;
        }
    }
}
