//! Whether a vendor's address answers, and whose it is to mend where it does not. What is there is not judged.

use crate::{
    domain::check::{Check, Whose},
    outbound::{Outbound, Refused},
};

/// Who calls the address when a patron is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Caller {
    We,
    /// It may see networks that we do not.
    TheBrowser,
}

pub async fn reach(outbound: &Outbound, check: &'static str, url: &str, caller: Caller) -> Check {
    match outbound.get_json(url, 0).await {
        Ok(_) => Check::ok(check, format!("{url} answers")),
        Err(refused) => judged(check, url, caller, &refused),
    }
}

/// An answer of whatever kind is one: nobody said that the address takes a GET without parameters.
fn judged(check: &'static str, url: &str, caller: Caller, refused: &Refused) -> Check {
    match refused {
        Refused::Redirected | Refused::TooLarge => Check::ok(check, format!("{url} answers")),
        Refused::Status(status) if *status < 500 || *status == 501 => {
            Check::ok(check, format!("{url} answers ({})", refused.code()))
        }
        Refused::PrivateDestination(_) if caller == Caller::TheBrowser => {
            Check::skipped(check, format!("{url} is for browsers inside a network that we do not call"))
        }
        _ => refusal(check, url, refused),
    }
}

/// Nobody there can be used.
pub fn refusal(check: &'static str, url: &str, refused: &Refused) -> Check {
    let whose = match refused {
        Refused::PrivateDestination(_) | Refused::NotAUrl => Whose::Ours,
        _ => Whose::Theirs,
    };
    Check::mend(check, whose, format!("{url}: {refused} ({})", refused.code()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::check::Outcome;

    #[test]
    fn whatever_answers_is_reached_and_what_is_ours_to_mend_is_said_so() {
        let of = |refused, caller| {
            let check = judged("x", "https://maple.example/x", caller, &refused);
            (check.outcome, check.whose)
        };
        for answer in [Refused::Status(405), Refused::Status(404), Refused::Status(501), Refused::Redirected] {
            assert_eq!(of(answer, Caller::We), (Outcome::Ok, None));
        }
        let private = Refused::PrivateDestination([10, 0, 0, 1].into());
        assert_eq!(of(private.clone(), Caller::We), (Outcome::Mend, Some(Whose::Ours)));
        assert_eq!(of(private, Caller::TheBrowser), (Outcome::Skipped, None));
        for away in [Refused::Unreachable, Refused::UnknownHost, Refused::Status(503), Refused::TimedOut] {
            assert_eq!(of(away, Caller::We), (Outcome::Mend, Some(Whose::Theirs)));
        }
    }
}
