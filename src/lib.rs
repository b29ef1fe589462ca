//! oneaccess: a student ID that is the library card.
//!
//! The house, floor by floor; imports only run down (`docs/architecture.md`, held by a test).

// A request's future holds that of each step within it, down to Redis's.
#![recursion_limit = "256"]

pub mod cli;
pub mod compose;

pub mod admin;
pub mod protocols;
pub mod web;

pub mod jobs;
pub mod signon;

pub mod app;
pub mod backup;
pub mod directory;
pub mod keyring;
pub mod outbound;
pub mod pages;
pub mod policy;

pub mod store;

pub mod config;
pub mod domain;
pub mod ephemeral;
pub mod telemetry;
pub mod wire;
