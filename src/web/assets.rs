//! Stylesheet, script and logo, each under a path that changes with it, so browsers may keep it for ever.

use axum::{
    body::Body,
    extract::State,
    http::{
        HeaderMap, HeaderValue, StatusCode, Uri,
        header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, IF_NONE_MATCH},
    },
    response::{IntoResponse, Response},
};

use super::Failure;
use crate::signon::SignOn;

pub async fn serve(State(signon): State<SignOn>, uri: Uri, headers: HeaderMap) -> Result<Response, Failure> {
    let asset = signon.app().pages.asset(uri.path()).ok_or_else(|| Failure::status(StatusCode::NOT_FOUND))?;
    let tag = HeaderValue::from_str(&format!("\"{}\"", asset.hash())).map_err(Failure::broken)?;
    let known = headers.get(IF_NONE_MATCH) == Some(&tag);
    let mut response = match known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Body::from(asset.bytes.clone()).into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.media_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(ETAG, tag);
    // A logo may be an SVG that somebody opens by itself: it may look like itself and do nothing.
    headers.insert(
        CONTENT_SECURITY_POLICY,
        HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox"),
    );
    Ok(response)
}
