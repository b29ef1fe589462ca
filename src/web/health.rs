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
    let (error, why): (&dyn std::fmt::Display, _) = match (&store, &shelf) {
        (Ok(()), Ok(())) => return (StatusCode::OK, "ok\n"),
        (Err(error), _) => (error, "the database does not answer\n"),
        (_, Err(error)) => (error, "the shelf does not answer\n"),
    };
    tracing::warn!(%error, "not ready");
    (StatusCode::SERVICE_UNAVAILABLE, why)
}
