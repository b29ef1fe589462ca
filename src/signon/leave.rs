//! A patron signs out: the session ends, whoever it went to is told, and a page can say who was reached. Some are told
//! by the patron's own browser, which visits them one after another and comes back.

use std::{collections::BTreeMap, time::Duration};

use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Fault, SignOn, Visitor,
    farewell::{self, Leaving, Ways},
};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        farewell::{Outcome, Parting, Tried},
        handle,
        id::{PatronId, SessionId, VendorId},
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
    pub onward: Onward,
}

/// Where the browser goes after a sign-out, or in the middle of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Onward {
    /// To a relying party that must be told by it: by way of this local path.
    Visit(String),
    /// To the page that has something to do or to say: this local path.
    Page(String),
    /// Back to whoever wished for the sign-out.
    Back(String),
}

impl Onward {
    pub fn to(&self) -> &str {
        match self {
            Onward::Visit(to) | Onward::Page(to) | Onward::Back(to) => to,
        }
    }
}

/// A relying party that the browser visits.
#[derive(Debug, Clone)]
pub struct Visit {
    pub leaving: Leaving,
    /// What its protocol kept with the last grant there.
    pub terms: Option<serde_json::Value>,
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

impl Departure {
    /// Where to go afterwards. A place of ours is told which sign-out it was, so that it can say who was reached.
    fn then(&self, ticket: &str) -> Option<String> {
        let then = self.then.as_deref()?;
        Some(if then.starts_with('/') { format!("{then}?{OF}={ticket}") } else { then.to_owned() })
    }
}

/// The parameter by which a local path learns the ticket of the sign-out that led there.
pub const OF: &str = "of";

#[derive(Serialize, Deserialize)]
struct Place {
    patron: PatronId,
    vendor: VendorId,
    protocol: String,
    relying_party: String,
    by_message: bool,
    in_browser: Option<String>,
    by_visit: Option<String>,
    /// Whether the visit there told it; absent where the browser was not there yet.
    visited: Option<bool>,
}

impl Place {
    fn parting(&self, session: SessionId) -> Parting {
        Parting {
            session,
            patron: self.patron,
            vendor: self.vendor.clone(),
            protocol: self.protocol.clone(),
            relying_party: self.relying_party.clone(),
        }
    }
}

/// A visit as it waits on the shelf: of which sign-out, to which of its places.
#[derive(Serialize, Deserialize)]
struct Visiting {
    departure: String,
    place: usize,
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
    /// the patron waits a moment, but not `whoever` asked for it. `None` where nobody is signed in.
    ///
    /// # Errors
    /// A fault where the store does not answer; then the session goes on.
    pub async fn leave(
        &self,
        visitor: &Visitor,
        then: Option<String>,
        whoever: Option<(&str, &str)>,
    ) -> Result<Option<Departed>, Fault> {
        let Some(handle) = visitor.handle() else { return Ok(None) };
        let Some(session) = self.session_by(&handle).await? else { return Ok(None) };
        let app = self.app();
        let now = app.clock.now();
        let mut partings = app.store.farewells().of_session(session.id).await?;
        partings.retain(|p| whoever != Some((p.protocol.as_str(), p.relying_party.as_str())));
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
            patron: parting.patron,
            vendor: parting.vendor,
            protocol: parting.protocol,
            relying_party: parting.relying_party,
            by_message: ways.by_message,
            in_browser: ways.in_browser,
            by_visit: ways.by_visit.map(str::to_owned),
            visited: None,
        };
        let departure = Departure { session: session.id, places: places.into_iter().map(place).collect(), then };
        let ticket = handle::random()?;
        self.remember(&ticket, &departure).await?;
        let onward = self.onward(&ticket, &departure).await?;
        Ok(Some(Departed { ticket, onward }))
    }

    async fn remember(&self, ticket: &str, departure: &Departure) -> Result<(), Fault> {
        Ok(self.app().shelf.put(Namespace::Departure, ticket, written(departure)?, REMEMBERED).await?)
    }

    async fn departure(&self, ticket: &str) -> Result<Option<Departure>, Fault> {
        let kept = self.app().shelf.get(Namespace::Departure, ticket).await?;
        kept.map(|bytes| serde_json::from_slice(&bytes).map_err(|e| Fault::Broken(e.to_string()))).transpose()
    }

    /// The next visit, where one is left; else the page, where there is anything that only it can do or say.
    async fn onward(&self, ticket: &str, departure: &Departure) -> Result<Onward, Fault> {
        let next = departure.places.iter().enumerate().find_map(|(at, place)| {
            let path = place.by_visit.as_deref().filter(|_| place.visited.is_none())?;
            Some((at, path))
        });
        if let Some((place, path)) = next {
            let visit = handle::random()?;
            let visiting = Visiting { departure: ticket.to_owned(), place };
            self.app().shelf.put(Namespace::Visit, &visit, written(&visiting)?, REMEMBERED).await?;
            return Ok(Onward::Visit(format!("{path}{visit}")));
        }
        let left = self.look_back(departure).await?;
        let page_needed = !left.frames.is_empty() || !left.unreached.is_empty();
        Ok(match departure.then(ticket) {
            Some(then) if !page_needed => Onward::Back(then),
            _ => Onward::Page(format!("/signed-out/{ticket}")),
        })
    }

    /// Whom the browser with this ticket is to visit; `None` where that is over.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn visit(&self, ticket: &str) -> Result<Option<Visit>, Fault> {
        let Some(bytes) = self.app().shelf.get(Namespace::Visit, ticket).await? else { return Ok(None) };
        let visiting: Visiting = serde_json::from_slice(&bytes).map_err(|e| Fault::Broken(e.to_string()))?;
        let Some(departure) = self.departure(&visiting.departure).await? else { return Ok(None) };
        let Some(place) = departure.places.get(visiting.place) else { return Ok(None) };
        let parting = place.parting(departure.session);
        let terms = self.app().store.passages().last_terms(&parting).await?;
        Ok(self.leaving(&parting).map(|leaving| Visit { leaving, terms }))
    }

    /// The browser is back from the visit with this ticket, which is spent by that. `None` where that is over.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn visited(&self, ticket: &str, told: Result<(), String>) -> Result<Option<Onward>, Fault> {
        let Some(bytes) = self.app().shelf.take(Namespace::Visit, ticket).await? else { return Ok(None) };
        let visiting: Visiting = serde_json::from_slice(&bytes).map_err(|e| Fault::Broken(e.to_string()))?;
        let Some(mut departure) = self.departure(&visiting.departure).await? else { return Ok(None) };
        let session = departure.session;
        if let Some(place) = departure.places.get_mut(visiting.place) {
            place.visited = Some(told.is_ok());
            let outcome = told.map_or_else(Outcome::GivenUp, |()| Outcome::Told);
            let tried = Tried { parting: place.parting(session), tries: 1, at: self.app().clock.now(), outcome };
            let events = farewell::event(&tried).into_iter().collect();
            self.app().journal.keep(Vec::new(), events).await?;
        }
        self.remember(&visiting.departure, &departure).await?;
        self.onward(&visiting.departure, &departure).await.map(Some)
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
        match self.departure(ticket).await? {
            Some(departure) => {
                let left = self.look_back(&departure).await?;
                Ok(Some(Left { then: departure.then(ticket), ..left }))
            }
            None => Ok(None),
        }
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
        let mut left = Left::default();
        // A vendor with several relying parties is named once, for what is worst.
        let mut worst = BTreeMap::new();
        for place in &departure.places {
            left.frames.extend(place.in_browser.clone());
            let how = match (place.by_message, &place.by_visit, &place.in_browser) {
                (true, _, _) if told(place) => How::Told,
                (false, Some(_), _) if place.visited == Some(true) => How::Told,
                (true, _, _) | (false, Some(_), _) => How::Unreached,
                (false, None, Some(_)) => How::Asked,
                (false, None, None) => How::Open,
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
