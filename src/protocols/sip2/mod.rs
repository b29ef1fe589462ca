//! SIP2, the library's own language: a vendor's server asks over a connection of its own whether a card and PIN are good.
//! Bytes are `wire::sip2`'s, who may pass is `signon`'s to say; here are sockets, conversations and SIP2's words.

mod conversation;
mod listener;
mod party;
mod patron;
mod rehearse;
mod settings;
mod trial;

use std::sync::Arc;

use axum::Router;

use self::party::Party;
use super::{
    Listener, Misfit, Protocol, Rehearsed, Stage, Voucher,
    asker::{self, Askers},
    registry::Registry,
    trial::{Trial, Trying},
};
use crate::{
    app::App,
    domain::{
        clock::Timestamp,
        field::Field,
        vendor::{RelyingParty, Vendor},
    },
    keyring::KeyRing,
    signon::SignOn,
    wire::sip2::{Date, Zone},
};

/// The name that relying parties are kept under.
const NAME: &str = "sip2";

pub struct Sip2;

impl Protocol for Sip2 {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> &'static [Field] {
        settings::FIELDS
    }

    fn check(&self, vendor: &Vendor, party: &RelyingParty) -> Result<(), Misfit> {
        Party::read(vendor, party).map(drop)
    }

    fn try_out<'a>(&'a self, trial: Trial<'a>) -> Option<Trying<'a>> {
        Some(Box::pin(trial::run(trial)))
    }

    fn routes(&self, _signon: SignOn) -> Router {
        Router::new()
    }

    fn listen(&self, signon: &SignOn) -> Result<Vec<Listener>, String> {
        listener::bind(&Desk::new(signon.clone()))
    }

    fn weaknesses(&self, vendor: &Vendor, party: &RelyingParty, _now: Timestamp) -> Vec<&'static str> {
        let by_address = Party::read(vendor, party).is_ok_and(|party| party.asker.is_known_by_address());
        by_address.then_some("no-password").into_iter().chain(asker::weaknesses(party)).collect()
    }

    fn entrance(&self, issuer: &str, _keyring: &KeyRing, _vendor: &Vendor, _party: &RelyingParty) -> Option<String> {
        let host = url::Url::parse(issuer).ok()?.host_str()?.to_owned();
        Some(format!("SIP2 on {host}, at the port of [sip2]"))
    }

    fn voucher(&self, signon: &SignOn) -> Option<Box<dyn Voucher>> {
        Some(Box::new(Askers::new(signon, NAME, Party::read, |party| &party.asker)))
    }

    fn rehearse(&self, stage: &Stage<'_>, vendor: &Vendor, party: &RelyingParty) -> Option<Rehearsed> {
        Some(rehearse::information(stage, &Party::read(vendor, party).ok()?))
    }
}

/// What every conversation works with. Cheap to clone.
#[derive(Clone)]
struct Desk {
    signon: SignOn,
    parties: Arc<Registry<Party>>,
}

impl Desk {
    fn new(signon: SignOn) -> Desk {
        Desk { signon, parties: Arc::new(Registry::new(NAME, Party::read)) }
    }

    fn app(&self) -> &App {
        self.signon.app()
    }

    /// Now, as the library's clocks show it.
    fn date(&self) -> Date {
        let app = self.app();
        let (date, [hour, minute, second]) = app.config.library.time_zone.civil(app.clock.now());
        Date::from_civil(date.year(), date.month(), date.day(), hour, minute, second, Zone::Local)
    }
}
