//! Which new PINs are too easy, and why.

use crate::domain::card::CardNumber;

/// Shortest and longest PIN that a patron may choose, in characters.
pub const LENGTH: std::ops::RangeInclusive<usize> = 4..=64;

/// # Errors
/// A stable word for the rule that the PIN breaks: `pin-too-short`, `pin-too-long`, `pin-characters`, `pin-repeats`,
/// `pin-runs`, `pin-is-card`, `pin-is-date`.
pub fn acceptable(pin: &str, card: &CardNumber) -> Result<(), &'static str> {
    let pin = pin.trim();
    let length = pin.chars().count();
    if length < *LENGTH.start() {
        return Err("pin-too-short");
    }
    if length > *LENGTH.end() {
        return Err("pin-too-long");
    }
    if pin.chars().any(char::is_control) {
        return Err("pin-characters");
    }
    let bytes = pin.as_bytes();
    let distinct = bytes.iter().collect::<std::collections::BTreeSet<_>>().len();
    if distinct <= 2 {
        return Err("pin-repeats");
    }
    let step = |by: i16| bytes.windows(2).all(|w| matches!(w, [a, b] if i16::from(*b) - i16::from(*a) == by));
    if step(1) || step(-1) {
        return Err("pin-runs");
    }
    let upper = pin.to_ascii_uppercase();
    if card.as_str().contains(&upper) {
        return Err("pin-is-card");
    }
    if is_year_or_birthday(pin) || is_recent_date(pin) {
        return Err("pin-is-date");
    }
    Ok(())
}

/// Four digits that read as a year of the last or this century, or as a day of the year.
fn is_year_or_birthday(pin: &str) -> bool {
    let Ok(number) = pin.parse::<u32>() else { return false };
    let day_of_year = |m: u32, d: u32| (1..=12).contains(&m) && (1..=31).contains(&d);
    pin.len() == 4
        && ((1900..2100).contains(&number)
            || day_of_year(number / 100, number % 100)
            || day_of_year(number % 100, number / 100))
}

/// Eight digits that read as a date of the last or this century: every classmate knows the birthday.
fn is_recent_date(pin: &str) -> bool {
    if pin.len() != 8 || !pin.bytes().all(|b| b.is_ascii_digit()) {
        return false;
    }
    let number = |from: usize, to: usize| pin.get(from..to).and_then(|s| s.parse::<u32>().ok()).unwrap_or(0);
    let plausible =
        |y: u32, m: u32, d: u32| (1900..2100).contains(&y) && (1..=12).contains(&m) && (1..=31).contains(&d);
    let (head, tail) = (number(0, 4), number(4, 8));
    plausible(head, tail / 100, tail % 100)
        || plausible(tail, head / 100, head % 100)
        || plausible(tail, head % 100, head / 100)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pin_that_a_classmate_would_guess_is_too_easy() {
        let card = CardNumber::read("1204417").unwrap();
        for (pin, verdict) in [
            ("739", Err("pin-too-short")),
            ("1234", Err("pin-runs")),
            ("0917", Err("pin-is-date")),
            ("2014", Err("pin-is-date")),
            ("7391", Ok(())),
            ("123456", Err("pin-runs")),
            ("654321", Err("pin-runs")),
            ("111111", Err("pin-repeats")),
            ("121212", Err("pin-repeats")),
            ("204417", Err("pin-is-card")),
            ("1204417", Err("pin-is-card")),
            ("20140917", Err("pin-is-date")),
            ("09172014", Err("pin-is-date")),
            ("739150", Ok(())),
            ("blue whale 7", Ok(())),
        ] {
            assert_eq!(acceptable(pin, &card), verdict, "{pin}");
        }
        assert_eq!(acceptable(&"x7".repeat(40), &card), Err("pin-too-long"));
        assert_eq!(acceptable("739\u{0}150", &card), Err("pin-characters"));
    }
}
