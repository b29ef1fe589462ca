//! What service providers publish at an address, for the operator: looked at, compared, decided. The server does the
//! same by itself when it is due; what it finds weakened waits here.

use anyhow::{Context, Result, bail};

use crate::{
    admin::operations::Desk,
    domain::{
        audit::AuditEvent,
        id::VendorId,
        published::Published,
        vendor::{RelyingParty, Vendor},
    },
    outbound::Outbound,
    protocols::saml::documents::{self, Change},
};

pub use crate::protocols::saml::documents::Decision;

/// One address, with what is known of it.
pub struct Place {
    pub vendor: VendorId,
    pub party: RelyingParty,
    pub known: Published,
    /// What the copy that waits would change.
    pub changes: Vec<Change>,
}

impl Place {
    fn of(vendor: &Vendor, party: &RelyingParty) -> Option<Place> {
        let known = documents::known(party)?;
        let changes = match (&known.live, &known.staged) {
            (Some(live), Some(staged)) => documents::changes(&live.text, &staged.text),
            _ => Vec::new(),
        };
        Some(Place { vendor: vendor.id.clone(), party: party.clone(), known, changes })
    }
}

/// The addresses of a vendor's service providers; only `key`'s, where one is named.
///
/// # Errors
/// Where there is no such vendor or service provider, or none of its metadata has an address.
pub async fn places(desk: &Desk, vendor: &str, key: Option<&str>) -> Result<Vec<Place>> {
    let catalogue = desk.db.catalogue().load().await?;
    let vendor = catalogue.vendors.get(vendor).with_context(|| format!("there is no vendor {vendor:?}"))?;
    let named = |party: &&RelyingParty| key.is_none_or(|key| party.key == key);
    let places: Vec<Place> =
        vendor.relying_parties.iter().filter(named).filter_map(|party| Place::of(vendor, party)).collect();
    match (places.is_empty(), key) {
        (false, _) => Ok(places),
        (true, Some(key)) => bail!("vendor {} has no metadata at an address for {key:?}", vendor.id),
        (true, None) => {
            bail!("no metadata of vendor {} is at an address: files change with `oneaccess apply`", vendor.id)
        }
    }
}

/// Looks now.
///
/// # Errors
/// Where calling others cannot be prepared, or the database does not answer.
pub async fn refresh(desk: &Desk, place: &Place) -> Result<()> {
    let config = &desk.config;
    let outbound = Outbound::new(&config.private_destinations, config.trusted_certificates.as_deref())?;
    let (after, event) = documents::look(&outbound, &place.known, &place.party, desk.clock.now()).await;
    write(desk, place, &after, event).await
}

/// Takes over the copy that waits, or turns it down until another one comes.
///
/// # Errors
/// Where none waits, or the database does not answer.
pub async fn decide(desk: &Desk, place: &Place, decision: Decision) -> Result<()> {
    let Some((after, event)) = documents::decided(&place.known, decision, desk.clock.now()) else {
        bail!("nothing of {} waits for a decision", place.party.key);
    };
    write(desk, place, &after, Some(event)).await
}

async fn write(desk: &Desk, place: &Place, after: &Published, event: Option<AuditEvent>) -> Result<()> {
    if !desk.db.published().replace(&place.known, after, event).await? {
        bail!("the server looked at {} in this moment: see again what is there", place.known.url);
    }
    Ok(())
}
