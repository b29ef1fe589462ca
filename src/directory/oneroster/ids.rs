//! sourcedIds as numbers: each file's ids are kept once, in one run of text, and everything else holds on to a number.

use std::{
    collections::{HashMap, hash_map::RandomState},
    hash::{BuildHasher, BuildHasherDefault, Hasher},
};

/// Numbers ids from 0 in the order in which they are met.
#[derive(Default)]
pub(in crate::directory) struct Ids {
    /// Keyed by chance, so that no delivery can be made to collide.
    key: RandomState,
    text: String,
    ends: Vec<usize>,
    by_hash: HashMap<u64, u32, BuildHasherDefault<AsItIs>>,
    /// Those whose hash another id had first.
    rest: HashMap<Box<str>, u32>,
}

impl Ids {
    pub fn find(&self, id: &str) -> Option<u32> {
        self.look_up(self.key.hash_one(id), id)
    }

    /// The number of `id`, and whether it is new.
    pub fn number(&mut self, id: &str) -> (u32, bool) {
        let hash = self.key.hash_one(id);
        if let Some(number) = self.look_up(hash, id) {
            return (number, false);
        }
        // No delivery within the caps has 2^32 ids.
        let number = u32::try_from(self.ends.len()).unwrap_or(u32::MAX);
        self.text.push_str(id);
        self.ends.push(self.text.len());
        if *self.by_hash.entry(hash).or_insert(number) != number {
            self.rest.insert(id.into(), number);
        }
        (number, true)
    }

    fn look_up(&self, hash: u64, id: &str) -> Option<u32> {
        match self.by_hash.get(&hash) {
            Some(number) if self.id(*number) == id => Some(*number),
            Some(_) => self.rest.get(id).copied(),
            None => None,
        }
    }

    pub fn id(&self, number: u32) -> &str {
        let number = number as usize;
        let start = number.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or(0);
        self.ends.get(number).and_then(|end| self.text.get(start..*end)).unwrap_or_default()
    }
}

/// Passes on a hash that was made already.
#[derive(Default)]
pub(in crate::directory) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_keeps_its_number() {
        let mut ids = Ids::default();
        let first: Vec<_> = ["a", "b", "", "ab"].map(|id| ids.number(id)).into();
        assert_eq!(first, [(0, true), (1, true), (2, true), (3, true)]);
        assert_eq!((ids.number("b"), ids.find("ab"), ids.find("ba")), ((1, false), Some(3), None));
    }

    #[test]
    fn ids_that_share_a_hash_are_told_apart() {
        let mut ids = Ids::default();
        ids.number("a");
        let clash = ids.key.hash_one("b");
        ids.by_hash.insert(clash, 0);
        assert_eq!((ids.number("b"), ids.number("b")), ((1, true), (1, false)));
        assert_eq!((ids.find("a"), ids.find("b")), (Some(0), Some(1)));
    }
}
