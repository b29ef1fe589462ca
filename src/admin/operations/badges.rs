//! Badges: printing takes back what was printed before for the same children, and every badge made or taken back leaves an
//! event. Their secrets and pictures leave this place once, for the sheet, and are kept nowhere.

use anyhow::{Context, Result, ensure};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Desk, cards};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        badge::{BadgeRule, BadgeSecret, Pictures, SYMBOLS, SecondStep, school_year},
        card::CardStatus,
        class::ClassRoll,
        clock::Timestamp,
        id::{OrganisationId, PatronId},
        patron::Patron,
    },
    policy::badge::may_hold,
    signon::pins::PinPool,
    store::{
        Tx, audit,
        badges::{self, Badge, Which},
        rosters::HeldRoll,
        sessions,
    },
};

/// For whom badges are printed.
#[derive(Debug, Clone)]
pub enum For {
    /// sourcedId of a class.
    Class(String),
    /// sourcedId of a school: each of its classes.
    School(String),
    Card(String),
}

/// What goes onto paper.
#[derive(Debug)]
pub struct Printed {
    pub organisation: String,
    pub school_year: String,
    pub classes: Vec<PrintedClass>,
    /// Badges of the same children that no longer work.
    pub voided: usize,
    /// Members of the classes who get none, as words.
    pub left_out: Vec<LeftOut>,
}

impl Printed {
    pub fn badges(&self) -> usize {
        self.classes.iter().map(|class| class.badges.len()).sum()
    }
}

#[derive(Debug)]
pub struct PrintedClass {
    pub title: String,
    pub badges: Vec<PrintedBadge>,
}

#[derive(Debug)]
pub struct PrintedBadge {
    pub given_name: String,
    /// What the child knows her badge by: it opens nothing.
    pub symbol: &'static str,
    pub secret: BadgeSecret,
    pub pictures: Option<Pictures>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LeftOut {
    /// `not-enrolled`, `opted-out`, `card-blocked`, `grade-or-role`, `another-organisation` or `unknown`.
    pub why: &'static str,
    pub people: usize,
}

/// Somebody who is about to get a badge.
struct Child {
    patron: Patron,
    class: String,
    place: usize,
}

/// Makes new badges. Those of before of the same children are void from now on, and what they opened has ended.
///
/// # Errors
/// Where there are no badges here, nobody is found who may have one, no reason is given, or the database does not answer.
pub async fn print(desk: &Desk, organisation: &OrganisationId, whom: &For, why: &str) -> Result<Printed> {
    let rule = rule(desk, why)?;
    ensure!(rule.organisations.contains(organisation), "[badge] does not name the organisation {organisation}");
    let catalogue = desk.db.catalogue().load().await?;
    let name = catalogue.organisations.get(organisation).map(|found| found.name.clone());
    let name = name.with_context(|| format!("there is no organisation {organisation}"))?;
    let mut left_out = Vec::new();
    let mut groups: Vec<(String, Vec<Child>)> = Vec::new();
    match whom {
        For::Card(card) => {
            let patron = cards::find(desk, card).await?.patron;
            if let Err(why) = may_have(rule, organisation, &patron, catalogue.has_opted_out(&patron), desk.clock.now())
            {
                anyhow::bail!("{card} gets no badge: {why}");
            }
            let place = patron.id.0.as_bytes().iter().map(|byte| usize::from(*byte)).sum();
            groups.push((String::new(), vec![Child { patron, class: String::new(), place }]));
        }
        For::Class(_) | For::School(_) => {
            for held in classes(desk, whom).await? {
                let title = held.roll.title.clone();
                let children = children(desk, rule, organisation, &held, &mut left_out).await?;
                if !children.is_empty() {
                    groups.push((title, children));
                }
            }
        }
    }
    // Who is in two classes gets one badge.
    let mut seen = std::collections::BTreeSet::new();
    for (_, children) in &mut groups {
        children.retain(|child| seen.insert(child.patron.id));
    }
    groups.retain(|(_, children)| !children.is_empty());
    ensure!(!groups.is_empty(), "nobody there may have a badge{}", words(&left_out));
    make(desk, rule, organisation, name, groups, left_out, why).await
}

async fn make(
    desk: &Desk,
    rule: &BadgeRule,
    organisation: &OrganisationId,
    name: String,
    groups: Vec<(String, Vec<Child>)>,
    left_out: Vec<LeftOut>,
    why: &str,
) -> Result<Printed> {
    let now = desk.clock.now();
    let year = school_year(desk.config.library.time_zone.date(now));
    let pool = PinPool::start(1, 1)?;
    // Hashing takes its time: before the transaction, which holds the one writer.
    let mut rows: Vec<(Badge, String)> = Vec::new();
    let mut classes = Vec::with_capacity(groups.len());
    for (title, children) in groups {
        let mut badges = Vec::with_capacity(children.len());
        for Child { patron, class, place } in children {
            let secret = BadgeSecret::random()?;
            let pictures = match rule.second_step {
                SecondStep::None => None,
                SecondStep::Picture => Some(Pictures::random()?),
            };
            let verifier = match pictures {
                None => None,
                Some(pictures) => Some(pool.verifier(&desk.keyring.pin_key().pictures(patron.id, pictures)).await?),
            };
            let badge = Badge {
                id: uuid::Uuid::now_v7().simple().to_string(),
                patron: patron.id,
                organisation: organisation.clone(),
                class,
                school_year: year.clone(),
                made_at: now,
                void_at: None,
                pictures: verifier,
                wrong_picks: 0,
            };
            rows.push((badge, secret.digest()));
            let symbol = SYMBOLS.get(place % SYMBOLS.len()).copied().unwrap_or_default();
            badges.push(PrintedBadge { given_name: patron.given_name, symbol, secret, pictures });
        }
        classes.push(PrintedClass { title, badges });
    }
    let mut tx = desk.db.begin().await?;
    let mut voided = 0;
    let mut events = Vec::with_capacity(rows.len());
    for (badge, secret) in &rows {
        let before = take_back(&mut tx, desk, &Which::Of(badge.patron)).await?;
        voided += before.len();
        badges::insert(&mut tx, badge, secret).await?;
        let more = json!({ "class": badge.class, "school_year": badge.school_year, "replaced": before.len() });
        events.push(event(desk, "made", badge.patron, why, more));
    }
    if voided > 0 {
        tx.patrons_changed().await?;
    }
    audit::append_alone(&mut tx, &events).await?;
    tx.commit().await?;
    Ok(Printed { organisation: name, school_year: year, classes, voided, left_out })
}

/// What badges are taken back.
#[derive(Debug, Clone)]
pub enum Void {
    Card(String),
    Class(String),
    SchoolYear(String),
    Organisation(OrganisationId),
}

/// Takes badges back for good; what they opened ends. Returns how many.
///
/// # Errors
/// Where no reason is given, a card is unknown, or the database does not answer.
pub async fn void(desk: &Desk, what: &Void, why: &str) -> Result<usize> {
    ensure!(!why.trim().is_empty(), "--reason must say why");
    let which = match what {
        Void::Card(card) => Which::Of(cards::find(desk, card).await?.patron.id),
        Void::Class(class) => Which::Class(class.clone()),
        Void::SchoolYear(year) => Which::SchoolYear(year.clone()),
        Void::Organisation(organisation) => Which::Organisation(organisation.clone()),
    };
    let mut tx = desk.db.begin().await?;
    let whose = take_back(&mut tx, desk, &which).await?;
    if !whose.is_empty() {
        tx.patrons_changed().await?;
    }
    let events: Vec<_> = whose.iter().map(|patron| event(desk, "void", *patron, why, json!({}))).collect();
    audit::append_alone(&mut tx, &events).await?;
    tx.commit().await?;
    Ok(whose.len())
}

/// A class and its badges, in numbers.
#[derive(Debug, Serialize)]
pub struct ClassView {
    pub class: String,
    pub title: String,
    /// Who may have a badge.
    pub pupils: usize,
    /// Of them, with one that works.
    pub with_badge: usize,
    /// Of those, locked by wrong pictures.
    pub locked: usize,
    /// Badges that were taken back or replaced.
    pub void: usize,
    pub left_out: Vec<LeftOut>,
}

/// # Errors
/// Where there is no such class, no reason is given, or the database does not answer.
pub async fn list(desk: &Desk, class: &str, why: &str) -> Result<Vec<ClassView>> {
    let rule = rule(desk, why)?;
    let catalogue = desk.db.catalogue().load().await?;
    let mut views = Vec::new();
    for held in classes(desk, &For::Class(class.to_owned())).await? {
        let mut view = ClassView {
            class: held.roll.sourced_id.clone(),
            title: held.roll.title.clone(),
            pupils: 0,
            with_badge: 0,
            locked: 0,
            void: 0,
            left_out: Vec::new(),
        };
        for organisation in rule.organisations.iter().filter(|id| catalogue.organisations.contains_key(*id)) {
            let mut others = Vec::new();
            for child in children(desk, rule, organisation, &held, &mut others).await? {
                let all = desk.db.badges().of(child.patron.id).await?;
                let live = all.iter().find(|badge| badge.void_at.is_none());
                view.pupils += 1;
                view.with_badge += usize::from(live.is_some());
                view.locked += usize::from(live.is_some_and(|badge| badge.wrong_picks >= crate::signon::PICKS));
                view.void += all.iter().filter(|badge| badge.void_at.is_some()).count();
            }
            for other in others.into_iter().filter(|other| other.why != OTHER_ORGANISATION) {
                count(&mut view.left_out, other.why, other.people);
            }
        }
        views.push(view);
    }
    let mut tx = desk.db.begin().await?;
    let payload = json!({ "what": "badge list", "class": class, "why": why });
    audit::append_alone(&mut tx, &[AuditEvent { at: desk.clock.now(), kind: Kind::LookUp, payload }]).await?;
    tx.commit().await?;
    Ok(views)
}

/// New pictures for the badges that work, which go on with them.
///
/// # Errors
/// Where badges need no pictures here, there is none, no reason is given, or the database does not answer.
pub async fn reset_pictures(desk: &Desk, whom: &For, why: &str) -> Result<Printed> {
    let rule = rule(desk, why)?;
    ensure!(rule.second_step == SecondStep::Picture, "[badge] asks for no pictures: second_step is \"none\"");
    let mut groups: Vec<(String, Vec<Patron>)> = Vec::new();
    match whom {
        For::Card(card) => groups.push((String::new(), vec![cards::find(desk, card).await?.patron])),
        For::Class(_) | For::School(_) => {
            for held in classes(desk, whom).await? {
                let mut patrons = Vec::new();
                for sourced_id in held.roll.students() {
                    patrons.extend(patron_of(desk, &held, sourced_id).await?);
                }
                groups.push((held.roll.title, patrons));
            }
        }
    }
    let pool = PinPool::start(1, 1)?;
    let catalogue = desk.db.catalogue().load().await?;
    let mut changed = Vec::new();
    let mut printed = Printed {
        organisation: String::new(),
        school_year: school_year(desk.config.library.time_zone.date(desk.clock.now())),
        classes: Vec::new(),
        voided: 0,
        left_out: Vec::new(),
    };
    for (title, patrons) in groups {
        let mut badges = Vec::new();
        for (place, patron) in patrons.into_iter().enumerate() {
            let all = desk.db.badges().of(patron.id).await?;
            let Some(badge) = all.into_iter().find(|badge| badge.void_at.is_none()) else {
                count(&mut printed.left_out, "without-badge", 1);
                continue;
            };
            if let Some(organisation) = catalogue.organisations.get(&badge.organisation) {
                printed.organisation = organisation.name.clone();
            }
            let pictures = Pictures::random()?;
            let verifier = pool.verifier(&desk.keyring.pin_key().pictures(patron.id, pictures)).await?;
            changed.push((badge.id, patron.id, verifier));
            // The secret is on the badge already, and nowhere else.
            let secret = BadgeSecret::random()?;
            let symbol = SYMBOLS.get(place % SYMBOLS.len()).copied().unwrap_or_default();
            badges.push(PrintedBadge { given_name: patron.given_name, symbol, secret, pictures: Some(pictures) });
        }
        printed.classes.push(PrintedClass { title, badges });
    }
    ensure!(!changed.is_empty(), "nobody there has a badge that works");
    let mut tx = desk.db.begin().await?;
    let mut events = Vec::with_capacity(changed.len());
    for (id, patron, verifier) in &changed {
        badges::set_pictures(&mut tx, id, verifier).await?;
        events.push(event(desk, "pictures", *patron, why, json!({})));
    }
    audit::append_alone(&mut tx, &events).await?;
    tx.commit().await?;
    Ok(printed)
}

fn rule<'d>(desk: &'d Desk, why: &str) -> Result<&'d BadgeRule> {
    ensure!(!why.trim().is_empty(), "--reason must say why");
    desk.config.badge.as_ref().context("there are no badges here: the configuration has no table [badge]")
}

/// Whose badges went, whose sessions ended with them.
async fn take_back(tx: &mut Tx, desk: &Desk, which: &Which) -> Result<Vec<PatronId>> {
    let now = desk.clock.now();
    let whose = badges::void(tx, which, now).await?;
    for patron in &whose {
        sessions::end_those_by_badge(tx, *patron, now).await?;
    }
    Ok(whose)
}

fn event(desk: &Desk, what: &str, patron: PatronId, why: &str, mut more: Value) -> AuditEvent {
    if let Some(map) = more.as_object_mut() {
        map.extend([
            ("what".to_owned(), what.into()),
            ("patron".to_owned(), patron.to_string().into()),
            ("why".to_owned(), why.into()),
        ]);
    }
    AuditEvent { at: desk.clock.now(), kind: Kind::Badge, payload: more }
}

/// The classes that are meant.
async fn classes(desk: &Desk, whom: &For) -> Result<Vec<HeldRoll>> {
    ensure!(desk.config.classes.read.any(), "no classes are kept here: set read in [classes], and import a roster");
    let meant = |roll: &ClassRoll| match whom {
        For::Class(id) => roll.sourced_id == *id,
        For::School(org) => roll.org == *org,
        For::Card(_) => false,
    };
    let mut found: Vec<_> =
        desk.db.rosters().live_rolls().await?.into_iter().filter(|held| meant(&held.roll)).collect();
    found.sort_by(|one, other| one.roll.title.cmp(&other.roll.title));
    match whom {
        For::School(org) => ensure!(!found.is_empty(), "no class of the rosters is at the school {org:?}"),
        For::Class(id) | For::Card(id) => ensure!(!found.is_empty(), "there is no class {id:?} in the rosters"),
    }
    Ok(found)
}

async fn patron_of(desk: &Desk, held: &HeldRoll, sourced_id: &str) -> Result<Option<Patron>> {
    let Some(id) = desk.db.badges().patron_named(&held.source, sourced_id).await? else { return Ok(None) };
    Ok(desk.db.patrons().by_id(id).await?.map(|record| record.patron))
}

const OTHER_ORGANISATION: &str = "another-organisation";

/// The pupils of a class who may have a badge, by name; the others are counted.
async fn children(
    desk: &Desk,
    rule: &BadgeRule,
    organisation: &OrganisationId,
    held: &HeldRoll,
    left_out: &mut Vec<LeftOut>,
) -> Result<Vec<Child>> {
    let catalogue = desk.db.catalogue().load().await?;
    let mut found = Vec::new();
    for sourced_id in held.roll.students() {
        let Some(patron) = patron_of(desk, held, sourced_id).await? else {
            count(left_out, "unknown", 1);
            continue;
        };
        match may_have(rule, organisation, &patron, catalogue.has_opted_out(&patron), desk.clock.now()) {
            Ok(()) => found.push(patron),
            Err(why) => count(left_out, why, 1),
        }
    }
    found.sort_by(|one, other| (&one.given_name, &one.family_name).cmp(&(&other.given_name, &other.family_name)));
    let class = &held.roll.sourced_id;
    Ok(found.into_iter().enumerate().map(|(place, patron)| Child { patron, class: class.clone(), place }).collect())
}

fn may_have(
    rule: &BadgeRule,
    organisation: &OrganisationId,
    patron: &Patron,
    opted_out: bool,
    now: Timestamp,
) -> Result<(), &'static str> {
    if !patron.affiliations.iter().any(|affiliation| affiliation.organisation == *organisation) {
        return Err(OTHER_ORGANISATION);
    }
    if opted_out {
        return Err("opted-out");
    }
    if !patron.standing.counts(now) {
        return Err("not-enrolled");
    }
    if patron.card_status == CardStatus::Blocked {
        return Err("card-blocked");
    }
    may_hold(rule, patron).map_err(|_| "grade-or-role")
}

fn count(all: &mut Vec<LeftOut>, why: &'static str, people: usize) {
    match all.iter_mut().find(|known| known.why == why) {
        Some(known) => known.people += people,
        None => all.push(LeftOut { why, people }),
    }
}

fn words(left_out: &[LeftOut]) -> String {
    let all: Vec<String> = left_out.iter().map(|LeftOut { why, people }| format!("{people} {why}")).collect();
    if all.is_empty() { String::new() } else { format!(" ({})", all.join(", ")) }
}
