//! What vendors and stations ask. Reading judges form alone: whether a card is known, a PIN good or an algorithm
//! supported is the listener's to say.

mod read;
mod write;

use std::fmt;

use super::{
    Code, Trailer,
    patron::{Language, Summary},
};

/// A request and how its answer is to end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Incoming {
    /// What is asked.
    pub request: Request,
    /// Give it to `Response::write`: whoever uses error detection awaits it in the answer, with the same number.
    pub trailer: Trailer,
}

/// A message to the library's system. `Debug` leaves out PINs and passwords, but not card numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Request {
    /// 93.
    Login(Login),
    /// 99.
    Status(Status),
    /// 23.
    PatronStatus(PatronStatus),
    /// 63.
    PatronInformation(PatronInformation),
    /// 35.
    EndSession(EndSession),
    /// 97: send your last message again.
    Resend,
    /// What only a library's circulation system can do; see `Response::refusal`.
    Circulation(Circulation),
    /// Any other.
    Unknown(Code),
}

/// 93 Login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Login {
    /// How the user id is encrypted. The standard knows `0`, not at all.
    pub user_algorithm: char,
    /// How the password is encrypted.
    pub password_algorithm: char,
    /// CN.
    pub user: String,
    /// CO.
    pub password: Secret,
    /// CP.
    pub location: Option<String>,
}

impl Login {
    /// Where this is false, user and password are no text: refuse the login.
    pub fn is_plain(&self) -> bool {
        self.user_algorithm == '0' && self.password_algorithm == '0'
    }
}

/// 99 SC Status.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Status {
    /// `0` all is well, `1` out of paper, `2` about to shut down.
    pub status_code: char,
    /// Characters of a print line; `None` where it is not a number.
    pub max_print_width: Option<u16>,
    /// Four characters, such as `2.00`.
    pub protocol_version: String,
}

/// 23 Patron Status Request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatronStatus {
    /// Repeat it in the answer.
    pub language: Language,
    /// Whose patron, and with which PIN.
    pub patron: PatronFields,
}

/// 63 Patron Information.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatronInformation {
    /// Repeat it in the answer.
    pub language: Language,
    /// The list asked for.
    pub summary: Option<Summary>,
    /// Whose patron, and with which PIN.
    pub patron: PatronFields,
    /// BP; `None` where it is absent or not a number.
    pub start_item: Option<u32>,
    /// BQ; `None` where it is absent or not a number.
    pub end_item: Option<u32>,
}

/// 35 End Patron Session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndSession {
    /// Whose patron, and with which PIN.
    pub patron: PatronFields,
}

/// The fields that 23, 63 and 35 share. Blanks are kept as they came.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct PatronFields {
    /// AO; empty where it is absent.
    pub institution: String,
    /// AA, the card number; empty where it is absent.
    pub card: String,
    /// AC.
    pub terminal_password: Option<Secret>,
    /// AD. `None` is no field at all, which some vendors send to ask for the card alone; an empty one is an empty PIN.
    pub pin: Option<Secret>,
}

/// A message that is refused, with what its refusal repeats. Empty where it is absent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circulation {
    /// What was to be done.
    pub operation: Operation,
    /// AO.
    pub institution: String,
    /// AA.
    pub card: String,
    /// AB.
    pub item: String,
    /// AJ.
    pub title: String,
}

/// The standard's other messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Operation {
    BlockPatron,
    Checkin,
    Checkout,
    Hold,
    ItemInformation,
    ItemStatusUpdate,
    PatronEnable,
    Renew,
    FeePaid,
    RenewAll,
}

impl Operation {
    /// All of them.
    pub const ALL: [Operation; 10] = [
        Operation::BlockPatron,
        Operation::Checkin,
        Operation::Checkout,
        Operation::Hold,
        Operation::ItemInformation,
        Operation::ItemStatusUpdate,
        Operation::PatronEnable,
        Operation::Renew,
        Operation::FeePaid,
        Operation::RenewAll,
    ];

    /// The request's code.
    pub(super) fn code(self) -> [u8; 2] {
        *match self {
            Operation::BlockPatron => b"01",
            Operation::Checkin => b"09",
            Operation::Checkout => b"11",
            Operation::Hold => b"15",
            Operation::ItemInformation => b"17",
            Operation::ItemStatusUpdate => b"19",
            Operation::PatronEnable => b"25",
            Operation::Renew => b"29",
            Operation::FeePaid => b"37",
            Operation::RenewAll => b"65",
        }
    }
}

/// A PIN or a password, which no log shows.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Secret(String);

impl Secret {
    /// Hides a text.
    pub fn new(text: impl Into<String>) -> Secret {
        Secret(text.into())
    }

    /// The text, for those who judge it. Compare in constant time.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// The text, moved out.
    pub fn into_text(self) -> String {
        self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
