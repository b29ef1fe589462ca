//! Vendors whose servers ask whether a card is good: what SIP2, PATRONAPI and EZproxy know of who asks. How each asks and
//! is answered is in its own folder.

use std::{
    net::{IpAddr, Ipv4Addr},
    sync::Arc,
};

use aws_lc_rs::digest;
use axum::http::HeaderMap;
use serde::Deserialize;
use subtle::ConstantTimeEq;

use super::{
    Misfit, Voucher, Vouching, basic,
    registry::{Read, Registry},
};
use crate::{
    domain::{
        exchange::Exchange,
        field::{Field, Kind},
        id::VendorId,
        network::Network,
        reason::Reason,
        vendor::{RelyingParty, Vendor},
    },
    signon::{Door, Fault, SignOn, Told, visitor::Visitor},
};

pub const ADDRESSES: Field = Field {
    name: "addresses",
    kind: Kind::Networks,
    required: false,
    default: "",
    help: "Where its servers ask from; from anywhere else they are not answered. Without it: from anywhere.",
};

pub const LOOK_UP: Field = Field {
    name: "look_up",
    kind: Kind::Flag,
    required: false,
    default: "false",
    help: "Whether it may look a card up without its PIN. Whoever may do that can find out which numbers are cards.",
};

pub const PATRON_IDENTIFIER: Field = Field {
    name: "patron_identifier",
    kind: Kind::Choice(&["alias", "as-sent"]),
    required: false,
    default: "alias",
    help: "What it gets back to keep: the vendor's own pseudonym of the reader, the same as by every other protocol, or the \
           card number that it sent (of a card with two, the one that is told). It may ask by either later.",
};

/// One vendor's server.
#[derive(Debug)]
pub struct Asker {
    pub vendor: VendorId,
    pub key: String,
    /// Absent where its address alone says who it is.
    secret: Option<[u8; 32]>,
    addresses: Vec<Network>,
    pub look_up: bool,
    identifier: Identifier,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Identifier {
    Alias,
    AsSent,
}

/// As they are kept; defaults are those of the fields above.
#[derive(Deserialize)]
struct Settings {
    #[serde(default)]
    addresses: Vec<String>,
    #[serde(default)]
    look_up: bool,
    #[serde(default = "alias")]
    patron_identifier: Identifier,
}

fn alias() -> Identifier {
    Identifier::Alias
}

impl Asker {
    /// `secret`: the field that holds its secret's hash.
    ///
    /// # Errors
    /// The field that is wrong.
    pub fn read(vendor: &Vendor, party: &RelyingParty, secret: &'static str) -> Result<Asker, Misfit> {
        let misfit = |field, why: String| Misfit { field, why };
        let settings = Settings::deserialize(&party.settings)
            .map_err(|error| misfit(PATRON_IDENTIFIER.name, error.to_string()))?;
        let addresses: Result<Vec<Network>, String> = settings.addresses.iter().map(|text| text.parse()).collect();
        let secret = match party.settings.get(secret).and_then(|hash| hash.as_str()) {
            Some(hash) => {
                let mut bytes = [0; 32];
                hex::decode_to_slice(hash, &mut bytes).map_err(|error| misfit("", error.to_string()))?;
                Some(bytes)
            }
            None => None,
        };
        Ok(Asker {
            vendor: vendor.id.clone(),
            key: party.key.clone(),
            secret,
            addresses: addresses.map_err(|why| misfit(ADDRESSES.name, why))?,
            look_up: settings.look_up,
            identifier: settings.patron_identifier,
        })
    }

    /// Whether it may ask from there.
    pub fn may_come_from(&self, address: IpAddr) -> bool {
        self.addresses.is_empty() || self.addresses.iter().any(|network| network.contains(address))
    }

    /// One that it may come from; absent where it may from anywhere.
    pub fn an_address(&self) -> Option<IpAddr> {
        self.addresses.first().map(Network::address)
    }

    /// Whether its address is all that is asked of it.
    pub fn is_known_by_address(&self) -> bool {
        self.secret.is_none() && !self.addresses.is_empty()
    }

    pub fn has_addresses(&self) -> bool {
        !self.addresses.is_empty()
    }

    pub fn has_secret(&self) -> bool {
        self.secret.is_some()
    }

    /// In constant time.
    pub fn knows(&self, secret: &str) -> bool {
        let shown = digest::digest(&digest::SHA256, secret.as_bytes());
        self.secret.is_some_and(|known| bool::from(known.ct_eq(shown.as_ref())))
    }

    pub fn door(&self, protocol: &'static str) -> Door<'_> {
        Door { vendor: &self.vendor, protocol, relying_party: &self.key }
    }

    /// What the vendor keeps of a reader whom it asked about as `sent`.
    pub fn identifier<'a>(&self, sent: &'a str, told: &'a Told) -> &'a str {
        match self.identifier {
            Identifier::Alias => &told.subject,
            Identifier::AsSent => told.numbers.kept_for(sent),
        }
    }

    /// Notes what came of a question about a card.
    pub fn note_verdict(
        &self,
        signon: &SignOn,
        protocol: &'static str,
        step: &'static str,
        verdict: &Result<Result<Told, Reason>, Fault>,
    ) {
        match verdict {
            Ok(Ok(_)) => self.note(signon, protocol, step, "ok", ""),
            Ok(Err(reason)) => self.note(signon, protocol, step, reason.code(), &reason.to_string()),
            Err(_) => self.note(signon, protocol, step, "server-error", "something broke here, on our side"),
        }
    }

    /// Notes what it asked and what came of it.
    pub fn note(
        &self,
        signon: &SignOn,
        protocol: &'static str,
        step: &'static str,
        outcome: &'static str,
        detail: &str,
    ) {
        let (at, relying_party) = (signon.app().clock.now(), self.key.clone());
        let exchange = Exchange { at, protocol, relying_party, step, outcome, detail: detail.to_owned(), times: 1 };
        signon.app().note(&self.vendor, exchange);
    }
}

/// All vendors that ask by one protocol.
pub struct Askers<P> {
    pub signon: SignOn,
    protocol: &'static str,
    pub parties: Arc<Registry<P>>,
    asker: fn(&P) -> &Asker,
}

impl<P> Clone for Askers<P> {
    fn clone(&self) -> Askers<P> {
        let (signon, parties) = (self.signon.clone(), self.parties.clone());
        Askers { signon, protocol: self.protocol, parties, asker: self.asker }
    }
}

impl<P> Askers<P> {
    pub fn new(signon: &SignOn, protocol: &'static str, read: Read<P>, asker: fn(&P) -> &Asker) -> Askers<P> {
        Askers { signon: signon.clone(), protocol, parties: Arc::new(Registry::new(protocol, read)), asker }
    }

    /// Whose secret stands in an address, where it may come from there.
    ///
    /// # Errors
    /// A fault where the shelf does not answer.
    pub async fn by_secret(&self, secret: &str, visitor: &Visitor) -> Result<Option<Arc<P>>, Fault> {
        let (address, protocol) = (visitor.address, self.protocol);
        let catalogue = self.signon.app().catalogue();
        let look = || self.parties.first(&catalogue, |party| (self.asker)(party).knows(secret));
        let Some(party) = self.signon.try_vendor_secret(address, None, look).await? else {
            tracing::warn!(protocol, %address, "a secret that no vendor has");
            return Ok(None);
        };
        let asker = (self.asker)(&party);
        if !asker.may_come_from(address) {
            tracing::warn!(protocol, %address, vendor = %asker.vendor, "a vendor's server asks from elsewhere");
            asker.note(&self.signon, protocol, "address", "refused", "it asked from an address that is not its own");
            return Ok(None);
        }
        Ok(Some(party))
    }
}

/// Knows a vendor by what its server asks with: its name and its secret.
impl<P: Send + Sync> Voucher for Askers<P> {
    fn vendor<'a>(&'a self, headers: &'a HeaderMap) -> Vouching<'a> {
        /// Whoever guesses here guesses at one name, from wherever.
        const ANYWHERE: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);
        Box::pin(async move {
            let Some((name, secret)) = basic(headers) else { return Ok(None) };
            let Some(party) = self.parties.find(&self.signon.app().catalogue(), &name) else { return Ok(None) };
            let asker = (self.asker)(&party);
            let fits = || asker.knows(&secret).then(|| asker.vendor.clone());
            self.signon.try_vendor_secret(ANYWHERE, Some(&name), fits).await
        })
    }
}

/// What a vendor's server is spared, or trusted with beyond the others, by stable codes.
pub fn weaknesses(party: &RelyingParty) -> impl Iterator<Item = &'static str> {
    let has =
        |name: &str| party.settings.get(name).and_then(|value| value.as_array()).is_some_and(|all| !all.is_empty());
    [
        (!has(ADDRESSES.name), "any-address"),
        (party.settings[LOOK_UP.name] == true, "look-up-without-pin"),
        (party.settings[PATRON_IDENTIFIER.name] == "as-sent", "card-number-kept"),
    ]
    .into_iter()
    .filter_map(|(is, code)| is.then_some(code))
}
