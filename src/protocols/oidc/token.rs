//! The token endpoint (RFC 6749 section 3.2): who calls, and with what; each grant type has a file of its own.

mod authorization_code;
mod client_credentials;
mod device_code;
mod refresh_token;

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    Provider,
    client::{Client, GrantType, Profile},
    client_auth, dpop,
    error::{Error, Failure, no_store},
    params::{Params, is_form},
    tokens::{self, Issued},
};

/// As vendors look back at it.
const STEP: &str = "token";

const KNOWN: &[&str] = &[
    "grant_type",
    "code",
    "redirect_uri",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "code_verifier",
    "refresh_token",
    "device_code",
    "scope",
];

/// A request whose client proved itself.
pub(super) struct Call<'a> {
    pub provider: &'a Provider,
    pub client: Arc<Client>,
    pub params: &'a Params<'a>,
    /// The thumbprint of the key that the caller proved to hold (RFC 9449).
    pub jkt: Option<String>,
}

pub(super) async fn token(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    let response = match exchange(&provider, &headers, &body).await {
        Ok(issued) => success(&issued),
        Err(failure) => {
            provider.failed(&headers, &body, STEP, &failure);
            failure.at_token_endpoint()
        }
    };
    dpop::with_nonce(&provider, &headers, response)
}

async fn exchange(provider: &Provider, headers: &HeaderMap, body: &[u8]) -> Result<Issued, Failure> {
    // 1. A form, each parameter once (RFC 6749 section 3.2).
    let params = form(headers, body, KNOWN)?;
    // 2. The client proves itself (section 3.2.1).
    let client = client_auth::authenticated(provider, headers, &params).await?;
    // 3. The grant type is one that we know (section 5.2), and this client's.
    let grant_type = grant_type(&params, &client)?;
    // 4. What it asks for stays at this client's own resource (RFC 8707 section 2.2).
    own_resource(&params, &client)?;
    // 5. Whoever is to get a bound token holds its key (RFC 9449 section 5).
    let proof = dpop::Use {
        method: "POST",
        path: "/oidc/token",
        token: None,
        profile: client.profile,
        nonce: client.profile == Profile::Fapi2,
    };
    let jkt = dpop::proven(provider, headers, &proof).await?;
    if jkt.is_none() && client.bound_tokens {
        return Err(Error::new("invalid_dpop_proof", "this client must bring a DPoP proof").into());
    }
    let call = Call { provider, client, params: &params, jkt };
    let issued = match grant_type {
        GrantType::AuthorizationCode => authorization_code::redeem(&call).await,
        GrantType::RefreshToken => refresh_token::redeem(&call).await,
        GrantType::ClientCredentials => client_credentials::redeem(&call).await,
        GrantType::DeviceCode => device_code::redeem(&call).await,
    }?;
    provider.did(&call.client, STEP, grant_type.as_str());
    Ok(issued)
}

pub(super) fn form<'a>(headers: &HeaderMap, body: &'a [u8], known: &[&'static str]) -> Result<Params<'a>, Error> {
    if !is_form(headers) {
        return Err(Error::invalid_request("the body must be application/x-www-form-urlencoded"));
    }
    let params = Params::read(body);
    match params.repeated(known) {
        Some(name) => Err(Error::invalid_request(format!("{name} is given twice"))),
        None => Ok(params),
    }
}

fn grant_type(params: &Params<'_>, client: &Client) -> Result<GrantType, Error> {
    let name = params.get("grant_type").ok_or_else(|| Error::invalid_request("grant_type is missing"))?;
    let known = GrantType::named(name).ok_or_else(|| {
        let words: Vec<_> = GrantType::ALL.iter().map(|grant| grant.as_str()).collect();
        Error::new("unsupported_grant_type", format!("grant_type must be of {}", words.join(", ")))
    })?;
    if client.grants.contains(&known) {
        Ok(known)
    } else {
        Err(Error::new("unauthorized_client", format!("this client is not registered for {name}")))
    }
}

/// What a client may name as `resource`: its own, and ours (userinfo).
pub(super) fn own_resource(params: &Params<'_>, client: &Client) -> Result<(), Error> {
    match params.all("resource").find(|resource| *resource != client.resource && *resource != client.issuer) {
        Some(_) => Err(Error::new("invalid_target", format!("resource must be {}", client.resource))),
        None => Ok(()),
    }
}

fn success(issued: &Issued) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        access_token: &'a str,
        token_type: &'static str,
        expires_in: i64,
        scope: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        refresh_token: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        id_token: Option<&'a str>,
    }
    let body = Body {
        access_token: &issued.access_token,
        token_type: issued.token_type,
        expires_in: issued.expires_in,
        scope: &issued.scope,
        refresh_token: issued.refresh_token.as_deref(),
        id_token: issued.id_token.as_deref(),
    };
    match serde_json::to_string(&body) {
        Ok(body) => no_store((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], body).into_response()),
        Err(error) => Failure::Broken(crate::signon::Fault::Broken(error.to_string())).at_token_endpoint(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_a_form_with_each_parameter_once() {
        let mut headers = HeaderMap::new();
        assert!(form(&headers, b"a=b", KNOWN).is_err());
        headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8".parse().unwrap());
        assert!(form(&headers, b"resource=a&resource=b", KNOWN).is_ok());
        for name in KNOWN {
            let body = format!("{name}=a&{name}=");
            assert_eq!(form(&headers, body.as_bytes(), KNOWN).unwrap_err().code, "invalid_request");
        }
    }
}
