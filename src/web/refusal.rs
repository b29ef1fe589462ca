//! The page that refuses: what, why, what now, and a way on.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::Serialize;

use super::{
    Failure,
    browser::{Browser, is_ticket},
};
use crate::{
    domain::reason::{Reason, staff_code},
    pages::Frame,
    signon::SignOn,
};

#[derive(Serialize)]
struct Page<'a> {
    frame: Frame,
    vendor: Option<&'a str>,
    /// Back to the vendor, who is told that access was denied.
    return_to: Option<String>,
    reason: Why,
    staff_code: Option<String>,
}

#[derive(Serialize)]
pub struct Why {
    code: &'static str,
    minutes: u64,
}

impl From<&Reason> for Why {
    fn from(reason: &Reason) -> Why {
        Why { code: reason.code(), minutes: minutes(reason) }
    }
}

pub async fn show(
    State(signon): State<SignOn>,
    Path(ticket): Path<String>,
    browser: Browser,
) -> Result<Response, Failure> {
    let refused = if is_ticket(&ticket) { signon.refusal(&ticket).await? } else { None };
    let Some((ask, reason)) = refused else { return expired(&signon, &browser).await };
    let who = signon.who(&browser.visitor).await?;
    let catalogue = signon.app().catalogue();
    let page = Page {
        // Without the ticket: it stands for this refusal, and leads nobody else through.
        frame: Frame { csrf: browser.token()?.0, ..browser.frame(who.as_ref()) },
        vendor: catalogue.vendors.get(&ask.vendor).map(|vendor| vendor.name.as_str()),
        return_to: Some(format!("{}{ticket}", ask.resume)),
        reason: Why::from(&reason),
        staff_code: Some(staff_code(&ticket)),
    };
    browser.page(StatusCode::FORBIDDEN, "refusal/refusal.html", page)
}

/// The PIN was right, the patron is refused as such, and no vendor asked.
pub fn at_the_door(browser: &Browser, reason: &Reason) -> Result<Response, Failure> {
    let page =
        Page { frame: browser.frame(None), vendor: None, return_to: None, reason: Why::from(reason), staff_code: None };
    browser.page(StatusCode::FORBIDDEN, "refusal/refusal.html", page)
}

/// A ticket that is spent, too old, or never was.
pub async fn expired(signon: &SignOn, browser: &Browser) -> Result<Response, Failure> {
    let who = signon.who(&browser.visitor).await?;
    let page = Page {
        frame: Frame { csrf: browser.token()?.0, ..browser.frame(who.as_ref()) },
        vendor: None,
        return_to: None,
        reason: Why::from(&Reason::Expired),
        staff_code: None,
    };
    browser.page(StatusCode::GONE, "refusal/refusal.html", page)
}

/// How many minutes a reason asks to wait, rounded up; 0 where it asks for none.
pub fn minutes(reason: &Reason) -> u64 {
    match reason {
        Reason::TooManyTries { retry_after } => retry_after.div_ceil(60),
        _ => 0,
    }
}
