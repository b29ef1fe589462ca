//! Who may have a badge, and where and when one opens. Never staff, never a grade that can type a PIN.

use std::net::IpAddr;

use crate::domain::{
    badge::BadgeRule,
    clock::{TimeZone, Timestamp},
    patron::{Patron, Role},
    reason::Reason,
};

/// Whether this person may have one, and use it. What else bears on them (withdrawn, opted out, blocked) `entitled` says.
///
/// # Errors
/// `BadgeVoid`.
pub fn may_hold(rule: &BadgeRule, patron: &Patron) -> Result<(), Reason> {
    let (from, to) = rule.grades;
    let staff = patron.affiliations.iter().any(|affiliation| affiliation.role == Role::Staff);
    let pupil = patron.affiliations.iter().any(|affiliation| {
        affiliation.role == Role::Student
            && rule.organisations.contains(&affiliation.organisation)
            && affiliation.grade.is_some_and(|grade| from <= grade && grade <= to)
    });
    if pupil && !staff { Ok(()) } else { Err(Reason::BadgeVoid) }
}

/// Whether badges open at this address, now.
///
/// # Errors
/// `BadgeNotHere`.
pub fn opens(rule: &BadgeRule, address: IpAddr, now: Timestamp, time_zone: &TimeZone) -> Result<(), Reason> {
    let here = rule.networks.is_empty() || rule.networks.iter().any(|network| network.contains(address));
    if here { is_their_time(rule, now, time_zone) } else { Err(Reason::BadgeNotHere) }
}

/// Whether badges open now, wherever that is: all that can be asked where a vendor's server comes instead of a browser.
///
/// # Errors
/// `BadgeNotHere`.
pub fn is_their_time(rule: &BadgeRule, now: Timestamp, time_zone: &TimeZone) -> Result<(), Reason> {
    let (_, [hour, minute, _]) = time_zone.civil(now);
    let open = rule.hours.is_none_or(|hours| hours.contain(hour, minute));
    if open { Ok(()) } else { Err(Reason::BadgeNotHere) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::badge::SecondStep,
        policy::entitlement::tests::{noon, patron},
    };

    fn rule() -> BadgeRule {
        BadgeRule {
            organisations: vec!["cms".parse().unwrap()],
            grades: ("PK".parse().unwrap(), "02".parse().unwrap()),
            networks: vec!["198.51.100.0/24".parse().unwrap()],
            hours: "07:00-16:00".parse().ok(),
            scopes: Vec::new(),
            plain: true,
            second_step: SecondStep::None,
        }
    }

    #[test]
    fn badges_are_for_the_youngest_and_never_for_staff() {
        for (who, may) in [
            ("cms:student:PK", true),
            ("cms:student:02", true),
            ("cms:student:03", false),
            ("cms:student", false),
            ("cms:staff", false),
            ("cms:student:01,cms:staff", false),
            ("charter:staff,cms:student:01", false),
            ("charter:student:01", false),
            ("charter:student:08,cms:student:01", true),
        ] {
            assert_eq!(may_hold(&rule(), &patron(who)).is_ok(), may, "{who}");
        }
    }

    #[test]
    fn a_badge_opens_at_school_and_in_its_hours() {
        let (zone, noon) = (TimeZone::named("America/New_York").unwrap(), noon("2026-11-02"));
        let at = |address: &str, now| opens(&rule(), address.parse().unwrap(), now, &zone);
        assert_eq!(at("198.51.100.7", noon), Ok(()));
        assert_eq!(at("::ffff:198.51.100.7", noon), Ok(()));
        assert_eq!(at("203.0.113.7", noon), Err(Reason::BadgeNotHere));
        assert_eq!(at("198.51.100.7", noon + std::time::Duration::from_secs(4 * 3600)), Err(Reason::BadgeNotHere));
        let anywhere = BadgeRule { networks: Vec::new(), hours: None, ..rule() };
        assert_eq!(opens(&anywhere, "203.0.113.7".parse().unwrap(), noon, &zone), Ok(()));
    }
}
