//! Invitations by which a vendor registers clients of its own: issued, listed, withdrawn.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use aws_lc_rs::digest;
use serde::Serialize;
use serde_json::json;
use uuid::Uuid;

use super::Desk;
use crate::domain::{
    audit::{AuditEvent, Kind as Event},
    catalogue::Catalogue,
    clock::Timestamp,
    field::{Field, Kind},
    handle,
    id::{ScopeName, VendorId},
    registration::{Bounds, Invitation, InvitationState, RedirectBound},
    scope::Scopes,
    vendor::Vendor,
};

/// What an operator asks for. Empty lists stand for what is usual.
#[derive(Debug, Clone, Default)]
pub struct Wish {
    pub redirects: Vec<RedirectBound>,
    pub grants: Vec<String>,
    pub scopes: Vec<String>,
    pub algorithms: Vec<String>,
    pub auth_methods: Vec<String>,
    pub uses: u32,
    pub expires: Duration,
}

/// An invitation as operators read it.
#[derive(Debug, Clone, Serialize)]
pub struct View {
    pub id: String,
    pub vendor: VendorId,
    pub state: InvitationState,
    pub uses: u32,
    pub uses_left: u32,
    pub created_at: String,
    pub expires_at: String,
    /// By the names that they have now. Absent: whatever the vendor may ask for.
    pub scopes: Option<Vec<ScopeName>>,
    /// Everything else.
    pub bounds: Bounds,
}

/// The scope that stands for refresh tokens that stay (OIDC Core section 11).
const STAYING: &str = "offline_access";

/// Issues an invitation. Its token is in no record: who loses it is invited anew.
///
/// # Errors
/// Where the wish is more than the vendor has, or holds a word that its protocol, whose `fields` these are, does not
/// know.
pub async fn invite(desk: &Desk, vendor: &str, wish: Wish, fields: &[Field]) -> Result<(View, String)> {
    ensure!(
        desk.config.oidc.dynamic_registration,
        "dynamic registration is switched off: set dynamic_registration = true in [oidc] of the configuration first"
    );
    ensure!(!wish.expires.is_zero() && wish.uses > 0, "an invitation must be good for some time and at least one use");
    let catalogue = desk.db.catalogue().load().await?;
    let vendor = catalogue.vendors.get(vendor).with_context(|| format!("there is no vendor {vendor:?}"))?;
    let now = desk.clock.now();
    let invitation = Invitation {
        id: format!("inv-{}", Uuid::now_v7().simple()),
        vendor: vendor.id.clone(),
        uses: wish.uses,
        uses_left: wish.uses,
        created_at: now,
        expires_at: now + wish.expires,
        withdrawn_at: None,
        bounds: bounds(wish, vendor, fields, &catalogue, now)?,
    };
    let token = handle::random()?;
    let hash = hex::encode(digest::digest(&digest::SHA256, token.as_bytes()));
    let event = event(now, "added", &invitation.id, &vendor.id);
    desk.db.registrations().invite(&invitation, &hash, event).await?;
    Ok((view(&catalogue, invitation, now), token))
}

/// # Errors
/// Where there is no such vendor, or the database does not answer.
pub async fn list(desk: &Desk, vendor: &str) -> Result<Vec<View>> {
    let vendor: VendorId = vendor.parse()?;
    let all = desk.db.registrations().invitations(&vendor).await?;
    let catalogue = desk.db.catalogue().load().await?;
    if all.is_empty() && !catalogue.vendors.contains_key(&vendor) {
        bail!("there is no vendor {:?}", vendor.as_str());
    }
    Ok(all.into_iter().map(|invitation| view(&catalogue, invitation, desk.clock.now())).collect())
}

/// Withdraws an invitation. Clients registered by it stay.
///
/// # Errors
/// Where the vendor has no such invitation, or the database does not answer.
pub async fn withdraw(desk: &Desk, vendor: &str, id: &str) -> Result<bool> {
    let vendor: VendorId = vendor.parse()?;
    let all = desk.db.registrations().invitations(&vendor).await?;
    ensure!(all.iter().any(|invitation| invitation.id == id), "vendor {vendor} has no invitation {id:?}");
    let now = desk.clock.now();
    Ok(desk.db.registrations().withdraw(id, now, event(now, "removed", id, &vendor)).await?)
}

fn bounds(wish: Wish, vendor: &Vendor, fields: &[Field], catalogue: &Catalogue, now: Timestamp) -> Result<Bounds> {
    let grants = words(wish.grants, fields, "grant_types", &["authorization_code"])?;
    let with_secret = ["client_secret_basic", "client_secret_post", "private_key_jwt"];
    let auth_methods = words(wish.auth_methods, fields, "token_endpoint_auth_method", &with_secret)?;
    let by_browser = grants.iter().any(|grant| grant == "authorization_code");
    ensure!(
        !by_browser || !wish.redirects.is_empty(),
        "name at least one --redirect: an address, or a prefix such as https://maple.example/apps/*"
    );
    let offline_access = wish.scopes.iter().any(|scope| scope == STAYING);
    ensure!(
        !offline_access || grants.iter().any(|grant| grant == "refresh_token"),
        "{STAYING} needs --grant refresh_token"
    );
    let mut scopes = Vec::new();
    for name in wish.scopes.iter().filter(|scope| *scope != STAYING) {
        let scope = catalogue.scope_asked(name, now).filter(|scope| vendor.scopes.contains(scope));
        scopes.push(scope.with_context(|| format!("vendor {} may not ask for scope {name:?}", vendor.id))?.clone());
    }
    Ok(Bounds {
        redirects: wish.redirects,
        grants,
        auth_methods,
        scopes: (!scopes.is_empty()).then(|| Scopes::from_iter(scopes)),
        offline_access,
        algorithms: algorithms(wish.algorithms, fields)?,
    })
}

/// Some of the words that the field knows; `usual` where none is given.
fn words(given: Vec<String>, fields: &[Field], name: &str, usual: &[&str]) -> Result<Vec<String>> {
    if given.is_empty() {
        return Ok(usual.iter().map(|word| (*word).to_owned()).collect());
    }
    let known = choices(fields, name);
    match given.iter().find(|word| !known.contains(&word.as_str())) {
        Some(word) => bail!("{word:?} is none of {name}: use {}", known.join(", ")),
        None => Ok(given),
    }
}

/// Signatures are named by several fields; at least ID tokens and access tokens must remain possible.
fn algorithms(given: Vec<String>, fields: &[Field]) -> Result<Option<Vec<String>>> {
    if given.is_empty() {
        return Ok(None);
    }
    let mut known: Vec<&str> = fields
        .iter()
        .filter(|field| field.name.ends_with("_alg"))
        .flat_map(|field| choices(fields, field.name))
        .collect();
    known.sort_unstable();
    known.dedup();
    if let Some(word) = given.iter().find(|word| !known.contains(&word.as_str())) {
        bail!("{word:?} is no signature algorithm here: use {}", known.join(", "));
    }
    for name in ["id_token_signed_response_alg", "access_token_signing_alg"] {
        let possible = choices(fields, name);
        ensure!(
            given.iter().any(|word| possible.contains(&word.as_str())),
            "with these algorithms no token could be signed: add one of {}",
            possible.join(", ")
        );
    }
    Ok(Some(given))
}

fn choices<'f>(fields: &'f [Field], name: &str) -> Vec<&'f str> {
    match fields.iter().find(|field| field.name == name).map(|field| field.kind) {
        Some(Kind::Choice(words) | Kind::Choices(words)) => words.to_vec(),
        _ => Vec::new(),
    }
}

fn view(catalogue: &Catalogue, invitation: Invitation, now: Timestamp) -> View {
    let names = invitation.bounds.scopes.as_ref().map(|scopes| catalogue.shown(scopes, now));
    View {
        scopes: names,
        state: invitation.state(now),
        id: invitation.id,
        vendor: invitation.vendor,
        uses: invitation.uses,
        uses_left: invitation.uses_left,
        created_at: invitation.created_at.rfc3339(),
        expires_at: invitation.expires_at.rfc3339(),
        bounds: Bounds { scopes: None, ..invitation.bounds },
    }
}

fn event(at: Timestamp, action: &str, id: &str, vendor: &VendorId) -> AuditEvent {
    let change = json!({ "action": action, "kind": "invitation", "id": id, "vendor": vendor.as_str() });
    AuditEvent { at, kind: Event::Apply, payload: json!({ "by": "command", "changes": [change] }) }
}
