//! What oneaccess promises, told from outside: the real binary, a real PostgreSQL, real vendors, a real browser.
//! `scripts/test` brings the parts; `tests/actors/` is who the promises are told with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

#[allow(dead_code, unused_imports, unused_macros)]
mod actors;
mod house;
