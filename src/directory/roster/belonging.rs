//! Which organisation of the library's a school's post belongs to: the nearest above it that one names.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::{Org, Post};
use crate::domain::{clock::Date, id::OrganisationId, organisation::Organisation, patron::Affiliation};

pub(super) struct Belonging {
    /// Every org of the delivery and of the configuration, with its organisation if it has one.
    nearest: HashMap<String, Option<OrganisationId>>,
    today: Date,
}

impl Belonging {
    pub(super) fn new(orgs: &[Org], organisations: &BTreeMap<OrganisationId, Organisation>, today: Date) -> Belonging {
        let mut named: HashMap<&str, &OrganisationId> = HashMap::new();
        for (id, organisation) in organisations {
            for org in &organisation.roster {
                named.entry(org).or_insert(id);
            }
        }
        let parents: HashMap<&str, Option<&str>> =
            orgs.iter().map(|org| (&*org.sourced_id, org.parent.as_deref())).collect();
        let find = |start: &str| -> Option<OrganisationId> {
            let (mut at, mut seen) = (start, HashSet::new());
            // A delivery whose orgs go round in a circle belongs nowhere.
            while seen.insert(at) {
                if let Some(id) = named.get(at) {
                    return Some((*id).clone());
                }
                at = parents.get(at).copied().flatten()?;
            }
            None
        };
        let all = parents.keys().chain(named.keys());
        Belonging { nearest: all.map(|org| ((*org).to_owned(), find(org))).collect(), today }
    }

    pub(super) fn organisation(&self, org: &str) -> Option<&OrganisationId> {
        self.nearest.get(org)?.as_ref()
    }

    pub(super) fn belongs(&self, posts: &[Post]) -> bool {
        posts.iter().any(|post| self.of(post).is_some())
    }

    /// `None` also for a post that has not begun, or is over.
    fn of(&self, post: &Post) -> Option<&OrganisationId> {
        let begun = post.from.is_none_or(|from| from <= self.today);
        let lasts = post.until.is_none_or(|until| self.today <= until);
        self.organisation(&post.org).filter(|_| begun && lasts)
    }

    /// Whether somebody may belong elsewhere by this than by `before`.
    pub(super) fn differs(&self, before: &Belonging) -> bool {
        self.nearest != before.nearest
    }

    /// One for each organisation and role, in the order of the posts, with the first grade that is told.
    pub(super) fn affiliations(&self, posts: &[Post]) -> Vec<Affiliation> {
        let mut all: Vec<Affiliation> = Vec::with_capacity(1);
        for post in posts {
            let Some(organisation) = self.of(post) else { continue };
            match all.iter_mut().find(|a| a.organisation == *organisation && a.role == post.role) {
                Some(known) => known.grade = known.grade.or(post.grade),
                None => {
                    all.push(Affiliation { organisation: organisation.clone(), role: post.role, grade: post.grade })
                }
            }
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        card::{CardScheme, IdField, InitialPin},
        patron::Role,
    };

    fn organisation(id: &str, roster: &[&str]) -> (OrganisationId, Organisation) {
        let id: OrganisationId = id.parse().unwrap();
        let organisation = Organisation {
            id: id.clone(),
            name: id.to_string(),
            roster: roster.iter().map(|&r| r.to_owned()).collect(),
            card: CardScheme::Raw { from: IdField::Identifier },
            initial_pin: InitialPin::None,
            help: None,
            bridge: None,
            keeps_cards: true,
            existing_card: Default::default(),
        };
        (id, organisation)
    }

    fn org(id: &str, parent: &str) -> Org {
        let parent = (!parent.is_empty()).then(|| parent.to_owned());
        Org { sourced_id: id.into(), parent, name: id.into() }
    }

    #[test]
    fn the_nearest_organisation_wins_and_a_circle_belongs_nowhere() {
        let organisations = BTreeMap::from([organisation("cms", &["d"]), organisation("charter", &["s2", "lone"])]);
        let orgs =
            [org("d", ""), org("s1", "d"), org("s2", "d"), org("c", "s2"), org("x", "y"), org("y", "x"), org("z", "?")];
        let belonging = Belonging::new(&orgs, &organisations, "2026-11-27".parse().unwrap());
        let of = |org| belonging.organisation(org).map(OrganisationId::as_str);
        assert_eq!(
            (of("d"), of("s1"), of("s2"), of("c")),
            (Some("cms"), Some("cms"), Some("charter"), Some("charter"))
        );
        assert_eq!((of("x"), of("z"), of("never heard of"), of("lone")), (None, None, None, Some("charter")));
    }

    #[test]
    fn two_schools_of_one_district_are_one_affiliation() {
        let organisations = BTreeMap::from([organisation("cms", &["d"])]);
        let belonging =
            Belonging::new(&[org("s1", "d"), org("s2", "d")], &organisations, "2026-11-27".parse().unwrap());
        let post = |org: &str, role, grade: Option<&str>| Post::new(org, role, grade.map(|g| g.parse().unwrap()));
        let posts = [
            post("away", Role::Student, Some("01")),
            post("s1", Role::Student, None),
            post("s2", Role::Student, Some("07")),
            post("s2", Role::Student, Some("08")),
            post("s2", Role::Staff, None),
        ];
        let told: Vec<String> = belonging.affiliations(&posts).iter().map(ToString::to_string).collect();
        assert_eq!(told, ["cms:student:07", "cms:staff"]);
    }
}
