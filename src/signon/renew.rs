//! A grant is renewed: each renewal spends what the one before handed out. What was spent and comes again was stolen
//! from somebody, so the grant goes (RFC 9700 section 4.14.2).

use std::{sync::Arc, time::Duration};

use serde_json::json;

use super::{Fault, LiveGrant, SignOn};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        id::GrantId,
        reason::Reason,
    },
    store::journal::Record,
};

/// An answer may be lost on its way: for this long, who shows what was just spent gets the same successor.
const GRACE: Duration = Duration::from_secs(10);

/// What came of a generation that was shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turned {
    /// This generation counts from now on.
    To(u64),
    /// It was spent before. The grant is revoked.
    Spent,
}

impl SignOn {
    /// The grant as the store has it at this instant, whoever turned it last; otherwise like `recheck`.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn renewable(&self, id: GrantId) -> Result<Result<LiveGrant, Reason>, Fault> {
        let app = self.app();
        let now = app.clock.now();
        let Some(grant) = app.store.passages().by_id(id).await? else { return Ok(Err(Reason::Expired)) };
        if !grant.is_live(now) {
            return Ok(Err(Reason::Expired));
        }
        let Some(patron) = self.patron_by(grant.patron).await? else { return Ok(Err(Reason::Withdrawn)) };
        let weighed = self.weigh(&grant, &patron, &app.catalogue(), now);
        Ok(weighed.map(|assertion| LiveGrant { grant: Arc::new(grant), assertion }))
    }

    /// Spends `shown`. Durable when this returns.
    ///
    /// # Errors
    /// A fault where the store does not answer; then nothing was spent.
    pub async fn turn(&self, live: &LiveGrant, shown: u64) -> Result<Turned, Fault> {
        let grant = &live.grant;
        let Some(renewal) = &grant.renewal else { return Ok(Turned::Spent) };
        let now = self.app().clock.now();
        if shown == renewal.generation {
            let payload = json!({
                "patron": grant.patron.to_string(),
                "vendor": grant.vendor.as_str(),
                "protocol": grant.protocol,
                "relying_party": grant.relying_party,
                "grant": grant.id.to_string(),
            });
            let event = AuditEvent { at: now, kind: Kind::Renew, payload };
            self.app().journal.keep(vec![Record::PassageTurned(grant.id, shown, now)], vec![event]).await?;
            return Ok(Turned::To(shown + 1));
        }
        if shown + 1 == renewal.generation && now.apart(renewal.turned_at) <= GRACE {
            return Ok(Turned::To(renewal.generation));
        }
        self.revoke(grant.id, "what renews it came a second time").await?;
        Ok(Turned::Spent)
    }
}
