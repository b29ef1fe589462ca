//! What every answer and every form must pass: headers, the form's token, where a form came from, and panics.

use std::{
    collections::BTreeSet,
    future::poll_fn,
    panic::{AssertUnwindSafe, catch_unwind},
    pin::{Pin, pin},
    sync::Arc,
    task::Poll,
    time::Duration,
};

use aws_lc_rs::hmac;
use axum::{
    Form,
    body::{Body, HttpBody, to_bytes},
    extract::{FromRequest, FromRequestParts, Request, State},
    http::{
        HeaderMap, HeaderName, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_LENGTH, CONTENT_SECURITY_POLICY, ORIGIN, REFERRER_POLICY, STRICT_TRANSPORT_SECURITY,
            X_CONTENT_TYPE_OPTIONS,
        },
    },
    middleware::Next,
    response::{Html, IntoResponse, Response},
};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Deserialize, de::DeserializeOwned};
use tokio::sync::Semaphore;

use super::{
    Failure,
    browser::{Browser, locale_of},
    screen::Screen,
};
use crate::{
    pages::Frame,
    signon::SignOn,
    telemetry::{Metrics, metrics::Stay},
};

/// Nothing from elsewhere, nothing inline, no frames. A path at a time may ask for less, never for scripts.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; \
                      frame-ancestors 'none'; base-uri 'none'";
/// The same without `form-action`; `Browser::page_on_the_way` says why.
pub const POLICY_ON_THE_WAY: &str =
    "default-src 'none'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

/// The same for the one page that has a script of its own: it reads badges.
pub const POLICY_WITH_SCRIPT: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'";

/// The policy of the one page that loads addresses of vendors: those, in frames, and nothing else of theirs.
pub fn policy_with_frames(frames: &[String]) -> Option<HeaderValue> {
    let origins: BTreeSet<String> = frames
        .iter()
        .filter_map(|frame| url::Url::parse(frame).ok())
        .map(|frame| frame.origin())
        .filter(url::Origin::is_tuple)
        .map(|origin| origin.ascii_serialization())
        .collect();
    let origins: Vec<String> = origins.into_iter().collect();
    HeaderValue::from_str(&format!("{POLICY}; frame-src {}", origins.join(" "))).ok()
}

/// How many headers an answer gets that set none of them itself.
const DEFAULTS: usize = 5;

/// Longer than anything that we are sent.
const LONGEST_BODY: u64 = 64 * 1024;
/// A form is small: whoever takes longer to send one is gone, or means no good.
const BODY_WITHIN: Duration = Duration::from_secs(20);
/// How much of a longer one is taken in, and dropped, before it is refused.
const PATIENCE: (u64, Duration) = (4 * 1024 * 1024, Duration::from_secs(2));

/// Around every answer: a panic becomes a failure, a failure a page, and headers that were not set get their
/// strictest value.
pub async fn around(State(signon): State<SignOn>, request: Request, next: Next) -> Response {
    let locale = locale_of(request.headers(), request.uri());
    let screen = Screen::of(&signon, &request);
    let mut answer = pin!(bearable(request, next));
    let answered = poll_fn(|context| match catch_unwind(AssertUnwindSafe(|| answer.as_mut().poll(context))) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(response)) => Poll::Ready(Ok(response)),
        Err(panic) => Poll::Ready(Err(panic)),
    });
    let mut response = answered.await.unwrap_or_else(|panic| {
        let said = panic.downcast_ref::<&str>().map(|s| (*s).to_owned());
        let said = said.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_default();
        Failure::broken(format!("panic: {said}")).into_response()
    });
    if let Some(failure) = response.extensions_mut().remove::<Failure>() {
        let frame = match &screen {
            Some(screen) => screen.frame().await,
            None => None,
        };
        let frame = frame.unwrap_or_else(|| Frame { path: "/".into(), ..Frame::default() });
        let html = signon.app().pages.error_page_in(frame, locale, failure.status.as_u16(), &failure.number, "");
        let (parts, body) = Html(html).into_response().into_parts();
        response.headers_mut().extend(parts.headers);
        *response.body_mut() = body;
    }
    if let Some(screen) = &screen {
        screen.dress(&mut response).await;
    }
    let headers = response.headers_mut();
    headers.reserve(DEFAULTS);
    if !signon.app().config.is_plain_http() {
        default(headers, STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    default(headers, CONTENT_SECURITY_POLICY, POLICY);
    default(headers, X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(headers, REFERRER_POLICY, "no-referrer");
    default(headers, CACHE_CONTROL, "no-store");
    response
}

/// Places for requests that are being worked at.
#[derive(Clone)]
pub struct Room(Arc<Semaphore>, Arc<Metrics>);

impl Room {
    pub fn of(requests: usize, metrics: &Arc<Metrics>) -> Room {
        metrics.in_flight_limit.set(&[], u32::try_from(requests).map_or(f64::MAX, f64::from));
        metrics.in_flight.at(&[], |_| ());
        metrics.shed.at(&[], |_| ());
        Room(Arc::new(Semaphore::new(requests)), metrics.clone())
    }
}

/// Beyond so many requests at the same time the next is sent away at once: a longer queue would answer nobody in time.
/// A place is taken by what was read whole, so that nobody holds one by sending slowly.
pub async fn within_bounds(State(room): State<Room>, request: Request, next: Next) -> Response {
    // Whoever watches must not take a busy server for a dead one.
    if request.uri().path().starts_with("/health/") || request.uri().path() == "/metrics" {
        return next.run(request).await;
    }
    let (parts, body) = request.into_parts();
    let body = if body.is_end_stream() {
        body
    } else {
        let most = usize::try_from(LONGEST_BODY).unwrap_or(usize::MAX);
        match tokio::time::timeout(BODY_WITHIN, to_bytes(body, most)).await {
            Ok(Ok(bytes)) => Body::from(bytes),
            Ok(Err(_)) => return Failure::status(StatusCode::PAYLOAD_TOO_LARGE).into_response(),
            Err(_) => return Failure::status(StatusCode::REQUEST_TIMEOUT).into_response(),
        }
    };
    let Ok(_place) = room.0.try_acquire() else {
        room.1.shed.count(&[]);
        let failure = Failure { retry_after: Some(1), ..Failure::status(StatusCode::SERVICE_UNAVAILABLE) };
        return failure.into_response();
    };
    let _stay = Stay::of(&room.1, |metrics| &metrics.in_flight);
    next.run(Request::from_parts(parts, body)).await
}

/// Refuses a body that says it is too long. A client that is still sending would see a broken connection instead of
/// the answer, so it is heard out first, within reason.
async fn bearable(request: Request, next: Next) -> Response {
    let length = request.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    if length.is_none_or(|length| length <= LONGEST_BODY) {
        return next.run(request).await;
    }
    let (most, time) = PATIENCE;
    let _ = tokio::time::timeout(time, hear_out(request.into_body(), most)).await;
    Failure::status(StatusCode::PAYLOAD_TOO_LARGE).into_response()
}

async fn hear_out(mut body: Body, most: u64) {
    let mut heard = 0;
    while heard < most
        && let Some(Ok(frame)) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await
    {
        heard += frame.data_ref().map_or(0, |data| data.len() as u64);
    }
}

fn default(headers: &mut HeaderMap, name: HeaderName, value: &'static str) {
    headers.entry(name).or_insert(HeaderValue::from_static(value));
}

/// A form that this browser was given by us and sent back. There is no other way to its fields.
pub struct Posted<T> {
    pub browser: Browser,
    pub form: T,
}

#[derive(Deserialize)]
struct WithToken<T> {
    #[serde(default)]
    csrf: String,
    #[serde(flatten)]
    form: T,
}

impl<T: DeserializeOwned> FromRequest<SignOn> for Posted<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, signon: &SignOn) -> Result<Posted<T>, Failure> {
        let (mut parts, body) = request.into_parts();
        let browser = Browser::from_request_parts(&mut parts, signon).await?;
        if !is_from_here(&parts.headers, &signon.app().config.issuer) {
            return Err(Failure::status(StatusCode::FORBIDDEN));
        }
        let read = Form::<WithToken<T>>::from_request(Request::from_parts(parts, body), signon).await;
        let Form(WithToken { csrf, form }) = read.map_err(|rejection| match rejection.status() {
            StatusCode::PAYLOAD_TOO_LARGE => Failure::status(StatusCode::PAYLOAD_TOO_LARGE),
            _ => Failure::status(StatusCode::BAD_REQUEST),
        })?;
        if !browser.holds(&csrf) {
            return Err(Failure::status(StatusCode::FORBIDDEN));
        }
        Ok(Posted { browser, form })
    }
}

/// Ties a form to the cookie of the browser that it was made for.
pub fn token(key: &hmac::Key, cookie: &str) -> String {
    URL_SAFE_NO_PAD.encode(hmac::sign(key, &said(cookie)))
}

/// In constant time.
pub fn fits(key: &hmac::Key, cookie: &str, token: &str) -> bool {
    URL_SAFE_NO_PAD.decode(token).is_ok_and(|tag| hmac::verify(key, &said(cookie), &tag).is_ok())
}

fn said(cookie: &str) -> Vec<u8> {
    [b"form:", cookie.as_bytes()].concat()
}

/// What the browser itself says of where a form came from. Our own pages send `Origin: null`, because they also
/// send no referrer (Fetch, "append a request Origin header"); browsers that say no more than that are left to the
/// form's token.
fn is_from_here(headers: &HeaderMap, issuer: &str) -> bool {
    if let Some(site) = headers.get("sec-fetch-site") {
        return site == "same-origin";
    }
    headers.get(ORIGIN).is_none_or(|origin| origin == issuer || origin == "null")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from_here(headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, HeaderValue::from_static(value));
        }
        is_from_here(&map, "https://access.library.example")
    }

    #[test]
    fn a_form_from_another_site_is_refused() {
        for headers in [
            [("sec-fetch-site", "cross-site"), ("origin", "https://access.library.example")],
            [("sec-fetch-site", "same-site"), ("origin", "null")],
            [("sec-fetch-site", "none"), ("origin", "null")],
        ] {
            assert!(!from_here(&headers), "{headers:?}");
        }
        for origin in
            ["https://evil.example", "http://access.library.example", "https://access.library.example.evil.example"]
        {
            assert!(!from_here(&[("origin", origin)]), "{origin}");
        }
    }

    #[test]
    fn our_own_form_passes_in_new_browsers_and_old() {
        assert!(from_here(&[("sec-fetch-site", "same-origin"), ("origin", "null")]));
        assert!(from_here(&[("origin", "https://access.library.example")]));
        assert!(from_here(&[]));
    }

    #[test]
    fn a_token_fits_the_browser_it_was_made_for_and_no_other() {
        let key = hmac::Key::new(hmac::HMAC_SHA256, b"a key");
        let mine = token(&key, "cookie of mira");
        assert!(fits(&key, "cookie of mira", &mine));
        assert!(!fits(&key, "cookie of theo", &mine));
        assert!(!fits(&hmac::Key::new(hmac::HMAC_SHA256, b"another"), "cookie of mira", &mine));
        for wrong in ["", "x", &mine[1..], &format!("{mine}A")] {
            assert!(!fits(&key, "cookie of mira", wrong), "{wrong}");
        }
    }
}
