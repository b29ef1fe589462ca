//! How somebody signed in, and whether that is what a service provider asks for (core 3.3.2.2.1): a card and a PIN over
//! TLS, or a badge, of which nothing better can be said than that somebody had it.

use super::error::Status;
use crate::wire::saml::{
    context::{PASSWORD, PASSWORD_PROTECTED_TRANSPORT, UNSPECIFIED},
    request::{Comparison, RequestedAuthnContext},
    status,
};

pub(super) const BEST: &str = PASSWORD_PROTECTED_TRANSPORT;

/// What we can state, the weakest first. A PIN over TLS is all of them.
const CLASSES: [&str; 3] = [UNSPECIFIED, PASSWORD, PASSWORD_PROTECTED_TRANSPORT];

/// The class to answer with.
///
/// # Errors
/// NoAuthnContext.
pub(super) fn class(asked: Option<&RequestedAuthnContext>) -> Result<&'static str, Status> {
    let Some(asked) = asked else { return Ok(BEST) };
    let rank = |class: &str| CLASSES.iter().position(|known| *known == class);
    let mut known = asked.class_refs.iter().filter_map(|class| rank(class));
    let found = match asked.comparison {
        // The very word that is wanted.
        Comparison::Exact => known.next().and_then(|rank| CLASSES.get(rank)).copied(),
        Comparison::Minimum => known.next().map(|_| BEST),
        // Better than all of them, also than those that we know nothing of.
        Comparison::Better => {
            let below = |class: &String| rank(class).is_some_and(|rank| rank + 1 < CLASSES.len());
            (!asked.decl_refs && asked.class_refs.iter().all(below)).then_some(BEST)
        }
        Comparison::Maximum => known.max().and_then(|rank| CLASSES.get(rank)).copied(),
    };
    found.ok_or_else(|| {
        let asked = asked.class_refs.join(" ");
        let hint = format!("here one signs in by {PASSWORD_PROTECTED_TRANSPORT}, which is not what was asked: {asked}");
        Status::responder(status::NO_AUTHN_CONTEXT, hint)
    })
}

/// What is said where a PIN was asked for and only a badge is there.
pub(super) fn no_password() -> Status {
    let hint = "the reader signed in by a badge, and would not show the PIN that was asked for";
    Status::responder(status::NO_AUTHN_CONTEXT, hint)
}

/// The class to answer with where a badge was shown; `None` where that is less than is asked for.
pub(super) fn class_of_a_badge(asked: Option<&RequestedAuthnContext>) -> Option<&'static str> {
    let Some(asked) = asked else { return Some(UNSPECIFIED) };
    let enough = match asked.comparison {
        Comparison::Exact | Comparison::Minimum => asked.class_refs.iter().any(|class| class == UNSPECIFIED),
        // Nothing is below it.
        Comparison::Better => false,
        Comparison::Maximum => asked.class_refs.iter().any(|class| CLASSES.contains(&class.as_str())),
    };
    enough.then_some(UNSPECIFIED)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(comparison: Comparison, classes: &[&str]) -> Option<&'static str> {
        let class_refs = classes.iter().map(|class| (*class).to_owned()).collect();
        class(Some(&RequestedAuthnContext { comparison, class_refs, decl_refs: false })).ok()
    }

    #[test]
    fn who_asks_for_nothing_hears_how_it_was() {
        assert_eq!(class(None), Ok(PASSWORD_PROTECTED_TRANSPORT));
    }

    #[test]
    fn what_is_asked_is_met_or_honestly_not() {
        const MFA: &str = "https://refeds.org/profile/mfa";
        const KERBEROS: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Kerberos";
        use Comparison::{Better, Exact, Maximum, Minimum};
        for (comparison, classes, answered) in [
            (Exact, vec![PASSWORD_PROTECTED_TRANSPORT], Some(PASSWORD_PROTECTED_TRANSPORT)),
            (Exact, vec![MFA, PASSWORD_PROTECTED_TRANSPORT], Some(PASSWORD_PROTECTED_TRANSPORT)),
            (Exact, vec![PASSWORD], Some(PASSWORD)),
            (Exact, vec![UNSPECIFIED], Some(UNSPECIFIED)),
            (Exact, vec![MFA], None),
            (Exact, vec![KERBEROS], None),
            (Minimum, vec![PASSWORD], Some(PASSWORD_PROTECTED_TRANSPORT)),
            (Minimum, vec![MFA], None),
            (Better, vec![PASSWORD], Some(PASSWORD_PROTECTED_TRANSPORT)),
            (Better, vec![PASSWORD_PROTECTED_TRANSPORT], None),
            (Better, vec![MFA], None),
            (Better, vec![PASSWORD, MFA], None),
            (Maximum, vec![PASSWORD_PROTECTED_TRANSPORT], Some(PASSWORD_PROTECTED_TRANSPORT)),
            (Maximum, vec![PASSWORD], Some(PASSWORD)),
        ] {
            assert_eq!(answer(comparison, &classes), answered, "{comparison:?} {classes:?}");
        }
    }

    #[test]
    fn a_badge_is_no_password() {
        use Comparison::{Better, Exact, Maximum, Minimum};
        assert_eq!(class_of_a_badge(None), Some(UNSPECIFIED));
        for (comparison, classes, enough) in [
            (Exact, vec![PASSWORD_PROTECTED_TRANSPORT], false),
            (Exact, vec![PASSWORD, UNSPECIFIED], true),
            (Minimum, vec![PASSWORD], false),
            (Minimum, vec![UNSPECIFIED], true),
            (Better, vec![UNSPECIFIED], false),
            (Maximum, vec![PASSWORD_PROTECTED_TRANSPORT], true),
            (Maximum, vec!["https://refeds.org/profile/mfa"], false),
        ] {
            let class_refs = classes.iter().map(|class| (*class).to_owned()).collect();
            let asked = RequestedAuthnContext { comparison, class_refs, decl_refs: false };
            assert_eq!(class_of_a_badge(Some(&asked)).is_some(), enough, "{comparison:?} {classes:?}");
        }
    }

    #[test]
    fn a_declaration_is_nothing_that_we_have() {
        let asked = RequestedAuthnContext { comparison: Comparison::Exact, class_refs: Vec::new(), decl_refs: true };
        assert_eq!(class(Some(&asked)).unwrap_err().second, status::NO_AUTHN_CONTEXT);
    }
}
