//! What a vendor's engineer may look back at: each visit that a service provider sent us and what came of it, in the
//! words that the service provider got.

use axum::http::HeaderMap;

use super::{
    NAME, Provider,
    error::{Refusal, Status, Stop},
    party::Party,
    publish,
    sso::Going,
};
use crate::{
    domain::exchange::Exchange,
    protocols::{Voucher, Vouching, basic},
};

impl Provider {
    /// Where a browser went that a service provider sent.
    pub(super) fn went(&self, party: &Party, step: &'static str, outcome: &Result<Going, Stop>) {
        match outcome {
            Ok(Going::Back(..)) => self.note(party, step, "ok", "the browser went back with an assertion"),
            Ok(Going::Here(_)) => self.note(party, step, "ok", "the reader was shown a page of ours"),
            Err(Stop::Page(refusal)) => self.refused(party, step, refusal),
            Err(Stop::Tell(_, status)) => self.told(party, step, status),
            Err(Stop::Broken(_)) => self.note(party, step, "server_error", "something broke here, on our side"),
        }
    }

    pub(super) fn refused(&self, party: &Party, step: &'static str, refusal: &Refusal) {
        self.note(party, step, refusal.code, &refusal.hint);
    }

    pub(super) fn told(&self, party: &Party, step: &'static str, status: &Status) {
        self.note(party, step, status.code(), &status.hint);
    }

    pub(super) fn note(&self, party: &Party, step: &'static str, outcome: &'static str, detail: &str) {
        let (relying_party, detail) = (party.key.clone(), detail.to_owned());
        let exchange = Exchange { at: self.now(), protocol: NAME, relying_party, step, outcome, detail, times: 1 };
        self.app().note(&party.vendor, exchange);
    }
}

/// Service providers, by the address of our metadata that is theirs alone: its last part is a password for HTTP Basic,
/// whatever the name.
pub(super) struct OfServiceProviders(pub Provider);

impl Voucher for OfServiceProviders {
    fn vendor<'a>(&'a self, headers: &'a HeaderMap) -> Vouching<'a> {
        let found = basic(headers).and_then(|(_, password)| publish::whose(&self.0, &password));
        Box::pin(std::future::ready(Ok(found.map(|party| party.vendor.clone()))))
    }
}
