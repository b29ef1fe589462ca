//! The state that every flow shares. No logic: what is done with it belongs to `signon` and the floors above.

use std::sync::{
    Arc, PoisonError, RwLock,
    atomic::{AtomicBool, Ordering},
};

use crate::{
    config::Config,
    directory::source::{Kind, Means, Sources},
    domain::{catalogue::Catalogue, clock::Clock, exchange::Exchange, id::VendorId, key::readings},
    ephemeral::{Recent, Shelf},
    keyring::KeyRing,
    outbound::Outbound,
    pages::Pages,
    store::{self, Db, journal::Journal},
    telemetry::Metrics,
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
    pub sources: Directories,
    /// What passed lately between each vendor and this process.
    pub exchanges: Recent<Exchange>,
    pub leaving: Leaving,
    pub metrics: Arc<Metrics>,
    /// When what a scrape looks up was looked up last.
    pub looked: tokio::sync::Mutex<Option<tokio::time::Instant>>,
}

/// Whether this process was told to end.
#[derive(Default)]
pub struct Leaving(AtomicBool);

/// What a vendor's engineer may look back at.
pub const EXCHANGES: usize = 20;

impl App {
    /// The programme as it is now: one consistent snapshot, to be asked for once per request.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        self.catalogue.now()
    }

    /// This process ends soon: whoever sends readers here should look for another.
    pub fn leave(&self) {
        self.leaving.0.store(true, Ordering::Relaxed);
    }

    pub fn is_leaving(&self) -> bool {
        self.leaving.0.load(Ordering::Relaxed)
    }

    /// Notes what passed between a vendor and us. What only repeats is counted.
    pub fn note(&self, vendor: &VendorId, exchange: Exchange) {
        let Exchange { protocol, step, outcome, .. } = exchange;
        self.metrics.exchanges.count(&[vendor.as_str(), protocol, step, outcome]);
        self.exchanges.note(vendor.as_str(), exchange, |last, next| {
            let repeats = next.repeats(last);
            if repeats {
                (last.at, last.times) = (next.at, last.times.saturating_add(1));
            }
            repeats
        });
    }

    /// Takes up the programme as the database holds it now.
    ///
    /// # Errors
    /// Those of the database; then the programme stays as it was.
    pub async fn reload(&self) -> Result<(), store::Error> {
        let _loading = self.catalogue.loading.lock().await;
        let catalogue = self.store.catalogue().load().await?;
        // A client of a new algorithm is known only once there is a key for it.
        if let Err(error) = self.keyring.turn(&self.store, &readings(&catalogue), self.clock.now()).await {
            tracing::warn!(%error, "keys cannot be turned; they go on as they are");
        }
        self.sources.follow(&catalogue);
        self.catalogue.replace(catalogue);
        Ok(())
    }
}

/// The current catalogue, replaced whole.
#[derive(Default)]
pub struct Programme {
    now: RwLock<Arc<Catalogue>>,
    /// Who loads holds this, so that what was read earlier never replaces what was read later.
    loading: tokio::sync::Mutex<()>,
}

impl Programme {
    pub fn new(catalogue: Catalogue) -> Programme {
        Programme { now: RwLock::new(Arc::new(catalogue)), loading: tokio::sync::Mutex::default() }
    }

    pub fn now(&self) -> Arc<Catalogue> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub fn replace(&self, catalogue: Catalogue) {
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(catalogue);
    }
}

/// The directories of the programme, opened anew where their settings change.
pub struct Directories {
    kinds: Vec<Box<dyn Kind>>,
    means: Means,
    now: RwLock<Arc<Sources>>,
}

impl Directories {
    pub fn new(kinds: Vec<Box<dyn Kind>>, means: Means, catalogue: &Catalogue) -> Directories {
        let now = Sources::default().following(catalogue, &kinds, &means);
        Directories { kinds, means, now: RwLock::new(Arc::new(now)) }
    }

    pub fn now(&self) -> Arc<Sources> {
        self.now.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn follow(&self, catalogue: &Catalogue) {
        let next = self.now().following(catalogue, &self.kinds, &self.means);
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}
