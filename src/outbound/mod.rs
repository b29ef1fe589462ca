//! The one place from which the house calls others: https to the public internet, and nowhere else unless the operator
//! named the network; and the library's own system by SIP2, by the same rule (`ils`). What is asked by http and what the
//! answer means is the caller's.
//!
//! A host is resolved once and the connection goes to the address that was judged, so a name cannot change its mind in
//! between. Redirects are not followed, proxies of the environment are not used.

mod composed;
mod destination;
mod ils;
#[cfg(test)]
mod tests;

use std::{
    borrow::Cow,
    future::Future,
    io,
    net::{IpAddr, SocketAddr},
    path::Path,
    pin::Pin,
    sync::Arc,
    time::Duration,
};

use http::{HeaderMap, Method, Request, StatusCode, header};
use http_body_util::{BodyExt, Full};
use hyper::{
    body::{Body, Bytes, Incoming},
    client::conn::http1,
};
use hyper_util::rt::TokioIo;
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::TcpStream,
    task::JoinSet,
    time::timeout,
};
use tokio_rustls::TlsConnector;
use url::{Host, Position, Url};

use crate::domain::network::Network;

/// From the first look-up to the last byte.
pub const WITHIN: Duration = Duration::from_secs(5);
/// Enough for a set of keys or a description of an upstream.
pub const LARGEST: usize = 64 * 1024;
/// All headers of an answer together.
const LARGEST_HEAD: usize = 16 * 1024;

const USER_AGENT: &str = concat!("oneaccess/", env!("CARGO_PKG_VERSION"));

/// Calls others. Cheap to clone.
#[derive(Clone)]
pub struct Outbound {
    private: Arc<[Network]>,
    tls: TlsConnector,
    resolve: Resolve,
}

/// The addresses of a host name.
type Resolve = Arc<dyn Fn(String) -> Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>> + Send + Sync>;

/// An answer with status 200.
#[derive(Debug)]
pub struct Fetched {
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Fetched {
    /// `application/json`: without parameters, in lower case; empty where none is given.
    pub fn media_type(&self) -> String {
        let value = self.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
    }
}

/// Why there is no answer to use.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("this is no http or https URL with a host, without a user name")]
    NotAUrl,
    #[error("plain http is for the networks in private_destinations only")]
    NotHttps,
    #[error("{0} is not a public address, and no network in private_destinations holds it")]
    PrivateDestination(IpAddr),
    #[error("the host's name cannot be resolved")]
    UnknownHost,
    #[error("the host takes no connection")]
    Unreachable,
    #[error("the host's certificate cannot be trusted, or TLS failed: {0}")]
    Tls(String),
    #[error("there was no complete answer in time")]
    TimedOut,
    #[error("the answer is a redirect, which is not followed")]
    Redirected,
    #[error("the answer is larger than is read")]
    TooLarge,
    #[error("the answer is not HTTP, or broke off")]
    Broken,
    #[error("the answer's status is {0}")]
    Status(u16),
}

impl Refused {
    /// Stable: `private-destination`, `status-404`.
    pub fn code(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Refused::NotAUrl => "not-a-url",
            Refused::NotHttps => "not-https",
            Refused::PrivateDestination(_) => "private-destination",
            Refused::UnknownHost => "unknown-host",
            Refused::Unreachable => "unreachable",
            Refused::Tls(_) => "tls",
            Refused::TimedOut => "timed-out",
            Refused::Redirected => "redirected",
            Refused::TooLarge => "too-large",
            Refused::Broken => "broken-answer",
            Refused::Status(status) => return Cow::Owned(format!("status-{status}")),
        })
    }
}

/// Why calling cannot even be prepared.
#[derive(Debug, thiserror::Error)]
pub enum Unprepared {
    #[error("the certificates in {0} cannot be read: {1}")]
    Certificates(String, String),
    #[error(transparent)]
    Tls(#[from] rustls::Error),
}

impl Outbound {
    /// Calls the public internet, and the networks in `private` besides. Certificates are trusted that lead to a public
    /// authority, or to one in the PEM file `authorities`.
    ///
    /// # Errors
    /// Where `authorities` cannot be read.
    pub fn new(private: &[Network], authorities: Option<&Path>) -> Result<Outbound, Unprepared> {
        let public = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        let config = trusting(public, authorities)?;
        Ok(Outbound { private: private.into(), tls: TlsConnector::from(config), resolve: by_the_system() })
    }

    /// What is trusted here, for those who speak something else than HTTP.
    pub fn trust(&self) -> Arc<ClientConfig> {
        self.tls.config().clone()
    }

    /// Trusts the authorities in this PEM file and nobody else.
    ///
    /// # Errors
    /// Where they cannot be read.
    pub fn trusting_only(authorities: &Path) -> Result<Arc<ClientConfig>, Unprepared> {
        trusting(RootCertStore::empty(), Some(authorities))
    }

    /// What a GET of `url` brings, up to `most` bytes of it. The media type is the caller's to judge.
    ///
    /// # Errors
    /// `Refused`, with nothing to use.
    pub async fn get_json(&self, url: &str, most: usize) -> Result<Fetched, Refused> {
        self.get(url, "application/json", most, WITHIN).await
    }

    /// The same of another kind, `within` this time. `accept`: the media types that are understood.
    ///
    /// # Errors
    /// As `get_json`.
    pub async fn get(
        &self,
        url: &str,
        accept: &'static str,
        most: usize,
        within: Duration,
    ) -> Result<Fetched, Refused> {
        let request = Asked { method: Method::GET, accept, form: None };
        let (status, headers, body) = self.call(url, &request, most, within).await?;
        if status != StatusCode::OK {
            return Err(Refused::Status(status.as_u16()));
        }
        Ok(Fetched { headers, body })
    }

    /// Posts a form, `within` this time; the answer's status where it is 2xx. What else the answer says is not read.
    ///
    /// # Errors
    /// `Refused`: nobody there has taken it.
    pub async fn post_form(&self, url: &str, fields: &[(&str, &str)], within: Duration) -> Result<u16, Refused> {
        let form = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
        let request = Asked { method: Method::POST, accept: "*/*", form: Some(form) };
        let (status, ..) = self.call(url, &request, 0, within).await?;
        if !status.is_success() {
            return Err(Refused::Status(status.as_u16()));
        }
        Ok(status.as_u16())
    }

    /// Whether the host of `url` takes a connection, `within` this time. Nothing is asked of it.
    ///
    /// # Errors
    /// `Refused`, where it does not, or may not be called.
    pub async fn reach(&self, url: &Url, within: Duration) -> Result<(), Refused> {
        let reached = async { connect(&self.destination(url).await?).await.map(drop) };
        timeout(within, reached).await.map_err(|_| Refused::TimedOut)?
    }

    async fn call(&self, url: &str, asked: &Asked, most: usize, within: Duration) -> Result<Answer, Refused> {
        let url = Url::parse(url).map_err(|_| Refused::NotAUrl)?;
        timeout(within, self.exchange(&url, asked, most)).await.map_err(|_| Refused::TimedOut)?
    }

    async fn exchange(&self, url: &Url, asked: &Asked, most: usize) -> Result<Answer, Refused> {
        let addresses = self.destination(url).await?;
        let request = asked.request(url)?;
        let stream = connect(&addresses).await?;
        if url.scheme() == "http" {
            return answer(stream, request, most, false).await;
        }
        let stream = self.tls.connect(server_name(url)?, stream).await.map_err(|e| Refused::Tls(e.to_string()))?;
        answer(stream, request, most, false).await
    }

    /// Where the connection may go.
    async fn destination(&self, url: &Url) -> Result<Vec<SocketAddr>, Refused> {
        let named = url.username().is_empty() && url.password().is_none();
        let (true, Some(host), Some(port)) = (named, url.host(), url.port_or_known_default()) else {
            return Err(Refused::NotAUrl);
        };
        let plain = match url.scheme() {
            "https" => false,
            "http" => true,
            _ => return Err(Refused::NotAUrl),
        };
        // Decimal, octal and shortened spellings are addresses to `Url` already.
        let addresses = match host {
            Host::Ipv4(address) => vec![IpAddr::V4(address)],
            Host::Ipv6(address) => vec![IpAddr::V6(address)],
            Host::Domain(name) => (self.resolve)(name.to_owned()).await.map_err(|_| Refused::UnknownHost)?,
        };
        self.allowed(addresses, port, plain)
    }

    /// One address that is not allowed condemns the host: it is either an attack or a mistake that somebody should hear of.
    fn allowed(&self, addresses: Vec<IpAddr>, port: u16, plain: bool) -> Result<Vec<SocketAddr>, Refused> {
        for &address in &addresses {
            let named_by_the_operator = self.private.iter().any(|network| network.contains(address));
            if !named_by_the_operator && !destination::is_public(address) {
                return Err(Refused::PrivateDestination(address));
            }
            if !named_by_the_operator && plain {
                return Err(Refused::NotHttps);
            }
        }
        if addresses.is_empty() {
            return Err(Refused::UnknownHost);
        }
        Ok(addresses.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }
}

fn trusting(mut roots: RootCertStore, authorities: Option<&Path>) -> Result<Arc<ClientConfig>, Unprepared> {
    if let Some(file) = authorities {
        let unreadable =
            |error: &dyn std::fmt::Display| Unprepared::Certificates(file.display().to_string(), error.to_string());
        for certificate in CertificateDer::pem_file_iter(file).map_err(|error| unreadable(&error))? {
            let certificate = certificate.map_err(|error| unreadable(&error))?;
            roots.add(certificate).map_err(|error| unreadable(&error))?;
        }
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(Arc::new(config.with_root_certificates(roots).with_no_client_auth()))
}

fn by_the_system() -> Resolve {
    Arc::new(|host| {
        Box::pin(async move { Ok(tokio::net::lookup_host((host, 0)).await?.map(|found| found.ip()).collect()) })
    })
}

fn server_name(url: &Url) -> Result<ServerName<'static>, Refused> {
    match url.host() {
        Some(Host::Ipv4(address)) => Ok(ServerName::from(IpAddr::V4(address))),
        Some(Host::Ipv6(address)) => Ok(ServerName::from(IpAddr::V6(address))),
        Some(Host::Domain(name)) => {
            ServerName::try_from(name.trim_end_matches('.').to_owned()).map_err(|_| Refused::NotAUrl)
        }
        None => Err(Refused::NotAUrl),
    }
}

async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, Refused> {
    for address in addresses {
        if let Ok(stream) = TcpStream::connect(address).await {
            return Ok(stream);
        }
    }
    Err(Refused::Unreachable)
}

struct Asked {
    method: Method,
    accept: &'static str,
    form: Option<String>,
}

impl Asked {
    /// What every request of ours says of itself.
    fn dress(headers: &mut HeaderMap, url: &Url) -> Result<(), Refused> {
        let host = &url[Position::BeforeHost..Position::AfterPort];
        headers.insert(header::HOST, header::HeaderValue::from_str(host).map_err(|_| Refused::NotAUrl)?);
        headers.insert(header::USER_AGENT, header::HeaderValue::from_static(USER_AGENT));
        headers.insert(header::CONNECTION, header::HeaderValue::from_static("close"));
        Ok(())
    }

    fn request(&self, url: &Url) -> Result<Request<Full<Bytes>>, Refused> {
        let mut request = Request::builder()
            .method(&self.method)
            .uri(&url[Position::BeforePath..Position::AfterQuery])
            .header(header::ACCEPT, self.accept);
        if self.form.is_some() {
            request = request.header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
        }
        let body = self.form.clone().unwrap_or_default();
        let mut request = request.body(Full::from(body)).map_err(|_| Refused::NotAUrl)?;
        Asked::dress(request.headers_mut(), url)?;
        Ok(request)
    }
}

type Answer = (StatusCode, HeaderMap, Bytes);

/// `whatever`: the body is read whatever the status says.
async fn answer<S>(stream: S, request: Request<Full<Bytes>>, most: usize, whatever: bool) -> Result<Answer, Refused>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let handshake = http1::Builder::new().max_buf_size(LARGEST_HEAD).handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|_| Refused::Broken)?;
    // Ends with this call, however it ends.
    let mut driver = JoinSet::new();
    driver.spawn(connection);
    let (head, body) = sender.send_request(request).await.map_err(too_large_or_broken)?.into_parts();
    if head.status.is_redirection() {
        return Err(Refused::Redirected);
    }
    let body = if most > 0 && (whatever || head.status.is_success()) { read(body, most).await? } else { Bytes::new() };
    Ok((head.status, head.headers, body))
}

/// Stops at the first byte too many.
async fn read(mut body: Incoming, most: usize) -> Result<Bytes, Refused> {
    if body.size_hint().lower() > most as u64 {
        return Err(Refused::TooLarge);
    }
    let mut all = Vec::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refused::Broken)?.into_data() else { continue };
        if all.len() + data.len() > most {
            return Err(Refused::TooLarge);
        }
        all.extend_from_slice(&data);
    }
    Ok(all.into())
}

fn too_large_or_broken(error: hyper::Error) -> Refused {
    if error.is_parse_too_large() { Refused::TooLarge } else { Refused::Broken }
}
