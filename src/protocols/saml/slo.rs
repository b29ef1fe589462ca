//! Single logout (profiles 4.4), through the patron's browser: a service provider asks, or is told and answers. That a
//! session ends, and who is told of it in which order, is `signon::leave`'s; a session that went to other protocols'
//! relying parties ends there as well.

use std::time::Duration;

use axum::{
    Router,
    body::Bytes,
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, header},
    response::Response,
    routing::get,
};

use super::{
    NAME, Peer, Provider, SLO,
    error::{Refusal, Status, Stop},
    goodbye::{self, Answer, Asked},
    message::{Received, fields},
    turning,
};
use crate::{
    domain::handle,
    ephemeral::Namespace,
    protocols::answer::see_other,
    signon::{
        Fault, Left, OF, Onward, Wish,
        visitor::{Visitor, no_session_cookie},
    },
    wire::saml::{redirect::Kind, status},
};

const ANSWER: &str = "/saml/slo/answer/";
const STEP: &str = "single logout";
/// How long a browser may be on its way around.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

pub(super) fn routes() -> Router<Provider> {
    Router::new()
        .route(SLO, get(arrive).post(arrive_by_post))
        .route("/saml/slo/{ticket}", get(turned))
        .route("/saml/slo/visit/{ticket}", get(visit))
        .route("/saml/slo/answer/{ticket}", get(answer))
}

async fn arrive(
    State(provider): State<Provider>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let visitor = provider.visitor(&headers, peer);
    let outcome = match Received::by_redirect(&query.unwrap_or_default()) {
        Ok(received) => hear(&provider, &received, Some(&visitor)).await,
        Err(refusal) => Err(refusal.into()),
    };
    respond(&provider, &headers, outcome)
}

/// A request is turned into a GET, which has our cookie. An answer needs none.
async fn arrive_by_post(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    let outcome = match Received::by_post(&body) {
        Ok(received) => hear(&provider, &received, None).await,
        Err(refusal) => Err(refusal.into()),
    };
    respond(&provider, &headers, outcome)
}

async fn turned(
    State(provider): State<Provider>,
    Path(ticket): Path<String>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let visitor = provider.visitor(&headers, peer);
    let outcome = match turning::taken(&provider, SLO, &ticket).await {
        Ok(asked) => end(&provider, asked, &visitor).await,
        Err(stop) => Err(stop),
    };
    respond(&provider, &headers, outcome)
}

/// The browser leaves for the next service provider that must be told.
async fn visit(State(provider): State<Provider>, Path(ticket): Path<String>, headers: HeaderMap) -> Response {
    let outcome = async {
        let Some(visit) = provider.signon.visit(&ticket).await? else { return Err(Refusal::over().into()) };
        if let Some(sending) = goodbye::request(&provider, &ticket, &visit)? {
            return Ok(Going::There(Box::new(sending)));
        }
        let untold = Err("not-registered".to_owned());
        Ok(Going::Here(onward(provider.signon.visited(&ticket, untold).await?)))
    };
    respond(&provider, &headers, outcome.await)
}

/// Everybody else was told, as far as possible: whoever asked hears how it went. Of a sign-out that nobody remembers any
/// more it cannot be said that all were reached.
async fn answer(
    State(provider): State<Provider>,
    Path(ticket): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let outcome = async {
        let Some(bytes) = provider.app().shelf.take(Namespace::Answer, &ticket).await? else {
            return Err(Refusal::over().into());
        };
        let asked: Asked = serde_json::from_slice(&bytes).map_err(unreadable)?;
        let [departure] = fields(query.unwrap_or_default().as_bytes(), [OF])?;
        let left = match departure {
            Some(departure) => provider.signon.left(&departure).await?,
            None => None,
        };
        let everybody = |left: &Left| left.unreached.is_empty() && left.open.is_empty() && left.asked.is_empty();
        let how = if left.as_ref().is_some_and(everybody) { Answer::Success } else { Answer::Partial };
        sent(goodbye::response(&provider, &asked, &how)?)
    };
    respond(&provider, &headers, outcome.await)
}

/// Where the browser goes next.
enum Going {
    /// To a page of ours.
    Here(String),
    /// The same, signed out.
    SignedOut(String),
    /// To a service provider, with a message.
    There(Box<goodbye::Sending>),
}

/// `visitor` is absent where the request came by POST, and so without a cookie.
async fn hear(provider: &Provider, received: &Received, visitor: Option<&Visitor>) -> Result<Going, Stop> {
    match received.kind {
        Kind::Request => {
            let (party, checked) = goodbye::asked(provider, received, provider.now()).await?;
            let asked = match checked {
                Ok(asked) => asked,
                Err(refusal) => {
                    provider.refused(&party, STEP, &refusal);
                    return Err(refusal.into());
                }
            };
            match visitor {
                Some(visitor) => end(provider, asked, visitor).await,
                None => Ok(Going::Here(turning::kept(provider, SLO, &asked).await?)),
            }
        }
        Kind::Response => {
            let (ticket, told) = goodbye::answered(provider, received).await?;
            Ok(Going::Here(onward(provider.signon.visited(&ticket, told).await?)))
        }
    }
}

/// Ends the session that the request names, if it is this browser's.
async fn end(provider: &Provider, asked: Asked, visitor: &Visitor) -> Result<Going, Stop> {
    let party = provider.asking(&asked.entity_id)?;
    let Some(here) = provider.signon.who(visitor).await? else {
        provider.note(&party, STEP, "ok", "nobody was signed in here");
        return sent(goodbye::response(provider, &asked, &Answer::Success)?);
    };
    if !goodbye::is_about(provider, &asked, &party, &here.session) {
        let hint = "the request names somebody else, or another session, than the one of this browser";
        let status = Status::requester(status::UNKNOWN_PRINCIPAL, hint);
        provider.told(&party, STEP, &status);
        return sent(goodbye::response(provider, &asked, &Answer::Refused(status))?);
    }
    let ticket = handle::random()?;
    let bytes = serde_json::to_vec(&asked).map_err(unreadable)?;
    provider.app().shelf.put(Namespace::Answer, &ticket, bytes, PATIENCE).await?;
    let then = Some(format!("{ANSWER}{ticket}"));
    if !asked.signed {
        // Anybody could have written it: she is asked.
        provider.note(&party, STEP, "ok", "the request is not signed, so the reader is asked");
        let wish = Wish { vendor: party.vendor.clone(), then };
        return Ok(Going::Here(format!("/sign-out/{}", provider.signon.wish_to_leave(&wish).await?)));
    }
    provider.note(&party, STEP, "ok", "the reader is signed out");
    let departed = provider.signon.leave(visitor, then, Some((NAME, &party.key))).await?;
    let onward = departed.map_or_else(|| "/signed-out".to_owned(), |departed| departed.onward.to().to_owned());
    Ok(Going::SignedOut(onward))
}

fn sent(sending: Option<goodbye::Sending>) -> Result<Going, Stop> {
    Ok(match sending {
        Some(sending) => Going::There(Box::new(sending)),
        // Its metadata says nowhere to answer to.
        None => Going::Here("/signed-out".into()),
    })
}

fn onward(onward: Option<Onward>) -> String {
    onward.map_or_else(|| "/signed-out".to_owned(), |onward| onward.to().to_owned())
}

fn unreadable(error: serde_json::Error) -> Fault {
    Fault::Broken(format!("a sign-out cannot be kept or read: {error}"))
}

fn respond(provider: &Provider, headers: &HeaderMap, outcome: Result<Going, Stop>) -> Response {
    match outcome {
        Ok(Going::Here(path)) => see_other(&path),
        Ok(Going::SignedOut(path)) => {
            let mut response = see_other(&path);
            if let Ok(cookie) = HeaderValue::from_str(&no_session_cookie(provider.issuer())) {
                response.headers_mut().append(header::SET_COOKIE, cookie);
            }
            response
        }
        Ok(Going::There(sending)) => sending.response(provider, headers),
        Err(stop) => stop.response(provider, headers),
    }
}
