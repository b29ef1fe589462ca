//! A badge instead of card and PIN: a bearer secret, so it opens little, where and when `[badge]` says, and its pictures,
//! if any, are counted strictly. The way on after that is the same as after a PIN.

use std::{net::IpAddr, time::Duration};

use serde::{Deserialize, Serialize};

use super::{
    Answer, Fault, SignOn, Visitor,
    answer::Opened,
    begin::refusal_event,
    guesses::{Gate, network, short_hash},
};
use crate::{
    domain::{
        badge::{BadgeRule, BadgeSecret, Pictures, SecondStep},
        clock::Timestamp,
        handle,
        id::PatronId,
        method::Method,
        patron::Patron,
        reason::Reason,
    },
    ephemeral::Namespace,
    policy::{
        badge::{is_their_time, may_hold, opens},
        entitlement::Narrow,
        throttle::Limit,
    },
    store::badges::Badge,
};

/// Wrong pictures in a row; then they must be reset.
pub const PICKS: u64 = 5;
/// Wrong pictures on all badges of a class together: a class of beginners errs less, a guesser more.
const OF_A_CLASS: Limit = Limit { tries: 40, window: Duration::from_secs(60 * 60) };
/// How long a child may take over the pictures.
const PATIENCE: Duration = Duration::from_secs(5 * 60);

/// What came of a badge.
#[derive(Debug)]
pub enum Scanned {
    /// What was scanned or typed is no badge's secret.
    NotABadge,
    /// On to the pictures, behind this handle.
    Pictures(String),
    Answer(Answer),
}

/// A badge that was right, on the shelf while its pictures are picked.
#[derive(Serialize, Deserialize)]
pub struct Picking {
    badge: String,
    /// Of the ask that waits behind it.
    pub ticket: Option<String>,
}

/// The way, as it is counted.
const BADGE: &str = "badge";

impl SignOn {
    /// The rule of `[badge]`, where badges open to this visitor now: what a page may offer.
    pub fn badge_door(&self, visitor: &Visitor) -> Option<&BadgeRule> {
        let app = self.app();
        let zone = &app.config.library.time_zone;
        app.config.badge.as_ref().filter(|rule| opens(rule, visitor.address, app.clock.now(), zone).is_ok())
    }

    /// What a session is held to that was opened so.
    pub(super) fn narrow(&self, method: &Method) -> Option<Narrow<'_>> {
        let rule = self.app().config.badge.as_ref();
        let held = || {
            rule.map_or(Narrow { scopes: &[], plain: true }, |rule| Narrow { scopes: &rule.scopes, plain: rule.plain })
        };
        method.is_badge().then(held)
    }

    /// Why a session that was opened so does not go on here and now.
    pub(super) fn badge_fails_here(&self, method: &Method, address: IpAddr, now: Timestamp) -> Option<Reason> {
        if !method.is_badge() {
            return None;
        }
        let app = self.app();
        match &app.config.badge {
            None => Some(Reason::BadgeVoid),
            Some(rule) => opens(rule, address, now, &app.config.library.time_zone).err(),
        }
    }

    /// Whether what was granted to a session that was opened so holds at this hour.
    pub(super) fn badge_holds(&self, method: &Method, now: Timestamp) -> Result<(), Reason> {
        let app = self.app();
        match &app.config.badge {
            _ if !method.is_badge() => Ok(()),
            None => Err(Reason::BadgeVoid),
            Some(rule) => is_their_time(rule, now, &app.config.library.time_zone),
        }
    }

    /// What a scanner read, with the ticket of a pending ask or none.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn scan(&self, typed: &str, ticket: Option<&str>, visitor: &Visitor) -> Result<Scanned, Fault> {
        let said = match self.scan_by(typed, ticket, visitor).await {
            Ok(Scanned::Answer(answer)) => Ok(answer),
            Err(fault) => Err(fault),
            // The way goes on, and is counted at its end.
            Ok(on) => return Ok(on),
        };
        self.count_sign_in(BADGE, &said);
        said.map(Scanned::Answer)
    }

    async fn scan_by(&self, typed: &str, ticket: Option<&str>, visitor: &Visitor) -> Result<Scanned, Fault> {
        let app = self.app();
        let Some(rule) = &app.config.badge else { return Ok(Scanned::NotABadge) };
        // Outside, nobody learns which badges there are.
        if let Err(reason) = opens(rule, visitor.address, app.clock.now(), &app.config.library.time_zone) {
            return Ok(Scanned::Answer(self.badge_refused(reason, None).await?));
        }
        let Some(secret) = BadgeSecret::read(typed) else { return Ok(Scanned::NotABadge) };
        let Some(badge) = app.store.badges().by_secret(&secret.digest()).await? else {
            let reason = self.unknown_badge(visitor.address).await?;
            return Ok(Scanned::Answer(self.badge_refused(reason, None).await?));
        };
        let patron = match self.bearer(rule, &badge).await? {
            Ok(patron) => patron,
            Err(reason) => return Ok(Scanned::Answer(self.badge_refused(reason, Some(badge.patron)).await?)),
        };
        match rule.second_step {
            SecondStep::None => {
                let opened = Opened::by(Method::Badge);
                Ok(Scanned::Answer(self.open(patron, opened, ticket, visitor).await?))
            }
            SecondStep::Picture => {
                let handle = handle::random()?;
                let picking = Picking { badge: badge.id, ticket: ticket.map(str::to_owned) };
                let bytes = serde_json::to_vec(&picking).map_err(|error| Fault::Broken(error.to_string()))?;
                app.shelf.put(Namespace::Badge, &handle, bytes, PATIENCE).await?;
                Ok(Scanned::Pictures(handle))
            }
        }
    }

    /// The badge whose pictures are being picked behind this handle. `None`: it is over, or never was.
    ///
    /// # Errors
    /// A fault where the shelf does not answer.
    pub async fn picking(&self, handle: &str) -> Result<Option<Picking>, Fault> {
        let Some(bytes) = self.app().shelf.get(Namespace::Badge, handle).await? else { return Ok(None) };
        serde_json::from_slice(&bytes).map(Some).map_err(|error| Fault::Broken(error.to_string()))
    }

    /// The pictures that were picked behind this handle. `None`: it is over, or never was.
    ///
    /// # Errors
    /// `Busy` where too many PIN checks wait; else a fault where store or shelf do not answer.
    pub async fn pick(&self, handle: &str, picked: Pictures, visitor: &Visitor) -> Result<Option<Answer>, Fault> {
        let said = self.pick_by(handle, picked, visitor).await;
        let Some(said) = said.transpose() else { return Ok(None) };
        self.count_sign_in(BADGE, &said);
        said.map(Some)
    }

    async fn pick_by(&self, handle: &str, picked: Pictures, visitor: &Visitor) -> Result<Option<Answer>, Fault> {
        let app = self.app();
        let Some(picking) = self.picking(handle).await? else { return Ok(None) };
        let (Some(rule), Some(badge)) = (&app.config.badge, app.store.badges().by_id(&picking.badge).await?) else {
            return Ok(None);
        };
        let now = app.clock.now();
        let holder = Some(badge.patron);
        if let Err(reason) = opens(rule, visitor.address, now, &app.config.library.time_zone) {
            return self.badge_refused(reason, holder).await.map(Some);
        }
        let patron = match self.bearer(rule, &badge).await? {
            Ok(patron) => patron,
            Err(reason) => return self.badge_refused(reason, holder).await.map(Some),
        };
        let together = if badge.class.is_empty() { &badge.id } else { &badge.class };
        let gate = Gate { key: format!("pictures {} {}", badge.organisation, short_hash(together)), limit: OF_A_CLASS };
        let (wrong, left) = gate.wrong(&app.shelf, 0).await?;
        if let Err(retry_after) = gate.limit.admits(wrong, left) {
            return self.badge_refused(Reason::TooManyTries { retry_after }, holder).await.map(Some);
        }
        if !app.store.badges().take_pick(&badge.id, PICKS).await? {
            return self.badge_refused(Reason::PicturesLocked, holder).await.map(Some);
        }
        let keyed = app.keyring.pin_key().pictures(badge.patron, picked);
        let right = match self.0.pins.matches(&keyed, badge.pictures.as_deref()).await {
            Ok(right) => right,
            Err(fault) => {
                app.store.badges().give_pick_back(&badge.id).await?;
                return Err(fault);
            }
        };
        if !right {
            gate.wrong(&app.shelf, 1).await?;
            let locked = badge.wrong_picks + 1 >= PICKS;
            let reason = if locked { Reason::PicturesLocked } else { Reason::PicturesWrong };
            return self.badge_refused(reason, holder).await.map(Some);
        }
        // Taken: of several who picked right behind one handle, one gets in.
        if app.shelf.take(Namespace::Badge, handle).await?.is_none() {
            return Ok(None);
        }
        app.store.badges().picked_right(&badge.id).await?;
        let opened = Opened::by(Method::BadgeAndPicture);
        self.open(patron, opened, picking.ticket.as_deref(), visitor).await.map(Some)
    }

    /// Whose badge it is, where it is one still.
    async fn bearer(&self, rule: &BadgeRule, badge: &Badge) -> Result<Result<Patron, Reason>, Fault> {
        if badge.void_at.is_some() {
            return Ok(Err(Reason::BadgeVoid));
        }
        let Some(record) = self.app().store.patrons().by_id(badge.patron).await? else {
            return Ok(Err(Reason::BadgeVoid));
        };
        Ok(may_hold(rule, &record.patron).map(|()| record.patron))
    }

    /// Counts a secret that was never on a badge, by the place that it came from. Guessing 130 bits is hopeless, so what
    /// is known goes on opening: one child's mischief must not close a school's badges.
    async fn unknown_badge(&self, address: IpAddr) -> Result<Reason, Fault> {
        let gate = Gate { key: format!("badge {}", network(address)), limit: self.0.limits.device_code };
        let (wrong, left) = gate.wrong(&self.app().shelf, 1).await?;
        let verdict = gate.limit.admits(wrong.saturating_sub(1), left);
        Ok(verdict.map_or_else(|retry_after| Reason::TooManyTries { retry_after }, |()| Reason::BadgeVoid))
    }

    async fn badge_refused(&self, reason: Reason, patron: Option<PatronId>) -> Result<Answer, Fault> {
        let app = self.app();
        let event = refusal_event(app.clock.now(), &reason, patron, None);
        app.journal.keep(Vec::new(), vec![event]).await?;
        Ok(Answer::TryAgain(reason))
    }
}
