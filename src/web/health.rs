//! For whoever watches the server: does it run, can it serve.

use std::time::Duration;

use axum::{extract::State, http::StatusCode};
use tokio::time::timeout;

use crate::signon::SignOn;

/// Whoever asks has more to ask; a request waits longer for a database that comes back.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The process answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// The database answers, too, and nobody has told us to leave.
pub async fn ready(State(signon): State<SignOn>) -> (StatusCode, &'static str) {
    if signon.app().is_leaving() {
        return (StatusCode::SERVICE_UNAVAILABLE, "leaving\n");
    }
    let why = match timeout(ANSWERS_WITHIN, signon.app().store.ping()).await {
        Ok(Ok(())) => return (StatusCode::OK, "ok\n"),
        Ok(Err(error)) => error.to_string(),
        Err(_) => format!("the database did not answer within {ANSWERS_WITHIN:?}"),
    };
    tracing::warn!(error = why, "not ready");
    (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
}
