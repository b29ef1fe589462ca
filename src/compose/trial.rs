//! `vendor test` for vendors whose servers ask: with the secrets and the test patrons of a configuration file, which are
//! kept nowhere else.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::{flow, load, protocols};
use crate::{
    admin::operations::Desk,
    domain::{clock::Clock, vendor::Vendor},
    protocols::trial::{Guest, Trial, Tried},
};

/// What one relying party was asked and answered.
#[derive(Debug, Serialize)]
pub struct Exchange {
    pub protocol: String,
    pub client: String,
    #[serde(flatten)]
    pub tried: Tried,
}

/// Tries each relying party that asks by a protocol of its own.
///
/// # Errors
/// Where the file cannot be read, or the database does not answer.
pub async fn try_out(file: &Path, desk: &Desk, vendor: &Vendor) -> Result<Vec<Exchange>> {
    let declared = load(file, &desk.db.catalogue().load().await?)?.declared;
    let signon = flow(super::desk(desk.config.clone(), Clock::system()).await?).await?;
    let rehearsals = signon.rehearse(vendor).await?;
    let pin_of = |name: &str| declared.test_patrons.iter().find(|patron| patron.id.as_str() == name);
    let mut guests: Vec<Guest<'_>> = rehearsals
        .iter()
        .filter_map(|rehearsal| {
            let pin = &pin_of(&rehearsal.patron)?.pin.0;
            Some(Guest { card: rehearsal.card.as_str(), pin, verdict: &rehearsal.verdict })
        })
        .collect();
    guests.sort_by_key(|guest| guest.verdict.is_err());
    let secrets = declared.vendors.iter().find(|declared| declared.id == vendor.id).map(|declared| &declared.secrets);
    let mut exchanges = Vec::new();
    let speaking = protocols();
    for party in &vendor.relying_parties {
        let Some(protocol) = speaking.iter().find(|protocol| protocol.name() == party.protocol) else { continue };
        let secret = secrets.and_then(|secrets| {
            secrets.iter().find(|secret| secret.protocol == party.protocol && secret.key == party.key)
        });
        let trial = Trial {
            signon: signon.clone(),
            vendor,
            party,
            secret: secret.map(|secret| secret.secret.0.as_str()),
            patron: guests.first().copied(),
        };
        if let Some(trying) = protocol.try_out(trial) {
            let mut tried = trying.await;
            tried.checks = tried.checks.into_iter().map(|check| check.of(&party.key)).collect();
            exchanges.push(Exchange { protocol: party.protocol.clone(), client: party.key.clone(), tried });
        }
    }
    Ok(exchanges)
}
