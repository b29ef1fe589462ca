//! Dynamic client registration (RFC 7591) and its management (RFC 7592): whoever holds an invitation registers clients
//! of the invited vendor, within the invitation's bounds at first and ever after. What metadata may say is `metadata`'s.

mod metadata;

use aws_lc_rs::digest;
use axum::{
    body::Bytes,
    extract::{Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use subtle::ConstantTimeEq;

use self::metadata::Limits;
use super::{
    NAME, Provider,
    client::{Auth, Client},
    error::{Error, Failure, Scheme, no_store},
};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        catalogue::Catalogue,
        clock::Timestamp,
        handle,
        id::VendorId,
        registration::{Invitation, InvitationState, RegisteredClient},
        vendor::{RelyingParty, Vendor},
    },
    signon::Fault,
};

/// RFC 7591 section 3.
pub(super) async fn register(State(provider): State<Provider>, headers: HeaderMap, body: Bytes) -> Response {
    answer(enrol(&provider, &headers, &body).await)
}

/// RFC 7592 section 2.1.
pub(super) async fn read(State(provider): State<Provider>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    answer(async { own(&provider, &headers, &id).await?.shown(&provider, None) }.await.map(found))
}

/// RFC 7592 section 2.2.
pub(super) async fn replace(
    State(provider): State<Provider>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(amend(&provider, &headers, &id, &body).await.map(found))
}

/// RFC 7592 section 2.3.
pub(super) async fn remove(State(provider): State<Provider>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    answer(dismiss(&provider, &headers, &id).await)
}

async fn enrol(provider: &Provider, headers: &HeaderMap, body: &[u8]) -> Result<Response, Failure> {
    let now = provider.now();
    // 1. The caller was invited, and the invitation is still good (RFC 7591 section 3).
    let invitation = invitation(provider, headers, now).await?;
    let catalogue = provider.app().catalogue();
    let vendor = vendor(&catalogue, &invitation.vendor)?;
    // 2. The metadata is what a configuration file could say as well, and within the invitation's bounds.
    let wanted = object(headers, body)?;
    let mut settings =
        metadata::settings(&wanted, &Limits { bounds: &invitation.bounds, vendor, catalogue: &catalogue, now })?;
    let secret = secret_for(&mut settings, None)?;
    let token = handle::random().map_err(Fault::from)?;
    let client = RegisteredClient {
        vendor: vendor.id.clone(),
        party: RelyingParty {
            protocol: NAME.to_owned(),
            key: new_id(&vendor.id)?,
            settings: Value::Object(settings),
            registered: Some(now),
            published: None,
        },
        bounds: invitation.bounds,
        invitation: invitation.id,
        token_sha256: sha256(&token),
    };
    judge(provider, vendor, &client)?;
    // 3. Of many who use the last of an invitation at once, one gets a client.
    let event = event("added", &client, now);
    if !provider.app().store.registrations().register(&client, now, event).await.map_err(Fault::from)? {
        return Err(no_token("this initial access token is used up").into());
    }
    take_up(provider).await;
    let document = Own { client, token }.shown(provider, secret.as_deref())?;
    Ok(written(StatusCode::CREATED, &document))
}

async fn amend(provider: &Provider, headers: &HeaderMap, id: &str, body: &[u8]) -> Result<Value, Failure> {
    let now = provider.now();
    let Own { mut client, token } = own(provider, headers, id).await?;
    let catalogue = provider.app().catalogue();
    let vendor = vendor(&catalogue, &client.vendor)?;
    // The client says who it is, and does not choose a secret (RFC 7592 section 2.2).
    let wanted = object(headers, body)?;
    if wanted.get("client_id").and_then(Value::as_str) != Some(id) {
        return Err(metadata::invalid("client_id must be there, and that of the address").into());
    }
    let kept = client.party.settings.get(SECRET).and_then(Value::as_str).map(str::to_owned);
    if let Some(said) = wanted.get("client_secret").filter(|said| !said.is_null())
        && !said.as_str().zip(kept.as_deref()).is_some_and(|(said, kept)| same(&sha256(said), kept))
    {
        return Err(metadata::invalid("client_secret must be the present one, or left away").into());
    }
    // The bounds are those of the client's birth: nothing widens.
    let mut settings =
        metadata::settings(&wanted, &Limits { bounds: &client.bounds, vendor, catalogue: &catalogue, now })?;
    let secret = secret_for(&mut settings, kept)?;
    client.party.settings = Value::Object(settings);
    judge(provider, vendor, &client)?;
    let event = event("changed", &client, now);
    if !provider.app().store.registrations().replace(&client, now, event).await.map_err(Fault::from)? {
        return Err(no_client().into());
    }
    take_up(provider).await;
    Own { client, token }.shown(provider, secret.as_deref())
}

async fn dismiss(provider: &Provider, headers: &HeaderMap, id: &str) -> Result<Response, Failure> {
    let Own { client, .. } = own(provider, headers, id).await?;
    let now = provider.now();
    let event = event("removed", &client, now);
    if !provider.app().store.registrations().remove(&client, now, event).await.map_err(Fault::from)? {
        return Err(no_client().into());
    }
    take_up(provider).await;
    // Its grants ended with it.
    provider.signon.look_again();
    Ok(no_store(StatusCode::NO_CONTENT.into_response()))
}

// ── Who asks ───────────────────────────────────────────────────────────────────────────────────────────────────────

async fn invitation(provider: &Provider, headers: &HeaderMap, now: Timestamp) -> Result<Invitation, Failure> {
    let token = bearer(headers)?;
    let found = provider.app().store.registrations().by_token(&sha256(token)).await.map_err(Fault::from)?;
    let invitation = found.ok_or_else(|| no_token("this is no initial access token"))?;
    let over = match invitation.state(now) {
        InvitationState::Open => return Ok(invitation),
        InvitationState::Used => "this initial access token is used up",
        InvitationState::Expired => "this initial access token is over",
        InvitationState::Withdrawn => "this initial access token was withdrawn",
    };
    Err(no_token(over).into())
}

/// A client, and the registration access token that was shown for it.
struct Own {
    client: RegisteredClient,
    token: String,
}

/// The client, where the caller shows its token. Unknown clients and others' tokens answer alike.
async fn own(provider: &Provider, headers: &HeaderMap, id: &str) -> Result<Own, Failure> {
    let token = bearer(headers)?.to_owned();
    let client = provider.app().store.registrations().client(id).await.map_err(Fault::from)?;
    let kept = client.as_ref().map_or("", |client| &client.token_sha256);
    if !same(&sha256(&token), kept) {
        return Err(no_client().into());
    }
    let client = client.ok_or_else(no_client)?;
    vendor(&provider.app().catalogue(), &client.vendor)?;
    Ok(Own { client, token })
}

fn vendor<'c>(catalogue: &'c Catalogue, id: &VendorId) -> Result<&'c Vendor, Error> {
    let vendor = catalogue.vendors.get(id).filter(|vendor| !vendor.disabled);
    vendor.ok_or_else(|| no_token("the vendor that this token is for is switched off"))
}

fn bearer(headers: &HeaderMap) -> Result<&str, Error> {
    let mut all = headers.get_all(header::AUTHORIZATION).iter();
    let (Some(one), None) = (all.next(), all.next()) else {
        return Err(no_token("one Authorization header with a Bearer token is needed"));
    };
    let shown = one.to_str().ok().and_then(|text| text.split_once(' '));
    let token = shown.filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, token)| token.trim());
    token.filter(|token| !token.is_empty()).ok_or_else(|| no_token("the Authorization header is no Bearer token"))
}

fn no_token(hint: &str) -> Error {
    Error::new("invalid_token", hint)
}

fn no_client() -> Error {
    no_token("this is no registration access token of this client")
}

// ── What is kept ───────────────────────────────────────────────────────────────────────────────────────────────────

fn object(headers: &HeaderMap, body: &[u8]) -> Result<Map<String, Value>, Error> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        return Err(metadata::invalid("the body must be application/json"));
    }
    serde_json::from_slice(body).map_err(|_| metadata::invalid("the body is no JSON object"))
}

/// Judged as an operator's declaration would be.
fn judge(provider: &Provider, vendor: &Vendor, client: &RegisteredClient) -> Result<Client, Error> {
    Client::read(vendor, &client.party, provider.issuer()).map_err(|misfit| metadata::misfit(misfit.field, &misfit.why))
}

const SECRET: &str = "client_secret_sha256";

/// Where the client proves itself by a secret and has none yet: a new one, to be shown once.
fn secret_for(settings: &mut Map<String, Value>, kept: Option<String>) -> Result<Option<String>, Failure> {
    let method = settings.get("token_endpoint_auth_method").and_then(Value::as_str).unwrap_or_default();
    if !method.starts_with("client_secret_") {
        return Ok(None);
    }
    let (hash, new) = match kept {
        Some(hash) => (hash, None),
        None => {
            let secret = handle::random().map_err(Fault::from)?;
            (sha256(&secret), Some(secret))
        }
    };
    settings.insert(SECRET.to_owned(), Value::String(hash));
    Ok(new)
}

fn new_id(vendor: &VendorId) -> Result<String, Failure> {
    let chance = handle::random().map_err(Fault::from)?;
    Ok(format!("{vendor}-{}", sha256(&chance).get(..16).unwrap_or_default()))
}

fn sha256(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

fn event(action: &str, client: &RegisteredClient, at: Timestamp) -> AuditEvent {
    let change = json!({
        "action": action,
        "kind": "client",
        "id": client.party.key,
        "vendor": client.vendor.as_str(),
        "invitation": client.invitation,
    });
    AuditEvent { at, kind: Kind::Apply, payload: json!({ "by": "registration", "changes": [change] }) }
}

/// This process knows at once; the others look again by themselves, and so does this one where it could not read.
async fn take_up(provider: &Provider) {
    if let Err(error) = provider.app().reload().await {
        tracing::warn!(%error, "a registration is kept, but not in use here yet");
    }
}

// ── What is answered ───────────────────────────────────────────────────────────────────────────────────────────────

impl Own {
    /// The client information response (RFC 7591 section 3.2.1, RFC 7592 section 3).
    fn shown(&self, provider: &Provider, secret: Option<&str>) -> Result<Value, Failure> {
        let catalogue = provider.app().catalogue();
        let client = judge(provider, vendor(&catalogue, &self.client.vendor)?, &self.client)?;
        let mut document = metadata::effective(&self.client.party, &client, &catalogue, provider.now());
        let id = &self.client.party.key;
        document.insert("client_id".into(), json!(id));
        document.insert("client_id_issued_at".into(), json!(self.client.party.registered.map(Timestamp::seconds)));
        document.insert("registration_client_uri".into(), json!(format!("{}/oidc/register/{id}", provider.issuer())));
        document.insert("registration_access_token".into(), json!(self.token));
        if let Some(secret) = secret {
            document.insert("client_secret".into(), json!(secret));
        }
        if matches!(client.auth, Auth::Basic(_) | Auth::Post(_)) {
            document.insert("client_secret_expires_at".into(), json!(0));
        }
        Ok(Value::Object(document))
    }
}

fn found(document: Value) -> Response {
    written(StatusCode::OK, &document)
}

fn written(status: StatusCode, document: &Value) -> Response {
    no_store((status, [(header::CONTENT_TYPE, "application/json")], document.to_string()).into_response())
}

fn answer(outcome: Result<Response, Failure>) -> Response {
    match outcome {
        Ok(response) => response,
        Err(Failure::Refused(error)) if error.code == "invalid_token" => {
            Failure::Refused(error).at_userinfo(Scheme::Bearer)
        }
        Err(failure) => failure.at_token_endpoint(),
    }
}
