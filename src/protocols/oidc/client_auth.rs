//! Who calls the token endpoint (RFC 6749 section 2.3, OIDC Core section 9).

use std::sync::Arc;

use aws_lc_rs::digest;
use axum::http::{HeaderMap, header};
use base64::{Engine, engine::general_purpose::STANDARD};
use subtle::ConstantTimeEq;
use url::form_urlencoded;

use super::{
    Provider,
    client::{Auth, Client},
    client_assertion,
    error::{Error, Failure},
    params::Params,
};

/// What a client may prove itself with in a body.
pub(super) const PARAMETERS: &[&str] = &["client_id", "client_secret", "client_assertion", "client_assertion_type"];

/// The client that proves itself by the one method that it is registered for.
pub(super) async fn authenticated(
    provider: &Provider,
    headers: &HeaderMap,
    params: &Params<'_>,
) -> Result<Arc<Client>, Failure> {
    let shown = Shown::of(headers, params)?;
    let client = provider.client(&shown.client_id);
    if let (Proof::Assertion(assertion), Some(client)) = (&shown.proof, &client) {
        client_assertion::check(provider, client, assertion).await?;
        return Ok(client.clone());
    }
    if proves(client.as_deref().map(|client| client.auth), &shown.proof)? {
        client.ok_or_else(|| failed().into())
    } else {
        Err(failed().into())
    }
}

/// Whom a request says it is from. Nothing is proven by that.
pub(super) fn claimed(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let params = Params::read(body);
    match Shown::of(headers, &params) {
        Ok(shown) => Some(shown.client_id),
        Err(_) => params.get("client_id").map(str::to_owned),
    }
}

/// The client that proves itself by its secret as HTTP Basic, wherever else it is registered to send it: for people, whose
/// browsers know that way alone.
pub(super) fn by_basic(provider: &Provider, headers: &HeaderMap) -> Option<Arc<Client>> {
    let (id, secrets) = headers.get(header::AUTHORIZATION)?.to_str().ok().and_then(basic)?;
    let client = provider.client(&id);
    let auth = client.as_deref().map(|client| match client.auth {
        Auth::Post(hash) => Auth::Basic(hash),
        other => other,
    });
    let proven = proves(auth, &Proof::Basic(secrets)).unwrap_or(false);
    client.filter(|_| proven)
}

/// What a request shows, by whatever method.
#[derive(Debug, PartialEq, Eq)]
struct Shown {
    client_id: String,
    proof: Proof,
}

#[derive(PartialEq, Eq)]
enum Proof {
    /// The secret in the spellings that it may have been sent in.
    Basic(Vec<String>),
    Post(String),
    Assertion(String),
    None,
}

impl std::fmt::Debug for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Proof(…)")
    }
}

impl Shown {
    fn of(headers: &HeaderMap, params: &Params<'_>) -> Result<Shown, Error> {
        let in_body = params.get("client_id");
        let mut authorizations = headers.get_all(header::AUTHORIZATION).iter();
        let authorization = authorizations.next();
        let asserted = params.has("client_assertion") || params.has("client_assertion_type");
        let ways = [authorization.is_some(), asserted, params.has("client_secret"), authorizations.next().is_some()];
        if ways.into_iter().filter(|given| *given).count() > 1 {
            return Err(Error::invalid_request("more than one client authentication is given"));
        }
        if asserted {
            return Shown::assertion(params, in_body);
        }
        let Some(authorization) = authorization else {
            let client_id = in_body.ok_or_else(|| Error::invalid_client("no client authentication"))?.to_owned();
            let proof = params.get("client_secret").map_or(Proof::None, |secret| Proof::Post(secret.to_owned()));
            return Ok(Shown { client_id, proof });
        };
        let (client_id, secrets) = authorization
            .to_str()
            .ok()
            .and_then(basic)
            .ok_or_else(|| Error::invalid_client("the Authorization header is not HTTP Basic"))?;
        if in_body.is_some_and(|id| id != client_id) {
            return Err(Error::invalid_request("client_id in the body is not that of the Authorization header"));
        }
        Ok(Shown { client_id, proof: Proof::Basic(secrets) })
    }

    fn assertion(params: &Params<'_>, in_body: Option<&str>) -> Result<Shown, Error> {
        if params.get("client_assertion_type") != Some(client_assertion::TYPE) {
            return Err(Error::invalid_client(format!("client_assertion_type must be {}", client_assertion::TYPE)));
        }
        let assertion = params.get("client_assertion").ok_or_else(|| Error::invalid_client("no client_assertion"))?;
        let client_id = client_assertion::claimed_client(assertion)
            .ok_or_else(|| Error::invalid_client("client_assertion is no JWT with a sub"))?;
        if in_body.is_some_and(|id| id != client_id) {
            return Err(Error::invalid_client("client_id is not the sub of client_assertion"));
        }
        Ok(Shown { client_id, proof: Proof::Assertion(assertion.to_owned()) })
    }
}

/// RFC 6749 section 2.3.1: both halves are form-encoded before they are joined. Many clients leave that out, so the
/// secret also counts as it stands; neither spelling is looser than equality.
fn basic(header: &str) -> Option<(String, Vec<String>)> {
    let (scheme, credentials) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let joined = String::from_utf8(STANDARD.decode(credentials.trim()).ok()?).ok()?;
    let (id, secret) = joined.split_once(':')?;
    let mut secrets = vec![form_decoded(secret)];
    if secrets.first().is_some_and(|decoded| decoded != secret) {
        secrets.push(secret.to_owned());
    }
    Some((form_decoded(id), secrets))
}

/// One form-encoded value. `&` and `=` in it stand for themselves.
fn form_decoded(text: &str) -> String {
    let escaped = text.replace('&', "%26").replace('=', "%3D");
    form_urlencoded::parse(escaped.as_bytes()).next().map(|(name, _)| name.into_owned()).unwrap_or_default()
}

/// An unknown client costs the same comparison as a known one, and answers alike.
fn proves(registered: Option<Auth>, proof: &Proof) -> Result<bool, Error> {
    let hash = match registered {
        Some(Auth::Basic(hash) | Auth::Post(hash)) => hash,
        Some(Auth::PrivateKeyJwt { .. } | Auth::None) | None => [0; 32],
    };
    let secret_fits = match proof {
        Proof::Basic(secrets) => secrets.iter().fold(false, |fits, secret| fits | equal(secret, &hash)),
        Proof::Post(secret) => equal(secret, &hash),
        Proof::Assertion(_) | Proof::None => false,
    };
    match (registered, proof) {
        (Some(Auth::Basic(_)), Proof::Basic(_)) | (Some(Auth::Post(_)), Proof::Post(_)) => Ok(secret_fits),
        (Some(Auth::None), Proof::None) => Ok(true),
        // Whoever knows the secret may also know what is wrong.
        (Some(Auth::Basic(_)), Proof::Post(_)) if secret_fits => {
            Err(Error::invalid_client("this client is registered for client_secret_basic"))
        }
        (Some(Auth::Post(_)), Proof::Basic(_)) if secret_fits => {
            Err(Error::invalid_client("this client is registered for client_secret_post"))
        }
        _ => Ok(false),
    }
}

fn equal(secret: &str, hash: &[u8; 32]) -> bool {
    let shown = digest::digest(&digest::SHA256, secret.as_bytes());
    !secret.is_empty() && bool::from(shown.as_ref().ct_eq(hash))
}

fn failed() -> Error {
    Error::invalid_client("client authentication failed")
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const SECRET: &str = "p%C3%A4ss+word:&=%";

    fn hash(secret: &str) -> [u8; 32] {
        digest::digest(&digest::SHA256, secret.as_bytes()).as_ref().try_into().unwrap()
    }

    fn header(text: &str) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, HeaderValue::from_str(text).unwrap());
        headers
    }

    fn basic_header(joined: &str) -> HeaderMap {
        header(&format!("Basic {}", STANDARD.encode(joined)))
    }

    fn encoded(text: &str) -> String {
        form_urlencoded::byte_serialize(text.as_bytes()).collect()
    }

    #[test]
    fn a_basic_secret_counts_form_encoded_and_as_it_stands() {
        for joined in [format!("maple:{}", encoded(SECRET)), format!("maple:{SECRET}")] {
            let shown = Shown::of(&basic_header(&joined), &Params::default()).unwrap();
            assert_eq!(shown.client_id, "maple");
            assert_eq!(proves(Some(Auth::Basic(hash(SECRET))), &shown.proof), Ok(true), "{joined}");
            assert_eq!(proves(Some(Auth::Basic(hash("other"))), &shown.proof), Ok(false));
        }
        let colon = Shown::of(&basic_header("https%3A%2F%2Fmaple:x"), &Params::default()).unwrap();
        assert_eq!(colon.client_id, "https://maple");
    }

    #[test]
    fn two_methods_at_once_are_refused() {
        let both = Params::read(b"client_id=maple&client_secret=s");
        assert_eq!(Shown::of(&basic_header("maple:s"), &both).unwrap_err().code, "invalid_request");
        let other = Params::read(b"client_id=oak");
        assert_eq!(Shown::of(&basic_header("maple:s"), &other).unwrap_err().code, "invalid_request");
        let same = Params::read(b"client_id=maple");
        assert!(Shown::of(&basic_header("maple:s"), &same).is_ok());
        let mut twice = basic_header("maple:s");
        twice.append(header::AUTHORIZATION, HeaderValue::from_static("Basic bWFwbGU6cw=="));
        assert_eq!(Shown::of(&twice, &Params::default()).unwrap_err().code, "invalid_request");
    }

    #[test]
    fn an_unreadable_header_is_no_proof() {
        for text in ["Bearer x", "Basic", "Basic !!!", "Basic bWFwbGU=", "Digest a"] {
            let shown = Shown::of(&header(text), &Params::default());
            assert_eq!(shown.unwrap_err().code, "invalid_client", "{text}");
        }
        assert_eq!(Shown::of(&HeaderMap::new(), &Params::default()).unwrap_err().code, "invalid_client");
        let assertion = Params::read(b"client_id=maple&client_assertion=a.b.c");
        assert_eq!(Shown::of(&HeaderMap::new(), &assertion).unwrap_err().code, "invalid_client");
    }

    #[test]
    fn only_the_registered_method_with_the_right_secret_proves() {
        let basic = |secret: &str| Proof::Basic(vec![secret.to_owned()]);
        let post = |secret: &str| Proof::Post(secret.to_owned());
        let (by_basic, by_post) = (Some(Auth::Basic(hash("s"))), Some(Auth::Post(hash("s"))));
        assert_eq!(proves(by_basic, &basic("s")), Ok(true));
        assert_eq!(proves(by_post, &post("s")), Ok(true));
        assert_eq!(proves(Some(Auth::None), &Proof::None), Ok(true));
        for (registered, proof) in [
            (by_basic, basic("x")),
            (by_basic, basic("")),
            (by_basic, post("x")),
            (by_basic, Proof::None),
            (by_post, basic("x")),
            (by_post, Proof::None),
            (Some(Auth::None), basic("s")),
            (Some(Auth::None), post("s")),
            (None, basic("s")),
            (None, Proof::None),
        ] {
            assert_eq!(proves(registered, &proof), Ok(false));
        }
        assert_eq!(proves(by_basic, &post("s")).unwrap_err().code, "invalid_client");
        assert_eq!(proves(by_post, &basic("s")).unwrap_err().code, "invalid_client");
        assert_eq!(proves(Some(Auth::Basic(hash(""))), &basic("")), Ok(false), "an empty secret is none");
    }
}
