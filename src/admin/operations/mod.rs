//! What an operator may do: check → act → audit, one file per noun. Owns the acts; how they are asked for and
//! shown is `cli`'s.

pub mod agreements;
pub mod apply;
pub mod difference;
pub mod directory;
pub mod scopes;
pub mod vendors;

use crate::{config::Config, domain::clock::Clock, keyring::KeyRing, store::Db};

/// Everything that an operator's act needs, beside a running server or without one.
pub struct Desk {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub keyring: KeyRing,
}
