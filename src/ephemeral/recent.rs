//! The last few things of each kind, newest first: for looking at, never for deciding.

use std::{
    collections::{HashMap, VecDeque},
    sync::{Mutex, PoisonError},
};

/// Of each of many, the last few. In this process's memory.
pub struct Recent<T> {
    most: usize,
    of: Mutex<HashMap<String, VecDeque<T>>>,
}

impl<T: Clone> Recent<T> {
    /// `most` of each are kept.
    pub fn new(most: usize) -> Recent<T> {
        Recent { most, of: Mutex::default() }
    }

    /// Keeps `next`, or lets the last one take it up: `joined` says whether it did.
    pub fn note(&self, whose: &str, next: T, joined: impl FnOnce(&mut T, &T) -> bool) {
        let mut of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        if !of.contains_key(whose) {
            of.insert(whose.to_owned(), VecDeque::with_capacity(self.most));
        }
        let Some(rows) = of.get_mut(whose) else { return };
        if rows.front_mut().is_some_and(|last| joined(last, &next)) {
            return;
        }
        rows.truncate(self.most.saturating_sub(1));
        rows.push_front(next);
    }

    /// Newest first.
    pub fn of(&self, whose: &str) -> Vec<T> {
        let of = self.of.lock().unwrap_or_else(PoisonError::into_inner);
        of.get(whose).map(|rows| rows.iter().cloned().collect()).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_few_are_kept_newest_first_and_what_repeats_is_joined() {
        let recent = Recent::new(3);
        for number in [1, 2, 2, 3, 4] {
            recent.note("maple", number, |last, next| *last == *next);
        }
        assert_eq!(recent.of("maple"), [4, 3, 2]);
        assert!(recent.of("oak").is_empty());
    }
}
