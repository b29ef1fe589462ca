//! What is answered. Every value here may hold anything: writing makes it safe. The time of an answer is passed in
//! when it is written.

mod write;

use super::{
    Code, code,
    patron::{Counts, Denials, Language},
    refusal::Refusal,
};

use super::request::Circulation;

/// A message from the library's system.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Response {
    /// 94: whether the login was good.
    Login(bool),
    /// 98.
    Status(Status),
    /// 24.
    PatronStatus(PatronStatus),
    /// 64.
    PatronInformation(PatronInformation),
    /// 36.
    EndSession(EndSession),
    /// 96: send your last message again.
    Resend,
    /// The answer that fits a refused message, with all that it must have.
    Refusal(Refusal),
}

impl Response {
    /// Says no to what only a circulation system can do.
    pub fn refusal(of: Circulation, screen_message: impl Into<String>) -> Response {
        Response::Refusal(Refusal { of, screen_message: screen_message.into() })
    }
}

/// What a station may show its user and print, where there is something to say.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Notices {
    /// AF.
    pub screen_message: Option<String>,
    /// AG.
    pub print_line: Option<String>,
}

/// 98 ACS Status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// Whether anything can be asked at all.
    pub online: bool,
    /// Whether items may be checked in.
    pub checkin: bool,
    /// Whether items may be checked out.
    pub checkout: bool,
    /// Whether the station may renew items.
    pub renewal: bool,
    /// Whether the station may change patrons.
    pub status_update: bool,
    /// Whether stations may work offline and report later.
    pub offline: bool,
    /// How long a station should await an answer, in tenths of a second; 999 says that it is not known.
    pub timeout: u16,
    /// How often it should try again; 999 says that it is not known.
    pub retries: u16,
    /// AO.
    pub institution: String,
    /// AM.
    pub library: Option<String>,
    /// BX.
    pub supported: Supported,
    /// AN.
    pub terminal_location: Option<String>,
    /// AF and AG.
    pub notices: Notices,
}

/// 24 Patron Status Response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatronStatus {
    /// The patron status.
    pub denials: Denials,
    /// As it was asked in.
    pub language: Language,
    /// Who it is about.
    pub patron: PatronFields,
}

/// 64 Patron Information Response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatronInformation {
    /// The patron status.
    pub denials: Denials,
    /// As it was asked in.
    pub language: Language,
    /// How many items the patron has.
    pub counts: Counts,
    /// Who it is about.
    pub patron: PatronFields,
}

/// The fields that 24 and 64 share.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatronFields {
    /// AO.
    pub institution: String,
    /// AA.
    pub card: String,
    /// AE. Required, so it is written even where it is empty.
    pub name: String,
    /// BL: the card is known and may be used.
    pub valid: bool,
    /// CQ: the PIN was right. Always written; vendors that find none take the PIN for good.
    pub pin_valid: bool,
    /// Written in this order, behind CQ.
    pub more: Vec<Extra>,
    /// AF and AG.
    pub notices: Notices,
}

/// 36 End Session Response.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndSession {
    /// Whether the session is over.
    pub ended: bool,
    /// AO.
    pub institution: String,
    /// AA.
    pub card: String,
    /// AF and AG.
    pub notices: Notices,
}

/// A field about a patron that not every vendor wants. The standard's own come in the order BZ, CA, CB (limits of
/// holds, overdue and charged items), BD, BE, BF (address, e-mail, phone); then vendors' own, such as BC and PC.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Extra {
    code: Code,
    value: String,
}

impl Extra {
    /// `None` for a field that the answer has already: a second BL or CQ could turn its meaning.
    pub fn new(code: Code, value: impl Into<String>) -> Option<Extra> {
        let ours = matches!(code, code::AO | code::AA | code::AE | code::BL | code::CQ | code::AF | code::AG);
        (!ours).then(|| Extra { code, value: value.into() })
    }

    /// Its label.
    pub fn code(&self) -> Code {
        self.code
    }

    /// What it says.
    pub fn value(&self) -> &str {
        &self.value
    }
}

/// The messages that a status answer says are supported, in BX's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    PatronStatusRequest,
    Checkout,
    Checkin,
    BlockPatron,
    Status,
    Resend,
    Login,
    PatronInformation,
    EndPatronSession,
    FeePaid,
    ItemInformation,
    ItemStatusUpdate,
    PatronEnable,
    Hold,
    Renew,
    RenewAll,
}

/// BX, sixteen places of `Y` or `N`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Supported(u16);

impl FromIterator<Function> for Supported {
    fn from_iter<T: IntoIterator<Item = Function>>(functions: T) -> Supported {
        Supported(functions.into_iter().fold(0, |set, function| set | 1 << function as u16))
    }
}
