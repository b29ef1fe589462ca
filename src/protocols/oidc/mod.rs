//! OpenID Connect Core: the authorization code flow, tokens, userinfo, logout, discovery. Owns OAuth's words and bytes;
//! who may pass is `signon`'s to say, and what signs is the key ring's.

mod authorize;
mod claims_request;
mod client;
mod client_assertion;
mod client_auth;
mod client_keys;
mod code;
mod device;
mod discovery;
mod dpop;
mod end_session;
mod error;
mod examine;
mod exchanges;
mod introspect;
mod logout;
mod params;
mod presented;
mod pushed;
mod redirect;
mod refresh;
mod registration;
mod request;
mod request_object;
mod resume;
mod revoke;
mod settings;
mod terms;
mod token;
mod tokens;
mod userinfo;
mod weaknesses;

use std::sync::Arc;

use axum::{
    Router,
    extract::{ConnectInfo, DefaultBodyLimit},
    http::HeaderMap,
    routing::{get, post},
};
use serde_json::{Value, json};

use self::{client::Clients, discovery::KeySet};
use super::{Examination, Misfit, Protocol, Voucher, answer::Kept};
use crate::{
    app::App,
    domain::{
        clock::Timestamp,
        field::Field,
        vendor::{RelyingParty, Vendor},
    },
    keyring::KeyRing,
    outbound::Outbound,
    signon::{SignOn, farewell::Farewell, visitor::Visitor},
};

/// The name that relying parties and grants are kept under.
const NAME: &str = "oidc";

/// A form of ours is small; more is refused before it is read.
const BODY_LIMIT: usize = 32 * 1024;

pub struct Oidc;

impl Protocol for Oidc {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> &'static [Field] {
        settings::FIELDS
    }

    fn check(&self, vendor: &Vendor, party: &RelyingParty) -> Result<(), Misfit> {
        client::Client::read(vendor, party, "https://issuer.example").map(drop)
    }

    fn weaknesses(&self, _vendor: &Vendor, party: &RelyingParty, _now: Timestamp) -> Vec<&'static str> {
        weaknesses::of(&party.settings)
    }

    fn examine<'a>(&'a self, vendor: &'a Vendor, party: &'a RelyingParty, outbound: &'a Outbound) -> Examination<'a> {
        Box::pin(examine::client(vendor, party, outbound))
    }

    fn routes(&self, signon: SignOn) -> Router {
        let provider = Provider::new(signon);
        let mut router = Router::new();
        if provider.app().config.oidc.dynamic_registration {
            router = router.route("/oidc/register", post(registration::register)).route(
                "/oidc/register/{client_id}",
                get(registration::read).put(registration::replace).delete(registration::remove),
            );
        }
        router
            .route("/.well-known/openid-configuration", get(discovery::configuration))
            .route("/oidc/jwks", get(discovery::jwks))
            .route("/oidc/authorize", get(authorize::arrive).post(authorize::arrive_by_post))
            .route("/oidc/resume/{ticket}", get(resume::resume))
            .route("/oidc/token", post(token::token))
            .route("/oidc/introspect", post(introspect::introspect))
            .route("/oidc/revoke", post(revoke::revoke))
            .route("/oidc/par", post(pushed::push))
            .route("/oidc/device-authorization", post(device::authorize))
            .route("/oidc/device/{ticket}", get(device::page::resume))
            .route(device::PATH, get(device::page::show))
            .route(device::page::CONNECTED, get(device::page::connected))
            .route(device::page::DECLINED, get(device::page::declined))
            .route("/oidc/userinfo", get(userinfo::userinfo).post(userinfo::userinfo))
            .route("/oidc/end-session", get(end_session::arrive).post(end_session::arrive_by_post))
            .layer(DefaultBodyLimit::max(BODY_LIMIT))
            .with_state(provider)
    }

    fn entrance(&self, issuer: &str, _keyring: &KeyRing, _vendor: &Vendor, _party: &RelyingParty) -> Option<String> {
        Some(format!("{issuer}/.well-known/openid-configuration"))
    }

    fn opds(&self, issuer: &str) -> Option<Value> {
        Some(json!({
            "type": "http://palaceproject.io/authtype/OpenIDConnect",
            "description": "Sign in on the library's page",
            "links": [
                { "rel": "authenticate", "href": format!("{issuer}/oidc/authorize"), "type": "text/html" },
                { "rel": "http://openid.net/specs/connect/1.0/issuer", "href": issuer },
                { "rel": "describedby", "href": format!("{issuer}/.well-known/openid-configuration"),
                  "type": "application/json" },
            ],
        }))
    }

    fn voucher(&self, signon: &SignOn) -> Option<Box<dyn Voucher>> {
        Some(Box::new(exchanges::OfClients(Provider::new(signon.clone()))))
    }

    fn farewell(&self, issuer: &str) -> Option<Box<dyn Farewell>> {
        Some(Box::new(logout::Logout::new(issuer)))
    }
}

/// What every endpoint works with. Cheap to clone.
#[derive(Clone)]
struct Provider {
    signon: SignOn,
    clients: Arc<Clients>,
    client_keys: Arc<client_keys::Fetched>,
    discovery: Arc<Option<Kept>>,
    key_set: Arc<KeySet>,
}

impl Provider {
    fn new(signon: SignOn) -> Provider {
        let issuer = signon.app().config.issuer.as_str();
        let registration = signon.app().config.oidc.dynamic_registration;
        let (clients, discovery) = (Clients::new(issuer), discovery::document(issuer, registration));
        Provider {
            signon,
            clients: Arc::new(clients),
            client_keys: Arc::default(),
            discovery: Arc::new(discovery),
            key_set: Arc::default(),
        }
    }

    fn app(&self) -> &App {
        self.signon.app()
    }

    fn issuer(&self) -> &str {
        &self.app().config.issuer
    }

    fn now(&self) -> Timestamp {
        self.app().clock.now()
    }

    fn client(&self, id: &str) -> Option<Arc<client::Client>> {
        self.clients.find(&self.app().catalogue(), id)
    }

    fn visitor(&self, headers: &HeaderMap, peer: Peer) -> Visitor {
        Visitor::from_request(self.app(), headers, peer.0.ip())
    }
}

type Peer = ConnectInfo<std::net::SocketAddr>;

#[cfg(test)]
mod tests;
