//! Asking a directory whether a name and a password go together.

use super::source::{PullError, Soon};
use crate::domain::clock::Timestamp;

/// A directory that checks passwords. Looking for the account and trying its password are two steps, so that tries at
/// one account can be counted together whichever of its names is typed.
pub trait Verify: Send + Sync {
    /// The one account of this name; `None` where there is none, or more than one.
    fn find<'a>(&'a self, name: Name<'a>, now: Timestamp) -> Soon<'a, Result<Option<Account>, PullError>>;

    /// Whether the password is the account's. Without an account it takes about the time that a wrong password takes,
    /// and the password goes nowhere.
    fn prove<'a>(&'a self, account: Option<&'a Account>, password: &'a str) -> Soon<'a, Verdict>;
}

/// How somebody's account is looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Name<'a> {
    /// What the person typed.
    Typed(&'a str),
    /// The sourcedId that this directory gave them in its own roster.
    SourcedId(&'a str),
    /// The value by which they are known to the roster.
    Matching(&'a str),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// The directory's own name of it.
    pub name: String,
    /// What the roster's field is compared with: one of them must mean somebody.
    pub values: Vec<String>,
    pub state: State,
}

/// What the directory says of an account apart from its password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum State {
    #[default]
    Good,
    Disabled,
    /// Its last day is over.
    Expired,
    /// Its password must be changed first, where the directory lets people do that.
    MustChange,
}

/// What came of a password. All but `Wrong` and `Away` are told to nobody but who knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Right,
    /// Also where the account is locked: the directory says so without looking at the password.
    Wrong,
    Disabled,
    Expired,
    MustChange,
    /// Nothing is known. A sentence for the operator.
    Away(String),
}
