//! By which names vendors ask for scopes. Remembered here at each request, written down at intervals: a click pays
//! nothing for it, and what a crash loses is the last minute.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use super::{Fault, SignOn};
use crate::{
    domain::{
        catalogue::Catalogue,
        clock::Timestamp,
        id::{ScopeName, VendorId},
        scope::Scopes,
    },
    store::scopes::LastAsked,
};

/// How exact what is written down is.
const EXACT: Duration = Duration::from_secs(60);

#[derive(Default)]
pub(super) struct Asked(Mutex<HashMap<VendorId, HashMap<ScopeName, Seen>>>);

struct Seen {
    last: Timestamp,
    written: Option<Timestamp>,
}

impl SignOn {
    /// A vendor that may ask for `may_ask` sent `words`, space-delimited. Names that are retired count as well: whoever
    /// still sends one is who must be told. Anybody can type a vendor's request, so this is advice, not proof.
    pub fn note_asked(&self, vendor: &VendorId, may_ask: &Scopes, words: &str) {
        let app = self.app();
        self.0.asked.note(&app.catalogue(), vendor, may_ask, words, app.clock.now());
    }

    /// Writes down what is new by more than a minute.
    ///
    /// # Errors
    /// A fault where the store does not answer; then it is still to be written.
    pub async fn write_down_asked(&self) -> Result<(), Fault> {
        self.write_down(EXACT).await
    }

    /// Writes down all of it: the process is ending.
    ///
    /// # Errors
    /// As `write_down_asked`.
    pub async fn write_down_all_asked(&self) -> Result<(), Fault> {
        self.write_down(Duration::from_millis(1)).await
    }

    async fn write_down(&self, exact: Duration) -> Result<(), Fault> {
        let due = self.0.asked.due(exact);
        if due.is_empty() {
            return Ok(());
        }
        self.app().store.scopes_asked().note(&due).await.inspect_err(|_| self.0.asked.unwritten(&due))?;
        Ok(())
    }
}

impl Asked {
    fn note(&self, catalogue: &Catalogue, vendor: &VendorId, may_ask: &Scopes, words: &str, now: Timestamp) {
        let ours = |name: &&str| catalogue.scope_named(name).is_some_and(|named| may_ask.contains(&named.scope));
        for name in words.split(' ').filter(ours) {
            let mut all = self.lock();
            if let Some(seen) = all.get_mut(vendor.as_str()).and_then(|names| names.get_mut(name)) {
                seen.last = seen.last.max(now);
            } else if let Ok(name) = name.parse() {
                all.entry(vendor.clone()).or_default().insert(name, Seen { last: now, written: None });
            }
        }
    }

    /// What has moved by at least `exact` since it was written, as if it were written now.
    fn due(&self, exact: Duration) -> Vec<LastAsked> {
        let mut due = Vec::new();
        for (vendor, names) in self.lock().iter_mut() {
            for (name, seen) in names {
                if seen.written.is_none_or(|written| seen.last.since(written) >= exact) {
                    seen.written = Some(seen.last);
                    due.push(LastAsked { vendor: vendor.to_string(), name: name.to_string(), at: seen.last });
                }
            }
        }
        due
    }

    fn unwritten(&self, asked: &[LastAsked]) {
        let mut all = self.lock();
        for LastAsked { vendor, name, .. } in asked {
            if let Some(seen) = all.get_mut(vendor.as_str()).and_then(|names| names.get_mut(name.as_str())) {
                seen.written = None;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<VendorId, HashMap<ScopeName, Seen>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::scope::Scope;

    const NOW: Timestamp = Timestamp(1_800_000_000_000);

    fn catalogue() -> Catalogue {
        let mut catalogue = Catalogue::default();
        for name in ["library.ebooks", "library.checkout"] {
            let name: ScopeName = name.parse().unwrap();
            catalogue.scopes.insert(name.clone().into(), Scope::new(name, None));
        }
        catalogue.indexed()
    }

    #[test]
    fn a_name_is_written_down_once_and_then_by_the_minute() {
        let (asked, catalogue, maple) = (Asked::default(), catalogue(), "maple".parse().unwrap());
        let may_ask = ["library.ebooks".parse().unwrap()].into_iter().collect();
        let ask = |at| asked.note(&catalogue, &maple, &may_ask, "openid library.ebooks library.checkout x", at);
        let due = |exact| asked.due(exact).into_iter().map(|a| (a.name, a.at)).collect::<Vec<_>>();
        let ebooks = |at| vec![("library.ebooks".to_owned(), at)];
        ask(NOW);
        assert_eq!(due(EXACT), ebooks(NOW), "neither what the vendor may not ask for, nor what is nobody's");
        ask(NOW + Duration::from_secs(59));
        assert_eq!(due(EXACT), []);
        assert_eq!(due(Duration::from_millis(1)), ebooks(NOW + Duration::from_secs(59)), "at the end");
        ask(NOW + Duration::from_secs(119));
        let written = asked.due(EXACT);
        assert_eq!(written.len(), 1);
        asked.unwritten(&written);
        assert_eq!(asked.due(EXACT), written, "what the store did not take is still to be written");
    }
}
