//! A patron signs out: the session ends, whoever it went to is told, and a page can say who was reached.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{Fault, SignOn, Visitor, farewell::Ways};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        farewell::Parting,
        handle,
        id::{SessionId, VendorId},
    },
    ephemeral::Namespace,
    store::journal::Record,
};

/// A vendor's wish that the patron signs out, kept while she is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wish {
    pub vendor: VendorId,
    /// Where the browser goes afterwards: an address that the vendor's protocol has checked.
    pub then: Option<String>,
}

/// A session ended.
#[derive(Debug)]
pub struct Departed {
    /// Finds `Left` for as long as it is worth telling.
    pub ticket: String,
    /// Whether there is anything that only a page can do or say: frames to load, vendors that were not reached.
    pub page_needed: bool,
}

/// What became of a sign-out.
#[derive(Debug, Default)]
pub struct Left {
    /// To be loaded by the patron's browser.
    pub frames: Vec<String>,
    /// Names of vendors that know.
    pub told: Vec<String>,
    /// Of vendors that are told by the frames, which nobody confirms.
    pub asked: Vec<String>,
    /// Of vendors that did not answer; they are tried again.
    pub unreached: Vec<String>,
    /// Of vendors that cannot be told.
    pub open: Vec<String>,
    pub then: Option<String>,
}

/// As it waits on the shelf.
#[derive(Serialize, Deserialize)]
struct Departure {
    session: SessionId,
    places: Vec<Place>,
    then: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Place {
    vendor: VendorId,
    relying_party: String,
    by_message: bool,
    in_browser: Option<String>,
}

/// How long the patron waits for vendors to answer.
const WAIT: Duration = Duration::from_secs(2);
/// How long a page may still name where somebody was: the next child sits down soon.
const REMEMBERED: Duration = Duration::from_secs(2 * 60);
/// How long a question waits for its answer.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

impl SignOn {
    /// Keeps a vendor's wish while the patron is asked.
    ///
    /// # Errors
    /// A fault where the shelf does not answer.
    pub async fn wish_to_leave(&self, wish: &Wish) -> Result<String, Fault> {
        let ticket = handle::random()?;
        self.app().shelf.put(Namespace::Wish, &ticket, written(wish)?, PATIENCE).await?;
        Ok(ticket)
    }

    /// # Errors
    /// A fault where the shelf does not answer.
    pub async fn wish(&self, ticket: &str) -> Result<Option<Wish>, Fault> {
        let kept = self.app().shelf.get(Namespace::Wish, ticket).await?;
        Ok(kept.and_then(|bytes| serde_json::from_slice(&bytes).ok()))
    }

    /// Ends this browser's session and everything granted through it, and tells everybody whom it went to, for whom
    /// the patron waits a moment. `None` where nobody is signed in.
    ///
    /// # Errors
    /// A fault where the store does not answer; then the session goes on.
    pub async fn leave(&self, visitor: &Visitor, then: Option<String>) -> Result<Option<Departed>, Fault> {
        let Some(handle) = visitor.handle() else { return Ok(None) };
        let Some(session) = self.session_by(&handle).await? else { return Ok(None) };
        let app = self.app();
        let now = app.clock.now();
        let partings = app.store.farewells().of_session(session.id).await?;
        let payload = json!({ "patron": session.patron.to_string(), "session": session.id.to_string() });
        let event = AuditEvent { at: now, kind: Kind::SignOut, payload };
        app.journal.keep(vec![Record::SessionEnded(session.id, now)], vec![event]).await?;
        self.0.known.session_ended(&handle, session.id);

        let with_ways = |parting: Parting| {
            let ways = self.ways(&parting);
            (parting, ways)
        };
        let places: Vec<(Parting, Ways)> = partings.into_iter().map(with_ways).collect();
        self.tell_now(session.id, &places).await;
        let place = |(parting, ways): (Parting, Ways)| Place {
            vendor: parting.vendor,
            relying_party: parting.relying_party,
            by_message: ways.by_message,
            in_browser: ways.in_browser,
        };
        let departure = Departure { session: session.id, places: places.into_iter().map(place).collect(), then };
        let left = self.look_back(&departure).await?;
        let ticket = handle::random()?;
        app.shelf.put(Namespace::Departure, &ticket, written(&departure)?, REMEMBERED).await?;
        Ok(Some(Departed { ticket, page_needed: !left.frames.is_empty() || !left.unreached.is_empty() }))
    }

    /// From here on nothing may fail the sign-out, which is done: whatever is not told now, the job tells.
    async fn tell_now(&self, session: SessionId, places: &[(Parting, Ways)]) {
        let to_tell = places.iter().filter(|(_, ways)| ways.by_message);
        let to_tell: Vec<Parting> = to_tell.map(|(parting, _)| parting.clone()).collect();
        if to_tell.is_empty() {
            return;
        }
        let signon = self.clone();
        // Goes on when the patron's browser does not wait.
        let telling = tokio::spawn(async move {
            if let Err(error) = signon.tell_of(session, &to_tell).await {
                tracing::warn!(%error, "vendors are told of a sign-out later");
            }
        });
        let tried = async {
            let _ = telling.await;
            self.tried(session).await
        };
        if let Ok(Err(error)) = tokio::time::timeout(WAIT, tried).await {
            tracing::warn!(%error, "who was told of a sign-out cannot be read");
        }
    }

    /// What became of the sign-out with this ticket, as of now; `None` where that is over.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn left(&self, ticket: &str) -> Result<Option<Left>, Fault> {
        let Some(bytes) = self.app().shelf.get(Namespace::Departure, ticket).await? else { return Ok(None) };
        let departure = serde_json::from_slice(&bytes).map_err(|error| Fault::Broken(error.to_string()))?;
        self.look_back(&departure).await.map(Some)
    }

    async fn look_back(&self, departure: &Departure) -> Result<Left, Fault> {
        let catalogue = self.app().catalogue();
        let told = match departure.places.iter().any(|place| place.by_message) {
            true => self.app().store.farewells().standing(departure.session).await?,
            false => Vec::new(),
        };
        let told = |place: &Place| {
            told.iter().any(|message| message.relying_party == place.relying_party && message.told_at.is_some())
        };
        let mut left = Left { then: departure.then.clone(), ..Left::default() };
        // A vendor with several relying parties is named once, for what is worst.
        let mut worst = BTreeMap::new();
        for place in &departure.places {
            left.frames.extend(place.in_browser.clone());
            let how = match (place.by_message, &place.in_browser) {
                (true, _) if told(place) => How::Told,
                (true, _) => How::Unreached,
                (false, Some(_)) => How::Asked,
                (false, None) => How::Open,
            };
            let name = catalogue.vendors.get(&place.vendor).map_or(place.vendor.as_str(), |vendor| &vendor.name);
            let known = worst.entry(name.to_owned()).or_insert(how);
            *known = how.max(*known);
        }
        for (name, how) in worst {
            match how {
                How::Told => left.told.push(name),
                How::Asked => left.asked.push(name),
                How::Open => left.open.push(name),
                How::Unreached => left.unreached.push(name),
            }
        }
        Ok(left)
    }
}

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum How {
    Told,
    Asked,
    Open,
    Unreached,
}

fn written(value: &impl Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(value).map_err(|error| Fault::Broken(error.to_string()))
}
