//! Pushed authorization requests (RFC 9126): the client brings its request by itself, authenticated, and the browser
//! carries nothing but its name.

use std::time::Duration;

use aws_lc_rs::digest;
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Provider,
    client::Client,
    client_auth, dpop,
    error::{Error, Failure, Stop, no_store},
    params::Params,
    request::{checked, registered_address},
    request_object, token,
};
use crate::{domain::handle, ephemeral::Namespace, signon::Fault};

/// RFC 9126 section 2.2: a browser needs a moment.
const LIFE: Duration = Duration::from_secs(90);
/// Once the browser has arrived: as long as somebody may take to sign in.
const PATIENCE: Duration = Duration::from_secs(30 * 60);
/// As vendors look back at it.
const STEP: &str = "pushed authorization request";
pub(super) const URN: &str = "urn:ietf:params:oauth:request_uri:";

#[derive(Serialize, Deserialize)]
struct Pushed {
    client_id: String,
    /// As one query.
    params: String,
}

pub(super) async fn push(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    let response = match take_in(&provider, &headers, &body).await {
        Ok(response) => response,
        Err(failure) => {
            provider.failed(&headers, &body, STEP, &failure);
            failure.at_token_endpoint()
        }
    };
    dpop::with_nonce(&provider, &headers, response)
}

async fn take_in(provider: &Provider, headers: &HeaderMap, body: &[u8]) -> Result<Response, Failure> {
    let params = token::form(headers, body, client_auth::PARAMETERS)?;
    let client = client_auth::authenticated(provider, headers, &params).await?;
    if params.has("request_uri") {
        return Err(Error::invalid_request("request_uri cannot be pushed").into());
    }
    let params = match params.get("request") {
        Some(jwt) => request_object::open(provider, &client, jwt).await?,
        None if client.signed_requests => {
            return Err(Error::invalid_request("this client must sign its requests (request)").into());
        }
        None => params.without(client_auth::PARAMETERS),
    };
    // A proof that comes with the request binds the code to its key (RFC 9449 section 10.1).
    let proof = dpop::Use { method: "POST", path: "/oidc/par", token: None, profile: client.profile, nonce: false };
    let params = match (dpop::proven(provider, headers, &proof).await?, params.get("dpop_jkt")) {
        (Some(proven), Some(announced)) if proven != announced => {
            return Err(Error::invalid_request("dpop_jkt is not the key of the DPoP proof").into());
        }
        (Some(proven), None) => params.with("dpop_jkt", &proven),
        _ => params,
    };
    let back = registered_address(&client, &params).map_err(told)?;
    checked(provider, &client, &params, &back, provider.now())?;
    let name = handle::random().map_err(Fault::from)?;
    let pushed = Pushed { client_id: client.id.clone(), params: params.to_query() };
    let value = serde_json::to_vec(&pushed).map_err(|e| Fault::Broken(e.to_string()))?;
    provider.app().shelf.put(Namespace::PushedRequest, &key(&name), value, LIFE).await.map_err(Fault::from)?;
    let body = json!({ "request_uri": format!("{URN}{name}"), "expires_in": LIFE.as_secs() }).to_string();
    provider.did(&client, STEP, "the request waits for its browser");
    Ok(no_store((StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], body).into_response()))
}

/// The request behind `request_uri`, and its key. It belongs to the client that pushed it, and is good until a code was
/// won by it: a reader may load the page twice before that.
pub(super) async fn look_up(
    provider: &Provider,
    client: &Client,
    request_uri: &str,
) -> Result<(Params<'static>, String), Stop> {
    let page = |hint: &str| Stop::Page(Error::invalid_request(hint));
    let name = request_uri.strip_prefix(URN).unwrap_or_default();
    let key = key(name);
    let found = provider.app().shelf.get(Namespace::PushedRequest, &key).await.map_err(Fault::from)?;
    let found = found.ok_or_else(|| page("request_uri is unknown, over or used; begin again at the vendor"))?;
    let pushed: Pushed = serde_json::from_slice(&found).map_err(|e| Fault::Broken(format!("pushed request: {e}")))?;
    if pushed.client_id != client.id {
        return Err(page("request_uri was pushed by another client"));
    }
    provider.app().shelf.put(Namespace::PushedRequest, &key, found, PATIENCE).await.map_err(Fault::from)?;
    Ok((Params::owned(&pushed.params), key))
}

/// A code is about to be won: of many who began with the same request, one gets through.
pub(super) async fn spend(provider: &Provider, key: &str) -> Result<bool, Fault> {
    Ok(provider.app().shelf.take(Namespace::PushedRequest, key).await?.is_some())
}

/// What would have been a page is the client's to read here.
fn told(stop: Stop) -> Failure {
    match stop {
        Stop::Page(error) | Stop::Tell(_, error) => error.into(),
        Stop::Broken(fault) => fault.into(),
    }
}

fn key(name: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, name.as_bytes()))
}
