//! Search filters (RFC 4515), made of the operator's text and of values that are nobody's syntax.

use uuid::Uuid;

/// Stands for what a person typed.
pub(super) const USERNAME: &str = "{username}";

/// The operator's filter for somebody of this name, which cannot say anything but itself.
pub(super) fn of_user(filter: &str, typed: &str) -> String {
    filter.replace(USERNAME, &escaped(typed.trim().as_bytes()))
}

/// Entries whose `attribute` is `value`, within `among`.
pub(super) fn equal(among: &str, attribute: &str, value: &str) -> String {
    let guid = is_guid(attribute).then(|| Uuid::parse_str(value).ok()).flatten();
    let value = match guid {
        Some(guid) => bytes(&guid.to_bytes_le()),
        None => escaped(value.trim().as_bytes()),
    };
    format!("(&{among}({attribute}={value}))")
}

/// Entries whose `attribute` is `value` or more, within `among`.
pub(super) fn at_least(among: &str, attribute: &str, value: &str) -> String {
    format!("(&{among}({attribute}>={}))", escaped(value.as_bytes()))
}

/// Active Directory's GUIDs are sixteen bytes, and text everywhere else.
pub(super) fn is_guid(attribute: &str) -> bool {
    attribute.eq_ignore_ascii_case("objectGUID")
}

/// Whether it is a filter at all, and what is wrong with it.
pub(super) fn check(filter: &str) -> Result<(), String> {
    let whole = filter.starts_with('(') && filter.ends_with(')');
    let filter = filter.replace(USERNAME, "x");
    match ldap3::parse_filter(&filter) {
        Ok(_) if whole => Ok(()),
        _ => Err(format!("{filter:?} is no search filter: write it as (attribute=value), RFC 4515")),
    }
}

/// What could be syntax, and what is not plain ASCII, stands as its bytes.
fn escaped(value: &[u8]) -> String {
    let harmless = |byte: u8| matches!(byte, 0x20..=0x7e) && !matches!(byte, b'*' | b'(' | b')' | b'\\');
    value.iter().map(|&byte| if harmless(byte) { char::from(byte).to_string() } else { hexed(byte) }).collect()
}

fn bytes(value: &[u8]) -> String {
    value.iter().map(|&byte| hexed(byte)).collect()
}

fn hexed(byte: u8) -> String {
    format!("\\{byte:02x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_never_becomes_syntax() {
        let filter = "(&(objectClass=person)(|(uid={username})(mail={username})))";
        assert_eq!(of_user(filter, " mo "), "(&(objectClass=person)(|(uid=mo)(mail=mo)))");
        for typed in ["*)(uid=*", "*", "\\2a", "a\0b", "mo)(|(uid=*", "{username}", "zoë"] {
            let made = of_user("(uid={username})", typed);
            assert!(ldap3::parse_filter(&made).is_ok(), "{made}");
            let value = made.strip_prefix("(uid=").and_then(|rest| rest.strip_suffix(')')).unwrap();
            assert!(!value.contains(['*', '(', ')', '\0']), "{made}");
        }
        assert_eq!(of_user("(uid={username})", "*)(uid=*"), "(uid=\\2a\\29\\28uid=\\2a)");
        assert_eq!(of_user("(uid={username})", "zoë"), "(uid=zo\\c3\\ab)");
    }

    #[test]
    fn a_guid_is_looked_for_by_its_bytes() {
        let made = equal("(objectClass=user)", "objectGUID", "00112233-4455-6677-8899-aabbccddeeff");
        assert_eq!(
            made,
            "(&(objectClass=user)(objectGUID=\\33\\22\\11\\00\\55\\44\\77\\66\\88\\99\\aa\\bb\\cc\\dd\\ee\\ff))"
        );
        assert_eq!(equal("(a=b)", "entryUUID", "00112233"), "(&(a=b)(entryUUID=00112233))");
    }

    #[test]
    fn only_a_whole_filter_is_one() {
        assert!(check("(&(objectClass=person)(sAMAccountName={username}))").is_ok());
        for wrong in ["", "uid={username}", "(uid={username}", "(&(a=b)", "(a=b)(c=d)"] {
            assert!(check(wrong).is_err(), "{wrong}");
        }
    }
}
