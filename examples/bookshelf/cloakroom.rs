//! Keeps things for a while against a ticket that nobody can guess.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

/// A shelf of this size serves a demo; when it is full the oldest make room.
const HOOKS: usize = 10_000;

pub struct Cloakroom<T> {
    keep_for: Duration,
    hooks: Mutex<HashMap<String, (Instant, Arc<T>)>>,
}

impl<T> Cloakroom<T> {
    pub fn new(keep_for: Duration) -> Cloakroom<T> {
        Cloakroom { keep_for, hooks: Mutex::new(HashMap::new()) }
    }

    pub fn keep(&self, ticket: String, thing: T) {
        let mut hooks = self.hooks();
        hooks.retain(|_, (since, _)| since.elapsed() < self.keep_for);
        if hooks.len() >= HOOKS
            && let Some(oldest) = hooks.iter().min_by_key(|(_, (since, _))| *since).map(|(ticket, _)| ticket.clone())
        {
            hooks.remove(&oldest);
        }
        hooks.insert(ticket, (Instant::now(), Arc::new(thing)));
    }

    pub fn look(&self, ticket: &str) -> Option<Arc<T>> {
        let hooks = self.hooks();
        hooks.get(ticket).filter(|(since, _)| since.elapsed() < self.keep_for).map(|(_, thing)| thing.clone())
    }

    /// Hands the thing back, once.
    pub fn take(&self, ticket: &str) -> Option<Arc<T>> {
        let (since, thing) = self.hooks().remove(ticket)?;
        (since.elapsed() < self.keep_for).then_some(thing)
    }

    /// Throws away whatever is like this.
    pub fn forget(&self, like: impl Fn(&T) -> bool) {
        self.hooks().retain(|_, (_, thing)| !like(thing));
    }

    fn hooks(&self) -> MutexGuard<'_, HashMap<String, (Instant, Arc<T>)>> {
        self.hooks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
