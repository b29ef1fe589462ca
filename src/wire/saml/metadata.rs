//! Metadata of service providers (SAML V2.0 Metadata): where they take answers, by which keys they sign, what they ask
//! for. Whether metadata is believed, fresh enough and good enough is the caller's to say.
//!
//! `keys` reads certificates, `endpoints` says which of several addresses counts, `about` what is said to people.

mod about;
mod endpoints;
mod keys;
#[cfg(test)]
pub(super) mod tests;

use std::collections::HashSet;

pub use self::{
    about::{Contact, EntityAttribute, Localized, Logo, Organization, SubjectId, in_language},
    endpoints::{Endpoint, Reach},
    keys::{Certificate, EncryptionKey},
};
use super::{Error as Unreadable, instant, read as fields};
use crate::wire::xml::{
    self, Node,
    namespace::{METADATA, PROTOCOL},
};

/// What one service provider publishes of itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceProvider {
    pub entity_id: String,
    /// Milliseconds since 1970: the earliest of those of the entity, its role, and the groups around it.
    pub valid_until: Option<i64>,
    /// Seconds, the shortest likewise.
    pub cache_duration: Option<u64>,
    pub authn_requests_signed: bool,
    pub want_assertions_signed: bool,
    /// Keys that may have made a signature, all of them in force.
    pub signing: Vec<Certificate>,
    /// Keys to encrypt to, in their order.
    pub encryption: Vec<EncryptionKey>,
    pub name_id_formats: Vec<String>,
    /// Assertion consumer services, of whatever binding; never empty.
    pub acs: Vec<Endpoint>,
    /// Single logout services, of whatever binding.
    pub slo: Vec<Endpoint>,
    pub attribute_consuming: Vec<AttributeConsuming>,
    pub entity_attributes: Vec<EntityAttribute>,
    pub display_name: Vec<Localized>,
    pub description: Vec<Localized>,
    pub information_url: Vec<Localized>,
    pub privacy_statement_url: Vec<Localized>,
    pub logo: Vec<Logo>,
    pub organization: Option<Organization>,
    pub contacts: Vec<Contact>,
    pub registration_authority: Option<String>,
}

/// A set of attributes that the service provider asks for (section 2.4.4.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttributeConsuming {
    pub index: u16,
    pub is_default: Option<bool>,
    pub service_names: Vec<Localized>,
    pub requested: Vec<RequestedAttribute>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestedAttribute {
    pub name: String,
    pub name_format: Option<String>,
    pub friendly_name: Option<String>,
    pub required: bool,
}

/// Why metadata is not taken. Its publisher's to mend, unless it says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("this is no SAML 2.0 metadata: the root element is {0}")]
    NoMetadata(String),
    #[error("the metadata holds no entity")]
    NoEntity,
    #[error("the metadata holds {0} entities; say by its entityID which one is meant")]
    Several(usize),
    #[error("the metadata holds no entity {0:?}")]
    Unknown(String),
    #[error("the metadata holds the entity {0:?} more than once")]
    EntityTwice(String),
    #[error("{0:?} is an identity provider, as we are; what is needed is the metadata of a service provider")]
    IdentityProvider(String),
    #[error("{0:?} is no service provider: it has no SPSSODescriptor")]
    NoServiceProvider(String),
    #[error("{0:?} speaks older versions of SAML alone: no SPSSODescriptor names {PROTOCOL}")]
    OldVersion(String),
    #[error("the service provider has no AssertionConsumerService, so it can be sent no answer")]
    NoAcs,
    #[error("two {0} elements have the index {1}")]
    IndexTwice(&'static str, u16),
    #[error("an X509Certificate cannot be used: {0}")]
    Certificate(&'static str),
}

impl Error {
    /// Stable.
    pub fn code(&self) -> &'static str {
        match self {
            Error::Unreadable(error) => error.code(),
            Error::NoMetadata(_) => "no-metadata",
            Error::NoEntity => "no-entity",
            Error::Several(_) => "several-entities",
            Error::Unknown(_) => "unknown-entity",
            Error::EntityTwice(_) => "entity-twice",
            Error::IdentityProvider(_) => "identity-provider",
            Error::NoServiceProvider(_) => "no-service-provider",
            Error::OldVersion(_) => "old-saml-version",
            Error::NoAcs => "no-acs",
            Error::IndexTwice(..) => "index-twice",
            Error::Certificate(_) => "certificate",
        }
    }
}

impl From<xml::Error> for Error {
    fn from(error: xml::Error) -> Error {
        Error::Unreadable(error.into())
    }
}

/// The `md:EntityDescriptor` of one entity: the document itself, or one within nested `md:EntitiesDescriptor`s. Without
/// an entityID there must be exactly one.
///
/// # Errors
/// `NoMetadata`, `NoEntity`, `Several`, `Unknown` or `EntityTwice`.
pub fn find_entity<'a, 'i>(root: Node<'a, 'i>, entity_id: Option<&str>) -> Result<Node<'a, 'i>, Error> {
    if !is_entity(root) && !is_group(root) {
        return Err(Error::NoMetadata(fields::full_name(root)));
    }
    let wanted = |node: &Node<'_, '_>| entity_id.is_none() || xml::attribute(*node, "entityID") == entity_id;
    let mut found = entities(root).filter(wanted);
    match (found.next(), found.count(), entity_id) {
        (Some(entity), 0, _) => Ok(entity),
        (Some(_), _, Some(id)) => Err(Error::EntityTwice(fields::shortened(id))),
        (Some(_), more, None) => Err(Error::Several(more + 1)),
        (None, _, Some(id)) => Err(Error::Unknown(fields::shortened(id))),
        (None, _, None) => Err(Error::NoEntity),
    }
}

/// All `md:EntityDescriptor`s of a document, in its order, whatever groups they stand in.
pub fn entities<'a, 'i>(root: Node<'a, 'i>) -> impl Iterator<Item = Node<'a, 'i>> {
    let mut waiting = vec![root];
    std::iter::from_fn(move || {
        while let Some(node) = waiting.pop() {
            if is_entity(node) {
                return Some(node);
            }
            if is_group(node) {
                waiting.extend(node.children().rev().filter(|child| is_entity(*child) || is_group(*child)));
            }
        }
        None
    })
}

fn is_entity(node: Node<'_, '_>) -> bool {
    xml::is(node, METADATA, "EntityDescriptor")
}

fn is_group(node: Node<'_, '_>) -> bool {
    xml::is(node, METADATA, "EntitiesDescriptor")
}

/// Reads an `md:EntityDescriptor`, with what the groups around it say of all. What we have no use for is passed over.
///
/// # Errors
/// `Error`, the first thing found wrong.
pub fn read(entity: Node<'_, '_>) -> Result<ServiceProvider, Error> {
    if !is_entity(entity) {
        return Err(Error::NoMetadata(fields::full_name(entity)));
    }
    let entity_id = fields::required(entity, "entityID")?;
    let role = role(entity, &entity_id)?;
    let keys = keys::read(role)?;
    let about = about::read(entity, role)?;
    Ok(ServiceProvider {
        valid_until: valid_until(role)?,
        cache_duration: cache_duration(role)?,
        authn_requests_signed: fields::boolean(role, "AuthnRequestsSigned")?.unwrap_or(false),
        want_assertions_signed: fields::boolean(role, "WantAssertionsSigned")?.unwrap_or(false),
        signing: keys.signing,
        encryption: keys.encryption,
        name_id_formats: name_id_formats(role)?,
        acs: acs(role)?,
        slo: endpoints::read(role, "SingleLogoutService")?,
        attribute_consuming: attribute_consuming(role)?,
        entity_attributes: about.entity_attributes,
        display_name: about.display_name,
        description: about.description,
        information_url: about.information_url,
        privacy_statement_url: about.privacy_statement_url,
        logo: about.logo,
        organization: about.organization,
        contacts: about.contacts,
        registration_authority: about.registration_authority,
        entity_id,
    })
}

/// The first role of a service provider that speaks SAML 2.0; one for older versions may stand beside it.
fn role<'a, 'i>(entity: Node<'a, 'i>, entity_id: &str) -> Result<Node<'a, 'i>, Error> {
    let speaks = |role: &Node<'_, '_>| {
        let versions = xml::attribute(*role, "protocolSupportEnumeration").unwrap_or_default();
        versions.split_ascii_whitespace().any(|version| version == PROTOCOL)
    };
    let mut roles = xml::children(entity, METADATA, "SPSSODescriptor");
    if let Some(role) = roles.find(speaks) {
        return Ok(role);
    }
    let id = fields::shortened(entity_id);
    let has = |role| xml::child(entity, METADATA, role).is_some();
    Err(match (has("SPSSODescriptor"), has("IDPSSODescriptor")) {
        (true, _) => Error::OldVersion(id),
        (false, true) => Error::IdentityProvider(id),
        (false, false) => Error::NoServiceProvider(id),
    })
}

fn valid_until(role: Node<'_, '_>) -> Result<Option<i64>, Error> {
    let mut earliest: Option<i64> = None;
    for node in role.ancestors() {
        if let Some(until) = fields::time(node, "validUntil")? {
            earliest = Some(earliest.map_or(until, |earliest| earliest.min(until)));
        }
    }
    Ok(earliest)
}

fn cache_duration(role: Node<'_, '_>) -> Result<Option<u64>, Error> {
    let mut shortest: Option<u64> = None;
    for text in role.ancestors().filter_map(|node| xml::attribute(node, "cacheDuration")) {
        let seconds = instant::parse_duration(text).ok_or(Unreadable::Duration("cacheDuration"))?;
        shortest = Some(shortest.map_or(seconds, |shortest| shortest.min(seconds)));
    }
    Ok(shortest)
}

fn name_id_formats(role: Node<'_, '_>) -> Result<Vec<String>, Error> {
    let formats = xml::children(role, METADATA, "NameIDFormat").map(|node| fields::text(node, "NameIDFormat"));
    Ok(formats.collect::<Result<_, _>>()?)
}

fn acs(role: Node<'_, '_>) -> Result<Vec<Endpoint>, Error> {
    let acs = endpoints::read(role, "AssertionConsumerService")?;
    if acs.is_empty() {
        return Err(Error::NoAcs);
    }
    each_once("AssertionConsumerService", acs.iter().filter_map(|endpoint| endpoint.index))?;
    Ok(acs)
}

fn attribute_consuming(role: Node<'_, '_>) -> Result<Vec<AttributeConsuming>, Error> {
    let read = |node| {
        Ok(AttributeConsuming {
            index: fields::number(node, "index")?.ok_or(Unreadable::Missing("index"))?,
            is_default: fields::boolean(node, "isDefault")?,
            service_names: about::localized(node, METADATA, "ServiceName")?,
            requested: xml::children(node, METADATA, "RequestedAttribute").map(requested).collect::<Result<_, _>>()?,
        })
    };
    let services = xml::children(role, METADATA, "AttributeConsumingService").map(read);
    let services: Vec<AttributeConsuming> = services.collect::<Result<_, Error>>()?;
    each_once("AttributeConsumingService", services.iter().map(|service| service.index))?;
    Ok(services)
}

fn requested(node: Node<'_, '_>) -> Result<RequestedAttribute, Error> {
    Ok(RequestedAttribute {
        name: fields::required(node, "Name")?,
        name_format: fields::value(node, "NameFormat")?,
        friendly_name: fields::value(node, "FriendlyName")?,
        required: fields::boolean(node, "isRequired")?.unwrap_or(false),
    })
}

/// An index that two have would send an answer to either.
fn each_once(element: &'static str, indices: impl Iterator<Item = u16>) -> Result<(), Error> {
    let mut seen = HashSet::new();
    for index in indices {
        if !seen.insert(index) {
            return Err(Error::IndexTwice(element, index));
        }
    }
    Ok(())
}
