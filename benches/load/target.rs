//! Whom we measure: read from what the server printed when it was ready, completed by its discovery document.

use std::{collections::BTreeMap, net::SocketAddr, path::Path};

use anyhow::{Context, bail, ensure};
use base64::{Engine, engine::general_purpose::STANDARD};
use serde::Deserialize;
use url::Url;

use super::{connection::Connection, form::encode};

/// Of the demo's people, those whom the demo's vendor serves and whose PIN is chosen already.
pub const SERVED: [&str; 5] =
    ["district_grade_7", "district_grade_2", "charter_grade_8", "district_teacher", "charter_teacher"];
const SCOPE: &str = "openid library.ebooks";

pub struct Target {
    pub name: String,
    pub address: SocketAddr,
    pub host: String,
    pub client_id: String,
    pub redirect_uri: String,
    /// The whole header line that authenticates the client (`client_secret_basic`).
    pub authorization: String,
    pub patrons: Vec<Patron>,
    /// Where somebody without a session is led to the sign-in page.
    pub front: &'static str,
    pub discovery: String,
    pub jwks: String,
    /// The authorization request but for what each click makes anew.
    pub authorize: String,
    pub token: String,
    pub userinfo: String,
    /// Absent where the target has none.
    pub introspection: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Patron {
    pub card: String,
    pub pin: String,
}

impl Target {
    /// The first line of `oneaccess demo --json`.
    pub async fn oneaccess(file: &Path, label: Option<&str>) -> anyhow::Result<Target> {
        let mut demo: Described = first_line(file)?;
        let client = demo.relying_parties.remove("oidc").context("the demo has no relying party `oidc`")?;
        let patrons = SERVED.iter().filter_map(|name| demo.patrons.get(*name).cloned()).collect();
        Target::learn(label.unwrap_or("oneaccess"), &demo.issuer, client, patrons).await
    }

    /// The line that `benches/peers/oidc-provider` prints.
    pub async fn peer(file: &Path, label: Option<&str>) -> anyhow::Result<Target> {
        let described: Described = first_line(file)?;
        let client: Client = first_line(file)?;
        let patrons = described.patrons.into_values().collect();
        Target::learn(label.unwrap_or("oidc-provider"), &described.issuer, client, patrons).await
    }

    async fn learn(name: &str, issuer: &str, client: Client, patrons: Vec<Patron>) -> anyhow::Result<Target> {
        let issuer: Url = issuer.parse().context("issuer")?;
        ensure!(issuer.scheme() == "http", "only plain http on loopback is measured");
        ensure!(!patrons.is_empty(), "nobody to sign in as");
        let host = issuer.host_str().context("issuer without a host")?;
        let port = issuer.port_or_known_default().context("issuer without a port")?;
        let address = tokio::net::lookup_host((host, port)).await?.next().context("issuer has no address")?;
        let host = format!("{host}:{port}");
        let discovery = format!("{}/.well-known/openid-configuration", issuer.path().trim_end_matches('/'));

        let mut connection = Connection::new(address, &host);
        let answer = connection.get(&discovery, &[]).await.context("discovery")?;
        ensure!(answer.status == 200, "discovery answered {}", answer.status);
        let document: Discovery = serde_json::from_slice(&answer.body).context("discovery document")?;
        let here = |url: &Url| -> anyhow::Result<String> {
            ensure!(url.origin() == issuer.origin(), "{url} is not on the issuer's origin");
            Ok(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
        };
        let request = encode([
            ("response_type", "code"),
            ("client_id", &client.client_id),
            ("redirect_uri", &client.redirect_uri),
            ("scope", client.scope.as_deref().unwrap_or(SCOPE)),
            ("code_challenge_method", "S256"),
        ]);
        Ok(Target {
            name: name.to_owned(),
            address,
            host,
            authorization: basic(&client)?,
            client_id: client.client_id,
            redirect_uri: client.redirect_uri,
            patrons,
            front: "/",
            discovery,
            jwks: here(&document.jwks_uri)?,
            authorize: format!("{}?{request}", here(&document.authorization_endpoint)?),
            token: here(&document.token_endpoint)?,
            userinfo: here(&document.userinfo_endpoint)?,
            introspection: document.introspection_endpoint.as_ref().map(here).transpose()?,
        })
    }
}

/// RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
fn basic(client: &Client) -> anyhow::Result<String> {
    if client.token_endpoint_auth_method != "client_secret_basic" {
        bail!("the client authenticates by {}", client.token_endpoint_auth_method);
    }
    let half = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let pair = format!("{}:{}", half(&client.client_id), half(&client.client_secret));
    Ok(format!("Authorization: Basic {}", STANDARD.encode(pair)))
}

pub fn first_line<T: for<'a> Deserialize<'a>>(file: &Path) -> anyhow::Result<T> {
    let text = std::fs::read_to_string(file).with_context(|| file.display().to_string())?;
    serde_json::from_str(text.lines().next().unwrap_or_default()).with_context(|| file.display().to_string())
}

#[derive(Deserialize)]
struct Described {
    issuer: String,
    patrons: BTreeMap<String, Patron>,
    #[serde(default)]
    relying_parties: BTreeMap<String, Client>,
}

#[derive(Deserialize)]
struct Client {
    client_id: String,
    #[serde(default)]
    client_secret: String,
    token_endpoint_auth_method: String,
    redirect_uri: String,
    scope: Option<String>,
}

#[derive(Deserialize)]
struct Discovery {
    authorization_endpoint: Url,
    token_endpoint: Url,
    userinfo_endpoint: Url,
    introspection_endpoint: Option<Url>,
    jwks_uri: Url,
}
