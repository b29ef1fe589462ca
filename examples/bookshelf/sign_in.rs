//! Signing in with the library and leaving again, as the browser lives it. What is said to the library itself belongs to
//! `library`.

use std::sync::Arc;

use aws_lc_rs::rand;
use axum::{
    Form,
    extract::{Query, State, rejection::QueryRejection},
    http::{HeaderMap, HeaderValue, StatusCode, header::SET_COOKIE},
    response::{IntoResponse, Redirect, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use openidconnect::{Nonce, PkceCodeVerifier};
use serde::Deserialize;

use super::{
    Shelf, books,
    library::Refused,
    page::{self, Trouble},
};

/// A sign-in on its way, kept under the browser's own ticket and the request's state together.
pub struct Attempt {
    nonce: Nonce,
    verifier: String,
    /// The book that the reader came for.
    book: Option<&'static str>,
}

/// What a library may send along when its own tile leads here (OpenID Connect Core section 4).
#[derive(Deserialize)]
pub struct Initiation {
    iss: Option<String>,
    login_hint: Option<String>,
    target_link_uri: Option<String>,
}

pub async fn begin(
    State(shelf): State<Arc<Shelf>>,
    headers: HeaderMap,
    asked: Result<Query<Initiation>, QueryRejection>,
) -> Response {
    match asked {
        Ok(Query(asked)) => start(&shelf, &headers, asked).await,
        Err(_) => Trouble::Unclear.page(&shelf.pages),
    }
}

pub async fn begin_by_form(
    State(shelf): State<Arc<Shelf>>,
    headers: HeaderMap,
    asked: Result<Form<Initiation>, axum::extract::rejection::FormRejection>,
) -> Response {
    match asked {
        Ok(Form(asked)) => start(&shelf, &headers, asked).await,
        Err(_) => Trouble::Unclear.page(&shelf.pages),
    }
}

async fn start(shelf: &Shelf, headers: &HeaderMap, asked: Initiation) -> Response {
    if asked.iss.is_some_and(|iss| iss != shelf.settings.issuer) {
        return Trouble::AnotherLibrary.page(&shelf.pages);
    }
    let request = match shelf.library.request(asked.login_hint).await {
        Ok(request) => request,
        Err(fault) => return Trouble::LibraryAway.because(&fault, &shelf.pages),
    };
    let Some(browser) = page::cookie(headers, shelf.browser_cookie()).or_else(random) else {
        return Trouble::OurFault.page(&shelf.pages);
    };
    let book = asked.target_link_uri.and_then(|target| book_at(shelf, &target));
    let attempt = Attempt { nonce: request.nonce, verifier: request.verifier.into_secret(), book };
    shelf.attempts.keep(ticket(&browser, &request.state), attempt);
    with_cookie(Redirect::to(request.url.as_str()), shelf, shelf.browser_cookie(), &browser, 10 * 60)
}

/// The authorization response.
#[derive(Deserialize)]
pub struct Answer {
    state: Option<String>,
    iss: Option<String>,
    code: Option<String>,
    error: Option<String>,
}

pub async fn finish(
    State(shelf): State<Arc<Shelf>>,
    headers: HeaderMap,
    answer: Result<Query<Answer>, QueryRejection>,
) -> Response {
    let Ok(Query(answer)) = answer else { return Trouble::Unclear.page(&shelf.pages) };
    // RFC 6749 section 10.12: it answers a request of this very browser, and only once.
    let browser = page::cookie(&headers, shelf.browser_cookie());
    let attempt = browser.zip(answer.state).and_then(|(browser, state)| shelf.attempts.take(&ticket(&browser, &state)));
    let Some(attempt) = attempt else { return Trouble::TooLate.page(&shelf.pages) };
    // RFC 9207: it comes from the library that was asked.
    match shelf.library.is_sender(answer.iss.as_deref()).await {
        Ok(true) => {}
        Ok(false) => return Trouble::AnotherLibrary.page(&shelf.pages),
        Err(fault) => return Trouble::LibraryAway.because(&fault, &shelf.pages),
    }
    let code = match (answer.code, answer.error.as_deref()) {
        (_, Some("access_denied")) => return Trouble::Denied.page(&shelf.pages),
        (_, Some("temporarily_unavailable" | "server_error")) => return Trouble::LibraryAway.page(&shelf.pages),
        (_, Some(_)) | (None, None) => return Trouble::Unclear.page(&shelf.pages),
        (Some(code), None) => code,
    };
    let verifier = PkceCodeVerifier::new(attempt.verifier.clone());
    let reader = match shelf.library.redeem(code, verifier, &attempt.nonce).await {
        Ok(reader) => reader,
        Err(Refused::NotEntitled) => return Trouble::Denied.page(&shelf.pages),
        Err(Refused::Broken(fault)) => return Trouble::LibraryAway.because(&fault, &shelf.pages),
    };
    let Some(visit) = random() else { return Trouble::OurFault.page(&shelf.pages) };
    if let Some(earlier) = page::cookie(&headers, shelf.reader_cookie()) {
        shelf.readers.take(&earlier);
    }
    shelf.readers.keep(visit.clone(), reader);
    let next = attempt.book.map_or_else(|| "/shelf".to_owned(), |book| format!("/read/{book}"));
    with_cookie(Redirect::to(&next), &shelf, shelf.reader_cookie(), &visit, 60 * 60)
}

/// Ends the visit here, and leads to the library's own sign-out if it has one. The cookie is `SameSite=Lax`, so no other
/// site can send this form.
pub async fn leave(State(shelf): State<Arc<Shelf>>, headers: HeaderMap) -> Response {
    let reader = page::cookie(&headers, shelf.reader_cookie()).and_then(|visit| shelf.readers.take(&visit));
    let next = match reader {
        Some(reader) => shelf.library.farewell(&reader).await.map(String::from),
        None => None,
    };
    let next = Redirect::to(next.as_deref().unwrap_or("/signed-out"));
    with_cookie(next, &shelf, shelf.reader_cookie(), "", 0)
}

/// What the library posts when a visit has ended there, wherever that was (OpenID Connect Back-Channel Logout 1.0).
#[derive(Deserialize)]
pub struct Goodbye {
    logout_token: String,
}

/// No cookie comes with it: the token alone says whose visit is over.
pub async fn goodbye(State(shelf): State<Arc<Shelf>>, Form(goodbye): Form<Goodbye>) -> StatusCode {
    match shelf.library.goodbye(&goodbye.logout_token).await {
        Ok(sid) => {
            shelf.readers.forget(|reader| reader.sid.as_deref() == Some(&sid));
            StatusCode::OK
        }
        Err(fault) => {
            tracing::warn!(%fault, "a logout token was refused");
            StatusCode::BAD_REQUEST
        }
    }
}

fn ticket(browser: &str, state: &str) -> String {
    format!("{browser} {state}")
}

/// The book behind a link of ours; whatever else a target may be is left alone, so that nobody is sent elsewhere.
fn book_at(shelf: &Shelf, target: &str) -> Option<&'static str> {
    let id = target.strip_prefix(&shelf.settings.public_url)?.strip_prefix("/read/")?;
    books::named(id).map(|book| book.id)
}

fn random() -> Option<String> {
    let mut bytes = [0_u8; 32];
    rand::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}

fn with_cookie(next: Redirect, shelf: &Shelf, name: &str, value: &str, seconds: u32) -> Response {
    let secure = if shelf.secure() { "; Secure" } else { "" };
    let line = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    let mut response = next.into_response();
    if let Ok(line) = HeaderValue::from_str(&line) {
        response.headers_mut().append(SET_COOKIE, line);
    }
    response
}
