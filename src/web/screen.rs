//! What every answer to a shared computer gets besides: a page that is left alone turns to the question whether anybody
//! is still there, and a sign-out takes along what the browser kept of us. Done around all answers, so that no page and
//! no protocol forgets it.

use std::{net::SocketAddr, time::Duration};

use axum::{
    extract::{ConnectInfo, Request},
    http::{
        HeaderMap, HeaderName, HeaderValue, Uri,
        header::{CONTENT_TYPE, REFRESH, SET_COOKIE},
    },
    response::Response,
};

use super::guard;
use crate::{
    pages::Frame,
    signon::{
        Seated, SignOn, Visitor,
        visitor::{device_cookie_name, session_cookie_name},
    },
};

/// Not the cookies: one of them says that this computer is shared.
const CLEAR: (HeaderName, HeaderValue) =
    (HeaderName::from_static("clear-site-data"), HeaderValue::from_static("\"cache\", \"storage\""));

/// The question stands for so long at most, and for a third of a shorter time.
const QUESTION: Duration = Duration::from_secs(60);
/// Until the end is surely over.
const AFTER: Duration = Duration::from_secs(1);

/// Where a page turns to.
pub const STILL_THERE: &str = "/still-there";

/// A browser that may sit on a shared computer: it has a session's cookie, or the mark.
pub struct Screen {
    signon: SignOn,
    visitor: Visitor,
    path: String,
}

impl Screen {
    /// `None` for requests that cannot be of a shared computer's patron, which are most.
    pub fn of(signon: &SignOn, request: &Request) -> Option<Screen> {
        let ConnectInfo(peer) = request.extensions().get::<ConnectInfo<SocketAddr>>()?;
        let visitor = Visitor::from_request(signon.app(), request.headers(), peer.ip());
        let may_be = visitor.cookie.is_some() && !request.uri().path().starts_with("/assets/");
        may_be.then(|| Screen { signon: signon.clone(), visitor, path: path_of(request.uri()) })
    }

    /// What stands around a page that nobody made for this patron, such as one that says what broke.
    pub async fn frame(&self) -> Option<Frame> {
        let seated = self.seated().await?;
        let cookie = self.visitor.cookie.as_ref()?;
        let csrf = guard::token(self.signon.app().keyring.form_key(), cookie);
        Some(Frame { path: "/".into(), badge: Some(seated.patron.badge()), shared: true, csrf, ..Frame::default() })
    }

    /// Adds to `response` what belongs to it on a shared computer.
    pub async fn dress(&self, response: &mut Response) {
        let headers = response.headers_mut();
        if takes_session_away(headers, &self.signon.app().config.issuer) {
            match self.signon.is_shared(&self.visitor).await {
                Ok(true) => drop(headers.insert(CLEAR.0, CLEAR.1)),
                Ok(false) => {}
                Err(error) => tracing::warn!(%error, "whether a computer is shared cannot be said"),
            }
        }
        let is_page = headers.get(CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
        if !is_page || headers.contains_key(REFRESH) {
            return;
        }
        let Some(seated) = self.seated().await else { return };
        let to = format!("{STILL_THERE}?back={}", self.path);
        headers.extend(refresh(turns_after(&seated), &to));
    }

    async fn seated(&self) -> Option<Seated> {
        // What is only comfort must not break a page.
        self.signon.seated(&self.visitor).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "who sits at a shared computer cannot be said");
            None
        })
    }
}

/// When a page turns to the question; at the end itself where staying is not to be had.
fn turns_after(seated: &Seated) -> Duration {
    match seated.may_stay {
        true => seated.left.saturating_sub(QUESTION.min(seated.left / 3)),
        false => seated.left + AFTER,
    }
}

/// When the question, left alone, looks whether it is over.
pub fn over_after(seated: &Seated) -> Duration {
    seated.left + AFTER
}

/// The header by which a browser goes on by itself, scripts or not.
pub fn refresh(after: Duration, to: &str) -> Option<(HeaderName, HeaderValue)> {
    let seconds = after.as_millis().div_ceil(1000).max(1);
    Some((REFRESH, HeaderValue::from_str(&format!("{seconds}; url={to}")).ok()?))
}

/// The path and no query: what stands in it would have to be escaped, and no page of ours needs it to come back.
fn path_of(uri: &Uri) -> String {
    uri.path().to_owned()
}

fn takes_session_away(headers: &HeaderMap, issuer: &str) -> bool {
    let name = session_cookie_name(issuer);
    let gone = |line: &str| line.strip_prefix(name).is_some_and(|rest| rest.starts_with("=;"));
    headers.get_all(SET_COOKIE).iter().any(|line| line.to_str().is_ok_and(gone))
}

/// The Set-Cookie that marks a browser as shared, for a year.
pub fn mark(issuer: &str, value: &str) -> Option<HeaderValue> {
    let secure = if issuer.starts_with("https://") { "; Secure" } else { "" };
    let (name, age) = (device_cookie_name(issuer), crate::domain::shared_device::LIFE.as_secs());
    HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}; Max-Age={age}")).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_end_of_a_session_takes_its_cookie_away() {
        let taken = |lines: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for line in lines {
                headers.append(SET_COOKIE, HeaderValue::from_static(line));
            }
            takes_session_away(&headers, "https://access.library.example")
        };
        assert!(taken(&["x=y", "__Host-oneaccess=; Path=/; Max-Age=0"]));
        assert!(!taken(&["__Host-oneaccess=abc; Path=/"]));
        assert!(!taken(&["__Host-oneaccess-form=; Path=/"]));
        assert!(!taken(&[]));
    }
}
