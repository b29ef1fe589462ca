//! When wrong tries have been enough: per card, and per (address, PIN), never per address alone,
//! because a whole school sits behind one. Codes that devices show live for minutes and are typed rarely: those count
//! per address, and all together.

use std::time::Duration;

/// How many wrong tries count within which window before the next must wait for the window's end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limit {
    pub tries: u64,
    pub window: Duration,
}

/// The limits of each way to guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Wrong PINs on one card.
    pub card: Limit,
    /// Wrong PINs on a card whose PIN is still the initial one, of which there may be only 366. Beyond these even the
    /// right one is answered like a wrong one.
    pub initial: Limit,
    /// One PIN tried from one address over many cards.
    pub pattern: Limit,
    /// One PIN tried by way of one vendor's server over many cards: a whole district stands behind that address.
    pub server_pattern: Limit,
    /// Wrong codes of devices from one address.
    pub device_code: Limit,
    /// Wrong codes of devices from everywhere.
    pub device_codes: Limit,
}

impl Limit {
    /// # Errors
    /// Seconds until another try counts, where `wrong` tries are enough; `left` is what remains of the window.
    pub fn admits(&self, wrong: u64, left: Duration) -> Result<(), u64> {
        if wrong < self.tries { Ok(()) } else { Err(left.as_secs().max(1)) }
    }

    /// As it holds where counts are remembered for so long only: within the window, who knows how many wrong ones there
    /// were before, so half of the tries are gone.
    #[must_use]
    pub fn remembering(self, since: Duration) -> Limit {
        if since < self.window { Limit { tries: (self.tries / 2).max(1), ..self } } else { self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_try_after_the_last_allowed_one_waits_for_the_window() {
        let limit = Limit { tries: 3, window: Duration::from_secs(60) };
        assert_eq!(limit.admits(2, Duration::from_secs(40)), Ok(()));
        assert_eq!(limit.admits(3, Duration::from_secs(40)), Err(40));
        assert_eq!(limit.admits(9, Duration::from_millis(3)), Err(1));
    }

    #[test]
    fn where_counts_were_forgotten_half_of_the_tries_are_gone_for_a_window() {
        let limit = |tries| Limit { tries, window: Duration::from_secs(60) };
        assert_eq!(limit(6).remembering(Duration::from_secs(59)), limit(3));
        assert_eq!(limit(6).remembering(Duration::from_secs(60)), limit(6));
        assert_eq!(limit(1).remembering(Duration::ZERO), limit(1));
    }
}
