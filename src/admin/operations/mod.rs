//! What an operator may do: check → act → audit. One file for each noun.

pub mod agreements;
pub mod apply;
pub mod backup;
pub mod badges;
pub mod cards;
pub mod checks;
mod consequences;
pub mod difference;
pub mod directory;
pub mod erase;
pub mod explain;
pub mod export;
pub mod generate;
pub mod invitations;
pub mod keys;
pub mod links;
pub mod patrons;
pub mod privileges;
pub mod reissue;
pub mod resets;
pub mod scopes;
pub mod shared_devices;
pub mod simulate;
pub mod sources;
mod test_patrons;
pub mod upstreams;
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
