//! What tokens say: the ID token (OIDC Core section 2) and the access token (RFC 9068) as encodings of one assertion.

use std::{collections::BTreeSet, time::Duration};

use aws_lc_rs::hmac;
use serde::{Deserialize, Serialize};

use super::{
    client::{Auth, Client, GrantType},
    refresh::RefreshToken,
    terms::Terms,
    token::Call,
};
use crate::{
    domain::{
        claims::StandardClaims, clock::Timestamp, id::SessionId, key::LONGEST_TOKEN_LIFE, method::Method, scope::Scopes,
    },
    keyring::{Algorithm, KeyRing},
    signon::{Assertion, Fault},
    wire::jose::{base64url, half_hash},
};

/// Header types, which keep one kind of token from being taken for another (RFC 8725 section 3.11).
pub(super) const ID_TOKEN: &str = "JWT";
pub(super) const ACCESS_TOKEN: &str = "at+jwt";

/// Card and PIN over a protected transport.
pub(super) const ACR: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";

/// A badge: somebody had it, and no more can be said. Nor of an upstream that does not tell what it was shown.
pub(super) const ACR_OF_A_BADGE: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";

/// How somebody signed in, as `acr` and `amr` (RFC 8176 has no word for a badge).
fn authentication(method: &Method) -> (&'static str, &'static [&'static str]) {
    match method {
        Method::Badge => (ACR_OF_A_BADGE, &["badge"]),
        Method::BadgeAndPicture => (ACR_OF_A_BADGE, &["badge", "picture"]),
        Method::Pin => (ACR, &["pin"]),
        // What somebody showed elsewhere is not ours to say.
        Method::Upstream(_) => (ACR, &[]),
        Method::Vouched(_) => (ACR_OF_A_BADGE, &[]),
    }
}

/// A lapsed agreement is never further than this from the last token that it gave.
pub(super) const LIFE: Duration = LONGEST_TOKEN_LIFE;

/// Where a token's id would name its grant.
pub(super) const OF_NO_GRANT: &str = "client";

/// What the token endpoint hands over.
pub(super) struct Issued {
    pub access_token: String,
    pub token_type: &'static str,
    pub expires_in: i64,
    pub scope: String,
    pub refresh_token: Option<String>,
    pub id_token: Option<String>,
}

/// What is due of an assertion.
pub(super) struct Asked<'a> {
    pub terms: &'a Terms,
    pub nonce: Option<&'a str>,
    /// That of the refresh token to hand out, where the grant is renewed at all.
    pub generation: Option<u64>,
}

/// Encodes `assertion` for the client of `call`. With `openid` there is an ID token, and userinfo is among the audiences
/// of the access token.
pub(super) fn issue(call: &Call<'_>, assertion: &Assertion, asked: &Asked<'_>) -> Result<Issued, Fault> {
    let (keyring, client, terms) = (&call.provider.app().keyring, &*call.client, asked.terms);
    let issuer = call.provider.issuer();
    let issued_at = assertion.issued_at;
    let expires_at = assertion.expires_at.min(issued_at + LIFE);
    let (acr, amr) = authentication(&assertion.method);
    let scope =
        terms.scope(&assertion.scopes, &assertion.release.standard, &call.provider.app().catalogue(), issued_at);
    let access = AccessToken {
        iss: issuer,
        sub: &assertion.subject,
        aud: if terms.openid { vec![&client.resource, issuer] } else { vec![&client.resource] },
        client_id: &client.id,
        scope: &scope,
        jti: token_id(&assertion.grant.to_string())?,
        iat: issued_at.seconds(),
        exp: expires_at.seconds(),
        auth_time: Some(assertion.authenticated_at.seconds()),
        acr: Some(acr),
        userinfo_claims: &terms.claims.userinfo,
        cnf: call.jkt.as_deref().map(|jkt| Confirmation { jkt: jkt.to_owned() }),
    };
    let access_token = sign(keyring, client, client.access_token_alg, issued_at, ACCESS_TOKEN, &access)?;
    let id_token = if terms.openid {
        let id = IdToken {
            iss: issuer,
            sub: &assertion.subject,
            aud: &client.id,
            exp: expires_at.seconds(),
            iat: issued_at.seconds(),
            auth_time: assertion.authenticated_at.seconds(),
            nonce: asked.nonce,
            acr,
            amr,
            at_hash: half_hash(client.id_token_alg, &access_token),
            sid: session_at(keyring, client, assertion.session),
            library: LibraryClaims::of(assertion),
            standard: assertion.release.standard.named(|claim| {
                let by_scope =
                    client.id_token_claims && terms.standard.iter().any(|group| group.claims().contains(&claim));
                by_scope || terms.claims.id_token.contains(claim)
            }),
        };
        Some(sign(keyring, client, client.id_token_alg, issued_at, ID_TOKEN, &id)?)
    } else {
        None
    };
    let renewable = asked.generation.filter(|_| client.grants.contains(&GrantType::RefreshToken));
    let refresh_token = renewable.map(|generation| {
        // Whoever can keep a secret proves itself at each renewal anyway.
        let jkt = call.jkt.clone().filter(|_| client.auth == Auth::None);
        RefreshToken { grant: assertion.grant, generation, jkt }.write(keyring, &client.id)
    });
    let expires_in = expires_at.seconds() - issued_at.seconds();
    Ok(Issued { access_token, token_type: type_of(call.jkt.is_some()), expires_in, scope, refresh_token, id_token })
}

/// A token about no reader: the client speaks for itself (RFC 9068 section 2.2).
pub(super) fn issue_to_client(call: &Call<'_>, scopes: &Scopes) -> Result<Issued, Fault> {
    let client = &*call.client;
    let now = call.provider.now();
    let scope = call.provider.app().catalogue().spelled(scopes, now);
    let access = AccessToken {
        iss: call.provider.issuer(),
        sub: &client.id,
        aud: vec![&client.resource],
        client_id: &client.id,
        scope: &scope,
        jti: token_id(OF_NO_GRANT)?,
        iat: now.seconds(),
        exp: (now + LIFE).seconds(),
        auth_time: None,
        acr: None,
        userinfo_claims: &BTreeSet::new(),
        cnf: call.jkt.as_deref().map(|jkt| Confirmation { jkt: jkt.to_owned() }),
    };
    let access_token = sign(&call.provider.app().keyring, client, client.access_token_alg, now, ACCESS_TOKEN, &access)?;
    let expires_in = LIFE.as_secs() as i64;
    Ok(Issued {
        access_token,
        token_type: type_of(call.jkt.is_some()),
        expires_in,
        scope,
        refresh_token: None,
        id_token: None,
    })
}

/// By the key that `client` can be expected to have at `now`.
pub(super) fn sign(
    keyring: &KeyRing,
    client: &Client,
    algorithm: Algorithm,
    now: Timestamp,
    typ: &str,
    claims: &impl Serialize,
) -> Result<String, Fault> {
    keyring.sign(algorithm, client.reader, now, typ, claims).map_err(|error| Fault::Broken(error.to_string()))
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
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_time: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    acr: Option<&'a str>,
    /// What userinfo was asked for by name: our own note to ourselves.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    userinfo_claims: &'a BTreeSet<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cnf: Option<Confirmation>,
}

/// The key that a token is bound to (RFC 7800, RFC 9449 section 6.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Confirmation {
    pub jkt: String,
}

/// How a token is shown: bound ones are of a type of their own (RFC 9449 section 5).
pub(super) fn type_of(bound: bool) -> &'static str {
    if bound { "DPoP" } else { "Bearer" }
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
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    amr: &'a [&'a str],
    at_hash: String,
    sid: String,
    #[serde(flatten)]
    library: LibraryClaims<'a>,
    #[serde(flatten)]
    standard: StandardClaims,
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

/// Names the grant, so that a token can be asked about while it lives, and no two tokens are alike.
fn token_id(grant: &str) -> Result<String, Fault> {
    let mut random = [0; 8];
    aws_lc_rs::rand::fill(&mut random).map_err(|_| Fault::Broken("the machine gives no randomness".into()))?;
    Ok(format!("{grant}.{}", base64url(random)))
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
