//! What the claims of a verified ID token must say, and what is made of them. Pure.

use std::time::Duration;

use serde_json::{Map, Value};

use super::{
    begin::Kept,
    settings::{Acr, Settings},
};
use crate::{
    directory::redirect::{Newcomer, Shown, Turned},
    domain::{clock::Timestamp, lookup::LookupField},
};

/// Clocks differ.
const SKEW: Duration = Duration::from_secs(60);
/// A sign-in there takes no longer than its way back here is waited for.
const OLDEST: Duration = Duration::from_secs(15 * 60);
/// OpenID Connect Core section 2: 255 ASCII characters; providers are not strict.
const LONGEST_SUBJECT: usize = 1024;

/// Words of RFC 8176 for what is at least a password.
const AS_GOOD_AS_A_PASSWORD: &[&str] = &["pwd", "pin", "otp", "mfa", "hwk", "swk", "sc", "fpt", "face", "iris", "rsa"];
const CLASSES: &[&str] = &[
    "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
    "https://refeds.org/profile/mfa",
    "http://schemas.openid.net/pape/policies/2007/06/multi-factor",
    "phr",
    "phrh",
];

pub(super) struct Claims<'a>(&'a Map<String, Value>);

fn failed(why: &str) -> Turned {
    Turned::Failed(why.to_owned())
}

impl<'a> Claims<'a> {
    pub fn new(claims: &'a Map<String, Value>) -> Claims<'a> {
        Claims(claims)
    }

    /// Section 3.1.3.7, steps 9 and 10.
    pub fn check_times(&self, kept: &Kept, now: Timestamp) -> Result<(), Turned> {
        let expires =
            self.instant("exp").ok_or_else(|| failed("its ID token does not say until when it holds (exp)"))?;
        let issued = self.instant("iat").ok_or_else(|| failed("its ID token does not say when it was made (iat)"))?;
        if expires + SKEW <= now {
            return Err(failed("its ID token has expired (exp)"));
        }
        if issued > now + SKEW || self.instant("nbf").is_some_and(|begins| begins > now + SKEW) {
            return Err(failed("its ID token comes from the future: do both clocks go right? (iat, nbf)"));
        }
        if issued + SKEW < kept.asked_at || issued + OLDEST < now {
            return Err(failed("its ID token is older than the question (iat)"));
        }
        Ok(())
    }

    /// Steps 4 and 5.
    pub fn check_party(&self, client_id: &str) -> Result<(), Turned> {
        match self.0.get("azp") {
            None => Ok(()),
            Some(party) if party == client_id => Ok(()),
            Some(_) => Err(failed("its ID token was made for somebody else (azp)")),
        }
    }

    /// Step 13: where they were to sign in anew, the provider says that they did.
    pub fn check_freshness(&self, kept: &Kept) -> Result<(), Turned> {
        let Some(limit) = kept.fresh_after else { return Ok(()) };
        match self.instant("auth_time") {
            Some(at) if at + SKEW >= limit => Ok(()),
            Some(_) => Err(failed("they were to sign in anew, and did not (auth_time)")),
            None => Err(failed("they were to sign in anew, and it does not say whether they did (auth_time)")),
        }
    }

    /// Whom it vouches for.
    pub fn shown(&self, settings: &Settings) -> Result<Shown, Turned> {
        let subject = self.text("sub").filter(|sub| !sub.is_empty() && sub.len() <= LONGEST_SUBJECT);
        let subject = subject.ok_or_else(|| failed("its ID token names nobody (sub)"))?;
        for (claim, wanted) in &settings.required {
            if self.word(claim).as_deref() != Some(wanted) {
                return Err(Turned::WrongTenant(format!("the claim {claim} is not {wanted:?}")));
            }
        }
        let claim = settings.match_claim.as_str();
        let about_email = claim == "email" || settings.portal.field == LookupField::Email;
        if about_email && !settings.trust_email && !self.says_yes("email_verified") {
            return Err(Turned::Nameless("it does not say that it has verified the address (email_verified)".into()));
        }
        let value = self.word(claim).filter(|value| !value.trim().is_empty());
        let value = value.ok_or_else(|| Turned::Nameless(format!("there is no claim {claim}")))?;
        let newcomer = settings.portal.creates.is_some().then(|| self.newcomer(subject)).transpose()?;
        Ok(Shown {
            newcomer,
            subject: format!("{}\n{subject}", settings.issuer.as_str()),
            value,
            by_password: match settings.acr {
                Acr::None => false,
                Acr::Password => true,
                Acr::Mapped => self.says_password(),
            },
        })
    }

    /// Section 5.1. Some providers know a whole name only.
    fn newcomer(&self, subject: &str) -> Result<Newcomer, Turned> {
        let name = |claim| self.text(claim).map(str::trim).filter(|name| !name.is_empty());
        let whole = || name("name").map(|whole| whole.rsplit_once(' ').unwrap_or(("", whole)));
        let (given, family) = match (name("given_name"), name("family_name")) {
            (None, None) => whole().ok_or_else(|| {
                Turned::Nameless("there is no name (given_name, family_name, name); does `scopes` hold profile?".into())
            })?,
            (given, family) => (given.unwrap_or_default(), family.unwrap_or_default()),
        };
        let (given_name, family_name) = (given.to_owned(), family.to_owned());
        Ok(Newcomer { sourced_id: subject.to_owned(), given_name, family_name })
    }

    fn says_password(&self) -> bool {
        let methods = self.0.get("amr").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str);
        self.text("acr").is_some_and(|class| CLASSES.contains(&class))
            || methods.into_iter().any(|method| AS_GOOD_AS_A_PASSWORD.contains(&method))
    }

    fn text(&self, claim: &str) -> Option<&str> {
        self.0.get(claim)?.as_str()
    }

    /// A text, or a number as providers write ids.
    fn word(&self, claim: &str) -> Option<String> {
        match self.0.get(claim)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        }
    }

    /// Some providers write `"true"`.
    fn says_yes(&self, claim: &str) -> bool {
        self.0.get(claim).is_some_and(|value| *value == true || *value == "true")
    }

    /// NumericDate (RFC 7519 section 2), which may have a fraction.
    fn instant(&self, claim: &str) -> Option<Timestamp> {
        let seconds = self.0.get(claim)?.as_f64()?;
        (0.0..1e12).contains(&seconds).then_some(Timestamp((seconds * 1000.0) as i64))
    }
}

/// A word of somebody else's, for the log.
pub(super) fn short(word: &str) -> String {
    word.chars().filter(|c| c.is_ascii_graphic()).take(60).collect()
}
