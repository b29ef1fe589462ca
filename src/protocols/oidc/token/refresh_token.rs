//! A grant is renewed (RFC 6749 section 6, RFC 9700 section 4.14): never for longer, never for more than it was.

use serde::Deserialize;

use super::{Call, Issued, tokens};
use crate::{
    domain::{catalogue::Catalogue, claims::Group},
    protocols::oidc::{
        NAME,
        client::Profile,
        error::{Error, Failure},
        refresh::RefreshToken,
        terms::Terms,
    },
    signon::{Fault, Turned},
};

pub(super) async fn redeem(call: &Call<'_>) -> Result<Issued, Failure> {
    let Call { provider, params, client, .. } = call;
    let text = params.get("refresh_token").ok_or_else(|| Error::invalid_request("refresh_token is missing"))?;
    // 1. We wrote it, for this client, and for whoever holds the key that it is bound to (RFC 9449 section 5).
    let shown = RefreshToken::read(&provider.app().keyring, &client.id, text)
        .ok_or_else(|| Error::invalid_grant("the refresh token is not one of this client's"))?;
    if shown.jkt.is_some() && shown.jkt != call.jkt {
        return Err(Error::invalid_grant("the refresh token is bound to another key").into());
    }
    // 2. The grant still stands: patron, agreements and vendor are looked at again.
    let ended = || Failure::from(Error::invalid_grant("what this token renews holds no more"));
    let Ok(live) = provider.signon.renewable(shown.grant).await? else { return Err(ended()) };
    let ours = live.grant.protocol == NAME && live.grant.relying_party == client.id;
    let Some(renewal) = live.grant.renewal.as_ref().filter(|_| ours) else { return Err(ended()) };
    if !tokens::holds(&live.assertion, provider.now()) {
        return Err(ended());
    }
    // 3. Less may be asked for, never more (section 6).
    let terms = Terms::deserialize(&renewal.terms).map_err(|e| Fault::Broken(format!("terms of a grant: {e}")))?;
    // What stays may be less than was asked, from a shared computer.
    let terms = Terms { offline: terms.offline && live.grant.offline, ..terms };
    let terms = narrowed(terms, params.get("scope"), &provider.app().catalogue())?;
    // 4. The token is spent; one that was spent before takes the grant down.
    // FAPI 2.0 clients keep theirs: the key that they prove themselves by is what a thief lacks.
    if client.profile == Profile::Fapi2 {
        if shown.generation != renewal.generation {
            return Err(ended());
        }
        let asked = tokens::Asked { terms: &terms, nonce: None, generation: Some(shown.generation) };
        return Ok(tokens::issue(call, &live.assertion, &asked)?);
    }
    let generation = match provider.signon.turn(&live, shown.generation).await? {
        Turned::To(generation) => generation,
        Turned::Spent => return Err(Error::invalid_grant("the refresh token was used before; all is revoked").into()),
    };
    // 5. Tokens are made, without the nonce of long ago (OIDC Core section 12.2).
    Ok(tokens::issue(
        call,
        &live.assertion,
        &tokens::Asked { terms: &terms, nonce: None, generation: Some(generation) },
    )?)
}

/// A scope is known by any name that it has had: the client may still say what it was granted by.
fn narrowed(terms: Terms, scope: Option<&str>, catalogue: &Catalogue) -> Result<Terms, Error> {
    let Some(scope) = scope else { return Ok(terms) };
    let mut less = Terms { claims: terms.claims.clone(), ..Terms::default() };
    for word in scope.split(' ').filter(|word| !word.is_empty()) {
        match word {
            "openid" if terms.openid => less.openid = true,
            "offline_access" if terms.offline => less.offline = true,
            name if asked_group(&terms, name).is_some() => less.standard.extend(asked_group(&terms, name)),
            name => match catalogue.scope_named(name).filter(|named| terms.scopes.contains(&named.scope)) {
                Some(named) => less.scopes.extend([&named.scope]),
                None => return Err(Error::new("invalid_scope", "scope holds what was not granted")),
            },
        }
    }
    Ok(less)
}

fn asked_group(terms: &Terms, scope: &str) -> Option<Group> {
    Group::of_scope(scope).filter(|group| terms.standard.contains(group))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_renewal_may_ask_for_less_and_never_for_more() {
        let catalogue = Catalogue::of_scopes(&["library.ebooks", "library.checkout", "library.databases"]);
        let terms = Terms {
            openid: true,
            standard: vec![Group::Email],
            scopes: ["library.ebooks".parse().unwrap(), "library.checkout".parse().unwrap()].into_iter().collect(),
            ..Terms::default()
        };
        assert_eq!(narrowed(terms.clone(), None, &catalogue).unwrap(), terms);
        let less = narrowed(terms.clone(), Some("library.ebooks"), &catalogue).unwrap();
        assert!(!less.openid && less.scopes.to_string() == "library.ebooks" && less.standard.is_empty());
        let email = narrowed(terms.clone(), Some("openid email"), &catalogue).unwrap();
        assert!(email.openid && email.scopes.is_empty() && email.standard == [Group::Email]);
        for more in ["library.ebooks library.databases", "offline_access", "profile", "OPENID"] {
            assert_eq!(narrowed(terms.clone(), Some(more), &catalogue).unwrap_err().code, "invalid_scope", "{more}");
        }
    }
}
