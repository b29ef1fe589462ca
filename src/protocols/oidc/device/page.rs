//! What the reader sees of a device (RFC 8628 section 3.3): a form for its code, then sign-in and consent, which are not
//! ours, then that she can go back to it.

use axum::{
    extract::{Path, RawQuery, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};

use super::{
    PATH, UserCode,
    waiting::{self, Answer, Waiting},
};
use crate::{
    domain::reason::Reason,
    pages::Frame,
    protocols::oidc::{
        NAME, Peer, Provider,
        authorize::{entitling, renewable},
        client::{Client, GrantType},
        code::Code,
        error::{self, Stop, frame, locale_of, no_store, see_other},
        params::Params,
        terms::Terms,
    },
    signon::{Ask, Fault, Next, Question, Ready, visitor::Visitor},
};

/// Where the reader ends: pages that may be read again.
pub const CONNECTED: &str = "/device/connected";
pub const DECLINED: &str = "/device/declined";
const RESUME: &str = "/oidc/device/";

/// What is kept of a device's request while the reader signs in.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Words {
    user_code: String,
    device_terms: Terms,
}

/// What is wrong with what was typed.
#[derive(Serialize)]
struct Problem {
    reason: &'static str,
    text: String,
    now: String,
    minutes: u64,
}

pub async fn show(
    State(provider): State<Provider>,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Response {
    let query = query.unwrap_or_default();
    let params = Params::read(query.as_bytes());
    let visitor = provider.visitor(&headers, peer);
    let Some(typed) = params.get("user_code").filter(|typed| !typed.trim().is_empty()) else {
        return form(&provider, &headers, &visitor, "", None, StatusCode::OK).await;
    };
    // Nobody reads a picture's answer: another site guesses here in a reader's name, for her address to be stopped.
    if headers.get("sec-fetch-dest").is_some_and(|dest| dest != "document") {
        return form(&provider, &headers, &visitor, "", None, StatusCode::FORBIDDEN).await;
    }
    match look_up(&provider, typed, &visitor).await {
        Err(stop) => stop.response(&provider, &headers),
        Ok(Looked::On(path)) => see_other(&path),
        Ok(Looked::Unknown) => {
            let problem = Problem {
                reason: "unknown-code",
                text: "device-unknown".to_owned(),
                now: "device-unknown-now".to_owned(),
                minutes: 0,
            };
            form(&provider, &headers, &visitor, typed, Some(problem), StatusCode::UNPROCESSABLE_ENTITY).await
        }
        Ok(Looked::TooOften { retry_after }) => {
            let problem = Problem {
                reason: "too-many-tries",
                text: "reason-too-many-tries".to_owned(),
                now: "device-too-many-now".to_owned(),
                minutes: retry_after.div_ceil(60),
            };
            let mut response =
                form(&provider, &headers, &visitor, typed, Some(problem), StatusCode::TOO_MANY_REQUESTS).await;
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(retry_after));
            response
        }
    }
}

enum Looked {
    /// The path to go on to.
    On(String),
    /// Never was, is over, or was answered: they look alike.
    Unknown,
    TooOften {
        retry_after: u64,
    },
}

async fn look_up(provider: &Provider, typed: &str, visitor: &Visitor) -> Result<Looked, Stop> {
    // What cannot be a code is no guess at one.
    let Some(shown) = UserCode::read(typed) else { return Ok(Looked::Unknown) };
    let look = waiting::by_user_code(&provider.app().shelf, &shown, provider.now());
    let (_, waiting) = match provider.signon.try_code(visitor, look).await? {
        Ok(Some(found)) => found,
        Err(Reason::TooManyTries { retry_after }) => return Ok(Looked::TooOften { retry_after }),
        Ok(None) | Err(_) => return Ok(Looked::Unknown),
    };
    let Some(client) = registered(provider, &waiting.client_id) else { return Ok(Looked::Unknown) };
    let words = Words { user_code: shown.to_string(), device_terms: waiting.terms.clone() };
    let ask = ask(&client, &waiting, &words)?;
    let next = provider.signon.begin(ask, visitor).await?;
    Ok(go_on(provider, words, next).await?.map_or(Looked::Unknown, Looked::On))
}

/// The reader is asked always: the code may have come from somebody else's device (section 5.4).
fn ask(client: &Client, waiting: &Waiting, words: &Words) -> Result<Ask, Fault> {
    let broken = |error: serde_json::Error| Fault::Broken(format!("device request: {error}"));
    Ok(Ask {
        protocol: NAME.to_owned(),
        relying_party: client.id.clone(),
        vendor: client.vendor.clone(),
        scopes: entitling(client, &waiting.terms.scopes),
        fresh_after: None,
        password: false,
        interactive: true,
        consent: Some(Question { device: Some(words.user_code.clone()), ..waiting.terms.question() }),
        offline: waiting.terms.offline,
        renewable: renewable(client, &waiting.terms).transpose().map_err(broken)?,
        card_hint: None,
        languages: Vec::new(),
        resume: RESUME.to_owned(),
        state: serde_json::to_value(words).map_err(broken)?,
    })
}

/// The browser comes back from sign-in, consent or a refusal.
pub async fn resume(
    State(provider): State<Provider>,
    Path(ticket): Path<String>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let visitor = provider.visitor(&headers, peer);
    match on(&provider, &ticket, &visitor).await {
        Ok(Some(path)) => see_other(&path),
        Ok(None) => {
            let hint = "this step is over or was taken already; begin again on the device";
            error::page(provider.app(), &headers, StatusCode::GONE, "expired", hint)
        }
        Err(stop) => stop.response(&provider, &headers),
    }
}

async fn on(provider: &Provider, ticket: &str, visitor: &Visitor) -> Result<Option<String>, Stop> {
    let resumed = provider.signon.resume(ticket, visitor).await?;
    let Some((ask, next)) = resumed.filter(|(ask, _)| ask.resume == RESUME) else { return Ok(None) };
    let words = Words::deserialize(&ask.state).map_err(|e| Fault::Broken(format!("device words: {e}")))?;
    // The registration may have changed while the reader signed in.
    if registered(provider, &ask.relying_party).is_none() {
        return Ok(None);
    }
    go_on(provider, words, next).await
}

/// The path where the browser goes; `None` where the device waits no more.
async fn go_on(provider: &Provider, words: Words, next: Next) -> Result<Option<String>, Stop> {
    let ready = match next {
        Next::Page(path) | Next::Refuse { page: Some(path), .. } => return Ok(Some(path)),
        Next::SignInNeeded | Next::ConsentNeeded => {
            return Err(Stop::Broken(Fault::Broken("a device's reader was not to be shown a page".into())));
        }
        Next::Refuse { page: None, .. } => None,
        Next::Issue(ready) => Some(*ready),
    };
    let Some(shown) = UserCode::read(&words.user_code) else { return Ok(None) };
    let Some(answer) = Answer::to(&provider.app().shelf, shown, provider.now()).await? else { return Ok(None) };
    match ready {
        None => {
            answer.no().await?;
            Ok(Some(DECLINED.to_owned()))
        }
        Some(ready) => {
            connect(provider, words, ready, answer).await?;
            Ok(Some(CONNECTED.to_owned()))
        }
    }
}

/// The grant and its audit event are written, then the device may have it.
async fn connect(provider: &Provider, words: Words, ready: Ready, answer: Answer<'_>) -> Result<(), Fault> {
    let (ask, assertion) = match provider.signon.finish(ready).await {
        Ok(finished) => finished,
        Err(fault) => {
            answer.none().await?;
            return Err(fault);
        }
    };
    let passage = Code {
        client_id: ask.relying_party,
        redirect_uri: String::new(),
        challenge: None,
        nonce: None,
        jkt: None,
        terms: Terms { offline: ask.offline, ..words.device_terms },
        grant: assertion.grant,
    };
    answer.yes(&passage).await
}

fn registered(provider: &Provider, client_id: &str) -> Option<std::sync::Arc<Client>> {
    provider.client(client_id).filter(|client| client.grants.contains(&GrantType::DeviceCode))
}

pub async fn connected(State(provider): State<Provider>, peer: Peer, headers: HeaderMap) -> Response {
    let frame = frame(&provider.signon, &provider.visitor(&headers, peer), CONNECTED).await;
    page(&provider, &headers, StatusCode::OK, "device/connected.html", Plain { frame })
}

pub async fn declined(State(provider): State<Provider>, peer: Peer, headers: HeaderMap) -> Response {
    let frame = frame(&provider.signon, &provider.visitor(&headers, peer), DECLINED).await;
    page(&provider, &headers, StatusCode::OK, "device/declined.html", Plain { frame })
}

#[derive(Serialize)]
struct Plain {
    frame: Frame,
}

async fn form(
    provider: &Provider,
    headers: &HeaderMap,
    visitor: &Visitor,
    typed: &str,
    problem: Option<Problem>,
    status: StatusCode,
) -> Response {
    #[derive(Serialize)]
    struct Form {
        frame: Frame,
        action: &'static str,
        typed: String,
        problem: Option<Problem>,
    }
    let typed = typed.chars().take(LONGEST_SHOWN).collect();
    let frame = frame(&provider.signon, visitor, PATH).await;
    page(provider, headers, status, "device/code.html", Form { frame, action: PATH, typed, problem })
}

/// Of what was typed, so much is shown again.
const LONGEST_SHOWN: usize = 20;

fn page(
    provider: &Provider,
    headers: &HeaderMap,
    status: StatusCode,
    template: &str,
    context: impl Serialize,
) -> Response {
    match provider.app().pages.render(template, locale_of(headers), context) {
        Ok(html) => no_store((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()),
        Err(error) => error::broken_for_people(provider.app(), headers, &Fault::Broken(error.to_string())),
    }
}
