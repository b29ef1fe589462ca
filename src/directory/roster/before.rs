//! What holds before an import, as much of it as the delivery concerns: everybody where it is whole; where it tells of
//! changes, those whom it speaks of and whoever holds a card that it would give out.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::{
    super::{Changes, Extent, Roster},
    ImportError, Merge,
    belonging::Belonging,
    changes::{self, Incoming},
    plan,
};
use crate::{
    domain::{
        card::CardNumber,
        id::{OrganisationId, PatronId, SourceId},
    },
    store::{
        self,
        rosters::{self, Held},
    },
};

#[derive(Default)]
pub(super) struct Before {
    /// By sourcedId.
    pub(super) people: HashMap<String, Known>,
    /// How many more are present, whom the delivery leaves as they are.
    pub(super) others: BTreeMap<OrganisationId, u64>,
    /// Cards of enrolled patrons of other sources, with the source.
    pub(super) cards_elsewhere: HashMap<CardNumber, String>,
    /// Numbers that the library keeps for one patron: given out by itself, replaced, or of an existing library card.
    pub(super) kept: HashMap<CardNumber, PatronId>,
}

pub(super) struct Known {
    pub(super) patron: PatronId,
    pub(super) held: Option<Held>,
    /// The delivery names them, enabled and at one of our organisations: whatever else is wrong, they stay.
    pub(super) stays: bool,
}

impl Known {
    pub(super) fn present(&self) -> Option<&Held> {
        self.held.as_ref().filter(|held| held.present)
    }
}

/// So many people are read faster with everybody than each by name.
const MANY: usize = 25_000;

impl Merge<'_> {
    /// The delivery as it is compared, and what it is compared with. One of changes is put in place of what was said
    /// before.
    pub(super) async fn read(
        &self,
        source: &SourceId,
        live: i64,
        roster: Roster,
    ) -> Result<(Incoming, Before), ImportError> {
        let rosters = self.db.rosters();
        let mut before = Before { kept: self.db.kept_numbers().await?, ..Before::default() };
        let Extent::Changes(changes) = &roster.extent else {
            before.add(rosters.people(source, live).await?);
            before.cards_elsewhere = rosters.cards_elsewhere(source, self.rules.now).await?;
            return Ok((Incoming::whole(roster), before));
        };
        let tree = match rosters.orgs(source, live).await?.filter(|_| live > 0) {
            Some(tree) => changes::read_tree(&tree),
            None if changes.may_be_first => Vec::new(),
            None => return Err(ImportError::NothingToChange(source.clone())),
        };
        let grown = changes::grown(tree.clone(), &roster.orgs, changes);
        let belonging = |orgs| Belonging::new(orgs, &self.rules.organisations, self.rules.today());
        let now = belonging(&grown);
        // A school that belongs elsewhere by now takes all its people along.
        let everybody = now.differs(&belonging(&tree));
        // Whose a post was that ended by its own id alone can only be seen by looking at everybody.
        let nameless = changes.posts.iter().any(|(person, ..)| person.is_empty());
        let (said, by_name) = {
            let ids = spoken_of(&roster, changes);
            let by_name = !everybody && !nameless && ids.len() <= MANY;
            let known = match by_name {
                true => rosters.people_named(source, live, &ids).await?,
                false => rosters.people(source, live).await?,
            };
            before.add(known);
            let said = match everybody || nameless {
                true => rosters.said_of_all(source, live).await?,
                false => rosters.said_of(source, live, &ids).await?,
            };
            (said, by_name)
        };
        let present = |id: &str| before.people.get(id).is_some_and(|known| known.present().is_some());
        let incoming = Incoming::put_in_place(roster, grown, said, present, everybody);
        if by_name {
            self.read_around(source, live, &incoming, &now, &mut before).await?;
        } else {
            before.cards_elsewhere = rosters.cards_elsewhere(source, self.rules.now).await?;
        }
        Ok((incoming, before))
    }

    /// Who holds a card already that somebody in `incoming` may get, and how many others there are.
    async fn read_around(
        &self,
        source: &SourceId,
        live: i64,
        incoming: &Incoming,
        belonging: &Belonging,
        before: &mut Before,
    ) -> store::Result<()> {
        let rosters = self.db.rosters();
        let numbers = incoming.people.iter().filter_map(|person| {
            let at = belonging.affiliations(&person.posts).into_iter().next()?.organisation;
            plan::number(person, &self.rules.organisations.get(&at)?.card).ok()
        });
        let came_with = before.people.values().filter_map(|known| Some(known.held.as_ref()?.card.clone()));
        let wanted: BTreeSet<CardNumber> = numbers.chain(came_with).collect();
        let wanted: Vec<&str> = wanted.iter().map(CardNumber::as_str).collect();
        before.add(rosters.holders(source, live, &wanted).await?);
        before.cards_elsewhere = rosters.held_elsewhere(source, self.rules.now, &wanted).await?;
        let mut others = rosters.present(source, live).await?;
        for held in before.people.values().filter_map(Known::present) {
            if let Some(n) = others.get_mut(&held.organisation) {
                *n = n.saturating_sub(1);
            }
        }
        before.others = others;
        Ok(())
    }
}

impl Before {
    fn add(&mut self, people: Vec<rosters::Known>) {
        for rosters::Known { patron, sourced_id, held } in people {
            self.people.entry(sourced_id).or_insert(Known { patron, held, stays: false });
        }
    }
}

/// The sourcedIds that a delivery of changes names, each once.
fn spoken_of<'r>(roster: &'r Roster, changes: &'r Changes) -> Vec<&'r str> {
    let people = roster.people.iter().map(|person| person.sourced_id.as_str());
    let posts = changes.posts.iter().map(|(person, ..)| person.as_str());
    let born = changes.birthdays.iter().map(|(person, _)| person.as_str());
    let gone = changes.gone.iter().map(String::as_str);
    let mut ids: Vec<&str> = people.chain(posts).chain(born).chain(gone).collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}
