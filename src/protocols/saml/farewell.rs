//! How a service provider is told that a session has ended: by a visit of the patron's browser, where its metadata names
//! a place for that. From here to there it cannot be told; its own session ends by SessionNotOnOrAfter.

use super::{NAME, goodbye, party::Parties};
use crate::{
    app::App,
    signon::farewell::{Farewell, Leaving, Telling, Untold, Ways},
};

/// The page from which the browser leaves.
pub(super) const VISIT: &str = "/saml/slo/visit/";

pub(super) struct Goodbyes {
    parties: Parties,
}

impl Goodbyes {
    pub fn new(issuer: &str) -> Goodbyes {
        Goodbyes { parties: Parties::new(issuer) }
    }
}

impl Farewell for Goodbyes {
    fn protocol(&self) -> &'static str {
        NAME
    }

    fn ways(&self, app: &App, leaving: &Leaving) -> Ways {
        let party = self.parties.by_key(&app.catalogue(), &leaving.relying_party);
        let listens = party.is_some_and(|party| goodbye::place(&party).is_some());
        Ways { by_visit: listens.then_some(VISIT), ..Ways::default() }
    }

    fn tell<'a>(&'a self, _app: &'a App, _leaving: &'a Leaving) -> Telling<'a> {
        Box::pin(std::future::ready(Err(Untold::Ever("by-browser-alone".into()))))
    }
}
