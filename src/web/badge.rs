//! A badge instead of card and PIN, and the pictures that may come after it. A hand scanner types, so no script is needed;
//! where a browser can, the camera reads.

use axum::{
    extract::{Path, State},
    http::{
        HeaderValue, StatusCode,
        header::{CONTENT_SECURITY_POLICY, RETRY_AFTER},
    },
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    browser::{Browser, is_ticket, see, with_cookie},
    guard::{POLICY_WITH_SCRIPT, Posted},
    refusal,
};
use crate::{
    domain::{
        badge::{PICKS, Pictures, SYMBOLS, picks},
        reason::Reason,
    },
    pages::Frame,
    signon::{Answer, Scanned, SignOn},
};

#[derive(Deserialize)]
pub struct Typed {
    #[serde(default)]
    badge: String,
}

#[derive(Deserialize)]
pub struct Picked {
    #[serde(default)]
    so_far: String,
    #[serde(default)]
    pick: String,
}

#[derive(Serialize)]
struct ScanPage<'a> {
    frame: Frame,
    vendor: Option<&'a str>,
    action: String,
    pin_way: String,
    problem: Option<Problem>,
}

#[derive(Serialize)]
struct PicturesPage {
    frame: Frame,
    action: String,
    pin_way: String,
    /// Pictures can be picked still.
    open: bool,
    symbols: [&'static str; SYMBOLS.len()],
    picked: Vec<&'static str>,
    /// As many as are still to be picked.
    missing: Vec<usize>,
    place: usize,
    so_far: String,
    problem: Option<Problem>,
}

#[derive(Serialize)]
struct Problem {
    /// The refusal's stable code; absent where no badge was read at all.
    reason: Option<&'static str>,
    text: String,
    now: String,
    minutes: u64,
    #[serde(skip)]
    retry_after: Option<u64>,
}

impl Problem {
    fn not_a_badge() -> Problem {
        let [text, now] = ["badge-not-a-badge", "badge-not-a-badge-now"].map(str::to_owned);
        Problem { reason: None, text, now, minutes: 0, retry_after: None }
    }
}

impl From<&Reason> for Problem {
    fn from(reason: &Reason) -> Problem {
        let retry_after = match reason {
            Reason::TooManyTries { retry_after } => Some(*retry_after),
            _ => None,
        };
        Problem {
            reason: Some(reason.code()),
            text: format!("reason-{}", reason.code()),
            now: format!("reason-{}-now", reason.code()),
            minutes: refusal::minutes(reason),
            retry_after,
        }
    }
}

pub async fn show(
    State(signon): State<SignOn>,
    ticket: Option<Path<String>>,
    browser: Browser,
) -> Result<Response, Failure> {
    let ticket = ticket.map(|Path(ticket)| ticket);
    let problem = match signon.badge_door(&browser.visitor) {
        Some(_) => None,
        None => Some(Problem::from(&Reason::BadgeNotHere)),
    };
    scanner(&signon, browser, ticket.as_deref(), problem).await
}

pub async fn scan(
    State(signon): State<SignOn>,
    ticket: Option<Path<String>>,
    Posted { browser, form: typed }: Posted<Typed>,
) -> Result<Response, Failure> {
    let ticket = ticket.map(|Path(ticket)| ticket).filter(|ticket| is_ticket(ticket));
    match signon.scan(&typed.badge, ticket.as_deref(), &browser.visitor).await? {
        Scanned::NotABadge => scanner(&signon, browser, ticket.as_deref(), Some(Problem::not_a_badge())).await,
        Scanned::Pictures(handle) => see(&format!("/pictures/{handle}")),
        Scanned::Answer(Answer::TryAgain(reason)) => {
            scanner(&signon, browser, ticket.as_deref(), Some(Problem::from(&reason))).await
        }
        Scanned::Answer(answer) => onwards(&browser, answer),
    }
}

pub async fn pictures(
    State(signon): State<SignOn>,
    Path(handle): Path<String>,
    browser: Browser,
) -> Result<Response, Failure> {
    let Some(at) = place(&signon, &handle).await? else { return refusal::expired(&signon, &browser).await };
    choice(&browser, &at, &[], None)
}

/// One picture of three; the last one is looked at together with those before it, so that nobody learns which was wrong.
pub async fn pick(
    State(signon): State<SignOn>,
    Path(handle): Path<String>,
    Posted { browser, form }: Posted<Picked>,
) -> Result<Response, Failure> {
    let Some(at) = place(&signon, &handle).await? else { return refusal::expired(&signon, &browser).await };
    if form.pick == "again" {
        return choice(&browser, &at, &[], None);
    }
    let Some(so_far) = picks(&format!("{}-{}", form.so_far, form.pick)) else {
        return choice(&browser, &at, &[], None);
    };
    if so_far.len() < PICKS {
        return choice(&browser, &at, &so_far, None);
    }
    let Some(picked) = Pictures::read(&written(&so_far)) else { return choice(&browser, &at, &[], None) };
    match signon.pick(&handle, picked, &browser.visitor).await? {
        None => refusal::expired(&signon, &browser).await,
        Some(Answer::TryAgain(reason)) => choice(&browser, &at, &[], Some(&reason)),
        Some(answer) => onwards(&browser, answer),
    }
}

fn onwards(browser: &Browser, answer: Answer) -> Result<Response, Failure> {
    match answer {
        Answer::SignedIn { cookie, to } => browser.signed_in(&cookie, &to),
        Answer::Refused { page: Some(page), .. } => see(&page),
        Answer::Refused { reason, page: None } | Answer::TryAgain(reason) => refusal::at_the_door(browser, &reason),
    }
}

/// A child before the pictures.
struct At {
    handle: String,
    /// Where she would sign in by PIN instead.
    pin_way: String,
}

async fn place(signon: &SignOn, handle: &str) -> Result<Option<At>, Failure> {
    let picking = if is_ticket(handle) { signon.picking(handle).await? } else { None };
    Ok(picking.map(|picking| At {
        handle: handle.to_owned(),
        pin_way: picking.ticket.map_or_else(|| "/sign-in".to_owned(), |ticket| format!("/sign-in/{ticket}")),
    }))
}

/// The field that a scanner types into, empty whatever was typed: a badge's secret is never sent back.
async fn scanner(
    signon: &SignOn,
    browser: Browser,
    ticket: Option<&str>,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    if signon.app().config.badge.is_none() {
        return Err(Failure::status(StatusCode::NOT_FOUND));
    }
    let ask = match ticket {
        Some(ticket) if is_ticket(ticket) => signon.pending(ticket).await?,
        _ => None,
    };
    if ticket.is_some() && ask.is_none() {
        return refusal::expired(signon, &browser).await;
    }
    let browser = browser.preferring(ask.as_ref().map(|ask| ask.languages.as_slice()).unwrap_or_default());
    let catalogue = signon.app().catalogue();
    let vendor = ask.as_ref().and_then(|ask| catalogue.vendors.get(&ask.vendor));
    let (csrf, cookie) = browser.token()?;
    let way = |page: &str| ticket.map_or_else(|| page.to_owned(), |ticket| format!("{page}/{ticket}"));
    let (status, retry_after) = (status_of(problem.as_ref()), problem.as_ref().and_then(|problem| problem.retry_after));
    let page = ScanPage {
        frame: Frame { csrf, ..browser.frame(None) },
        vendor: vendor.map(|vendor| vendor.name.as_str()),
        action: way("/badge"),
        pin_way: way("/sign-in"),
        problem,
    };
    let mut response = browser.page(status, "badge/scan.html", page)?;
    response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY_WITH_SCRIPT));
    Ok(with_cookie(waiting(response, retry_after), cookie))
}

fn choice(browser: &Browser, at: &At, so_far: &[u8], reason: Option<&Reason>) -> Result<Response, Failure> {
    let problem = reason.map(Problem::from);
    let (csrf, cookie) = browser.token()?;
    let (status, retry_after) = (status_of(problem.as_ref()), problem.as_ref().and_then(|problem| problem.retry_after));
    let page = PicturesPage {
        frame: Frame { csrf, ..browser.frame(None) },
        action: format!("/pictures/{}", at.handle),
        pin_way: at.pin_way.clone(),
        open: matches!(reason, None | Some(Reason::PicturesWrong)),
        symbols: SYMBOLS,
        picked: so_far.iter().filter_map(|symbol| SYMBOLS.get(usize::from(*symbol)).copied()).collect(),
        missing: (so_far.len()..PICKS).collect(),
        place: so_far.len() + 1,
        so_far: written(so_far),
        problem,
    };
    // A vendor may wait behind it.
    let response = browser.page_on_the_way(status, "badge/pictures.html", page)?;
    Ok(with_cookie(waiting(response, retry_after), cookie))
}

fn written(picked: &[u8]) -> String {
    picked.iter().map(u8::to_string).collect::<Vec<_>>().join("-")
}

fn status_of(problem: Option<&Problem>) -> StatusCode {
    match problem {
        None => StatusCode::OK,
        Some(Problem { retry_after: Some(_), .. }) => StatusCode::TOO_MANY_REQUESTS,
        Some(Problem { reason: Some("badge-not-here"), .. }) => StatusCode::FORBIDDEN,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    }
}

fn waiting(mut response: Response, retry_after: Option<u64>) -> Response {
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}
