//! Vendors that take readers as they come: `/go/{vendor}` sends whoever is signed in to an address that says, in one of
//! four ways, that the library vouches. From the best to the weakest: a link that we sign, a ticket for EZproxy, a page that
//! the vendor knows its readers come from, a card number to type in.

mod address;
mod go;
mod party;
mod rehearse;
mod settings;
mod sign;
mod target;
mod ticket;

use std::{net::SocketAddr, sync::Arc};

use axum::{Router, extract::ConnectInfo, routing::get};

use self::party::{Kind, Party};
use super::{Misfit, Protocol, Rehearsed, Stage, registry::Registry};
use crate::{
    app::App,
    domain::{
        clock::Timestamp,
        field::Field,
        vendor::{RelyingParty, Vendor},
    },
    keyring::KeyRing,
    signon::SignOn,
};

/// The name that relying parties and grants are kept under.
const NAME: &str = "link";

pub struct Link;

impl Protocol for Link {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> &'static [Field] {
        settings::FIELDS
    }

    fn check(&self, vendor: &Vendor, party: &RelyingParty) -> Result<(), Misfit> {
        let links = vendor.relying_parties.iter().filter(|other| other.protocol == NAME).count();
        if links > 1 {
            // There is one way to a vendor, `/go/VENDOR`.
            return Err(Misfit { field: "id", why: "is a second link of this vendor, which can have one".into() });
        }
        Party::read(vendor, party).map(drop)
    }

    fn routes(&self, signon: SignOn) -> Router {
        let desk = Desk { signon, parties: Arc::new(Registry::new(NAME, Party::read)) };
        Router::new().route("/go/{vendor}", get(go::go)).route("/go/back/{ticket}", get(go::back)).with_state(desk)
    }

    fn weaknesses(&self, vendor: &Vendor, party: &RelyingParty, _now: Timestamp) -> Vec<&'static str> {
        let kind = Party::read(vendor, party).map(|party| party.kind);
        let weakness = match kind {
            Ok(Kind::Referrer(_)) => Some("referrer-alone"),
            Ok(Kind::Card) => Some("card-pattern"),
            Ok(Kind::EzProxy(proxy)) if proxy.digest.is_weak() => Some("ticket-sha1"),
            _ => None,
        };
        weakness.into_iter().collect()
    }

    fn entrance(&self, issuer: &str, _keyring: &KeyRing, vendor: &Vendor, _party: &RelyingParty) -> Option<String> {
        Some(format!("{issuer}/go/{}", vendor.id))
    }

    fn rehearse(&self, stage: &Stage<'_>, vendor: &Vendor, party: &RelyingParty) -> Option<Rehearsed> {
        Some(rehearse::address(stage, &Party::read(vendor, party).ok()?))
    }

    fn secret(&self, keyring: &KeyRing, vendor: &Vendor, party: &RelyingParty) -> Option<String> {
        let read = Party::read(vendor, party).ok()?;
        matches!(read.kind, Kind::Signed(_) | Kind::EzProxy(_)).then(|| sign::secret(keyring, vendor.uid, &read))
    }
}

#[derive(Clone)]
struct Desk {
    signon: SignOn,
    parties: Arc<Registry<Party>>,
}

impl Desk {
    fn app(&self) -> &App {
        self.signon.app()
    }
}

type Peer = ConnectInfo<SocketAddr>;
