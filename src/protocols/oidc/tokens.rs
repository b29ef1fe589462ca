//! What tokens say: the ID token (OIDC Core section 2) and the access token (RFC 9068) as encodings of one assertion.

use std::time::Duration;

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

use super::{client::Client, code::Code};
use crate::{
    domain::{
        clock::Timestamp,
        id::{GrantId, SessionId},
        scope::Scopes,
    },
    keyring::KeyRing,
    signon::{Assertion, Fault},
    wire::jose::{base64url, half_hash},
};

/// Header types, which keep one kind of token from being taken for another (RFC 8725 section 3.11).
pub(super) const ID_TOKEN: &str = "JWT";
pub(super) const ACCESS_TOKEN: &str = "at+jwt";

/// Card and PIN over a protected transport.
pub(super) const ACR: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// A lapsed agreement is never further than this from the last token that it gave.
const LIFE: Duration = Duration::from_secs(300);

/// What the token endpoint hands over.
pub(super) struct Issued {
    pub access_token: String,
    pub expires_in: i64,
    pub scope: String,
    pub id_token: Option<String>,
}

/// Encodes `assertion` for `client` as `code` was asked for. With `openid` there is an ID token, and userinfo is among the
/// audiences of the access token.
pub(super) fn issue(
    keyring: &KeyRing,
    issuer: &str,
    client: &Client,
    assertion: &Assertion,
    code: &Code,
) -> Result<Issued, Fault> {
    let signing = |error: crate::wire::jose::Error| Fault::Broken(error.to_string());
    let issued_at = assertion.issued_at;
    let expires_at = assertion.expires_at.min(issued_at + LIFE);
    let scope = scope(&assertion.scopes.intersection(&code.scopes), code.openid);
    let access = AccessToken {
        iss: issuer,
        sub: &assertion.subject,
        aud: if code.openid { vec![&client.resource, issuer] } else { vec![&client.resource] },
        client_id: &client.id,
        scope: &scope,
        jti: token_id(assertion.grant)?,
        iat: issued_at.seconds(),
        exp: expires_at.seconds(),
        auth_time: assertion.authenticated_at.seconds(),
        acr: ACR,
    };
    let access_token = keyring.sign(client.access_token_alg, ACCESS_TOKEN, &access).map_err(signing)?;
    let id_token = if code.openid {
        let id = IdToken {
            iss: issuer,
            sub: &assertion.subject,
            aud: &client.id,
            exp: expires_at.seconds(),
            iat: issued_at.seconds(),
            auth_time: assertion.authenticated_at.seconds(),
            nonce: code.nonce.as_deref(),
            acr: ACR,
            amr: &["pin"],
            at_hash: half_hash(&access_token),
            sid: session_at(keyring, client, assertion.session),
            library: LibraryClaims::of(assertion),
        };
        Some(keyring.sign(client.id_token_alg, ID_TOKEN, &id).map_err(signing)?)
    } else {
        None
    };
    Ok(Issued { access_token, expires_in: expires_at.seconds() - issued_at.seconds(), scope, id_token })
}

#[derive(Serialize)]
struct AccessToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: Vec<&'a str>,
    client_id: &'a str,
    scope: &'a str,
    jti: String,
    iat: i64,
    exp: i64,
    auth_time: i64,
    acr: &'a str,
}

#[derive(Serialize)]
struct IdToken<'a> {
    iss: &'a str,
    sub: &'a str,
    aud: &'a str,
    exp: i64,
    iat: i64,
    auth_time: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    nonce: Option<&'a str>,
    acr: &'a str,
    amr: &'a [&'a str],
    at_hash: String,
    sid: String,
    #[serde(flatten)]
    library: LibraryClaims<'a>,
}

/// What the library says of a reader: in ID tokens and at userinfo alike.
#[derive(Serialize)]
pub(super) struct LibraryClaims<'a> {
    audience_band: &'static str,
    patron_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    card_number: Option<&'a str>,
}

impl<'a> LibraryClaims<'a> {
    pub fn of(assertion: &'a Assertion) -> LibraryClaims<'a> {
        let release = &assertion.release;
        LibraryClaims {
            audience_band: release.audience_band.as_str(),
            patron_type: release.patron_type.as_str(),
            card_number: release.card_number.as_ref().map(|card| card.as_str()),
        }
    }
}

/// Granted scopes as the client may read them (RFC 6749 section 5.1).
fn scope(granted: &Scopes, openid: bool) -> String {
    match (openid, granted.is_empty()) {
        (true, true) => "openid".to_owned(),
        (true, false) => format!("openid {granted}"),
        (false, _) => granted.to_string(),
    }
}

/// Names the grant, so that a token can be asked about while it lives, and no two tokens are alike.
fn token_id(grant: GrantId) -> Result<String, Fault> {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Fault::Broken("the machine gives no randomness".into()))?;
    Ok(format!("{grant}.{}", base64url(random)))
}

/// An access token of ours, as userinfo reads it back.
#[derive(Debug, Deserialize)]
pub(super) struct Presented {
    pub sub: String,
    pub aud: Vec<String>,
    pub client_id: String,
    jti: String,
}

impl Presented {
    pub fn grant(&self) -> Option<GrantId> {
        self.jti.split_once('.')?.0.parse().ok()
    }
}

/// An ID token of ours, as `id_token_hint` brings it back.
#[derive(Debug, Deserialize)]
pub(super) struct Hint {
    pub sub: String,
    pub aud: String,
    pub sid: String,
}

/// `sid` (OIDC Front-Channel Logout section 3): one session has another name at each client, so that two vendors cannot
/// tell by it that their readers are one.
pub(super) fn session_at(keyring: &KeyRing, client: &Client, session: SessionId) -> String {
    let mut mac = hmac::Context::with_key(keyring.pseudonym_key());
    for part in [b"sid".as_slice(), client.id.as_bytes(), session.0.as_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    base64url(mac.sign().as_ref().get(..16).unwrap_or_default())
}

/// Whether `assertion` still holds at `now`, to the second that tokens count in.
pub(super) fn holds(assertion: &Assertion, now: Timestamp) -> bool {
    assertion.expires_at.seconds() > now.seconds()
}
