//! A vendor's server that asks by SIP2, byte by byte as the standard says, with error detection.

use std::{net::SocketAddr, sync::Arc, time::Duration};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, pem::PemObject},
};
use serde_json::Value;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{Identity, Library, parts::free_port};

const PATIENCE: Duration = Duration::from_secs(30);
/// Four blanks where the time zone stands.
const DATE: &str = "20261127    081500";

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

pub struct Sip2 {
    stream: Box<dyn Stream>,
    institution: String,
    sequence: u8,
}

/// One answer, without its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message(pub String);

impl Message {
    pub fn code(&self) -> &str {
        &self.0[..2]
    }

    /// The first field of this name, behind the fixed part.
    pub fn field(&self, name: &str) -> Option<&str> {
        let fixed = match self.code() {
            "64" => 61,
            "24" | "26" => 37,
            "98" => 36,
            "36" | "38" | "20" => 21,
            "12" | "10" | "30" => 24,
            "16" => 22,
            "18" => 26,
            "66" => 29,
            _ => 2,
        };
        self.0.get(fixed..)?.split('|').find_map(|field| field.strip_prefix(name))
    }

    /// The fourteen places of the patron status.
    pub fn status(&self) -> &str {
        &self.0[2..16]
    }

    /// Valid card, right PIN.
    pub fn verdict(&self) -> (Option<&str>, Option<&str>) {
        (self.field("BL"), self.field("CQ"))
    }

    /// The reason's code, at the end of the screen message.
    pub fn reason(&self) -> Option<&str> {
        self.field("AF")?.rsplit_once('(')?.1.strip_suffix(')')
    }

    /// The answer to who asks with other sequence numbers.
    pub fn without_trailer(&self) -> &str {
        self.0.rsplit_once("AY").map_or(&self.0, |(message, _)| message)
    }
}

impl Sip2 {
    pub async fn connect(address: SocketAddr) -> Sip2 {
        Sip2::over(TcpStream::connect(address).await.unwrap())
    }

    pub fn over(stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) -> Sip2 {
        Sip2 { stream: Box::new(stream), institution: "LIB".into(), sequence: 0 }
    }

    /// Logged in as the demo's vendor.
    pub async fn of(library: &Library) -> Sip2 {
        let mut sip2 = Sip2::connect(address_of(library)).await;
        let of = |key: &str| library.welcome["sip2"][key].as_str().unwrap().to_owned();
        sip2.institution = of("institution");
        assert_eq!(sip2.log_in(&of("login"), &of("password")).await, "941");
        sip2
    }

    pub async fn log_in(&mut self, login: &str, password: &str) -> String {
        let answer = self.ask(&format!("9300CN{login}|CO{password}|")).await;
        answer.without_trailer().to_owned()
    }

    /// 63; no PIN: no AD.
    pub async fn information(&mut self, card: &str, pin: Option<&str>) -> Message {
        let pin = pin.map(|pin| format!("AD{pin}|")).unwrap_or_default();
        self.ask(&format!("63001{DATE}          AO{}|AA{card}|AC|{pin}", self.institution.clone())).await
    }

    /// 23.
    pub async fn status(&mut self, card: &str, pin: Option<&str>) -> Message {
        let pin = pin.map(|pin| format!("AD{pin}|")).unwrap_or_default();
        self.ask(&format!("23001{DATE}AO{}|AA{card}|AC|{pin}", self.institution.clone())).await
    }

    /// 35.
    pub async fn end(&mut self, card: &str) -> Message {
        self.ask(&format!("35{DATE}AO{}|AA{card}|", self.institution.clone())).await
    }

    /// A message of the caller's with a trailer, and its answer, whose trailer must be right and carry the same number.
    pub async fn ask(&mut self, message: &str) -> Message {
        let sequence = self.sequence;
        self.sequence = (sequence + 1) % 10;
        self.send(format!("{}\r", with_trailer(message, sequence)).as_bytes()).await;
        let answer = self.answer().await.expect("an answer");
        let right = with_trailer(answer.without_trailer(), sequence);
        assert_eq!(answer.0, right, "to {}", &message[..2]);
        answer
    }

    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.unwrap();
        self.stream.flush().await.unwrap();
    }

    /// The next answer; `None` where the library has hung up.
    pub async fn answer(&mut self) -> Option<Message> {
        let bytes = self.answer_bytes().await?;
        Some(Message(String::from_utf8(bytes).expect("UTF-8")))
    }

    pub async fn answer_bytes(&mut self) -> Option<Vec<u8>> {
        let mut bytes = Vec::new();
        loop {
            let read = timeout(PATIENCE, self.stream.read_u8()).await.expect("an answer in time");
            match read {
                Ok(b'\r') => return Some(bytes),
                Ok(byte) => bytes.push(byte),
                Err(_) => return None,
            }
        }
    }
}

/// Where a founded library answers vendors' servers.
pub struct Doors {
    pub plain: SocketAddr,
    pub tls: SocketAddr,
    /// The certificate's, for `127.0.0.1`.
    pub identity: Identity,
}

impl Doors {
    /// Opens them with further lines of `[sip2]`, lets the vendor `shelf` in with this password, and starts the server
    /// anew.
    pub fn open(library: &mut Library, password: &str, lines: &str) -> Doors {
        let address = || SocketAddr::from(([127, 0, 0, 1], free_port()));
        let doors = Doors { plain: address(), tls: address(), identity: Identity::new("127.0.0.1") };
        let sip2 = format!(
            "[sip2]\nlisten = \"{}\"\ntls_listen = \"{}\"\ncertificate = {:?}\nkey = {:?}\n{lines}\n[library]",
            doors.plain, doors.tls, doors.identity.certificate, doors.identity.key,
        );
        let vendor = format!("[[vendor.sip2]]\nlogin = \"shelf\"\npassword = \"{password}\"\n");
        let text = std::fs::read_to_string(&library.config).unwrap().replacen("[library]", &sip2, 1);
        std::fs::write(&library.config, format!("{text}\n{vendor}")).unwrap();
        library.restart();
        doors
    }

    /// Through the door with TLS, trusting its certificate alone.
    pub async fn secure(&self) -> Sip2 {
        self.try_secure().await.expect("its certificate is the one of the file")
    }

    /// The same, where its certificate may be another one.
    pub async fn try_secure(&self) -> Option<Sip2> {
        let mut trusted = RootCertStore::empty();
        trusted.add(CertificateDer::from_pem_file(&self.identity.certificate).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(trusted)
            .with_no_client_auth();
        let stream = TcpStream::connect(self.tls).await.unwrap();
        let shaken = TlsConnector::from(Arc::new(config)).connect(self.tls.ip().into(), stream);
        timeout(PATIENCE, shaken).await.expect("TLS in time").ok().map(Sip2::over)
    }
}

pub fn address_of(library: &Library) -> SocketAddr {
    match &library.welcome["sip2"]["address"] {
        Value::String(address) => address.parse().unwrap(),
        other => panic!("no SIP2 in the demo: {other}"),
    }
}

/// `AYnAZhhhh`: the two's complement of the sum of all bytes before it.
pub fn with_trailer(message: &str, sequence: u8) -> String {
    let head = format!("{message}AY{sequence}AZ");
    let sum: u32 = head.bytes().map(u32::from).sum();
    format!("{head}{:04X}", 0x1_0000 - (sum & 0xffff))
}
