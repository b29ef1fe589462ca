//! XML Signature, the narrow part of it that SAML needs: one enveloped signature over one element by its own ID.
