//! The browser comes back from our own pages, with the ticket of the request that sent it there.

use axum::{
    extract::{Path, State},
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{
    Peer, Provider, authorize,
    error::{self, Error, Going, Stop},
    request::Words,
};
use crate::signon::{Ask, Next, visitor::Visitor};

pub(super) async fn resume(
    State(provider): State<Provider>,
    Path(ticket): Path<String>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let visitor = provider.visitor(&headers, peer);
    match on(&provider, &ticket, &visitor).await {
        Ok(Some((client, outcome))) => {
            provider.went(&client, "back from sign-in", &outcome);
            match outcome {
                Ok(going) => going.response(&provider, &headers),
                Err(stop) => stop.response(&provider, &headers),
            }
        }
        Ok(None) => {
            let hint = "this step is over or was taken already; begin again at the vendor";
            error::page(provider.app(), &headers, StatusCode::GONE, "expired", hint)
        }
        Err(stop) => stop.response(&provider, &headers),
    }
}

/// Whose browser it is, and where it goes on to; `None` for a ticket that is no more, or not of this.
async fn on(
    provider: &Provider,
    ticket: &str,
    visitor: &Visitor,
) -> Result<Option<(String, Result<Going, Stop>)>, Stop> {
    let Some((ask, next)) = provider.signon.resume(ticket, visitor).await? else { return Ok(None) };
    if ask.resume != authorize::RESUME {
        return Ok(None);
    }
    let outcome = onward(provider, &ask, next).await;
    Ok(Some((ask.relying_party, outcome)))
}

async fn onward(provider: &Provider, ask: &Ask, next: Next) -> Result<Going, Stop> {
    let back = Words::of(ask)?.back();
    // The registration may have changed while the patron signed in.
    let client = provider.client(&ask.relying_party);
    if !client.is_some_and(|c| super::redirect::is_registered(&back.uri, &c.redirect_uris, c.native)) {
        return Err(Stop::Page(Error::invalid_request("redirect_uri is no longer registered for this client")));
    }
    match next {
        Next::Issue(ready) => authorize::issue(provider, *ready).await,
        Next::Page(path) => Ok(Going::Here(path)),
        Next::Refuse { page: Some(path), .. } => Ok(Going::Here(path)),
        // Forbidden to tell the patron here, or told already: the browser comes from the page that did.
        Next::Refuse { page: None, reason } => Err(Stop::Tell(back, authorize::access_denied(&reason))),
        Next::SignInNeeded => Err(Stop::Tell(back, authorize::sign_in_needed())),
        Next::ConsentNeeded => Err(Stop::Tell(back, authorize::consent_needed())),
    }
}
