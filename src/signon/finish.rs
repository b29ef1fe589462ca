//! A yes becomes a grant: written down with its audit event before anything leaves, looked at again at each use.

use std::sync::Arc;

use serde_json::json;

use super::{Ask, Assertion, Fault, LiveGrant, Ready, SignOn};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        catalogue::Catalogue,
        grant::{Grant, Renewal},
        id::GrantId,
        patron::Patron,
        reason::Reason,
        vendor::Vendor,
    },
    policy::{
        Allowance,
        entitlement::{allow, entitled},
        release::release,
        subject::subject,
    },
    store::journal::Record,
};

impl SignOn {
    /// Writes grant and audit event together, durably, and states the assertion.
    ///
    /// # Errors
    /// A fault where the store does not answer; then nothing was granted.
    pub async fn finish(&self, ready: Ready) -> Result<(Ask, Assertion), Fault> {
        let app = self.app();
        let now = app.clock.now();
        let Ready { ask, session, patron, allowance } = ready;
        let catalogue = app.catalogue();
        let Some(vendor) = catalogue.vendors.get(&ask.vendor) else {
            return Err(Fault::Broken(format!("vendor {} went away", ask.vendor)));
        };
        let limits = &app.config.session;
        let until = session.authenticated_at + limits.of(session.shared).absolute;
        // What is kept in an app outlives the school day; a badge does not.
        let offline = ask.offline && !session.method.is_badge();
        let end = if offline { now + limits.offline } else { until };
        let grant = Grant {
            id: GrantId(uuid::Uuid::now_v7()),
            session: session.id,
            patron: patron.id,
            vendor: ask.vendor.clone(),
            protocol: ask.protocol.clone(),
            relying_party: ask.relying_party.clone(),
            scopes: allowance.scopes().clone(),
            method: session.method.clone(),
            authenticated_at: session.authenticated_at,
            created_at: now,
            expires_at: allowance.until().min(end),
            revoked_at: None,
            offline,
            renewal: ask.renewable.clone().map(|terms| Renewal { generation: 0, turned_at: now, terms }),
        };
        let mut payload = json!({
            "patron": patron.id.to_string(),
            "organisation": patron.affiliations.first().map(|a| a.organisation.as_str()),
            "vendor": grant.vendor.as_str(),
            "protocol": grant.protocol,
            "relying_party": grant.relying_party,
            "scopes": grant.scopes.to_string(),
            "agreements": allowance.agreements(),
        });
        if patron.is_test() {
            payload["test"] = true.into();
        }
        let event = AuditEvent { at: now, kind: Kind::Issue, payload };
        app.journal.keep(vec![Record::Passage(grant.clone())], vec![event]).await?;
        let assertion = self.state(&grant, &patron, vendor, &allowance);
        self.0.known.remember_grant(Arc::new(grant));
        Ok((ask, assertion))
    }

    /// The grant as it stands at this instant, with the patron, the agreements and the vendor looked at again:
    /// what token, userinfo and introspection ask. Inside `Err`: why it holds no more.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn recheck(&self, id: GrantId) -> Result<Result<LiveGrant, Reason>, Fault> {
        let now = self.app().clock.now();
        let Some(grant) = self.grant_by(id).await? else { return Ok(Err(Reason::Expired)) };
        if !grant.is_live(now) {
            return Ok(Err(Reason::Expired));
        }
        let Some(patron) = self.patron_by(grant.patron).await? else { return Ok(Err(Reason::Withdrawn)) };
        let catalogue = self.app().catalogue();
        Ok(self.weigh(&grant, &patron, &catalogue, now).map(|assertion| LiveGrant { grant, assertion }))
    }

    pub(super) fn weigh(
        &self,
        grant: &Grant,
        patron: &Patron,
        catalogue: &Catalogue,
        now: crate::domain::clock::Timestamp,
    ) -> Result<Assertion, Reason> {
        self.badge_holds(&grant.method, now)?;
        let vendor = catalogue.vendors.get(&grant.vendor).ok_or(Reason::VendorDisabled)?;
        let entitlement = entitled(&self.facts(patron, catalogue, &grant.method), now, &mut |_| ())?;
        let allowance = allow(&entitlement, vendor, &grant.scopes, &mut |_| ())?;
        Ok(self.state(grant, patron, vendor, &allowance))
    }

    /// Revokes a grant and everything won by it.
    ///
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn revoke(&self, id: GrantId, why: &str) -> Result<(), Fault> {
        let now = self.app().clock.now();
        let event = AuditEvent { at: now, kind: Kind::Revoke, payload: json!({ "grant": id.to_string(), "why": why }) };
        self.app().journal.keep(vec![Record::PassageRevoked(id, now)], vec![event]).await?;
        self.0.known.forget_grant(id);
        Ok(())
    }

    fn state(&self, grant: &Grant, patron: &Patron, vendor: &Vendor, allowance: &Allowance) -> Assertion {
        Assertion {
            subject: subject(self.app().keyring.pseudonym_key(), vendor.uid, patron.id),
            release: release(allowance, vendor, patron),
            scopes: allowance.scopes().clone(),
            authenticated_at: grant.authenticated_at,
            method: grant.method.clone(),
            grant: grant.id,
            session: grant.session,
            issued_at: self.app().clock.now(),
            expires_at: grant.expires_at.min(allowance.until()),
        }
    }
}
