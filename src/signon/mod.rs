//! THE flow: begin · answer · finish · verify · end. A patron shows who they are, a pure policy decides,
//! the caller's protocol says it. Knows neither OIDC nor SIP2; what people see is `web`'s.

use std::{net::IpAddr, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    domain::{
        clock::Timestamp,
        grant::Grant,
        id::{GrantId, SessionId, VendorId},
        patron::Patron,
        reason::Reason,
        scope::Scopes,
        session::Session,
        vendor::Vendor,
    },
    policy::{Allowance, release::Release},
};

/// What a request tells of its browser. `address` is the client's after trusted proxies.
#[derive(Debug, Clone)]
pub struct Visitor {
    /// The value of the session cookie, as sent.
    pub cookie: Option<String>,
    pub address: IpAddr,
}

/// A relying party's wish, in no protocol's words. Kept on the shelf while the patron signs in.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Ask {
    /// `oidc` …
    pub protocol: String,
    /// The relying party's key within its protocol.
    pub relying_party: String,
    pub vendor: VendorId,
    /// Asked scopes; those of the library's catalogue only.
    pub scopes: Scopes,
    /// The PIN must have been shown after this instant (max_age, prompt=login).
    pub fresh_after: Option<Timestamp>,
    /// `false`: no page may be shown (prompt=none, IsPassive).
    pub interactive: bool,
    /// Where the browser returns to when done: this path and the ticket behind it, `/oidc/resume/`.
    pub resume: String,
    /// The protocol's own words, to get back at the end.
    pub state: serde_json::Value,
}

/// What the browser does next.
pub enum Next {
    /// Policy said yes. Hand it to `finish`.
    Issue(Ready),
    /// 303 to this local path: sign-in, change of PIN …
    Page(String),
    /// Policy said no. `page` is the local path that tells the patron (and leads back to `ask.resume`); absent
    /// where the ask forbade pages.
    Refuse { reason: Reason, page: Option<String> },
    /// Someone must sign in, and the ask forbade pages.
    SignInNeeded,
}

/// A yes that waits to be written down. Only this module makes one.
pub struct Ready {
    pub ask: Ask,
    pub session: Arc<Session>,
    pub patron: Arc<Patron>,
    pub allowance: Allowance,
}

/// What we state about a patron to one relying party, in no protocol's words.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// The pairwise pseudonym at this vendor: `[a-z0-9]`.
    pub subject: String,
    pub release: Release,
    pub scopes: Scopes,
    pub authenticated_at: Timestamp,
    pub grant: GrantId,
    pub session: SessionId,
    pub issued_at: Timestamp,
    /// Nothing stated here holds longer than this: the agreement's end, or the vendor's.
    pub expires_at: Timestamp,
}

/// What came of a card and a PIN.
pub enum Answer {
    /// 303 to `to`, with the new session's cookie value.
    SignedIn { cookie: String, to: String },
    Refused(Reason),
}

/// Something broke, as opposed to being refused: logged, shown as a number.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error(transparent)]
    Shelf(#[from] crate::ephemeral::Away),
    /// The queue of PIN checks is full: 503 with Retry-After.
    #[error("too many PIN checks are waiting")]
    Busy { retry_after: u64 },
    #[error("{0}")]
    Broken(String),
}

/// The flow's handle; cheap to clone.
#[derive(Clone)]
pub struct SignOn(pub Arc<App>);

#[allow(unused_variables, reason = "interface first")]
impl SignOn {
    pub fn app(&self) -> &App {
        &self.0
    }

    /// A relying party's browser arrives.
    pub async fn begin(&self, ask: Ask, visitor: &Visitor) -> Result<Next, Fault> {
        unimplemented!()
    }

    /// The browser returns to `ask.resume` with its ticket, which is spent by this. `None`: unknown or spent.
    pub async fn resume(&self, ticket: &str, visitor: &Visitor) -> Result<Option<(Ask, Next)>, Fault> {
        unimplemented!()
    }

    /// Writes grant and audit event together, durably, and states the assertion.
    pub async fn finish(&self, ready: Ready) -> Result<(Ask, Assertion), Fault> {
        unimplemented!()
    }

    /// Card and PIN from the sign-in page, with the ticket of a pending ask or none (the launchpad).
    pub async fn answer(&self, ticket: Option<&str>, card: &str, pin: &str, visitor: &Visitor) -> Result<Answer, Fault> {
        unimplemented!()
    }

    /// The forced (or wished) change of PIN of whoever is signed in. SignedIn carries a new cookie and where to go.
    pub async fn change_pin(
        &self,
        ticket: Option<&str>,
        current: &str,
        new: &str,
        visitor: &Visitor,
    ) -> Result<ChangedPin, Fault> {
        unimplemented!()
    }

    /// Who is signed in on this browser, seen now; `None` where nobody is.
    pub async fn who(&self, visitor: &Visitor) -> Result<Option<SignedIn>, Fault> {
        unimplemented!()
    }

    /// Ends this browser's session and everything granted through it.
    pub async fn end(&self, visitor: &Visitor) -> Result<(), Fault> {
        unimplemented!()
    }

    /// The pending ask behind a ticket, without spending it: for "where am I going?".
    pub async fn pending(&self, ticket: &str) -> Result<Option<Ask>, Fault> {
        unimplemented!()
    }

    /// Why a pending ask is refused right now, for the refusal page. `None` where it is not.
    pub async fn refusal(&self, ticket: &str, visitor: &Visitor) -> Result<Option<(Ask, Reason)>, Fault> {
        unimplemented!()
    }

    /// Vendors that this patron may use now, and those they may not, each with its reason.
    pub fn vendors_for(&self, patron: &Patron) -> Vec<(Vendor, Option<Reason>)> {
        unimplemented!()
    }

    /// The grant as it stands at this instant, with the patron, the agreements and the vendor looked at again:
    /// what token, userinfo and introspection ask. `Err(reason)` inside where it holds no more.
    pub async fn recheck(&self, grant: GrantId) -> Result<std::result::Result<(Arc<Grant>, Assertion), Reason>, Fault> {
        unimplemented!()
    }

    /// Revokes a grant and everything won by it.
    pub async fn revoke(&self, grant: GrantId) -> Result<(), Fault> {
        unimplemented!()
    }
}

pub struct SignedIn {
    pub session: Arc<Session>,
    pub patron: Arc<Patron>,
    /// The patron as such is refused (withdrawn, opted out, no agreement …), whatever the vendor.
    pub refused: Option<Reason>,
    /// When everything ends for this patron unless an agreement is renewed: "valid until".
    pub valid_until: Option<Timestamp>,
    /// Scopes that this patron's agreements grant now.
    pub privileges: Scopes,
}

pub enum ChangedPin {
    Done { cookie: String, to: String },
    /// The new PIN is too easy, and why: `pin-too-short`, `pin-repeats`, `pin-runs`, `pin-is-card`, `pin-same` …
    TooEasy(&'static str),
    Refused(Reason),
}
