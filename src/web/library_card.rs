//! The page on which a patron links the library card that they had before, or takes the link back.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    browser::{Browser, see, with_cookie},
    card::grouped,
    guard::Posted,
    refusal,
};
use crate::{
    domain::{
        ils::{Unlinkable, Unproven},
        numbers::Way,
    },
    pages::Frame,
    signon::{Linking, SignOn, SignedIn},
};

#[derive(Default, Deserialize)]
pub struct Typed {
    #[serde(default)]
    library_card: String,
    #[serde(default)]
    library_pin: String,
}

#[derive(Deserialize)]
pub struct Unlinking {}

#[derive(Serialize)]
struct Page<'a> {
    frame: Frame,
    /// How a card is linked here; absent where the organisation takes none.
    way: Option<Way>,
    /// The library can be asked about a card; otherwise staff do it.
    asks: bool,
    linked: Option<Linked>,
    library_card: &'a str,
    problem: Option<Problem>,
}

#[derive(Serialize)]
struct Linked {
    number: String,
    way: Way,
    student: String,
}

#[derive(Serialize)]
struct Problem {
    code: &'static str,
    text: String,
    minutes: u64,
    field: &'static str,
}

pub async fn show(State(signon): State<SignOn>, browser: Browser) -> Result<Response, Failure> {
    let Some(who) = signon.who(&browser.visitor).await? else { return see("/sign-in") };
    if who.session.pin_change_due {
        return see("/change-pin");
    }
    page(&signon, &browser, &who, "", None)
}

pub async fn link(
    State(signon): State<SignOn>,
    Posted { browser, form: typed }: Posted<Typed>,
) -> Result<Response, Failure> {
    let Some(who) = signon.who(&browser.visitor).await? else { return see("/sign-in") };
    let empty = [("library_card", &typed.library_card), ("library_pin", &typed.library_pin)];
    if let Some((field, _)) = empty.into_iter().find(|(_, value)| value.trim().is_empty()) {
        let text = format!("library-card-missing-{}", field.trim_start_matches("library_"));
        let problem = Problem { code: "missing", text, minutes: 0, field };
        return page(&signon, &browser, &who, &typed.library_card, Some(problem));
    }
    let outcome = signon.link_library_card(&typed.library_card, &typed.library_pin, &browser.visitor).await?;
    answer(&signon, &browser, &who, &typed.library_card, outcome)
}

pub async fn unlink(
    State(signon): State<SignOn>,
    Posted { browser, .. }: Posted<Unlinking>,
) -> Result<Response, Failure> {
    let Some(who) = signon.who(&browser.visitor).await? else { return see("/sign-in") };
    let outcome = signon.unlink_library_card(&browser.visitor).await?;
    answer(&signon, &browser, &who, "", outcome)
}

fn answer(
    signon: &SignOn,
    browser: &Browser,
    who: &SignedIn,
    typed: &str,
    outcome: Linking,
) -> Result<Response, Failure> {
    let problem = match outcome {
        // What the page says then is how it is: a second click on a form that was sent already finds it done.
        Linking::Done | Linking::Not(Unlinkable::NotOffered | Unlinkable::LinkedAlready | Unlinkable::NotLinked) => {
            return see("/card/link");
        }
        Linking::SignInNeeded => return see("/card"),
        Linking::Not(why) => {
            let code = code(&why);
            Problem { code, text: code.to_owned(), minutes: 0, field: "library_card" }
        }
        Linking::Later(reason) => Problem {
            code: reason.code(),
            text: format!("reason-{}-now", reason.code()),
            minutes: refusal::minutes(&reason),
            field: "library_card",
        },
    };
    page(signon, browser, who, typed, Some(problem))
}

/// An unknown card and a wrong PIN look alike: this page must not tell which numbers are library cards.
fn code(why: &Unlinkable) -> &'static str {
    match why {
        Unlinkable::Unproven(Unproven::UnknownCard | Unproven::WrongPin | Unproven::AnotherNumber) => {
            "library-card-unproven"
        }
        other => other.code(),
    }
}

fn page(
    signon: &SignOn,
    browser: &Browser,
    who: &SignedIn,
    typed: &str,
    problem: Option<Problem>,
) -> Result<Response, Failure> {
    let numbers = &who.patron.numbers;
    let way = signon.existing_card(&who.patron);
    if way.is_none() && numbers.linked.is_none() {
        return see("/card");
    }
    let (csrf, cookie) = browser.token()?;
    let status = if problem.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let page = Page {
        frame: Frame { csrf, ..browser.frame(Some(who)) },
        way,
        asks: signon.app().config.ils.is_some(),
        linked: numbers.linked.as_ref().map(|linked| Linked {
            number: grouped(linked.number.as_str()),
            way: linked.way,
            student: grouped(numbers.student().as_str()),
        }),
        library_card: typed,
        problem,
    };
    Ok(with_cookie(browser.page(status, "card/library-card.html", page)?, cookie))
}
