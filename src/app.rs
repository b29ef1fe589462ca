//! The state that every flow shares. No logic: what is done with it belongs to `signon` and the floors above.

use std::sync::{Arc, RwLock};

use crate::{
    config::Config,
    domain::{catalogue::Catalogue, clock::Clock},
    ephemeral::Shelf,
    keyring::KeyRing,
    pages::Pages,
    store::Store,
};

pub struct App {
    pub config: Config,
    pub clock: Clock,
    pub store: Store,
    pub shelf: Shelf,
    pub keyring: KeyRing,
    pub pages: Pages,
    catalogue: RwLock<Arc<Catalogue>>,
}

impl App {
    /// The programme as it is now: one consistent snapshot, to be asked for once per request.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        match self.catalogue.read() {
            Ok(now) => now.clone(),
            Err(poisoned) => poisoned.into_inner().clone(),
        }
    }
}
