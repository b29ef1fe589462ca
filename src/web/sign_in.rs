//! Card and PIN, with the ticket of a pending ask or without one.

use std::time::Duration;

use axum::{
    extract::{Path, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    browser::{Browser, is_ticket, see, with_cookie},
    guard::Posted,
    refusal, screen,
};
use crate::{
    domain::reason::Reason,
    pages::Frame,
    signon::{Answer, SignOn, SignedIn},
};

/// On a shared computer what was typed in vain is shown for so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
pub struct Typed {
    #[serde(default)]
    card: String,
    #[serde(default)]
    pin: String,
}

/// A form that says all by being sent.
#[derive(Deserialize)]
pub struct Declining {}

#[derive(Serialize)]
struct Page<'a> {
    frame: Frame,
    /// Where the patron is going; absent when she comes by herself.
    vendor: Option<&'a str>,
    /// This computer is one that many readers share: the browser is to keep nothing of what is typed.
    shared: bool,
    /// The vendor may be told names of adult staff; of students never.
    names_staff: bool,
    /// A user name and password of a directory may be typed as well.
    names: bool,
    card: &'a str,
    action: String,
    /// Where the button goes that leads back to the vendor.
    decline: Option<String>,
    /// Where a badge may be shown instead; absent where none opens here, now, or to this vendor.
    badge_way: Option<String>,
    /// The vendor asks for a PIN, and a badge was shown.
    password: bool,
    problem: Option<Problem>,
    help: Vec<Help<'a>>,
}

#[derive(Serialize)]
struct Problem {
    /// The refusal's stable code; absent where a field was left empty.
    reason: Option<&'static str>,
    /// Keys of texts: what is wrong, and what to do next.
    text: String,
    now: Option<String>,
    minutes: u64,
    field: &'static str,
}

#[derive(Serialize)]
struct Help<'a> {
    organisation: &'a str,
    text: &'a str,
}

pub async fn show(
    State(signon): State<SignOn>,
    ticket: Option<Path<String>>,
    browser: Browser,
) -> Result<Response, Failure> {
    let ticket = ticket.map(|Path(ticket)| ticket);
    // Who showed a badge may want to show a PIN, which opens more.
    let signed_in = |who: SignedIn| who.session.method.is_a_password();
    if ticket.is_none() && signon.who(&browser.visitor).await?.is_some_and(signed_in) {
        return see("/");
    }
    form(&signon, browser, ticket.as_deref(), "", None).await
}

pub async fn answer(
    State(signon): State<SignOn>,
    ticket: Option<Path<String>>,
    Posted { browser, form: typed }: Posted<Typed>,
) -> Result<Response, Failure> {
    let ticket = ticket.map(|Path(ticket)| ticket).filter(|ticket| is_ticket(ticket));
    let empty = [("card", &typed.card), ("pin", &typed.pin)].into_iter().find(|(_, value)| value.trim().is_empty());
    if let Some((field, _)) = empty {
        let problem = Problem { reason: None, text: format!("sign-in-missing-{field}"), now: None, minutes: 0, field };
        return form(&signon, browser, ticket.as_deref(), &typed.card, Some((problem, None))).await;
    }
    match signon.answer(ticket.as_deref(), &typed.card, &typed.pin, &browser.visitor).await? {
        Answer::SignedIn { cookie, to } => browser.signed_in(&cookie, &to),
        Answer::TryAgain(reason) => {
            let retry_after = match reason {
                Reason::TooManyTries { retry_after } => Some(retry_after),
                _ => None,
            };
            let problem = Problem {
                reason: Some(reason.code()),
                text: format!("reason-{}", reason.code()),
                now: Some(format!("reason-{}-now", reason.code())),
                minutes: refusal::minutes(&reason),
                field: "card",
            };
            form(&signon, browser, ticket.as_deref(), &typed.card, Some((problem, retry_after))).await
        }
        Answer::Refused { page: Some(page), .. } => see(&page),
        Answer::Refused { reason, page: None } => refusal::at_the_door(&browser, &reason),
    }
}

/// Back to the vendor without signing in. A button: what follows links ahead of the reader must not say no for her.
pub async fn decline(
    State(signon): State<SignOn>,
    Path(ticket): Path<String>,
    Posted { browser, .. }: Posted<Declining>,
) -> Result<Response, Failure> {
    let back = if is_ticket(&ticket) { signon.decline(&ticket).await? } else { None };
    match back {
        Some(path) => see(&path),
        None => refusal::expired(&signon, &browser).await,
    }
}

/// The form, empty or again. A ticket that is over gets a page that says so.
async fn form(
    signon: &SignOn,
    browser: Browser,
    ticket: Option<&str>,
    card: &str,
    problem: Option<(Problem, Option<u64>)>,
) -> Result<Response, Failure> {
    let ask = match ticket {
        Some(ticket) if is_ticket(ticket) => signon.pending(ticket).await?,
        _ => None,
    };
    if ticket.is_some() && ask.is_none() {
        return refusal::expired(signon, &browser).await;
    }
    let browser = browser.preferring(ask.as_ref().map(|ask| ask.languages.as_slice()).unwrap_or_default());
    let shared = signon.is_shared(&browser.visitor).await?;
    // On a shared computer a vendor's guess is of whoever sat here before.
    let hint = ask.as_ref().and_then(|ask| ask.card_hint.as_deref()).filter(|_| problem.is_none() && !shared);
    let catalogue = signon.app().catalogue();
    let vendor = ask.as_ref().and_then(|ask| catalogue.vendors.get(&ask.vendor));
    let help = catalogue.organisations.values();
    let help = help.filter_map(|o| Some(Help { organisation: &o.name, text: o.help.as_deref()? })).collect();
    let wants_password = ask.as_ref().is_some_and(|ask| ask.password);
    let badges_open = !wants_password && signon.badge_door(&browser.visitor).is_some();
    let badge = ticket.map_or_else(|| "/badge".to_owned(), |ticket| format!("/badge/{ticket}"));
    let password =
        wants_password && signon.who(&browser.visitor).await?.is_some_and(|who| who.session.method.is_badge());
    let (csrf, cookie) = browser.token()?;
    let (problem, retry_after) = problem.map_or((None, None), |(problem, after)| (Some(problem), after));
    let action = ticket.map_or_else(|| "/sign-in".to_owned(), |ticket| format!("/sign-in/{ticket}"));
    // A card number that was mistyped does not wait for the next reader.
    let empty_again = problem.is_some().then(|| screen::refresh(FORGOTTEN_AFTER, &action)).flatten();
    let away = problem.as_ref().is_some_and(|problem| problem.reason == Some(Reason::DirectoryAway.code()));
    let status = match (&problem, retry_after) {
        _ if away => StatusCode::SERVICE_UNAVAILABLE,
        (None, _) => StatusCode::OK,
        (Some(_), None) => StatusCode::UNPROCESSABLE_ENTITY,
        (Some(_), Some(_)) => StatusCode::TOO_MANY_REQUESTS,
    };
    let page = Page {
        frame: Frame { csrf, ..browser.frame(None) },
        vendor: vendor.map(|vendor| vendor.name.as_str()),
        shared,
        names_staff: vendor.is_some_and(|vendor| vendor.release.iter().any(|item| item.name.group().is_some())),
        names: signon.asks_directories(),
        card: hint.unwrap_or(card),
        action,
        decline: ticket.map(|ticket| format!("/sign-in/{ticket}/decline")),
        badge_way: badges_open.then_some(badge),
        password,
        problem,
        help,
    };
    let template = "sign-in/sign-in.html";
    let mut response = match ticket {
        Some(_) => browser.page_on_the_way(status, template, page)?,
        None => browser.page(status, template, page)?,
    };
    response.headers_mut().extend(empty_again.filter(|_| shared));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(with_cookie(response, cookie))
}
