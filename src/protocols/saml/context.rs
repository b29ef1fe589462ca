//! How somebody signed in, and whether that is what a service provider asks for (core 3.3.2.2.1). Here everybody shows
//! a card and a PIN over TLS.

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
    fn a_declaration_is_nothing_that_we_have() {
        let asked = RequestedAuthnContext { comparison: Comparison::Exact, class_refs: Vec::new(), decl_refs: true };
        assert_eq!(class(Some(&asked)).unwrap_err().second, status::NO_AUTHN_CONTEXT);
    }
}
