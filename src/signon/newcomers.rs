//! People of a school that has no roster: whoever its upstream vouches for is put on one as they come, by the same rule as
//! every delivery, and is an enrolled patron from then on.

use std::time::Duration;

use super::{Fault, SignOn};
use crate::{
    directory::{
        Changes, Extent, Org, Person, Post, Roster,
        redirect::{Creates, Newcomer, Portal, Shown},
        roster::{ImportError, ImportOptions, Merge, Rules},
        source::Delivery,
    },
    domain::{id::SourceId, lookup::LookupField, organisation::Organisation},
    store,
};

/// One comes in after the other in this process.
pub(super) type Door = tokio::sync::Mutex<()>;

/// Another process may be at it.
const TRIES: usize = 8;
const BETWEEN: Duration = Duration::from_millis(150);

impl SignOn {
    /// Puts somebody on the roster whom nobody there is, where the upstream's settings say so. `false`: nobody was.
    ///
    /// # Errors
    /// `Busy` where many come at once; else a fault where the store does not answer.
    pub(super) async fn takes_in(&self, source: &SourceId, portal: &Portal, shown: &Shown) -> Result<bool, Fault> {
        let (Some(creates), Some(newcomer)) = (&portal.creates, &shown.newcomer) else { return Ok(false) };
        let app = self.app();
        let catalogue = app.catalogue();
        let Some(organisation) = catalogue.organisations.get(&creates.organisation) else { return Ok(false) };
        let rules = Rules::of(&catalogue, source, app.clock.now(), &app.config.library.time_zone);
        let pin_key = app.keyring.pin_key();
        let merge = Merge { db: &app.store, clock: &app.clock, pin_key, rules: &rules, progress: &|_, _, _| {} };
        let _door = self.0.newcomers.lock().await;
        // A first look, so that whoever is refused leaves no run behind.
        let mut options = ImportOptions { dry_run: true, ..ImportOptions::default() };
        for _ in 0..TRIES {
            let roster = roster(organisation, creates, newcomer, portal, &shown.value);
            let delivery = Delivery { roster, origin: format!("sign-in at {}", portal.name), bookmark: None };
            match merge.deliver(source, delivery, options).await {
                Ok(outcome) if outcome.preview.totals.refused > 0 => {
                    let kinds: Vec<&str> = outcome.report.notes.iter().map(|note| note.kind.as_str()).collect();
                    tracing::warn!(upstream = %source, why = kinds.join(" "), "a newcomer was not taken in");
                    return Ok(false);
                }
                Ok(outcome) if outcome.applied => return Ok(true),
                Ok(_) => options.dry_run = false,
                Err(ImportError::Store(store::Error::Conflict(_))) => tokio::time::sleep(BETWEEN).await,
                Err(ImportError::Store(error)) => return Err(error.into()),
                Err(error) => return Err(Fault::Broken(error.to_string())),
            }
        }
        Err(Fault::Busy { retry_after: 2 })
    }
}

/// A delivery that tells of this one person. A pupil has no grade, and so the youngest's shelf.
fn roster(organisation: &Organisation, creates: &Creates, newcomer: &Newcomer, portal: &Portal, value: &str) -> Roster {
    let org = organisation.roster.first().cloned().unwrap_or_default();
    let Newcomer { sourced_id, given_name, family_name } = newcomer.clone();
    let posts = vec![Post::new(org.as_str(), creates.role, None)];
    let mut person = Person { sourced_id, given_name, family_name, enabled: true, posts, ..Person::default() };
    let value = value.trim().to_owned();
    match &portal.field {
        LookupField::Username => person.username = Some(value),
        LookupField::UserId(kind) => person.user_ids = vec![(kind.clone(), value)],
        _ => person.identifier = Some(value),
    }
    let changes = Changes { may_be_first: true, posts_are_whole: true, ..Changes::default() };
    Roster {
        orgs: vec![Org { sourced_id: org.into(), parent: None, name: organisation.name.clone() }],
        people: vec![person],
        extent: Extent::Changes(changes),
        ..Roster::default()
    }
}
