//! What a vendor would be told of the test patrons, if one of them came now. Nothing is granted, and nothing audited:
//! nobody is there.

use super::{Fault, SignOn, Told};
use crate::{
    domain::{card::CardNumber, method::Method, reason::Reason, vendor::Vendor},
    policy::entitlement::{allow, entitled},
};

/// A test patron at one vendor's door.
#[derive(Debug)]
pub struct Rehearsal {
    /// Its name in the configuration.
    pub patron: String,
    pub card: CardNumber,
    pub verdict: Result<Told, Reason>,
}

impl SignOn {
    /// # Errors
    /// A fault where the store does not answer.
    pub async fn rehearse(&self, vendor: &Vendor) -> Result<Vec<Rehearsal>, Fault> {
        let app = self.app();
        let (catalogue, now) = (app.catalogue(), app.clock.now());
        let patrons = app.store.patrons().test_patrons().await?.into_iter().map(|record| record.patron);
        let at_the_door = |patron: crate::domain::patron::Patron| {
            let entitlement = entitled(&self.facts(&patron, &catalogue, &Method::Pin), now, &mut |_| ());
            let allowance = entitlement.and_then(|yes| allow(&yes, vendor, &vendor.scopes, &mut |_| ()));
            let verdict = allowance.map(|allowance| self.told(vendor, &patron, &allowance));
            Rehearsal { patron: patron.sourced_id, card: patron.card, verdict }
        };
        Ok(patrons.map(at_the_door).collect())
    }
}
