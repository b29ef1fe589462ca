//! THE flow: begin · answer · finish · verify · end. A patron shows who they are, a pure policy decides,
//! the caller's protocol says it. Knows neither OIDC nor SIP2; what people see is `web`'s.

mod answer;
mod asked;
mod badge;
mod begin;
mod change_pin;
mod codes;
mod consent;
mod directory;
pub mod farewell;
mod finish;
mod guesses;
mod known;
mod leave;
mod library_card;
mod newcomers;
pub mod pins;
mod pseudonyms;
pub mod rehearse;
mod renew;
mod session;
mod shared;
#[cfg(test)]
mod tests;
mod upstream;
mod vendor_secrets;
mod verify;
pub mod visitor;
mod ways;

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    domain::{
        agreement::LoanTerms,
        clock::Timestamp,
        grant::Grant,
        id::{GrantId, SessionId, VendorId},
        method::Method,
        patron::Patron,
        reason::Reason,
        scope::Scopes,
        session::Session,
    },
    policy::{
        Allowance, Facts,
        throttle::{Limit, Limits},
    },
};
pub use crate::{directory::redirect::Returned, policy::release::Release};
pub use badge::{PICKS, Scanned};
pub use consent::{Asked, Consenting};
pub use leave::{Departed, Left, OF, Onward, Visit, Wish};
pub use library_card::Linking;
pub use renew::Turned;
pub use shared::{Seated, SharedBy};
pub use upstream::{Arrived, TurnedAway};
pub use verify::{Door, Told};
pub use visitor::Visitor;
pub use ways::Ways;

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
    /// What was shown must be as good as a password (acr, RequestedAuthnContext).
    #[serde(default)]
    pub password: bool,
    /// `false`: no page may be shown (prompt=none, IsPassive).
    pub interactive: bool,
    /// A card that the relying party expects, to fill in; it decides nothing.
    #[serde(default)]
    pub card_hint: Option<String>,
    /// The reader's languages as the relying party knows them, best first.
    #[serde(default)]
    pub languages: Vec<String>,
    /// What the patron is asked before anything is told; absent where the agreement says it all.
    #[serde(default)]
    pub consent: Option<Question>,
    /// What is granted may outlive the session: an app or e-reader that stays. Never from a shared computer, so a
    /// protocol looks at what `finish` hands back, not at what it asked for.
    pub offline: bool,
    /// What the protocol keeps with the grant, in its own words: what it renews later, how it named the patron.
    pub renewable: Option<serde_json::Value>,
    /// Where the browser returns to when done: this path and the ticket behind it, `/oidc/resume/`.
    pub resume: String,
    /// The protocol's own words, to get back at the end.
    pub state: serde_json::Value,
}

/// What a relying party will read once the patron has said yes, as far as the patron may be told of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// Library scopes that were asked for by name.
    pub scopes: Scopes,
    /// Band, type and whatever else is released: who is there, not only what a token opens.
    pub reader: bool,
    /// Standard claims that were asked for; released ones among them are told.
    pub claims: Vec<String>,
    /// Another device waits for the answer, and shows this code.
    pub device: Option<String>,
}

/// What the browser does next.
pub enum Next {
    /// Policy said yes. Hand it to `finish`.
    Issue(Box<Ready>),
    /// 303 to this local path: sign-in, change of PIN …
    Page(String),
    /// Policy said no. `page` is the local path that tells the patron (and leads back to `ask.resume`); absent
    /// where the ask forbade pages, or the patron was told already.
    Refuse { reason: Reason, page: Option<String> },
    /// Someone must sign in, and the ask forbade pages.
    SignInNeeded,
    /// The patron must be asked, and the ask forbade pages.
    ConsentNeeded,
}

/// A yes that waits to be written down. Only this module makes one.
pub struct Ready {
    ask: Ask,
    session: Arc<Session>,
    patron: Arc<Patron>,
    allowance: Allowance,
}

impl Ready {
    /// What it is a yes to.
    pub fn ask(&self) -> &Ask {
        &self.ask
    }
}

/// What we state about a patron to one relying party, in no protocol's words.
#[derive(Debug, Clone)]
pub struct Assertion {
    /// The pairwise pseudonym at this vendor: `[a-z0-9]`.
    pub subject: String,
    pub release: Release,
    pub scopes: Scopes,
    pub authenticated_at: Timestamp,
    /// How the patron signed in.
    pub method: Method,
    pub grant: GrantId,
    pub session: SessionId,
    pub issued_at: Timestamp,
    /// Nothing stated here holds longer than this: the agreement's end, or the session's.
    pub expires_at: Timestamp,
}

/// What came of a card and a PIN.
#[derive(Debug)]
pub enum Answer {
    /// 303 to `to`, with the new session's cookie value.
    SignedIn { cookie: String, to: String },
    /// Wrong, or too often: the form again, with this reason.
    TryAgain(Reason),
    /// The PIN was right and policy says no. `page` leads back to the vendor who asked; absent where none did.
    Refused { reason: Reason, page: Option<String> },
}

/// What came of a change of PIN.
#[derive(Debug)]
pub enum ChangedPin {
    /// 303 to `to`, with the new session's cookie value.
    Done { cookie: String, to: String },
    /// The new PIN is too easy: a word of `policy::pin`, or `pin-same`.
    TooEasy(&'static str),
    /// The current PIN was wrong, or too often.
    TryAgain(Reason),
    /// Nobody is signed in any more.
    SignInNeeded,
}

/// Who is signed in on a browser.
pub struct SignedIn {
    pub session: Arc<Session>,
    pub patron: Arc<Patron>,
    /// The patron as such is refused (withdrawn, opted out, no agreement …), whatever the vendor.
    pub refused: Option<Reason>,
    /// When everything ends for this patron unless an agreement is renewed: "valid until".
    pub valid_until: Option<Timestamp>,
    /// Scopes that this patron's agreements grant now.
    pub privileges: Scopes,
    /// What the agreements say of borrowing.
    pub loans: LoanTerms,
}

/// Something broke, as opposed to being refused: logged, shown as a number.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    #[error(transparent)]
    Store(#[from] crate::store::Error),
    #[error(transparent)]
    Shelf(#[from] crate::ephemeral::Away),
    #[error(transparent)]
    NoRandomness(#[from] crate::domain::handle::NoRandomness),
    /// The queue of PIN checks is full: 503 with Retry-After in seconds.
    #[error("too many PIN checks are waiting")]
    Busy { retry_after: u64 },
    #[error("{0}")]
    Broken(String),
}

impl Fault {
    /// Seconds after which trying again may help; `None` where something is broken instead of busy or away.
    pub fn retry_after(&self) -> Option<u64> {
        use crate::store::Error::{Full, Unavailable};
        const AWAY: u64 = 5;
        match self {
            Fault::Busy { retry_after } => Some(*retry_after),
            Fault::Shelf(_) | Fault::Store(Unavailable(_) | Full(_)) => Some(AWAY),
            Fault::Store(_) | Fault::NoRandomness(_) | Fault::Broken(_) => None,
        }
    }
}

/// The flow's handle; cheap to clone.
#[derive(Clone)]
pub struct SignOn(Arc<Flow>);

struct Flow {
    app: Arc<App>,
    pins: pins::PinPool,
    known: known::Known,
    asked: asked::Asked,
    pseudonyms: pseudonyms::Pseudonyms,
    limits: Limits,
    farewells: Vec<Box<dyn farewell::Farewell>>,
    telling: farewell::TellingNow,
    newcomers: newcomers::Door,
}

impl SignOn {
    /// `farewells`: how each protocol tells its relying parties that a session has ended.
    ///
    /// # Errors
    /// `Broken` where the machine gives no threads for PIN checks.
    pub fn new(app: Arc<App>, farewells: Vec<Box<dyn farewell::Farewell>>) -> Result<SignOn, Fault> {
        let hashing = &app.config.hashing;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let threads = if hashing.threads == 0 { cores } else { hashing.threads };
        let pins = pins::PinPool::measured(threads, hashing.queue, app.metrics.clone())?;
        let tries = &app.config.throttle;
        let limit = |of: &crate::config::Tries| Limit { tries: of.tries, window: of.window };
        let limits = Limits {
            card: limit(&tries.card),
            initial: limit(&tries.initial_pin),
            pattern: limit(&tries.pattern),
            server_pattern: limit(&tries.server_pattern),
            device_code: limit(&tries.device_code),
            device_codes: codes::EVERYWHERE,
        };
        let known = known::Known::new(hashing.remembered);
        Ok(SignOn(Arc::new(Flow {
            app,
            pins,
            known,
            asked: asked::Asked::default(),
            newcomers: newcomers::Door::default(),
            pseudonyms: pseudonyms::Pseudonyms::default(),
            limits,
            farewells,
            telling: Default::default(),
        })))
    }

    pub fn app(&self) -> &App {
        &self.0.app
    }

    /// Forgets what was remembered of sessions, patrons and grants: something about them was changed elsewhere.
    pub fn look_again(&self) {
        self.0.known.forget_all();
    }

    /// Sessions ended in whatever process, each with its handle's hash: nobody is signed in by them here any more.
    pub fn have_ended(&self, sessions: &[(SessionId, String)]) {
        sessions.iter().for_each(|(id, handle)| self.0.known.session_ended(handle, *id));
    }

    /// Forgets what was remembered of grants: one was revoked elsewhere.
    pub fn forget_grants(&self) {
        self.0.known.forget_grants();
    }

    /// Forgets which cards and PINs were just shown: somebody's PIN was changed elsewhere.
    pub fn forget_pins(&self) {
        self.0.known.forget_shown();
    }

    /// What bears on this patron's entitlement under this snapshot of the programme.
    fn facts<'a>(
        &'a self,
        patron: &'a Patron,
        catalogue: &'a crate::domain::catalogue::Catalogue,
        method: &Method,
    ) -> Facts<'a> {
        Facts {
            narrow: self.narrow(method),
            patron,
            opted_out: catalogue.has_opted_out(patron),
            agreements: &catalogue.agreements,
            scopes: &catalogue.scopes,
            bands: &self.app().config.bands,
            time_zone: &self.app().config.library.time_zone,
        }
    }
}

/// A grant that still holds, with what it states now.
pub struct LiveGrant {
    pub grant: Arc<Grant>,
    pub assertion: Assertion,
}
