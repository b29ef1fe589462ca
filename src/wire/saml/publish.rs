//! Our own metadata, as service providers and federations read it (SAML V2.0 Metadata). Built as a tree, in the order of
//! the schemas; `wire::dsig` signs it as it stands. Which keys, addresses and names there are is the caller's to say.

#[cfg(test)]
pub(super) mod tests;

use super::{format, instant};
use crate::wire::{
    dsig::Algorithm,
    xml::{namespace::PROTOCOL, write::Element},
};

/// What we publish. Texts in several languages are pairs of a language (BCP 47) and the text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct IdentityProvider<'a> {
    /// For a signature to refer to; an NCName.
    pub id: &'a str,
    pub entity_id: &'a str,
    /// Milliseconds since 1970.
    pub valid_until: Option<i64>,
    /// Seconds.
    pub cache_duration: Option<u64>,
    pub want_authn_requests_signed: bool,
    /// DER as base64: the one that signs, and the next or the last one beside it.
    pub signing: &'a [&'a str],
    /// DER as base64, to encrypt to us.
    pub encryption: &'a [&'a str],
    /// URIs of what we decrypt, the best first.
    pub encryption_methods: &'a [&'a str],
    /// Bindings and locations.
    pub sso: &'a [(&'a str, &'a str)],
    /// Bindings and locations.
    pub slo: &'a [(&'a str, &'a str)],
    pub name_id_formats: &'a [&'a str],
    /// Domains that scoped attributes of ours end with (Shibboleth's `Scope`).
    pub scopes: &'a [&'a str],
    pub display_names: &'a [(&'a str, &'a str)],
    pub descriptions: &'a [(&'a str, &'a str)],
    pub information_urls: &'a [(&'a str, &'a str)],
    pub privacy_statement_urls: &'a [(&'a str, &'a str)],
    pub logos: &'a [Logo<'a>],
    /// URIs of the entity categories that we support, and of those that we belong to.
    pub categories_supported: &'a [&'a str],
    pub categories: &'a [&'a str],
    /// URIs of what we are certified for, such as REFEDS' Sirtfi.
    pub assurance: &'a [&'a str],
    pub organization: Option<Organization<'a>>,
    pub contacts: &'a [Contact<'a>],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Logo<'a> {
    pub url: &'a str,
    /// In pixels.
    pub width: u16,
    pub height: u16,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Organization<'a> {
    pub names: &'a [(&'a str, &'a str)],
    pub display_names: &'a [(&'a str, &'a str)],
    pub urls: &'a [(&'a str, &'a str)],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact<'a> {
    pub kind: ContactKind,
    pub given_name: Option<&'a str>,
    /// Without `mailto:`.
    pub email: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContactKind {
    Technical,
    Support,
    Administrative,
    /// As REFEDS has it, for Sirtfi.
    Security,
}

/// An `md:EntityDescriptor` with one role.
pub fn entity(own: &IdentityProvider<'_>) -> Element {
    Element::new("md:EntityDescriptor")
        .attr("ID", own.id)
        .attr("entityID", own.entity_id)
        .maybe_attr("validUntil", own.valid_until.map(instant::write))
        .maybe_attr("cacheDuration", own.cache_duration.map(instant::write_duration))
        .child(extensions(own))
        .child(role(own))
        .maybe(own.organization.as_ref().map(organization))
        .children(own.contacts.iter().map(contact))
}

/// SAML V2.0 Metadata Profile for Algorithm Support; Metadata Extension for Entity Attributes.
fn extensions(own: &IdentityProvider<'_>) -> Element {
    let digests = ["http://www.w3.org/2001/04/xmlenc#sha256", "http://www.w3.org/2001/04/xmldsig-more#sha384"];
    let digests = digests.into_iter().chain(["http://www.w3.org/2001/04/xmlenc#sha512"]);
    let attributes: Vec<Element> = [
        ("http://macedir.org/entity-category", own.categories),
        ("http://macedir.org/entity-category-support", own.categories_supported),
        ("urn:oasis:names:tc:SAML:attribute:assurance-certification", own.assurance),
    ]
    .into_iter()
    .filter(|(_, values)| !values.is_empty())
    .map(|(name, values)| entity_attribute(name, values))
    .collect();
    let attributes = (!attributes.is_empty()).then(|| Element::new("mdattr:EntityAttributes").children(attributes));
    Element::new("md:Extensions")
        .maybe(attributes)
        .children(digests.map(|uri| Element::new("alg:DigestMethod").attr("Algorithm", uri)))
        .children(Algorithm::ALL.map(|algorithm| Element::new("alg:SigningMethod").attr("Algorithm", algorithm.uri())))
}

fn entity_attribute(name: &str, values: &[&str]) -> Element {
    Element::new("saml:Attribute")
        .attr("Name", name)
        .attr("NameFormat", format::ATTRIBUTE_URI)
        .children(values.iter().map(|value| Element::new("saml:AttributeValue").text(*value)))
}

fn role(own: &IdentityProvider<'_>) -> Element {
    let endpoints = |name, endpoints: &[(&str, &str)]| -> Vec<Element> {
        let endpoint = |(binding, location): &(&str, &str)| {
            Element::new(name).attr("Binding", *binding).attr("Location", *location)
        };
        endpoints.iter().map(endpoint).collect()
    };
    Element::new("md:IDPSSODescriptor")
        .attr("protocolSupportEnumeration", PROTOCOL)
        .attr("WantAuthnRequestsSigned", own.want_authn_requests_signed.to_string())
        .maybe(role_extensions(own))
        .children(own.signing.iter().map(|certificate| key("signing", certificate, &[])))
        .children(own.encryption.iter().map(|certificate| key("encryption", certificate, own.encryption_methods)))
        .children(endpoints("md:SingleLogoutService", own.slo))
        .children(own.name_id_formats.iter().map(|format| Element::new("md:NameIDFormat").text(*format)))
        .children(endpoints("md:SingleSignOnService", own.sso))
}

fn role_extensions(own: &IdentityProvider<'_>) -> Option<Element> {
    let logo = |logo: &Logo<'_>| {
        Element::new("mdui:Logo")
            .attr("height", logo.height.to_string())
            .attr("width", logo.width.to_string())
            .text(logo.url)
    };
    let said: Vec<Element> = texts("mdui:DisplayName", own.display_names)
        .chain(texts("mdui:Description", own.descriptions))
        .chain(own.logos.iter().map(logo))
        .chain(texts("mdui:InformationURL", own.information_urls))
        .chain(texts("mdui:PrivacyStatementURL", own.privacy_statement_urls))
        .collect();
    let ui = (!said.is_empty()).then(|| Element::new("mdui:UIInfo").children(said));
    if own.scopes.is_empty() && ui.is_none() {
        return None;
    }
    let scope = |scope: &&str| Element::new("shibmd:Scope").attr("regexp", "false").text(*scope);
    Some(Element::new("md:Extensions").children(own.scopes.iter().map(scope)).maybe(ui))
}

fn key(purpose: &'static str, certificate: &str, methods: &[&str]) -> Element {
    let data = Element::new("ds:X509Data").child(Element::new("ds:X509Certificate").text(certificate));
    Element::new("md:KeyDescriptor")
        .attr("use", purpose)
        .child(Element::new("ds:KeyInfo").child(data))
        .children(methods.iter().map(|method| Element::new("md:EncryptionMethod").attr("Algorithm", *method)))
}

fn organization(own: &Organization<'_>) -> Element {
    Element::new("md:Organization")
        .children(texts("md:OrganizationName", own.names))
        .children(texts("md:OrganizationDisplayName", own.display_names))
        .children(texts("md:OrganizationURL", own.urls))
}

fn contact(own: &Contact<'_>) -> Element {
    let kind = match own.kind {
        ContactKind::Technical => "technical",
        ContactKind::Support => "support",
        ContactKind::Administrative => "administrative",
        ContactKind::Security => "other",
    };
    let security = "http://refeds.org/metadata/contactType/security";
    Element::new("md:ContactPerson")
        .attr("contactType", kind)
        .maybe_attr("remd:contactType", (own.kind == ContactKind::Security).then_some(security))
        .maybe(own.given_name.map(|name| Element::new("md:GivenName").text(name)))
        .child(Element::new("md:EmailAddress").text(format!("mailto:{}", own.email)))
}

fn texts<'a>(name: &'static str, texts: &'a [(&'a str, &'a str)]) -> impl Iterator<Item = Element> + 'a {
    texts.iter().map(move |(lang, text)| Element::new(name).attr("xml:lang", *lang).text(*text))
}
