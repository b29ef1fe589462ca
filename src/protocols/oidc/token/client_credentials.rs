//! A vendor's own back end (RFC 6749 section 4.4): a token about no reader, for the vendor's own scopes.

use super::{Call, Issued, tokens};
use crate::{
    domain::{catalogue::Catalogue, clock::Timestamp, scope::Scopes},
    protocols::oidc::{
        client::{Auth, Client},
        error::{Error, Failure},
    },
};

pub(super) async fn redeem(call: &Call<'_>) -> Result<Issued, Failure> {
    if call.client.auth == Auth::None {
        return Err(Error::new("unauthorized_client", "a public client has no back end of its own").into());
    }
    let (provider, client, scope) = (call.provider, &call.client, call.params.get("scope"));
    provider.signon.note_asked(&client.vendor, &client.scopes, scope.unwrap_or_default());
    let scopes = asked(client, scope, &provider.app().catalogue(), provider.now())?;
    Ok(tokens::issue_to_client(call, &scopes)?)
}

/// All that the client may ask for, or the part of it that it asks for.
fn asked(client: &Client, scope: Option<&str>, catalogue: &Catalogue, now: Timestamp) -> Result<Scopes, Error> {
    let Some(scope) = scope else { return Ok(client.scopes.clone()) };
    let known = |name: &str| catalogue.scope_asked(name, now).filter(|scope| client.scopes.contains(scope));
    scope
        .split(' ')
        .filter(|name| !name.is_empty())
        .map(|name| {
            known(name).cloned().ok_or_else(|| Error::new("invalid_scope", "scope holds what is not this client's"))
        })
        .collect()
}
