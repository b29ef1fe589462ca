//! For whoever watches the server: does it run, can it serve.

use axum::{extract::State, http::StatusCode};

use crate::signon::SignOn;

/// The process answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// The database answers, too, and nobody has told us to leave.
pub async fn ready(State(signon): State<SignOn>) -> (StatusCode, &'static str) {
    if signon.app().is_leaving() {
        return (StatusCode::SERVICE_UNAVAILABLE, "leaving\n");
    }
    match signon.app().store.ping().await {
        Ok(()) => (StatusCode::OK, "ok\n"),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            (StatusCode::SERVICE_UNAVAILABLE, "the database does not answer\n")
        }
    }
}
