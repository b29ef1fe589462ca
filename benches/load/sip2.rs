//! A vendor's server that asks by SIP2: over a connection that it keeps, over a new one each time, or over thousands that
//! say nothing.

use std::{net::SocketAddr, path::Path, sync::Arc, time::Instant};

use anyhow::{Context, ensure};
use oneaccess::wire::sip2::{
    Charset, Date, Framer, Reply, Request, Trailer, Zone,
    patron::Language,
    request::{EndSession, Login, PatronFields, PatronInformation, Secret},
};
use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use serde::{Deserialize, Serialize};
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::TcpStream,
};
use tokio_rustls::TlsConnector;

use super::{
    drill::Visit,
    meter,
    report::rounded,
    target::{Patron, SERVED, first_line},
};

/// What the demo tells a vendor's server.
pub struct Library {
    pub name: String,
    address: SocketAddr,
    login: Vec<u8>,
    patrons: Vec<Patron>,
    institution: String,
}

#[derive(Deserialize)]
struct Demo {
    sip2: Sip2,
    patrons: std::collections::BTreeMap<String, Patron>,
}

#[derive(Deserialize)]
struct Sip2 {
    address: SocketAddr,
    login: String,
    password: String,
    institution: String,
}

impl Library {
    pub fn of(file: &Path, label: Option<&str>) -> anyhow::Result<Arc<Library>> {
        let demo: Demo = first_line(file)?;
        let login = Login {
            user_algorithm: '0',
            password_algorithm: '0',
            user: demo.sip2.login,
            password: Secret::new(demo.sip2.password),
            location: None,
        };
        let patrons: Vec<Patron> = SERVED.iter().filter_map(|name| demo.patrons.get(*name).cloned()).collect();
        ensure!(!patrons.is_empty(), "nobody to ask about");
        Ok(Arc::new(Library {
            name: label.unwrap_or("oneaccess").to_owned(),
            address: demo.sip2.address,
            login: written(&Request::Login(login)),
            patrons,
            institution: demo.sip2.institution,
        }))
    }

    fn patron(&self, place: usize) -> anyhow::Result<PatronFields> {
        let patron = self.patrons.get(place % self.patrons.len()).context("nobody to ask about")?;
        Ok(PatronFields {
            institution: self.institution.clone(),
            card: patron.card.clone(),
            terminal_password: None,
            pin: Some(Secret::new(patron.pin.clone())),
        })
    }
}

fn written(request: &Request) -> Vec<u8> {
    let now = Date::from_civil(2026, 11, 27, 8, 15, 0, Zone::Local);
    request.write(Charset::Utf8, Trailer::Numbered(1), &now)
}

/// A socket with what has come of the next answer.
struct Conversation<S> {
    stream: S,
    framer: Framer,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Conversation<S> {
    fn over(stream: S) -> Conversation<S> {
        Conversation { stream, framer: Framer::new() }
    }

    async fn ask(&mut self, bytes: &[u8]) -> anyhow::Result<Reply> {
        self.stream.write_all(bytes).await?;
        let mut chunk = [0; 1024];
        loop {
            if let Some(line) = self.framer.next_line() {
                return Ok(Reply::read(line?, Charset::Utf8)?);
            }
            match self.stream.read(&mut chunk).await? {
                0 => anyhow::bail!("hung up on"),
                read => self.framer.push(chunk.get(..read).unwrap_or_default()),
            }
        }
    }

    async fn log_in(&mut self, library: &Library) -> anyhow::Result<()> {
        let answer = self.ask(&library.login).await?;
        ensure!(answer.fixed == "1", "the login was refused");
        Ok(())
    }
}

async fn connect(library: &Library) -> anyhow::Result<Conversation<TcpStream>> {
    let stream = TcpStream::connect(library.address).await?;
    stream.set_nodelay(true)?;
    Ok(Conversation::over(stream))
}

/// Asks about one card again and again.
pub struct Server {
    library: Arc<Library>,
    /// Absent: each question has a connection of its own.
    kept: Option<Conversation<TcpStream>>,
    question: Vec<u8>,
    end: Vec<u8>,
}

impl Server {
    pub async fn arrive(library: Arc<Library>, keeps: bool, place: usize) -> anyhow::Result<Server> {
        let information = PatronInformation {
            language: Language::ENGLISH,
            summary: None,
            patron: library.patron(place)?,
            start_item: None,
            end_item: None,
        };
        let end = written(&Request::EndSession(EndSession { patron: library.patron(place)? }));
        let question = written(&Request::PatronInformation(information));
        let mut server = Server { kept: None, question, end, library };
        if keeps {
            let mut kept = connect(&server.library).await?;
            kept.log_in(&server.library).await?;
            server.kept = Some(kept);
        }
        server.visit().await?;
        Ok(server)
    }
}

impl Visit for Server {
    async fn visit(&mut self) -> anyhow::Result<()> {
        let answer = match &mut self.kept {
            Some(kept) => kept.ask(&self.question).await?,
            None => {
                let mut once = connect(&self.library).await?;
                once.log_in(&self.library).await?;
                let answer = once.ask(&self.question).await?;
                once.ask(&self.end).await?;
                once.stream.shutdown().await?;
                answer
            }
        };
        ensure!([answer.field("BL"), answer.field("CQ")] == [Some("Y"), Some("Y")], "refused: {answer:?}");
        Ok(())
    }

    fn tokens(&self) -> Option<&str> {
        None
    }
}

/// What many connections cost that say nothing.
#[derive(Debug, Serialize)]
pub struct Idle {
    pub connections: usize,
    pub seconds: f64,
    pub before_mib: f64,
    pub rss_mib: f64,
    /// A question of another vendor meanwhile.
    pub question_ms: f64,
}

/// Opens so many connections over TLS, logs in on each, and looks at the server's memory.
pub async fn idle(
    library: Arc<Library>,
    at: SocketAddr,
    authority: &Path,
    connections: usize,
    pids: &[u32],
) -> anyhow::Result<Idle> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(authority)?)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    let connector = TlsConnector::from(Arc::new(config.with_root_certificates(roots).with_no_client_auth()));
    let name = ServerName::try_from("localhost")?;
    let (before, began) = (meter::memory(pids).now, Instant::now());
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        let stream = TcpStream::connect(at).await?;
        let mut conversation = Conversation::over(connector.connect(name.clone(), stream).await?);
        conversation.log_in(&library).await?;
        open.push(conversation);
    }
    let seconds = began.elapsed().as_secs_f64();
    let mut other = Server::arrive(library, true, 0).await?;
    let asked = Instant::now();
    other.visit().await?;
    let question_ms = rounded(asked.elapsed().as_secs_f64() * 1000.0);
    let rss_mib = rounded(meter::memory(pids).now);
    ensure!(open.len() == connections, "some went away");
    Ok(Idle { connections, seconds: rounded(seconds), before_mib: rounded(before), rss_mib, question_ms })
}
