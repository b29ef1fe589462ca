//! Single sign-on (profiles 4.1): a browser arrives with a request and leaves for a page of ours, or with an answer.

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::HeaderMap,
    response::Response,
    routing::get,
};

use super::{
    NAME, Peer, Provider, SSO, context,
    error::{Refusal, Status, Stop},
    message::Received,
    party::Party,
    request::{self, Words},
    respond::{self, ReturnTo},
    turning,
};
use crate::{
    domain::reason::Reason,
    protocols::answer::see_other,
    signon::{Ask, Next, Ready, visitor::Visitor},
    wire::saml::{redirect::Kind, request::Acs, status},
};

const RESUME: &str = "/saml/resume/";

pub(super) fn routes() -> Router<Provider> {
    Router::new()
        .route(SSO, get(arrive).post(arrive_by_post))
        .route("/saml/sso/{ticket}", get(turned))
        .route("/saml/resume/{ticket}", get(resume))
        .route("/saml/unsolicited", get(unsolicited))
}

/// Where the browser goes next.
pub(super) enum Going {
    /// To a page of ours.
    Here(String),
    /// To the service provider, with this response.
    Back(Box<ReturnTo>, String),
}

/// Whose request it was, once that is known, and what came of it.
type Outcome = (Option<Arc<Party>>, Result<Going, Stop>);

async fn arrive(
    State(provider): State<Provider>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let visitor = provider.visitor(&headers, peer);
    let received = Received::by_redirect(&query.unwrap_or_default());
    let outcome = match received.and_then(a_request) {
        Ok(received) => with_request(&provider, &received, &visitor).await,
        Err(refusal) => (None, Err(refusal.into())),
    };
    answer(&provider, &headers, "single sign-on", outcome)
}

/// Turned into a GET, which has our cookie.
async fn arrive_by_post(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    let received = Received::by_post(&body).and_then(a_request);
    let outcome = match received {
        Ok(received) => turn(&provider, &received).await,
        Err(refusal) => (None, Err(refusal.into())),
    };
    match outcome {
        // The exchange is noted when the browser is back.
        (_, Ok(Going::Here(path))) => see_other(&path),
        outcome => answer(&provider, &headers, "single sign-on", outcome),
    }
}

async fn turned(
    State(provider): State<Provider>,
    Path(ticket): Path<String>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let visitor = provider.visitor(&headers, peer);
    let outcome = match turning::taken(&provider, SSO, &ticket).await {
        Ok(words) => with_words(&provider, words, &visitor).await,
        Err(stop) => (None, Err(stop)),
    };
    answer(&provider, &headers, "single sign-on", outcome)
}

/// The browser comes back from our own pages.
async fn resume(
    State(provider): State<Provider>,
    Path(ticket): Path<String>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let visitor = provider.visitor(&headers, peer);
    let outcome = match provider.signon.resume(&ticket, &visitor).await {
        Ok(Some((ask, next))) if ask.protocol == NAME => match serde_json::from_value::<Words>(ask.state) {
            Ok(words) => match whose(&provider, &words) {
                Ok(party) => {
                    let outcome = match next {
                        Next::Refuse { page: None, reason: Reason::Declined }
                            if has_a_badge(&provider, &words, &visitor).await =>
                        {
                            tell(&party, &words, context::no_password())
                        }
                        next => next_step(&provider, &party, &words, next).await,
                    };
                    (Some(party.clone()), outcome)
                }
                Err(refusal) => (None, Err(refusal.into())),
            },
            Err(error) => (None, Err(Stop::Broken(respond::broken("a request's state cannot be read", &error)))),
        },
        Ok(_) => (None, Err(Refusal::over().into())),
        Err(fault) => (None, Err(Stop::Broken(fault))),
    };
    answer(&provider, &headers, "back from sign-in", outcome)
}

/// Whoever was asked for a PIN here, and would rather not, has shown a badge.
async fn has_a_badge(provider: &Provider, words: &Words, visitor: &Visitor) -> bool {
    let who = provider.signon.who(visitor).await;
    words.class_of_a_badge.is_none() && who.is_ok_and(|who| who.is_some_and(|who| !who.session.method.is_a_password()))
}

/// Nobody asked; the reader comes from a link of ours. `providerId` is the service provider's entityID, `target` the
/// RelayState, as other identity providers name them.
async fn unsolicited(
    State(provider): State<Provider>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let visitor = provider.visitor(&headers, peer);
    let outcome = match request::unsolicited(&provider, &query.unwrap_or_default()) {
        Ok(words) => with_words(&provider, words, &visitor).await,
        Err(refusal) => (None, Err(refusal.into())),
    };
    answer(&provider, &headers, "unsolicited sign-on", outcome)
}

fn a_request(received: Received) -> Result<Received, Refusal> {
    match received.kind {
        Kind::Request => Ok(received),
        Kind::Response => Err(Refusal::new("another-message", "a response is nothing that is asked for here")),
    }
}

async fn with_request(provider: &Provider, received: &Received, visitor: &Visitor) -> Outcome {
    match request::checked(provider, received, provider.now()) {
        Ok((party, words)) => {
            let outcome = begin(provider, &party, words, visitor).await;
            (Some(party), outcome)
        }
        Err((party, stop)) => (party, Err(stop)),
    }
}

/// Whose request waited, if its answer may still go where it was asked to.
fn whose(provider: &Provider, words: &Words) -> Result<Arc<Party>, Refusal> {
    let party = provider.asking(&words.entity_id)?;
    request::consumer(&party, &Acs::Url(words.acs.clone()))?;
    Ok(party)
}

async fn with_words(provider: &Provider, words: Words, visitor: &Visitor) -> Outcome {
    match whose(provider, &words) {
        Ok(party) => {
            let outcome = begin(provider, &party, words, visitor).await;
            (Some(party), outcome)
        }
        Err(refusal) => (None, Err(refusal.into())),
    }
}

async fn turn(provider: &Provider, received: &Received) -> Outcome {
    match request::checked(provider, received, provider.now()) {
        Ok((party, words)) => {
            let kept = turning::kept(provider, SSO, &words).await;
            (Some(party), kept.map(Going::Here).map_err(Stop::Broken))
        }
        Err((party, stop)) => (party, Err(stop)),
    }
}

async fn begin(provider: &Provider, party: &Arc<Party>, words: Words, visitor: &Visitor) -> Result<Going, Stop> {
    let ask = Ask {
        protocol: NAME.to_owned(),
        relying_party: party.key.clone(),
        vendor: party.vendor.clone(),
        scopes: party.scopes.clone(),
        fresh_after: words.force_authn.then(|| provider.now()),
        password: words.class_of_a_badge.is_none(),
        interactive: !words.is_passive,
        card_hint: None,
        languages: Vec::new(),
        consent: None,
        offline: false,
        renewable: Some(serde_json::json!({ "name": words.name })),
        resume: RESUME.to_owned(),
        state: serde_json::to_value(&words).map_err(|e| respond::broken("a request cannot be kept", &e))?,
    };
    let next = provider.signon.begin(ask, visitor).await?;
    next_step(provider, party, &words, next).await
}

async fn next_step(provider: &Provider, party: &Arc<Party>, words: &Words, next: Next) -> Result<Going, Stop> {
    let tell = |status: Status| tell(party, words, status);
    match next {
        Next::Issue(ready) => issue(provider, party, words, *ready).await,
        Next::Page(path) | Next::Refuse { page: Some(path), .. } => Ok(Going::Here(path)),
        Next::Refuse { page: None, reason } => tell(Status::denied(&reason)),
        Next::SignInNeeded | Next::ConsentNeeded => {
            tell(Status::responder(status::NO_PASSIVE, "nobody is signed in, and no page may be shown"))
        }
    }
}

fn tell(party: &Arc<Party>, words: &Words, status: Status) -> Result<Going, Stop> {
    Err(Stop::Tell(Box::new(words.return_to(party)), status))
}

/// Policy said yes: the grant and its audit event are written, then the answer goes.
async fn issue(provider: &Provider, party: &Arc<Party>, words: &Words, ready: Ready) -> Result<Going, Stop> {
    let (_, assertion) = provider.signon.finish(ready).await?;
    let to = Box::new(words.return_to(party));
    match respond::success(provider, party, words, &assertion)? {
        Ok(xml) => Ok(Going::Back(to, xml)),
        Err(status) => {
            provider.signon.revoke(assertion.grant, "nothing could be asserted as asked").await?;
            Err(Stop::Tell(to, status))
        }
    }
}

fn answer(provider: &Provider, headers: &HeaderMap, step: &'static str, (party, outcome): Outcome) -> Response {
    if let Some(party) = party {
        provider.went(&party, step, &outcome);
    }
    match outcome {
        Ok(Going::Here(path)) => see_other(&path),
        Ok(Going::Back(to, xml)) => to.hand_over(provider, headers, &xml),
        Err(stop) => stop.response(provider, headers),
    }
}
