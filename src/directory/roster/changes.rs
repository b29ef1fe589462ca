//! A delivery of changes, put in place of what was said before: afterwards there are whole people to be judged by the
//! same rule as those of a whole delivery, and everybody else stays.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use serde::{Deserialize, Serialize};

use super::{
    super::{Changes, Extent, Org, Person, Post, Report, Roster},
    named::Named,
};
use crate::{domain::grade::Grade, store::rosters::Said};

/// A delivery as it is compared with what holds.
#[derive(Debug, Default)]
pub(super) struct Incoming {
    pub orgs: Vec<Org>,
    pub people: Vec<Person>,
    pub report: Report,
    /// The sourcedIds that the delivery speaks of; everybody else stays. Absent: it speaks of everybody.
    pub touched: Option<HashSet<String>>,
    /// What people keep of what was said before.
    pub kept: HashMap<String, Kept>,
}

#[derive(Debug)]
pub(super) struct Kept {
    /// `KeyedPin` in hex.
    pub pin: Option<String>,
    pub lookups: String,
    /// The delivery has no row of this person's own: whatever stands in one stays.
    pub row: bool,
}

const FILE: &str = "roles.csv";

impl Incoming {
    pub(super) fn whole(roster: Roster) -> Incoming {
        Incoming { orgs: roster.orgs, people: roster.people, report: roster.report, ..Incoming::default() }
    }

    /// `tree` is the directory's as it will be; `said` holds, of everybody whom the delivery speaks of, what was said
    /// before; `present` tells who is here.
    pub(super) fn put_in_place(
        roster: Roster,
        tree: Vec<Org>,
        mut said: HashMap<String, Said>,
        present: impl Fn(&str) -> bool,
        everybody: bool,
    ) -> Incoming {
        let Roster { people, mut report, extent, .. } = roster;
        let Extent::Changes(Changes { gone, mut posts, posts_are_whole, birthdays, .. }) = extent else {
            return Incoming { orgs: tree, people, report, ..Incoming::default() };
        };
        name_holders(&mut posts, &said);
        let mut posts_of: BTreeMap<String, Vec<(String, Option<Post>)>> = BTreeMap::new();
        for (person, id, post) in posts {
            posts_of.entry(person).or_default().push((id, post));
        }
        let birthdays: HashMap<String, (u8, u8)> = birthdays.into_iter().collect();
        let mut touched: HashSet<String> = gone.into_iter().collect();
        let (mut whole, mut kept) = (Vec::with_capacity(people.len()), HashMap::new());

        for mut person in people {
            let id = person.sourced_id.clone();
            let before = said.remove(&id);
            let named = before.as_ref().and_then(|said| Named::read(said.named.as_deref()));
            if !posts_are_whole && before.is_some() && named.is_none() {
                needs_a_whole_delivery(&mut report, "users.csv", person.line, &id);
                continue;
            }
            touched.insert(id.clone());
            if !posts_are_whole {
                let had = named.map(|named| named.into_person(&id, String::new(), String::new()).posts);
                let changed = posts_of.remove(&id).unwrap_or_default();
                let mut posts = had.unwrap_or_default();
                posts.append(&mut person.posts);
                person.posts = with(posts, changed, Some(person.grade), person.primary_org.as_deref());
                if person.posts.is_empty() && person.enabled {
                    // Whoever was here is here no more; a guardian, whose role need not be told again, never was.
                    if before.is_none() {
                        report.left_out("no-card-role");
                    }
                    continue;
                }
            }
            person.birthday = person.birthday.or_else(|| birthdays.get(&id).copied());
            if let Some(said) = before {
                kept.insert(id, Kept { pin: said.initial_pin, lookups: said.lookups, row: false });
            }
            whole.push(person);
        }

        let without_a_row = posts_of.keys().chain(birthdays.keys());
        let with_them = said.keys().filter(|id| everybody && present(id));
        // `gone` are among those who are touched.
        let spoken_of: BTreeSet<String> =
            without_a_row.chain(with_them).filter(|id| !touched.contains(*id)).cloned().collect();
        for id in spoken_of {
            let changed = posts_of.remove(&id).unwrap_or_default();
            let Some(said) = said.remove(&id).filter(|_| present(&id)) else {
                if changed.iter().any(|(_, post)| post.is_some()) {
                    let what = format!(
                        "{id:?} is not here and has no row in users.csv of this delivery: nothing was made of it"
                    );
                    report.refused(FILE, 0, "userSourcedId", "role-without-person", what);
                }
                continue;
            };
            let Some(named) = Named::read(said.named.as_deref()) else {
                needs_a_whole_delivery(&mut report, FILE, 0, &id);
                continue;
            };
            let mut person = named.into_person(&id, said.given_name, said.family_name);
            person.posts = with(person.posts, changed, None, None);
            person.birthday = birthdays.get(&id).copied();
            touched.insert(id.clone());
            if person.posts.is_empty() {
                continue;
            }
            kept.insert(id, Kept { pin: said.initial_pin, lookups: said.lookups, row: true });
            whole.push(person);
        }
        Incoming { orgs: tree, people: whole, report, touched: Some(touched), kept }
    }
}

/// A row of an earlier release does not say where somebody was.
fn needs_a_whole_delivery(report: &mut Report, file: &str, line: u64, id: &str) {
    let what = format!("{id:?} stays as before: a whole delivery must come once before changes can");
    report.refused(file, line, "sourcedId", "needs-whole-delivery", what);
}

/// Finds whose the posts were that ended by their own ids alone.
fn name_holders(posts: &mut Vec<(String, String, Option<Post>)>, said: &HashMap<String, Said>) {
    let nameless: HashSet<String> =
        posts.iter().filter(|(person, ..)| person.is_empty()).map(|(_, id, _)| id.clone()).collect();
    if nameless.is_empty() {
        return;
    }
    let mut holders: HashMap<String, String> = HashMap::new();
    for (person, said) in said {
        let Some(named) = Named::read(said.named.as_deref()) else { continue };
        let theirs = named.post_ids().filter(|id| nameless.contains(*id));
        holders.extend(theirs.map(|id| (id.to_owned(), person.clone())));
    }
    posts.retain_mut(|(person, id, _)| match person.is_empty() {
        false => true,
        true => holders.get(id).map(|holder| person.clone_from(holder)).is_some(),
    });
}

/// `posts` after `changes`. `grade`: what the person's own row says of it; where there is none, the grade stays.
fn with(
    mut posts: Vec<Post>,
    changes: Vec<(String, Option<Post>)>,
    grade: Option<Option<Grade>>,
    first: Option<&str>,
) -> Vec<Post> {
    use crate::domain::patron::Role;
    let had = posts.iter().find_map(|post| post.grade);
    for (id, post) in changes {
        let place = posts.iter().position(|known| !id.is_empty() && known.id == id);
        match (place, post) {
            (Some(place), Some(post)) => posts[place] = post,
            (Some(place), None) => drop(posts.remove(place)),
            (None, Some(post)) => posts.push(post),
            (None, None) => {}
        }
    }
    let grade = grade.unwrap_or(had);
    for post in &mut posts {
        post.grade = grade.filter(|_| post.role == Role::Student);
    }
    posts.sort_by_key(|post| (!post.primary, Some(&*post.org) != first));
    posts
}

/// The tree as it is kept.
#[derive(Debug, Serialize, Deserialize)]
struct Node {
    id: String,
    parent: Option<String>,
    name: String,
}

pub(super) fn write_tree(orgs: &[Org]) -> String {
    let mut nodes: Vec<Node> = orgs
        .iter()
        .map(|org| Node { id: org.sourced_id.to_string(), parent: org.parent.clone(), name: org.name.clone() })
        .collect();
    nodes.sort_by(|a, b| a.id.cmp(&b.id));
    serde_json::to_string(&nodes).unwrap_or_default()
}

pub(super) fn read_tree(text: &str) -> Vec<Org> {
    let nodes: Vec<Node> = serde_json::from_str(text).unwrap_or_default();
    nodes.into_iter().map(|node| Org { sourced_id: node.id.into(), parent: node.parent, name: node.name }).collect()
}

/// The tree after the delivery's orgs.
pub(super) fn grown(mut tree: Vec<Org>, orgs: &[Org], changes: &Changes) -> Vec<Org> {
    if changes.orgs_are_whole {
        return orgs.to_vec();
    }
    let gone = &changes.orgs_gone;
    let new: HashSet<&str> = orgs.iter().map(|org| &*org.sourced_id).chain(gone.iter().map(String::as_str)).collect();
    tree.retain(|org| !new.contains(&*org.sourced_id));
    tree.extend(orgs.iter().cloned());
    tree
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{id::PatronId, patron::Role};

    fn said(named: Option<&str>) -> (String, Said) {
        let said = Said {
            patron: PatronId::new(),
            sourced_id: "u1".into(),
            given_name: "Mira".into(),
            family_name: "Brookquill".into(),
            initial_pin: None,
            named: named.map(str::to_owned),
            lookups: String::new(),
        };
        ("u1".into(), said)
    }

    fn put(people: &[&str], posts: Vec<(String, String, Option<Post>)>, named: Option<&str>) -> Incoming {
        let row = |id: &&str| Person { sourced_id: (*id).into(), enabled: true, ..Person::default() };
        let extent = Extent::Changes(Changes { posts, ..Changes::default() });
        let roster = Roster { people: people.iter().map(row).collect(), extent, ..Roster::default() };
        Incoming::put_in_place(roster, Vec::new(), [said(named)].into(), |id| id == "u1", false)
    }

    const AT_SCHOOL: Option<&str> = Some(r#"{"p":[{"o":"s1","r":"student","k":"r1"}]}"#);

    fn notes(incoming: &Incoming) -> Vec<&str> {
        incoming.report.notes.iter().map(|note| note.kind.as_str()).collect()
    }

    #[test]
    fn whose_posts_an_earlier_release_did_not_keep_stays_as_before() {
        assert_eq!(put(&["u1"], Vec::new(), AT_SCHOOL).people[0].posts[0].org.as_ref(), "s1");
        let unknown = put(&["u1"], Vec::new(), None);
        assert_eq!(notes(&unknown), ["needs-whole-delivery"]);
        assert!(unknown.people.is_empty() && unknown.touched.is_some_and(|touched| touched.is_empty()));
    }

    #[test]
    fn who_comes_without_a_post_gets_no_card_and_whose_last_post_ends_leaves() {
        for told in [vec![("u9".into(), "r9".into(), None)], Vec::new()] {
            let guardian = put(&["u9"], told, AT_SCHOOL);
            assert!(guardian.people.is_empty() && notes(&guardian).is_empty());
            assert_eq!(guardian.report.counts["left-out no-card-role"], 1);
        }
        let teacher = Some(Post::new("s1", Role::Staff, None));
        assert_eq!(put(&["u9"], vec![("u9".into(), "r9".into(), teacher)], AT_SCHOOL).people.len(), 1);

        for people in [&["u1"][..], &[]] {
            let leaves = put(people, vec![("u1".into(), "r1".into(), None)], AT_SCHOOL);
            assert!(leaves.people.is_empty() && notes(&leaves).is_empty(), "{people:?}");
            assert!(leaves.touched.is_some_and(|touched| touched.contains("u1")));
        }
    }
}
