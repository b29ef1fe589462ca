//! Computers that many readers share: known by their network, or by a cookie that an operator's link gave the browser.
//! A session that begins on one is `shared` for its whole life; nothing here is asked again on the way.

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{Fault, SignOn, Visitor, visitor};
use crate::domain::{
    audit::{AuditEvent, Kind},
    clock::Timestamp,
    handle,
    patron::Patron,
    session::Session,
    shared_device,
};

/// Why a computer counts as shared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SharedBy {
    Network,
    /// An operator's link was opened on it; the name that staff gave it.
    Enrolment(String),
}

/// Somebody sits at a shared computer.
pub struct Seated {
    pub session: Arc<Session>,
    pub patron: Arc<Patron>,
    /// How long the session goes on if nobody does anything.
    pub left: Duration,
    /// Whether doing something would keep it longer: not where its absolute end is nearer.
    pub may_stay: bool,
}

impl SignOn {
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn is_shared(&self, visitor: &Visitor) -> Result<bool, Fault> {
        Ok(self.shared_by(visitor).await?.is_some())
    }

    /// Why this visitor's computer counts as shared; `None` where it does not.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn shared_by(&self, visitor: &Visitor) -> Result<Option<SharedBy>, Fault> {
        let app = self.app();
        if app.config.shared_networks.iter().any(|network| network.contains(visitor.address)) {
            return Ok(Some(SharedBy::Network));
        }
        let Some(cookie) = &visitor.device else { return Ok(None) };
        let device = app.store.shared_devices().by_cookie(&visitor::handle_of(cookie), app.clock.now()).await?;
        Ok(device.map(|device| SharedBy::Enrolment(device.name)))
    }

    /// The name of the device that an enrolment link is for; `None` where the link is over, or never was.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn device_of_link(&self, secret: &str) -> Result<Option<String>, Fault> {
        let app = self.app();
        let device = app.store.shared_devices().by_link(&visitor::handle_of(secret), app.clock.now()).await?;
        Ok(device.map(|device| device.name))
    }

    /// Marks the visitor's browser by an enrolment link, which is spent by this. The value of its cookie; `None` where the
    /// link is over, or never was.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn enrol_device(&self, secret: &str) -> Result<Option<String>, Fault> {
        let app = self.app();
        let (now, link) = (app.clock.now(), visitor::handle_of(secret));
        let Some(device) = app.store.shared_devices().by_link(&link, now).await? else { return Ok(None) };
        let cookie = handle::random()?;
        let hash = visitor::handle_of(&cookie);
        let until = now + shared_device::LIFE;
        let enrolled = app.store.shared_devices().enrol(&link, &hash, now, until, event(now, &device.id)).await?;
        Ok(enrolled.then_some(cookie))
    }

    /// Who sits at this browser, where the session is a shared one that goes on. Unlike `who`, looking is no use of it.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn seated(&self, visitor: &Visitor) -> Result<Option<Seated>, Fault> {
        let now = self.app().clock.now();
        let Some((_, session)) = self.live_session(visitor, now).await? else { return Ok(None) };
        if !session.shared {
            return Ok(None);
        }
        let Some(patron) = self.patron_by(session.patron).await? else { return Ok(None) };
        let limits = &self.app().config.session;
        let (left, longest) = (session.left(limits, now), session.longest(limits, now));
        Ok(Some(Seated { session, patron, left, may_stay: left < longest }))
    }
}

fn event(at: Timestamp, id: &str) -> AuditEvent {
    let change = json!({ "action": "changed", "kind": "shared-device", "id": id });
    AuditEvent { at, kind: Kind::Apply, payload: json!({ "by": "link", "changes": [change] }) }
}
