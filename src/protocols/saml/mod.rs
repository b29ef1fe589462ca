//! SAML 2.0: we are the identity provider, vendors are service providers that are known by their metadata. Owns SAML's
//! words and bytes; who may pass is `signon`'s to say, and what signs is the key ring's.

mod attributes;
mod context;
mod difference;
pub mod documents;
mod error;
mod examine;
mod exchanges;
mod farewell;
mod goodbye;
mod message;
mod names;
mod party;
mod publish;
mod rehearse;
mod request;
mod respond;
mod settings;
mod slo;
mod sso;
mod turning;
mod weaknesses;

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    extract::{ConnectInfo, DefaultBodyLimit},
    http::HeaderMap,
};
use serde_json::{Value, json};

use self::{
    error::Refusal,
    party::{Parties, Party},
};
use super::{Examination, Misfit, Protocol, Rehearsed, Stage, Voucher};
use crate::{
    app::App,
    domain::{
        clock::Timestamp,
        field::Field,
        scope::Scopes,
        vendor::{RelyingParty, Vendor},
    },
    keyring::{KeyRing, SamlSigner},
    outbound::Outbound,
    signon::{Fault, SignOn, farewell::Farewell, visitor::Visitor},
};

/// The name that relying parties and grants are kept under.
const NAME: &str = "saml";
/// Where requests arrive.
const SSO: &str = "/saml/sso";
const SLO: &str = "/saml/slo";
const METADATA: &str = "/saml/metadata";

/// As the whole house has it (`web::guard`). Base64 and escapes leave some 45 KiB for the XML, which no request needs.
const BODY_LIMIT: usize = 64 * 1024;

/// Our own name, which is where our metadata is.
fn entity_id(issuer: &str) -> String {
    format!("{issuer}{METADATA}")
}

pub struct Saml;

impl Protocol for Saml {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> &'static [Field] {
        settings::FIELDS
    }

    fn key(&self, settings: &Value) -> Result<String, Misfit> {
        party::key(settings)
    }

    fn check(&self, vendor: &Vendor, party: &RelyingParty) -> Result<(), Misfit> {
        Party::read(vendor, party, "https://issuer.example").map(drop)
    }

    fn routes(&self, signon: SignOn) -> Router {
        let provider = Provider::new(signon);
        let all = publish::routes().merge(sso::routes()).merge(slo::routes());
        all.layer(DefaultBodyLimit::max(BODY_LIMIT)).with_state(provider)
    }

    fn entrance(&self, issuer: &str, keyring: &KeyRing, _vendor: &Vendor, party: &RelyingParty) -> Option<String> {
        Some(publish::address(issuer, keyring, &party.key))
    }

    fn rehearse(&self, stage: &Stage<'_>, vendor: &Vendor, party: &RelyingParty) -> Option<Rehearsed> {
        let party = Party::read(vendor, party, stage.issuer).ok()??;
        Some(rehearse::assertion(stage, &party))
    }

    fn examine<'a>(&'a self, vendor: &'a Vendor, party: &'a RelyingParty, outbound: &'a Outbound) -> Examination<'a> {
        Box::pin(examine::service_provider(vendor, party, outbound))
    }

    fn opds(&self, issuer: &str) -> Option<Value> {
        Some(json!({
            "type": "http://librarysimplified.org/authtype/SAML-2.0",
            "description": "Sign in on the library's page",
            "links": [
                { "rel": "authenticate", "href": format!("{issuer}{SSO}"), "type": "text/html" },
                { "rel": "describedby", "href": entity_id(issuer), "type": "application/samlmetadata+xml" },
            ],
        }))
    }

    fn voucher(&self, signon: &SignOn) -> Option<Box<dyn Voucher>> {
        Some(Box::new(exchanges::OfServiceProviders(Provider::new(signon.clone()))))
    }

    fn tend(&self, signon: &SignOn) {
        tokio::spawn(documents::keep_fresh(signon.clone()));
    }

    fn weaknesses(&self, _vendor: &Vendor, party: &RelyingParty, now: Timestamp) -> Vec<&'static str> {
        weaknesses::of(party, now)
    }

    fn farewell(&self, issuer: &str) -> Option<Box<dyn Farewell>> {
        Some(Box::new(farewell::Goodbyes::new(issuer)))
    }
}

/// What every endpoint works with. Cheap to clone.
#[derive(Clone)]
struct Provider {
    signon: SignOn,
    parties: Arc<Parties>,
    published: Arc<publish::Published>,
}

impl Provider {
    fn new(signon: SignOn) -> Provider {
        let parties = Arc::new(Parties::new(&signon.app().config.issuer));
        Provider { signon, parties, published: Arc::default() }
    }

    fn app(&self) -> &App {
        self.signon.app()
    }

    fn issuer(&self) -> &str {
        &self.app().config.issuer
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.issuer())
    }

    fn now(&self) -> Timestamp {
        self.app().clock.now()
    }

    fn visitor(&self, headers: &HeaderMap, peer: Peer) -> Visitor {
        Visitor::from_request(self.app(), headers, peer.0.ip())
    }

    /// The service provider of this entityID.
    fn asking(&self, entity_id: &str) -> Result<Arc<Party>, Refusal> {
        let unknown = || Refusal::new("unknown-service-provider", format!("{entity_id:?} is not known here"));
        let party = self.parties.find(&self.app().catalogue(), entity_id).ok_or_else(unknown)?;
        if party.is_expired(self.now()) {
            let hint = "the vendor's metadata is no longer valid, and no newer could be fetched";
            return Err(Refusal::new("metadata-expired", hint));
        }
        Ok(party)
    }

    /// Our key for this service provider, as it stands in its rollover.
    fn signer(&self, party: &Party, now: Timestamp) -> Result<SamlSigner, Fault> {
        let signer = self.app().keyring.saml_signer(party.reader, &party.key, now);
        signer.ok_or_else(|| Fault::Broken("there is no key for SAML".into()))
    }

    /// Scopes by every name that is in use for them now.
    fn spelled(&self, scopes: &Scopes) -> Vec<String> {
        let spelled = self.app().catalogue().spelled(scopes, self.now());
        spelled.split_whitespace().map(str::to_owned).collect()
    }
}

type Peer = ConnectInfo<SocketAddr>;
