//! SAML 2.0 messages and metadata: text to and from meaning. Whom to believe is `protocols::saml`'s to say.
//!
//! `redirect` and `posted` carry messages, `request` and `logout` read them, `response` says what we say; `metadata`
//! reads what service providers publish and `publish` writes ours. Signatures are `wire::dsig`'s, namespaces
//! `wire::xml::namespace`'s.

pub mod instant;
pub mod logout;
pub mod metadata;
mod name_id;
pub mod posted;
pub mod publish;
mod read;
pub mod redirect;
pub mod request;
pub mod response;
#[cfg(test)]
mod tests;

pub use self::{
    name_id::{NameId, Subject},
    read::Error,
};

pub mod binding {
    pub const REDIRECT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Redirect";
    pub const POST: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST";
    pub const SIMPLE_SIGN: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-POST-SimpleSign";
    pub const ARTIFACT: &str = "urn:oasis:names:tc:SAML:2.0:bindings:HTTP-Artifact";
    pub const SOAP: &str = "urn:oasis:names:tc:SAML:2.0:bindings:SOAP";
    pub const PAOS: &str = "urn:oasis:names:tc:SAML:2.0:bindings:PAOS";
}

/// Formats of a name identifier (core 8.3).
pub mod format {
    pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:unspecified";
    pub const EMAIL: &str = "urn:oasis:names:tc:SAML:1.1:nameid-format:emailAddress";
    pub const PERSISTENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent";
    pub const TRANSIENT: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:transient";
    pub const ENTITY: &str = "urn:oasis:names:tc:SAML:2.0:nameid-format:entity";
    /// Of an attribute's name, not of an identifier.
    pub const ATTRIBUTE_URI: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:uri";
    pub const ATTRIBUTE_BASIC: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:basic";
    pub const ATTRIBUTE_UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:attrname-format:unspecified";
}

/// Status codes (core 3.2.2.2): the first four stand at the top, the rest below one of them.
pub mod status {
    pub const SUCCESS: &str = "urn:oasis:names:tc:SAML:2.0:status:Success";
    pub const REQUESTER: &str = "urn:oasis:names:tc:SAML:2.0:status:Requester";
    pub const RESPONDER: &str = "urn:oasis:names:tc:SAML:2.0:status:Responder";
    pub const VERSION_MISMATCH: &str = "urn:oasis:names:tc:SAML:2.0:status:VersionMismatch";
    pub const AUTHN_FAILED: &str = "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed";
    pub const INVALID_NAME_ID_POLICY: &str = "urn:oasis:names:tc:SAML:2.0:status:InvalidNameIDPolicy";
    pub const NO_AUTHN_CONTEXT: &str = "urn:oasis:names:tc:SAML:2.0:status:NoAuthnContext";
    pub const NO_PASSIVE: &str = "urn:oasis:names:tc:SAML:2.0:status:NoPassive";
    pub const PARTIAL_LOGOUT: &str = "urn:oasis:names:tc:SAML:2.0:status:PartialLogout";
    pub const REQUEST_DENIED: &str = "urn:oasis:names:tc:SAML:2.0:status:RequestDenied";
    pub const REQUEST_UNSUPPORTED: &str = "urn:oasis:names:tc:SAML:2.0:status:RequestUnsupported";
    pub const UNKNOWN_PRINCIPAL: &str = "urn:oasis:names:tc:SAML:2.0:status:UnknownPrincipal";
    pub const UNSUPPORTED_BINDING: &str = "urn:oasis:names:tc:SAML:2.0:status:UnsupportedBinding";
}

/// How somebody signed in (SAML authentication context 3.4; the last is REFEDS MFA).
pub mod context {
    pub const UNSPECIFIED: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:unspecified";
    pub const PASSWORD: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:Password";
    pub const PASSWORD_PROTECTED_TRANSPORT: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport";
    pub const PREVIOUS_SESSION: &str = "urn:oasis:names:tc:SAML:2.0:ac:classes:PreviousSession";
    pub const REFEDS_MFA: &str = "https://refeds.org/profile/mfa";
}

/// Why a logout happens (core 3.7.3).
pub mod reason {
    pub const USER: &str = "urn:oasis:names:tc:SAML:2.0:logout:user";
    pub const ADMIN: &str = "urn:oasis:names:tc:SAML:2.0:logout:admin";
}

/// The subject of an assertion is whoever brings it.
pub const BEARER: &str = "urn:oasis:names:tc:SAML:2.0:cm:bearer";
