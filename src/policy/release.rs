//! Least disclosure: what a vendor is told of a patron.

use super::Allowance;
use crate::domain::{
    agreement::LoanTerms,
    card::CardNumber,
    claims::{Group, StandardClaims},
    grade::AudienceBand,
    patron::{Patron, Role},
    vendor::{Attribute, Vendor},
};

/// Everything that leaves the house about a patron, beside the pseudonym and the scopes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release {
    pub audience_band: AudienceBand,
    /// `student` or `staff`.
    pub patron_type: Role,
    /// Only where an agreed purpose says so.
    pub card_number: Option<CardNumber>,
    /// Only of adult staff, and only the groups that an agreed purpose names. A protocol tells no more of them than was
    /// asked for.
    pub standard: StandardClaims,
    /// For who lends things: other protocols have no word for it.
    pub loans: LoanTerms,
}

/// What `vendor` is told of `patron`: band and type, and beyond them only what is declared with a purpose.
pub fn release(allowance: &Allowance, vendor: &Vendor, patron: &Patron) -> Release {
    let declared = |attribute| !allowance.is_plain() && purposes(vendor).any(|declared| declared == attribute);
    Release {
        audience_band: allowance.audience_band(),
        patron_type: allowance.role(),
        card_number: declared(Attribute::CardNumber).then(|| patron.card.clone()),
        standard: standard(allowance, vendor, patron),
        loans: allowance.loans(),
    }
}

/// What has a purpose that somebody wrote down.
fn purposes(vendor: &Vendor) -> impl Iterator<Item = Attribute> {
    vendor.release.iter().filter(|item| !item.purpose.trim().is_empty()).map(|item| item.name)
}

/// Of pupils nothing, whatever a vendor asks and whatever else they are.
fn standard(allowance: &Allowance, vendor: &Vendor, patron: &Patron) -> StandardClaims {
    let groups: Vec<Group> = purposes(vendor).filter_map(Attribute::group).collect();
    if groups.is_empty() || allowance.is_plain() || !is_adult_staff(allowance, patron) {
        return StandardClaims::default();
    }
    match &patron.standard_claims {
        Some(declared) => declared.only(&groups),
        None => StandardClaims::of_name(&patron.given_name, &patron.family_name).only(&groups),
    }
}

fn is_adult_staff(allowance: &Allowance, patron: &Patron) -> bool {
    allowance.role() == Role::Staff && allowance.audience_band() == AudienceBand::Adult && !patron.is_student()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        domain::{claims::tests::everything, vendor::ReleaseItem},
        policy::entitlement::tests::{EVERYONE, any_affiliation, decide, noon, patron, programme, scopes, vendor},
    };

    const ASKABLE: [Attribute; 5] =
        [Attribute::CardNumber, Attribute::Profile, Attribute::Email, Attribute::Address, Attribute::Phone];

    fn told(who: &str, claims: Option<StandardClaims>, rules: &[(Attribute, &str)]) -> Option<Release> {
        let mut shelf = vendor(&EVERYONE, "library.ebooks");
        shelf.release = rules.iter().map(|(name, why)| ReleaseItem { name: *name, purpose: (*why).into() }).collect();
        let mut person = patron(who);
        person.standard_claims = claims.map(Box::new);
        let yes = decide(&person, false, &programme(), &shelf, &scopes("library.ebooks"), noon("2026-11-23"));
        yes.ok().map(|allowance| release(&allowance, &shelf, &person))
    }

    fn standard(who: &str, claims: Option<StandardClaims>, rules: &[(Attribute, &str)]) -> StandardClaims {
        told(who, claims, rules).map(|release| release.standard).unwrap_or_default()
    }

    #[test]
    fn without_a_rule_and_its_purpose_nothing_is_told_beyond_band_and_type() {
        let without = told("cms:staff", Some(everything()), &[]).unwrap();
        assert!(without.standard.is_empty() && without.card_number.is_none());
        let blank = told("cms:staff", Some(everything()), &[(Attribute::Email, " "), (Attribute::CardNumber, "")]);
        assert_eq!(blank, Some(without));
    }

    #[test]
    fn staff_are_told_of_by_group() {
        let rules = [(Attribute::Email, "course invitations"), (Attribute::Phone, "the help desk calls back")];
        let told = standard("cms:staff", Some(everything()), &rules);
        assert_eq!(told, everything().only(&[Group::Email, Group::Phone]));
        assert!(told.email.is_some() && told.phone_number.is_some() && told.name.is_none());
    }

    #[test]
    fn a_roster_brings_the_name_of_staff_and_nothing_else() {
        let rules: Vec<(Attribute, &str)> = ASKABLE.map(|attribute| (attribute, "a purpose")).into();
        let told = standard("cms:staff", None, &rules);
        assert_eq!(told, StandardClaims::of_name("Mira", "Brookquill"));
        assert!(standard("cms:staff", None, &[(Attribute::Email, "a purpose")]).is_empty());
    }

    proptest! {
        #[test]
        fn of_a_pupil_no_standard_claim_is_told_whatever_a_vendor_asks(
            affiliations in proptest::collection::vec(any_affiliation(), 1..4),
            rules in proptest::sample::subsequence(ASKABLE.to_vec(), 0..=5),
            declared in any::<bool>(),
        ) {
            let who = affiliations.join(",");
            let rules: Vec<(Attribute, &str)> = rules.into_iter().map(|attribute| (attribute, "a purpose")).collect();
            let told = standard(&who, declared.then(everything), &rules);
            prop_assert!(told.is_empty() || !who.contains("student"), "{who}: {told:?}");
        }

        #[test]
        fn of_staff_no_group_is_told_without_its_rule(rules in proptest::sample::subsequence(ASKABLE.to_vec(), 0..=5)) {
            let groups: Vec<Group> = rules.iter().copied().filter_map(Attribute::group).collect();
            let rules: Vec<(Attribute, &str)> = rules.into_iter().map(|attribute| (attribute, "a purpose")).collect();
            prop_assert_eq!(standard("cms:staff", Some(everything()), &rules), everything().only(&groups));
        }
    }
}
