//! What protocols answer browsers in common: the way on, a page that posts itself to a vendor, a page for what may not be
//! sent anywhere, and a breakage under a number.

use axum::{
    body::{Body, Bytes},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::Serialize;

use crate::{
    app::App,
    domain::reason::Reason,
    pages::{Frame, Locale},
    signon::{Fault, SignOn, Visitor, visitor::cookie},
    telemetry::request,
};

/// A page that posts itself where scripts run, and by its button where they do not.
pub fn hand_over(app: &App, headers: &HeaderMap, to: &str, fields: &[(&str, &str)]) -> Response {
    /// The form leads to the vendor, whose own redirects nobody can list; the script is the page's own.
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                          frame-ancestors 'none'; base-uri 'none'";
    #[derive(Serialize)]
    struct HandOver<'a> {
        frame: Frame,
        to: &'a str,
        fields: &'a [(&'a str, &'a str)],
    }
    let page = HandOver { frame: Frame { path: "/".into(), ..Frame::default() }, to, fields };
    let html = match app.pages.render("hand-over/post.html", locale_of(headers), page) {
        Ok(html) => html,
        Err(error) => return broken_for_people(app, headers, &Fault::Broken(error.to_string())),
    };
    let mut response = (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    no_store(response)
}

/// What stands around a protocol's page: on a shared computer, who is signed in there, and "Done".
pub async fn frame(signon: &SignOn, visitor: &Visitor, path: &str) -> Frame {
    let seated = signon.seated(visitor).await.unwrap_or_else(|error| {
        tracing::warn!(%error, "who sits at a shared computer cannot be said");
        None
    });
    let badge = seated.map(|seated| seated.patron.badge());
    Frame { path: path.to_owned(), shared: badge.is_some(), badge, ..Frame::default() }
}

/// 303, kept by nobody, and without a word to the next page on where the browser comes from.
pub fn see_other(to: &str) -> Response {
    let mut response = match HeaderValue::from_str(to) {
        Ok(to) => (StatusCode::SEE_OTHER, [(header::LOCATION, to)]).into_response(),
        Err(_) => {
            tracing::error!("an address could not be written as a header");
            StatusCode::INTERNAL_SERVER_ERROR.into_response()
        }
    };
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    no_store(response)
}

/// Neither the browser nor anybody in between keeps it.
pub fn no_store(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response.headers_mut().insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

/// A page of ours for what may not be redirected. `code` and `detail` are for the vendor's engineer.
pub fn page(app: &App, headers: &HeaderMap, status: StatusCode, code: &str, detail: &str) -> Response {
    let html = app.pages.error_page(locale_of(headers), status.as_u16(), code, detail);
    no_store((status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response())
}

/// A text of ours for where no page can be: in plain ASCII marks, since not every wire has others.
pub fn text(app: &App, locale: Locale, key: &str) -> String {
    #[derive(Serialize)]
    struct Text<'a> {
        frame: Frame,
        key: &'a str,
    }
    let text = app.pages.render("refusal/sentence.txt", locale, Text { frame: Frame::default(), key });
    let text = text.unwrap_or_else(|error| {
        tracing::error!(%error, key, "a text cannot be rendered");
        String::new()
    });
    text.trim().replace(['\u{2019}', '\u{2018}'], "'").replace(['\u{201c}', '\u{201d}'], "\"").replace('\u{2013}', "-")
}

/// Why, as its reader understands it.
pub fn sentence(app: &App, locale: Locale, reason: &Reason) -> String {
    text(app, locale, &format!("reason-{}", reason.code()))
}

/// The language that the browser's reader chose, or prefers.
pub fn locale_of(headers: &HeaderMap) -> Locale {
    Locale::of(
        None,
        cookie(headers, Locale::COOKIE),
        headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()),
    )
}

/// Logs what broke under a number, and shows the number.
pub fn broken_for_people(app: &App, headers: &HeaderMap, fault: &Fault) -> Response {
    let (status, retry_after, number) = report(fault);
    let response = page(app, headers, status, &number, "");
    patient(response, retry_after)
}

/// Logs what broke. The status to answer with, after how many seconds trying again may help, and the request's number.
pub fn report(fault: &Fault) -> (StatusCode, Option<u64>, String) {
    let number = request::number().to_string();
    tracing::error!(number, %fault, "a protocol cannot go on");
    let (status, retry_after) = match fault {
        Fault::Busy { retry_after } => (StatusCode::SERVICE_UNAVAILABLE, Some(*retry_after)),
        Fault::Store(_) | Fault::Shelf(_) => (StatusCode::SERVICE_UNAVAILABLE, Some(5)),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, None),
    };
    (status, retry_after, number)
}

/// With `Retry-After`.
pub fn patient(mut response: Response, retry_after: Option<u64>) -> Response {
    if let Some(seconds) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// A document that many fetch again and again, ready to be sent: an answer costs no copy of it.
#[derive(Debug, Clone)]
pub struct Kept {
    body: Bytes,
    /// A strong entity tag, quotes included.
    etag: HeaderValue,
    media_type: HeaderValue,
    cache_control: HeaderValue,
}

impl Kept {
    /// `None` where a text is no header's. `etag` is strong, quotes included.
    pub fn new(body: impl Into<Bytes>, etag: &str, media_type: &'static str, cache_control: &str) -> Option<Kept> {
        Some(Kept {
            body: body.into(),
            etag: HeaderValue::from_str(etag).ok()?,
            media_type: HeaderValue::from_static(media_type),
            cache_control: HeaderValue::from_str(cache_control).ok()?,
        })
    }

    pub fn is_tagged(&self, etag: &str) -> bool {
        self.etag.as_bytes() == etag.as_bytes()
    }

    /// Not sent to who has it already.
    pub fn answer(&self, asked: &HeaderMap) -> Response {
        let known = asked.get_all(header::IF_NONE_MATCH).iter().any(|value| names(value, self.etag.as_bytes()));
        let mut response =
            if known { StatusCode::NOT_MODIFIED.into_response() } else { Response::new(Body::from(self.body.clone())) };
        let headers = response.headers_mut();
        headers.reserve(ROOM);
        if !known {
            headers.insert(header::CONTENT_TYPE, self.media_type.clone());
        }
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        headers.insert(header::CACHE_CONTROL, self.cache_control.clone());
        headers.insert(header::ETAG, self.etag.clone());
        response
    }
}

/// Headers of a document, and those that are around each answer.
const ROOM: usize = 12;

/// If-None-Match compares weakly (RFC 9110 section 13.1.2).
fn names(value: &HeaderValue, etag: &[u8]) -> bool {
    let mut listed = value.to_str().unwrap_or_default().split(',').map(str::trim);
    listed.any(|tag| tag == "*" || tag.strip_prefix("W/").unwrap_or(tag).as_bytes() == etag)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_the_document_already_is_not_sent_it_again() {
        let get = |tag: Option<&str>| {
            let mut headers = HeaderMap::new();
            if let Some(tag) = tag {
                headers.insert(header::IF_NONE_MATCH, HeaderValue::from_str(tag).unwrap());
            }
            Kept::new("{}", "\"a\"", "application/json", "public").unwrap().answer(&headers).status()
        };
        assert_eq!(get(None), StatusCode::OK);
        assert_eq!(get(Some("\"b\"")), StatusCode::OK);
        for tag in ["\"a\"", "W/\"a\"", "\"b\", \"a\"", "*"] {
            assert_eq!(get(Some(tag)), StatusCode::NOT_MODIFIED, "{tag}");
        }
    }
}
