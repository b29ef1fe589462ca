//! A client's own public keys: registered with it, or fetched from its `jwks_uri` and kept for a while.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use serde::de::DeserializeOwned;

use super::{Provider, client::Client};
use crate::{
    domain::clock::Timestamp,
    wire::jose::{Accept, Foreign, PublicJwks, Refused},
};

/// A key set serves this long before it is fetched again.
const KEPT: Duration = Duration::from_secs(10 * 60);
/// A token with an unknown key makes us look again, but not more often than this.
const LOOK_AGAIN: Duration = Duration::from_secs(30);
pub(super) const LARGEST: usize = 64 * 1024;

/// Where a client's keys are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Keys {
    None,
    Here(Arc<PublicJwks>),
    /// `jwks_uri`.
    At(String),
}

/// Why a client's token is not taken.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unverified {
    #[error("the client registered no keys")]
    NoKeys,
    #[error("its jwks_uri cannot be used ({0})")]
    Unreachable(String),
    #[error(transparent)]
    Refused(#[from] Refused),
}

/// What was fetched, by address. Each address has a lock of its own: a slow vendor keeps nobody else waiting.
#[derive(Default)]
pub(super) struct Fetched(Mutex<HashMap<String, Arc<tokio::sync::Mutex<Option<Kept>>>>>);

struct Kept {
    at: Timestamp,
    keys: Result<Arc<PublicJwks>, String>,
}

/// Header and claims of a token that `client` signed.
pub(super) async fn verify<T: DeserializeOwned>(
    provider: &Provider,
    client: &Client,
    token: &str,
    accept: &Accept<'_>,
) -> Result<(Foreign, T), Unverified> {
    let uri = match &client.keys {
        Keys::None => return Err(Unverified::NoKeys),
        Keys::Here(keys) => return Ok(keys.verify(token, accept)?),
        Keys::At(uri) => uri,
    };
    let known = provider.client_keys.get(provider, uri, KEPT).await?;
    match known.verify(token, accept) {
        Err(Refused::UnknownKey) => {
            Ok(provider.client_keys.get(provider, uri, LOOK_AGAIN).await?.verify(token, accept)?)
        }
        outcome => Ok(outcome?),
    }
}

impl Fetched {
    /// Not older than `age`. A failure is remembered as long as an unknown key would be.
    async fn get(&self, provider: &Provider, uri: &str, age: Duration) -> Result<Arc<PublicJwks>, Unverified> {
        let slot = self.0.lock().unwrap_or_else(|e| e.into_inner()).entry(uri.to_owned()).or_default().clone();
        let mut slot = slot.lock().await;
        let now = provider.now();
        let fresh = slot.as_ref().filter(|kept| {
            let age = if kept.keys.is_ok() { age } else { LOOK_AGAIN };
            now.apart(kept.at) < age
        });
        let keys = match fresh {
            Some(kept) => kept.keys.clone(),
            None => {
                let keys = fetch(provider, uri).await;
                if let Err(why) = &keys {
                    tracing::warn!(uri, why, "a client's keys cannot be fetched");
                }
                // Keys that were good an hour ago beat none: the vendor's web server may be away.
                let old = slot.take().and_then(|kept| kept.keys.ok());
                let keys = keys.or_else(|why| old.ok_or(why));
                *slot = Some(Kept { at: now, keys: keys.clone() });
                keys
            }
        };
        keys.map_err(Unverified::Unreachable)
    }
}

async fn fetch(provider: &Provider, uri: &str) -> Result<Arc<PublicJwks>, String> {
    let fetched =
        provider.app().outbound.get_json(uri, LARGEST).await.map_err(|refused| refused.code().into_owned())?;
    read(&fetched.body)
}

/// What a `jwks_uri` answered.
pub(super) fn read(body: &[u8]) -> Result<Arc<PublicJwks>, String> {
    let set = serde_json::from_slice(body).map_err(|_| "no-json".to_owned())?;
    PublicJwks::read(&set).map(Arc::new).map_err(|bad| bad.to_string())
}
