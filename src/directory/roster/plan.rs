//! The rule, without any I/O: a delivery beside what holds now makes the rows that a run would write.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map};

use secrecy::ExposeSecret;

use super::{
    super::{Person, Report, Roster},
    belonging::Belonging,
    movement::{Change, Movement, Movements},
    preview::Preview,
};
use crate::{
    domain::{
        card::{CardNumber, IdField, InitialPin},
        id::{OrganisationId, PatronId, SourceId},
        organisation::Organisation,
        pin::PinKey,
    },
    store::rosters::{Entry, Held},
};

/// What holds before the import.
#[derive(Default)]
pub(super) struct Before {
    /// By sourcedId.
    pub(super) people: HashMap<String, Known>,
    /// Cards of enrolled patrons of other sources, with the source.
    pub(super) cards_elsewhere: HashMap<CardNumber, String>,
}

pub(super) struct Known {
    pub(super) patron: PatronId,
    pub(super) held: Option<Held>,
    /// The delivery names them, enabled and at one of our organisations: whatever else is wrong, they stay.
    pub(super) stays: bool,
}

impl Known {
    fn present(&self) -> Option<&Held> {
        self.held.as_ref().filter(|held| held.present)
    }
}

pub(super) struct Plan {
    pub(super) preview: Preview,
    pub(super) report: Report,
    pub(super) movements: Vec<Movement>,
    pub(super) entries: Vec<Entry>,
    pub(super) withdrawn: Vec<PatronId>,
}

/// Who has a claim to a card number that nobody else can take in this run.
enum Claim {
    /// Enrolled already, and staying.
    Patron(PatronId, String),
    Elsewhere(String),
    Line(u64),
}

const USERS: &str = "users.csv";

pub(super) fn plan(
    source: &SourceId,
    roster: Roster,
    mut before: Before,
    organisations: &BTreeMap<OrganisationId, Organisation>,
    key: &PinKey,
) -> Plan {
    let Roster { orgs, people, report, .. } = roster;
    let belonging = Belonging::new(&orgs, organisations);
    let repeated = mark_who_stays(&mut before, &people, &belonging);
    let newcomers = newcomers(&people, &before);
    let claims = claims(&mut before);
    let (preview, movements) = (Preview::new(source), Movements::default());
    let mut draft = Draft { preview, report, movements, claims, newcomers, organisations, key };
    let mut entries = Vec::new();
    let mut nowhere: BTreeMap<String, u64> = BTreeMap::new();
    for (place, person) in people.into_iter().enumerate() {
        if !person.enabled {
            continue;
        }
        if !belonging.belongs(&person.posts) {
            draft.preview.elsewhere += 1;
            *nowhere.entry(person.posts.into_iter().next().map(|post| post.org).unwrap_or_default()).or_default() += 1;
            continue;
        }
        let known = before.people.get(&person.sourced_id);
        if repeated.contains(&place) {
            let what = "this sourcedId stands on an earlier line already, which counts; this line was left out";
            draft.report.refused(USERS, person.line, "sourcedId", "duplicate-person", what);
            continue;
        }
        entries.extend(draft.entry(person, &belonging, known));
    }
    let mut withdrawn = Vec::new();
    for (sourced_id, known) in &before.people {
        let Some(held) = known.present() else { continue };
        let counts = draft.preview.at(&held.organisation);
        counts.present_before += 1;
        if !known.stays {
            counts.withdrawn += 1;
            draft.movements.note(Change::Withdrawn, &held.organisation, sourced_id, &held.card);
            withdrawn.push(known.patron);
        }
    }
    withdrawn.sort_unstable();
    entries.sort_unstable_by_key(|entry: &Entry| entry.patron);
    let Draft { mut preview, mut report, movements, .. } = draft;
    for (org, n) in nowhere {
        let name = orgs.iter().find(|o| o.sourced_id == org).map_or("", |o| o.name.as_str());
        report.refused(
            "orgs.csv",
            0,
            "sourcedId",
            "no-organisation",
            format!(
                "{n} people were left out: {org:?} ({name}) is neither in the roster of an organisation of the \
                 configuration nor below one"
            ),
        );
    }
    preview.close();
    Plan { preview, report, movements: movements.sorted(), entries, withdrawn }
}

/// Marks them in `before`, and returns the places of people who stand in the delivery twice.
fn mark_who_stays(before: &mut Before, people: &[Person], belonging: &Belonging) -> HashSet<usize> {
    let (mut repeated, mut seen) = (HashSet::new(), HashSet::with_capacity(people.len()));
    for (place, person) in people.iter().enumerate() {
        if !person.enabled || !belonging.belongs(&person.posts) {
            continue;
        }
        if !seen.insert(person.sourced_id.as_str()) {
            repeated.insert(place);
        }
        if let Some(known) = before.people.get_mut(&person.sourced_id) {
            known.stays = true;
        }
    }
    repeated
}

/// Identities for people never seen before, in the order of their sourcedIds: so both indexes of patrons, and the
/// entries' own, grow at their ends, where writing costs the least.
fn newcomers(people: &[Person], before: &Before) -> HashMap<String, PatronId> {
    let new = people.iter().filter(|person| person.enabled && !before.people.contains_key(&person.sourced_id));
    let mut named: Vec<&str> = new.map(|person| person.sourced_id.as_str()).collect();
    named.sort_unstable();
    named.into_iter().map(|sourced_id| (sourced_id.to_owned(), PatronId::new())).collect()
}

/// A card stays with whoever holds it and stays, even if the delivery would give that person another one tonight.
fn claims(before: &mut Before) -> HashMap<CardNumber, Claim> {
    let elsewhere = std::mem::take(&mut before.cards_elsewhere).into_iter();
    let mut claims: HashMap<CardNumber, Claim> =
        elsewhere.map(|(card, source)| (card, Claim::Elsewhere(source))).collect();
    for (sourced_id, known) in before.people.iter().filter(|(_, known)| known.stays) {
        if let Some(held) = known.present() {
            claims.insert(held.card.clone(), Claim::Patron(known.patron, sourced_id.clone()));
        }
    }
    claims
}

struct Draft<'a> {
    preview: Preview,
    report: Report,
    movements: Movements,
    claims: HashMap<CardNumber, Claim>,
    newcomers: HashMap<String, PatronId>,
    organisations: &'a BTreeMap<OrganisationId, Organisation>,
    key: &'a PinKey,
}

impl Draft<'_> {
    /// The row for somebody who is here, or `None` where they are as they were or the row is refused.
    fn entry(&mut self, person: Person, belonging: &Belonging, known: Option<&Known>) -> Option<Entry> {
        let affiliations = belonging.affiliations(&person.posts);
        let at = affiliations.first()?.organisation.clone();
        let organisation = self.organisations.get(&at)?;
        let patron = match known {
            Some(known) => known.patron,
            None => *self.newcomers.get(&person.sourced_id)?,
        };
        let present = known.and_then(Known::present);
        let from = organisation.card.from_field();
        let card = card_id(&person, from).and_then(|id| organisation.card.number(id));
        let card = match card {
            Ok(card) => card,
            Err(why) => return self.refuse(&person, &at, present, from, "no-card-number", why),
        };
        if let Err(why) = self.claim(&card, patron, person.line) {
            return self.refuse(&person, &at, present, from, "card-collision", why);
        }
        let affiliations = affiliations.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let pin = first_pin(&person, organisation.initial_pin);
        let digest = self.key.digest(&[
            patron.0.as_bytes(),
            person.given_name.as_bytes(),
            person.family_name.as_bytes(),
            affiliations.as_bytes(),
            card.as_str().as_bytes(),
            pin.as_deref().map_or(&b""[..], str::as_bytes),
        ]);
        let counts = self.preview.at(&at);
        counts.present_after += 1;
        match (known, present) {
            (_, Some(held)) if held.digest == digest => {
                counts.unchanged += 1;
                return None;
            }
            (_, Some(_)) => {
                counts.changed += 1;
                self.movements.note(Change::Changed, &at, &person.sourced_id, &card);
            }
            // Somebody whom only an undone run has named is as new to everybody as anybody.
            (Some(Known { held: Some(_), .. }), None) => {
                counts.returning += 1;
                self.movements.note(Change::Returning, &at, &person.sourced_id, &card);
            }
            (_, None) => {
                counts.added += 1;
                self.movements.note(Change::Added, &at, &person.sourced_id, &card);
            }
        }
        Some(Entry {
            patron,
            new_as: known.is_none().then_some(person.sourced_id),
            given_name: person.given_name,
            family_name: person.family_name,
            affiliations,
            card,
            initial_pin: pin.map(|pin| self.key.keyed(patron, &pin)),
            digest,
        })
    }

    fn claim(&mut self, card: &CardNumber, patron: PatronId, line: u64) -> Result<(), String> {
        let who = match self.claims.entry(card.clone()) {
            hash_map::Entry::Vacant(free) => {
                free.insert(Claim::Line(line));
                return Ok(());
            }
            hash_map::Entry::Occupied(taken) => match taken.get() {
                Claim::Patron(holder, _) if *holder == patron => return Ok(()),
                Claim::Patron(_, sourced_id) => format!("is held by {sourced_id:?}, who is still here"),
                Claim::Elsewhere(source) => format!("is held by somebody of the source {source:?}"),
                Claim::Line(line) => format!("is taken by line {line} of this file"),
            },
        };
        Err(format!("the card number {card} {who}; correct the ID of one of the two at its origin"))
    }

    fn refuse(
        &mut self,
        person: &Person,
        at: &OrganisationId,
        present: Option<&Held>,
        from: &IdField,
        kind: &str,
        why: String,
    ) -> Option<Entry> {
        let column = match from {
            IdField::Identifier => "identifier",
            IdField::Username => "username",
            IdField::UserId(_) => "userIds",
        };
        let fate = if present.is_some() { "this person stays as before" } else { "this person gets no card" };
        self.report.refused(USERS, person.line, column, kind, format!("{why}; {fate}"));
        self.preview.at(at).refused += 1;
        if let Some(held) = present {
            self.preview.at(&held.organisation).present_after += 1;
        }
        None
    }
}

fn card_id<'p>(person: &'p Person, from: &IdField) -> Result<&'p str, String> {
    let id = match from {
        IdField::Identifier => person.identifier.as_deref(),
        IdField::Username => person.username.as_deref(),
        IdField::UserId(kind) => person.user_ids.iter().find(|(of, _)| of == kind).map(|(_, id)| id.as_str()),
    };
    id.ok_or_else(|| format!("there is no {} to make a card number from", String::from(from.clone())))
}

fn first_pin(person: &Person, kind: InitialPin) -> Option<String> {
    match kind {
        InitialPin::Password => {
            person.password.as_ref().map(|pin| pin.expose_secret().trim().to_owned()).filter(|pin| !pin.is_empty())
        }
        InitialPin::BirthdayMmdd => person.birthday.map(|(month, day)| format!("{month:02}{day:02}")),
        InitialPin::None => None,
    }
}
