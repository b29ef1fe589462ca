//! The rule, without any I/O: a delivery beside what holds now makes the rows that a run would write.

use std::collections::{BTreeMap, HashMap, HashSet, hash_map};

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

pub(super) struct Plan {
    pub(super) preview: Preview,
    pub(super) report: Report,
    pub(super) movements: Vec<Movement>,
    pub(super) entries: Vec<Entry>,
    /// Each with the instant until which the card lives on; 0 where it does not.
    pub(super) withdrawn: BTreeMap<Timestamp, Vec<PatronId>>,
    pub(super) shifts: Vec<Shift>,
}

/// Who has a claim to a card number that nobody else can take in this run.
enum Claim {
    /// Enrolled already, and staying.
    Patron(PatronId, String),
    Elsewhere(String),
    /// The library keeps it for this patron, here or not.
    Kept(PatronId),
    Line(u64),
}

const USERS: &str = "users.csv";
const GIVE_BACK_EVERY: usize = 16 * 1024;

pub(super) fn plan(source: &SourceId, incoming: Incoming, mut before: Before, rules: &Rules, key: &PinKey) -> Plan {
    let Incoming { orgs, mut people, report, touched, kept } = incoming;
    let belonging = Belonging::new(&orgs, &rules.organisations, rules.today());
    let repeated = mark_who_stays(&mut before, &people, &belonging);
    if let Some(touched) = &touched {
        for (sourced_id, known) in &mut before.people {
            known.stays |= !touched.contains(sourced_id);
        }
    }
    let newcomers = newcomers(&people, &before);
    let claims = claims(&mut before, rules.now);
    let (preview, movements, shifts) = (Preview::new(source), Movements::default(), Shifts::default());
    let mut draft = Draft { preview, report, movements, shifts, claims, newcomers, rules, key, kept };
    // Whoever the directory calls disabled is out, summer or not.
    let mut disabled: HashSet<String> = HashSet::new();
    let mut entries = Vec::new();
    let mut nowhere: BTreeMap<String, u64> = BTreeMap::new();
    // From the end, so that the room of those who are done is given back while the rows for them are made.
    let all = people.len();
    people.reverse();
    while let Some(person) = people.pop() {
        let place = all - people.len() - 1;
        if people.len().is_multiple_of(GIVE_BACK_EVERY) {
            people.shrink_to_fit();
        }
        if !person.enabled {
            disabled.insert(person.sourced_id);
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
    let mut withdrawn: BTreeMap<Timestamp, Vec<PatronId>> = BTreeMap::new();
    for (sourced_id, known) in &before.people {
        let disabled = disabled.contains(sourced_id);
        let Some(held) = known.present() else {
            if disabled && known.held.as_ref().is_some_and(|held| held.bridged_until > rules.now) {
                withdrawn.entry(Timestamp(0)).or_default().push(known.patron);
            }
            continue;
        };
        let counts = draft.preview.at(&held.organisation);
        counts.present_before += 1;
        if !known.stays {
            counts.withdrawn += 1;
            let until = if disabled { None } else { rules.bridge(&held.organisation) };
            counts.bridged += u64::from(until.is_some());
            draft.movements.note(Change::Withdrawn, &held.organisation, sourced_id, &held.card);
            if until.is_none() {
                draft.shifts.note(Some(&held.affiliations), None);
            }
            withdrawn.entry(until.unwrap_or(Timestamp(0))).or_default().push(known.patron);
        } else if touched.as_ref().is_some_and(|touched| !touched.contains(sourced_id)) {
            counts.present_after += 1;
            counts.unchanged += 1;
        }
    }
    for (organisation, n) in &before.others {
        let counts = draft.preview.at(organisation);
        counts.present_before += n;
        counts.present_after += n;
        counts.unchanged += n;
    }
    withdrawn.values_mut().for_each(|people| people.sort_unstable());
    entries.sort_unstable_by_key(|entry: &Entry| entry.patron);
    let Draft { mut preview, mut report, movements, shifts, .. } = draft;
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
    Plan { preview, report, movements: movements.sorted(), entries, withdrawn, shifts: shifts.listed() }
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
fn claims(before: &mut Before, now: Timestamp) -> HashMap<CardNumber, Claim> {
    let elsewhere = std::mem::take(&mut before.cards_elsewhere).into_iter();
    let mut claims: HashMap<CardNumber, Claim> =
        elsewhere.map(|(card, source)| (card, Claim::Elsewhere(source))).collect();
    for (sourced_id, known) in &before.people {
        let holds = known.held.as_ref().filter(|held| match held.present {
            true => known.stays,
            false => held.holds_card(now),
        });
        if let Some(held) = holds {
            claims.insert(held.card.clone(), Claim::Patron(known.patron, sourced_id.clone()));
        }
    }
    claims.extend(std::mem::take(&mut before.kept).into_iter().map(|(card, patron)| (card, Claim::Kept(patron))));
    claims
}

struct Draft<'a> {
    preview: Preview,
    report: Report,
    movements: Movements,
    shifts: Shifts,
    claims: HashMap<CardNumber, Claim>,
    newcomers: HashMap<String, PatronId>,
    rules: &'a Rules,
    key: &'a PinKey,
    kept: HashMap<String, Kept>,
}

impl Draft<'_> {
    /// The row for somebody who is here, or `None` where they are as they were or the row is refused.
    fn entry(&mut self, person: Person, belonging: &Belonging, known: Option<&Known>) -> Option<Entry> {
        let affiliations = belonging.affiliations(&person.posts);
        let at = affiliations.first()?.organisation.clone();
        let organisation = self.rules.organisations.get(&at)?;
        let patron = match known {
            Some(known) => known.patron,
            None => *self.newcomers.get(&person.sourced_id)?,
        };
        let present = known.and_then(Known::present);
        let from = organisation.card.from_field();
        let card = number(&person, &organisation.card);
        // A number that came along from another organisation stays, as long as that is the rule.
        let held = known.and_then(|known| known.held.as_ref()).filter(|_| organisation.keeps_cards);
        let came_with = held.filter(|held| held.kept_card || held.organisation != at).map(|held| &held.card);
        let (card, kept_card) = match (came_with, card) {
            (Some(came_with), card) => (Ok(came_with.clone()), card.ok().as_ref() != Some(came_with)),
            (None, card) => (card, false),
        };
        let card = match card {
            Ok(card) => card,
            Err(why) => return self.refuse(&person, &at, present, from, "no-card-number", why),
        };
        match self.claim(&card, patron, person.line) {
            Ok(()) => {}
            Err(Taken::Aside) => {
                self.report.left_out("same-person-elsewhere");
                if let Some(held) = present {
                    self.preview.at(&held.organisation).present_after += 1;
                }
                return None;
            }
            Err(Taken::By(why)) => return self.refuse(&person, &at, present, from, "card-collision", why),
        }
        let affiliations = affiliations.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let kept = self.kept.get(&person.sourced_id);
        let pin = self.first_pin(&person, organisation.initial_pin, patron, kept);
        let named = Named::of(&person).text();
        let lookups = lookups::of(
            &person,
            &self.rules.lookups,
            self.key,
            kept.filter(|kept| kept.row).map(|kept| kept.lookups.as_str()),
        );
        let digest = self.key.digest(&[
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
        counts.present_after += 1;
        match (known, present) {
            (_, Some(held)) if held.digest == digest => {
                counts.unchanged += 1;
                return None;
            }
            (_, Some(held)) => {
                counts.changed += 1;
                self.shifts.note(Some(&held.affiliations), Some(&affiliations));
                self.movements.note(Change::Changed, &at, &person.sourced_id, &card);
            }
            // Somebody whom only an undone run has named is as new to everybody as anybody.
            (Some(Known { held: Some(_), .. }), None) => {
                counts.returning += 1;
                self.shifts.note(None, Some(&affiliations));
                self.movements.note(Change::Returning, &at, &person.sourced_id, &card);
            }
            (_, None) => {
                counts.added += 1;
                self.shifts.note(None, Some(&affiliations));
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
            kept_card,
            initial_pin: pin,
            named,
            lookups,
            digest,
        })
    }

    /// `KeyedPin` in hex. What a delivery of changes does not say stays.
    fn first_pin(&self, person: &Person, kind: InitialPin, patron: PatronId, kept: Option<&Kept>) -> Option<String> {
        let keyed = |pin: &str| self.key.keyed(patron, pin).hex();
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

    fn claim(&mut self, card: &CardNumber, patron: PatronId, line: u64) -> Result<(), Taken> {
        let who = match self.claims.entry(card.clone()) {
            hash_map::Entry::Vacant(free) => {
                free.insert(Claim::Line(line));
                return Ok(());
            }
            hash_map::Entry::Occupied(taken) => match taken.get() {
                Claim::Patron(holder, _) | Claim::Kept(holder) if *holder == patron => return Ok(()),
                Claim::Kept(_) => "was given out, replaced or linked by the library for somebody else".to_owned(),
                Claim::Patron(_, sourced_id) => format!("is held by {sourced_id:?}, who is still here"),
                Claim::Elsewhere(source) if self.rules.yields_to.iter().any(|other| other.as_str() == source) => {
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
