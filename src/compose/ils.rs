//! Asks the library's own system about a library card before an operator's link is made.

use anyhow::Result;

use crate::{
    admin::operations::{
        Desk,
        links::{self, LinkView, Proof},
    },
    domain::ils::{Unlinkable, Unproven},
    outbound::Outbound,
};

/// Links a library card to a card: with its PIN the ILS is asked, without it the operator vouches.
///
/// # Errors
/// Where it cannot be linked, or the ILS does not confirm it; then nothing is changed.
pub async fn link(desk: &Desk, card: &str, library_card: &str, pin: Option<&str>, why: &str) -> Result<LinkView> {
    let wish = links::prepare(desk, card, library_card, why).await?;
    let proof = match pin {
        None => Proof::Staff,
        Some(pin) => {
            let config = &desk.config;
            let ils = config.ils.as_ref().ok_or(Unlinkable::Unproven(Unproven::NotConfigured))?;
            let outbound = Outbound::new(&config.private_destinations, config.trusted_certificates.as_deref())?;
            let (now, zone) = (desk.clock.now(), &config.library.time_zone);
            if let Err(unproven) = outbound.ask_ils(ils, wish.number(), pin, now, zone).await {
                links::note_unproven(desk, &wish, &unproven).await?;
                return Err(unproven.into());
            }
            Proof::Ils
        }
    };
    links::link(desk, wish, proof).await
}
