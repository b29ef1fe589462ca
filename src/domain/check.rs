//! One thing that must be right for a vendor to work, looked at from our side, and whose it is to mend.

use serde::Serialize;

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Check {
    /// Stable: `jwks-uri`.
    pub check: &'static str,
    /// The relying party; absent where it is about the vendor as a whole.
    pub client: Option<String>,
    pub outcome: Outcome,
    /// Absent where there is nothing to mend.
    pub whose: Option<Whose>,
    pub detail: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    Ok,
    Mend,
    /// There is nothing to look at, or nothing that we can see from here.
    Skipped,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Whose {
    Ours,
    Theirs,
}

impl Whose {
    pub fn as_str(self) -> &'static str {
        match self {
            Whose::Ours => "ours",
            Whose::Theirs => "theirs",
        }
    }
}

impl Check {
    pub fn ok(check: &'static str, detail: impl Into<String>) -> Check {
        Check { check, client: None, outcome: Outcome::Ok, whose: None, detail: detail.into() }
    }

    pub fn mend(check: &'static str, whose: Whose, detail: impl Into<String>) -> Check {
        Check { outcome: Outcome::Mend, whose: Some(whose), ..Check::ok(check, detail) }
    }

    pub fn skipped(check: &'static str, detail: impl Into<String>) -> Check {
        Check { outcome: Outcome::Skipped, ..Check::ok(check, detail) }
    }

    #[must_use]
    pub fn of(self, client: &str) -> Check {
        Check { client: Some(client.to_owned()), ..self }
    }
}
