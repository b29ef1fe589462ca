//! Agreements, and whether each is in force today.

use anyhow::Result;
use serde::Serialize;

use super::Desk;
use crate::domain::agreement::Agreement;

#[derive(Debug, Serialize)]
pub struct AgreementView {
    #[serde(flatten)]
    pub agreement: Agreement,
    pub state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    NotBegun,
    InForce,
    Ended,
}

/// # Errors
/// Those of the database.
pub async fn list(desk: &Desk) -> Result<Vec<AgreementView>> {
    let today = desk.config.library.time_zone.date(desk.clock.now());
    let state = |agreement: &Agreement| {
        if today < agreement.from {
            State::NotBegun
        } else if today > agreement.to {
            State::Ended
        } else {
            State::InForce
        }
    };
    let catalogue = desk.db.catalogue().load().await?;
    let view = |agreement: Agreement| AgreementView { state: state(&agreement), agreement };
    Ok(catalogue.agreements.into_values().map(view).collect())
}
