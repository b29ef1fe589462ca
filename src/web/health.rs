//! For whoever watches the server: does it run, can it serve.

use axum::{extract::State, http::StatusCode};

use crate::signon::SignOn;

/// The process answers.
pub async fn live() -> &'static str {
    "ok\n"
}

/// The database answers, too, and so does the shelf.
pub async fn ready(State(signon): State<SignOn>) -> (StatusCode, &'static str) {
    let app = signon.app();
    let (store, shelf) = tokio::join!(app.store.ping(), app.shelf.ping());
    let mut why = Vec::new();
    if let Err(error) = store {
        tracing::warn!(%error, "not ready");
        why.push("the database does not answer\n");
    }
    if let Err(error) = shelf {
        tracing::warn!(%error, "not ready");
        why.push("the shelf does not answer\n");
    }
    match why.first() {
        None => (StatusCode::OK, "ok\n"),
        Some(first) => (StatusCode::SERVICE_UNAVAILABLE, first),
    }
}
