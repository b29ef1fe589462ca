//! A person known to the library: who the school says they are, and what the library keeps of that.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::{
    card::{CardNumber, CardStatus},
    claims::StandardClaims,
    clock::Timestamp,
    grade::Grade,
    id::{OrganisationId, PatronId, SourceId},
    kept::Kept,
    numbers::Numbers,
};

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Patron {
    pub id: PatronId,
    pub source: SourceId,
    /// The directory's own key of this person; never shown to a vendor.
    pub sourced_id: String,
    pub given_name: String,
    pub family_name: String,
    /// The first is the one that the card was made by.
    pub affiliations: Vec<Affiliation>,
    pub standing: Standing,
    /// What is told: `numbers.told()`.
    pub card: CardNumber,
    pub numbers: Numbers,
    pub card_status: CardStatus,
    /// Declared for a test patron; no roster brings any.
    pub standard_claims: Option<Box<StandardClaims>>,
    /// What staff put down with the card.
    pub kept: Kept,
}

impl Patron {
    /// What a shared screen shows instead of a name: `M · 4417`.
    pub fn badge(&self) -> String {
        match self.given_name.chars().next() {
            Some(initial) => format!("{initial} · {}", self.card.ending()),
            None => self.card.ending().to_owned(),
        }
    }

    /// Pupils are protected whatever else they are: whoever is a student anywhere is one.
    pub fn is_student(&self) -> bool {
        self.affiliations.iter().any(|a| a.role == Role::Student)
    }
}

/// What the school's roster says of a person today.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    Enrolled,
    Withdrawn,
    /// Not listed any more, since the school year ended: the card lives on over the summer.
    Bridged {
        until: Timestamp,
    },
}

impl Standing {
    /// Whether the person counts as one of the school's at that instant.
    pub fn counts(self, now: Timestamp) -> bool {
        match self {
            Standing::Enrolled => true,
            Standing::Withdrawn => false,
            Standing::Bridged { until } => now < until,
        }
    }
}

/// A patron at an organisation, in a role and grade.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Affiliation {
    pub organisation: OrganisationId,
    pub role: Role,
    pub grade: Option<Grade>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Role {
    Student,
    Staff,
}

impl Role {
    pub fn as_str(self) -> &'static str {
        match self {
            Role::Student => "student",
            Role::Staff => "staff",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// `cms:student:07`; the grade is left away where there is none.
impl fmt::Display for Affiliation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.organisation, self.role)?;
        self.grade.map_or(Ok(()), |grade| write!(f, ":{grade}"))
    }
}

impl FromStr for Affiliation {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text:?} is not organisation:role:grade");
        let mut parts = text.splitn(3, ':');
        let organisation = parts.next().and_then(|o| o.parse().ok()).ok_or_else(wrong)?;
        let role = match parts.next() {
            Some("student") => Role::Student,
            Some("staff") => Role::Staff,
            _ => return Err(wrong()),
        };
        let grade = parts.next().map(str::parse).transpose().map_err(|_| wrong())?;
        Ok(Affiliation { organisation, role, grade })
    }
}
