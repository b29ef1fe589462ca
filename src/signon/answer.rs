//! Card and PIN: throttle, one Argon2id whatever the card's state, policy, and a session.

use std::{net::IpAddr, sync::Arc};

use serde_json::json;
use subtle::ConstantTimeEq;

use super::{
    Answer, Fault, SignOn, Visitor,
    begin::{Pending, Place, refusal_event},
    directory::{Asked, Vouched, pin_counts},
    guesses, visitor,
};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        card::CardNumber,
        clock::Timestamp,
        handle,
        id::{PatronId, SessionId, SourceId},
        method::Method,
        patron::Patron,
        reason::Reason,
        session::Session,
    },
    policy::{self, Step, Wants, entitlement::entitled, step::Present},
    store::{journal::Record, patrons::Pin},
};

/// A card and PIN that were right, or a name and password.
pub(super) struct Verified {
    pub patron: Patron,
    /// This PIN opens nothing but its own change.
    pub pin_change_due: bool,
    /// It is the roster's.
    pub is_initial: bool,
    /// Whose password it was, where it was no PIN.
    pub directory: Option<SourceId>,
}

/// How a session is opened.
pub(super) struct Opened {
    pub method: Method,
    /// What was shown opens nothing but the change of the PIN.
    pub pin_change_due: bool,
    /// Whose password it was, where one was typed.
    pub directory: Option<SourceId>,
    /// To be kept together with the session.
    pub records: Vec<Record>,
    pub events: Vec<AuditEvent>,
}

impl Opened {
    /// By what leaves nothing else behind.
    pub(super) fn by(method: Method) -> Opened {
        Opened { method, pin_change_due: false, directory: None, records: Vec::new(), events: Vec::new() }
    }
}

const PIN: &str = "pin";

impl SignOn {
    /// Card and PIN from the sign-in page, with the ticket of a pending ask or none (the launchpad).
    ///
    /// # Errors
    /// `Busy` where too many PIN checks wait; else a fault where store or shelf do not answer.
    pub async fn answer(
        &self,
        ticket: Option<&str>,
        card: &str,
        pin: &str,
        visitor: &Visitor,
    ) -> Result<Answer, Fault> {
        let mut way = PIN;
        let said = self.answer_by(ticket, card, pin, visitor, &mut way).await;
        self.count_sign_in(way, &said);
        said
    }

    /// `way` becomes the directory's, where that vouched.
    async fn answer_by(
        &self,
        ticket: Option<&str>,
        card: &str,
        pin: &str,
        visitor: &Visitor,
        way: &mut &'static str,
    ) -> Result<Answer, Fault> {
        match self.check(card, pin, visitor.address, None).await? {
            Err(reason) => Ok(Answer::TryAgain(reason)),
            Ok(verified) => {
                if verified.directory.is_some() {
                    *way = "directory";
                }
                let Verified { patron, pin_change_due, directory, .. } = verified;
                // Whom a directory vouches for shows no PIN that could be closed.
                if directory.is_none()
                    && let Some(reason) = self.elsewhere(&patron).await?
                {
                    return Ok(Answer::TryAgain(reason));
                }
                let opened = Opened { pin_change_due, directory, ..Opened::by(Method::Pin) };
                self.open(patron, opened, ticket, visitor).await
            }
        }
    }

    /// Counts a try to sign in on a page by its way and what came of it.
    pub(super) fn count_sign_in(&self, way: &str, said: &Result<Answer, Fault>) {
        let outcome = match said {
            Ok(Answer::SignedIn { .. }) => "signed-in",
            Ok(Answer::Refused { .. }) => "refused",
            Ok(Answer::TryAgain(Reason::SignInFailed | Reason::PicturesWrong | Reason::BadgeVoid)) => "wrong",
            Ok(Answer::TryAgain(Reason::TooManyTries { .. } | Reason::PicturesLocked)) => "throttled",
            Ok(Answer::TryAgain(_)) => "refused",
            Err(Fault::Busy { .. }) => "busy",
            Err(_) => "fault",
        };
        self.app().metrics.sign_ins.count(&[way, outcome]);
    }

    /// Whether this PIN opens this card, or this password this account of a directory. Unknown cards and wrong PINs take the
    /// same path and the same time.
    pub(super) async fn check(
        &self,
        typed: &str,
        pin: &str,
        address: IpAddr,
        place: Option<Place<'_>>,
    ) -> Result<Result<Verified, Reason>, Fault> {
        let asked = if place.is_some() { Asked::AtAFace } else { Asked::OnThePage };
        self.check_as(asked, typed, pin, address, place).await
    }

    pub(super) async fn check_as(
        &self,
        asked: Asked,
        typed: &str,
        pin: &str,
        address: IpAddr,
        place: Option<Place<'_>>,
    ) -> Result<Result<Verified, Reason>, Fault> {
        let as_typed = typed;
        let app = self.app();
        let keys = app.keyring.pin_key();
        let canonical = CardNumber::read(typed);
        let typed = canonical.as_ref().map_or(typed, CardNumber::as_str);
        let pattern = keys.pattern(pin);
        let limits = if place.is_some() { self.0.limits.of_servers() } else { self.0.limits };
        let counted = guesses::admit(&app.shelf, &limits, typed, &pattern, address).await?;
        let counted = match counted {
            Ok(counted) => counted,
            Err(reason) => {
                let event = refusal_event(app.clock.now(), &reason, None, place);
                app.journal.keep(Vec::new(), vec![event]).await?;
                return Ok(Err(reason));
            }
        };

        let record = match &canonical {
            Some(card) => app.store.patrons().by_card(card).await?,
            None => None,
        };
        let nobody = PatronId(uuid::Uuid::nil());
        let keyed = keys.keyed(record.as_ref().map_or(nobody, |record| record.patron.id), pin);
        let state = record.as_ref().map_or(&Pin::None, |record| &record.pin);
        let chosen = match state {
            Pin::Chosen { verifier, .. } => Some(verifier.as_str()),
            _ => None,
        };
        let chosen_right = match self.0.pins.matches(&keyed, chosen).await {
            Ok(right) => right,
            Err(fault) => {
                counted.unseen(&app.shelf).await?;
                return Err(fault);
            }
        };
        let initial_right = match state {
            Pin::Initial(stored) => bool::from(stored.as_bytes().ct_eq(keyed.hex().as_bytes())),
            _ => false,
        };
        let pin_right = (chosen_right || initial_right)
            && record.as_ref().is_some_and(|record| pin_counts(&app.catalogue(), &record.patron));
        let by_directory = if pin_right {
            Err(Reason::SignInFailed)
        } else {
            let known = record.as_ref().map(|record| &record.patron);
            match self.by_directory(as_typed, pin, known, asked).await {
                Ok(said) => said,
                Err(fault) => {
                    counted.unseen(&app.shelf).await?;
                    return Err(fault);
                }
            }
        };
        // Looked at for every card, so that those with an initial PIN cannot be told by their time.
        let wrong = u64::from(!pin_right && by_directory.is_err());
        // A card with two numbers has one PIN: what is counted is counted together.
        let one = record.as_ref().map_or(typed, |record| record.patron.card.as_str());
        let worn = guesses::initial_is_worn(&app.shelf, &self.0.limits.initial, one, wrong).await?;

        let right = !pin.trim().is_empty() && pin_right && (chosen_right || !worn);
        let reason = match by_directory {
            Ok(Vouched { record, source }) => {
                counted.right(&app.shelf).await?;
                let (patron, directory) = (record.patron, Some(source));
                return Ok(Ok(Verified { patron, pin_change_due: false, is_initial: false, directory }));
            }
            Err(reason) => reason,
        };
        match record {
            Some(record) if right => {
                counted.right(&app.shelf).await?;
                let (pin_change_due, is_initial) = match record.pin {
                    Pin::Chosen { change_due, .. } => (change_due, false),
                    _ => (true, true),
                };
                Ok(Ok(Verified { patron: record.patron, pin_change_due, is_initial, directory: None }))
            }
            record => {
                counted.wrong(&app.shelf).await?;
                let patron = record.map(|record| record.patron.id);
                let event = refusal_event(app.clock.now(), &reason, patron, place);
                app.journal.keep(Vec::new(), vec![event]).await?;
                Ok(Err(reason))
            }
        }
    }

    /// What was shown was right: policy on the patron as such, a session, and the way on.
    pub(super) async fn open(
        &self,
        patron: Patron,
        opened: Opened,
        ticket: Option<&str>,
        visitor: &Visitor,
    ) -> Result<Answer, Fault> {
        let app = self.app();
        let now = app.clock.now();
        let catalogue = app.catalogue();
        let patron = Arc::new(patron);
        let pending = match ticket {
            Some(ticket) => self.pending(ticket).await?.map(|ask| (ticket, ask)),
            None => None,
        };
        let facts = self.facts(&patron, &catalogue, &opened.method);
        if let Err(reason) = entitled(&facts, now, &mut |_| ()) {
            let told = pending.as_ref().map(|(ticket, ask)| ask.place(Some(*ticket)));
            let event = refusal_event(now, &reason, Some(patron.id), told);
            app.journal.keep(Vec::new(), vec![event]).await?;
            let page = match pending {
                Some((ticket, ask)) => {
                    self.shelve(ticket, &Pending::refused(ask, reason.clone())).await?;
                    Some(format!("/refused/{ticket}"))
                }
                None => None,
            };
            return Ok(Answer::Refused { reason, page });
        }

        let session = Session {
            id: self.session_to_renew(visitor, patron.id, &opened.method, now).await?.unwrap_or_else(SessionId::new),
            patron: patron.id,
            method: opened.method,
            authenticated_at: now,
            last_seen: now,
            ended_at: None,
            pin_change_due: opened.pin_change_due,
            shared: self.is_shared(visitor).await?,
        };
        let mut events = opened.events;
        events.push(AuditEvent {
            at: now,
            kind: Kind::SignIn,
            payload: json!({
                "patron": patron.id.to_string(),
                "organisation": patron.affiliations.first().map(|a| a.organisation.as_str()),
                "session": session.id.to_string(),
                "method": session.method.to_string(),
            }),
        });
        if let Some(directory) = &opened.directory {
            events.iter_mut().for_each(|event| event.payload["directory"] = directory.as_str().into());
        }
        if patron.is_test() {
            events.iter_mut().for_each(|event| event.payload["test"] = true.into());
        }
        let to = match pending {
            _ if session.pin_change_due => {
                format!("/change-pin{}", ticket.map(|t| format!("/{t}")).unwrap_or_default())
            }
            None => "/".to_owned(),
            Some((ticket, ask)) => {
                let step = catalogue.vendors.get(&ask.vendor).map(|vendor| {
                    let present = Present { session: &session, facts };
                    policy::next_step(vendor, &Wants { fresh_after: None, ..ask.wants(None) }, Some(present), now)
                });
                match step {
                    Some(Step::Refuse(reason)) => {
                        events.push(refusal_event(now, &reason, Some(patron.id), Some(ask.place(Some(ticket)))));
                        self.shelve(ticket, &Pending::refused(ask, reason)).await?;
                        format!("/refused/{ticket}")
                    }
                    _ => {
                        let to = format!("{}{ticket}", ask.resume);
                        // Whoever was refused on this ticket before, or said yes, is not who stands here now.
                        self.shelve(ticket, &Pending::fresh(ask)).await?;
                        to
                    }
                }
            }
        };
        let cookie = self.start(session, visitor, opened.records, events).await?;
        Ok(Answer::SignedIn { cookie, to })
    }

    /// The session that goes on when its patron shows the PIN again: the places that it went to stay signed in.
    async fn session_to_renew(
        &self,
        visitor: &Visitor,
        patron: PatronId,
        method: &Method,
        now: Timestamp,
    ) -> Result<Option<SessionId>, Fault> {
        // What a PIN has opened does not go on by a badge.
        if !method.is_a_password() {
            return Ok(None);
        }
        let Some(handle) = visitor.handle() else { return Ok(None) };
        let Some(session) = self.session_by(&handle).await? else { return Ok(None) };
        let goes_on = session.patron == patron && session.is_live(&self.app().config.session, now);
        Ok(goes_on.then_some(session.id))
    }

    /// Makes `session` durable under a fresh handle, together with `records` and `events`; ends whatever other session
    /// this browser had before. Either way a handle never outlives a sign-in. Returns the cookie's value.
    pub(super) async fn start(
        &self,
        session: Session,
        visitor: &Visitor,
        mut records: Vec<Record>,
        events: Vec<AuditEvent>,
    ) -> Result<String, Fault> {
        let earlier = match visitor.handle() {
            Some(handle) => self.session_by(&handle).await?.map(|session| (handle, session.id)),
            None => None,
        };
        let cookie = handle::random()?;
        let handle = visitor::handle_of(&cookie);
        records.extend(match &earlier {
            Some((_, id)) if *id == session.id => vec![Record::SessionRenewed(session.clone(), handle.clone())],
            Some((_, id)) => {
                // Not `authenticated_at`: a changed PIN does not move that.
                let ended = Record::SessionEnded(*id, session.last_seen);
                vec![ended, Record::SessionStarted(session.clone(), handle.clone())]
            }
            None => vec![Record::SessionStarted(session.clone(), handle.clone())],
        });
        self.app().journal.keep(records, events).await?;
        match earlier {
            Some((handle, id)) if id == session.id => self.0.known.forget_session(&handle),
            Some((handle, id)) => self.0.known.session_ended(&handle, id),
            None => {}
        }
        self.0.known.remember_session(handle, Arc::new(session));
        Ok(cookie)
    }
}
