//! One request's browser: who it may be, the reader's language, the cookies that we give it, pages for it.

use std::net::SocketAddr;

use axum::{
    extract::{ConnectInfo, FromRequestParts},
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{ACCEPT_LANGUAGE, CONTENT_SECURITY_POLICY, LOCATION, SET_COOKIE},
        request::Parts,
    },
    response::{Html, IntoResponse, Response},
};
use serde::Serialize;

use super::{Failure, guard};
use crate::{
    domain::handle,
    pages::{Frame, Locale},
    signon::{
        SignOn, SignedIn, Visitor,
        visitor::{cookie, no_session_cookie, session_cookie_name},
    },
};

pub struct Browser {
    pub visitor: Visitor,
    pub locale: Locale,
    /// The reader chose the language, here or before.
    chose: bool,
    signon: SignOn,
    path: String,
    /// The random cookie that forms are tied to before anyone is signed in.
    form_cookie: Option<String>,
}

impl FromRequestParts<SignOn> for Browser {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, signon: &SignOn) -> Result<Browser, Failure> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let ConnectInfo(peer) = peer.ok_or_else(|| Failure::broken("the server does not say who connects"))?;
        let app = signon.app();
        Ok(Browser {
            visitor: Visitor::from_request(app, &parts.headers, peer.ip()),
            locale: locale_of(&parts.headers, &parts.uri),
            chose: chosen(&parts.headers, &parts.uri).is_some(),
            signon: signon.clone(),
            path: parts.uri.path().to_owned(),
            form_cookie: cookie(&parts.headers, form_cookie_name(&app.config.issuer)).map(str::to_owned),
        })
    }
}

impl Browser {
    /// In the first of `languages` that we speak, unless the reader chose one.
    #[must_use]
    pub fn preferring(mut self, languages: &[String]) -> Browser {
        if let Some(locale) = languages.iter().find_map(|tag| Locale::from_tag(tag)).filter(|_| !self.chose) {
            self.locale = locale;
        }
        self
    }

    /// What stands around a page on which `who` is signed in, or nobody.
    pub fn frame(&self, who: Option<&SignedIn>) -> Frame {
        Frame {
            path: self.path.clone(),
            badge: who.map(|who| who.patron.badge()),
            shared: who.is_some_and(|who| who.session.shared),
            ..Frame::default()
        }
    }

    /// `template` with `context`, in the reader's language.
    pub fn page(&self, status: StatusCode, template: &str, context: impl Serialize) -> Result<Response, Failure> {
        let html = self.signon.app().pages.render(template, self.locale, context)?;
        Ok((status, Html(html)).into_response())
    }

    /// A page whose form may end at a vendor's: browsers hold a page's `form-action` against every redirect after
    /// the form, the vendor's own included, which nobody can list. So pages with a pending ask have none; no
    /// other page may send a form anywhere but here.
    pub fn page_on_the_way(
        &self,
        status: StatusCode,
        template: &str,
        context: impl Serialize,
    ) -> Result<Response, Failure> {
        let mut response = self.page(status, template, context)?;
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(guard::POLICY_ON_THE_WAY));
        Ok(response)
    }

    /// The token for this browser's forms, and the cookie to set with it where there is nothing to tie it to yet.
    pub fn token(&self) -> Result<(String, Option<HeaderValue>), Failure> {
        let key = self.signon.app().keyring.form_key();
        if let Some(value) = self.visitor.cookie.as_ref().or(self.form_cookie.as_ref()) {
            return Ok((guard::token(key, value), None));
        }
        let fresh = handle::random().map_err(Failure::broken)?;
        let name = form_cookie_name(&self.signon.app().config.issuer);
        Ok((guard::token(key, &fresh), Some(self.cookie_header(name, &fresh, "")?)))
    }

    /// Whether a form's token is one that this browser was given.
    pub fn holds(&self, token: &str) -> bool {
        let key = self.signon.app().keyring.form_key();
        [&self.visitor.cookie, &self.form_cookie].into_iter().flatten().any(|value| guard::fits(key, value, token))
    }

    /// 303 with the new session's cookie.
    pub fn signed_in(&self, session: &str, to: &str) -> Result<Response, Failure> {
        let name = session_cookie_name(&self.signon.app().config.issuer);
        Ok(with_cookie(see(to)?, Some(self.cookie_header(name, session, "")?)))
    }

    /// 303 with the session's cookie taken away.
    pub fn signed_out(&self, to: &str) -> Result<Response, Failure> {
        let cookie = HeaderValue::from_str(&no_session_cookie(&self.signon.app().config.issuer));
        Ok(with_cookie(see(to)?, Some(cookie.map_err(Failure::broken)?)))
    }

    /// 303 that remembers the language for a year.
    pub fn speaks(&self, locale: Locale, to: &str) -> Result<Response, Failure> {
        let cookie = self.cookie_header(Locale::COOKIE, locale.tag(), "; Max-Age=31536000")?;
        Ok(with_cookie(see(to)?, Some(cookie)))
    }

    fn cookie_header(&self, name: &str, value: &str, more: &str) -> Result<HeaderValue, Failure> {
        let secure = if self.signon.app().config.is_plain_http() { "" } else { "; Secure" };
        HeaderValue::from_str(&format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{more}"))
            .map_err(Failure::broken)
    }
}

/// 303 to a path of ours.
pub fn see(to: &str) -> Result<Response, Failure> {
    let to = HeaderValue::from_str(to).map_err(Failure::broken)?;
    Ok((StatusCode::SEE_OTHER, [(LOCATION, to)]).into_response())
}

pub fn with_cookie(mut response: Response, cookie: Option<HeaderValue>) -> Response {
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// The reader's language: `?lang=`, the remembered choice, what the browser says.
pub fn locale_of(headers: &HeaderMap, uri: &Uri) -> Locale {
    let accepted = headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    Locale::of(chosen(headers, uri), None, accepted)
}

fn chosen<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let asked = uri.query().unwrap_or_default().split('&').find_map(|pair| pair.strip_prefix("lang="));
    let spoken = |tag: &&str| Locale::from_tag(tag).is_some();
    asked.filter(spoken).or_else(|| cookie(headers, Locale::COOKIE).filter(spoken))
}

/// A ticket as `signon` makes them; anything else never was one.
pub fn is_ticket(text: &str) -> bool {
    (16..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_')
}

fn form_cookie_name(issuer: &str) -> &'static str {
    if issuer.starts_with("https://") { "__Host-oneaccess-form" } else { "oneaccess-form" }
}
