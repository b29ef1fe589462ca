//! SAML 2.0 messages and metadata: text to and from meaning. Whom to believe is `protocols::saml`'s to say.

pub mod metadata;
