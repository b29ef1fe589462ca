//! The token endpoint (RFC 6749 section 4.1.3, OIDC Core section 3.1.3): the steps in their order.

use aws_lc_rs::digest;
use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;
use subtle::ConstantTimeEq;

use super::{
    NAME, Provider,
    client::Client,
    client_auth,
    code::{self, Code, Redeemed},
    error::{Error, Failure, no_store},
    params::{Params, is_form},
    tokens::{self, Issued},
};
use crate::{
    signon::{Assertion, LiveGrant},
    wire::jose::base64url,
};

const KNOWN: &[&str] = &[
    "grant_type",
    "code",
    "redirect_uri",
    "client_id",
    "client_secret",
    "client_assertion",
    "client_assertion_type",
    "code_verifier",
    "scope",
];

pub(super) async fn token(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    match exchange(&provider, &headers, &body).await {
        Ok(issued) => success(&issued),
        Err(failure) => failure.at_token_endpoint(),
    }
}

async fn exchange(provider: &Provider, headers: &HeaderMap, body: &[u8]) -> Result<Issued, Failure> {
    // 1. A form, each parameter once (RFC 6749 section 3.2).
    let params = form(headers, body)?;
    // 2. The client proves itself (section 3.2.1).
    let client = client_auth::authenticated(provider, headers, &params)?;
    // 3. The grant type is one that we know (section 5.2).
    grant_type(&params)?;
    // 4. The code is spent, whatever follows (section 4.1.2).
    let code = spend(provider, &params).await?;
    // 5. It was issued to this client, for this address (section 4.1.3).
    issued_to(&client, &params, &code)?;
    // 6. Whoever asked for it is who redeems it (RFC 7636 section 4.6).
    proof_key_fits(&params, &code)?;
    // 7. The passage still stands: agreements, patron and vendor are looked at again.
    let assertion = standing(provider, &client, &code).await?;
    // 8. Tokens are made (RFC 6749 section 5.1, OIDC Core section 3.1.3.3).
    let keyring = &provider.app().keyring;
    let issued = tokens::issue(keyring, provider.issuer(), &client, &assertion, &code)?;
    // 9. Whoever presented the same code meanwhile has made them worthless.
    let presented = params.get("code").unwrap_or_default();
    if code::won(&provider.app().shelf, presented).await? {
        provider.signon.revoke(code.grant, CAME_AGAIN).await?;
    }
    Ok(issued)
}

/// For the audit.
const CAME_AGAIN: &str = "its code came a second time";

fn form<'a>(headers: &HeaderMap, body: &'a [u8]) -> Result<Params<'a>, Error> {
    if !is_form(headers) {
        return Err(Error::invalid_request("the body must be application/x-www-form-urlencoded"));
    }
    let params = Params::read(body);
    match params.repeated(KNOWN) {
        Some(name) => Err(Error::invalid_request(format!("{name} is given twice"))),
        None => Ok(params),
    }
}

fn grant_type(params: &Params<'_>) -> Result<(), Error> {
    match params.get("grant_type") {
        Some("authorization_code") => Ok(()),
        Some(_) => Err(Error::new("unsupported_grant_type", "grant_type must be authorization_code")),
        None => Err(Error::invalid_request("grant_type is missing")),
    }
}

/// A code that comes a second time takes down what the first one won.
async fn spend(provider: &Provider, params: &Params<'_>) -> Result<Code, Failure> {
    let code = params.get("code").ok_or_else(|| Error::invalid_request("code is missing"))?;
    match code::redeem(&provider.app().shelf, code).await? {
        Redeemed::First(code) => Ok(code),
        Redeemed::Again(grant) => {
            provider.signon.revoke(grant, CAME_AGAIN).await?;
            Err(Error::invalid_grant("the code was used before; what it won is revoked").into())
        }
        Redeemed::AtOnce => Err(Error::invalid_grant("the code is being used right now").into()),
        Redeemed::Unknown => Err(Error::invalid_grant("the code is unknown or over").into()),
    }
}

fn issued_to(client: &Client, params: &Params<'_>, code: &Code) -> Result<(), Error> {
    if code.client_id != client.id {
        return Err(Error::invalid_grant("the code was issued to another client"));
    }
    if params.get("redirect_uri") != Some(code.redirect_uri.as_str()) {
        return Err(Error::invalid_grant("redirect_uri is not that of the authorization request"));
    }
    Ok(())
}

/// Present or absent on both sides alike: a verifier without a challenge is a downgrade (RFC 9700 section 4.8.2).
fn proof_key_fits(params: &Params<'_>, code: &Code) -> Result<(), Error> {
    match (&code.challenge, params.get("code_verifier")) {
        (None, None) => Ok(()),
        (Some(_), None) => Err(Error::invalid_grant("code_verifier is missing")),
        (None, Some(_)) => Err(Error::invalid_grant("code_verifier, but the request had no code_challenge")),
        (Some(challenge), Some(verifier)) => {
            // RFC 7636 section 4.1.
            let shaped = (43..=128).contains(&verifier.len())
                && verifier.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~".contains(&b));
            let hashed = base64url(digest::digest(&digest::SHA256, verifier.as_bytes()));
            if shaped && bool::from(hashed.as_bytes().ct_eq(challenge.as_bytes())) {
                Ok(())
            } else {
                Err(Error::invalid_grant("code_verifier does not fit code_challenge"))
            }
        }
    }
}

async fn standing(provider: &Provider, client: &Client, code: &Code) -> Result<Assertion, Failure> {
    let ended = || Failure::from(Error::invalid_grant("the sign-in that gave this code holds no more"));
    let Ok(LiveGrant { grant, assertion }) = provider.signon.recheck(code.grant).await? else { return Err(ended()) };
    let ours = grant.protocol == NAME && grant.relying_party == client.id;
    if ours && tokens::holds(&assertion, provider.now()) { Ok(assertion) } else { Err(ended()) }
}

fn success(issued: &Issued) -> Response {
    #[derive(Serialize)]
    struct Body<'a> {
        access_token: &'a str,
        token_type: &'static str,
        expires_in: i64,
        scope: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        id_token: Option<&'a str>,
    }
    let body = Body {
        access_token: &issued.access_token,
        token_type: "Bearer",
        expires_in: issued.expires_in,
        scope: &issued.scope,
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
    use crate::domain::id::GrantId;

    /// RFC 7636 appendix B.
    const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
    const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

    fn code(challenge: Option<&str>) -> Code {
        Code {
            client_id: "maple-web".into(),
            redirect_uri: "https://maple.example/cb".into(),
            challenge: challenge.map(str::to_owned),
            nonce: None,
            openid: true,
            scopes: Default::default(),
            grant: GrantId::new(),
        }
    }

    #[test]
    fn a_verifier_fits_its_own_challenge_and_nothing_else() {
        let fits = |challenge: Option<&str>, query: &str| {
            proof_key_fits(&Params::read(query.as_bytes()), &code(challenge)).is_ok()
        };
        assert!(fits(Some(CHALLENGE), &format!("code_verifier={VERIFIER}")));
        assert!(fits(None, ""));
        assert!(!fits(Some(CHALLENGE), ""));
        assert!(!fits(Some(CHALLENGE), "code_verifier="));
        assert!(!fits(None, &format!("code_verifier={VERIFIER}")));
        assert!(!fits(Some(CHALLENGE), &format!("code_verifier={VERIFIER}x")));
        assert!(!fits(Some(CHALLENGE), &format!("code_verifier={CHALLENGE}")), "plain");
        assert!(!fits(Some("short"), "code_verifier=short"));
    }

    #[test]
    fn a_body_is_a_form_with_each_parameter_once() {
        let mut headers = HeaderMap::new();
        assert!(form(&headers, b"a=b").is_err());
        headers.insert(header::CONTENT_TYPE, "application/x-www-form-urlencoded; charset=UTF-8".parse().unwrap());
        assert!(form(&headers, b"resource=a&resource=b").is_ok());
        for name in KNOWN {
            assert_eq!(form(&headers, format!("{name}=a&{name}=").as_bytes()).unwrap_err().code, "invalid_request");
        }
    }
}
