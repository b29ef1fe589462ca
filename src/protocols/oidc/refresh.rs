//! Refresh tokens (RFC 6749 section 1.5): the grant, the number of its renewals, and a seal over both. Nothing of them is
//! kept, so there is nothing to steal from the store; the same renewal always gives the same token, so that a client
//! whose answer was lost can ask again.

use aws_lc_rs::hmac;
use subtle::ConstantTimeEq;

use crate::{domain::id::GrantId, keyring::KeyRing, wire::jose::base64url};

/// What a refresh token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct RefreshToken {
    pub grant: GrantId,
    pub generation: u64,
    /// The key whose holder alone may use it (RFC 9449 section 5), as its JWK thumbprint.
    pub jkt: Option<String>,
}

impl RefreshToken {
    pub fn write(&self, keyring: &KeyRing, client_id: &str) -> String {
        let said = self.said();
        format!("{said}.{}", seal(keyring, client_id, &said))
    }

    /// `None` for anything that was not written for this client.
    pub fn read(keyring: &KeyRing, client_id: &str, text: &str) -> Option<RefreshToken> {
        let (said, sealed) = text.rsplit_once('.')?;
        if !bool::from(seal(keyring, client_id, said).as_bytes().ct_eq(sealed.as_bytes())) {
            return None;
        }
        let mut parts = said.split('.');
        let grant = GrantId(uuid::Uuid::try_parse(parts.next()?).ok()?);
        let generation = parts.next()?.parse().ok()?;
        Some(RefreshToken { grant, generation, jkt: parts.next().map(str::to_owned) })
    }

    fn said(&self) -> String {
        let key = self.jkt.as_ref().map(|jkt| format!(".{jkt}")).unwrap_or_default();
        format!("{}.{}{key}", self.grant.0.simple(), self.generation)
    }
}

fn seal(keyring: &KeyRing, client_id: &str, said: &str) -> String {
    let mut mac = hmac::Context::with_key(keyring.pseudonym_key());
    for part in [b"refresh".as_slice(), client_id.as_bytes(), said.as_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    base64url(mac.sign())
}
