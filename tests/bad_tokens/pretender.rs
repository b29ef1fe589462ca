//! Somebody who publishes keys as a library does, and is none. The test holds the private halves.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::{SystemTime, UNIX_EPOCH},
};

use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use super::keys::{Keys, b64};
use crate::actors::{RelyingParty, Stock, StockClient};

pub struct Pretender {
    issuer: String,
    keys: Arc<Keys>,
    visits: Arc<AtomicUsize>,
    server: JoinHandle<()>,
}

impl Pretender {
    pub async fn start() -> Pretender {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let issuer = format!("http://{}", listener.local_addr().unwrap());
        let (keys, visits) = (Arc::new(Keys::new()), Arc::new(AtomicUsize::new(0)));
        let (jwks, discovery, count) = (jwks_of(&keys), discovery_of(&issuer), visits.clone());
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(move || async move { Json(discovery) }))
            .route(
                "/jwks",
                get(move || async move {
                    count.fetch_add(1, Ordering::Relaxed);
                    Json(jwks)
                }),
            );
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Pretender { issuer, keys, visits, server }
    }

    pub fn keys_url(&self) -> String {
        format!("{}/jwks", self.issuer)
    }

    /// How often somebody read the keys.
    pub fn visits(&self) -> usize {
        self.visits.load(Ordering::Relaxed)
    }

    pub fn jwks(&self) -> Value {
        jwks_of(&self.keys)
    }

    pub fn trusted(&self) -> &Keys {
        &self.keys
    }

    /// One that a vendor's API takes, as the library makes them.
    pub fn access_token(&self) -> String {
        let claims = json!({
            "iss": self.issuer, "sub": "reader", "aud": [self.resource(), self.issuer], "client_id": "maple-web",
            "scope": "openid library.ebooks", "jti": "j1", "iat": now(), "auth_time": now(), "exp": now() + 3600,
            "acr": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
        });
        self.signed("ES256", "at+jwt", &claims)
    }

    pub fn id_token(&self) -> String {
        let claims = json!({
            "iss": self.issuer, "sub": "reader", "aud": "maple-web", "nonce": "n", "iat": now(), "exp": now() + 3600,
        });
        self.signed("RS256", "JWT", &claims)
    }

    /// A stock client that takes this for its library.
    pub fn client(&self, stock: Stock) -> Option<StockClient> {
        let party = RelyingParty {
            vendor: "maple".into(),
            client_id: "maple-web".into(),
            client_secret: Some("a-secret-of-nobody".into()),
            auth_method: "client_secret_basic".into(),
            redirect_uri: "https://maple.example/callback".into(),
        };
        StockClient::start_at(stock, &self.issuer, &party)
    }

    fn resource(&self) -> String {
        format!("{}/vendors/maple", self.issuer)
    }

    fn signed(&self, alg: &str, typ: &str, claims: &Value) -> String {
        let header = json!({ "alg": alg, "typ": typ, "kid": alg });
        let signed = format!("{}.{}", b64(header.to_string()), b64(claims.to_string()));
        format!("{signed}.{}", self.keys.seal(alg, &signed))
    }
}

impl Drop for Pretender {
    fn drop(&mut self) {
        self.server.abort();
    }
}

fn jwks_of(keys: &Keys) -> Value {
    json!({ "keys": [keys.jwk("ES256", "ES256"), keys.jwk("RS256", "RS256")] })
}

fn discovery_of(issuer: &str) -> Value {
    json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"), "response_types_supported": ["code"],
        "subject_types_supported": ["pairwise"], "id_token_signing_alg_values_supported": ["RS256"],
        "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": true,
    })
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}
