//! Signed links. The secret is made of this server's keys: it is kept nowhere, every replica has it, and the vendor is
//! given it once.

use aws_lc_rs::hmac;

use super::{address::Values, party::Party};
use crate::{domain::id::VendorUid, keyring::KeyRing};

/// What the vendor checks with: 64 hex digits, to be used as the text that they are.
pub(super) fn secret(keyring: &KeyRing, vendor: VendorUid, party: &Party) -> String {
    let mut mac = hmac::Context::with_key(keyring.form_key());
    for part in [b"link secret".as_slice(), vendor.0.as_bytes(), party.key.as_bytes()] {
        mac.update(&(part.len() as u64).to_be_bytes());
        mac.update(part);
    }
    mac.update(&party.secret_version.to_be_bytes());
    hex::encode(mac.sign())
}

/// The whole address, with the hex HMAC-SHA256 of its query before the parameter that holds it.
pub(super) fn signed(party: &Party, secret: &str, values: &Values<'_>) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let signature = hex::encode(hmac::sign(&key, party.url.signed_part(values).as_bytes()));
    party.url.fill(values, Some(&signature))
}
