//! Refusals: shown, audited, translated, each with a code that never changes.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::id::AgreementId;

/// Why a person may not, or not yet. What broke instead of being refused is a `Fault`, elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reason {
    /// Unknown card or wrong PIN; the two look alike on purpose.
    SignInFailed,
    /// Too many wrong tries; another one counts after this many seconds.
    TooManyTries {
        retry_after: u64,
    },
    /// A PIN that only opens the change of PIN, at a face that has no page for it.
    PinMustChange,
    /// The card has no PIN yet.
    NoPin,
    /// The password was right, and the directory has closed the account.
    DirectoryDisabled,
    /// The password was right, and the account's last day is over.
    DirectoryExpired,
    /// The directory wants the password changed first.
    DirectoryPasswordChange,
    /// Not a card and its PIN, and the directory that checks passwords does not answer.
    DirectoryAway,
    /// These patrons sign in at their school's page, not by PIN.
    SchoolSignInOnly,
    /// The roster has nobody whom the upstream means.
    UpstreamUnknownPerson,
    /// The roster has more than one.
    UpstreamAmbiguous,
    /// The upstream vouches for somebody of another school.
    UpstreamWrongTenant,
    /// The upstream's person is bound to another patron, or the patron to another person.
    UpstreamMismatch,
    /// The upstream does not answer.
    UpstreamAway,
    /// What came back from the upstream is no sign-in.
    UpstreamFailed,
    CardBlocked,
    Withdrawn,
    OptedOut,
    /// No agreement with any of the patron's organisations.
    NoAgreement,
    /// One would cover the patron, but is over.
    AgreementEnded {
        agreement: AgreementId,
    },
    AgreementNotBegun {
        agreement: AgreementId,
    },
    RoleNotCovered,
    GradeNotCovered,
    /// The vendor serves other readers.
    AudienceMismatch,
    /// Asked, allowed and granted scopes have nothing in common.
    NothingGranted,
    VendorDisabled,
    /// The person said no.
    Declined,
    /// A one-time step came back too late or a second time.
    Expired,
    /// No badge that opens anything: taken back, replaced, or not for this person any more.
    BadgeVoid,
    /// Badges open elsewhere, or at another time.
    BadgeNotHere,
    /// Not the pictures of this badge.
    PicturesWrong,
    /// Too many wrong pictures: they must be reset.
    PicturesLocked,
    /// A badge does not open this.
    PinNeeded,
}

impl Reason {
    /// Stable: people paste it, checks rely on it, translations hang on it.
    pub fn code(&self) -> &'static str {
        match self {
            Reason::SignInFailed => "sign-in-failed",
            Reason::TooManyTries { .. } => "too-many-tries",
            Reason::PinMustChange => "pin-must-change",
            Reason::NoPin => "no-pin",
            Reason::DirectoryDisabled => "directory-disabled",
            Reason::DirectoryExpired => "directory-expired",
            Reason::DirectoryPasswordChange => "directory-password-change",
            Reason::DirectoryAway => "directory-away",
            Reason::SchoolSignInOnly => "school-sign-in-only",
            Reason::UpstreamUnknownPerson => "upstream-unknown-person",
            Reason::UpstreamAmbiguous => "upstream-ambiguous",
            Reason::UpstreamWrongTenant => "upstream-wrong-tenant",
            Reason::UpstreamMismatch => "upstream-mismatch",
            Reason::UpstreamAway => "upstream-away",
            Reason::UpstreamFailed => "upstream-failed",
            Reason::CardBlocked => "card-blocked",
            Reason::Withdrawn => "withdrawn",
            Reason::OptedOut => "opted-out",
            Reason::NoAgreement => "no-agreement",
            Reason::AgreementEnded { .. } => "agreement-ended",
            Reason::AgreementNotBegun { .. } => "agreement-not-begun",
            Reason::RoleNotCovered => "role-not-covered",
            Reason::GradeNotCovered => "grade-not-covered",
            Reason::AudienceMismatch => "audience-mismatch",
            Reason::NothingGranted => "nothing-granted",
            Reason::VendorDisabled => "vendor-disabled",
            Reason::Declined => "declined",
            Reason::Expired => "expired",
            Reason::BadgeVoid => "badge-void",
            Reason::BadgeNotHere => "badge-not-here",
            Reason::PicturesWrong => "pictures-wrong",
            Reason::PicturesLocked => "pictures-locked",
            Reason::PinNeeded => "pin-needed",
        }
    }
}

/// The sentence for an operator; patrons read theirs from `locales/`.
impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reason::SignInFailed => f.write_str("card and PIN do not match"),
            Reason::TooManyTries { retry_after } => {
                write!(f, "too many wrong tries; the next counts in {retry_after} s")
            }
            Reason::PinMustChange => f.write_str("this PIN must be changed on the sign-in page first"),
            Reason::NoPin => f.write_str("this card has no PIN yet"),
            Reason::DirectoryDisabled => f.write_str("the directory has disabled this account"),
            Reason::DirectoryExpired => f.write_str("this account's last day in the directory is over"),
            Reason::DirectoryPasswordChange => f.write_str("the directory wants this password changed first"),
            Reason::DirectoryAway => f.write_str("card and PIN do not match, and the directory does not answer"),
            Reason::SchoolSignInOnly => f.write_str("these people sign in at their school's page, not by PIN"),
            Reason::UpstreamUnknownPerson => f.write_str("the roster has nobody whom the upstream means"),
            Reason::UpstreamAmbiguous => f.write_str("the roster has several people whom the upstream may mean"),
            Reason::UpstreamWrongTenant => f.write_str("the upstream vouches for somebody of another school"),
            Reason::UpstreamMismatch => f.write_str("at this upstream the card is bound to another account"),
            Reason::UpstreamAway => f.write_str("the upstream does not answer"),
            Reason::UpstreamFailed => f.write_str("what came back from the upstream is no sign-in"),
            Reason::CardBlocked => f.write_str("the library blocked this card"),
            Reason::Withdrawn => f.write_str("the school no longer lists this person"),
            Reason::OptedOut => f.write_str("the family opted out"),
            Reason::NoAgreement => f.write_str("no agreement with this person's school"),
            Reason::AgreementEnded { agreement } => write!(f, "agreement {agreement} is over"),
            Reason::AgreementNotBegun { agreement } => write!(f, "agreement {agreement} has not begun"),
            Reason::RoleNotCovered => f.write_str("the agreement does not cover this role"),
            Reason::GradeNotCovered => f.write_str("the agreement does not cover this grade"),
            Reason::AudienceMismatch => f.write_str("the vendor serves other readers"),
            Reason::NothingGranted => f.write_str("nothing that the vendor asks for is granted to this person"),
            Reason::VendorDisabled => f.write_str("the vendor is switched off"),
            Reason::Declined => f.write_str("the person said no"),
            Reason::Expired => f.write_str("this step is over; begin again"),
            Reason::BadgeVoid => f.write_str("this badge opens nothing, any more"),
            Reason::BadgeNotHere => f.write_str("badges do not open here, or not now"),
            Reason::PicturesWrong => f.write_str("these are not the pictures of this badge"),
            Reason::PicturesLocked => f.write_str("too many wrong pictures; they must be reset"),
            Reason::PinNeeded => f.write_str("this needs the PIN; a badge does not open it"),
        }
    }
}

/// What a refused person reads out to staff, `K7F-2QX`: the same for the same ticket, and nothing that leads back
/// to it. Crockford's letters, so that nothing is misread.
pub fn staff_code(ticket: &str) -> String {
    const LETTERS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, format!("staff:{ticket}").as_bytes());
    let mut letters = digest.as_ref().iter().map(|byte| char::from(LETTERS[usize::from(byte % 32)]));
    let (first, second): (String, String) = (letters.by_ref().take(3).collect(), letters.take(3).collect());
    format!("{first}-{second}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_staff_code_is_short_and_stays_the_same() {
        let code = staff_code("a-ticket");
        assert_eq!(code, staff_code("a-ticket"));
        assert_ne!(code, staff_code("another"));
        assert!(code.len() == 7 && code.as_bytes()[3] == b'-', "{code}");
    }
}
