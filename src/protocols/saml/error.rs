//! The one place where a refusal or a breakage becomes what SAML says: a status sent to the service provider, or a page
//! where nobody can be told. `hint` is for the integrator; the reader's reason stays the reader's.

use axum::{
    http::{HeaderMap, StatusCode},
    response::Response,
};

use super::{Provider, respond, respond::ReturnTo};
use crate::{
    domain::reason::Reason,
    protocols::answer::{broken_for_people, page},
    signon::Fault,
    wire::{
        dsig,
        saml::{self, posted, redirect, status},
        xml,
    },
};

/// Why a message is not acted on, or not as it asks.
#[derive(Debug)]
pub(super) enum Stop {
    /// Whoever asks, or the address to answer to, cannot be trusted: a page of ours.
    Page(Refusal),
    /// The service provider that asks for an assertion is told, at an address of its metadata.
    Tell(Box<ReturnTo>, Status),
    Broken(Fault),
}

impl<F: Into<Fault>> From<F> for Stop {
    fn from(fault: F) -> Stop {
        Stop::Broken(fault.into())
    }
}

impl From<Refusal> for Stop {
    fn from(refusal: Refusal) -> Stop {
        Stop::Page(refusal)
    }
}

/// A page's reason, by a stable code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refusal {
    pub code: &'static str,
    pub hint: String,
}

impl Refusal {
    pub fn new(code: &'static str, hint: impl Into<String>) -> Refusal {
        Refusal { code, hint: hint.into() }
    }

    /// Of a ticket that brings nothing.
    pub fn over() -> Refusal {
        Refusal::new("expired", "this step is over or was taken already; begin again at the vendor")
    }
}

/// What cannot be read or believed is refused in the words of who read it.
macro_rules! refused {
    ($($error:ty),*) => {
        $(impl From<$error> for Refusal {
            fn from(error: $error) -> Refusal {
                Refusal::new(error.code(), error.to_string())
            }
        }

        impl From<$error> for Stop {
            fn from(error: $error) -> Stop {
                Stop::Page(error.into())
            }
        })*
    };
}
refused!(xml::Error, dsig::Error, saml::Error, posted::Error, redirect::Error);

/// A SAML status that is no success (core 3.2.2.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Status {
    pub top: &'static str,
    pub second: &'static str,
    pub hint: String,
}

impl Status {
    /// The request is at fault.
    pub fn requester(second: &'static str, hint: impl Into<String>) -> Status {
        Status { top: status::REQUESTER, second, hint: hint.into() }
    }

    /// We do not, or cannot.
    pub fn responder(second: &'static str, hint: impl Into<String>) -> Status {
        Status { top: status::RESPONDER, second, hint: hint.into() }
    }

    /// The vendor learns that, not why: the reason is the patron's.
    pub fn denied(reason: &Reason) -> Status {
        let hint = match reason {
            Reason::Declined => "the reader would rather not sign in",
            _ => "the library does not let this person in here",
        };
        Status::responder(status::REQUEST_DENIED, hint)
    }

    /// Its last word: `NoPassive`.
    pub fn code(&self) -> &'static str {
        self.second.rsplit(':').next().unwrap_or(self.second)
    }
}

impl Stop {
    pub fn response(self, provider: &Provider, headers: &HeaderMap) -> Response {
        match self {
            Stop::Page(refusal) => page(provider.app(), headers, StatusCode::BAD_REQUEST, refusal.code, &refusal.hint),
            Stop::Tell(to, status) => match respond::refusal(provider, &to, &status) {
                Ok(xml) => to.hand_over(provider, headers, &xml),
                Err(fault) => broken_for_people(provider.app(), headers, &fault),
            },
            Stop::Broken(fault) => broken_for_people(provider.app(), headers, &fault),
        }
    }
}
