//! What an operator may do: check → act → audit. One file for each noun.

pub mod agreements;
pub mod apply;
pub mod badges;
pub mod cards;
pub mod checks;
pub mod difference;
pub mod directory;
pub mod explain;
pub mod generate;
pub mod invitations;
pub mod keys;
pub mod resets;
pub mod scopes;
pub mod simulate;
mod test_patrons;
pub mod vendors;
pub mod verify;

use crate::{config::Config, domain::clock::Clock, keyring::KeyRing, store::Db};

/// What an operation works with: the settings, the open database, the keys, the time.
pub struct Desk {
    pub config: Config,
    pub db: Db,
    pub clock: Clock,
    pub keyring: KeyRing,
}
