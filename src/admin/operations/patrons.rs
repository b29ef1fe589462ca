//! What an operator may do with a person: see all that is kept, enter a family's no and its return, lower an audience.
//! Each leaves an event. Erasing is `erase`'s, and what one card is given `privileges`'s.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;
use serde_json::json;

use super::{
    Desk,
    cards::{self, CardView, find, note},
};
use crate::{
    domain::{
        audit::Kind as Event,
        catalogue::{Catalogue, OptOut},
        clock::Date,
        grade::AudienceBand,
        id::VendorId,
        kept::Kept,
        patron::Patron,
    },
    store::{catalogue::Kind, people::Belongings, sessions},
};

/// What the library keeps with a patron, as staff see it.
#[derive(Debug, Default, Serialize)]
pub struct KeptView {
    /// Of a blocked card. `null` also where it was blocked before reasons were kept.
    pub block: Option<BlockView>,
    /// The highest audience band that a parent allows.
    pub audience: Option<AudienceBand>,
    /// Given to this card besides what agreements grant.
    pub privileges: Vec<PrivilegeView>,
}

#[derive(Debug, Serialize)]
pub struct BlockView {
    /// RFC 3339.
    pub since: String,
    /// The same on the library's clock.
    #[serde(skip)]
    pub since_here: String,
    pub reason: String,
}

#[derive(Debug, Serialize)]
pub struct PrivilegeView {
    /// By the name that the scope has now; its identity where the catalogue does not hold it any more.
    pub scope: String,
    /// The last day.
    pub until: Date,
    pub over: bool,
}

impl KeptView {
    pub(super) fn of(desk: &Desk, catalogue: &Catalogue, kept: &Kept) -> KeptView {
        let (now, zone) = (desk.clock.now(), &desk.config.library.time_zone);
        let privileges = kept.privileges.iter().map(|given| {
            let scope = catalogue.scopes.get(&given.scope);
            PrivilegeView {
                scope: scope.map_or_else(|| given.scope.to_string(), |scope| scope.shown(now).to_string()),
                until: given.until,
                over: now >= zone.end_of(given.until) || !scope.is_some_and(|scope| scope.is_in_use(now)),
            }
        });
        KeptView {
            block: kept.block.as_ref().map(|block| BlockView {
                since: block.since.rfc3339(),
                since_here: zone.minute(block.since),
                reason: block.reason.clone(),
            }),
            audience: kept.audience,
            privileges: privileges.collect(),
        }
    }
}

/// Everything that is kept of a person.
#[derive(Debug, Serialize)]
pub struct PatronView {
    #[serde(flatten)]
    pub card: CardView,
    /// The library's own name of the person, which no vendor learns.
    pub patron: String,
    pub source: String,
    /// The directory's own key of the person.
    pub sourced_id: String,
    /// RFC 3339; absent of a person without any roster row, which a test patron may be.
    pub known_since: String,
    /// When the roster stopped to list them, RFC 3339.
    pub withdrawn_since: Option<String>,
    /// Rows that rosters brought and that an undo could need.
    pub roster_rows: u64,
    pub open_sessions: u64,
    pub ended_sessions: u64,
    /// Grants that may outlive their session: apps and e-readers.
    pub lasting_grants: u64,
    /// How often, by vendor, within the retention time. Neither when nor what.
    pub passages: BTreeMap<VendorId, u64>,
    /// Audit events that name the person.
    pub audit_events: u64,
    /// Exports that have told of the card.
    pub exports: Vec<String>,
    /// The tombstones that hit: `card:…` or `source/sourcedId`, each with who entered it.
    pub opt_outs: Vec<OptOutView>,
}

#[derive(Debug, Serialize)]
pub struct OptOutView {
    pub key: String,
    pub since: Option<Date>,
    /// `command` or `file`.
    pub by: &'static str,
}

/// # Errors
/// Where the card is unknown, or the database does not answer.
pub async fn show(desk: &Desk, card: &str, why: &str) -> Result<PatronView> {
    let record = find(desk, card).await?;
    let patron = &record.patron;
    let catalogue = desk.db.catalogue().load().await?;
    let mut tx = desk.db.begin().await?;
    let tombstones = tombstones(&tx.catalogue().bodies().await?, patron)?;
    note(desk, &mut tx, &record, Event::LookUp, json!({ "what": "patron show", "why": why })).await?;
    tx.commit().await?;
    let Belongings { created_at, withdrawn_at, roster_rows, open, ended, lasting, passages, exports } =
        desk.db.people().belongings(patron.id, desk.clock.now()).await?;
    let audit_events = desk.db.people().events_of(std::iter::once(patron.id)).await?.len() as u64;
    Ok(PatronView {
        card: cards::view(desk, &catalogue, &record),
        patron: patron.id.to_string(),
        source: patron.source.to_string(),
        sourced_id: patron.sourced_id.clone(),
        known_since: created_at.rfc3339(),
        withdrawn_since: withdrawn_at.map(|at| at.rfc3339()),
        roster_rows,
        open_sessions: open,
        ended_sessions: ended,
        lasting_grants: lasting,
        passages,
        audit_events,
        exports,
        opt_outs: tombstones
            .into_iter()
            .map(|opt_out| OptOutView {
                key: opt_out.key(),
                since: opt_out.since,
                by: if opt_out.by_command { "command" } else { "file" },
            })
            .collect(),
    })
}

/// The tombstones that name this patron.
fn tombstones(bodies: &crate::store::catalogue::Bodies, patron: &Patron) -> Result<Vec<OptOut>> {
    let keys = OptOut::keys_of(patron);
    let found = keys.into_iter().filter_map(|key| bodies.get(&(Kind::OptOut, key)));
    Ok(found.map(|body| serde_json::from_value(body.clone())).collect::<Result<_, _>>()?)
}

/// Enters a family's no: the same tombstone as a file's, known by the directory's own key, so that it also holds when
/// the card gets another number. Sessions end at once. `false` where a tombstone stood already.
///
/// # Errors
/// Where the card is unknown or a test patron's, or the database does not answer.
pub async fn opt_out(desk: &Desk, card: &str, why: &str) -> Result<bool> {
    let record = find(desk, card).await?;
    let (patron, now) = (&record.patron, desk.clock.now());
    ensure!(
        !patron.is_test(),
        "{} is a test patron's card: take it out of the configuration file instead",
        patron.card
    );
    let mut tx = desk.db.begin().await?;
    // Whoever else changes the programme waits here.
    tx.catalogue().changed().await?;
    if !tombstones(&tx.catalogue().bodies().await?, patron)?.is_empty() {
        return Ok(false);
    }
    let opt_out = OptOut {
        card: None,
        source: Some(patron.source.clone()),
        sourced_id: Some(patron.sourced_id.clone()),
        since: Some(desk.config.library.time_zone.date(now)),
        by_command: true,
    };
    tx.catalogue().put(Kind::OptOut, &opt_out.key(), &opt_out, now).await?;
    sessions::end_all_of(&mut tx, patron.id, None, now).await?;
    note(desk, &mut tx, &record, Event::PatronFacts, json!({ "what": "opt-out", "why": why })).await?;
    tx.commit().await?;
    Ok(true)
}

/// Takes a tombstone that staff entered away: the family has changed its mind. `false` where none stood.
///
/// # Errors
/// Where the card is unknown, a file declares a tombstone of this person, or the database does not answer.
pub async fn opt_in(desk: &Desk, card: &str, why: &str) -> Result<bool> {
    let record = find(desk, card).await?;
    let mut tx = desk.db.begin().await?;
    tx.catalogue().changed().await?;
    let tombstones = tombstones(&tx.catalogue().bodies().await?, &record.patron)?;
    if tombstones.is_empty() {
        return Ok(false);
    }
    if let Some(declared) = tombstones.iter().find(|opt_out| !opt_out.by_command) {
        bail!(
            "a configuration file declares this opt-out ([[opt_out]] {}), and would bring it back: take it out of the \
             file and apply that with --prune",
            declared.key()
        );
    }
    for opt_out in &tombstones {
        tx.catalogue().remove(Kind::OptOut, &opt_out.key()).await?;
    }
    note(desk, &mut tx, &record, Event::PatronFacts, json!({ "what": "opt-in", "why": why })).await?;
    tx.commit().await?;
    Ok(true)
}

/// Lowers a pupil's audience band to `highest` at most, as a parent wishes; `None` lets the grade alone speak again.
/// `false` where it was so already.
///
/// # Errors
/// Where the card is unknown or not a pupil's, or the database does not answer.
pub async fn audience(desk: &Desk, card: &str, highest: Option<AudienceBand>, why: &str) -> Result<bool> {
    let record = find(desk, card).await?;
    let patron = &record.patron;
    if highest.is_some() && !patron.is_student() {
        bail!("{} is no pupil's card: only the audience that follows from a grade can be lowered", patron.card);
    }
    let mut tx = desk.db.begin().await?;
    let change = |kept: &mut Kept| std::mem::replace(&mut kept.audience, highest) != highest;
    let changed = desk.db.patrons().keep(&mut tx, patron.id, change).await?.context("this patron has just gone")?;
    if changed {
        let payload = json!({ "what": "audience", "audience": highest, "why": why });
        note(desk, &mut tx, &record, Event::PatronFacts, payload).await?;
        tx.commit().await?;
    }
    Ok(changed)
}
