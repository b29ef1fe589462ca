//! Handles: what must not be guessed. Cookies, tickets, codes, secrets.

use aws_lc_rs::rand;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// The machine gives no randomness; nothing secret can be made.
#[derive(Debug, thiserror::Error)]
#[error("the machine gives no randomness")]
pub struct NoRandomness;

/// 256 random bits, base64url without padding: 43 characters.
///
/// # Errors
/// `NoRandomness`.
pub fn random() -> Result<String, NoRandomness> {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}
