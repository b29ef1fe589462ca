//! What a key of the ring is for.

use crate::{domain::key::SAML, wire::jose::Algorithm};

/// What a key of the ring is for, for ever: one that signs tokens never signs for SAML, and the reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Use {
    /// Tokens, by this algorithm.
    Jose(Algorithm),
    /// XML of SAML, with a certificate.
    Saml,
}

impl Use {
    pub const ALL: [Use; 5] = [
        Use::Jose(Algorithm::Rs256),
        Use::Jose(Algorithm::Es256),
        Use::Jose(Algorithm::Ps256),
        Use::Jose(Algorithm::EdDsa),
        Use::Saml,
    ];

    /// The algorithm's name, under which the key is kept.
    pub const fn as_str(self) -> &'static str {
        match self {
            Use::Jose(algorithm) => algorithm.as_str(),
            Use::Saml => SAML,
        }
    }

    pub fn named(name: &str) -> Option<Use> {
        Use::ALL.into_iter().find(|of| of.as_str() == name)
    }

    /// What its pair of keys is made by.
    pub(super) fn pair(self) -> Algorithm {
        match self {
            Use::Jose(algorithm) => algorithm,
            Use::Saml => Algorithm::Rs256,
        }
    }
}

impl From<Algorithm> for Use {
    fn from(algorithm: Algorithm) -> Use {
        Use::Jose(algorithm)
    }
}
