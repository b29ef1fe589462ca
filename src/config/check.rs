//! Whether declarations fit together: every name is claimed once, and everything referred to is somewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::{
    declarations::{Claimed, Draft},
    section::Section,
};
use crate::domain::{catalogue::Catalogue, id::ScopeId};

/// Tells every name that is claimed twice or referred to in vain, in the file and what `known` adds to it.
pub(super) fn references(root: &Section<'_>, draft: &Draft, known: &Catalogue) {
    let mut here: BTreeMap<(&Claimed, &str), (usize, &str)> = BTreeMap::new();
    for claim in &draft.claims {
        let name = (&claim.of, claim.name.as_str());
        if let Some((line, _)) = here.get(&name) {
            let message = format!("{:?} is named a second time, after line {line}", claim.name);
            root.wrong_at(claim.line, &claim.field, message);
        } else {
            here.insert(name, (claim.line, claim.by.as_str()));
        }
    }
    let declared = |of: Claimed, id: &str| here.contains_key(&(&of, id));
    for (of, name, holder) in taken(known, &declared) {
        let Some(claim) = draft.claims.iter().find(|claim| claim.of == of && claim.name == name) else { continue };
        if claim.by != holder {
            root.wrong_at(claim.line, &claim.field, format!("{name:?} belongs to {holder} already"));
        }
    }
    let scopes_here = scopes(root, draft, known);
    for reference in &draft.references {
        let name = reference.name.as_str();
        let by_other_name = || {
            reference.to == Claimed::Scope
                && known.scope_named(name).is_some_and(|named| scopes_here.contains(&named.scope))
        };
        if !declared(reference.to.clone(), name) && !is_known(known, &reference.to, name) && !by_other_name() {
            let message = format!("there is no {} {name:?}", noun(&reference.to));
            root.wrong_at(reference.line, &reference.field, message);
        }
    }
}

/// Scopes that the file declares and `known` has already, by whichever of their names. Tells of names that a rotation
/// has overtaken: they go on meaning the same, so the file may follow when it suits.
fn scopes<'k>(root: &Section<'_>, draft: &Draft, known: &'k Catalogue) -> BTreeSet<&'k ScopeId> {
    let mut here = BTreeMap::new();
    let mut told = BTreeSet::new();
    let claims = draft.claims.iter().filter(|claim| claim.of == Claimed::Scope);
    for claim in claims.clone() {
        let Some(named) = known.scope_named(&claim.name) else { continue };
        if let Some(line) = here.insert(&named.scope, claim.line) {
            let message =
                format!("{:?} is the scope of line {line} by another name: one of the two is enough", claim.name);
            root.warn_at(claim.line, &claim.field, &message);
        }
    }
    let claimed = claims.map(|claim| (claim.line, &claim.field, &claim.name));
    let referred = draft.references.iter().filter(|reference| reference.to == Claimed::Scope);
    for (line, field, name) in claimed.chain(referred.map(|r| (r.line, &r.field, &r.name))) {
        if let Some(named) = known.scope_named(name).filter(|named| named.newest.as_str() != name)
            && told.insert((line, name))
        {
            let newest = named.newest.as_str();
            root.warn_at(line, field, &format!("{name:?} was rotated to {newest:?}; either means the same scope here"));
        }
    }
    here.into_keys().collect()
}

/// What organisations and vendors hold that the file leaves alone.
fn taken<'k>(known: &'k Catalogue, declared: &dyn Fn(Claimed, &str) -> bool) -> BTreeSet<(Claimed, &'k str, &'k str)> {
    let organisations = known.organisations.values().filter(|o| !declared(Claimed::Organisation, o.id.as_str()));
    let orgs =
        organisations.flat_map(|o| o.roster.iter().map(move |org| (Claimed::RosterOrg, org.as_str(), o.id.as_str())));
    let vendors = known.vendors.values().filter(|v| !declared(Claimed::Vendor, v.id.as_str()));
    let keys = vendors.flat_map(|v| {
        v.relying_parties.iter().map(move |p| (Claimed::Key(p.protocol.clone()), p.key.as_str(), v.id.as_str()))
    });
    orgs.chain(keys).collect()
}

fn is_known(known: &Catalogue, to: &Claimed, name: &str) -> bool {
    match to {
        Claimed::Scope => known.scope_named(name).is_some_and(|named| known.scopes.contains_key(&named.scope)),
        Claimed::Organisation => known.organisations.contains_key(name),
        Claimed::Source => known.sources.contains_key(name),
        _ => false,
    }
}

fn noun(of: &Claimed) -> &'static str {
    match of {
        Claimed::Scope => "scope",
        Claimed::Organisation => "organisation",
        Claimed::Agreement => "agreement",
        Claimed::Vendor => "vendor",
        Claimed::Source => "source",
        Claimed::OptOut => "opt-out",
        Claimed::Export => "export",
        Claimed::TestPatron => "test patron",
        Claimed::TestCard => "card",
        Claimed::RosterOrg => "org",
        Claimed::Key(_) => "key",
    }
}
