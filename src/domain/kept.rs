//! What the library itself keeps with a patron, whatever rosters say: why a card is blocked, an audience that a parent
//! lowered, privileges given to one card. What follows from them is `policy`'s to decide.

use serde::{Deserialize, Serialize};

use super::{
    clock::{Date, Timestamp},
    grade::AudienceBand,
    id::ScopeId,
};

/// Nothing of the kind by default.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Kept {
    /// There as long as the card is blocked; cards blocked before reasons were kept have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub block: Option<Block>,
    /// The highest audience band that a parent allows. It never raises the one that follows from the grade.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub audience: Option<AudienceBand>,
    /// By scope, each once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub privileges: Vec<CardPrivilege>,
}

/// For staff alone: the patron is told to ask them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Block {
    pub since: Timestamp,
    pub reason: String,
}

/// A scope given to one card besides what agreements grant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CardPrivilege {
    pub scope: ScopeId,
    /// The last day, included, in the library's time zone.
    pub until: Date,
}

impl Kept {
    pub fn is_empty(&self) -> bool {
        *self == Kept::default()
    }

    /// Gives a privilege, in place of what was given of the same scope before. `false` where it was given just so.
    pub fn give(&mut self, privilege: CardPrivilege) -> bool {
        if self.privileges.contains(&privilege) {
            return false;
        }
        self.take(&privilege.scope);
        self.privileges.push(privilege);
        self.privileges.sort_by(|a, b| a.scope.cmp(&b.scope));
        true
    }

    /// Takes a privilege back; `false` where it was not given.
    pub fn take(&mut self, scope: &ScopeId) -> bool {
        let before = self.privileges.len();
        self.privileges.retain(|given| given.scope != *scope);
        self.privileges.len() < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_privilege_is_given_once_whatever_its_day() {
        let given =
            |until: &str| CardPrivilege { scope: "library.hotspot".parse().unwrap(), until: until.parse().unwrap() };
        let mut kept = Kept::default();
        assert!(kept.give(given("2026-12-31")));
        assert!(!kept.give(given("2026-12-31")));
        assert!(kept.give(given("2027-01-31")));
        assert_eq!(kept.privileges, [given("2027-01-31")]);
        assert!(kept.take(&given("2026-12-31").scope) && !kept.take(&given("2026-12-31").scope));
        assert!(kept.is_empty());
    }

    #[test]
    fn what_is_not_kept_is_not_written() {
        assert_eq!(serde_json::to_string(&Kept::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Kept>("{}").unwrap(), Kept::default());
    }
}
