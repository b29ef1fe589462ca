//! The userinfo endpoint (OIDC Core section 5.3), a resource protected as RFC 6750 says. The token is judged, and then
//! the grant behind it, at this instant: a lapsed agreement stops access within the token's life.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, Method, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    Provider, dpop,
    error::{Error, Failure, Scheme, no_store, token_needed},
    params::{Params, is_form},
    presented::{self, Presented},
    tokens::{self, LibraryClaims},
};
use crate::{
    domain::claims::StandardClaims,
    signon::{Assertion, Fault},
};

pub(super) async fn userinfo(
    State(provider): State<Provider>,
    method: Method,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let response = match shown(&headers, &body) {
        Ok(None) => token_needed(),
        Err(error) => Failure::Refused(error).at_userinfo(Scheme::Bearer),
        Ok(Some(shown)) => {
            let told = claims(&provider, &method, &headers, &shown).await;
            let told = told.and_then(|(token, assertion)| success(&provider, &token, &assertion));
            note(&provider, &shown, told.as_ref().err());
            told.unwrap_or_else(|failure| failure.at_userinfo(shown.scheme))
        }
    };
    dpop::with_nonce(&provider, &headers, response)
}

/// For the vendor to look back at, whose client the token says it is of.
fn note(provider: &Provider, shown: &Shown, failure: Option<&Failure>) {
    const STEP: &str = "userinfo";
    let named = presented::claimed_client(&shown.token).and_then(|id| provider.client(&id));
    match (named, failure) {
        (None, _) => {}
        (Some(client), None) => provider.did(&client, STEP, "the claims were told"),
        (Some(client), Some(failure)) => provider.failed_for(&client, STEP, failure),
    }
}

/// A token, and how it came.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    scheme: Scheme,
    token: String,
}

/// RFC 6750 sections 2.1 and 2.2, RFC 9449 section 7.1; a token in the query (RFC 6750 section 2.3) is not looked for,
/// since queries are logged.
fn shown(headers: &HeaderMap, body: &[u8]) -> Result<Option<Shown>, Error> {
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    let in_header = match authorizations.next() {
        None => None,
        Some(value) => {
            let text = value.to_str().unwrap_or_default();
            let (scheme, token) = text.split_once(' ').unwrap_or((text, ""));
            let scheme = Scheme::named(scheme)
                .ok_or_else(|| Error::invalid_request("the Authorization header must be a Bearer or DPoP token"))?;
            Some(Shown { scheme, token: token.trim().to_owned() })
        }
    };
    let in_body = if is_form(headers) { Params::read(body) } else { Params::default() };
    if authorizations.next().is_some() || in_body.repeats("access_token") {
        return Err(Error::invalid_request("more than one token is given"));
    }
    match (in_header, in_body.get("access_token")) {
        (Some(_), Some(_)) => Err(Error::invalid_request("more than one token is given")),
        (Some(shown), None) => Ok(Some(shown)),
        (None, token) => Ok(token.map(|token| Shown { scheme: Scheme::Bearer, token: token.to_owned() })),
    }
}

async fn claims(
    provider: &Provider,
    method: &Method,
    headers: &HeaderMap,
    shown: &Shown,
) -> Result<(Presented, Assertion), Failure> {
    let invalid = || Failure::from(Error::new("invalid_token", "the token is not valid, or not any more"));
    let token = presented::verified(provider, &shown.token).map_err(|reason| {
        tracing::debug!(%reason, "userinfo: token refused");
        invalid()
    })?;
    holder_alone(provider, method, headers, shown, &token).await?;
    if !token.aud.iter().any(|audience| audience == provider.issuer()) {
        return Err(Error::new("insufficient_scope", "the token was asked for without openid").into());
    }
    let assertion = presented::standing(provider, &token).await?.ok_or_else(invalid)?;
    Ok((token, assertion))
}

/// A bound token is good in its holder's hand and nowhere else (RFC 9449 section 7.1); an unbound one needs no proof.
async fn holder_alone(
    provider: &Provider,
    method: &Method,
    headers: &HeaderMap,
    shown: &Shown,
    token: &Presented,
) -> Result<(), Failure> {
    let wrong = |why: &str| Failure::from(Error::new("invalid_token", why));
    match (&token.cnf, shown.scheme) {
        (None, Scheme::Bearer) => return Ok(()),
        (None, Scheme::DPoP) => return Err(wrong("the token is not bound to a key: show it as Bearer")),
        (Some(_), Scheme::Bearer) => return Err(wrong("the token is bound to a key: show it as DPoP, with a proof")),
        (Some(_), Scheme::DPoP) => {}
    }
    let profile = provider.client(&token.client_id).map(|client| client.profile).unwrap_or_default();
    let proof =
        dpop::Use { method: method.as_str(), path: "/oidc/userinfo", token: Some(&shown.token), profile, nonce: false };
    match dpop::proven(provider, headers, &proof).await? {
        Some(jkt) if token.cnf.as_ref().is_some_and(|cnf| cnf.jkt == jkt) => Ok(()),
        Some(_) => Err(wrong("the token is bound to another key")),
        None => Err(Error::new("invalid_dpop_proof", "DPoP: the proof is missing").into()),
    }
}

/// Plain JSON, or signed for a client that is registered for it (OIDC Core section 5.3.2).
fn success(provider: &Provider, token: &Presented, assertion: &Assertion) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Claims<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        iss: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        aud: Option<&'a str>,
        sub: &'a str,
        #[serde(flatten)]
        library: LibraryClaims<'a>,
        #[serde(flatten)]
        standard: StandardClaims,
    }
    let client = provider.client(&token.client_id);
    let signed = client.as_ref().and_then(|client| Some((client.userinfo_alg?, client)));
    let claims = Claims {
        iss: signed.map(|_| provider.issuer()),
        aud: signed.map(|(_, client)| client.id.as_str()),
        sub: &assertion.subject,
        library: LibraryClaims::of(assertion),
        standard: assertion.release.standard.named(|claim| token.asks_for(claim)),
    };
    let (media_type, body) = match signed {
        Some((algorithm, client)) => {
            let (keyring, now) = (&provider.app().keyring, provider.now());
            ("application/jwt", tokens::sign(keyring, client, algorithm, now, tokens::ID_TOKEN, &claims)?)
        }
        None => ("application/json", serde_json::to_string(&claims).map_err(|e| Fault::Broken(e.to_string()))?),
    };
    Ok(no_store((StatusCode::OK, [(header::CONTENT_TYPE, media_type)], body).into_response()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn request(authorization: &[&str], form: bool) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for value in authorization {
            headers.append(header::AUTHORIZATION, HeaderValue::from_str(value).unwrap());
        }
        if form {
            let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
            headers.insert(header::CONTENT_TYPE, kind);
        }
        headers
    }

    #[test]
    fn a_token_comes_in_the_header_or_in_a_form_and_once() {
        let token = |text: &str| Ok(Some(Shown { scheme: Scheme::Bearer, token: text.to_owned() }));
        let bound = Shown { scheme: Scheme::DPoP, token: "t".into() };
        assert_eq!(shown(&request(&["DPoP t"], false), b""), Ok(Some(bound)));
        assert_eq!(shown(&request(&["Bearer t"], false), b""), token("t"));
        assert_eq!(shown(&request(&["bearer t"], false), b"access_token=x"), token("t"), "no form, no parameter");
        assert_eq!(shown(&request(&[], true), b"access_token=t"), token("t"));
        assert_eq!(shown(&request(&[], false), b""), Ok(None));
        assert_eq!(shown(&request(&[], true), b"access_token="), Ok(None));
        for (headers, body) in [
            (request(&["Bearer t"], true), b"access_token=t".as_slice()),
            (request(&["Bearer t", "Bearer t"], false), b""),
            (request(&[], true), b"access_token=t&access_token=t"),
            (request(&["Basic dDp0"], false), b""),
            (request(&["t"], false), b""),
            (request(&["Bearer t", "DPoP t"], false), b""),
        ] {
            assert_eq!(shown(&headers, body).unwrap_err().code, "invalid_request");
        }
    }
}
