//! Metadata of service providers (SAML V2.0 Metadata).
