//! Chance that comes out the same every time: splitmix64, written out here so that no update of a package changes who
//! lives in the district.

/// A stream of numbers that follows from its seeds alone.
pub(super) struct Chance(u64);

impl Chance {
    pub fn of(seeds: &[u64]) -> Chance {
        Chance(seeds.iter().fold(0x1ACC_E550_0000_0001, |state, seed| mix(state ^ mix(*seed))))
    }

    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        mix(self.0)
    }

    /// A number below `end`, which is at least 1.
    pub fn below(&mut self, end: usize) -> usize {
        // Multiply and keep the high half: even enough for any district.
        let wide = u128::from(self.next()) * end as u128;
        usize::try_from(wide >> 64).unwrap_or(0)
    }

    pub fn one_in(&mut self, many: usize) -> bool {
        self.below(many) == 0
    }

    /// One of `all`, which is not empty.
    pub fn pick<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all.get(self.below(all.len())).copied().unwrap_or_default()
    }
}

fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
