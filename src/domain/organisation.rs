//! Organisations that the library has agreements with, and the library itself.

use serde::{Deserialize, Serialize};

use super::{
    card::{CardScheme, InitialPin},
    id::OrganisationId,
    numbers::Way,
    season::Season,
};

/// A partner: a district, a charter school, a branch.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Organisation {
    pub id: OrganisationId,
    pub name: String,
    /// sourcedIds of the OneRoster orgs that belong here, descendants included; the nearest wins.
    pub roster: Vec<String>,
    pub card: CardScheme,
    pub initial_pin: InitialPin,
    /// One sentence under the sign-in form: where to find the ID, whom to ask.
    #[serde(default)]
    pub help: Option<String>,
    /// Who leaves the roster then keeps the card until the season's end: pupils over a summer. Who is disabled does not.
    #[serde(default)]
    pub bridge: Option<Season>,
    /// Who comes here from another organisation keeps the number that they have.
    #[serde(default = "yes")]
    pub keeps_cards: bool,
    /// What becomes of a library card that a patron had before.
    #[serde(default, skip_serializing_if = "ExistingCard::is_never")]
    pub existing_card: ExistingCard,
}

fn yes() -> bool {
    true
}

/// Whether a library card that a patron had before may be linked to the student card, and as what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExistingCard {
    #[default]
    Never,
    Parallel,
    Merge,
}

impl ExistingCard {
    fn is_never(&self) -> bool {
        *self == ExistingCard::Never
    }

    /// `None` where it may not.
    pub fn way(self) -> Option<Way> {
        match self {
            ExistingCard::Never => None,
            ExistingCard::Parallel => Some(Way::Parallel),
            ExistingCard::Merge => Some(Way::Merge),
        }
    }
}
