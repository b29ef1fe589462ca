//! Directories that sign people in at a page of their own. What such a directory is asked and what it may answer, in no
//! protocol's words; who is let in for it is `signon`'s.

use std::collections::BTreeSet;

use serde_json::Value;

use super::source::Soon;
use crate::domain::{
    clock::Timestamp,
    id::{OrganisationId, SourceId},
    lookup::LookupField,
    patron::{Patron, Role},
};

/// A directory to whose page browsers are sent, and from which they come back.
pub trait Redirect: Send + Sync {
    fn portal(&self) -> &Portal;

    /// Where to send a browser that carries `wish.state` there and back.
    fn leave<'a>(&'a self, wish: &'a Wish<'a>) -> Soon<'a, Result<Departure, Turned>>;

    /// What to make of a browser that came back. `kept` is what `leave` left with us.
    fn arrive<'a>(&'a self, kept: &'a Value, back: &'a Returned, now: Timestamp) -> Soon<'a, Result<Shown, Turned>>;

    /// Where a browser signs out there too, to come back to `back` on this server; `None` where that is not wished or
    /// not offered.
    fn goodbye<'a>(&'a self, _back: &'a str, _now: Timestamp) -> Soon<'a, Option<String>> {
        Box::pin(std::future::ready(None))
    }
}

/// What people see of it, and whom it is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Portal {
    /// On its button: "Maple Schools".
    pub name: String,
    /// Whose people sign in here.
    pub roster: SourceId,
    /// By which field of that roster somebody is found.
    pub field: LookupField,
    /// Empty: everybody of the roster, as far as `roles` goes.
    pub organisations: BTreeSet<OrganisationId>,
    pub roles: Vec<Role>,
    /// Card and PIN stay open to these people on the sign-in page.
    pub pin_stays: bool,
    /// Who is not on the roster yet is put there.
    pub creates: Option<Creates>,
}

/// What becomes of somebody whom a portal brings and no roster knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Creates {
    pub organisation: OrganisationId,
    pub role: Role,
}

impl Portal {
    /// Whether this patron may come this way.
    pub fn is_for(&self, patron: &Patron) -> bool {
        let here = |role: &Role, organisation| self.roles.contains(role) && self.leads_to(organisation);
        patron.source == self.roster && patron.affiliations.iter().any(|a| here(&a.role, &a.organisation))
    }

    /// Whether some of an organisation's people come this way.
    pub fn leads_to(&self, organisation: &OrganisationId) -> bool {
        self.organisations.is_empty() || self.organisations.contains(organisation)
    }

    /// Whether an organisation's people have no PIN on the sign-in page, whatever their role there.
    pub fn is_the_only_one_of(&self, organisation: &OrganisationId) -> bool {
        let everybody = [Role::Student, Role::Staff].iter().all(|role| self.roles.contains(role));
        !self.pin_stays && everybody && self.leads_to(organisation)
    }
}

/// What is asked of a directory when a browser goes there.
#[derive(Debug, Clone, Copy)]
pub struct Wish<'a> {
    pub now: Timestamp,
    /// Comes back unchanged. It is known to nobody but this browser and the directory.
    pub state: &'a str,
    /// They must show who they are after this instant, whoever is signed in there.
    pub fresh_after: Option<Timestamp>,
}

/// A browser on its way.
#[derive(Debug)]
pub struct Departure {
    pub to: String,
    /// To be handed to `arrive`; kept on this server meanwhile.
    pub kept: Value,
}

/// What a browser brought back, as its address said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Returned {
    pub code: Option<String>,
    pub error: Option<String>,
    /// Who says that it has sent the browser (RFC 9207).
    pub issuer: Option<String>,
}

/// Somebody for whom the directory vouches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shown {
    /// The directory's own lasting name for them, unique over all directories.
    pub subject: String,
    /// What is looked for in the roster.
    pub value: String,
    /// They showed something as good as a password.
    pub by_password: bool,
    /// What is known of them, where the portal makes people.
    pub newcomer: Option<Newcomer>,
}

/// Somebody who may have to be put on a roster first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Newcomer {
    /// The directory's key of them, within the directory.
    pub sourced_id: String,
    pub given_name: String,
    pub family_name: String,
}

/// Why nobody was vouched for. The sentence is for the operator and holds no secret and no name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Turned {
    /// Trying again may help.
    #[error("{0}")]
    Away(String),
    /// Somebody of another school or company.
    #[error("{0}")]
    WrongTenant(String),
    /// It does not say whom it vouches for in the words that were agreed on.
    #[error("{0}")]
    Nameless(String),
    /// What came back is no sign-in.
    #[error("{0}")]
    Failed(String),
}
