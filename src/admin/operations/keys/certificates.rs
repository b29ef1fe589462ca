//! What operators do with the certificates that SAML parties know us by: hand them on, and say who has them.

use anyhow::{Context, Result, bail, ensure};
use serde::Serialize;

use super::Desk;
use crate::{
    domain::{
        catalogue::Catalogue,
        clock::Timestamp,
        holding::held,
        id::VendorId,
        key::{Life, Reader, Reading, SAML, State, certificate_reader},
    },
    keyring::Certificate,
};

/// A certificate as it is handed to a vendor.
#[derive(Debug, Serialize)]
pub struct Handed {
    pub id: String,
    pub kid: String,
    pub state: State,
    /// It signs today for every party that reads metadata as it should.
    pub signs: bool,
    /// When it signs for every such party.
    pub active_from: String,
    pub not_after: String,
    /// The fingerprint, hex.
    pub sha256: String,
    pub pem: String,
}

/// The published certificates, that which signs today first.
pub fn certificates(desk: &Desk) -> Vec<Handed> {
    let (now, lives) = (desk.clock.now(), desk.keyring.lives());
    let active_from = |id: &str| lives.iter().find(|life| life.id == id).map(|life| life.active_from.rfc3339());
    let handed = |certificate: Certificate| Handed {
        active_from: active_from(&certificate.id).unwrap_or_default(),
        not_after: certificate.not_after.rfc3339(),
        pem: certificate.pem(),
        id: certificate.id,
        kid: certificate.kid,
        state: certificate.state,
        signs: certificate.signs,
        sha256: certificate.sha256,
    };
    desk.keyring.certificates(now).into_iter().map(handed).collect()
}

/// What an operator said of a party.
#[derive(Debug)]
pub struct Said {
    pub vendor: String,
    /// Its entityID.
    pub party: String,
    /// Of these keys it was not said before.
    pub keys: Vec<Life>,
}

/// `who` has the certificates that sign or will: an entityID, or a vendor with one SAML party.
///
/// # Errors
/// Where `who` is neither; those of the database.
pub async fn attest(desk: &Desk, who: &str) -> Result<Said> {
    let (vendor, party) = saml_party(&desk.db.catalogue().load().await?, who)?;
    let keys = desk.keyring.attest(&desk.db, &party, desk.clock.now()).await?;
    Ok(Said { vendor: vendor.to_string(), party, keys })
}

/// `who` has not the newest of them, whatever was seen or said before.
///
/// # Errors
/// As `attest`; where it does not keep it by hand; `no-rotation`.
pub async fn withdraw(desk: &Desk, who: &str) -> Result<Said> {
    let catalogue = desk.db.catalogue().load().await?;
    let (vendor, party) = saml_party(&catalogue, who)?;
    let read = catalogue.relying_party("saml", &party).map(|(_, party)| certificate_reader(&party.settings));
    ensure!(read == Some(Reader::Pinned), "{party} is said to read our metadata by itself: its setting is certificate");
    let key = desk.keyring.withdraw(&desk.db, &party, desk.clock.now()).await?;
    Ok(Said { vendor: vendor.to_string(), party, keys: vec![key] })
}

fn saml_party(catalogue: &Catalogue, who: &str) -> Result<(VendorId, String)> {
    if let Some((vendor, party)) = catalogue.relying_party("saml", who) {
        return Ok((vendor.id.clone(), party.key.clone()));
    }
    let vendor = catalogue.vendors.get(who);
    let vendor = vendor.with_context(|| format!("no SAML party has the entityID {who:?}, and no vendor this id"))?;
    let mut theirs = vendor.relying_parties.iter().filter(|party| party.protocol == "saml");
    match (theirs.next(), theirs.next()) {
        (Some(only), None) => Ok((vendor.id.clone(), only.key.clone())),
        (None, _) => bail!("vendor {who} has no SAML party"),
        _ => bail!("vendor {who} has several SAML parties: name one by its entityID"),
    }
}

/// What is weak about certificates: who falls silent at the deadline, and what ends by itself.
pub(super) fn weaknesses(desk: &Desk, lives: &[Life], readings: &[Reading], now: Timestamp) -> Vec<String> {
    let in_use = |life: &&Life| life.algorithm == SAML && matches!(life.state(now), State::Next | State::Active);
    let newest = lives.iter().filter(in_use).max_by_key(|life| (life.active_from, life.published_at));
    let waits = |newest: &&Life| now < newest.pinned_from;
    let lagging = newest.into_iter().filter(waits).flat_map(|newest| {
        let theirs = readings.iter().filter(|reading| reading.algorithms.iter().any(|name| name == SAML));
        let lags =
            |reading: &&Reading| reading.reader == Reader::Pinned && held(&reading.holdings, &newest.kid).is_none();
        theirs.filter(lags).map(move |reading| {
            format!(
                "{} is not known to have the certificate of {}: without it its sign-ins fail from {} on; ask its \
                 vendor, {}, then `oneaccess keys attest`",
                reading.party,
                newest.id,
                newest.pinned_from.rfc3339(),
                reading.vendor
            )
        })
    });
    let certificates = desk.keyring.certificates(now);
    let ends = certificates.iter().filter(|one| one.signs && one.not_after < now + NEAR).map(|one| {
        format!(
            "the certificate of {} ends at {}: oneaccess keys rotate --algorithm saml",
            one.id,
            one.not_after.rfc3339()
        )
    });
    lagging.chain(ends).collect()
}

/// A rollover takes months.
const NEAR: std::time::Duration = std::time::Duration::from_secs(365 * 86_400);
