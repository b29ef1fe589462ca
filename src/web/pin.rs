//! The change of PIN, forced at the first sign-in or wished later. What was typed stays typed.

use axum::{
    extract::{Path, State},
    http::StatusCode,
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
    domain::reason::Reason,
    pages::Frame,
    signon::{ChangedPin, SignOn, SignedIn},
};

#[derive(Default, Deserialize)]
pub struct Typed {
    #[serde(default)]
    current_pin: String,
    #[serde(default)]
    new_pin: String,
    #[serde(default)]
    repeat_pin: String,
}

#[derive(Serialize)]
struct Page<'a> {
    frame: Frame,
    /// The PIN came from the school and opens nothing else.
    first: bool,
    action: String,
    fields: [Field<'a>; 3],
    problem: Option<Problem>,
}

#[derive(Serialize)]
struct Field<'a> {
    name: &'static str,
    label: &'static str,
    value: &'a str,
}

#[derive(Serialize)]
struct Problem {
    text: String,
    minutes: u64,
    field: &'static str,
}

impl Problem {
    fn new(text: &str, field: &'static str) -> Problem {
        Problem { text: text.to_owned(), minutes: 0, field }
    }
}

pub async fn show(
    State(signon): State<SignOn>,
    ticket: Option<Path<String>>,
    browser: Browser,
) -> Result<Response, Failure> {
    let ticket = ticket.map(|Path(ticket)| ticket).filter(|ticket| is_ticket(ticket));
    match signon.who(&browser.visitor).await? {
        Some(who) => form(&browser, &who, ticket.as_deref(), &Typed::default(), None),
        None => see(&sign_in(ticket.as_deref())),
    }
}

pub async fn change(
    State(signon): State<SignOn>,
    ticket: Option<Path<String>>,
    Posted { browser, form: typed }: Posted<Typed>,
) -> Result<Response, Failure> {
    let ticket = ticket.map(|Path(ticket)| ticket).filter(|ticket| is_ticket(ticket));
    let ticket = ticket.as_deref();
    let Some(who) = signon.who(&browser.visitor).await? else { return see(&sign_in(ticket)) };
    if let Some(problem) = incomplete(&typed) {
        return form(&browser, &who, ticket, &typed, Some(problem));
    }
    match signon.change_pin(ticket, &typed.current_pin, &typed.new_pin, &browser.visitor).await? {
        ChangedPin::Done { cookie, to } => browser.signed_in(&cookie, &to),
        ChangedPin::SignInNeeded => see(&sign_in(ticket)),
        ChangedPin::TooEasy(rule) => form(&browser, &who, ticket, &typed, Some(Problem::new(rule, "new_pin"))),
        ChangedPin::TryAgain(Reason::SignInFailed) => {
            form(&browser, &who, ticket, &typed, Some(Problem::new("pin-current-wrong", "current_pin")))
        }
        ChangedPin::TryAgain(reason) => {
            let text = format!("reason-{}-now", reason.code());
            let problem = Problem { text, minutes: refusal::minutes(&reason), field: "current_pin" };
            form(&browser, &who, ticket, &typed, Some(problem))
        }
    }
}

/// What can be said without asking anyone.
fn incomplete(typed: &Typed) -> Option<Problem> {
    let empty = [("current_pin", &typed.current_pin), ("new_pin", &typed.new_pin), ("repeat_pin", &typed.repeat_pin)]
        .into_iter()
        .find(|(_, value)| value.trim().is_empty());
    match empty {
        Some((field, _)) => Some(Problem::new("pin-missing", field)),
        None if typed.new_pin.trim() != typed.repeat_pin.trim() => Some(Problem::new("pin-mismatch", "repeat_pin")),
        None => None,
    }
}

fn form(
    browser: &Browser,
    who: &SignedIn,
    ticket: Option<&str>,
    typed: &Typed,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let (csrf, cookie) = browser.token()?;
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let field = |name, label, value| Field { name, label, value };
    let page = Page {
        frame: Frame { csrf, ticket: ticket.map(str::to_owned), ..browser.frame(Some(who)) },
        first: who.session.pin_change_due,
        action: ticket.map_or_else(|| "/change-pin".to_owned(), |ticket| format!("/change-pin/{ticket}")),
        fields: [
            field("current_pin", "pin-current", typed.current_pin.as_str()),
            field("new_pin", "pin-new", typed.new_pin.as_str()),
            field("repeat_pin", "pin-repeat", typed.repeat_pin.as_str()),
        ],
        problem,
    };
    let response = match ticket {
        Some(_) => browser.page_on_the_way(status, "pin/change.html", page)?,
        None => browser.page(status, "pin/change.html", page)?,
    };
    Ok(with_cookie(response, cookie))
}

fn sign_in(ticket: Option<&str>) -> String {
    ticket.map_or_else(|| "/sign-in".to_owned(), |ticket| format!("/sign-in/{ticket}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn verdict(current: &str, new: &str, repeat: &str) -> Option<(String, &'static str)> {
        let typed = Typed { current_pin: current.into(), new_pin: new.into(), repeat_pin: repeat.into() };
        incomplete(&typed).map(|problem| (problem.text, problem.field))
    }

    #[test]
    fn the_first_thing_to_fix_is_named() {
        assert_eq!(verdict("", "7391", "7391"), Some(("pin-missing".into(), "current_pin")));
        assert_eq!(verdict("1234", "7391", " "), Some(("pin-missing".into(), "repeat_pin")));
        assert_eq!(verdict("1234", "7391", "7392"), Some(("pin-mismatch".into(), "repeat_pin")));
        assert_eq!(verdict("1234", "7391", "7391 "), None);
    }
}
