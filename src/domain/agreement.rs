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
    /// Things that may be borrowed at a time; nothing is said of it where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loan_limit: Option<u32>,
    /// Whether what comes back late costs anything; nothing is said of it where absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub overdue_fines: Option<bool>,
}

impl Agreement {
    pub fn loans(&self) -> LoanTerms {
        LoanTerms { limit: self.loan_limit, overdue_fines: self.overdue_fines }
    }
}

/// What an agreement says of borrowing, for faces and exports to tell. Loans themselves live in the library's ILS.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LoanTerms {
    pub limit: Option<u32>,
    pub overdue_fines: Option<bool>,
}

impl LoanTerms {
    /// Of several agreements the most generous word holds.
    #[must_use]
    pub fn or_better(self, other: LoanTerms) -> LoanTerms {
        let overdue_fines = match (self.overdue_fines, other.overdue_fines) {
            (Some(a), Some(b)) => Some(a && b),
            (a, b) => a.or(b),
        };
        LoanTerms { limit: self.limit.max(other.limit), overdue_fines }
    }

    pub fn has_no_fines(self) -> bool {
        self.overdue_fines == Some(false)
    }
}
