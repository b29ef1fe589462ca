//! What a vendor's page makes a browser post comes without our `SameSite=Lax` cookie. It is kept until the browser is back
//! with a GET that it is sent to, which has the cookie.

use std::time::Duration;

use serde::{Serialize, de::DeserializeOwned};

use super::{
    Provider,
    error::{Refusal, Stop},
    respond::broken,
};
use crate::{domain::handle, ephemeral::Namespace, signon::Fault};

/// How long a browser may take.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// Where the browser goes to be heard again: a ticket below the endpoint `at` to which it posted.
pub(super) async fn kept(provider: &Provider, at: &str, said: &impl Serialize) -> Result<String, Fault> {
    let path = path(at, &handle::random()?);
    let bytes = serde_json::to_vec(said).map_err(|e| broken("what was posted cannot be kept", &e))?;
    provider.app().shelf.put(Namespace::PostedRequest, &path, bytes, PATIENCE).await?;
    Ok(path)
}

/// What was said, once.
///
/// # Errors
/// `Refusal`, where nothing waits under this ticket of that endpoint.
pub(super) async fn taken<T: DeserializeOwned>(provider: &Provider, at: &str, ticket: &str) -> Result<T, Stop> {
    let bytes = provider.app().shelf.take(Namespace::PostedRequest, &path(at, ticket)).await?;
    let bytes = bytes.ok_or_else(Refusal::over)?;
    serde_json::from_slice(&bytes).map_err(|e| Stop::Broken(broken("what was posted cannot be read", &e)))
}

fn path(at: &str, ticket: &str) -> String {
    format!("{at}/{ticket}")
}
