//! The userinfo endpoint (OIDC Core section 5.3), a resource protected as RFC 6750 says. The token is judged, and then
//! the grant behind it, at this instant: a lapsed agreement stops access within the token's life.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use super::{
    Provider,
    error::{Error, Failure, no_store, token_needed},
    params::{Params, is_form},
    presented::{self, Presented},
    tokens::LibraryClaims,
};
use crate::{
    domain::claims::StandardClaims,
    signon::{Assertion, Fault},
};

pub(super) async fn userinfo(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    let token = match shown(&headers, &body) {
        Ok(Some(token)) => token,
        Ok(None) => return token_needed(),
        Err(error) => return Failure::Refused(error).at_userinfo(),
    };
    match claims(&provider, &token).await.and_then(|(token, assertion)| success(&token, &assertion)) {
        Ok(response) => response,
        Err(failure) => failure.at_userinfo(),
    }
}

/// RFC 6750 sections 2.1 and 2.2; a token in the query (section 2.3) is not looked for, since queries are logged.
fn shown(headers: &HeaderMap, body: &[u8]) -> Result<Option<String>, Error> {
    let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
    let in_header = match authorizations.next() {
        None => None,
        Some(value) => {
            let text = value.to_str().unwrap_or_default();
            match text.split_once(' ') {
                Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => Some(token.trim().to_owned()),
                _ => return Err(Error::invalid_request("the Authorization header must be a Bearer token")),
            }
        }
    };
    let in_body = if is_form(headers) { Params::read(body) } else { Params::default() };
    if authorizations.next().is_some() || in_body.repeats("access_token") {
        return Err(Error::invalid_request("more than one token is given"));
    }
    match (in_header, in_body.get("access_token")) {
        (Some(_), Some(_)) => Err(Error::invalid_request("more than one token is given")),
        (Some(token), None) => Ok(Some(token)),
        (None, token) => Ok(token.map(str::to_owned)),
    }
}

async fn claims(provider: &Provider, token: &str) -> Result<(Presented, Assertion), Failure> {
    let invalid = || Failure::from(Error::new("invalid_token", "the token is not valid, or not any more"));
    let token = presented::verified(provider, token).map_err(|reason| {
        tracing::debug!(%reason, "userinfo: token refused");
        invalid()
    })?;
    if !token.aud.iter().any(|audience| audience == provider.issuer()) {
        return Err(Error::new("insufficient_scope", "the token was asked for without openid").into());
    }
    let assertion = presented::standing(provider, &token).await?.ok_or_else(invalid)?;
    Ok((token, assertion))
}

fn success(token: &Presented, assertion: &Assertion) -> Result<Response, Failure> {
    #[derive(Serialize)]
    struct Claims<'a> {
        sub: &'a str,
        #[serde(flatten)]
        library: LibraryClaims<'a>,
        #[serde(flatten)]
        standard: StandardClaims,
    }
    let standard = assertion.release.standard.named(|claim| token.asks_for(claim));
    let claims = Claims { sub: &assertion.subject, library: LibraryClaims::of(assertion), standard };
    let body = serde_json::to_string(&claims).map_err(|e| Fault::Broken(e.to_string()))?;
    Ok(no_store((StatusCode::OK, [(header::CONTENT_TYPE, "application/json")], body).into_response()))
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
        let token = |text: &str| Ok(Some(text.to_owned()));
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
        ] {
            assert_eq!(shown(&headers, body).unwrap_err().code, "invalid_request");
        }
    }
}
