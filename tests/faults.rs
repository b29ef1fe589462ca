//! What is promised when things break: a process, the database, the shelf, the clock, the disk. Real ones of each, under
//! load; and then everything that anybody was told is looked for. `scripts/soak` tells the same for longer.

mod clock;
mod crowd;
mod disk;
mod imports;
mod killed;
mod ledger;
mod once;
mod parts;
mod races;
mod rolling;
mod servers;

use std::time::{Duration, Instant};

/// Rounds of one experiment: a few, or with `ONEACCESS_SOAK_MINUTES` as many as fit.
struct Rounds {
    least: usize,
    until: Instant,
    done: usize,
}

impl Rounds {
    fn at_least(least: usize) -> Rounds {
        let minutes = std::env::var("ONEACCESS_SOAK_MINUTES").ok().and_then(|text| text.parse::<u64>().ok());
        Rounds { least, until: Instant::now() + Duration::from_secs(60 * minutes.unwrap_or_default()), done: 0 }
    }
}

impl Iterator for Rounds {
    type Item = usize;

    fn next(&mut self) -> Option<usize> {
        let round = self.done;
        self.done += 1;
        (round < self.least || Instant::now() < self.until).then_some(round)
    }
}
