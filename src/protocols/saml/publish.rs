//! Our metadata (SAML V2.0 Metadata), signed, with every certificate of a rollover. It is the same for all; a service
//! provider that fetches it at an address of its own is known to have the certificates in it.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_lc_rs::{digest, hmac};
use axum::{
    Router,
    extract::{Path, State},
    http::{HeaderMap, Method},
    response::Response,
    routing::get,
};
use subtle::ConstantTimeEq;

use super::{
    METADATA, Provider, SLO, SSO,
    attributes::{ANONYMOUS, PERSONALIZED, PSEUDONYMOUS},
    entity_id,
    party::Party,
    respond::signed,
};
use crate::{
    domain::{clock::Timestamp, key},
    keyring::{Certificate, KeyRing},
    protocols::answer::{Kept, broken_for_people},
    signon::Fault,
    wire::saml::{
        binding, format,
        publish::{self, IdentityProvider, Logo},
    },
};

/// Who may be reading, and so how long a copy may be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reader {
    /// Perhaps somebody who puts a file into a configuration by hand; some software stops working when that is over.
    Anybody,
    /// Who has an address of its own reads it again and again.
    OneParty,
}

impl Reader {
    fn valid(self) -> Duration {
        let days = match self {
            Reader::Anybody => 365,
            Reader::OneParty => 30,
        };
        Duration::from_secs(days * 24 * 3600)
    }
}

/// It is written anew this often, so that what is fetched is always good for nearly all of that.
const FRESH: Duration = Duration::from_secs(3600);
const MEDIA_TYPE: &str = "application/samlmetadata+xml";

pub(super) fn routes() -> Router<Provider> {
    Router::new().route(METADATA, get(anybody)).route("/saml/metadata/{token}", get(one))
}

/// The address at which this service provider, and nobody else, fetches our metadata.
pub(super) fn address(issuer: &str, keyring: &KeyRing, party_key: &str) -> String {
    format!("{issuer}{METADATA}/{}", token(keyring, party_key))
}

fn token(keyring: &KeyRing, party_key: &str) -> String {
    let mut mac = hmac::Context::with_key(keyring.form_key());
    mac.update(b"saml metadata:");
    mac.update(party_key.as_bytes());
    hex::encode(mac.sign().as_ref().get(..16).unwrap_or_default())
}

/// The service provider whose address ends so.
pub(super) fn whose(provider: &Provider, shown: &str) -> Option<Arc<Party>> {
    let app = provider.app();
    let is = |party: &Arc<Party>| token(&app.keyring, &party.key).as_bytes().ct_eq(shown.as_bytes()).into();
    provider.parties.all(&app.catalogue()).into_iter().find(is)
}

async fn anybody(State(provider): State<Provider>, headers: HeaderMap) -> Response {
    respond(&provider, &headers, Reader::Anybody)
}

/// Whoever comes by a wrong address gets what anybody gets, and nothing is learnt by that.
async fn one(
    State(provider): State<Provider>,
    Path(asked): Path<String>,
    method: Method,
    headers: HeaderMap,
) -> Response {
    let app = provider.app();
    let Some(party) = whose(&provider, &asked) else { return respond(&provider, &headers, Reader::Anybody) };
    // Who asks for the head alone has no certificate by that.
    if method == Method::GET {
        provider.note(&party, "metadata", "ok", "our metadata was fetched");
        if let Err(error) = app.keyring.seen_fetching(&app.store, &party.key, app.clock.now()).await {
            tracing::warn!(%error, entity_id = party.entity_id, "that metadata was fetched could not be written down");
        }
    }
    respond(&provider, &headers, Reader::OneParty)
}

fn respond(provider: &Provider, headers: &HeaderMap, reader: Reader) -> Response {
    match document(provider, reader) {
        Ok(document) => document.kept.answer(headers),
        Err(fault) => broken_for_people(provider.app(), headers, &fault),
    }
}

/// The documents as they were last written, for anybody and for those whose address it is.
#[derive(Debug, Default)]
pub(super) struct Published(Mutex<[Option<Arc<Document>>; 2]>);

#[derive(Debug)]
struct Document {
    kept: Kept,
    /// What it was made of: certificates in their order.
    of: Vec<String>,
    written_at: Timestamp,
}

fn document(provider: &Provider, reader: Reader) -> Result<Arc<Document>, Fault> {
    let now = provider.now();
    let certificates = provider.app().keyring.certificates(now);
    let of: Vec<String> = certificates.iter().map(|certificate| certificate.kid.clone()).collect();
    let mut all = provider.published.0.lock().unwrap_or_else(PoisonError::into_inner);
    let [anybodys, ones] = &mut *all;
    let known = if reader == Reader::Anybody { anybodys } else { ones };
    let good = |document: &&Arc<Document>| document.of == of && now.apart(document.written_at) < FRESH;
    if let Some(document) = known.as_ref().filter(good) {
        return Ok(document.clone());
    }
    let xml = write(provider, &certificates, reader, now)?;
    let digest = digest::digest(&digest::SHA256, xml.as_bytes());
    let etag = format!("\"{}\"", hex::encode(digest.as_ref().get(..16).unwrap_or_default()));
    let age = provider.app().keyring.saml_schedule().cache_lifetime.min(FRESH).as_secs();
    let kept = Kept::new(xml, &etag, MEDIA_TYPE, &format!("public, max-age={age}"));
    let kept = kept.ok_or_else(|| Fault::Broken("metadata cannot be sent under its tag".into()))?;
    let document = Arc::new(Document { kept, of, written_at: now });
    *known = Some(document.clone());
    Ok(document)
}

fn write(provider: &Provider, certificates: &[Certificate], reader: Reader, now: Timestamp) -> Result<String, Fault> {
    let app = provider.app();
    let (sso, slo) = (provider.url(SSO), provider.url(SLO));
    let entity_id = entity_id(provider.issuer());
    let signing: Vec<&str> = certificates.iter().map(|certificate| &*certificate.der_base64).collect();
    let logo = app.pages.logo().map(|path| provider.url(path));
    let logos: Vec<Logo<'_>> = logo.iter().map(|url| Logo { url, width: 60, height: 60 }).collect();
    let id = format!("_{}", now.millis());
    let both = |at: &str| [(binding::REDIRECT.to_owned(), at.to_owned()), (binding::POST.to_owned(), at.to_owned())];
    let (sso, slo) = (both(&sso), both(&slo));
    let sso = sso.each_ref().map(|(binding, at)| (binding.as_str(), at.as_str()));
    let slo = slo.each_ref().map(|(binding, at)| (binding.as_str(), at.as_str()));
    let home = format!("{}/", provider.issuer());
    let name = app.config.library.name.as_str();
    let own = IdentityProvider {
        id: &id,
        entity_id: &entity_id,
        valid_until: Some((now + reader.valid()).millis()),
        cache_duration: Some(app.keyring.saml_schedule().cache_lifetime.as_secs()),
        want_authn_requests_signed: false,
        signing: &signing,
        sso: &sso,
        slo: &slo,
        name_id_formats: &[format::PERSISTENT, format::TRANSIENT],
        scopes: &[&app.config.library.scope_domain],
        display_names: &[("en", name), ("es", name)],
        information_urls: &[("en", &home)],
        logos: &logos,
        categories_supported: &[ANONYMOUS, PSEUDONYMOUS, PERSONALIZED],
        ..IdentityProvider::default()
    };
    // Signed by what signs for whoever reads metadata as it should.
    let signer = app.keyring.saml_signer(key::Reader::Normal, "", now);
    let signer = signer.ok_or_else(|| Fault::Broken("there is no key for SAML".into()))?;
    signed(publish::entity(&own), &id, &signer)
}
