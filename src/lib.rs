//! oneaccess: a student ID that is the library card.
//!
//! The house, floor by floor; imports only run down (`docs/architecture.md`, held by a test).
pub mod directory;
pub mod domain;
pub mod ephemeral;
pub mod pages;
pub mod store;
pub mod wire;
