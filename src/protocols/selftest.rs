//! `GET /vendors/{id}/selftest`: for a vendor's engineer, who proves to be the vendor's by its own credentials. Its
//! configuration as it is now, test patrons with what would be told of them, and what passed lately with its reasons.
//! No secret, and nothing of anybody who exists.

use std::sync::Arc;

use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Serialize;
use serde_json::{Value, json};

use super::{Protocol, Stage, Voucher};
use crate::{
    domain::{
        claims::StandardClaims,
        exchange::Exchange,
        id::VendorId,
        scope::Scopes,
        vendor::{ReleaseItem, RelyingParty, Vendor},
    },
    pages::{Frame, Locale},
    protocols,
    signon::{self, Fault, SignOn, rehearse::Rehearsal, visitor::cookie},
};

struct Desk {
    signon: SignOn,
    speaking: Vec<Box<dyn Protocol>>,
    vouchers: Vec<Box<dyn Voucher>>,
}

pub fn routes(signon: SignOn, speaking: Vec<Box<dyn Protocol>>) -> Router {
    let vouchers = speaking.iter().filter_map(|protocol| protocol.voucher(&signon)).collect();
    Router::new().route("/vendors/{id}/selftest", get(show)).with_state(Arc::new(Desk { signon, speaking, vouchers }))
}

async fn show(State(desk): State<Arc<Desk>>, Path(id): Path<String>, headers: HeaderMap) -> Response {
    let wants_page = headers.get(header::ACCEPT).is_some_and(|accept| names_html(accept.as_bytes()));
    let response = match desk.look(&id, &headers).await {
        Ok(seen) if wants_page => desk.page(&headers, &seen),
        Ok(seen) => (StatusCode::OK, axum::Json(seen)).into_response(),
        Err(stop) => stop.response(),
    };
    never_kept(response)
}

/// Why there is nothing to see.
enum Stop {
    /// Nobody whom we know, or somebody else's vendor: the two look alike.
    Unknown,
    Broken(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Broken(fault)
    }
}

impl Stop {
    fn response(self) -> Response {
        match self {
            Stop::Unknown => {
                let hint = "send the credentials of one of this vendor's clients: HTTP Basic with client_id and \
                            client_secret, a client assertion (private_key_jwt) as a Bearer token, or, for SAML, HTTP \
                            Basic with any name and the last part of the address of our metadata that is yours; for SIP2 or \
                            PATRONAPI, HTTP Basic with the login (or the id) and its secret";
                let body = axum::Json(json!({ "error": "invalid_client", "error_description": hint }));
                let mut response = (StatusCode::UNAUTHORIZED, body).into_response();
                let challenge = HeaderValue::from_static("Basic realm=\"vendor self-test\", charset=\"UTF-8\"");
                response.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
                response
            }
            Stop::Broken(fault) => {
                tracing::error!(%fault, "the self-test of a vendor cannot be shown");
                let status =
                    fault.retry_after().map_or(StatusCode::INTERNAL_SERVER_ERROR, |_| StatusCode::SERVICE_UNAVAILABLE);
                (status, axum::Json(json!({ "error": "server_error" }))).into_response()
            }
        }
    }
}

/// What is seen. Field names are a promise to those who read it by program.
#[derive(Serialize)]
struct Seen {
    vendor: VendorId,
    name: String,
    disabled: bool,
    /// Ours: whose clock differs by more than a few minutes finds it here.
    now: String,
    audience: Vec<&'static str>,
    scopes: Vec<String>,
    release: Vec<ReleaseItem>,
    relying_parties: Vec<Party>,
    test_patrons: Vec<Rehearsed>,
    /// Newest first, as this server saw them since it started.
    exchanges: Vec<Exchange>,
}

#[derive(Serialize)]
struct Party {
    protocol: String,
    key: String,
    entrance: Option<String>,
    settings: Value,
    weaknesses: Vec<&'static str>,
}

#[derive(Serialize)]
struct Rehearsed {
    name: String,
    card: String,
    /// `allowed` or `refused`.
    decision: &'static str,
    reason: Option<&'static str>,
    told: Option<Told>,
}

#[derive(Serialize)]
struct Told {
    sub: String,
    scope: String,
    audience_band: &'static str,
    patron_type: &'static str,
    card_number: Option<String>,
    standard: StandardClaims,
    until: String,
    /// The same as documents of the protocols that have such, each with its rules.
    documents: Vec<protocols::Rehearsed>,
}

impl Desk {
    async fn look(&self, id: &str, headers: &HeaderMap) -> Result<Seen, Stop> {
        let app = self.signon.app();
        let catalogue = app.catalogue();
        let vendor = self.caller(headers).await?.filter(|vendor| vendor.as_str() == id);
        let vendor = vendor.and_then(|id| catalogue.vendors.get(&id)).ok_or(Stop::Unknown)?;
        let now = app.clock.now();
        let names = |scopes: &Scopes| catalogue.shown(scopes, now).into_iter().map(String::from).collect::<Vec<_>>();
        let rehearsed = |Rehearsal { patron, card, verdict }| {
            let (reason, told) = match verdict {
                Err(reason) => (Some(reason.code()), None),
                Ok(told) => (None, Some(told)),
            };
            let told = told.map(|told| Told {
                documents: self.rehearsed(vendor, &told, &catalogue.spelled(&told.scopes, now)),
                sub: told.subject,
                scope: names(&told.scopes).join(" "),
                audience_band: told.release.audience_band.as_str(),
                patron_type: told.release.patron_type.as_str(),
                card_number: told.release.card_number.map(|card| card.to_string()),
                standard: told.release.standard,
                until: told.until.rfc3339(),
            });
            let decision = if told.is_some() { "allowed" } else { "refused" };
            Rehearsed { name: patron, card: card.to_string(), decision, reason, told }
        };
        Ok(Seen {
            vendor: vendor.id.clone(),
            name: vendor.name.clone(),
            disabled: vendor.disabled,
            now: now.rfc3339(),
            audience: vendor.audience.iter().map(|band| band.as_str()).collect(),
            scopes: names(&vendor.scopes),
            release: vendor.release.clone(),
            relying_parties: vendor.relying_parties.iter().map(|party| self.party(vendor, party)).collect(),
            test_patrons: self.signon.rehearse(vendor).await?.into_iter().map(rehearsed).collect(),
            exchanges: app.exchanges.of(vendor.id.as_str()),
        })
    }

    fn rehearsed(&self, vendor: &Vendor, told: &signon::Told, scopes: &str) -> Vec<protocols::Rehearsed> {
        let app = self.signon.app();
        let scopes: Vec<String> = scopes.split_whitespace().map(str::to_owned).collect();
        let (issuer, scope_domain) = (app.config.issuer.as_str(), app.config.library.scope_domain.as_str());
        let now = app.clock.now();
        let session_until = now + app.config.session.absolute;
        let time_zone = &app.config.library.time_zone;
        let stage = Stage { issuer, scope_domain, time_zone, told, scopes: &scopes, now, session_until };
        let of = |party: &RelyingParty| {
            let protocol = self.speaking.iter().find(|protocol| protocol.name() == party.protocol)?;
            protocol.rehearse(&stage, vendor, party)
        };
        vendor.relying_parties.iter().filter_map(of).collect()
    }

    async fn caller(&self, headers: &HeaderMap) -> Result<Option<VendorId>, Fault> {
        for voucher in &self.vouchers {
            if let Some(vendor) = voucher.vendor(headers).await? {
                return Ok(Some(vendor));
            }
        }
        Ok(None)
    }

    fn party(&self, vendor: &Vendor, party: &RelyingParty) -> Party {
        let app = self.signon.app();
        let protocol = self.speaking.iter().find(|protocol| protocol.name() == party.protocol);
        Party {
            protocol: party.protocol.clone(),
            key: party.key.clone(),
            entrance: protocol.and_then(|protocol| protocol.entrance(&app.config.issuer, &app.keyring, vendor, party)),
            settings: without_secrets(&party.settings),
            weaknesses: protocol
                .map(|protocol| protocol.weaknesses(vendor, party, app.clock.now()))
                .unwrap_or_default(),
        }
    }

    fn page(&self, headers: &HeaderMap, seen: &Seen) -> Response {
        #[derive(Serialize)]
        struct Page<'a> {
            frame: Frame,
            seen: &'a Seen,
        }
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let locale = Locale::of(None, cookie(headers, Locale::COOKIE), accepted);
        let path = format!("/vendors/{}/selftest", seen.vendor);
        let page = Page { frame: Frame { path, ..Frame::default() }, seen };
        match self.signon.app().pages.render("selftest/selftest.html", locale, page) {
            Ok(html) => ([(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response(),
            Err(error) => Stop::Broken(Fault::Broken(error.to_string())).response(),
        }
    }
}

/// Hashes of secrets are nobody's business either.
fn without_secrets(settings: &Value) -> Value {
    // A file is long, and its owner has it.
    let secret = |name: &str| name.ends_with("_sha256") || name.ends_with("_document");
    let kept = settings.as_object().into_iter().flatten().filter(|(name, _)| !secret(name));
    Value::Object(kept.map(|(name, value)| (name.clone(), value.clone())).collect())
}

fn names_html(accept: &[u8]) -> bool {
    std::str::from_utf8(accept).unwrap_or_default().contains("text/html")
}

fn never_kept(mut response: Response) -> Response {
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
