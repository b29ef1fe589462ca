use proptest::prelude::*;

use super::*;
use crate::domain::{
    card::CardNumber,
    clock::Date,
    grade::Grade,
    id::{PatronId, ScopeName, VendorUid},
    kept::{CardPrivilege, Kept},
    numbers::Numbers,
    vendor::{Shelf, Vendor},
};

pub(in crate::policy) fn scopes(text: &str) -> Scopes {
    text.split_whitespace().filter_map(|name| name.parse().ok()).collect()
}

/// The library's catalogue, as it was on its first day.
fn catalogue() -> BTreeMap<ScopeId, Scope> {
    ["library.ebooks", "library.databases", "library.checkout", "library.hotspot"]
        .into_iter()
        .map(|name| name.parse::<ScopeName>().unwrap())
        .map(|name| (name.clone().into(), Scope::new(name, None)))
        .collect()
}

fn date(text: &str) -> Date {
    text.parse().unwrap()
}

fn zone() -> TimeZone {
    TimeZone::named("America/New_York").unwrap()
}

/// Noon of a school day in 2026.
pub(in crate::policy) fn noon(day: &str) -> Timestamp {
    zone().start_of(date(day)) + std::time::Duration::from_secs(12 * 3600)
}

/// A student of grade 7 at the district, `cms:student:07` and so on.
pub(in crate::policy) fn patron(affiliations: &str) -> Patron {
    Patron {
        id: PatronId::new(),
        source: "cms".parse().unwrap(),
        sourced_id: "p".into(),
        given_name: "Mira".into(),
        family_name: "Brookquill".into(),
        affiliations: affiliations.split(',').map(|a| a.parse().unwrap()).collect(),
        standing: Standing::Enrolled,
        card: CardNumber::read("4417").unwrap(),
        numbers: Numbers::of_roster(CardNumber::read("4417").unwrap()),
        card_status: CardStatus::Active,
        standard_claims: None,
        kept: Kept::default(),
    }
}

fn agreement(
    id: &str,
    organisation: &str,
    roles: &[Role],
    grades: Option<(&str, &str)>,
    privileges: &str,
) -> Agreement {
    Agreement {
        id: id.parse().unwrap(),
        organisation: organisation.parse().unwrap(),
        roles: roles.to_vec(),
        grades: grades.map(|(from, to)| (from.parse().unwrap(), to.parse().unwrap())),
        privileges: scopes(privileges),
        from: date("2026-07-01"),
        to: date("2027-06-30"),
        loan_limit: None,
        overdue_fines: None,
    }
}

/// The programme's two agreements: everything for the district, electronic for the charter's grades 6 to 12 and staff.
pub(in crate::policy) fn programme() -> BTreeMap<AgreementId, Agreement> {
    use Role::{Staff, Student};
    let all = "library.ebooks library.databases library.checkout";
    [
        agreement("cms-2026", "cms", &[Student, Staff], Some(("PK", "12")), all),
        agreement("charter-2026", "charter", &[Student, Staff], Some(("06", "12")), "library.ebooks library.databases"),
    ]
    .into_iter()
    .map(|a| (a.id.clone(), a))
    .collect()
}

pub(in crate::policy) fn vendor(audience: &[AudienceBand], allowed: &str) -> Vendor {
    Vendor {
        id: "maple".parse().unwrap(),
        uid: VendorUid::new(),
        name: "Maple Books".into(),
        description: None,
        shelf: Shelf::Books,
        audience: audience.to_vec(),
        scopes: scopes(allowed),
        release: Vec::new(),
        launch_url: None,
        disabled: false,
        relying_parties: Vec::new(),
    }
}

pub(in crate::policy) const EVERYONE: [AudienceBand; 3] =
    [AudienceBand::Juvenile, AudienceBand::YoungAdult, AudienceBand::Adult];

pub(in crate::policy) fn decide(
    patron: &Patron,
    opted_out: bool,
    agreements: &BTreeMap<AgreementId, Agreement>,
    vendor: &Vendor,
    asked: &Scopes,
    now: Timestamp,
) -> Result<Allowance, Reason> {
    decide_narrowly(patron, opted_out, agreements, vendor, asked, now, None)
}

pub(in crate::policy) fn decide_narrowly(
    patron: &Patron,
    opted_out: bool,
    agreements: &BTreeMap<AgreementId, Agreement>,
    vendor: &Vendor,
    asked: &Scopes,
    now: Timestamp,
    narrow: Option<Narrow<'_>>,
) -> Result<Allowance, Reason> {
    let (bands, time_zone, scopes) = (BandRule::default(), zone(), catalogue());
    let facts = Facts { patron, opted_out, agreements, scopes: &scopes, bands: &bands, time_zone: &time_zone, narrow };
    let entitlement = entitled(&facts, now, &mut |_| ())?;
    allow(&entitlement, vendor, asked, &mut |_| ())
}

#[test]
fn who_showed_less_than_a_pin_gets_less() {
    let (agreements, asked) = (programme(), scopes("library.ebooks library.checkout"));
    let shelf = vendor(&EVERYONE, "library.ebooks library.checkout");
    let (now, mira) = (noon("2026-11-02"), patron("cms:student:PK"));
    let only: Vec<ScopeName> = vec!["library.ebooks".parse().unwrap()];
    let by =
        |scopes, plain| decide_narrowly(&mira, false, &agreements, &shelf, &asked, now, Some(Narrow { scopes, plain }));
    let little = by(&only, true).unwrap();
    assert_eq!((little.scopes().to_string(), little.is_plain()), ("library.ebooks".to_owned(), true));
    assert!(!by(&only, false).unwrap().is_plain());
    assert_eq!(code(&by(&[], true)), "nothing-granted");
}

#[test]
fn what_one_card_was_given_opens_by_pin_and_not_by_a_badge() {
    let (agreements, asked) = (programme(), scopes("library.ebooks library.databases"));
    let shelf = vendor(&EVERYONE, "library.ebooks library.databases");
    let (now, mut mira) = (noon("2026-11-02"), patron("cms:student:PK"));
    let id = scopes("library.databases").iter().next().unwrap().clone();
    mira.kept.privileges = vec![CardPrivilege { scope: id, until: "2026-12-31".parse().unwrap() }];
    let only: Vec<ScopeName> = vec!["library.ebooks".parse().unwrap()];
    let by = |narrow| decide_narrowly(&mira, false, &agreements, &shelf, &asked, now, narrow).unwrap();
    assert_eq!(by(None).scopes().to_string(), "library.databases library.ebooks");
    assert_eq!(by(Some(Narrow { scopes: &only, plain: true })).scopes().to_string(), "library.ebooks");
}

fn code(result: &Result<Allowance, Reason>) -> &'static str {
    result.as_ref().map_or_else(Reason::code, |_| "yes")
}

#[test]
fn each_person_of_the_programme_gets_the_answer_of_their_agreement() {
    let (agreements, asked) = (programme(), scopes("library.ebooks library.checkout"));
    let shelf = vendor(&EVERYONE, "library.ebooks library.checkout");
    for (who, answer, granted) in [
        ("cms:student:07", "yes", "library.checkout library.ebooks"),
        ("cms:student:PK", "yes", "library.checkout library.ebooks"),
        ("cms:staff", "yes", "library.checkout library.ebooks"),
        ("charter:student:08", "yes", "library.ebooks"),
        ("charter:student:05", "grade-not-covered", ""),
        ("charter:student", "grade-not-covered", ""),
        ("charter:staff", "yes", "library.ebooks"),
        ("elsewhere:student:07", "no-agreement", ""),
        ("charter:student:05,cms:staff", "yes", "library.checkout library.ebooks"),
    ] {
        let result = decide(&patron(who), false, &agreements, &shelf, &asked, noon("2026-11-23"));
        assert_eq!(code(&result), answer, "{who}");
        assert_eq!(result.map(|a| a.scopes().to_string()).unwrap_or_default(), granted, "{who}");
    }
}

#[test]
fn both_days_of_an_agreement_count_in_the_librarys_own_time() {
    let (agreements, shelf, asked) = (programme(), vendor(&EVERYONE, "library.ebooks"), scopes("library.ebooks"));
    let second = std::time::Duration::from_secs(1);
    let (first, over) = (zone().start_of(date("2026-07-01")), zone().end_of(date("2027-06-30")));
    for (at, answer) in
        [(first - second, "agreement-not-begun"), (first, "yes"), (over - second, "yes"), (over, "agreement-ended")]
    {
        let result = decide(&patron("cms:student:07"), false, &agreements, &shelf, &asked, at);
        assert_eq!(code(&result), answer, "{}", at.rfc3339());
        if let Ok(allowance) = result {
            assert_eq!(allowance.until(), over);
        }
    }
}

#[test]
fn a_tombstone_a_withdrawal_and_a_block_are_told_apart() {
    let (agreements, shelf, asked) = (programme(), vendor(&EVERYONE, "library.ebooks"), scopes("library.ebooks"));
    let now = noon("2026-11-23");
    let mut child = patron("cms:student:07");
    assert_eq!(code(&decide(&child, true, &agreements, &shelf, &asked, now)), "opted-out");
    child.card_status = CardStatus::Blocked;
    assert_eq!(code(&decide(&child, false, &agreements, &shelf, &asked, now)), "card-blocked");
    child.standing = Standing::Withdrawn;
    assert_eq!(code(&decide(&child, false, &agreements, &shelf, &asked, now)), "withdrawn");
}

#[test]
fn a_vendor_for_adults_refuses_a_seventh_grader_and_serves_her_teacher() {
    let (agreements, asked) = (programme(), scopes("library.ebooks"));
    let mut shelf = vendor(&[AudienceBand::Adult], "library.ebooks");
    let now = noon("2026-11-23");
    let answer = |who, shelf: &Vendor| code(&decide(&patron(who), false, &agreements, shelf, &asked, now));
    assert_eq!(answer("cms:student:07", &shelf), "audience-mismatch");
    assert_eq!(answer("cms:staff", &shelf), "yes");
    shelf.disabled = true;
    assert_eq!(answer("cms:staff", &shelf), "vendor-disabled");
}

#[test]
fn a_scope_outside_what_is_asked_allowed_and_granted_never_passes() {
    let (agreements, shelf) = (programme(), vendor(&EVERYONE, "library.hotspot"));
    let result =
        decide(&patron("cms:staff"), false, &agreements, &shelf, &scopes("library.hotspot"), noon("2026-11-23"));
    assert_eq!(code(&result), "nothing-granted");
}

#[test]
fn a_parent_lowers_what_follows_from_a_pupils_grade_and_raises_nothing() {
    use AudienceBand::{Adult, Juvenile, YoungAdult};
    let (agreements, asked) = (programme(), scopes("library.ebooks"));
    let shelf = vendor(&EVERYONE, "library.ebooks");
    for (who, highest, band) in [
        ("cms:student:10", Some(YoungAdult), YoungAdult),
        ("cms:student:10", Some(Juvenile), Juvenile),
        ("cms:student:10", None, Adult),
        ("cms:student:02", Some(YoungAdult), Juvenile),
        ("cms:staff", Some(Juvenile), Adult),
        ("cms:staff,charter:student:07", Some(Juvenile), Juvenile),
    ] {
        let mut person = patron(who);
        person.kept.audience = highest;
        let yes = decide(&person, false, &agreements, &shelf, &asked, noon("2026-11-23")).unwrap();
        assert_eq!(yes.audience_band(), band, "{who} {highest:?}");
    }
}

#[test]
fn what_one_card_was_given_holds_beside_an_agreement_and_to_the_end_of_its_day() {
    let (agreements, asked) = (programme(), scopes("library.ebooks library.hotspot"));
    let shelf = vendor(&EVERYONE, "library.ebooks library.hotspot");
    let given = |who: &str, scope: &str, until: &str| {
        let mut person = patron(who);
        person.kept.give(CardPrivilege { scope: scope.parse().unwrap(), until: date(until) });
        person
    };
    let second = std::time::Duration::from_secs(1);
    let over = zone().end_of(date("2026-12-31"));
    let hotspot = given("cms:student:07", "library.hotspot", "2026-12-31");
    let decide = |who: &Patron, at| decide(who, false, &agreements, &shelf, &asked, at);
    let yes = decide(&hotspot, over - second).unwrap();
    assert_eq!((yes.scopes().to_string().as_str(), yes.until()), ("library.ebooks library.hotspot", over));
    let later = decide(&hotspot, over).unwrap();
    let agreed = zone().end_of(date("2027-06-30"));
    assert_eq!((later.scopes().to_string().as_str(), later.until()), ("library.ebooks", agreed));
    // Of what an agreement grants anyway the day of the card means nothing.
    let twice = decide(&given("cms:student:07", "library.ebooks", "2026-12-31"), over - second).unwrap();
    assert_eq!(twice.until(), agreed);
    let unknown = decide(&given("cms:student:07", "library.kayak", "2026-12-31"), over - second).unwrap();
    assert_eq!(unknown.scopes().to_string(), "library.ebooks");
    let uncovered = decide(&given("charter:student:05", "library.hotspot", "2026-12-31"), over - second);
    assert_eq!(code(&uncovered), "grade-not-covered");
}

#[test]
fn of_two_agreements_the_most_generous_word_on_loans_holds() {
    let mut agreements = programme();
    let loans = |agreements: &BTreeMap<AgreementId, Agreement>| {
        let shelf = vendor(&EVERYONE, "library.ebooks");
        let who = patron("cms:student:07,charter:student:08");
        let yes = decide(&who, false, agreements, &shelf, &scopes("library.ebooks"), noon("2026-11-23")).unwrap();
        (yes.loans().limit, yes.loans().overdue_fines)
    };
    assert_eq!(loans(&agreements), (None, None));
    let mut say = |id: &str, limit, fines| {
        let agreement = agreements.get_mut(id).unwrap();
        (agreement.loan_limit, agreement.overdue_fines) = (limit, fines);
        agreements.clone()
    };
    assert_eq!(loans(&say("cms-2026", Some(5), Some(true))), (Some(5), Some(true)));
    assert_eq!(loans(&say("charter-2026", Some(9), Some(false))), (Some(9), Some(false)));
}

pub(in crate::policy) fn any_affiliation() -> impl Strategy<Value = String> {
    let role = prop_oneof![
        Just("staff".to_owned()),
        (0usize..21).prop_map(|g| format!("student:{}", Grade::all().nth(g).unwrap()))
    ];
    (prop_oneof![Just("cms"), Just("charter"), Just("elsewhere")], role).prop_map(|(org, role)| format!("{org}:{role}"))
}

fn any_scopes() -> impl Strategy<Value = Scopes> {
    let names = ["library.ebooks", "library.databases", "library.checkout", "library.hotspot"];
    proptest::collection::vec(proptest::sample::select(names.to_vec()), 0..4).prop_map(|names| scopes(&names.join(" ")))
}

proptest! {
    #[test]
    fn what_is_granted_was_asked_allowed_and_agreed(who in any_affiliation(), asked in any_scopes(), allowed in any_scopes(), day in 0i64..500) {
        let shelf = vendor(&EVERYONE, &allowed.to_string());
        let now = Timestamp(noon("2026-06-01").0 + day * 86_400_000);
        if let Ok(yes) = decide(&patron(&who), false, &programme(), &shelf, &asked, now) {
            prop_assert!(yes.scopes().is_subset(&asked) && yes.scopes().is_subset(&allowed) && !yes.scopes().is_empty());
            prop_assert!(yes.until() > now);
            let agreed = programme().values().filter(|a| yes.agreements().contains(&a.id)).any(|a| a.from <= zone().date(now) && zone().date(now) <= a.to);
            prop_assert!(agreed);
        }
    }

    #[test]
    fn taking_something_away_never_turns_a_refusal_into_a_yes(who in any_affiliation(), asked in any_scopes(), fewer in any_scopes(), which in 0usize..5) {
        let now = noon("2026-11-23");
        let shelf = vendor(&EVERYONE, "library.ebooks library.databases library.checkout");
        let before = decide(&patron(&who), false, &programme(), &shelf, &asked, now);
        let (mut child, mut agreements, mut narrowed, mut tombstone, mut asks) = (patron(&who), programme(), shelf, false, asked);
        match which {
            0 => child.card_status = CardStatus::Blocked,
            1 => tombstone = true,
            2 => { agreements.pop_first(); }
            3 => narrowed.scopes = narrowed.scopes.intersection(&fewer),
            _ => asks = asks.intersection(&fewer),
        }
        let after = decide(&child, tombstone, &agreements, &narrowed, &asks, now);
        prop_assert!(before.is_ok() || after.is_err());
        if let (Ok(before), Ok(after)) = (before, after) {
            prop_assert!(after.scopes().is_subset(before.scopes()));
        }
    }
}
