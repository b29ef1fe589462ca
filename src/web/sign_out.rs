//! The end of a session on a shared computer: "Done" and "Not you?".

use axum::{extract::State, http::StatusCode, response::Response};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    browser::{Browser, is_ticket, see},
    guard::Posted,
};
use crate::{pages::Frame, signon::SignOn};

#[derive(Deserialize)]
pub struct Choice {
    /// `sign-in`: somebody else sits here and wants to go on.
    #[serde(default)]
    then: String,
    #[serde(default)]
    ticket: String,
}

#[derive(Serialize)]
struct Page {
    frame: Frame,
}

pub async fn ask(State(signon): State<SignOn>, browser: Browser) -> Result<Response, Failure> {
    let Some(who) = signon.who(&browser.visitor).await? else { return see("/signed-out") };
    let frame = Frame { csrf: browser.token()?.0, ..browser.frame(Some(&who)) };
    browser.page(StatusCode::OK, "sign-out/confirm.html", Page { frame })
}

pub async fn end(
    State(signon): State<SignOn>,
    Posted { browser, form: choice }: Posted<Choice>,
) -> Result<Response, Failure> {
    signon.end(&browser.visitor).await?;
    let to = match choice.then.as_str() {
        "sign-in" if is_ticket(&choice.ticket) => format!("/sign-in/{}", choice.ticket),
        "sign-in" => "/sign-in".to_owned(),
        _ => "/signed-out".to_owned(),
    };
    browser.signed_out(&to)
}

pub async fn ended(browser: Browser) -> Result<Response, Failure> {
    browser.page(StatusCode::OK, "sign-out/signed-out.html", Page { frame: browser.frame(None) })
}
