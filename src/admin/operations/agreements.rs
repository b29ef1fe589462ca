//! Agreements, and whether each is in force today.

use anyhow::Result;
use serde::Serialize;

use super::Desk;
use crate::domain::{
    agreement::Agreement,
    clock::Date,
    grade::Grade,
    id::{AgreementId, OrganisationId, ScopeName},
    patron::Role,
};

#[derive(Debug, Serialize)]
pub struct AgreementView {
    pub id: AgreementId,
    pub organisation: OrganisationId,
    pub roles: Vec<Role>,
    pub grades: Option<(Grade, Grade)>,
    /// By the names that scopes have now.
    pub privileges: Vec<ScopeName>,
    pub from: Date,
    pub to: Date,
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
    let now = desk.clock.now();
    let today = desk.config.library.time_zone.date(now);
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
    let view = |agreement: &Agreement| AgreementView {
        id: agreement.id.clone(),
        organisation: agreement.organisation.clone(),
        roles: agreement.roles.clone(),
        grades: agreement.grades,
        privileges: catalogue.shown(&agreement.privileges, now),
        from: agreement.from,
        to: agreement.to,
        state: state(agreement),
    };
    Ok(catalogue.agreements.values().map(view).collect())
}
