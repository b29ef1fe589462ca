//! `/metrics`, and who may read it (docs/decisions/0019-metrics-of-our-own.md). What they are is `telemetry`'s.

mod now;

use std::net::{IpAddr, SocketAddr};

use axum::{
    Router,
    extract::{ConnectInfo, State},
    http::{
        HeaderMap,
        header::{AUTHORIZATION, CONTENT_TYPE, FORWARDED, VIA},
    },
    response::{IntoResponse, Response},
    routing::get,
};
use secrecy::ExposeSecret;
use subtle::ConstantTimeEq;

use super::failure::not_found;
use crate::{
    app::App,
    signon::{SignOn, Visitor},
    telemetry::exposition,
};

/// On the main address. Whoever may not read them learns no more than that there is no such page.
pub async fn show(
    State(signon): State<SignOn>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
) -> Response {
    let app = signon.app();
    let may = app.config.metrics.listen.is_none() && (has_token(app, &headers) || is_here(app, &headers, peer.ip()));
    if may { scrape(&signon).await } else { not_found().await.into_response() }
}

/// An address of their own has nothing else. With a token, whoever reaches it needs that as well.
pub fn router(signon: SignOn) -> Router {
    async fn alone(State(signon): State<SignOn>, headers: HeaderMap) -> Response {
        let app = signon.app();
        let may = app.config.metrics.token.is_none() || has_token(app, &headers);
        if may { scrape(&signon).await } else { axum::http::StatusCode::UNAUTHORIZED.into_response() }
    }
    Router::new().route("/metrics", get(alone)).with_state(signon)
}

async fn scrape(signon: &SignOn) -> Response {
    now::look(signon).await;
    ([(CONTENT_TYPE, exposition::CONTENT_TYPE)], signon.app().metrics.written()).into_response()
}

/// Whether somebody asks from this machine, for themselves. A proxy on it makes everybody come from here; where it says for
/// whom it asks, that counts, as far as it is trusted, and where it says so untrusted, nobody is let in.
fn is_here(app: &App, headers: &HeaderMap, peer: IpAddr) -> bool {
    let on_behalf = ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];
    let proxied = headers.contains_key(FORWARDED)
        || headers.contains_key(VIA)
        || on_behalf.iter().any(|name| headers.contains_key(*name));
    let peer = peer.to_canonical();
    if !peer.is_loopback() || !proxied {
        return peer.is_loopback();
    }
    let trusted = app.config.trusted_proxies.iter().any(|network| network.contains(peer));
    trusted
        && headers.contains_key("x-forwarded-for")
        && Visitor::from_request(app, headers, peer).address.is_loopback()
}

fn has_token(app: &App, headers: &HeaderMap) -> bool {
    let Some(token) = &app.config.metrics.token else { return false };
    let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.split_once(' '));
    sent.is_some_and(|(scheme, sent)| {
        scheme.eq_ignore_ascii_case("bearer")
            && bool::from(sent.trim().as_bytes().ct_eq(token.expose_secret().as_bytes()))
    })
}
