//! To a school's own sign-in page and back. What is said to it, and what of its answer counts, is `signon`'s.

use axum::{
    extract::{Path, RawQuery, State},
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    browser::{Browser, is_ticket, see, with_cookie},
    guard::Posted,
    refusal,
};
use crate::{
    domain::{handle, id::OrganisationId},
    signon::{Answer, Arrived, Returned, SignOn, Ways},
};

/// A form that says all by being sent.
#[derive(Deserialize)]
pub struct Leaving {}

/// A button on the sign-in page.
#[derive(Serialize)]
pub struct Button {
    name: String,
    action: String,
    /// It was chosen last on this device.
    last: bool,
}

/// The buttons, the one that was chosen last before the others.
/// `last`: the one that was used on this device before.
pub fn buttons(ways: &Ways, last: Option<&str>, ticket: Option<&str>) -> Vec<Button> {
    let place = ticket.map(|ticket| format!("/{ticket}")).unwrap_or_default();
    let button = |(source, name): &(crate::domain::id::SourceId, String)| Button {
        name: name.clone(),
        action: format!("/sign-in{place}/with/{source}"),
        last: last == Some(source.as_str()),
    };
    let mut buttons: Vec<Button> = ways.portals.iter().map(button).collect();
    buttons.sort_by_key(|button| !button.last);
    buttons
}

pub async fn leave(
    State(signon): State<SignOn>,
    Path(source): Path<String>,
    Posted { browser, .. }: Posted<Leaving>,
) -> Result<Response, Failure> {
    through(&signon, &browser, None, &source).await
}

pub async fn leave_with_ticket(
    State(signon): State<SignOn>,
    Path((ticket, source)): Path<(String, String)>,
    Posted { browser, .. }: Posted<Leaving>,
) -> Result<Response, Failure> {
    if !is_ticket(&ticket) || signon.pending(&ticket).await?.is_none() {
        return refusal::expired(&signon, &browser).await;
    }
    through(&signon, &browser, Some(&ticket), &source).await
}

/// 303 to the upstream, with the cookie by which the browser is known again.
pub async fn through(
    signon: &SignOn,
    browser: &Browser,
    ticket: Option<&str>,
    source: &str,
) -> Result<Response, Failure> {
    let known = browser.travel_cookie().filter(|cookie| is_ticket(cookie)).map(str::to_owned);
    let cookie = match known {
        Some(cookie) => cookie,
        None => handle::random().map_err(Failure::broken)?,
    };
    match signon.depart(ticket, source, &cookie).await? {
        Some(to) => Ok(with_cookie(see(&to)?, Some(browser.travels(&cookie)?))),
        None => see(&ticket.map_or_else(|| "/sign-in".to_owned(), |ticket| format!("/sign-in/{ticket}"))),
    }
}

/// The upstream's answer, in the address.
pub async fn arrived(
    State(signon): State<SignOn>,
    Path(source): Path<String>,
    RawQuery(query): RawQuery,
    browser: Browser,
) -> Result<Response, Failure> {
    let (state, back) = returned(query.as_deref().unwrap_or_default());
    let Some(state) = state.filter(|state| is_ticket(state)) else {
        return refusal::expired(&signon, &browser).await;
    };
    match signon.arrived(&source, &state, &back, browser.travel_cookie(), &browser.visitor).await? {
        Arrived::Known(source, Answer::SignedIn { cookie, to }) => {
            let response = browser.signed_in(&cookie, &to)?;
            // The next reader at a shared computer need not be of the same school.
            let shared = signon.is_shared(&browser.visitor).await?;
            Ok(with_cookie(response, browser.remembers_portal(source.as_str())?.filter(|_| !shared)))
        }
        Arrived::Known(_, Answer::Refused { page: Some(page), .. }) => see(&page),
        Arrived::Known(_, Answer::Refused { reason, page: None } | Answer::TryAgain(reason)) => {
            refusal::at_the_door(&browser, &reason)
        }
        Arrived::Page(path) => see(&path),
        Arrived::Unknown => refusal::expired(&signon, &browser).await,
    }
}

/// State and answer. What is said twice is not said (RFC 6749 section 3.1).
fn returned(query: &str) -> (Option<String>, Returned) {
    let pairs: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let twice = |name: &str| pairs.iter().filter(|(n, _)| n == name).count() > 1;
    let one = |name: &str| pairs.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone());
    let state = if twice("state") { None } else { one("state") };
    let bent = ["code", "iss", "error"].iter().any(|name| twice(name));
    let error = if bent { Some("a parameter stands there twice".to_owned()) } else { one("error") };
    (state, Returned { code: one("code"), error, issuer: one("iss") })
}

/// An organisation that an address names, where it is one.
pub fn organisation(signon: &SignOn, named: Option<&str>) -> Option<OrganisationId> {
    let named: OrganisationId = named?.parse().ok()?;
    signon.app().catalogue().organisations.contains_key(&named).then_some(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_twice_in_an_answer_is_no_answer() {
        let (state, back) = returned("state=s&code=c&iss=https%3A%2F%2Foak.example");
        assert_eq!((state.as_deref(), back.code.as_deref(), back.error), (Some("s"), Some("c"), None));
        assert_eq!(back.issuer.as_deref(), Some("https://oak.example"));
        assert_eq!(returned("state=s&state=t&code=c").0, None);
        assert!(returned("state=s&code=c&code=d").1.error.is_some());
        assert!(returned("state=s&code=c&iss=a&iss=b").1.error.is_some());
    }
}
