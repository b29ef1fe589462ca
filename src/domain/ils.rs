//! The library's own system, its ILS: where it is asked whether a library card and its PIN belong together, and why it may
//! not say so. Who asks is `outbound`.

use secrecy::SecretString;

/// How the ILS is reached by SIP2.
#[derive(Debug, Clone)]
pub struct Ils {
    /// A name or an address, without brackets.
    pub host: String,
    pub port: u16,
    pub tls: bool,
    /// Absent where it knows us by our address.
    pub login: Option<Login>,
    /// AO; may be empty.
    pub institution: String,
}

#[derive(Debug, Clone)]
pub struct Login {
    pub user: String,
    pub password: SecretString,
}

/// Why a library card was not proven to be its bearer's. The texts are for operators.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unproven {
    #[error("no ILS is configured that could be asked ([ils] in the configuration); staff may vouch for the card")]
    NotConfigured,
    #[error("the ILS does not take this card: it knows no such card, or says the same of a wrong PIN")]
    UnknownCard,
    #[error("the ILS knows this card, and the PIN is wrong")]
    WrongPin,
    #[error("the ILS knows this reader by another number: give the one that stands on the card")]
    AnotherNumber,
    #[error("the ILS has this card as reported lost")]
    ReportedLost,
    #[error("the ILS cannot be asked now: {0}")]
    Away(String),
}

impl Unproven {
    /// Stable. A wrong PIN and an unknown card have codes of their own: they are for operators.
    pub fn code(&self) -> &'static str {
        match self {
            Unproven::NotConfigured => "ils-not-configured",
            Unproven::UnknownCard => "library-card-unknown",
            Unproven::WrongPin => "library-card-pin-wrong",
            Unproven::AnotherNumber => "library-card-other-number",
            Unproven::ReportedLost => "library-card-lost",
            Unproven::Away(_) => "ils-away",
        }
    }

    /// Whether card and PIN were looked at and not found good: then it was a guess.
    pub fn is_a_guess(&self) -> bool {
        !matches!(self, Unproven::NotConfigured | Unproven::Away(_))
    }
}

/// Why a library card was not linked to a patron.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unlinkable {
    #[error("the patron's organisation keeps to its own cards (existing_card = \"never\")")]
    NotOffered,
    #[error("a library card is linked already; unlink that one first")]
    LinkedAlready,
    #[error("no library card is linked")]
    NotLinked,
    #[error("this is no card number")]
    NoNumber,
    #[error("this number is a patron's card here already, or was")]
    Taken,
    #[error(transparent)]
    Unproven(#[from] Unproven),
}

impl Unlinkable {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Unlinkable::NotOffered => "library-card-not-offered",
            Unlinkable::LinkedAlready => "library-card-linked-already",
            Unlinkable::NotLinked => "library-card-not-linked",
            Unlinkable::NoNumber => "library-card-no-number",
            Unlinkable::Taken => "library-card-taken",
            Unlinkable::Unproven(unproven) => unproven.code(),
        }
    }
}
