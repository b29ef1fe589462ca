//! The one place where a refusal or a breakage becomes what OAuth says: a page, a redirect, JSON, a challenge.
//! Each has two readers: `hint` goes to the integrator, the log gets the rest.

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Provider, redirect};
pub(super) use crate::protocols::answer::{broken_for_people, frame, locale_of, no_store, page, see_other};
use crate::{
    protocols::answer::{hand_over, patient, report},
    signon::Fault,
};

/// An error of RFC 6749, OIDC Core or RFC 6750, by its registered name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Error {
    pub code: &'static str,
    /// What to mend, in ASCII without quotes and backslashes (RFC 6749 section 4.1.2.1). Never a secret.
    pub hint: String,
}

impl Error {
    pub fn new(code: &'static str, hint: impl Into<String>) -> Error {
        Error { code, hint: hint.into() }
    }

    pub fn invalid_request(hint: impl Into<String>) -> Error {
        Error::new("invalid_request", hint)
    }

    pub fn invalid_grant(hint: impl Into<String>) -> Error {
        Error::new("invalid_grant", hint)
    }

    pub fn invalid_client(hint: impl Into<String>) -> Error {
        Error::new("invalid_client", hint)
    }
}

/// Why an endpoint for programs does not do as asked.
#[derive(Debug)]
pub(super) enum Failure {
    Refused(Error),
    Broken(Fault),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Refused(error)
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Failure {
        Failure::Broken(fault)
    }
}

impl Failure {
    /// The token endpoint's error response (RFC 6749 section 5.2).
    pub fn at_token_endpoint(self) -> Response {
        match self {
            Failure::Refused(error) => {
                let status =
                    if error.code == "invalid_client" { StatusCode::UNAUTHORIZED } else { StatusCode::BAD_REQUEST };
                let mut response = json_error(status, &error);
                if status == StatusCode::UNAUTHORIZED {
                    let challenge = HeaderValue::from_static("Basic realm=\"token endpoint\", charset=\"UTF-8\"");
                    response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                }
                response
            }
            Failure::Broken(fault) => broken_for_programs(&fault),
        }
    }

    /// A protected resource's error response (RFC 6750 section 3, RFC 9449 section 7.1).
    pub fn at_userinfo(self, scheme: Scheme) -> Response {
        let error = match self {
            Failure::Refused(error) => error,
            Failure::Broken(fault) => return broken_for_programs(&fault),
        };
        let (status, more) = match error.code {
            "invalid_request" => (StatusCode::BAD_REQUEST, ""),
            "insufficient_scope" => (StatusCode::FORBIDDEN, ", scope=\"openid\""),
            _ => (StatusCode::UNAUTHORIZED, ""),
        };
        let scheme = scheme.as_str();
        let challenge = format!("{scheme} error=\"{}\", error_description=\"{}\"{more}", error.code, error.hint);
        challenged(json_error(status, &error), &challenge)
    }
}

/// How a token is shown in the Authorization header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scheme {
    Bearer,
    DPoP,
}

impl Scheme {
    pub fn named(name: &str) -> Option<Scheme> {
        [Scheme::Bearer, Scheme::DPoP].into_iter().find(|scheme| scheme.as_str().eq_ignore_ascii_case(name))
    }

    fn as_str(self) -> &'static str {
        match self {
            Scheme::Bearer => "Bearer",
            Scheme::DPoP => "DPoP",
        }
    }
}

/// A request without any token gets the challenges and no error code (RFC 6750 section 3.1).
pub(super) fn token_needed() -> Response {
    let bare = no_store(StatusCode::UNAUTHORIZED.into_response());
    challenged(bare, "Bearer, DPoP algs=\"RS256 PS256 ES256 EdDSA\"")
}

/// How an authorization request ends that gets no code.
#[derive(Debug)]
pub(super) enum Stop {
    /// The client or its address cannot be trusted: a page of ours, never a redirect (RFC 6749 section 4.1.2.1).
    Page(Error),
    /// The client is told, at its registered address.
    Tell(ReturnTo, Error),
    Broken(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Broken(fault)
    }
}

/// A registered address, the client's own words to give back to it, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct ReturnTo {
    pub uri: String,
    pub state: Option<String>,
    pub mode: Mode,
}

/// `response_mode`: never the fragment, which scripts and browser histories see.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Mode {
    #[default]
    Query,
    /// OAuth 2.0 Form Post Response Mode.
    FormPost,
}

/// Where the browser goes next.
#[derive(Debug)]
pub(super) enum Going {
    /// To a page of ours.
    Here(String),
    /// To the client, with its code.
    Back(ReturnTo, String),
}

impl Going {
    pub fn response(self, provider: &Provider, headers: &HeaderMap) -> Response {
        match self {
            Going::Here(path) => see_other(&path),
            Going::Back(to, code) => answer(provider, headers, &to, &[("code", &code)]),
        }
    }
}

impl Stop {
    pub fn response(self, provider: &Provider, headers: &HeaderMap) -> Response {
        match self {
            Stop::Page(error) => page(provider.app(), headers, StatusCode::BAD_REQUEST, error.code, &error.hint),
            Stop::Tell(to, error) => {
                answer(provider, headers, &to, &[("error", error.code), ("error_description", &error.hint)])
            }
            Stop::Broken(fault) => broken_for_people(provider.app(), headers, &fault),
        }
    }
}

/// The authorization response: `state` echoed, `iss` always (RFC 9207). By 303, or by a form of ours.
fn answer(provider: &Provider, headers: &HeaderMap, to: &ReturnTo, what: &[(&str, &str)]) -> Response {
    let mut answer = what.to_vec();
    if let Some(state) = &to.state {
        answer.push(("state", state));
    }
    answer.push(("iss", provider.issuer()));
    match to.mode {
        Mode::Query => see_other(&redirect::with_answer(&to.uri, &answer)),
        Mode::FormPost => hand_over(provider.app(), headers, &to.uri, &answer),
    }
}

fn broken_for_programs(fault: &Fault) -> Response {
    let (status, retry_after, number) = report(fault);
    let error = match retry_after {
        Some(seconds) => Error::new(
            "temporarily_unavailable",
            format!("what answers this is away or busy: try again in {seconds} s; it is logged as {number}"),
        ),
        None => Error::new("server_error", format!("something broke here; it is logged as {number}")),
    };
    patient(json_error(status, &error), retry_after)
}

fn json_error(status: StatusCode, error: &Error) -> Response {
    let body = json!({ "error": error.code, "error_description": error.hint }).to_string();
    no_store((status, [(header::CONTENT_TYPE, "application/json")], body).into_response())
}

fn challenged(mut response: Response, challenge: &str) -> Response {
    if let Ok(challenge) = HeaderValue::from_str(challenge) {
        response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    response
}
