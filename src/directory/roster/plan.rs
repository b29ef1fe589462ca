//! The rule, without any I/O: a delivery beside what holds now is judged, and makes the rows that a run would write.

use std::{
    collections::{BTreeMap, HashMap, HashSet, hash_map},
    sync::Arc,
};

use secrecy::ExposeSecret;

use super::{
    super::{Person, Report},
    Rules,
    before::{Before, Known},
    belonging::Belonging,
    changes::{Incoming, Kept},
    lookups,
    movement::{Change, Movement, Movements, Shift, Shifts},
    named::Named,
    preview::Preview,
};
use crate::{
    domain::{
        card::{CardNumber, CardScheme, IdField, InitialPin},
        clock::Timestamp,
        id::{OrganisationId, PatronId, SourceId},
        pin::PinKey,
    },
    store::rosters::{Entry, Held},
};

/// A delivery of which it is clear who gets which card and who goes. What the rows say is still to be drafted: whoever
/// reads the guard in `preview` first need not write what it stops.
pub(super) struct Judged {
    pub(super) preview: Preview,
    report: Report,
    movements: Movements,
    shifts: Shifts,
    people: Vec<Person>,
    staying: Vec<Staying>,
    belonging: Belonging,
    before: Before,
    kept: HashMap<String, Kept>,
    withdrawn: BTreeMap<Timestamp, Vec<PatronId>>,
}

/// Somebody who is here, and under which number.
struct Staying {
    patron: PatronId,
    /// Where in the delivery.
    place: u32,
    kept_card: bool,
    card: CardNumber,
}

/// Everything that a run says, but for its rows.
pub(super) struct Plan {
    pub(super) preview: Preview,
    pub(super) report: Report,
    pub(super) movements: Vec<Movement>,
    /// Each with the instant until which the card lives on; 0 where it does not.
    pub(super) withdrawn: BTreeMap<Timestamp, Vec<PatronId>>,
    pub(super) shifts: Vec<Shift>,
}

/// Who has a claim to a card number that nobody else can take in this run.
enum Claim {
    /// Enrolled already, and staying.
    Patron(PatronId),
    Elsewhere(Box<str>),
    /// The library keeps it for this patron, here or not.
    Kept(PatronId),
    Line(u64),
}

const USERS: &str = "users.csv";

pub(super) fn judge(source: &SourceId, incoming: Incoming, mut before: Before, rules: &Rules) -> Judged {
    let Incoming { orgs, mut people, report, touched, kept } = incoming;
    let belonging = Belonging::new(&orgs, &rules.organisations, rules.today());
    let repeated = mark_who_stays(&mut before, &people, &belonging);
    if let Some(touched) = &touched {
        for (sourced_id, known) in &mut before.people {
            known.stays |= !touched.contains(sourced_id);
        }
    }
    let newcomers = newcomers(&people, &before);
    let claims = claims(&mut before, rules.now, people.len());
    let mut judge = Judge { preview: Preview::new(source), report, claims, here: &before.people, rules };
    // Whoever the directory calls disabled is out, summer or not.
    let mut disabled: HashSet<String> = HashSet::new();
    let mut staying = Vec::with_capacity(people.len());
    let mut nowhere: BTreeMap<Arc<str>, u64> = BTreeMap::new();
    for (place, slot) in (0..).zip(&mut people) {
        // The room of those who get no row is given back.
        let person = std::mem::take(slot);
        if !person.enabled {
            disabled.insert(person.sourced_id);
            continue;
        }
        if !belonging.belongs(&person.posts) {
            judge.preview.elsewhere += 1;
            *nowhere.entry(person.posts.into_iter().next().map(|post| post.org).unwrap_or_default()).or_default() += 1;
            continue;
        }
        if repeated.contains(&place) {
            let what = "this sourcedId stands on an earlier line already, which counts; this line was left out";
            judge.report.refused(USERS, person.line, "sourcedId", "duplicate-person", what);
            continue;
        }
        let known = before.people.get(&person.sourced_id);
        let patron = known.map(|known| known.patron).or_else(|| newcomers.get(place as usize).copied().flatten());
        let card = patron.and_then(|patron| Some((patron, judge.card(&person, patron, &belonging, known)?)));
        if let Some((patron, (card, kept_card))) = card {
            staying.push(Staying { patron, place, kept_card, card });
            *slot = person;
        }
    }
    let Judge { mut preview, mut report, .. } = judge;
    let (mut movements, mut shifts) = (Movements::default(), Shifts::default());
    let mut withdrawn: BTreeMap<Timestamp, Vec<PatronId>> = BTreeMap::new();
    for (sourced_id, known) in &before.people {
        let disabled = disabled.contains(sourced_id);
        let Some(held) = known.present() else {
            if disabled && known.held.as_ref().is_some_and(|held| held.bridged_until > rules.now) {
                withdrawn.entry(Timestamp(0)).or_default().push(known.patron);
            }
            continue;
        };
        let counts = preview.at(&held.organisation);
        counts.present_before += 1;
        if !known.stays {
            counts.withdrawn += 1;
            let until = if disabled { None } else { rules.bridge(&held.organisation) };
            counts.bridged += u64::from(until.is_some());
            movements.note(Change::Withdrawn, &held.organisation, sourced_id, &held.card);
            if until.is_none() {
                shifts.note(Some(&held.affiliations), None);
            }
            withdrawn.entry(until.unwrap_or(Timestamp(0))).or_default().push(known.patron);
        } else if touched.as_ref().is_some_and(|touched| !touched.contains(sourced_id)) {
            counts.present_after += 1;
            counts.unchanged += 1;
        }
    }
    for (organisation, n) in &before.others {
        let counts = preview.at(organisation);
        counts.present_before += n;
        counts.present_after += n;
        counts.unchanged += n;
    }
    withdrawn.values_mut().for_each(|people| people.sort_unstable());
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
    preview.guard();
    // In this order the indexes of patrons and entries grow at their ends, where writing costs the least.
    staying.sort_unstable_by_key(|staying| staying.patron);
    Judged { preview, report, movements, shifts, people, staying, belonging, before, kept, withdrawn }
}

impl Judged {
    /// How many people stay or come.
    pub(super) fn staying(&self) -> usize {
        self.staying.len()
    }

    /// Hands each row that differs from what holds to `write`, with how many people were drafted so far. The room of
    /// each person is given back at once.
    pub(super) fn draft(mut self, rules: &Rules, key: &PinKey, mut write: impl FnMut(usize, Option<Entry>)) -> Plan {
        for (n, staying) in (1..).zip(std::mem::take(&mut self.staying)) {
            let person = self.people.get_mut(staying.place as usize).map(std::mem::take).unwrap_or_default();
            write(n, self.entry(person, staying, rules, key));
        }
        let Judged { mut preview, report, movements, shifts, withdrawn, .. } = self;
        preview.sum_up();
        Plan { preview, report, movements: movements.sorted(), withdrawn, shifts: shifts.listed() }
    }

    /// `None` where somebody is as they were.
    fn entry(&mut self, person: Person, staying: Staying, rules: &Rules, key: &PinKey) -> Option<Entry> {
        let Staying { patron, card, kept_card, .. } = staying;
        let affiliations = self.belonging.affiliations(&person.posts);
        let at = affiliations.first()?.organisation.clone();
        let organisation = rules.organisations.get(&at)?;
        let known = self.before.people.get(&person.sourced_id);
        let affiliations = affiliations.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let kept = self.kept.get(&person.sourced_id);
        let pin = first_pin(&person, organisation.initial_pin, kept, |pin| key.keyed(patron, pin).hex());
        let named = Named::of(&person).text();
        let said_before = kept.filter(|kept| kept.row).map(|kept| kept.lookups.as_str());
        let lookups = lookups::of(&person, &rules.lookups, key, said_before);
        let digest = key.digest(&[
            patron.0.as_bytes(),
            person.given_name.as_bytes(),
            person.family_name.as_bytes(),
            affiliations.as_bytes(),
            card.as_str().as_bytes(),
            pin.as_deref().map_or(&b""[..], str::as_bytes),
            named.as_bytes(),
            lookups.as_bytes(),
        ]);
        let counts = self.preview.at(&at);
        let (change, was) = match (known, known.and_then(Known::present)) {
            (_, Some(held)) if held.digest == digest => {
                counts.unchanged += 1;
                return None;
            }
            (_, Some(held)) => {
                counts.changed += 1;
                (Change::Changed, Some(&held.affiliations))
            }
            // Somebody whom only an undone run has named is as new to everybody as anybody.
            (Some(Known { held: Some(_), .. }), None) => {
                counts.returning += 1;
                (Change::Returning, None)
            }
            (_, None) => {
                counts.added += 1;
                (Change::Added, None)
            }
        };
        self.shifts.note(was, Some(&affiliations));
        self.movements.note(change, &at, &person.sourced_id, &card);
        Some(Entry {
            patron,
            new_as: known.is_none().then_some(person.sourced_id),
            given_name: person.given_name,
            family_name: person.family_name,
            affiliations,
            card,
            kept_card,
            initial_pin: pin,
            named,
            lookups,
            digest,
        })
    }
}

/// In hex. What a delivery of changes does not say stays.
fn first_pin(person: &Person, kind: InitialPin, kept: Option<&Kept>, keyed: impl Fn(&str) -> String) -> Option<String> {
    match kind {
        InitialPin::Password if kept.is_some_and(|kept| kept.row) => kept?.pin.clone(),
        InitialPin::Password => {
            let pin = person.password.as_ref().map(|pin| pin.expose_secret().trim());
            pin.filter(|pin| !pin.is_empty()).map(keyed)
        }
        InitialPin::BirthdayMmdd => match person.birthday {
            Some((month, day)) => Some(keyed(&format!("{month:02}{day:02}"))),
            None => kept?.pin.clone(),
        },
        InitialPin::None => None,
    }
}

/// Marks them in `before`, and returns the places of people who stand in the delivery twice.
fn mark_who_stays(before: &mut Before, people: &[Person], belonging: &Belonging) -> HashSet<u32> {
    let (mut repeated, mut seen) = (HashSet::new(), HashSet::with_capacity(people.len()));
    for (place, person) in (0..).zip(people) {
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

/// Identities for people never seen before, each at its place, given in the order of their sourcedIds: so both indexes
/// of patrons grow at their ends.
fn newcomers(people: &[Person], before: &Before) -> Vec<Option<PatronId>> {
    let is_new = |person: &Person| person.enabled && !before.people.contains_key(&person.sourced_id);
    let mut new: Vec<usize> = (0..people.len()).filter(|place| is_new(&people[*place])).collect();
    new.sort_unstable_by(|one, other| people[*one].sourced_id.cmp(&people[*other].sourced_id));
    let mut identities = vec![None; people.len()];
    for place in new {
        identities[place] = Some(PatronId::new());
    }
    identities
}

/// A card stays with whoever holds it and stays, even if the delivery would give that person another one tonight.
fn claims(before: &mut Before, now: Timestamp, people: usize) -> HashMap<CardNumber, Claim> {
    let mut claims = HashMap::with_capacity(people.max(before.people.len()) + before.cards_elsewhere.len());
    let elsewhere = std::mem::take(&mut before.cards_elsewhere).into_iter();
    claims.extend(elsewhere.map(|(card, source)| (card, Claim::Elsewhere(source.into()))));
    for known in before.people.values() {
        let holds = known.held.as_ref().filter(|held| match held.present {
            true => known.stays,
            false => held.holds_card(now),
        });
        if let Some(held) = holds {
            claims.insert(held.card.clone(), Claim::Patron(known.patron));
        }
    }
    claims.extend(std::mem::take(&mut before.kept).into_iter().map(|(card, patron)| (card, Claim::Kept(patron))));
    claims
}

struct Judge<'a> {
    preview: Preview,
    report: Report,
    claims: HashMap<CardNumber, Claim>,
    /// By sourcedId.
    here: &'a HashMap<String, Known>,
    rules: &'a Rules,
}

impl Judge<'_> {
    /// The number for somebody who is here, and whether it is an earlier organisation's; `None` where they are left out.
    fn card(
        &mut self,
        person: &Person,
        patron: PatronId,
        belonging: &Belonging,
        known: Option<&Known>,
    ) -> Option<(CardNumber, bool)> {
        let at = belonging.affiliations(&person.posts).into_iter().next()?.organisation;
        let organisation = self.rules.organisations.get(&at)?;
        let present = known.and_then(Known::present);
        let from = organisation.card.from_field();
        let card = number(person, &organisation.card);
        // A number that came along from another organisation stays, as long as that is the rule.
        let held = known.and_then(|known| known.held.as_ref()).filter(|_| organisation.keeps_cards);
        let came_with = held.filter(|held| held.kept_card || held.organisation != at).map(|held| &held.card);
        let (card, kept_card) = match (came_with, card) {
            (Some(came_with), card) => (Ok(came_with.clone()), card.ok().as_ref() != Some(came_with)),
            (None, card) => (card, false),
        };
        let card = match card {
            Ok(card) => card,
            Err(why) => return self.refuse(person, &at, present, from, "no-card-number", why),
        };
        match self.claim(&card, patron, person.line) {
            Ok(()) => {
                self.preview.at(&at).present_after += 1;
                Some((card, kept_card))
            }
            Err(Taken::Aside) => {
                self.report.left_out("same-person-elsewhere");
                if let Some(held) = present {
                    self.preview.at(&held.organisation).present_after += 1;
                }
                None
            }
            Err(Taken::By(why)) => self.refuse(person, &at, present, from, "card-collision", why),
        }
    }

    fn claim(&mut self, card: &CardNumber, patron: PatronId, line: u64) -> Result<(), Taken> {
        let who = match self.claims.entry(card.clone()) {
            hash_map::Entry::Vacant(free) => {
                free.insert(Claim::Line(line));
                return Ok(());
            }
            hash_map::Entry::Occupied(taken) => match taken.get() {
                Claim::Patron(holder) | Claim::Kept(holder) if *holder == patron => return Ok(()),
                Claim::Kept(_) => "was given out, replaced or linked by the library for somebody else".to_owned(),
                Claim::Patron(holder) => {
                    let held_by = self.here.iter().find(|(_, known)| known.patron == *holder);
                    format!("is held by {:?}, who is still here", held_by.map_or("", |(sourced_id, _)| sourced_id))
                }
                Claim::Elsewhere(source) if self.rules.yields_to.iter().any(|other| *other.as_str() == **source) => {
                    return Err(Taken::Aside);
                }
                Claim::Elsewhere(source) => format!("is held by somebody of the source {source:?}"),
                Claim::Line(line) => format!("is taken by line {line} of this file"),
            },
        };
        Err(Taken::By(format!("the card number {card} {who}; correct the ID of one of the two at its origin")))
    }

    fn refuse(
        &mut self,
        person: &Person,
        at: &OrganisationId,
        present: Option<&Held>,
        from: &IdField,
        kind: &str,
        why: String,
    ) -> Option<(CardNumber, bool)> {
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

/// The number that the delivery gives somebody, or why it gives none.
pub(super) fn number(person: &Person, scheme: &CardScheme) -> Result<CardNumber, String> {
    card_id(person, scheme.from_field()).and_then(|id| scheme.number(id))
}

fn card_id<'p>(person: &'p Person, from: &IdField) -> Result<&'p str, String> {
    let id = match from {
        IdField::Identifier => person.identifier.as_deref(),
        IdField::Username => person.username.as_deref(),
        IdField::UserId(kind) => person.user_ids.iter().find(|(of, _)| of == kind).map(|(_, id)| id.as_str()),
    };
    id.ok_or_else(|| format!("there is no {} to make a card number from", String::from(from.clone())))
}

/// Why a number cannot be had.
enum Taken {
    /// It is this person's, by the word of a source that comes first.
    Aside,
    By(String),
}
