//! Agreements: who, at which partner, may use which privileges, and when.

use serde::{Deserialize, Serialize};

use super::{
    clock::Date,
    grade::Grade,
    id::{AgreementId, OrganisationId},
    patron::Role,
    scope::Scopes,
};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Agreement {
    pub id: AgreementId,
    pub organisation: OrganisationId,
    pub roles: Vec<Role>,
    /// First and last grade, both included; for students only. Absent: every grade.
    #[serde(default)]
    pub grades: Option<(Grade, Grade)>,
    pub privileges: Scopes,
    /// Both days included, in the library's time zone.
    pub from: Date,
    pub to: Date,
}
