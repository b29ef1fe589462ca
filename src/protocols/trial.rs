//! `vendor test`: asking ourselves as a vendor's server would, over a socket, with a test patron. What was said is shown,
//! without what is secret in it.

use std::{future::Future, pin::Pin};

use serde::Serialize;

use crate::{
    domain::{
        check::{Check, Whose},
        reason::Reason,
        vendor::{RelyingParty, Vendor},
    },
    signon::{SignOn, Told},
};

/// What a trial is given.
pub struct Trial<'a> {
    pub signon: SignOn,
    pub vendor: &'a Vendor,
    pub party: &'a RelyingParty,
    /// The party's secret; absent where this configuration does not hold it.
    pub secret: Option<&'a str>,
    /// A test patron with its PIN, and what policy says of it here.
    pub patron: Option<Guest<'a>>,
}

#[derive(Clone, Copy)]
pub struct Guest<'a> {
    pub card: &'a str,
    pub pin: &'a str,
    pub verdict: &'a Result<Told, Reason>,
}

/// What came of it.
#[derive(Debug, Default, Serialize)]
pub struct Tried {
    pub checks: Vec<Check>,
    /// `> ` what the vendor says, `< ` what it is answered.
    pub said: Vec<String>,
}

pub type Trying<'a> = Pin<Box<dyn Future<Output = Tried> + Send + 'a>>;

impl Tried {
    /// Where there is nothing to try with.
    pub fn skipped(check: &'static str, why: &str) -> Tried {
        Tried { checks: vec![Check::skipped(check, why)], said: Vec::new() }
    }

    /// It could not be tried, and that is ours to mend.
    #[must_use]
    pub fn broken(mut self, check: &'static str, why: impl Into<String>) -> Tried {
        self.checks.push(Check::mend(check, Whose::Ours, why));
        self
    }
}

impl<'a> Trial<'a> {
    /// The secret and the patron, or why there is no trial.
    pub fn with(&self, check: &'static str) -> Result<(&'a str, Guest<'a>), Tried> {
        const NO_SECRET: &str = "this configuration file does not hold the vendor's secret: name the one that does";
        const NO_PATRON: &str = "no [[test_patron]] with a PIN stands in this configuration file";
        let secret = self.secret.ok_or_else(|| Tried::skipped(check, NO_SECRET))?;
        let patron = self.patron.ok_or_else(|| Tried::skipped(check, NO_PATRON))?;
        Ok((secret, patron))
    }
}
