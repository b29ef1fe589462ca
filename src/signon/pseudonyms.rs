//! Who stands behind a pseudonym, for vendors that ask by the one that they keep. It cannot be turned back, so all of a
//! vendor's are made and looked through; nothing that says who was ever told of to whom is kept anywhere.

use std::{
    collections::HashMap,
    sync::{Arc, PoisonError, RwLock},
    time::{Duration, Instant},
};

use tokio::sync::Mutex;

use super::{Fault, SignOn, known::Generation};
use crate::{
    domain::id::{PatronId, VendorUid},
    policy::subject::Subject,
};

/// Indexes of the vendors that asked, each made when it is first needed.
#[derive(Default)]
pub(super) struct Pseudonyms {
    of: RwLock<HashMap<VendorUid, Arc<Index>>>,
    /// One is made at a time.
    making: Mutex<()>,
}

struct Index {
    /// Who came later is not in it.
    generation: Generation,
    made_at: Instant,
    /// Sorted.
    rows: Vec<(Subject, PatronId)>,
}

/// A vendor that asks for names that nobody has must not keep a core busy; nobody is asked for by name within seconds of
/// coming onto a roster.
const AT_MOST_EVERY: Duration = Duration::from_secs(10);

impl Index {
    fn is_good_enough(&self, now: Generation) -> bool {
        self.generation == now || self.made_at.elapsed() < AT_MOST_EVERY
    }

    fn find(&self, subject: &Subject) -> Option<PatronId> {
        let at = self.rows.binary_search_by(|(known, _)| known.cmp(subject)).ok()?;
        self.rows.get(at).map(|(_, patron)| *patron)
    }
}

impl SignOn {
    /// The patron whom this vendor knows by `subject`.
    pub(super) async fn patron_named(&self, vendor: VendorUid, subject: &Subject) -> Result<Option<PatronId>, Fault> {
        let known = |index: &Arc<Index>| index.find(subject);
        if let Some(patron) = self.index(vendor).as_ref().and_then(known) {
            return Ok(Some(patron));
        }
        let _making = self.0.pseudonyms.making.lock().await;
        let generation = self.0.known.generation();
        if let Some(index) = self.index(vendor).filter(|index| index.is_good_enough(generation)) {
            return Ok(index.find(subject));
        }
        let patrons = self.app().store.patrons().all_ids().await?;
        let key = self.app().keyring.pseudonym_key().clone();
        let made = tokio::task::spawn_blocking(move || {
            let named = patrons.into_iter().map(|patron| (Subject::of(&key, vendor, patron), patron));
            let mut rows: Vec<(Subject, PatronId)> = named.collect();
            rows.sort_unstable_by_key(|(subject, _)| *subject);
            Index { generation, made_at: Instant::now(), rows }
        });
        let index = Arc::new(made.await.map_err(|error| Fault::Broken(error.to_string()))?);
        let found = index.find(subject);
        self.0.pseudonyms.of.write().unwrap_or_else(PoisonError::into_inner).insert(vendor, index);
        Ok(found)
    }

    fn index(&self, vendor: VendorUid) -> Option<Arc<Index>> {
        self.0.pseudonyms.of.read().unwrap_or_else(PoisonError::into_inner).get(&vendor).cloned()
    }
}
