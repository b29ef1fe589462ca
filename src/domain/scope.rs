//! Scopes: the privileges of the library's own catalogue. A scope is compared by its identity; names are spellings of
//! it, which come and go: next → active → retiring → retired.

use std::{collections::BTreeSet, fmt};

use serde::{Deserialize, Serialize};

use super::{
    clock::Timestamp,
    id::{ScopeId, ScopeName},
};

/// One privilege that an agreement can grant and a vendor can be allowed to ask for, with all the names it ever had.
/// No name is ever given to another scope.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    /// Its newest name.
    pub name: ScopeName,
    /// What it opens, for the card page and for consent.
    #[serde(default)]
    pub description: Option<String>,
    /// Since when, or from when on, `name` is in use. Absent: ever since.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The end of `name`, and so of the scope: it has no successor.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until: Option<Timestamp>,
    /// Names before `name`, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
}

/// A name with a successor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Earlier {
    pub name: ScopeName,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// The end of the overlap: from here on, this name means nothing to vendors.
    pub until: Timestamp,
}

/// Where a name stands in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Known to operators; vendors can neither ask for it nor find it in tokens.
    Next,
    Active,
    /// As good as active, until its end.
    Retiring,
    /// Ignored like any unknown name.
    Retired,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Next => "next",
            State::Active => "active",
            State::Retiring => "retiring",
            State::Retired => "retired",
        }
    }

    /// Accepted from vendors, and issued to them.
    pub fn is_in_use(self) -> bool {
        matches!(self, State::Active | State::Retiring)
    }
}

/// One name of a scope, at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Spelling<'a> {
    pub name: &'a ScopeName,
    pub state: State,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub successor: Option<&'a ScopeName>,
}

/// Why a scope's names are left as they are.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("{0} is not the newest name of this scope: it became {1}; rotate that one")]
    NotNewest(ScopeName, ScopeName),
    #[error("{0} takes over at a time still to come; cancel that with scope retire {0} first")]
    Pending(ScopeName),
    #[error("{0} is on its way out, without a successor")]
    Ending(ScopeName),
    #[error("{0} is a scope of OpenID Connect itself")]
    Reserved(ScopeName),
    #[error("{0} has no successor in use yet: {1} takes over at a time still to come")]
    SuccessorPending(ScopeName, ScopeName),
    #[error("{0} is in use still, so it cannot begin later: take the rotation back without a start")]
    InUse(ScopeName),
    #[error("{0} is retired already")]
    Retired(ScopeName),
}

/// Scopes that OpenID Connect and OAuth give a meaning of their own.
pub fn is_reserved(name: &str) -> bool {
    ["openid", "profile", "email", "address", "phone", "offline_access"].contains(&name)
}

impl Scope {
    pub fn new(name: ScopeName, description: Option<String>) -> Scope {
        Scope { name, description, since: None, until: None, earlier: Vec::new() }
    }

    /// Every name it has or had, the newest first.
    pub fn spellings(&self, now: Timestamp) -> impl Iterator<Item = Spelling<'_>> {
        let newest = (&self.name, self.since, self.until);
        let earlier = self.earlier.iter().rev().map(|old| (&old.name, old.since, Some(old.until)));
        let mut successor: Option<(&ScopeName, Option<Timestamp>)> = None;
        std::iter::once(newest).chain(earlier).map(move |(name, since, until)| {
            let follows = successor.replace((name, since));
            let state = state(since, until, follows.and_then(|(_, begins)| begins), now);
            Spelling { name, state, since, until, successor: follows.map(|(name, _)| name) }
        })
    }

    pub fn spelling(&self, name: &str, now: Timestamp) -> Option<Spelling<'_>> {
        self.spellings(now).find(|spelling| spelling.name.as_str() == name)
    }

    /// The names by which vendors know it now, the newest first.
    pub fn in_use(&self, now: Timestamp) -> impl Iterator<Item = &ScopeName> {
        self.spellings(now).filter(|spelling| spelling.state.is_in_use()).map(|spelling| spelling.name)
    }

    pub fn is_in_use(&self, now: Timestamp) -> bool {
        self.in_use(now).next().is_some()
    }

    /// The one name that people read.
    pub fn shown(&self, now: Timestamp) -> &ScopeName {
        self.in_use(now).next().unwrap_or(&self.name)
    }

    /// Gives the scope a new name from `starts` on; `from` goes on beside it until `ends`. `false`: that is so already.
    /// An earlier name may come back, which is how a rotation is taken back.
    ///
    /// # Errors
    /// `Unfit`; then nothing changed.
    pub fn rotate(
        &mut self,
        from: &ScopeName,
        to: ScopeName,
        starts: Timestamp,
        ends: Timestamp,
        now: Timestamp,
    ) -> Result<bool, Unfit> {
        let follows_already =
            self.name == to && self.earlier.last().is_some_and(|old| old.name == *from) && self.until.is_none();
        if follows_already || (self.name == to && *from == to) {
            return Ok(false);
        }
        if is_reserved(to.as_str()) {
            return Err(Unfit::Reserved(to));
        }
        if self.name != *from {
            return Err(Unfit::NotNewest(from.clone(), self.name.clone()));
        }
        if self.until.is_some() {
            return Err(Unfit::Ending(from.clone()));
        }
        if self.since.is_some_and(|since| now < since) {
            return Err(Unfit::Pending(from.clone()));
        }
        if now < starts && self.in_use(now).any(|name| *name == to) {
            return Err(Unfit::InUse(to));
        }
        self.earlier.retain(|old| old.name != to);
        let name = std::mem::replace(&mut self.name, to);
        let since = self.since.replace(starts);
        self.earlier.push(Earlier { name, since, until: ends.max(starts) });
        Ok(true)
    }

    /// Ends a name at `ends`. The newest name takes the scope with it; one that is still to come is called off, and the
    /// name before it goes on.
    ///
    /// # Errors
    /// `Unfit`; then nothing changed.
    pub fn retire(&mut self, name: &ScopeName, ends: Timestamp, now: Timestamp) -> Result<(), Unfit> {
        let Some(Spelling { state, successor, .. }) = self.spelling(name.as_str(), now) else {
            return Err(Unfit::NotNewest(name.clone(), self.name.clone()));
        };
        match (state, successor.cloned()) {
            (State::Retired, _) => Err(Unfit::Retired(name.clone())),
            (State::Active, Some(successor)) => Err(Unfit::SuccessorPending(name.clone(), successor)),
            (State::Next, _) => {
                if let Some(Earlier { name, since, .. }) = self.earlier.pop() {
                    (self.name, self.since) = (name, since);
                }
                Ok(())
            }
            (_, Some(_)) => {
                self.earlier.iter_mut().filter(|old| old.name == *name).for_each(|old| old.until = ends);
                Ok(())
            }
            (_, None) => {
                self.until = Some(ends);
                self.earlier.iter_mut().for_each(|old| old.until = old.until.min(ends));
                Ok(())
            }
        }
    }
}

fn state(
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    successor_begins: Option<Timestamp>,
    now: Timestamp,
) -> State {
    if since.is_some_and(|since| now < since) {
        State::Next
    } else if until.is_some_and(|until| now >= until) {
        State::Retired
    } else if until.is_none() || successor_begins.is_some_and(|begins| now < begins) {
        State::Active
    } else {
        State::Retiring
    }
}

/// A set of scopes, by identity. What vendors send and receive are names: the catalogue turns the one into the other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Scopes(BTreeSet<ScopeId>);

impl Scopes {
    pub fn contains(&self, scope: &ScopeId) -> bool {
        self.0.contains(scope)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &ScopeId> {
        self.0.iter()
    }

    #[must_use]
    pub fn intersection(&self, other: &Scopes) -> Scopes {
        Scopes(self.0.intersection(&other.0).cloned().collect())
    }

    pub fn extend<'a>(&mut self, more: impl IntoIterator<Item = &'a ScopeId>) {
        self.0.extend(more.into_iter().cloned());
    }

    pub fn is_subset(&self, of: &Scopes) -> bool {
        self.0.is_subset(&of.0)
    }
}

impl FromIterator<ScopeId> for Scopes {
    fn from_iter<I: IntoIterator<Item = ScopeId>>(scopes: I) -> Self {
        Scopes(scopes.into_iter().collect())
    }
}

/// Identities, space-delimited, as they are stored and audited. For vendors: `Catalogue::spelled`.
impl fmt::Display for Scopes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, scope) in self.0.iter().enumerate() {
            if place > 0 {
                f.write_str(" ")?;
            }
            f.write_str(scope.as_str())?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
