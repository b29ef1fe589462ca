//! A vendor that readers are sent to, as this protocol sees it.

use std::time::Duration;

use serde::Deserialize;

use super::{address::Template, target::Hosts, ticket::Digest};
use crate::{
    domain::{
        field,
        id::VendorId,
        scope::Scopes,
        vendor::{Attribute, RelyingParty, Vendor},
    },
    protocols::{Misfit, bands},
};

#[derive(Debug)]
pub(super) struct Party {
    pub key: String,
    pub vendor: VendorId,
    pub vendor_name: String,
    pub scopes: Scopes,
    pub url: Template,
    pub bands: bands::Words,
    /// Of the secret that signs.
    pub secret_version: u64,
    pub kind: Kind,
}

/// How the vendor knows that the library vouches.
#[derive(Debug)]
pub(super) enum Kind {
    /// For so long.
    Signed(Duration),
    EzProxy(Proxy),
    Referrer(Referrer),
    Card,
}

#[derive(Debug)]
pub(super) struct Proxy {
    pub base: String,
    pub digest: Digest,
    pub hosts: Hosts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Referrer {
    #[default]
    Origin,
    UnsafeUrl,
}

impl Referrer {
    pub fn as_str(self) -> &'static str {
        match self {
            Referrer::Origin => "origin",
            Referrer::UnsafeUrl => "unsafe-url",
        }
    }
}

/// As they are kept; defaults are those of `settings::FIELDS`.
#[derive(Deserialize)]
struct Settings {
    #[serde(default = "signed")]
    kind: String,
    url: String,
    #[serde(default = "usual_bands")]
    bands: String,
    #[serde(default = "two_minutes")]
    valid_for: u64,
    #[serde(default = "first")]
    secret_version: u64,
    #[serde(default)]
    digest: Digest,
    #[serde(default)]
    target_hosts: String,
    #[serde(default)]
    referrer: Referrer,
}

fn signed() -> String {
    "signed".to_owned()
}

fn usual_bands() -> String {
    bands::USUAL.to_owned()
}

fn two_minutes() -> u64 {
    120
}

fn first() -> u64 {
    1
}

impl Party {
    pub fn read(vendor: &Vendor, party: &RelyingParty) -> Result<Party, Misfit> {
        let misfit = |field, why: String| Misfit { field, why };
        let settings = Settings::deserialize(&party.settings).map_err(|error| misfit("url", error.to_string()))?;
        let url = Template::read(&settings.url).map_err(|why| misfit("url", why))?;
        let plain = |why: &str| match settings.url.contains('{') {
            true => Err(misfit("url", format!("may hold no {{…}} where kind is {why}"))),
            false => Ok(()),
        };
        let kind = match settings.kind.as_str() {
            "signed" => {
                url.check_signed().map_err(|why| misfit("url", why))?;
                Kind::Signed(Duration::from_secs(settings.valid_for))
            }
            "ezproxy" => {
                plain("ezproxy")?;
                field::url(&settings.url).map_err(|why| misfit("url", why))?;
                if settings.url.contains('?') {
                    return Err(misfit("url", "is the proxy's own address, without a query".into()));
                }
                let hosts = Hosts::read(&settings.target_hosts).map_err(|why| misfit("target_hosts", why))?;
                let base = settings.url.trim_end_matches('/').trim_end_matches("/login").to_owned();
                Kind::EzProxy(Proxy { base, digest: settings.digest, hosts })
            }
            "referrer" => {
                plain("referrer")?;
                Kind::Referrer(settings.referrer)
            }
            _ => {
                plain("card")?;
                let agreed = |item: &crate::domain::vendor::ReleaseItem| {
                    item.name == Attribute::CardNumber && !item.purpose.trim().is_empty()
                };
                if !vendor.release.iter().any(agreed) {
                    let why = "card lets readers type their number there: declare release card_number with its purpose";
                    return Err(misfit("kind", why.into()));
                }
                Kind::Card
            }
        };
        let words = bands::Words::read(&settings.bands);
        Ok(Party {
            key: party.key.clone(),
            vendor: vendor.id.clone(),
            vendor_name: vendor.name.clone(),
            scopes: vendor.scopes.clone(),
            url,
            bands: words.ok_or_else(|| misfit("bands", "must be three words, youngest readers first".into()))?,
            secret_version: settings.secret_version,
            kind,
        })
    }
}
