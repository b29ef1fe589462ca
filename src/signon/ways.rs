//! Which ways of signing in the page offers, and to whom: card and PIN, and a button for each upstream.

use std::collections::BTreeSet;

use super::{Fault, SignOn, begin::refusal_event};
use crate::{
    directory::redirect::Portal,
    domain::{
        card::{CardNumber, CardScheme},
        catalogue::Catalogue,
        id::{OrganisationId, SourceId},
        patron::Patron,
        reason::Reason,
    },
};

/// What the sign-in page offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ways {
    /// Card and PIN.
    pub pin: bool,
    /// Upstreams, by the name on their button; by id.
    pub portals: Vec<(SourceId, String)>,
    /// Whose people they are for, where that is known.
    pub organisation: Option<OrganisationId>,
}

impl Ways {
    /// The upstream that everybody is sent to, since there is no choice. Only where it is known whose people they are.
    pub fn only(&self) -> Option<&SourceId> {
        match self.portals.as_slice() {
            [(source, _)] if !self.pin && self.organisation.is_some() => Some(source),
            _ => None,
        }
    }
}

impl SignOn {
    /// The ways for the people of `organisation`, or for everybody where it is not known whose people they are.
    pub fn ways_in(&self, organisation: Option<&OrganisationId>) -> Ways {
        let catalogue = self.app().catalogue();
        let sources = self.app().sources.now();
        let portals: Vec<(SourceId, &Portal)> = sources
            .all()
            .filter_map(|(settings, source)| Some((settings.id.clone(), source.redirect()?.portal())))
            .collect();
        let organisations: Vec<&OrganisationId> = catalogue.organisations.keys().collect();
        offered(&portals, &organisations, organisation)
    }

    /// Whose people a card or a hint of a vendor's speaks of: an organisation's id itself, or a number that only one
    /// organisation's scheme makes.
    pub fn organisation_of(&self, hint: &str) -> Option<OrganisationId> {
        guess(&self.app().catalogue(), hint)
    }

    /// Why the PIN, though right, does not open the sign-in page to this patron.
    pub(super) async fn elsewhere(&self, patron: &Patron) -> Result<Option<Reason>, Fault> {
        let sources = self.app().sources.now();
        let mut portals = sources.all().filter_map(|(_, source)| Some(source.redirect()?.portal()));
        if !portals.any(|portal| !portal.pin_stays && portal.is_for(patron)) {
            return Ok(None);
        }
        let reason = Reason::SchoolSignInOnly;
        let event = refusal_event(self.app().clock.now(), &reason, Some(patron.id), None);
        self.app().journal.keep(Vec::new(), vec![event]).await?;
        Ok(Some(reason))
    }
}

fn offered(portals: &[(SourceId, &Portal)], all: &[&OrganisationId], organisation: Option<&OrganisationId>) -> Ways {
    let here =
        portals.iter().filter(|(_, portal)| organisation.is_none_or(|organisation| portal.leads_to(organisation)));
    let shut =
        |organisation: &OrganisationId| portals.iter().any(|(_, portal)| portal.is_the_only_one_of(organisation));
    let pin = match organisation {
        Some(organisation) => !shut(organisation),
        // Whose PINs are all shut has nobody to type one.
        None => all.is_empty() || all.iter().any(|organisation| !shut(organisation)),
    };
    // Who is alone is known by that.
    let alone = match all {
        [one] => Some(*one),
        _ => None,
    };
    Ways {
        pin,
        portals: here.map(|(id, portal)| (id.clone(), portal.name.clone())).collect(),
        organisation: organisation.or(alone).cloned(),
    }
}

fn guess(catalogue: &Catalogue, hint: &str) -> Option<OrganisationId> {
    let asked = hint.trim().to_ascii_lowercase();
    if let Some(named) = catalogue.organisations.keys().find(|id| id.as_str() == asked) {
        return Some(named.clone());
    }
    let card = CardNumber::read(hint)?;
    let makes = |scheme: &CardScheme| match scheme {
        CardScheme::Prefix { prefix, .. } => {
            !prefix.is_empty()
                && card.as_str().len() > prefix.len()
                && card.as_str().starts_with(&prefix.to_uppercase())
        }
        CardScheme::Barcode14 { institution, .. } => {
            card.as_str().len() == 14 && card.as_str().starts_with(&format!("2{institution}"))
        }
        CardScheme::Raw { .. } => false,
    };
    let makers: BTreeSet<&OrganisationId> =
        catalogue.organisations.values().filter(|organisation| makes(&organisation.card)).map(|o| &o.id).collect();
    match (makers.len(), makers.first()) {
        (1, Some(only)) => Some((*only).clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{lookup::LookupField, patron::Role};

    fn portal(name: &str, organisations: &[&str], roles: &[Role], pin_stays: bool) -> Portal {
        Portal {
            name: name.into(),
            roster: "cms".parse().unwrap(),
            field: LookupField::Email,
            organisations: organisations.iter().map(|id| id.parse().unwrap()).collect(),
            roles: roles.to_vec(),
            pin_stays,
            creates: None,
        }
    }

    const BOTH: [Role; 2] = [Role::Student, Role::Staff];

    fn names(ways: &Ways) -> (bool, Vec<&str>, Option<&str>) {
        let only = ways.only().map(SourceId::as_str);
        (ways.pin, ways.portals.iter().map(|(_, name)| name.as_str()).collect(), only)
    }

    #[test]
    fn an_organisation_sees_its_own_portals_and_its_own_pin() {
        let (maple, cedar) = (portal("Maple", &["maple"], &BOTH, false), portal("Cedar", &["cedar"], &BOTH, true));
        let portals = [("google".parse().unwrap(), &maple), ("entra".parse().unwrap(), &cedar)];
        let (m, c): (OrganisationId, OrganisationId) = ("maple".parse().unwrap(), "cedar".parse().unwrap());
        let all = [&m, &c];
        let see = |organisation| offered(&portals, &all, organisation);
        assert_eq!(names(&see(None)), (true, vec!["Maple", "Cedar"], None));
        assert_eq!(names(&see(Some(&m))), (false, vec!["Maple"], Some("google")));
        assert_eq!(names(&see(Some(&c))), (true, vec!["Cedar"], None));
        assert_eq!(names(&offered(&portals[..1], &all[..1], None)), (false, vec!["Maple"], Some("google")));
        assert_eq!(names(&offered(&[], &[], None)), (true, vec![], None));
    }

    #[test]
    fn where_only_pupils_have_no_pin_staff_still_find_the_form() {
        let maple = portal("Maple", &[], &[Role::Student], false);
        let portals = [("google".parse().unwrap(), &maple)];
        let m: OrganisationId = "maple".parse().unwrap();
        assert_eq!(names(&offered(&portals, &[&m], Some(&m))), (true, vec!["Maple"], None));
    }
}
