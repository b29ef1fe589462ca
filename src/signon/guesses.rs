//! Counts wrong tries on the shelf and asks `policy::throttle` whether one more may be looked at.
//! A try that is being looked at takes a place until it is known to be right or wrong, and no more places are given
//! than wrong tries are left: guesses sent side by side gain nothing, and right ones only wait for each other.

use std::{
    net::IpAddr,
    time::{Duration, Instant},
};

use aws_lc_rs::digest;

use super::Fault;
use crate::{
    domain::{pin::KeyedPin, reason::Reason},
    ephemeral::{Namespace, Shelf},
    policy::throttle::{Limit, Limits},
};

/// A try that is being looked at. Ends with `right`, `wrong` or `unseen`.
#[derive(Debug)]
pub struct Try {
    /// Wrong PINs on the card, and one PIN over many cards.
    gates: [Gate; 2],
    /// This PIN on this card from this place: said twice, it says nothing about other cards.
    pair: String,
}

#[derive(Debug)]
pub(super) struct Gate {
    pub key: String,
    pub limit: Limit,
}

/// No look takes longer; a place that was never given back is free again after this.
const LOOK: Duration = Duration::from_secs(30);
/// How long a try waits for a place, and after what pauses it asks again: many who wait must not keep the shelf busy.
const PATIENCE: Duration = Duration::from_secs(10);
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(160);

/// Takes a place for a try of `typed` (the card as typed, known or not) with this PIN from this address.
///
/// # Errors
/// Inside: `TooManyTries` where enough wrong ones were made already; such a try is not looked at. `Busy` where so many
/// are being looked at that no place came free.
pub async fn admit(
    shelf: &Shelf,
    limits: &Limits,
    typed: &str,
    pattern: &KeyedPin,
    address: IpAddr,
) -> Result<Result<Try, Reason>, Fault> {
    let gates = gates(limits, typed, pattern, address);
    let pair = format!("pair {} {} {}", network(address), pattern.hex(), short_hash(typed));
    Ok(enter(shelf, &gates).await?.map(|()| Try { gates, pair }))
}

/// Whether a try would be looked at now. Takes no place.
pub async fn are_open(
    shelf: &Shelf,
    limits: &Limits,
    typed: &str,
    pattern: &KeyedPin,
    address: IpAddr,
) -> Result<bool, Fault> {
    let since = shelf.remembers_since().await?;
    for gate in gates(limits, typed, pattern, address) {
        let (wrong, left) = gate.wrong(shelf, 0).await?;
        if gate.limit.remembering(since).admits(wrong, left).is_err() {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Limits {
    /// For tries that come by way of a vendor's server.
    pub(super) fn of_servers(self) -> Limits {
        Limits { pattern: self.server_pattern, ..self }
    }
}

fn gates(limits: &Limits, typed: &str, pattern: &KeyedPin, address: IpAddr) -> [Gate; 2] {
    [
        Gate { key: format!("card {}", short_hash(typed)), limit: limits.card },
        Gate { key: format!("pattern {} {}", network(address), pattern.hex()), limit: limits.pattern },
    ]
}

/// Takes a place at every gate, or at none.
pub(super) async fn enter(shelf: &Shelf, gates: &[Gate]) -> Result<Result<(), Reason>, Fault> {
    let (began, mut pause) = (Instant::now(), FIRST_PAUSE);
    let since = shelf.remembers_since().await?;
    loop {
        let mut beside = Vec::with_capacity(gates.len());
        for gate in gates {
            beside.push(gate.enter(shelf).await?);
        }
        let mut free = true;
        for (gate, beside) in gates.iter().zip(beside) {
            let (wrong, left) = gate.wrong(shelf, 0).await?;
            let limit = gate.limit.remembering(since);
            if let Err(retry_after) = limit.admits(wrong, left) {
                leave(shelf, gates).await?;
                return Ok(Err(Reason::TooManyTries { retry_after }));
            }
            free &= wrong + beside <= limit.tries;
        }
        if free {
            return Ok(Ok(()));
        }
        leave(shelf, gates).await?;
        if began.elapsed() > PATIENCE {
            return Err(Fault::Busy { retry_after: 2 });
        }
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

impl Try {
    /// The card's count is cleared.
    pub async fn right(self, shelf: &Shelf) -> Result<(), Fault> {
        let [card, _] = &self.gates;
        shelf.forget(Namespace::Throttle, &card.key).await?;
        leave(shelf, &self.gates).await
    }

    /// Counted before its places are given back, so that nobody slips in between.
    pub async fn wrong(self, shelf: &Shelf) -> Result<(), Fault> {
        let [card, pattern] = &self.gates;
        card.wrong(shelf, 1).await?;
        if shelf.put_new(Namespace::Throttle, &self.pair, Vec::new(), pattern.limit.window).await? {
            pattern.wrong(shelf, 1).await?;
        }
        leave(shelf, &self.gates).await
    }

    /// Never looked at, because the machine was too busy: it does not count.
    pub async fn unseen(self, shelf: &Shelf) -> Result<(), Fault> {
        leave(shelf, &self.gates).await
    }
}

impl Gate {
    /// How many are being looked at, this one included.
    async fn enter(&self, shelf: &Shelf) -> Result<u64, Fault> {
        Ok(shelf.count(Namespace::Throttle, &self.looked_at(), 1, LOOK).await?.0)
    }

    pub async fn wrong(&self, shelf: &Shelf, by: u64) -> Result<(u64, Duration), Fault> {
        Ok(shelf.count(Namespace::Throttle, &self.key, by, self.limit.window).await?)
    }

    fn looked_at(&self) -> String {
        format!("looking {}", self.key)
    }
}

pub(super) async fn leave(shelf: &Shelf, gates: &[Gate]) -> Result<(), Fault> {
    for gate in gates {
        shelf.give_back(Namespace::Throttle, &gate.looked_at(), 1).await?;
    }
    Ok(())
}

/// Whether a card with an initial PIN has seen too many wrong tries today. Not told to anybody: a threshold of its
/// own would show which cards still have such a PIN.
pub async fn initial_is_worn(shelf: &Shelf, limit: &Limit, typed: &str, wrong: u64) -> Result<bool, Fault> {
    let key = format!("initial {}", short_hash(typed));
    let (tries, _) = shelf.count(Namespace::Throttle, &key, wrong, limit.window).await?;
    Ok(tries > limit.tries)
}

/// An IPv6 host owns its whole /64; counting single addresses there would count nothing.
pub(super) fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("{:x?}/64", &v6.segments()[..4]),
    }
}

pub(super) fn short_hash(text: &str) -> String {
    let upper = text.trim().to_ascii_uppercase();
    hex::encode(digest::digest(&digest::SHA256, upper.as_bytes()).as_ref().get(..16).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::pin::PinKey;

    const SCHOOL: &str = "203.0.113.7";

    struct Door {
        shelf: Shelf,
        limits: Limits,
        key: PinKey,
    }

    fn limits() -> Limits {
        let within_an_hour = |tries| Limit { tries, window: std::time::Duration::from_secs(3600) };
        Limits {
            card: within_an_hour(6),
            initial: within_an_hour(12),
            pattern: within_an_hour(10),
            server_pattern: within_an_hour(30),
            device_code: within_an_hour(30),
            device_codes: within_an_hour(300),
        }
    }

    impl Door {
        fn new() -> Door {
            Door { shelf: Shelf::default(), limits: limits(), key: PinKey::new(b"k") }
        }

        async fn knock(&self, card: &str, pin: &str, from: &str) -> Result<Try, Reason> {
            let pattern = self.key.pattern(pin);
            admit(&self.shelf, &self.limits, card, &pattern, from.parse().unwrap()).await.unwrap()
        }
    }

    #[tokio::test]
    async fn a_child_who_guesses_locks_out_her_card_and_not_her_school() {
        let door = Door::new();
        for guess in 0..door.limits.card.tries {
            let one = door.knock("4417", &format!("90{guess}7"), SCHOOL).await;
            one.unwrap().wrong(&door.shelf).await.unwrap();
        }
        assert!(matches!(door.knock("4417", "right", SCHOOL).await, Err(Reason::TooManyTries { .. })));
        for classmate in 0..200 {
            let one = door.knock(&format!("5{classmate:03}"), &format!("pin {classmate}"), SCHOOL).await;
            one.unwrap().right(&door.shelf).await.unwrap();
        }
    }

    #[tokio::test]
    async fn one_pin_tried_over_many_cards_is_caught() {
        let door = Door::new();
        let mut admitted = 0;
        for card in 0..100 {
            if let Ok(one) = door.knock(&format!("6{card:03}"), "654987", SCHOOL).await {
                admitted += 1;
                one.wrong(&door.shelf).await.unwrap();
            }
        }
        assert_eq!(admitted, door.limits.pattern.tries);
        assert!(door.knock("6999", "another", SCHOOL).await.is_ok());
        assert!(door.knock("6998", "654987", "198.51.100.3").await.is_ok());
    }

    #[tokio::test]
    async fn a_right_pin_clears_the_count() {
        let door = Door::new();
        for _ in 0..50 {
            let one = door.knock("4417", "739150", SCHOOL).await.unwrap();
            one.right(&door.shelf).await.unwrap();
        }
    }

    #[tokio::test]
    async fn guesses_side_by_side_gain_nothing_and_right_pins_only_wait() {
        let door = std::sync::Arc::new(Door::new());
        for right in [true, false] {
            let tries: Vec<_> = (0..40)
                .map(|n| {
                    let door = door.clone();
                    tokio::spawn(async move {
                        let Ok(one) = door.knock("4417", &format!("pin {right} {n}"), SCHOOL).await else { return 0 };
                        tokio::task::yield_now().await;
                        let ended = if right { one.right(&door.shelf).await } else { one.wrong(&door.shelf).await };
                        ended.map_or(0, |()| 1)
                    })
                })
                .collect();
            let mut admitted = 0;
            for one in tries {
                admitted += one.await.unwrap();
            }
            assert_eq!(admitted, if right { 40 } else { door.limits.card.tries });
        }
    }

    #[tokio::test]
    async fn a_neighbour_in_the_same_network_is_the_same_place() {
        assert_eq!(network("2001:db8:1:2::9".parse().unwrap()), network("2001:db8:1:2:ffff::1".parse().unwrap()));
        assert_ne!(network("2001:db8:1:2::9".parse().unwrap()), network("2001:db8:1:3::9".parse().unwrap()));
        assert_eq!(network("::ffff:203.0.113.7".parse().unwrap()), network(SCHOOL.parse().unwrap()));
    }
}
