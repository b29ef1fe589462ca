//! Who may give whom a temporary PIN: the teacher of a pupil's class, and a librarian whose patron it is.

use std::fmt;

use crate::domain::{
    card::CardStatus,
    class::{ClassRole, ClassRoll},
    id::{OrganisationId, SourceId},
    patron::{Patron, Role, Standing},
};

/// Who asks for it.
#[derive(Debug, Clone, Copy)]
pub enum Resetter<'a> {
    /// A member of staff, with the classes of the library's rosters, each with its source.
    Teacher { staff: &'a Patron, opted_out: bool, classes: &'a [(SourceId, ClassRoll)] },
    /// Somebody of the library, with the organisations that they serve.
    Librarian { organisations: &'a [OrganisationId] },
}

/// Why somebody may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refused {
    /// Whoever asks is no member of staff who may use the library today.
    NotStaff,
    /// Only pupils get one from a teacher.
    NotAPupil,
    /// No class of this teacher's has this pupil.
    AnotherClass,
    /// The librarian serves other organisations.
    AnotherOrganisation,
    /// The school no longer lists this person.
    Withdrawn,
}

impl Refused {
    /// Stable, for the audit.
    pub fn code(self) -> &'static str {
        match self {
            Refused::NotStaff => "reset-not-staff",
            Refused::NotAPupil => "reset-not-a-pupil",
            Refused::AnotherClass => "reset-another-class",
            Refused::AnotherOrganisation => "reset-another-organisation",
            Refused::Withdrawn => "reset-withdrawn",
        }
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Refused::NotStaff => {
                "--as must be the card of a member of staff whom the school lists and whose card is open"
            }
            Refused::NotAPupil => "a teacher resets PINs of pupils only; a librarian can reset those of staff",
            Refused::AnotherClass => "this pupil is in no class that this teacher teaches; a librarian can do it",
            Refused::AnotherOrganisation => "this person belongs to no organisation that this librarian serves",
            Refused::Withdrawn => "the school no longer lists this person, so that no PIN opens anything",
        })
    }
}

/// Whether `by` may give `patron` a temporary PIN.
///
/// # Errors
/// Why not.
pub fn may_reset(by: &Resetter<'_>, patron: &Patron) -> Result<(), Refused> {
    match by {
        Resetter::Teacher { staff, opted_out, classes } => {
            let works = staff.affiliations.iter().any(|a| a.role == Role::Staff);
            let active = staff.standing == Standing::Enrolled && staff.card_status == CardStatus::Active;
            // Who is a pupil anywhere is not trusted with another pupil's PIN.
            if !works || !active || *opted_out || staff.is_student() {
                return Err(Refused::NotStaff);
            }
            if !patron.is_student() || patron.affiliations.iter().any(|a| a.role == Role::Staff) {
                return Err(Refused::NotAPupil);
            }
            let teaches = classes.iter().any(|(source, class)| {
                *source == staff.source
                    && *source == patron.source
                    && class.has(&staff.sourced_id, ClassRole::Teacher)
                    && class.has(&patron.sourced_id, ClassRole::Student)
            });
            if !teaches {
                return Err(Refused::AnotherClass);
            }
        }
        Resetter::Librarian { organisations } => {
            if !patron.affiliations.iter().any(|a| organisations.contains(&a.organisation)) {
                return Err(Refused::AnotherOrganisation);
            }
        }
    }
    if patron.standing == Standing::Withdrawn { Err(Refused::Withdrawn) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::entitlement::tests::patron;

    fn named(sourced_id: &str, affiliations: &str) -> Patron {
        Patron { sourced_id: sourced_id.into(), ..patron(affiliations) }
    }

    fn class(members: &[(&str, ClassRole)]) -> (SourceId, ClassRoll) {
        let members = members.iter().map(|(id, role)| ((*id).to_owned(), *role)).collect();
        let [sourced_id, title, org, grades] = ["c1", "Room 4", "s1", "01"].map(str::to_owned);
        ("cms".parse().unwrap(), ClassRoll { sourced_id, title, org, grades, members })
    }

    #[test]
    fn a_teacher_resets_within_her_class_and_nowhere_else() {
        use ClassRole::{Student, Teacher};
        let classes = [
            class(&[("wren", Teacher), ("mira", Student), ("heron", Student)]),
            class(&[("heron", Teacher), ("theo", Student)]),
        ];
        let wren = named("wren", "cms:staff");
        let mira = named("mira", "cms:student:01");
        let ask = |staff: &Patron, patron: &Patron| {
            may_reset(&Resetter::Teacher { staff, opted_out: false, classes: &classes }, patron)
        };
        assert_eq!(ask(&wren, &mira), Ok(()));
        assert_eq!(ask(&wren, &named("theo", "cms:student:01")), Err(Refused::AnotherClass));
        assert_eq!(ask(&wren, &named("heron", "cms:staff")), Err(Refused::NotAPupil));
        assert_eq!(ask(&wren, &named("heron", "cms:student:12,cms:staff")), Err(Refused::NotAPupil));
        assert_eq!(ask(&named("mira", "cms:student:01"), &mira), Err(Refused::NotStaff));
        assert_eq!(ask(&named("wren", "cms:staff,cms:student:12"), &mira), Err(Refused::NotStaff));
        let gone = Patron { standing: Standing::Withdrawn, ..wren.clone() };
        assert_eq!(ask(&gone, &mira), Err(Refused::NotStaff));
        let blocked = Patron { card_status: CardStatus::Blocked, ..wren.clone() };
        assert_eq!(ask(&blocked, &mira), Err(Refused::NotStaff));
        let elsewhere = Patron { source: "other".parse().unwrap(), ..wren.clone() };
        assert_eq!(ask(&elsewhere, &mira), Err(Refused::AnotherClass));
        let left = Patron { standing: Standing::Withdrawn, ..mira };
        assert_eq!(ask(&wren, &left), Err(Refused::Withdrawn));
    }

    #[test]
    fn a_librarian_resets_where_she_serves() {
        let serves = ["cms".parse().unwrap()];
        let by = Resetter::Librarian { organisations: &serves };
        assert_eq!(may_reset(&by, &patron("cms:student:07")), Ok(()));
        assert_eq!(may_reset(&by, &patron("cms:staff")), Ok(()));
        assert_eq!(may_reset(&by, &patron("charter:student:07")), Err(Refused::AnotherOrganisation));
    }
}
