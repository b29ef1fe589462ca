//! The laws of names: whatever turns, a scope stays what it is.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::catalogue::Catalogue;

const NOW: Timestamp = Timestamp(1_800_000_000_000);
const DAY: Duration = Duration::from_secs(86_400);

fn name(text: &str) -> ScopeName {
    text.parse().unwrap()
}

fn scope(text: &str) -> Scope {
    Scope::new(name(text), None)
}

fn catalogue(scopes: &[Scope]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for scope in scopes {
        let first = scope.earlier.first().map_or(&scope.name, |old| &old.name);
        catalogue.scopes.insert(first.clone().into(), scope.clone());
    }
    catalogue.indexed()
}

fn states(scope: &Scope, now: Timestamp) -> Vec<(String, State)> {
    scope.spellings(now).map(|spelling| (spelling.name.to_string(), spelling.state)).collect()
}

fn ebooks_to_reading(starts: Timestamp) -> Scope {
    let mut scope = scope("library.ebooks");
    assert_eq!(
        scope.rotate(&name("library.ebooks"), name("library.reading"), starts, starts + 60 * DAY, NOW),
        Ok(true)
    );
    scope
}

#[test]
fn a_name_is_next_then_active_then_retiring_then_retired() {
    use State::{Active, Next, Retired, Retiring};
    let starts = NOW + DAY;
    let scope = ebooks_to_reading(starts);
    let minute = Duration::from_secs(60);
    for (at, reading, ebooks) in [
        (NOW, Next, Active),
        (starts - minute, Next, Active),
        (starts, Active, Retiring),
        (starts + 60 * DAY - minute, Active, Retiring),
        (starts + 60 * DAY, Active, Retired),
    ] {
        let expected = [("library.reading".to_owned(), reading), ("library.ebooks".to_owned(), ebooks)];
        assert_eq!(states(&scope, at), expected, "{}", at.rfc3339());
    }
    assert_eq!(scope.shown(NOW).as_str(), "library.ebooks");
    assert_eq!(scope.shown(starts).as_str(), "library.reading");
}

#[test]
fn either_name_is_accepted_and_both_are_issued_during_the_overlap_and_afterwards_only_the_new_one() {
    let scope = ebooks_to_reading(NOW);
    let catalogue = catalogue(&[scope]);
    let granted: Scopes = [ScopeId::from(name("library.ebooks"))].into_iter().collect();
    let means = |name: &str, at| catalogue.scope_asked(name, at).map(ToString::to_string);
    let same = Some("library.ebooks".to_owned());
    assert_eq!((means("library.ebooks", NOW), means("library.reading", NOW)), (same.clone(), same.clone()));
    assert_eq!(catalogue.spelled(&granted, NOW), "library.ebooks library.reading");
    let after = NOW + 60 * DAY;
    assert_eq!((means("library.ebooks", after), means("library.reading", after)), (None, same));
    assert_eq!(catalogue.spelled(&granted, after), "library.reading");
}

#[test]
fn a_scope_is_kept_as_it_always_was_until_it_is_rotated() {
    let before = serde_json::json!({ "name": "library.ebooks", "description": "E-books" });
    let read: Scope = serde_json::from_value(before.clone()).unwrap();
    assert_eq!(serde_json::to_value(&read).unwrap(), before);
    let turned = ebooks_to_reading(NOW);
    assert_eq!(serde_json::from_value::<Scope>(serde_json::to_value(&turned).unwrap()).unwrap(), turned);
}

#[test]
fn what_does_not_fit_is_refused_and_changes_nothing() {
    let (ebooks, reading, stories) = (name("library.ebooks"), name("library.reading"), name("library.stories"));
    let turned = ebooks_to_reading(NOW);
    let pending = ebooks_to_reading(NOW + DAY);
    let mut ending = scope("library.ebooks");
    ending.retire(&ebooks, NOW + DAY, NOW).unwrap();
    let later = NOW + DAY;
    for (scope, from, to, why) in [
        (&turned, &ebooks, &stories, Unfit::NotNewest(ebooks.clone(), reading.clone())),
        (&pending, &reading, &stories, Unfit::Pending(reading.clone())),
        (&ending, &ebooks, &stories, Unfit::Ending(ebooks.clone())),
        (&turned, &reading, &name("openid"), Unfit::Reserved(name("openid"))),
        (&turned, &reading, &ebooks, Unfit::InUse(ebooks.clone())),
    ] {
        let mut tried = scope.clone();
        assert_eq!(tried.rotate(from, to.clone(), later, later, NOW), Err(why));
        assert_eq!(&tried, scope);
    }
    let mut again = turned.clone();
    assert_eq!(again.rotate(&ebooks, reading.clone(), NOW, later, NOW), Ok(false), "it is so already");
    assert_eq!(again, turned);
    assert_eq!(
        pending.clone().retire(&ebooks, later, NOW),
        Err(Unfit::SuccessorPending(ebooks.clone(), reading.clone()))
    );
    assert_eq!(turned.clone().retire(&ebooks, later, NOW + 61 * DAY), Err(Unfit::Retired(ebooks)));
}

#[test]
fn what_is_still_to_come_can_be_called_off_and_what_has_come_can_be_taken_back() {
    let (ebooks, reading) = (name("library.ebooks"), name("library.reading"));
    let mut pending = ebooks_to_reading(NOW + DAY);
    pending.retire(&reading, NOW, NOW).unwrap();
    assert_eq!(pending, scope("library.ebooks"));

    let mut turned = ebooks_to_reading(NOW);
    let later = NOW + DAY;
    assert_eq!(turned.rotate(&reading, ebooks.clone(), later, later + DAY, later), Ok(true));
    let expected = [("library.ebooks".to_owned(), State::Active), ("library.reading".to_owned(), State::Retiring)];
    assert_eq!(states(&turned, later), expected);
}

#[test]
fn the_end_of_the_newest_name_is_the_end_of_the_scope() {
    let mut turned = ebooks_to_reading(NOW);
    turned.retire(&name("library.reading"), NOW + DAY, NOW).unwrap();
    assert!(turned.is_in_use(NOW) && turned.is_in_use(NOW + DAY - Duration::from_secs(1)));
    assert!(!turned.is_in_use(NOW + DAY), "whatever was left of the overlap");
}

/// What an operator may do to one of two scopes at some hour.
#[derive(Debug, Clone)]
enum Turn {
    Rotate { to: usize, starts: u64, overlap: u64 },
    RetireEarlier { after: u64 },
}

fn any_turn() -> impl Strategy<Value = (usize, u64, Turn)> {
    let turn = prop_oneof![
        4 => (0usize..6, 0u64..40, 0u64..60).prop_map(|(to, starts, overlap)| Turn::Rotate { to, starts, overlap }),
        1 => (0u64..20).prop_map(|after| Turn::RetireEarlier { after }),
    ];
    (0usize..2, 1u64..30, turn)
}

const HOUR: Duration = Duration::from_secs(3600);

/// Two scopes after every turn, each with the instant from which it stands so.
fn histories(turns: Vec<(usize, u64, Turn)>) -> Vec<(Timestamp, Catalogue)> {
    let mut scopes = [scope("library.ebooks"), scope("library.checkout")];
    let mut now = NOW;
    let mut all = vec![(now, indexed(&scopes))];
    for (which, hours, turn) in turns {
        now = now + HOUR * u32::try_from(hours).unwrap();
        let hence = |hours: u64| now + HOUR * u32::try_from(hours).unwrap();
        let before = indexed(&scopes);
        let own = ["library.ebooks", "library.checkout"][which];
        match turn {
            Turn::Rotate { to, starts, overlap } => {
                let to = name(
                    ["library.a", "library.b", "library.c", "library.d", "library.ebooks", "library.checkout"][to],
                );
                // As the command refuses a name of another scope.
                if before.scope_named(to.as_str()).is_none_or(|named| named.scope.as_str() == own) {
                    let from = scopes[which].name.clone();
                    let _ = scopes[which].rotate(&from, to, hence(starts), hence(starts + overlap), now);
                }
            }
            Turn::RetireEarlier { after } => {
                if let Some(old) = scopes[which].earlier.last().map(|old| old.name.clone()) {
                    let _ = scopes[which].retire(&old, hence(after), now);
                }
            }
        }
        all.push((now, indexed(&scopes)));
    }
    all
}

fn indexed(scopes: &[Scope; 2]) -> Catalogue {
    let mut catalogue = Catalogue::default();
    for (id, scope) in ["library.ebooks", "library.checkout"].into_iter().zip(scopes) {
        catalogue.scopes.insert(id.parse().unwrap(), scope.clone());
    }
    catalogue.indexed()
}

/// What a vendor may ask for by these names, at this instant.
fn asked(catalogue: &Catalogue, names: &str, at: Timestamp) -> Scopes {
    names.split(' ').filter_map(|name| catalogue.scope_asked(name, at)).cloned().collect()
}

proptest! {
    /// Whoever was granted a scope once is granted that scope, and no other, after any rotation; and may ask for it by
    /// any name that she finds in her token.
    #[test]
    fn a_rotation_neither_widens_nor_narrows(
        turns in proptest::collection::vec(any_turn(), 0..8),
        granted_at in 0usize..8,
        looked_at in 0u64..300,
    ) {
        let all = histories(turns);
        let (then, at_grant) = &all[granted_at % all.len()];
        let granted = asked(at_grant, &at_grant.spelled(&[ScopeId::from(name("library.ebooks"))].into_iter().collect(), *then), *then);
        prop_assert_eq!(granted.to_string(), "library.ebooks");
        let stored: Scopes = granted.to_string().split(' ').map(|id| id.parse().unwrap()).collect();
        let (since, now) = all.last().unwrap();
        let at = *since + HOUR * u32::try_from(looked_at).unwrap();
        let words = now.spelled(&stored, at);
        prop_assert!(!words.is_empty(), "narrowed: no name is left");
        prop_assert_eq!(asked(now, &words, at), stored, "{}", words);
    }

    /// A name means one scope at most, for ever; what is issued is accepted and what is accepted is issued.
    #[test]
    fn a_name_is_never_another_scopes(turns in proptest::collection::vec(any_turn(), 0..8), looked_at in 0u64..300) {
        let all = histories(turns);
        let mut meant = std::collections::BTreeMap::new();
        for (since, catalogue) in &all {
            let at = *since + HOUR * u32::try_from(looked_at).unwrap();
            for (id, scope) in &catalogue.scopes {
                for spelling in scope.spellings(at) {
                    prop_assert_eq!(meant.entry(spelling.name.clone()).or_insert(id.clone()), id);
                    let accepted = catalogue.scope_asked(spelling.name.as_str(), at);
                    let issued = catalogue.spelled(&[id.clone()].into_iter().collect(), at);
                    let issued = issued.split(' ').any(|word| word == spelling.name.as_str());
                    prop_assert_eq!(accepted == Some(id), issued, "{} is {:?}", spelling.name, spelling.state);
                }
                prop_assert!(scope.spellings(at).any(|spelling| spelling.name.as_str() == id.as_str()), "its first name");
                let mut names: Vec<_> = scope.spellings(at).map(|spelling| spelling.name.as_str()).collect();
                names.sort_unstable();
                names.dedup();
                prop_assert_eq!(names.len(), 1 + scope.earlier.len(), "no name twice");
            }
        }
    }

    /// The old name is accepted for the whole overlap that it was given, and not an instant longer.
    #[test]
    fn an_overlap_lasts_as_long_as_it_was_said(starts in 0u64..50, overlap in 0u64..50, looked_at in 0u64..120) {
        let hours = |n: u64| NOW + HOUR * u32::try_from(n).unwrap();
        let mut scope = scope("library.ebooks");
        scope.rotate(&name("library.ebooks"), name("library.reading"), hours(starts), hours(starts + overlap), NOW).unwrap();
        let words = indexed(&[scope, super::tests::scope("library.checkout")])
            .spelled(&["library.ebooks".parse().unwrap()].into_iter().collect(), hours(looked_at));
        let expected = match looked_at {
            at if at < starts => "library.ebooks",
            at if at < starts + overlap => "library.ebooks library.reading",
            _ => "library.reading",
        };
        prop_assert_eq!(words, expected);
    }
}
