use super::*;
use crate::wire::{
    saml::{binding, metadata},
    xml::{
        self, Node,
        namespace::{METADATA, METADATA_ATTRIBUTE, METADATA_UI, REFEDS, SHIBBOLETH, XML},
    },
};

pub(in crate::wire::saml) const OWN: IdentityProvider<'static> = IdentityProvider {
    id: "_m1",
    entity_id: "https://idp.example/saml/metadata",
    valid_until: Some(1_795_771_800_000),
    cache_duration: Some(21_600),
    want_authn_requests_signed: false,
    signing: &["MIIBnow=", "MIIBnext"],
    encryption: &["MIIBenc="],
    encryption_methods: &["http://www.w3.org/2009/xmlenc11#aes256-gcm"],
    sso: &[
        (binding::REDIRECT, "https://idp.example/saml/sso?a=1&b=2"),
        (binding::POST, "https://idp.example/saml/sso"),
    ],
    slo: &[(binding::REDIRECT, "https://idp.example/saml/slo"), (binding::POST, "https://idp.example/saml/slo")],
    name_id_formats: &[format::TRANSIENT, format::PERSISTENT],
    scopes: &["idp.example"],
    display_names: &[("en", "Example Library"), ("es", "Biblioteca \"de\" <ejemplo>")],
    descriptions: &[("en", "The library of a district that is not there")],
    information_urls: &[("en", "https://idp.example/about")],
    privacy_statement_urls: &[("en", "https://idp.example/privacy")],
    logos: &[Logo { url: "https://idp.example/logo.png", width: 80, height: 60 }],
    categories_supported: &["http://refeds.org/category/research-and-scholarship"],
    categories: &["http://refeds.org/category/hide-from-discovery"],
    assurance: &["https://refeds.org/sirtfi"],
    organization: Some(Organization {
        names: &[("en", "Example Library")],
        display_names: &[("en", "Example Library")],
        urls: &[("en", "https://idp.example/")],
    }),
    contacts: &[
        Contact { kind: ContactKind::Technical, given_name: Some("Help"), email: "help@idp.example" },
        Contact { kind: ContactKind::Security, given_name: None, email: "security@idp.example" },
    ],
};

fn names(node: Node<'_, '_>) -> Vec<String> {
    let elements = node.children().filter(Node::is_element);
    let mut names: Vec<_> = elements.map(|child| child.tag_name().name().to_owned()).collect();
    names.dedup();
    names
}

#[test]
fn our_metadata_stands_in_the_order_of_the_schemas() {
    let text = entity(&OWN).render();
    let document = xml::parse(&text, &xml::METADATA).unwrap();
    let root = document.root_element();
    assert_eq!(names(root), ["Extensions", "IDPSSODescriptor", "Organization", "ContactPerson"]);
    let extensions = xml::child(root, METADATA, "Extensions").unwrap();
    assert_eq!(names(extensions), ["EntityAttributes", "DigestMethod", "SigningMethod"]);
    let role = xml::child(root, METADATA, "IDPSSODescriptor").unwrap();
    assert_eq!(
        names(role),
        ["Extensions", "KeyDescriptor", "SingleLogoutService", "NameIDFormat", "SingleSignOnService"]
    );
    let keys: Vec<_> = xml::children(role, METADATA, "KeyDescriptor").collect();
    assert_eq!(names(*keys.last().unwrap()), ["KeyInfo", "EncryptionMethod"]);
    assert_eq!(names(keys[0]), ["KeyInfo"]);
    let uses: Vec<_> = keys.iter().filter_map(|key| xml::attribute(*key, "use")).collect();
    assert_eq!(uses, ["signing", "signing", "encryption"]);
    let organization = xml::child(root, METADATA, "Organization").unwrap();
    assert_eq!(names(organization), ["OrganizationName", "OrganizationDisplayName", "OrganizationURL"]);
    assert_eq!(names(xml::child(root, METADATA, "ContactPerson").unwrap()), ["GivenName", "EmailAddress"]);
}

#[test]
fn what_we_publish_is_what_is_read() {
    let text = entity(&OWN).render();
    let document = xml::parse(&text, &xml::METADATA).unwrap();
    let root = metadata::find_entity(document.root_element(), Some(OWN.entity_id)).unwrap();
    assert_eq!(xml::attribute(root, "ID"), Some("_m1"));
    assert_eq!(xml::attribute(root, "validUntil"), Some("2026-11-27T09:30:00.000Z"));
    assert_eq!(xml::attribute(root, "cacheDuration"), Some("PT21600S"));
    let role = xml::child(root, METADATA, "IDPSSODescriptor").unwrap();
    assert_eq!(xml::attribute(role, "WantAuthnRequestsSigned"), Some("false"));
    let endpoints = |name| -> Vec<_> {
        let nodes = xml::children(role, METADATA, name);
        nodes.filter_map(|n| Some((xml::attribute(n, "Binding")?, xml::attribute(n, "Location")?))).collect()
    };
    assert_eq!(endpoints("SingleSignOnService"), OWN.sso);
    assert_eq!(endpoints("SingleLogoutService"), OWN.slo);
    let extensions = xml::child(role, METADATA, "Extensions").unwrap();
    let scope = xml::child(extensions, SHIBBOLETH, "Scope").unwrap();
    assert_eq!((scope.text(), xml::attribute(scope, "regexp")), (Some("idp.example"), Some("false")));
    let ui = xml::child(extensions, METADATA_UI, "UIInfo").unwrap();
    let said = |name| -> Vec<_> {
        let nodes = xml::children(ui, METADATA_UI, name);
        nodes.filter_map(|node| Some((node.attribute((XML, "lang"))?, node.text()?))).collect()
    };
    assert_eq!(said("DisplayName"), OWN.display_names);
    assert_eq!(said("Description"), OWN.descriptions);
    assert_eq!(said("InformationURL"), OWN.information_urls);
    assert_eq!(said("PrivacyStatementURL"), OWN.privacy_statement_urls);
    let logo = xml::child(ui, METADATA_UI, "Logo").unwrap();
    assert_eq!((xml::attribute(logo, "width"), xml::attribute(logo, "height")), (Some("80"), Some("60")));
    let attributes = xml::child(root, METADATA, "Extensions").unwrap();
    let attributes = xml::child(attributes, METADATA_ATTRIBUTE, "EntityAttributes").unwrap();
    let named: Vec<_> = attributes.children().filter_map(|node| xml::attribute(node, "Name")).collect();
    assert_eq!(
        named,
        [
            "http://macedir.org/entity-category",
            "http://macedir.org/entity-category-support",
            "urn:oasis:names:tc:SAML:attribute:assurance-certification"
        ]
    );
    let contacts: Vec<_> = xml::children(root, METADATA, "ContactPerson").collect();
    assert_eq!(contacts[0].attribute((REFEDS, "contactType")), None);
    assert_eq!(xml::attribute(contacts[1], "contactType"), Some("other"));
    let security = "http://refeds.org/metadata/contactType/security";
    assert_eq!(contacts[1].attribute((REFEDS, "contactType")), Some(security));
    assert!(text.contains("<md:EmailAddress>mailto:help@idp.example</md:EmailAddress>"));
    // And nobody takes us for a service provider.
    assert_eq!(metadata::read(root).unwrap_err().code(), "identity-provider");
}

#[test]
fn what_we_do_not_say_leaves_no_empty_element() {
    let bare = IdentityProvider { id: "_m1", entity_id: "urn:e", sso: OWN.sso, ..IdentityProvider::default() };
    let text = entity(&bare).render();
    let document = xml::parse(&text, &xml::METADATA).unwrap();
    let root = document.root_element();
    assert_eq!(names(root), ["Extensions", "IDPSSODescriptor"]);
    assert_eq!(names(xml::child(root, METADATA, "Extensions").unwrap()), ["DigestMethod", "SigningMethod"]);
    assert_eq!(names(xml::child(root, METADATA, "IDPSSODescriptor").unwrap()), ["SingleSignOnService"]);
    assert!(!text.contains("validUntil") && !text.contains("cacheDuration"));
}
