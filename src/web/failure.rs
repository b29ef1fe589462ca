//! What is answered instead of a page: nothing there, not allowed, broken. A `Reason` is no failure; it has a page.

use axum::{
    http::{HeaderValue, StatusCode, header::RETRY_AFTER},
    response::{IntoResponse, Response},
};

use crate::{pages::PagesError, signon::Fault, telemetry::request};

/// Travels on the response until `guard::around` dresses it as a page in the reader's language.
#[derive(Debug, Clone)]
pub struct Failure {
    pub status: StatusCode,
    /// The request's number, by which staff finds it in the log; empty where nothing is logged.
    pub number: String,
    /// Seconds after which trying again may help.
    pub retry_after: Option<u64>,
}

impl Failure {
    pub fn status(status: StatusCode) -> Failure {
        Failure { status, number: String::new(), retry_after: None }
    }

    /// Something broke: logged, and shown as the number that the log has, too.
    pub fn broken(error: impl std::fmt::Display) -> Failure {
        let number = request::number().to_string();
        tracing::error!(number, %error, "a page could not be made");
        Failure { number, ..Failure::status(StatusCode::INTERNAL_SERVER_ERROR) }
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        match fault.retry_after() {
            Some(seconds) => {
                tracing::warn!(error = %fault, "a page has to wait");
                Failure { retry_after: Some(seconds), ..Failure::status(StatusCode::SERVICE_UNAVAILABLE) }
            }
            None => Failure::broken(fault),
        }
    }
}

impl From<PagesError> for Failure {
    fn from(error: PagesError) -> Failure {
        Failure::broken(error)
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from(seconds));
        }
        response.extensions_mut().insert(self);
        response
    }
}

pub async fn not_found() -> Failure {
    Failure::status(StatusCode::NOT_FOUND)
}

pub async fn method_not_allowed() -> Failure {
    Failure::status(StatusCode::METHOD_NOT_ALLOWED)
}
