//! The reader's choice of language, kept in a cookie.

use axum::{
    extract::{Query, rejection::QueryRejection},
    http::StatusCode,
    response::Response,
};
use serde::Deserialize;

use super::{Failure, browser::Browser};
use crate::pages::Locale;

#[derive(Deserialize)]
pub struct Choice {
    to: String,
    #[serde(default)]
    back: String,
}

pub async fn choose(query: Result<Query<Choice>, QueryRejection>, browser: Browser) -> Result<Response, Failure> {
    let choice = query.ok().and_then(|Query(choice)| Some((Locale::from_tag(&choice.to)?, choice.back)));
    let Some((locale, back)) = choice else { return Err(Failure::status(StatusCode::BAD_REQUEST)) };
    browser.speaks(locale, if is_local(&back) { &back } else { "/" })
}

/// A path of ours and nothing that a browser could read as another host.
pub fn is_local(path: &str) -> bool {
    path.starts_with('/')
        && !path.starts_with("//")
        && path.len() <= 512
        && path.bytes().all(|b| b.is_ascii_graphic() && b != b'\\')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_way_back_stays_here() {
        for path in ["/", "/card", "/sign-in/abc_-DEF", "/?q=dragons"] {
            assert!(is_local(path), "{path}");
        }
        for path in [
            "",
            "card",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "https://evil.example",
            "/\t/evil.example",
            "/a\r\nSet-Cookie: x=y",
            "/ä",
        ] {
            assert!(!is_local(path), "{path}");
        }
    }
}
