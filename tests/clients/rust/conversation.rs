//! The vendor in Rust, told what to do as `tests/actors/stock.rs` says, without a process of its own.

use std::sync::RwLock;

use anyhow::{Context, Result};
use openidconnect::{OAuth2TokenResponse, TokenResponse};
use serde_json::{Value, json};
use url::Url;

use super::{
    library::RelyingParty,
    rust_vendor::{self, Session},
    vendor::{json_of, payload_of},
};

pub struct RustVendor {
    library: rust_vendor::Library,
    session: Option<Session>,
}

impl RustVendor {
    pub fn new(issuer: &str, party: &RelyingParty) -> RustVendor {
        let library = rust_vendor::Library {
            issuer: issuer.to_owned(),
            client_id: party.client_id.clone(),
            client_secret: party.client_secret.clone().unwrap_or_default(),
            redirect_uri: party.redirect_uri.clone(),
            resource: format!("{issuer}/vendors/{}", party.vendor),
            known: RwLock::new(None),
        };
        RustVendor { library, session: None }
    }

    pub async fn answer(&mut self, message: &Value) -> Result<Value> {
        if let Some(callback) = message["callback"].as_str() {
            let query = query_of(callback)?;
            let session = self.session.take().context("no sign-in was begun")?;
            let (person, tokens) = self.library.callback(query, session).await?;
            let id_token = tokens.id_token().context("no ID token")?.to_string();
            let scopes: Vec<&str> = tokens.scopes().into_iter().flatten().map(|s| s.as_str()).collect();
            return Ok(json!({
                "claims": payload_of(&id_token), "userinfo": person, "scope": scopes.join(" "),
                "token_type": tokens.token_type(), "access_token": tokens.access_token().secret(), "id_token": id_token,
            }));
        }
        if let Some(token) = message["verify"].as_str() {
            let discovery = json_of(&format!("{}/.well-known/openid-configuration", self.library.issuer)).await;
            let keys = serde_json::from_value(json_of(discovery["jwks_uri"].as_str().unwrap()).await)?;
            let token = self.library.reader(token, &keys)?;
            return Ok(json!({ "claims": {
                "iss": token.iss, "sub": token.sub, "client_id": token.client_id, "scope": token.scope,
            }}));
        }
        let (url, session) = self.library.sign_in().await?;
        self.session = Some(session);
        Ok(json!({ "authorize": url }))
    }
}

fn query_of<T: serde::de::DeserializeOwned>(address: &str) -> Result<T> {
    let pairs: serde_json::Map<String, Value> =
        Url::parse(address)?.query_pairs().map(|(n, v)| (n.into_owned(), Value::String(v.into_owned()))).collect();
    Ok(serde_json::from_value(Value::Object(pairs))?)
}
