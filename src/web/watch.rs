//! Around every request, outermost: its number, its time, its line in the log. Never its address as sent, which may hold
//! a secret, a code or a ticket; only the route's template.

use std::{net::SocketAddr, sync::Arc, time::Instant};

use axum::{
    extract::{ConnectInfo, MatchedPath, Request, State},
    http::{HeaderName, HeaderValue},
    middleware::Next,
    response::Response,
};
use tracing::Instrument;

use crate::{
    signon::SignOn,
    telemetry::{
        measure::OTHER,
        metrics::{class, method},
        request,
    },
};

const NUMBER: HeaderName = HeaderName::from_static("x-request-id");

pub async fn over(State(signon): State<SignOn>, request: Request, next: Next) -> Response {
    let began = Instant::now();
    let number = number_of(&signon, &request);
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let method = method(request.method().as_str());
    let span = tracing::info_span!("request", id = &*number);
    let answering = request::within(number.clone(), next.run(request));
    let mut response = answering.instrument(span.clone()).await;
    let took = began.elapsed();
    let status = response.status().as_u16();
    let route = matched.as_ref().map_or(OTHER, MatchedPath::as_str);
    signon.app().metrics.http.observe(&[route, method, class(status)], took);
    let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
    // Within the span, since lines of JSON list those that are entered.
    span.in_scope(|| tracing::debug!(target: "oneaccess::requests", method, route, status, micros, "answered"));
    if let Ok(value) = HeaderValue::from_str(&number) {
        response.headers_mut().insert(NUMBER, value);
    }
    response
}

/// What a proxy that we trust has given it already, so that its log and ours agree; else a number of our own.
fn number_of(signon: &SignOn, request: &Request) -> Arc<str> {
    let given = || {
        let value = request.headers().get(NUMBER)?;
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>()?.0.ip();
        let trusted = signon.app().config.trusted_proxies.iter().any(|network| network.contains(peer));
        request::given(value.to_str().ok()?).filter(|_| trusted)
    };
    given().unwrap_or_else(request::fresh)
}
