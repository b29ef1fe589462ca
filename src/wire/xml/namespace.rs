//! The namespaces of SAML, and the prefixes by which we write them.

pub const ASSERTION: &str = "urn:oasis:names:tc:SAML:2.0:assertion";
pub const PROTOCOL: &str = "urn:oasis:names:tc:SAML:2.0:protocol";
pub const METADATA: &str = "urn:oasis:names:tc:SAML:2.0:metadata";
pub const METADATA_UI: &str = "urn:oasis:names:tc:SAML:metadata:ui";
pub const METADATA_ATTRIBUTE: &str = "urn:oasis:names:tc:SAML:metadata:attribute";
pub const METADATA_RPI: &str = "urn:oasis:names:tc:SAML:metadata:rpi";
pub const METADATA_ALGORITHM: &str = "urn:oasis:names:tc:SAML:metadata:algsupport";
pub const REQUEST_INITIATION: &str = "urn:oasis:names:tc:SAML:profiles:SSO:request-init";
pub const DISCOVERY: &str = "urn:oasis:names:tc:SAML:profiles:SSO:idp-discovery-protocol";
pub const SHIBBOLETH: &str = "urn:mace:shibboleth:metadata:1.0";
pub const REFEDS: &str = "http://refeds.org/metadata";
pub const SIGNATURE: &str = "http://www.w3.org/2000/09/xmldsig#";
pub const EXCLUSIVE: &str = "http://www.w3.org/2001/10/xml-exc-c14n#";
pub const ENCRYPTION: &str = "http://www.w3.org/2001/04/xmlenc#";
pub const ENCRYPTION_11: &str = "http://www.w3.org/2009/xmlenc11#";
pub const SCHEMA: &str = "http://www.w3.org/2001/XMLSchema";
pub const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";
pub const XML: &str = "http://www.w3.org/XML/1998/namespace";

/// Every prefix that we write. No two stand for the same namespace.
const PREFIXES: [(&str, &str); 18] = [
    ("saml", ASSERTION),
    ("samlp", PROTOCOL),
    ("ds", SIGNATURE),
    ("ec", EXCLUSIVE),
    ("xenc", ENCRYPTION),
    ("xenc11", ENCRYPTION_11),
    ("xs", SCHEMA),
    ("xsi", SCHEMA_INSTANCE),
    ("md", METADATA),
    ("mdui", METADATA_UI),
    ("mdattr", METADATA_ATTRIBUTE),
    ("mdrpi", METADATA_RPI),
    ("alg", METADATA_ALGORITHM),
    ("init", REQUEST_INITIATION),
    ("idpdisc", DISCOVERY),
    ("shibmd", SHIBBOLETH),
    ("remd", REFEDS),
    ("xml", XML),
];

pub(super) fn of_prefix(prefix: &str) -> Option<&'static str> {
    PREFIXES.iter().find(|(known, _)| *known == prefix).map(|(_, uri)| *uri)
}

pub(super) fn known_prefix(prefix: &str) -> Option<&'static str> {
    PREFIXES.iter().find(|(known, _)| *known == prefix).map(|(known, _)| *known)
}
