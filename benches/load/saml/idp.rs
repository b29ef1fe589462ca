//! The identity provider that is measured: read from what it printed when it was ready, completed by its metadata.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use anyhow::{Context, ensure};
use oneaccess::wire::{
    certificate,
    dsig::PublicKey,
    saml::binding,
    xml::{self, namespace::METADATA, namespace::SIGNATURE},
};
use serde::Deserialize;
use url::{Position, Url};

use super::super::{
    connection::Connection,
    target::{Patron, SERVED, first_line},
};

pub struct Idp {
    pub name: String,
    pub address: SocketAddr,
    pub host: String,
    /// Where requests go by HTTP-Redirect: the whole address, as it stands in Destination.
    pub destination: String,
    /// The same as a path.
    pub sso: String,
    pub keys: Vec<PublicKey>,
    pub patrons: Vec<Patron>,
    pub form: Names,
}

/// What its sign-in form and the fields in it are called.
#[derive(Deserialize)]
pub struct Names {
    pub id: String,
    pub card: String,
    pub pin: String,
}

#[derive(Deserialize)]
struct Demo {
    issuer: String,
    patrons: BTreeMap<String, Patron>,
}

#[derive(Deserialize)]
struct Peer {
    name: String,
    metadata: String,
    form: Names,
    patrons: BTreeMap<String, Patron>,
}

impl Idp {
    /// The first line of `oneaccess demo --json`.
    pub async fn oneaccess(file: &Path, label: Option<&str>) -> anyhow::Result<Idp> {
        let demo: Demo = first_line(file)?;
        let patrons = SERVED.iter().filter_map(|name| demo.patrons.get(*name).cloned()).collect();
        let form = Names { id: "sign-in".into(), card: "card".into(), pin: "pin".into() };
        Idp::learn(label.unwrap_or("oneaccess"), &format!("{}/saml/metadata", demo.issuer), form, patrons).await
    }

    /// The line that `benches/peers/simplesamlphp` prints.
    pub async fn peer(file: &Path, label: Option<&str>) -> anyhow::Result<Idp> {
        let peer: Peer = first_line(file)?;
        let patrons = peer.patrons.into_values().collect();
        Idp::learn(label.unwrap_or(&peer.name), &peer.metadata, peer.form, patrons).await
    }

    async fn learn(name: &str, metadata: &str, form: Names, patrons: Vec<Patron>) -> anyhow::Result<Idp> {
        let url: Url = metadata.parse().context("metadata")?;
        ensure!(url.scheme() == "http", "only plain http on loopback is measured");
        ensure!(!patrons.is_empty(), "nobody to sign in as");
        let host = url.host_str().context("metadata without a host")?;
        let port = url.port_or_known_default().context("metadata without a port")?;
        let address = tokio::net::lookup_host((host, port)).await?.next().context("metadata has no address")?;
        let host = format!("{host}:{port}");
        let mut connection = Connection::new(address, &host);
        let answer = connection.get(url.path(), &[]).await.context("metadata")?;
        ensure!(answer.status == 200, "metadata answered {}", answer.status);
        let (destination, keys) = read(std::str::from_utf8(&answer.body).context("metadata")?)?;
        let at: Url = destination.parse().context("SingleSignOnService")?;
        ensure!(at.origin() == url.origin(), "{at} is not where its metadata is");
        let sso = at[Position::BeforePath..Position::AfterQuery].to_owned();
        Ok(Idp { name: name.to_owned(), address, host, destination, sso, keys, patrons, form })
    }
}

/// Where requests go by HTTP-Redirect, and the keys that sign.
fn read(metadata: &str) -> anyhow::Result<(String, Vec<PublicKey>)> {
    let document = xml::parse(metadata, &xml::METADATA)?;
    let all = |name| document.descendants().filter(move |node| xml::is(*node, METADATA, name));
    let by_redirect =
        all("SingleSignOnService").find(|node| xml::attribute(*node, "Binding") == Some(binding::REDIRECT));
    let location = by_redirect.and_then(|node| xml::attribute(node, "Location")).context("no SingleSignOnService")?;
    let mut keys = Vec::new();
    for key in all("KeyDescriptor").filter(|node| xml::attribute(*node, "use") != Some("encryption")) {
        let certificate = key.descendants().find(|node| xml::is(*node, SIGNATURE, "X509Certificate"));
        let base64 = xml::text(certificate.context("a key without a certificate")?)?;
        let base64: String = base64.split_ascii_whitespace().collect();
        let der = certificate::from_base64(&base64).context("a certificate that is no base64")?;
        keys.push(PublicKey::from_certificate(&der)?);
    }
    ensure!(!keys.is_empty(), "metadata without a key");
    Ok((location.to_owned(), keys))
}
