//! The state that every flow shares. No logic: what is done with it belongs to `signon` and the floors above.

use std::sync::{Arc, PoisonError, RwLock};

use crate::{
    config::Config,
    domain::{catalogue::Catalogue, clock::Clock},
    ephemeral::Shelf,
    keyring::KeyRing,
    outbound::Outbound,
    pages::Pages,
    store::{Db, journal::Journal},
};

pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub store: Db,
    pub journal: Journal,
    pub shelf: Shelf,
    pub keyring: KeyRing,
    pub outbound: Outbound,
    pub pages: Pages,
    pub catalogue: Programme,
}

impl App {
    /// The programme as it is now: one consistent snapshot, to be asked for once per request.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.now()
    }
}

/// The current catalogue, replaced whole.
#[derive(Default)]
pub struct Programme(RwLock<Arc<Catalogue>>);

impl Programme {
    pub fn new(catalogue: Catalogue) -> Programme {
        Programme(RwLock::new(Arc::new(catalogue)))
    }

    pub fn now(&self) -> Arc<Catalogue> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn replace(&self, catalogue: Catalogue) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
    }
}
