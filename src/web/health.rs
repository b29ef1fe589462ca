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

/// The database answers, too, and so does the shelf, and nobody has told us to leave.
pub async fn ready(State(signon): State<SignOn>) -> (StatusCode, &'static str) {
    let app = signon.app();
    if app.is_leaving() {
        return (StatusCode::SERVICE_UNAVAILABLE, "leaving\n");
    }
    let store = async { timeout(ANSWERS_WITHIN, app.store.ping()).await };
    let (store, shelf) = tokio::join!(store, app.shelf.ping());
    let (error, why) = match (store, shelf) {
        (Ok(Ok(())), Ok(())) => return (StatusCode::OK, "ok\n"),
        (Ok(Err(error)), _) => (error.to_string(), "the database does not answer\n"),
        (Err(_), _) => (format!("nothing within {ANSWERS_WITHIN:?}"), "the database does not answer\n"),
        (_, Err(error)) => (error.to_string(), "the shelf does not answer\n"),
    };
    tracing::warn!(error, "not ready");
    (StatusCode::SERVICE_UNAVAILABLE, why)
}
