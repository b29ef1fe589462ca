//! The end of a session on a shared computer: "Done", "Not you?" and a vendor's sign-out button; and the page that says
//! who was reached.

use std::time::Duration;

use axum::{
    extract::{Path, State},
    http::{
        HeaderName, HeaderValue, StatusCode,
        header::{CONTENT_SECURITY_POLICY, REFRESH},
    },
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    browser::{Browser, is_ticket, see},
    guard::{self, Posted},
    screen,
};
use crate::{
    pages::Frame,
    signon::{Left, SignOn, Wish},
};

#[derive(Deserialize)]
pub struct Choice {
    /// `sign-in`: somebody else sits here and wants to go on.
    #[serde(default)]
    then: String,
    #[serde(default)]
    ticket: String,
    /// The vendor's wish that she was asked about.
    #[serde(default)]
    wish: String,
}

#[derive(Serialize)]
struct Question {
    frame: Frame,
    wish: Option<String>,
    /// Whose wish it is.
    vendor: Option<String>,
}

pub async fn ask(
    State(signon): State<SignOn>,
    wish: Option<Path<String>>,
    browser: Browser,
) -> Result<Response, Failure> {
    let Some(who) = signon.who(&browser.visitor).await? else { return see("/signed-out") };
    let ticket = wish.map(|Path(ticket)| ticket);
    let wish = wished(&signon, ticket.as_deref()).await?;
    let vendor = wish.as_ref().and_then(|wish| Some(signon.app().catalogue().vendors.get(&wish.vendor)?.name.clone()));
    let frame = Frame { csrf: browser.token()?.0, ..browser.frame(Some(&who)) };
    let question = Question { frame, wish: ticket.filter(|_| wish.is_some()), vendor };
    if wish.is_some_and(|wish| wish.then.is_some()) {
        return browser.page_on_the_way(StatusCode::OK, "sign-out/confirm.html", question);
    }
    browser.page(StatusCode::OK, "sign-out/confirm.html", question)
}

pub async fn end(
    State(signon): State<SignOn>,
    Posted { browser, form: choice }: Posted<Choice>,
) -> Result<Response, Failure> {
    let then = match choice.then.as_str() {
        "sign-in" if is_ticket(&choice.ticket) => Some(format!("/sign-in/{}", choice.ticket)),
        "sign-in" => Some("/sign-in".to_owned()),
        _ => wished(&signon, Some(&choice.wish)).await?.and_then(|wish| wish.then),
    };
    match signon.leave(&browser.visitor, then.clone(), None).await? {
        Some(departed) => browser.signed_out(departed.onward.to()),
        None => browser.signed_out(then.as_deref().unwrap_or("/signed-out")),
    }
}

async fn wished(signon: &SignOn, ticket: Option<&str>) -> Result<Option<Wish>, Failure> {
    match ticket.filter(|ticket| is_ticket(ticket)) {
        Some(ticket) => Ok(signon.wish(ticket).await?),
        None => Ok(None),
    }
}

/// What was reached and what was not.
#[derive(Serialize)]
struct Ended {
    frame: Frame,
    frames: Vec<String>,
    told: Vec<String>,
    asked: Vec<String>,
    open: Vec<String>,
    unreached: Vec<String>,
    then: Option<String>,
    /// Whether the browser goes on by itself.
    goes_on: bool,
    /// This computer is one that many readers share.
    shared: bool,
}

/// Without scripts nobody knows when the frames have loaded; a vendor's page that only ends a session is quick.
const FRAMES_TAKE_SECONDS: u32 = 3;
/// On a shared computer the page goes back to the sign-in by itself.
const READ_BY_THEN: Duration = Duration::from_secs(30);

pub async fn ended(
    State(signon): State<SignOn>,
    ticket: Option<Path<String>>,
    browser: Browser,
) -> Result<Response, Failure> {
    let left = match ticket.filter(|Path(ticket)| is_ticket(ticket)) {
        Some(Path(ticket)) => signon.left(&ticket).await?.unwrap_or_default(),
        None => Left::default(),
    };
    // She must have the time to read what was not reached.
    let goes_on = left.then.clone().filter(|_| left.unreached.is_empty());
    let shared = signon.is_shared(&browser.visitor).await?;
    // The next reader is not to find where the last one was.
    let next = || screen::refresh(READ_BY_THEN, "/sign-in").filter(|_| shared && left.then.is_none());
    let next = next().map(|(_, value)| value);
    let policy = (!left.frames.is_empty()).then(|| guard::policy_with_frames(&left.frames)).flatten();
    let page = Ended {
        frame: browser.frame(None),
        frames: left.frames,
        told: left.told,
        asked: left.asked,
        open: left.open,
        unreached: left.unreached,
        then: left.then,
        goes_on: goes_on.is_some(),
        shared,
    };
    let mut response = browser.page(StatusCode::OK, "sign-out/signed-out.html", page)?;
    let refresh = goes_on.and_then(|to| HeaderValue::from_str(&format!("{FRAMES_TAKE_SECONDS}; url={to}")).ok());
    let headers: [(HeaderName, Option<HeaderValue>); 2] =
        [(CONTENT_SECURITY_POLICY, policy), (REFRESH, refresh.or(next))];
    for (name, value) in headers {
        if let Some(value) = value {
            response.headers_mut().insert(name, value);
        }
    }
    Ok(response)
}
