//! An access token of ours that came back: judged by itself, and then by the grant behind it.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::{
    NAME, Provider,
    tokens::{self, Confirmation},
};
use crate::{
    domain::{claims::Group, id::GrantId},
    ephemeral::Namespace,
    keyring::{Expect, Invalid, Lifetime},
    signon::{Assertion, Fault, LiveGrant},
    wire::jose::from_base64url,
};

/// An access token of ours, as it is read back.
#[derive(Debug, Deserialize)]
pub(super) struct Presented {
    pub sub: String,
    pub aud: Vec<String>,
    pub client_id: String,
    pub scope: String,
    pub jti: String,
    pub iat: i64,
    /// What userinfo was asked for by name.
    #[serde(default)]
    pub userinfo_claims: BTreeSet<String>,
    #[serde(default)]
    pub cnf: Option<Confirmation>,
    #[serde(skip)]
    pub exp: i64,
}

impl Presented {
    /// Absent where the token is about no reader.
    pub fn grant(&self) -> Option<GrantId> {
        self.jti.split_once('.')?.0.parse().ok()
    }

    /// Whether it opens this standard claim (OIDC Core sections 5.4 and 5.5).
    pub fn asks_for(&self, claim: &str) -> bool {
        let by_scope = |scope: &str| Group::of_scope(scope).is_some_and(|group| group.claims().contains(&claim));
        self.userinfo_claims.contains(claim) || self.scope.split(' ').any(by_scope)
    }

    /// Whether it is one that a client got for itself.
    pub fn is_about_the_client(&self) -> bool {
        self.sub == self.client_id && self.jti.starts_with(tokens::OF_NO_GRANT)
    }
}

/// Whom a token says it was issued to. Nothing is proven by that.
pub(super) fn claimed_client(token: &str) -> Option<String> {
    let claims: serde_json::Value = serde_json::from_slice(&from_base64url(token.split('.').nth(1)?)?).ok()?;
    Some(claims.get("client_id")?.as_str()?.to_owned())
}

/// The token, where it is one of ours and its time is not over. Of the grant nothing is said yet.
pub(super) fn verified(provider: &Provider, token: &str) -> Result<Presented, Invalid> {
    let expect =
        Expect { typ: tokens::ACCESS_TOKEN, issuer: provider.issuer(), lifetime: Lifetime::LiveAt(provider.now()) };
    let (token, exp) = provider.app().keyring.verify_until::<Presented>(token, &expect)?;
    Ok(Presented { exp, ..token })
}

/// What the grant behind a token states now; `None` where it holds no more.
pub(super) async fn standing(provider: &Provider, token: &Presented) -> Result<Option<Assertion>, Fault> {
    let Some(grant) = token.grant() else { return Ok(None) };
    let LiveGrant { grant, assertion } = match provider.signon.recheck(grant).await? {
        Ok(standing) => standing,
        Err(reason) => {
            tracing::debug!(reason = reason.code(), "the grant behind a token holds no more");
            return Ok(None);
        }
    };
    let same = grant.protocol == NAME && grant.relying_party == token.client_id && assertion.subject == token.sub;
    Ok((same && tokens::holds(&assertion, provider.now())).then_some(assertion))
}

/// Whether the token still holds, whomever it is about.
pub(super) async fn still_holds(provider: &Provider, token: &Presented) -> Result<bool, Fault> {
    if token.is_about_the_client() {
        return Ok(provider.app().shelf.get(Namespace::RevokedToken, &token.jti).await?.is_none());
    }
    Ok(standing(provider, token).await?.is_some())
}
