//! Scopes: the privileges of the library's own catalogue.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::id::ScopeName;

/// One privilege that an agreement can grant and a vendor can be allowed to ask for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    pub name: ScopeName,
    /// What it opens, for the card page and for consent.
    #[serde(default)]
    pub description: Option<String>,
}

/// A set of scopes, in the order of their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<ScopeName>);

impl Scopes {
    pub fn contains(&self, name: &str) -> bool {
        self.0.contains(name)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &ScopeName> {
        self.0.iter()
    }

    #[must_use]
    pub fn intersection(&self, other: &Scopes) -> Scopes {
        Scopes(self.0.intersection(&other.0).cloned().collect())
    }

    pub fn extend(&mut self, more: &Scopes) {
        self.0.extend(more.0.iter().cloned());
    }

    pub fn is_subset(&self, of: &Scopes) -> bool {
        self.0.is_subset(&of.0)
    }
}

impl FromIterator<ScopeName> for Scopes {
    fn from_iter<I: IntoIterator<Item = ScopeName>>(names: I) -> Self {
        Scopes(names.into_iter().collect())
    }
}

/// Space-delimited, as OAuth writes it (RFC 6749 section 3.3).
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, name) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name.as_str())?;
        }
        Ok(())
    }
}
