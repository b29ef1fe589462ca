//! Sign-in at an upstream: the browser leaves with a state of its own, comes back with an answer, and whoever the
//! upstream vouches for must be exactly one enrolled patron, the same one as ever.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use subtle::ConstantTimeEq;

use super::{Answer, Fault, SignOn, Visitor, answer::Opened, visitor::handle_of};
use crate::{
    directory::redirect::{Portal, Returned, Shown, Turned, Wish},
    domain::{
        audit::{AuditEvent, Kind},
        handle,
        id::{PatronId, SourceId},
        method::Method,
        patron::Patron,
        reason::{Reason, staff_code},
    },
    ephemeral::Namespace,
    store::{journal::Record, upstreams::Link},
};

/// How long somebody may take at the upstream.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10 * 60);

/// A browser that is at an upstream, as it waits on the shelf under its state.
#[derive(Serialize, Deserialize)]
struct Away {
    source: SourceId,
    /// Of the pending ask; absent where no vendor asked.
    ticket: Option<String>,
    /// Hex SHA-256 of the cookie by which the browser is known again.
    browser: String,
    kept: Value,
}

/// Why somebody came back as nobody, for the page that says so.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TurnedAway {
    pub source: SourceId,
    pub reason: Reason,
    /// What a helper pastes: `K7F-2QX`.
    pub staff_code: String,
}

/// What came of a browser's return.
#[derive(Debug)]
pub enum Arrived {
    /// As by PIN. The upstream's id is what this device remembers.
    Known(SourceId, Answer),
    /// 303 to this local path, which says why.
    Page(String),
    /// There is no such sign-in under way in this browser.
    Unknown,
}

/// Whom an upstream means, with a binding that is still to be written; or why nobody, and whose card it would have been.
type Meant = Result<(Patron, Option<Link>), (Reason, Option<PatronId>)>;

impl SignOn {
    /// Sends this browser, known by the cookie `browser`, to the upstream `source`: the address there, or a local path
    /// that says why not. `None` where there is no such upstream.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn depart(&self, ticket: Option<&str>, source: &str, browser: &str) -> Result<Option<String>, Fault> {
        let sources = self.app().sources.now();
        let Ok(opened) = sources.get(source) else { return Ok(None) };
        let (Some(upstream), Ok(source)) = (opened.redirect(), source.parse::<SourceId>()) else { return Ok(None) };
        let ask = match ticket {
            Some(ticket) => self.pending(ticket).await?,
            None => None,
        };
        let state = handle::random()?;
        let fresh_after = ask.and_then(|ask| ask.fresh_after);
        let wish = Wish { now: self.app().clock.now(), state: &state, fresh_after };
        match upstream.leave(&wish).await {
            Ok(departure) => {
                let (ticket, browser) = (ticket.map(str::to_owned), handle_of(browser));
                let away = Away { source, ticket, browser, kept: departure.kept };
                self.app().shelf.put(Namespace::Upstream, &state, written(&away)?, PATIENCE).await?;
                Ok(Some(departure.to))
            }
            Err(turned) => {
                let reason = reason(&turned);
                self.turn_away(&source, ticket, reason, None, &turned.to_string()).await.map(Some)
            }
        }
    }

    /// A browser comes back, to the address of `source`, with `state`. Its answer is looked at once, and only if it is
    /// the browser that left.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn arrived(
        &self,
        source: &str,
        state: &str,
        back: &Returned,
        browser: Option<&str>,
        visitor: &Visitor,
    ) -> Result<Arrived, Fault> {
        let shelf = &self.app().shelf;
        let Some(bytes) = shelf.get(Namespace::Upstream, state).await? else { return Ok(Arrived::Unknown) };
        let away: Away = read(&bytes)?;
        let same = |cookie: &str| bool::from(handle_of(cookie).as_bytes().ct_eq(away.browser.as_bytes()));
        if !browser.is_some_and(same) {
            return Ok(Arrived::Unknown);
        }
        if shelf.take(Namespace::Upstream, state).await?.is_none() {
            return Ok(Arrived::Unknown);
        }
        let Away { source: asked, ticket, kept, .. } = away;
        let ticket = ticket.as_deref();
        if asked.as_str() != source {
            let why = "the answer of another upstream";
            return Ok(Arrived::Page(self.turn_away(&asked, ticket, Reason::UpstreamFailed, None, why).await?));
        }
        let sources = self.app().sources.now();
        let upstream = sources.get(source).ok().and_then(|opened| opened.redirect());
        let Some(upstream) = upstream else {
            let why = "the upstream was taken away meanwhile";
            return Ok(Arrived::Page(self.turn_away(&asked, ticket, Reason::UpstreamFailed, None, why).await?));
        };
        let shown = match upstream.arrive(&kept, back, self.app().clock.now()).await {
            Ok(shown) => shown,
            Err(turned) => {
                let page = self.turn_away(&asked, ticket, reason(&turned), None, &turned.to_string()).await?;
                return Ok(Arrived::Page(page));
            }
        };
        match self.meant(&asked, upstream.portal(), &shown).await? {
            Ok((patron, link)) => {
                let opened = self.opened(&asked, &shown, link);
                let said = self.open(patron, opened, ticket, visitor).await;
                self.count_sign_in(&format!("upstream:{asked}"), &said);
                Ok(Arrived::Known(asked, said?))
            }
            Err((reason, patron)) => {
                let why = reason.to_string();
                Ok(Arrived::Page(self.turn_away(&asked, ticket, reason, patron, &why).await?))
            }
        }
    }

    /// The one patron whom an upstream means, and a binding that is still to be written.
    async fn meant(&self, source: &SourceId, portal: &Portal, shown: &Shown) -> Result<Meant, Fault> {
        let app = self.app();
        let key = app.keyring.pin_key();
        let digest = portal.field.digest(key, &shown.value);
        let mut found = app.store.lookups().meant(&portal.roster, &digest).await?;
        if found.is_empty() && self.takes_in(source, portal, shown).await? {
            found = app.store.lookups().meant(&portal.roster, &digest).await?;
        }
        let [id] = found.as_slice() else {
            let reason = if found.is_empty() { Reason::UpstreamUnknownPerson } else { Reason::UpstreamAmbiguous };
            return Ok(Err((reason, None)));
        };
        let id = *id;
        let Some(record) = app.store.patrons().by_id(id).await? else {
            return Ok(Err((Reason::UpstreamUnknownPerson, None)));
        };
        if !portal.is_for(&record.patron) {
            return Ok(Err((Reason::UpstreamUnknownPerson, Some(id))));
        }
        let subject = key.digest(&[b"upstream", source.as_str().as_bytes(), shown.subject.as_bytes()]);
        let bound = app.store.upstreams().bound(source, &subject, id).await?;
        let link = match bound.as_slice() {
            [] => {
                Some(Link { upstream: source.clone(), subject: subject.hex(), patron: id, linked_at: app.clock.now() })
            }
            [link] if link.patron == id && link.subject == subject.hex() => None,
            _ => return Ok(Err((Reason::UpstreamMismatch, Some(id)))),
        };
        Ok(Ok((record.patron, link)))
    }

    fn opened(&self, source: &SourceId, shown: &Shown, link: Option<Link>) -> Opened {
        let id = source.to_string();
        let method = if shown.by_password { Method::Upstream(id) } else { Method::Vouched(id) };
        let bound = |link: &Link| AuditEvent {
            at: link.linked_at,
            kind: Kind::UpstreamLink,
            payload: json!({ "patron": link.patron.to_string(), "upstream": link.upstream.as_str() }),
        };
        let events = link.iter().map(bound).collect();
        Opened {
            method,
            pin_change_due: false,
            directory: None,
            records: link.into_iter().map(Record::UpstreamLinked).collect(),
            events,
        }
    }

    /// Writes down why, and keeps it for the page: the local path that tells of it.
    async fn turn_away(
        &self,
        source: &SourceId,
        ticket: Option<&str>,
        reason: Reason,
        patron: Option<PatronId>,
        why: &str,
    ) -> Result<String, Fault> {
        let app = self.app();
        let said = if matches!(reason, Reason::UpstreamAway) { "fault" } else { "refused" };
        app.metrics.sign_ins.count(&[&format!("upstream:{source}"), said]);
        tracing::warn!(upstream = %source, reason = reason.code(), why, "nobody was signed in by an upstream");
        let told = handle::random()?;
        let ask = match ticket {
            Some(ticket) => self.pending(ticket).await?,
            None => None,
        };
        let payload = json!({
            "reason": reason.code(),
            "patron": patron.map(|id| id.to_string()),
            "vendor": ask.as_ref().map(|ask| ask.vendor.as_str()),
            "protocol": ask.as_ref().map(|ask| ask.protocol.as_str()),
            "upstream": source.as_str(),
            "why": why,
            "code": staff_code(&told),
        });
        let event = AuditEvent { at: app.clock.now(), kind: Kind::Refusal, payload };
        app.journal.keep(Vec::new(), vec![event]).await?;
        let turned = TurnedAway { source: source.clone(), reason, staff_code: staff_code(&told) };
        app.shelf.put(Namespace::Turned, &told, written(&turned)?, PATIENCE).await?;
        let place = ticket.map(|ticket| format!("/{ticket}")).unwrap_or_default();
        Ok(format!("/sign-in{place}?told={told}"))
    }

    /// What the page says to whom an upstream did not let in.
    ///
    /// # Errors
    /// A fault where the shelf does not answer.
    pub async fn turned_away(&self, told: &str) -> Result<Option<TurnedAway>, Fault> {
        self.app().shelf.get(Namespace::Turned, told).await?.map(|bytes| read(&bytes)).transpose()
    }

    /// Where whoever is signed in on this browser by an upstream signs out there too.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn goodbye_upstream(&self, visitor: &Visitor) -> Result<Option<String>, Fault> {
        let Some(handle) = visitor.handle() else { return Ok(None) };
        let Some(session) = self.session_by(&handle).await? else { return Ok(None) };
        let Some(source) = session.method.upstream() else { return Ok(None) };
        let sources = self.app().sources.now();
        let Some(upstream) = sources.get(source).ok().and_then(|opened| opened.redirect()) else { return Ok(None) };
        let back = format!("{}/signed-out", self.app().config.issuer);
        Ok(upstream.goodbye(&back, self.app().clock.now()).await)
    }
}

fn reason(turned: &Turned) -> Reason {
    match turned {
        Turned::Away(_) => Reason::UpstreamAway,
        Turned::WrongTenant(_) => Reason::UpstreamWrongTenant,
        Turned::Nameless(_) => Reason::UpstreamUnknownPerson,
        Turned::Failed(_) => Reason::UpstreamFailed,
    }
}

fn written(what: &impl Serialize) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(what).map_err(|error| Fault::Broken(error.to_string()))
}

fn read<T: for<'de> Deserialize<'de>>(bytes: &[u8]) -> Result<T, Fault> {
    serde_json::from_slice(bytes).map_err(|error| Fault::Broken(error.to_string()))
}
