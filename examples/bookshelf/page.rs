//! What readers see: templates, the headers that guard them, and a kind word when something went wrong.

use std::sync::Arc;

use anyhow::Context;
use axum::{
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode,
        header::{
            CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, COOKIE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
        },
    },
    response::{Html, IntoResponse, Response},
};
use minijinja::{Environment, Value, context};
use url::Url;

use super::{Settings, Shelf};

pub struct Pages {
    templates: Environment<'static>,
    name: String,
    guard: HeaderValue,
}

impl Pages {
    pub fn new(settings: &Settings) -> anyhow::Result<Pages> {
        let mut templates = Environment::new();
        for (name, text) in [
            ("layout.html", include_str!("pages/layout.html")),
            ("front.html", include_str!("pages/front.html")),
            ("shelf.html", include_str!("pages/shelf.html")),
            ("book.html", include_str!("pages/book.html")),
            ("signed-out.html", include_str!("pages/signed-out.html")),
            ("trouble.html", include_str!("pages/trouble.html")),
        ] {
            templates.add_template(name, text)?;
        }
        let library = settings.issuer.parse::<Url>().context("issuer")?.origin().ascii_serialization();
        // Browsers hold the redirect after a form to `form-action`: leaving here leads to the library's own sign-out.
        let guard = format!(
            "default-src 'none'; style-src 'self'; form-action 'self' {library}; base-uri 'none'; frame-ancestors 'none'"
        );
        Ok(Pages { templates, name: settings.name.clone(), guard: guard.parse().context("issuer")? })
    }

    pub fn show(&self, status: StatusCode, template: &str, page: Value) -> Response {
        let whole = context! { shelf_name => &self.name, ..page };
        match self.templates.get_template(template).and_then(|template| template.render(whole)) {
            Ok(text) => (status, Html(text)).into_response(),
            Err(fault) => {
                tracing::error!(%fault, template, "a page of the bookshelf does not render");
                (StatusCode::INTERNAL_SERVER_ERROR, "The shelf has a fault.").into_response()
            }
        }
    }
}

/// Headers of every answer; a page that names a reader is nobody else's, so nothing but the style is kept.
pub async fn guard(State(shelf): State<Arc<Shelf>>, mut response: Response) -> Response {
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, shelf.pages.guard.clone());
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.entry(CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}

pub async fn style() -> Response {
    let headers = [(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=3600")];
    (headers, include_str!("pages/style.css")).into_response()
}

/// The value of one cookie, if it could be one of ours.
pub fn cookie(headers: &HeaderMap, name: &str) -> Option<String> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|line| line.to_str().ok());
    let value = lines.flat_map(|line| line.split(';')).find_map(|pair| {
        let (key, value) = pair.trim().split_once('=')?;
        (key == name).then_some(value)
    })?;
    let ours = value.len() == 43 && value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
    ours.then(|| value.to_owned())
}

/// What a reader may run into.
#[derive(Clone, Copy)]
pub enum Trouble {
    Denied,
    TooLate,
    AnotherLibrary,
    LibraryAway,
    Unclear,
    ForOlderReaders,
    NotHere,
    OurFault,
}

impl Trouble {
    pub fn page(self, pages: &Pages) -> Response {
        let (status, code, title, what, next) = match self {
            Trouble::Denied => (
                StatusCode::FORBIDDEN,
                "access_denied",
                "Your library did not open this shelf",
                "Your library card does not open our books right now.",
                "Ask your school or your library. They can see why.",
            ),
            Trouble::TooLate => (
                StatusCode::BAD_REQUEST,
                "too_late",
                "That took a little too long",
                "We do not remember asking your library about you. Maybe the page was open for a long time.",
                "Start again from here. It is quick.",
            ),
            Trouble::AnotherLibrary => (
                StatusCode::BAD_REQUEST,
                "another_library",
                "We do not know that library",
                "Somebody sent you here for a library that is not ours.",
                "Use the button below to read with your own card.",
            ),
            Trouble::LibraryAway => (
                StatusCode::BAD_GATEWAY,
                "library_away",
                "We could not reach your library",
                "Your library did not answer us as it should. It is not your fault.",
                "Wait a minute, and try again.",
            ),
            Trouble::Unclear => (
                StatusCode::BAD_REQUEST,
                "unclear",
                "We did not understand that",
                "The message that brought you here was broken on its way.",
                "Start again from here.",
            ),
            Trouble::ForOlderReaders => (
                StatusCode::FORBIDDEN,
                "for_older_readers",
                "This book is for older readers",
                "It will wait for you.",
                "There are good books for you on your shelf now.",
            ),
            Trouble::NotHere => (
                StatusCode::NOT_FOUND,
                "not_here",
                "There is nothing on this spot",
                "We looked, but the shelf is empty here.",
                "Go back to the start.",
            ),
            Trouble::OurFault => (
                StatusCode::INTERNAL_SERVER_ERROR,
                "our_fault",
                "Something broke here",
                "It is our fault, not yours.",
                "Wait a minute, and try again.",
            ),
        };
        let again = !matches!(self, Trouble::ForOlderReaders | Trouble::NotHere);
        pages.show(status, "trouble.html", context! { code, title, what, next, again })
    }

    /// The same page; the vendor's own people find the cause in the log.
    pub fn because(self, fault: &anyhow::Error, pages: &Pages) -> Response {
        tracing::warn!(fault = format!("{fault:#}"), "the bookshelf could not sign somebody in");
        self.page(pages)
    }
}
