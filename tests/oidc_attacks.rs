//! Attacks on the OIDC face, one class a story; `security.md` has where each broke somebody.

mod codes;
mod redirects;
mod requests;
mod tokens;
