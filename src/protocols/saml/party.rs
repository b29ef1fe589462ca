//! A service provider as this protocol sees it: its metadata and the operator's settings, read once for each state of
//! the catalogue.

use std::{
    collections::{HashMap, hash_map::Entry},
    sync::{Arc, RwLock},
};

use serde::Deserialize;
use serde_json::Value;

use super::{
    NAME,
    attributes::{ANONYMOUS, PERSONALIZED, PSEUDONYMOUS},
    names::Form,
};
use crate::{
    domain::{
        catalogue::Catalogue,
        clock::Timestamp,
        id::VendorId,
        key::Reader,
        scope::Scopes,
        vendor::{RelyingParty, Vendor},
    },
    protocols::Misfit,
    wire::{
        dsig,
        saml::{
            metadata::{self, EncryptionKey, Endpoint, Reach, RequestedAttribute, ServiceProvider, SubjectId},
            request::Acs,
        },
        xml,
        xmlenc::{Data, Recipient, Transport},
    },
};

#[derive(Debug)]
pub(super) struct Party {
    /// Its key in the catalogue: the entityID, or the URL of its metadata where the operator named no other.
    pub key: String,
    pub entity_id: String,
    pub vendor: VendorId,
    /// Our own entityID's beginning.
    pub issuer: String,
    /// What the vendor may ask for.
    pub scopes: Scopes,
    pub metadata: ServiceProvider,
    /// Its metadata comes from a URL, not from the operator's hand.
    pub fetched: bool,
    /// Its keys that sign.
    pub signing: Vec<dsig::PublicKey>,
    /// Whether its requests must be signed.
    pub requests_signed: bool,
    pub signs: Signs,
    /// To whom and how assertions are encrypted; absent: in plain text.
    pub encryption: Option<Encryption>,
    /// Where its request wants no certain form.
    pub name_id: Form,
    /// The operator's choice; empty: what its metadata asks for.
    pub attributes: Vec<String>,
    pub common_lib_terms: bool,
    pub idp_initiated: bool,
    /// How it comes by our certificate.
    pub reader: Reader,
}

/// Each may have to be tried: a rollover has two.
const MOST_KEYS: usize = 8;

/// What we sign for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Signs {
    Both,
    Assertion,
    Response,
}

#[derive(Debug)]
pub(super) struct Encryption {
    pub recipient: Recipient,
    pub data: Data,
    pub transport: Transport,
}

/// Whether it may know a patron again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Persistence {
    Lasting,
    /// REFEDS anonymous access.
    None,
}

/// As they are kept; defaults are those of `settings::FIELDS`.
#[derive(Deserialize)]
struct Settings {
    metadata: Option<String>,
    metadata_document: Option<String>,
    metadata_certificate_document: Option<String>,
    #[serde(default = "as_metadata")]
    signed_requests: String,
    #[serde(default = "both")]
    sign: Signs,
    #[serde(default = "as_metadata")]
    encrypt: String,
    #[serde(default = "as_metadata")]
    encryption_method: String,
    #[serde(default = "as_metadata")]
    name_id: String,
    #[serde(default)]
    attributes: Vec<String>,
    #[serde(default)]
    common_lib_terms: bool,
    #[serde(default)]
    idp_initiated: bool,
    certificate: Option<String>,
}

fn as_metadata() -> String {
    "as-metadata".to_owned()
}

fn both() -> Signs {
    Signs::Both
}

/// The entityID that settings name without saying it: that of the only entity in the file. Of a URL nothing is known
/// before it was read, and so the URL itself stands for it.
///
/// # Errors
/// Where there is no metadata, or it has several entities.
pub(super) fn key(settings: &Value) -> Result<String, Misfit> {
    let settings = read_settings(settings)?;
    match (settings.metadata_document, settings.metadata) {
        (Some(document), _) => Ok(service_provider(&document, None)?.entity_id),
        (None, Some(url)) => Ok(url),
        (None, None) => Err(misfit("metadata", "is missing")),
    }
}

fn read_settings(settings: &Value) -> Result<Settings, Misfit> {
    Settings::deserialize(settings).map_err(|error| misfit("settings", error.to_string()))
}

fn misfit(field: &'static str, why: impl Into<String>) -> Misfit {
    Misfit { field, why: why.into() }
}

/// The one entity of a document that is asked for.
pub(super) fn service_provider(document: &str, entity_id: Option<&str>) -> Result<ServiceProvider, Misfit> {
    let unreadable = |why: &dyn std::fmt::Display| misfit("metadata", format!("cannot be used: {why}"));
    let document = xml::parse(document, &xml::METADATA).map_err(|e| unreadable(&e))?;
    let entity = metadata::find_entity(document.root_element(), entity_id).map_err(|e| unreadable(&e))?;
    metadata::read(entity).map_err(|e| unreadable(&e))
}

impl Party {
    /// Reads a party of the catalogue. `None` where its metadata was not fetched yet.
    ///
    /// # Errors
    /// The field that cannot be, or not together with the others.
    pub fn read(vendor: &Vendor, party: &RelyingParty, issuer: &str) -> Result<Option<Party>, Misfit> {
        let settings = read_settings(&party.settings)?;
        let reader = match settings.certificate.as_deref().unwrap_or("pinned").parse::<Reader>() {
            Ok(reader) => reader,
            Err(why) => return Err(misfit("certificate", why)),
        };
        if settings.metadata_certificate_document.is_some() && settings.metadata.is_none() {
            let why = "checks what a URL brings, and metadata is a file: what the operator puts there is believed";
            return Err(misfit("metadata_certificate", why));
        }
        if let Some(pem) = &settings.metadata_certificate_document {
            certificate_key(pem)?;
        }
        let live = party.published.as_ref().and_then(|published| published.live.as_ref());
        let metadata = match (&settings.metadata_document, live) {
            (Some(document), _) => service_provider(document, Some(&party.key))?,
            (None, Some(copy)) => {
                let whose = Some(party.key.as_str()).filter(|key| settings.metadata.as_deref() != Some(key));
                let until = copy.valid_until.map(Timestamp::millis);
                ServiceProvider { valid_until: until, ..service_provider(&copy.text, whose)? }
            }
            (None, None) => return Ok(None),
        };
        Party::with(vendor, party, issuer, settings, metadata, reader).map(Some)
    }

    fn with(
        vendor: &Vendor,
        party: &RelyingParty,
        issuer: &str,
        settings: Settings,
        metadata: ServiceProvider,
        reader: Reader,
    ) -> Result<Party, Misfit> {
        if metadata.signing.len() > MOST_KEYS {
            return Err(misfit("metadata", format!("has more than {MOST_KEYS} signing certificates")));
        }
        let unusable = |e| misfit("metadata", format!("has a signing certificate of no use: {e}"));
        let keys = metadata.signing.iter().map(|certificate| dsig::PublicKey::from_certificate(&certificate.der));
        let signing = keys.collect::<Result<Vec<_>, _>>().map_err(unusable)?;
        let requests_signed = settings.signed_requests == "required" || metadata.authn_requests_signed;
        if requests_signed && signing.is_empty() {
            return Err(misfit("signed_requests", "must be signed, and its metadata has no signing certificate"));
        }
        let encryption = encryption(&settings, &metadata)?;
        let anonymous = is_anonymous(&metadata);
        let name_id = match settings.name_id.as_str() {
            "transient" => Form::Transient,
            "persistent" if anonymous => {
                let why = "cannot be persistent, because its metadata is in REFEDS's anonymous category";
                return Err(misfit("name_id", why));
            }
            "persistent" => Form::Persistent,
            _ if anonymous => Form::Transient,
            _ => Form::usual(&metadata),
        };
        let party = Party {
            key: party.key.clone(),
            entity_id: metadata.entity_id.clone(),
            vendor: vendor.id.clone(),
            issuer: issuer.to_owned(),
            scopes: vendor.scopes.clone(),
            fetched: settings.metadata_document.is_none(),
            signing,
            requests_signed,
            signs: settings.sign,
            encryption,
            name_id,
            attributes: settings.attributes,
            common_lib_terms: settings.common_lib_terms,
            idp_initiated: settings.idp_initiated,
            reader,
            metadata,
        };
        if party.consumer(&Acs::Default).is_none() {
            let why = "names no AssertionConsumerService by HTTP-POST that is https (http on loopback only)";
            return Err(misfit("metadata", why));
        }
        Ok(party)
    }

    /// Where the answer goes: by URL only where it is byte-equal to one of the metadata's, by index, or the default one
    /// (metadata 2.2.3). Never over plain http, but for a trial within one machine.
    pub fn consumer(&self, asked: &Acs) -> Option<&Endpoint> {
        let found = match asked {
            Acs::Url(url) => self.metadata.acs_of(url),
            Acs::Index(index) => self.metadata.acs_at(*index),
            Acs::Default => self.metadata.default_acs(),
        };
        found.filter(|endpoint| endpoint.reach() != Reach::Unsafe)
    }

    /// What the AttributeConsumingService asks for that its request names; the default one where it names none that there
    /// is.
    pub fn requested(&self, service: Option<u16>) -> &[RequestedAttribute] {
        let named = self.metadata.attributes_asked(service).or_else(|| self.metadata.attributes_asked(None));
        named.map(|service| service.requested.as_slice()).unwrap_or_default()
    }

    pub fn has_category(&self, category: &str) -> bool {
        self.metadata.entity_categories().any(|known| known == category)
    }

    pub fn wants_pairwise_id(&self) -> bool {
        matches!(self.metadata.subject_id_required(), Some(SubjectId::PairwiseId | SubjectId::Any))
    }

    /// Whether what it published is too old to be believed. A file is what the operator believes, however old it says
    /// that it is.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.fetched && self.metadata.valid_until.is_some_and(|until| until <= now.millis())
    }

    /// Whether the operator said who it is, by a file or by its entityID.
    fn is_named(&self) -> bool {
        self.key == self.entity_id
    }

    pub fn persistence(&self) -> Persistence {
        if is_anonymous(&self.metadata) { Persistence::None } else { Persistence::Lasting }
    }
}

/// In the anonymous category and in none that wants more.
fn is_anonymous(metadata: &ServiceProvider) -> bool {
    let has = |category: &str| metadata.entity_categories().any(|known| known == category);
    has(ANONYMOUS) && !has(PSEUDONYMOUS) && !has(PERSONALIZED)
}

/// The public key of a PEM file with a certificate.
pub(super) fn certificate_key(pem: &str) -> Result<dsig::PublicKey, Misfit> {
    let unusable = |why: &dyn std::fmt::Display| misfit("metadata_certificate", format!("cannot be used: {why}"));
    let body: String = pem.lines().filter(|line| !line.starts_with("-----")).collect();
    let decoded = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, body.trim());
    let der = decoded.map_err(|_| unusable(&"it must be one certificate in PEM"))?;
    dsig::PublicKey::from_certificate(&der).map_err(|e| unusable(&e))
}

/// To the first certificate that can be used: others may have keys of a kind that nothing is encrypted to here.
fn encryption(settings: &Settings, metadata: &ServiceProvider) -> Result<Option<Encryption>, Misfit> {
    let always = match settings.encrypt.as_str() {
        "never" => return Ok(None),
        wish => wish == "always",
    };
    let mut unusable = None;
    for key in metadata.encryption.iter().filter(|key| always || key.named) {
        match Recipient::from_certificate(&key.certificate.der) {
            Ok(recipient) => return Ok(Some(encrypted(settings, key, recipient))),
            Err(why) => unusable = Some(why),
        }
    }
    match unusable {
        Some(why) => Err(misfit("metadata", format!("has no encryption certificate of use: {why}"))),
        None if always => Err(misfit("encrypt", "is always, and its metadata has no certificate to encrypt with")),
        None => Ok(None),
    }
}

fn encrypted(settings: &Settings, key: &EncryptionKey, recipient: Recipient) -> Encryption {
    let named = |uri: &String| Data::from_uri(uri).filter(|data| matches!(data, Data::Aes128Gcm | Data::Aes256Gcm));
    let data = match settings.encryption_method.as_str() {
        "aes128-gcm" => Data::Aes128Gcm,
        "aes256-gcm" => Data::Aes256Gcm,
        "aes128-cbc" => Data::Aes128Cbc,
        "aes256-cbc" => Data::Aes256Cbc,
        _ => key.methods.iter().find_map(named).unwrap_or(Data::Aes256Gcm),
    };
    let wanted = key.methods.iter().find_map(|uri| Transport::from_uri(uri));
    Encryption { recipient, data, transport: wanted.unwrap_or(Transport::OaepMgf1p) }
}

/// Every service provider of one state of the catalogue, by entityID.
struct Snapshot {
    of: Arc<Catalogue>,
    parties: HashMap<String, Arc<Party>>,
}

/// The service providers of the present catalogue: read when it changes, not when a click comes.
pub(super) struct Parties {
    issuer: String,
    now: RwLock<Option<Arc<Snapshot>>>,
}

impl Parties {
    pub fn new(issuer: &str) -> Parties {
        Parties { issuer: issuer.to_owned(), now: RwLock::default() }
    }

    /// By its entityID.
    pub fn find(&self, catalogue: &Arc<Catalogue>, entity_id: &str) -> Option<Arc<Party>> {
        self.snapshot(catalogue).parties.get(entity_id).cloned()
    }

    /// By its key in the catalogue.
    pub fn by_key(&self, catalogue: &Arc<Catalogue>, key: &str) -> Option<Arc<Party>> {
        self.snapshot(catalogue).parties.values().find(|party| party.key == key).cloned()
    }

    pub fn all(&self, catalogue: &Arc<Catalogue>) -> Vec<Arc<Party>> {
        self.snapshot(catalogue).parties.values().cloned().collect()
    }

    fn snapshot(&self, catalogue: &Arc<Catalogue>) -> Arc<Snapshot> {
        let kept = self.now.read().unwrap_or_else(|e| e.into_inner()).clone();
        match kept {
            Some(snapshot) if Arc::ptr_eq(&snapshot.of, catalogue) => snapshot,
            _ => {
                let fresh = Arc::new(self.read(catalogue));
                *self.now.write().unwrap_or_else(|e| e.into_inner()) = Some(fresh.clone());
                fresh
            }
        }
    }

    fn read(&self, catalogue: &Arc<Catalogue>) -> Snapshot {
        let mut all = Vec::new();
        for vendor in catalogue.vendors.values() {
            for party in vendor.relying_parties.iter().filter(|party| party.protocol == NAME) {
                match Party::read(vendor, party, &self.issuer) {
                    Ok(read) => all.extend(read),
                    Err(misfit) => tracing::error!(entity_id = party.key, %misfit, "service provider left out"),
                }
            }
        }
        // What an address brings may call itself anything, and takes nobody's place whom the operator named.
        all.sort_by_key(|party| !party.is_named());
        let mut parties: HashMap<String, Arc<Party>> = HashMap::new();
        for party in all {
            match parties.entry(party.entity_id.clone()) {
                Entry::Vacant(place) => drop(place.insert(Arc::new(party))),
                Entry::Occupied(_) => {
                    tracing::error!(entity_id = party.entity_id, vendor = %party.vendor, "a second service provider of this entityID is left out");
                }
            }
        }
        Snapshot { of: catalogue.clone(), parties }
    }
}
