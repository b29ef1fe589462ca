//! The nouns of the house, free of I/O: what a patron, a card, an agreement, a scope, a vendor is.
//! Deciding with them belongs to `policy`, keeping them to `store`, saying them to `protocols`.

pub mod agreement;
pub mod audit;
pub mod badge;
pub mod card;
pub mod catalogue;
pub mod check;
pub mod claims;
pub mod class;
pub mod clock;
pub mod exchange;
pub mod farewell;
pub mod field;
pub mod grade;
pub mod grant;
pub mod handle;
pub mod holding;
pub mod id;
pub mod key;
pub mod method;
pub mod network;
pub mod organisation;
pub mod patron;
pub mod pin;
pub mod published;
pub mod reason;
pub mod registration;
pub mod scope;
pub mod session;
pub mod test_patron;
pub mod vendor;
