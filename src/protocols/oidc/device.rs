//! Device authorization (RFC 8628): a kiosk or an e-reader, which has no keyboard worth a PIN, shows a code, and its
//! reader signs in elsewhere. The endpoint for the device; what the reader sees is in `page`, what waits in `waiting`.

pub(super) mod page;
mod user_code;
pub(super) mod waiting;

use std::time::Duration;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::json;

use self::{user_code::UserCode, waiting::Waiting};
use super::{
    Provider,
    client::GrantType,
    client_auth,
    error::{Error, Failure, no_store},
    request::asked_scopes,
    token,
};

/// Where the reader goes, read from a small screen and typed: short.
pub(super) const PATH: &str = "/device";

/// Enough to find a telephone and a card, and no longer than a passer-by needs to forget the code.
const LIFE: Duration = Duration::from_secs(600);
/// A device that asks a little later still hears that its code is over, instead of that it never was.
pub(super) const LINGER: Duration = Duration::from_secs(900);

/// As vendors look back at it.
const STEP: &str = "device authorization";

/// Section 3.1.
pub(super) async fn authorize(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    match begin(&provider, &headers, &body).await {
        Ok(response) => response,
        Err(failure) => {
            provider.failed(&headers, &body, STEP, &failure);
            failure.at_token_endpoint()
        }
    }
}

async fn begin(provider: &Provider, headers: &HeaderMap, body: &[u8]) -> Result<Response, Failure> {
    const KNOWN: &[&str] = &["client_id", "client_secret", "client_assertion", "client_assertion_type", "scope"];
    // 1. A form, each parameter once, from a client that proves itself as at the token endpoint.
    let params = token::form(headers, body, KNOWN)?;
    let client = client_auth::authenticated(provider, headers, &params).await?;
    // 2. It is registered for this.
    if !client.grants.contains(&GrantType::DeviceCode) {
        return Err(Error::new("unauthorized_client", "this client is not registered for device_code").into());
    }
    // 3. It asks for what is its own to ask for.
    provider.signon.note_asked(&client.vendor, &client.scopes, params.get("scope").unwrap_or_default());
    let terms = asked_scopes(&client, &params, &provider.app().catalogue(), provider.now())?;
    token::own_resource(&params, &client)?;
    // 4. Two codes: one to ask with, one to be typed in (section 3.2).
    let waiting = Waiting { client_id: client.id.clone(), terms, expires_at: provider.now() + LIFE };
    let (device_code, user_code) = waiting::shelve(&provider.app().shelf, &waiting).await?;
    provider.did(&client, STEP, "a device waits for its reader");
    let uri = format!("{}{PATH}", provider.issuer());
    let body = json!({
        "device_code": device_code,
        "user_code": user_code.to_string(),
        "verification_uri": uri,
        "verification_uri_complete": format!("{uri}?user_code={user_code}"),
        "expires_in": LIFE.as_secs(),
        "interval": waiting::INTERVAL,
    });
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok(no_store((StatusCode::OK, json, body.to_string()).into_response()))
}
