//! Counts wrong tries on the shelf and asks `policy::throttle` whether one more may count.
//! A try is counted before its PIN is looked at and given back when it was right, so that guesses sent side by side
//! gain nothing.

use std::net::IpAddr;

use aws_lc_rs::digest;

use super::Fault;
use crate::{
    domain::{pin::KeyedPin, reason::Reason},
    ephemeral::{Namespace, Shelf},
    policy::throttle::{Limit, Limits},
};

/// One counted try, to be given back when it was right.
#[derive(Debug)]
pub struct Try {
    card: String,
    pattern: Option<String>,
    pair: String,
}

/// Counts a try of `typed` (the card as typed, known or not) with this PIN from this address.
///
/// # Errors
/// Inside: `TooManyTries` where enough wrong ones were made already; such a try is not looked at.
pub async fn admit(
    shelf: &Shelf,
    limits: &Limits,
    typed: &str,
    pattern: &KeyedPin,
    address: IpAddr,
) -> Result<Result<Try, Reason>, Fault> {
    let card = format!("card {}", short_hash(typed));
    let place = network(address);
    let over_many_cards = format!("pattern {place} {}", pattern.hex());
    let pair = format!("pair {place} {} {}", pattern.hex(), short_hash(typed));

    let (before, left) = shelf.count(Namespace::Throttle, &over_many_cards, 0, limits.pattern.window).await?;
    if let Err(retry_after) = limits.pattern.admits(before, left) {
        return Ok(Err(Reason::TooManyTries { retry_after }));
    }
    let (tries, left) = shelf.count(Namespace::Throttle, &card, 1, limits.card.window).await?;
    if let Err(retry_after) = limits.card.admits(tries.saturating_sub(1), left) {
        return Ok(Err(Reason::TooManyTries { retry_after }));
    }
    // The same PIN on the same card again says nothing about other cards.
    let first = shelf.put_new(Namespace::Throttle, &pair, Vec::new(), limits.pattern.window).await?;
    let pattern = match first {
        true => {
            shelf.count(Namespace::Throttle, &over_many_cards, 1, limits.pattern.window).await?;
            Some(over_many_cards)
        }
        false => None,
    };
    Ok(Ok(Try { card, pattern, pair }))
}

/// The try was never looked at, because the machine was too busy: it does not count.
pub async fn take_back(shelf: &Shelf, counted: Try) -> Result<(), Fault> {
    shelf.give_back(Namespace::Throttle, &counted.card, 1).await?;
    if let Some(pattern) = counted.pattern {
        shelf.give_back(Namespace::Throttle, &pattern, 1).await?;
        shelf.forget(Namespace::Throttle, &counted.pair).await?;
    }
    Ok(())
}

/// The try was right: the card's counter is cleared and the pattern's count is given back.
pub async fn right(shelf: &Shelf, counted: Try) -> Result<(), Fault> {
    shelf.forget(Namespace::Throttle, &counted.card).await?;
    if let Some(pattern) = counted.pattern {
        shelf.give_back(Namespace::Throttle, &pattern, 1).await?;
        shelf.forget(Namespace::Throttle, &counted.pair).await?;
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
fn network(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(v4) => v4.to_string(),
        IpAddr::V6(v6) => format!("{:x?}/64", &v6.segments()[..4]),
    }
}

fn short_hash(text: &str) -> String {
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
        Limits { card: within_an_hour(6), initial: within_an_hour(12), pattern: within_an_hour(10) }
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
            assert!(door.knock("4417", &format!("90{guess}7"), SCHOOL).await.is_ok());
        }
        assert!(matches!(door.knock("4417", "right", SCHOOL).await, Err(Reason::TooManyTries { .. })));
        for classmate in 0..200 {
            let one = door.knock(&format!("5{classmate:03}"), &format!("pin {classmate}"), SCHOOL).await;
            right(&door.shelf, one.unwrap()).await.unwrap();
        }
    }

    #[tokio::test]
    async fn one_pin_tried_over_many_cards_is_caught() {
        let door = Door::new();
        let mut admitted = 0;
        for card in 0..100 {
            admitted += u64::from(door.knock(&format!("6{card:03}"), "654987", SCHOOL).await.is_ok());
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
            right(&door.shelf, one).await.unwrap();
        }
    }

    #[tokio::test]
    async fn a_neighbour_in_the_same_network_is_the_same_place() {
        assert_eq!(network("2001:db8:1:2::9".parse().unwrap()), network("2001:db8:1:2:ffff::1".parse().unwrap()));
        assert_ne!(network("2001:db8:1:2::9".parse().unwrap()), network("2001:db8:1:3::9".parse().unwrap()));
        assert_eq!(network("::ffff:203.0.113.7".parse().unwrap()), network(SCHOOL.parse().unwrap()));
    }
}
