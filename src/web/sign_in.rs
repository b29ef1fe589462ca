//! Card and PIN, with the ticket of a pending ask or without one.

use std::time::Duration;

use axum::{
    extract::{Path, Query, State},
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    browser::{Browser, is_ticket, see, with_cookie},
    guard::Posted,
    portals::{self, Button},
    refusal, screen,
};
use crate::{
    domain::{id::OrganisationId, reason::Reason},
    pages::Frame,
    signon::{Answer, SignOn, SignedIn, Ways},
};

/// On a shared computer what was typed in vain is shown for so long.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(60);

#[derive(Deserialize)]
pub struct Typed {
    #[serde(default)]
    card: String,
    #[serde(default)]
    pin: String,
    /// Whose people the page was for.
    #[serde(default)]
    organisation: String,
}

/// What an address says besides.
#[derive(Deserialize, Default)]
pub struct Asked {
    /// Why an upstream has let nobody in.
    #[serde(default)]
    told: Option<String>,
    /// Whose people the page is for: the links of schools and vendors.
    #[serde(default)]
    organisation: Option<String>,
    /// Every way is to be shown, whatever else is known.
    #[serde(default)]
    all: Option<String>,
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
    /// Card and PIN are offered.
    pin: bool,
    portals: Vec<Button>,
    /// Whose people the page is for, where that is known: id and name.
    organisation: Option<(&'a str, &'a str)>,
    /// Shows every way, where this page does not.
    all: Option<String>,
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
    /// What a helper pastes.
    staff_code: Option<String>,
}

#[derive(Serialize)]
struct Help<'a> {
    organisation: &'a str,
    text: &'a str,
}

pub async fn show(
    State(signon): State<SignOn>,
    ticket: Option<Path<String>>,
    Query(asked): Query<Asked>,
    browser: Browser,
) -> Result<Response, Failure> {
    let ticket = ticket.map(|Path(ticket)| ticket);
    let told = asked.told.as_deref().filter(|told| is_ticket(told));
    // Who showed a badge may want to show a PIN, which opens more.
    let signed_in = |who: SignedIn| who.session.method.is_a_password();
    if ticket.is_none() && told.is_none() && signon.who(&browser.visitor).await?.is_some_and(signed_in) {
        return see("/");
    }
    let organisation = portals::organisation(&signon, asked.organisation.as_deref());
    let turned = match told {
        Some(told) => signon.turned_away(told).await?,
        None => None,
    };
    let view = View { ticket: ticket.as_deref(), organisation, everything: asked.all.is_some(), ..View::default() };
    match turned {
        Some(turned) => {
            let problem =
                Problem { staff_code: Some(turned.staff_code.clone()), ..Problem::of(&turned.reason, "portals") };
            form(&signon, browser, View { problem: Some(problem), ..view }).await
        }
        None => form(&signon, browser, View { straight: true, ..view }).await,
    }
}

/// The page for the people of one organisation, as its own pages link to it.
pub async fn at(
    State(signon): State<SignOn>,
    Path(organisation): Path<String>,
    browser: Browser,
) -> Result<Response, Failure> {
    if signon.who(&browser.visitor).await?.is_some() {
        return see("/");
    }
    let organisation = portals::organisation(&signon, Some(&organisation));
    form(&signon, browser, View { organisation, straight: true, ..View::default() }).await
}

pub async fn answer(
    State(signon): State<SignOn>,
    ticket: Option<Path<String>>,
    Posted { browser, form: typed }: Posted<Typed>,
) -> Result<Response, Failure> {
    let ticket = ticket.map(|Path(ticket)| ticket).filter(|ticket| is_ticket(ticket));
    let organisation = portals::organisation(&signon, Some(&typed.organisation));
    let view = View { ticket: ticket.as_deref(), card: &typed.card, organisation, ..View::default() };
    let empty = [("card", &typed.card), ("pin", &typed.pin)].into_iter().find(|(_, value)| value.trim().is_empty());
    if let Some((field, _)) = empty {
        let text = format!("sign-in-missing-{field}");
        let problem = Problem { reason: None, text, now: None, minutes: 0, field, staff_code: None };
        return form(&signon, browser, View { problem: Some(problem), ..view }).await;
    }
    match signon.answer(ticket.as_deref(), &typed.card, &typed.pin, &browser.visitor).await? {
        Answer::SignedIn { cookie, to } => browser.signed_in(&cookie, &to),
        Answer::TryAgain(reason) => {
            let retry_after = match reason {
                Reason::TooManyTries { retry_after } => Some(retry_after),
                _ => None,
            };
            let field = if reason == Reason::SchoolSignInOnly { "portals" } else { "card" };
            let problem = Some(Problem::of(&reason, field));
            form(&signon, browser, View { problem, retry_after, ..view }).await
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

impl Problem {
    fn of(reason: &Reason, field: &'static str) -> Problem {
        Problem {
            reason: Some(reason.code()),
            text: format!("reason-{}", reason.code()),
            now: Some(format!("reason-{}-now", reason.code())),
            minutes: refusal::minutes(reason),
            field,
            staff_code: None,
        }
    }
}

/// What the form is shown with.
#[derive(Default)]
struct View<'a> {
    ticket: Option<&'a str>,
    card: &'a str,
    problem: Option<Problem>,
    retry_after: Option<u64>,
    organisation: Option<OrganisationId>,
    everything: bool,
    /// Where there is one way alone, and it is an upstream's, the browser goes there without a page.
    straight: bool,
}

/// The form, empty or again. A ticket that is over gets a page that says so.
async fn form(signon: &SignOn, browser: Browser, view: View<'_>) -> Result<Response, Failure> {
    let View { ticket, card, problem, retry_after, .. } = view;
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
    let hint = ask.as_ref().and_then(|ask| ask.card_hint.as_deref()).filter(|_| !shared);
    let organisation = if view.everything {
        None
    } else {
        let guessed = || [Some(card), hint].into_iter().flatten().find_map(|said| signon.organisation_of(said));
        view.organisation.or_else(guessed)
    };
    let ways = signon.ways_in(organisation.as_ref());
    if let Some(only) = ways.only().filter(|_| view.straight && !view.everything) {
        return portals::through(signon, &browser, ticket, only.as_str()).await;
    }
    let hint = hint.filter(|_| problem.is_none()).filter(|hint| !is_an_organisation(signon, hint));
    let catalogue = signon.app().catalogue();
    let vendor = ask.as_ref().and_then(|ask| catalogue.vendors.get(&ask.vendor));
    let here = organisation.as_ref().and_then(|id| catalogue.organisations.get(id));
    let help = catalogue.organisations.values().filter(|o| here.is_none_or(|here| here.id == o.id));
    let help = help.filter_map(|o| Some(Help { organisation: &o.name, text: o.help.as_deref()? })).collect();
    let wants_password = ask.as_ref().is_some_and(|ask| ask.password);
    let badges_open = !wants_password && signon.badge_door(&browser.visitor).is_some();
    let badge = ticket.map_or_else(|| "/badge".to_owned(), |ticket| format!("/badge/{ticket}"));
    let password =
        wants_password && signon.who(&browser.visitor).await?.is_some_and(|who| who.session.method.is_badge());
    let (csrf, cookie) = browser.token()?;
    let place = ticket.map_or_else(|| "/sign-in".to_owned(), |ticket| format!("/sign-in/{ticket}"));
    // A card number that was mistyped does not wait for the next reader.
    let empty_again = problem.is_some().then(|| screen::refresh(FORGOTTEN_AFTER, &place)).flatten();
    let away = problem.as_ref().is_some_and(|problem| problem.reason == Some(Reason::DirectoryAway.code()));
    let status = match (&problem, retry_after) {
        _ if away => StatusCode::SERVICE_UNAVAILABLE,
        (None, _) => StatusCode::OK,
        (Some(_), None) => StatusCode::UNPROCESSABLE_ENTITY,
        (Some(_), Some(_)) => StatusCode::TOO_MANY_REQUESTS,
    };
    let Ways { pin, .. } = ways;
    let page = Page {
        frame: Frame { csrf, ..browser.frame(None) },
        vendor: vendor.map(|vendor| vendor.name.as_str()),
        shared,
        names_staff: vendor.is_some_and(|vendor| vendor.release.iter().any(|item| item.name.group().is_some())),
        names: signon.asks_directories(),
        card: hint.unwrap_or(card),
        decline: ticket.map(|ticket| format!("/sign-in/{ticket}/decline")),
        badge_way: badges_open.then_some(badge),
        password,
        problem,
        help,
        pin,
        portals: portals::buttons(&ways, browser.last_portal().filter(|_| !shared), ticket),
        organisation: here.map(|organisation| (organisation.id.as_str(), organisation.name.as_str())),
        all: here
            .filter(|_| signon.ways_in(None) != Ways { organisation: None, ..ways.clone() })
            .map(|_| format!("{place}?all=1")),
        action: place,
    };
    let template = "sign-in/sign-in.html";
    let mut response = match ticket.is_some() || !page.portals.is_empty() {
        true => browser.page_on_the_way(status, template, page)?,
        false => browser.page(status, template, page)?,
    };
    response.headers_mut().extend(empty_again.filter(|_| shared));
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    Ok(with_cookie(response, cookie))
}

/// A hint that names an organisation is no card.
fn is_an_organisation(signon: &SignOn, hint: &str) -> bool {
    portals::organisation(signon, Some(&hint.to_ascii_lowercase())).is_some()
}
