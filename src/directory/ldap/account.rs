//! What a directory says of an account beside its password: by attributes, by controls, and, Active Directory, in the
//! text of a failed bind.

use super::{
    super::verify::{State, Verdict},
    entry::Entry,
};
use crate::domain::clock::Timestamp;

/// What is asked for to tell an account's state. A server knows its own of them and passes over the others.
pub(super) const ATTRIBUTES: [&str; 7] = [
    "userAccountControl",
    "accountExpires",
    "pwdLastSet",
    "pwdAccountLockedTime",
    "pwdReset",
    "shadowExpire",
    "nsAccountLock",
];

/// Active Directory's ACCOUNTDISABLE.
const DISABLED: i64 = 2;
/// Locked by an administrator. Any other time is a lock after wrong guesses, which ends by itself.
const LOCKED_FOR_GOOD: &str = "000001010000Z";
/// From 1601, where Active Directory counts from, to 1970, in seconds.
const SINCE_1601: i64 = 11_644_473_600;
const DAY: i64 = 86_400;

pub(super) fn state(entry: &Entry, now: Timestamp) -> State {
    let number = |name| entry.text(name).and_then(|text| text.trim().parse::<i64>().ok());
    let is_true = |name| entry.text(name).is_some_and(|text| text.eq_ignore_ascii_case("true"));
    let switched_off = number("userAccountControl").is_some_and(|flags| flags & DISABLED != 0);
    let locked =
        entry.text("pwdAccountLockedTime").is_some_and(|at| at.starts_with(LOCKED_FOR_GOOD.trim_end_matches('Z')));
    if switched_off || locked || is_true("nsAccountLock") {
        return State::Disabled;
    }
    let over = number("accountExpires")
        .filter(|at| !matches!(*at, 0 | i64::MAX))
        .is_some_and(|at| at / 10_000_000 - SINCE_1601 <= now.seconds());
    let over_by_shadow =
        number("shadowExpire").filter(|day| *day >= 0).is_some_and(|day| day.saturating_mul(DAY) <= now.seconds());
    if over || over_by_shadow {
        return State::Expired;
    }
    if number("pwdLastSet") == Some(0) || is_true("pwdReset") {
        return State::MustChange;
    }
    State::Good
}

/// What a bind came to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bound<'a> {
    /// The result code (RFC 4511 appendix A).
    pub(super) code: u32,
    /// What the server says besides.
    pub(super) text: &'a str,
    /// The error of the password policy control, where the server gave one.
    pub(super) policy: Option<u8>,
}

pub(super) fn verdict(bound: Bound<'_>, state: State) -> Verdict {
    match bound.code {
        0 => match (bound.policy, state) {
            (_, State::Disabled) => Verdict::Disabled,
            (_, State::Expired) => Verdict::Expired,
            (Some(PASSWORD_EXPIRED | CHANGE_AFTER_RESET), _) | (_, State::MustChange) => Verdict::MustChange,
            (_, State::Good) => Verdict::Right,
        },
        // OpenLDAP says so only after the password was right.
        49 if bound.policy == Some(PASSWORD_EXPIRED) => Verdict::MustChange,
        49 => match data_code(bound.text) {
            // Active Directory says these only after the password was right.
            Some("530" | "531" | "533") => Verdict::Disabled,
            Some("701") => Verdict::Expired,
            Some("532" | "773") => Verdict::MustChange,
            _ => Verdict::Wrong,
        },
        // An account without a password, a policy's no, an entry that just went.
        19 | 32 | 34 | 48 | 53 => Verdict::Wrong,
        10 => Verdict::Away("the directory refers to another server, which is not followed".into()),
        code => Verdict::Away(format!("the directory could not check a password (result {code})")),
    }
}

const PASSWORD_EXPIRED: u8 = 0;
const CHANGE_AFTER_RESET: u8 = 2;

/// `52e` of `80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data 52e, v4563`.
fn data_code(text: &str) -> Option<&str> {
    let (_, after) = text.split_once("AcceptSecurityContext error, data ")?;
    after.split(',').next().map(str::trim)
}

pub(super) const PASSWORD_POLICY: &str = "1.3.6.1.4.1.42.2.27.8.5.1";

/// The error of a password policy response (draft-behera-ldap-password-policy): a SEQUENCE of an optional warning \[0\] and
/// an optional error \[1\].
pub(super) fn policy_error(value: &[u8]) -> Option<u8> {
    let mut rest = element(value, 0x30)?.0;
    while let Some(&tag) = rest.first() {
        let (inside, after) = element(rest, tag)?;
        if tag == 0x81 {
            return inside.first().copied();
        }
        rest = after;
    }
    None
}

/// The contents of the element of this tag that `bytes` begins with, and what comes after it. Short lengths only: these
/// values are a few bytes.
fn element(bytes: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    let (&found, rest) = bytes.split_first()?;
    let (&length, rest) = rest.split_first()?;
    (found == tag && length < 0x80).then_some(())?;
    rest.split_at_checked(usize::from(length))
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp(1_795_000_000_000);

    fn of(attributes: &[(&str, &str)]) -> State {
        let values = attributes.iter().map(|(name, value)| ((*name).to_owned(), vec![value.as_bytes().to_vec()]));
        state(&Entry::new("cn=somebody".into(), values), NOW)
    }

    #[test]
    fn disabled_and_expired_accounts_are_seen_in_each_directorys_words() {
        assert_eq!(of(&[]), State::Good);
        assert_eq!(of(&[("userAccountControl", "512")]), State::Good);
        assert_eq!(of(&[("USERACCOUNTCONTROL", "514")]), State::Disabled);
        assert_eq!(of(&[("userAccountControl", "66050")]), State::Disabled);
        assert_eq!(of(&[("pwdAccountLockedTime", "000001010000Z")]), State::Disabled);
        assert_eq!(of(&[("pwdAccountLockedTime", "20261127101500Z")]), State::Good, "wrong guesses withdraw nobody");
        assert_eq!(of(&[("nsAccountLock", "TRUE")]), State::Disabled);
        assert_eq!(of(&[("shadowExpire", "-1")]), State::Good);
        assert_eq!(of(&[("shadowExpire", "20000")]), State::Expired);
        assert_eq!(of(&[("shadowExpire", "30000")]), State::Good);
        assert_eq!(of(&[("pwdReset", "TRUE")]), State::MustChange);
        assert_eq!(of(&[("pwdLastSet", "0")]), State::MustChange);
        assert_eq!(of(&[("pwdLastSet", "133500000000000000")]), State::Good);
    }

    #[test]
    fn active_directory_counts_from_1601_and_has_two_words_for_never() {
        for never in ["0", "9223372036854775807"] {
            assert_eq!(of(&[("accountExpires", never)]), State::Good);
        }
        let at = |seconds: i64| ((seconds + SINCE_1601) * 10_000_000).to_string();
        assert_eq!(of(&[("accountExpires", &at(NOW.seconds() - 1))]), State::Expired);
        assert_eq!(of(&[("accountExpires", &at(NOW.seconds() + 1))]), State::Good);
        assert_eq!(of(&[("accountExpires", "-5")]), State::Expired);
    }

    #[test]
    fn active_directory_says_in_a_text_why_a_bind_failed() {
        let failed = |data: &str| {
            let text =
                format!("80090308: LdapErr: DSID-0C090439, comment: AcceptSecurityContext error, data {data}, v4563");
            verdict(Bound { code: 49, text: &text, policy: None }, State::Good)
        };
        assert_eq!(failed("52e"), Verdict::Wrong);
        assert_eq!(failed("525"), Verdict::Wrong);
        assert_eq!(failed("775"), Verdict::Wrong, "said without a look at the password");
        assert_eq!(failed("533"), Verdict::Disabled);
        assert_eq!(failed("530"), Verdict::Disabled);
        assert_eq!(failed("701"), Verdict::Expired);
        assert_eq!((failed("773"), failed("532")), (Verdict::MustChange, Verdict::MustChange));
    }

    #[test]
    fn a_right_password_opens_no_account_that_is_closed() {
        let right = |policy, state| verdict(Bound { code: 0, text: "", policy }, state);
        assert_eq!(right(None, State::Good), Verdict::Right);
        assert_eq!(right(None, State::Disabled), Verdict::Disabled);
        assert_eq!(right(None, State::Expired), Verdict::Expired);
        assert_eq!(right(Some(2), State::Good), Verdict::MustChange);
        for code in [10, 1, 3, 8, 13, 51, 52, 80] {
            let said = verdict(Bound { code, text: "", policy: None }, State::Good);
            assert!(matches!(said, Verdict::Away(_)), "{code}");
        }
        for code in [19, 32, 34, 48, 49, 53] {
            assert_eq!(verdict(Bound { code, text: "", policy: None }, State::Disabled), Verdict::Wrong, "{code}");
        }
    }

    #[test]
    fn the_policys_answer_is_read_and_garbage_is_nothing() {
        assert_eq!(policy_error(&[0x30, 0x00]), None);
        assert_eq!(policy_error(&[0x30, 0x03, 0x81, 0x01, 0x02]), Some(2));
        assert_eq!(policy_error(&[0x30, 0x08, 0xa0, 0x03, 0x80, 0x01, 0x05, 0x81, 0x01, 0x00]), Some(0));
        for garbage in
            [&[][..], &[0x30], &[0x30, 0x05, 0x81], &[0x31, 0x00], &[0x30, 0x84, 0, 0, 0, 0], &[0x30, 2, 0x81, 9]]
        {
            assert_eq!(policy_error(garbage), None);
        }
    }
}
