//! What a service provider says of itself to people and to federations: names and pages (SAML V2.0 Metadata Extensions
//! for Login and Discovery User Interface), contacts, entity attributes, who registered it. All of it is its own word.

use super::{Error, ServiceProvider, fields};
use crate::wire::xml::{
    self, Node,
    namespace::{ASSERTION, METADATA, METADATA_ATTRIBUTE, METADATA_RPI, METADATA_UI, REFEDS, XML},
};

/// A text in one language (BCP 47).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Localized {
    pub lang: String,
    pub text: String,
}

/// The text in that language or in its region's (`de` for `de-AT` and the reverse), else in English, else the first.
pub fn in_language<'a>(texts: &'a [Localized], lang: &str) -> Option<&'a str> {
    fn primary(lang: &str) -> &str {
        lang.split('-').next().unwrap_or_default()
    }
    let exact = |one: &&Localized| one.lang.eq_ignore_ascii_case(lang);
    let near = |wanted: &str| texts.iter().find(|one| primary(&one.lang).eq_ignore_ascii_case(primary(wanted)));
    let found = texts.iter().find(exact).or_else(|| near(lang)).or_else(|| near("en")).or_else(|| texts.first());
    found.map(|one| one.text.as_str())
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logo {
    /// Not fetched, and perhaps a `data:` URL; judge it before it is shown.
    pub url: String,
    pub width: Option<u16>,
    pub height: Option<u16>,
    pub lang: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    pub name: Vec<Localized>,
    pub display_name: Vec<Localized>,
    pub url: Vec<Localized>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// `technical`, `support`, `administrative`, `billing` or `other`; `security` by REFEDS' extension of `other`.
    pub kind: String,
    pub given_name: Option<String>,
    pub sur_name: Option<String>,
    pub company: Option<String>,
    /// Without `mailto:`.
    pub emails: Vec<String>,
}

/// SAML V2.0 Metadata Extension for Entity Attributes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntityAttribute {
    pub name: String,
    pub values: Vec<String>,
}

/// Which subject identifier is asked for (SAML V2.0 Subject Identifier Attributes Profile 3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubjectId {
    SubjectId,
    PairwiseId,
    None,
    Any,
}

impl ServiceProvider {
    /// URIs of the categories that it says it belongs to, such as REFEDS' Research and Scholarship.
    pub fn entity_categories(&self) -> impl Iterator<Item = &str> {
        self.values_of("http://macedir.org/entity-category")
    }

    /// `None` where it does not say, or says something that the profile does not know.
    pub fn subject_id_required(&self) -> Option<SubjectId> {
        let mut values = self.values_of("urn:oasis:names:tc:SAML:profiles:subject-id:req");
        match (values.next()?, values.next()) {
            ("subject-id", None) => Some(SubjectId::SubjectId),
            ("pairwise-id", None) => Some(SubjectId::PairwiseId),
            ("none", None) => Some(SubjectId::None),
            ("any", None) => Some(SubjectId::Any),
            _ => None,
        }
    }

    fn values_of(&self, name: &str) -> impl Iterator<Item = &str> {
        let named = self.entity_attributes.iter().filter(move |attribute| attribute.name == name);
        named.flat_map(|attribute| attribute.values.iter().map(String::as_str))
    }
}

pub(super) struct About {
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

/// What the role says goes before what the entity says.
pub(super) fn read(entity: Node<'_, '_>, role: Node<'_, '_>) -> Result<About, Error> {
    let extensions = |node| xml::child(node, METADATA, "Extensions");
    let ui = extensions(role).and_then(|extensions| xml::child(extensions, METADATA_UI, "UIInfo"));
    let said = |name| ui.map_or(Ok(Vec::new()), |ui| localized(ui, METADATA_UI, name));
    let organization = [role, entity].into_iter().find_map(|node| xml::child(node, METADATA, "Organization"));
    let contacts = [role, entity].into_iter().flat_map(|node| xml::children(node, METADATA, "ContactPerson"));
    // A group may say it of all its entities.
    let registered = role.ancestors().filter_map(extensions);
    let registered = registered.filter_map(|node| xml::child(node, METADATA_RPI, "RegistrationInfo")).next();
    Ok(About {
        entity_attributes: extensions(entity).map_or(Ok(Vec::new()), entity_attributes)?,
        display_name: said("DisplayName")?,
        description: said("Description")?,
        information_url: said("InformationURL")?,
        privacy_statement_url: said("PrivacyStatementURL")?,
        logo: ui.map_or(Ok(Vec::new()), logos)?,
        organization: organization.map(self::organization).transpose()?,
        contacts: contacts.map(contact).collect::<Result<_, _>>()?,
        registration_authority: match registered {
            Some(node) => fields::value(node, "registrationAuthority")?,
            None => None,
        },
    })
}

/// Those that are not empty.
pub(super) fn localized(
    node: Node<'_, '_>,
    namespace: &'static str,
    name: &'static str,
) -> Result<Vec<Localized>, Error> {
    let mut texts = Vec::new();
    for child in xml::children(node, namespace, name) {
        let text = xml::text(child)?;
        if !text.is_empty() {
            texts.push(Localized { lang: lang(child).unwrap_or_default(), text: text.into_owned() });
        }
    }
    Ok(texts)
}

fn lang(node: Node<'_, '_>) -> Option<String> {
    node.attribute((XML, "lang")).map(str::to_owned)
}

fn logos(ui: Node<'_, '_>) -> Result<Vec<Logo>, Error> {
    let size = |node, name| fields::number(node, name).unwrap_or_default();
    let logo = |node| {
        let url = xml::text(node)?.into_owned();
        Ok(Logo { url, width: size(node, "width"), height: size(node, "height"), lang: lang(node) })
    };
    xml::children(ui, METADATA_UI, "Logo").map(logo).collect()
}

fn organization(node: Node<'_, '_>) -> Result<Organization, Error> {
    Ok(Organization {
        name: localized(node, METADATA, "OrganizationName")?,
        display_name: localized(node, METADATA, "OrganizationDisplayName")?,
        url: localized(node, METADATA, "OrganizationURL")?,
    })
}

fn contact(node: Node<'_, '_>) -> Result<Contact, Error> {
    const SECURITY: &str = "http://refeds.org/metadata/contactType/security";
    let kind = xml::attribute(node, "contactType").unwrap_or("other");
    let text = |name| texts(node, name).map(|texts| texts.into_iter().next());
    let address = |email: String| match email.split_at_checked("mailto:".len()) {
        Some((scheme, address)) if scheme.eq_ignore_ascii_case("mailto:") => address.to_owned(),
        _ => email,
    };
    Ok(Contact {
        kind: if node.attribute((REFEDS, "contactType")) == Some(SECURITY) { "security" } else { kind }.to_owned(),
        given_name: text("GivenName")?,
        sur_name: text("SurName")?,
        company: text("Company")?,
        emails: texts(node, "EmailAddress")?.into_iter().map(address).collect(),
    })
}

/// Those that are not empty.
fn texts(node: Node<'_, '_>, name: &'static str) -> Result<Vec<String>, Error> {
    let mut texts = Vec::new();
    for child in xml::children(node, METADATA, name) {
        texts.push(xml::text(child)?.into_owned());
    }
    texts.retain(|text| !text.is_empty());
    Ok(texts)
}

/// Values that are elements are passed over: those that we know are texts.
fn entity_attributes(extensions: Node<'_, '_>) -> Result<Vec<EntityAttribute>, Error> {
    let mut attributes = Vec::new();
    for all in xml::children(extensions, METADATA_ATTRIBUTE, "EntityAttributes") {
        for attribute in xml::children(all, ASSERTION, "Attribute") {
            let plain = |value: &Node<'_, '_>| !value.children().any(|inside| inside.is_element());
            let values = xml::children(attribute, ASSERTION, "AttributeValue").filter(plain);
            let values = values.map(|value| Ok(xml::text(value)?.into_owned()));
            attributes.push(EntityAttribute {
                name: fields::required(attribute, "Name")?,
                values: values.collect::<Result<_, Error>>()?,
            });
        }
    }
    Ok(attributes)
}
