//! Pages of shared computers: the link that marks a browser, what a browser counts as, and the question to whoever left
//! a page alone.

use axum::{
    extract::{Path, Query, State, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    browser::{Browser, is_ticket, see, with_cookie},
    guard::Posted,
    language::is_local,
    screen::{self, STILL_THERE},
};
use crate::{
    pages::Frame,
    signon::{SharedBy, SignOn},
};

#[derive(Serialize)]
struct Enrolment {
    frame: Frame,
    /// As staff call the computer; absent where the link is over.
    name: Option<String>,
    action: String,
}

/// A form that says all by being sent.
#[derive(Deserialize)]
pub struct Yes {}

/// What the link opens: a question, because whatever looks at links ahead of people must not answer it.
pub async fn ask(
    State(signon): State<SignOn>,
    Path(secret): Path<String>,
    browser: Browser,
) -> Result<Response, Failure> {
    let name = if is_ticket(&secret) { signon.device_of_link(&secret).await? } else { None };
    enrolment(&signon, &browser, &secret, name).await
}

pub async fn enrol(
    State(signon): State<SignOn>,
    Path(secret): Path<String>,
    Posted { browser, .. }: Posted<Yes>,
) -> Result<Response, Failure> {
    let cookie = if is_ticket(&secret) { signon.enrol_device(&secret).await? } else { None };
    let Some(cookie) = cookie else { return enrolment(&signon, &browser, &secret, None).await };
    // Whoever is signed in here did so on a computer of one reader.
    signon.leave(&browser.visitor, None, None).await?;
    let mark = screen::mark(&signon.app().config.issuer, &cookie);
    Ok(with_cookie(browser.signed_out("/shared-device")?, mark))
}

async fn enrolment(
    signon: &SignOn,
    browser: &Browser,
    secret: &str,
    name: Option<String>,
) -> Result<Response, Failure> {
    let who = signon.who(&browser.visitor).await?;
    let (csrf, cookie) = browser.token()?;
    let status = if name.is_some() { StatusCode::OK } else { StatusCode::GONE };
    let page = Enrolment {
        frame: Frame { csrf, ..browser.frame(who.as_ref()) },
        action: format!("/shared-device/{}", if name.is_some() { secret } else { "" }),
        name,
    };
    Ok(with_cookie(browser.page(status, "shared/enrol.html", page)?, cookie))
}

#[derive(Serialize)]
struct Standing {
    frame: Frame,
    shared: bool,
    /// As staff call the computer; absent where its network says that it is shared.
    name: Option<String>,
    /// The browser has a mark that counts for nothing: the device was removed, or its year is over.
    worn: bool,
}

/// What this browser counts as, for whoever sets it up.
pub async fn standing(State(signon): State<SignOn>, browser: Browser) -> Result<Response, Failure> {
    let who = signon.who(&browser.visitor).await?;
    let by = signon.shared_by(&browser.visitor).await?;
    let (csrf, cookie) = browser.token()?;
    let page = Standing {
        frame: Frame { csrf, ..browser.frame(who.as_ref()) },
        shared: by.is_some(),
        worn: by.is_none() && browser.visitor.device.is_some(),
        name: match by {
            Some(SharedBy::Enrolment(name)) => Some(name),
            _ => None,
        },
    };
    Ok(with_cookie(browser.page(StatusCode::OK, "shared/standing.html", page)?, cookie))
}

#[derive(Deserialize)]
pub struct Left {
    #[serde(default)]
    back: String,
}

#[derive(Serialize)]
struct StillThere {
    frame: Frame,
    back: String,
}

/// Looking is no use: a page left alone must not keep its session.
pub async fn still_there(
    State(signon): State<SignOn>,
    query: Result<Query<Left>, QueryRejection>,
    browser: Browser,
) -> Result<Response, Failure> {
    let back = query.map(|Query(left)| left.back).ok().filter(|back| is_local(back)).unwrap_or_else(|| "/".to_owned());
    let Some(seated) = signon.seated(&browser.visitor).await? else { return over(&signon, &browser).await };
    let frame = Frame {
        path: back.clone(),
        badge: Some(seated.patron.badge()),
        shared: true,
        csrf: browser.token()?.0,
        ..Frame::default()
    };
    let to = format!("{STILL_THERE}?back={back}");
    let mut response = browser.page(StatusCode::OK, "shared/still-there.html", StillThere { frame, back })?;
    response.headers_mut().extend(screen::refresh(screen::over_after(&seated), &to));
    Ok(response)
}

/// Nobody was there. Whoever the session went to is told now, and not when the clock's job comes by.
async fn over(signon: &SignOn, browser: &Browser) -> Result<Response, Failure> {
    if signon.who(&browser.visitor).await?.is_some() {
        // Signed in, and on no shared computer.
        return see("/");
    }
    match signon.leave(&browser.visitor, None, None).await? {
        Some(departed) => browser.signed_out(departed.onward.to()),
        None => browser.signed_out("/signed-out"),
    }
}
