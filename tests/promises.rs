//! What oneaccess promises, told from outside: the real binary, a real PostgreSQL, real vendors, a real browser.
//! `scripts/test` brings the parts; `tests/actors/` is who the promises are told with.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::disallowed_methods)]

mod actors;
mod house;

use actors::promise;

mod agreements;
mod apply;
mod audit;
mod backup;
mod bad_tokens;
mod badges;
mod c14n;
mod cards;
mod click;
mod device;
mod export;
mod faces;
mod faces_recipes;
mod faults;
mod helm;
mod import;
mod integrate;
mod keys;
mod ldap;
mod ldap_source;
mod life;
mod life_cycle;
mod logout;
mod migrate;
mod nights;
mod oidc_attacks;
mod one_name;
mod out_in_time;
mod pages;
mod patrons;
mod refusals;
mod registration;
mod replicas;
mod resets;
mod restart;
mod saml;
mod saml_attacks;
mod saml_logout;
mod saml_metadata;
mod saml_operator;
mod saml_peers;
mod scopes;
mod selftest;
mod shared_devices;
mod shared_switches;
mod sight;
mod sign_in;
mod sip2;
mod sip2_doors;
mod sip2_peers;
mod sources;
mod test_patrons;
mod throttle;
mod upstream_attacks;
mod upstream_peers;
mod upstreams;
mod vendors;
mod verify;
