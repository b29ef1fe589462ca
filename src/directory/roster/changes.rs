//! A delivery of changes, put in place of what was said before: afterwards there are whole people to be judged by the
//! same rule as those of a whole delivery, and everybody else stays.

use std::collections::{BTreeMap, HashMap, HashSet};

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
        let mut touched: HashSet<String> = gone.iter().cloned().collect();
        let gone: HashSet<String> = gone.into_iter().collect();
        let (mut whole, mut kept) = (Vec::with_capacity(people.len()), HashMap::new());

        for mut person in people {
            let id = person.sourced_id.clone();
            touched.insert(id.clone());
            let before = said.remove(&id);
            let named = before.as_ref().and_then(|said| Named::read(said.named.as_deref()));
            if !posts_are_whole {
                let had = named.map(|named| named.into_person(&id, String::new(), String::new()).posts);
                let changed = posts_of.remove(&id).unwrap_or_default();
                let mut posts = had.unwrap_or_default();
                posts.append(&mut person.posts);
                person.posts = with(posts, changed, Some(person.grade), person.primary_org.as_deref());
            }
            person.birthday = person.birthday.or_else(|| birthdays.get(&id).copied());
            if let Some(said) = before {
                kept.insert(id, Kept { pin: said.initial_pin, lookups: said.lookups, row: false });
            }
            whole.push(person);
        }

        let without_a_row: HashSet<String> = posts_of.keys().chain(birthdays.keys()).cloned().collect();
        let without_a_row = without_a_row.into_iter().filter(|id| !touched.contains(id) && !gone.contains(id));
        let mut spoken_of: Vec<String> = without_a_row.collect();
        spoken_of.sort_unstable();
        if everybody {
            let mut rest: Vec<String> =
                said.keys().filter(|id| present(id) && !touched.contains(*id)).cloned().collect();
            rest.retain(|id| !spoken_of.contains(id));
            spoken_of.extend(rest);
        }
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
                let what = format!("{id:?} stays as before: a whole delivery must come once before changes can");
                report.refused(FILE, 0, "userSourcedId", "needs-whole-delivery", what);
                continue;
            };
            let mut person = named.into_person(&id, said.given_name, said.family_name);
            person.posts = with(person.posts, changed, None, None);
            person.birthday = birthdays.get(&id).copied();
            touched.insert(id.clone());
            kept.insert(id, Kept { pin: said.initial_pin, lookups: said.lookups, row: true });
            whole.push(person);
        }
        Incoming { orgs: tree, people: whole, report, touched: Some(touched), kept }
    }
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
    posts.sort_by_key(|post| (!post.primary, Some(post.org.as_str()) != first));
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
        .map(|org| Node { id: org.sourced_id.clone(), parent: org.parent.clone(), name: org.name.clone() })
        .collect();
    nodes.sort_by(|a, b| a.id.cmp(&b.id));
    serde_json::to_string(&nodes).unwrap_or_default()
}

pub(super) fn read_tree(text: &str) -> Vec<Org> {
    let nodes: Vec<Node> = serde_json::from_str(text).unwrap_or_default();
    nodes.into_iter().map(|node| Org { sourced_id: node.id, parent: node.parent, name: node.name }).collect()
}

/// The tree after the delivery's orgs.
pub(super) fn grown(mut tree: Vec<Org>, orgs: &[Org], changes: &Changes) -> Vec<Org> {
    if changes.orgs_are_whole {
        return orgs.to_vec();
    }
    let gone = &changes.orgs_gone;
    let new: HashSet<&str> =
        orgs.iter().map(|org| org.sourced_id.as_str()).chain(gone.iter().map(String::as_str)).collect();
    tree.retain(|org| !new.contains(org.sourced_id.as_str()));
    tree.extend(orgs.iter().cloned());
    tree
}
