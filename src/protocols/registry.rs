//! The relying parties of one protocol, read once for each state of the catalogue.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError, RwLock},
};

use super::Misfit;
use crate::domain::{
    catalogue::Catalogue,
    vendor::{RelyingParty, Vendor},
};

/// How a protocol reads a party of its own.
pub type Read<P> = fn(&Vendor, &RelyingParty) -> Result<P, Misfit>;

pub struct Registry<P> {
    protocol: &'static str,
    read: Read<P>,
    now: RwLock<Option<Arc<Snapshot<P>>>>,
}

struct Snapshot<P> {
    of: Arc<Catalogue>,
    parties: BTreeMap<String, Arc<P>>,
}

impl<P> Registry<P> {
    pub fn new(protocol: &'static str, read: Read<P>) -> Registry<P> {
        Registry { protocol, read, now: RwLock::default() }
    }

    /// `None` where the catalogue has no such party. One whose settings cannot be read is none either.
    pub fn find(&self, catalogue: &Arc<Catalogue>, key: &str) -> Option<Arc<P>> {
        self.snapshot(catalogue).parties.get(key).cloned()
    }

    /// The first that fits, in the order of keys.
    pub fn first(&self, catalogue: &Arc<Catalogue>, fits: impl Fn(&P) -> bool) -> Option<Arc<P>> {
        self.snapshot(catalogue).parties.values().find(|party| fits(party)).cloned()
    }

    /// Whether any fits.
    pub fn any(&self, catalogue: &Arc<Catalogue>, fits: impl Fn(&P) -> bool) -> bool {
        self.snapshot(catalogue).parties.values().any(|party| fits(party))
    }

    fn snapshot(&self, catalogue: &Arc<Catalogue>) -> Arc<Snapshot<P>> {
        let kept = self.now.read().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(snapshot) = kept.filter(|snapshot| Arc::ptr_eq(&snapshot.of, catalogue)) {
            return snapshot;
        }
        let fresh = Arc::new(self.read(catalogue));
        *self.now.write().unwrap_or_else(PoisonError::into_inner) = Some(fresh.clone());
        fresh
    }

    fn read(&self, catalogue: &Arc<Catalogue>) -> Snapshot<P> {
        let mut parties = BTreeMap::new();
        for vendor in catalogue.vendors.values() {
            for party in vendor.relying_parties.iter().filter(|party| party.protocol == self.protocol) {
                match (self.read)(vendor, party) {
                    Ok(read) => drop(parties.insert(party.key.clone(), Arc::new(read))),
                    Err(misfit) => tracing::error!(protocol = self.protocol, key = party.key, %misfit, "left out"),
                }
            }
        }
        Snapshot { of: catalogue.clone(), parties }
    }
}
