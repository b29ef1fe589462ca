//! A vendor's side of a conversation with ourselves.

use std::{
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::watch,
    time::timeout,
};

use super::{Desk, Party, listener};
use crate::{
    domain::check::{Check, Whose},
    protocols::trial::{Guest, Trial, Tried},
    wire::sip2::{
        Charset, Framer, Reply, Request, Trailer,
        patron::Language,
        request::{EndSession, Login, PatronFields, PatronInformation, Secret, Status},
    },
};

const CHECK: &str = "sip2-exchange";
const LISTENER: &str = "sip2-listener";
/// Vendors wait no longer than this.
const PATIENCE: Duration = Duration::from_secs(3);

pub(super) async fn run(trial: Trial<'_>) -> Tried {
    let mut tried = match Party::read(trial.vendor, trial.party) {
        Err(misfit) => return Tried::default().broken(CHECK, misfit.to_string()),
        Ok(party) => match trial.with(CHECK) {
            Err(skipped) => skipped,
            Ok((secret, patron)) => converse(&trial, &party, secret, patron).await,
        },
    };
    tried.checks.push(listening(&trial).await);
    tried
}

/// Whether anybody is there where vendors are told to ask.
async fn listening(trial: &Trial<'_>) -> Check {
    let settings = &trial.signon.app().config.sip2;
    let Some(mut address) = settings.listen.or(settings.tls_listen) else {
        return Check::mend(LISTENER, Whose::Ours, "[sip2] names no address, so nobody can ask");
    };
    if address.port() == 0 {
        return Check::skipped(LISTENER, "it takes any free port, and says at its start which");
    }
    if address.ip().is_unspecified() {
        address.set_ip(IpAddr::V4(Ipv4Addr::LOCALHOST));
    }
    match timeout(PATIENCE, TcpStream::connect(address)).await {
        Ok(Ok(_)) => Check::ok(LISTENER, format!("{address} takes connections")),
        _ => {
            Check::mend(LISTENER, Whose::Ours, format!("nobody takes connections on {address}: is the server running?"))
        }
    }
}

async fn converse(trial: &Trial<'_>, party: &Party, secret: &str, patron: Guest<'_>) -> Tried {
    let from = party.asker.an_address().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let (_stop, stopped) = watch::channel(false);
    let desk = Desk::new(trial.signon.clone());
    let listener = match listener::at(&desk, SocketAddr::from(([127, 0, 0, 1], 0)), from) {
        Ok(listener) => listener,
        Err(why) => return Tried::default().broken(CHECK, why),
    };
    let address = listener.address;
    let standing = tokio::spawn((listener.run)(stopped));
    let mut tried = match Vendor::connect(desk, address, party.charset).await {
        Ok(vendor) => vendor.ask_all(party, secret, patron).await,
        Err(error) => Tried::default().broken(CHECK, error.to_string()),
    };
    standing.abort();
    if tried.checks.is_empty() {
        tried.checks.push(Check::ok(CHECK, "login, status, card with PIN, card without, and end went as they should"));
    }
    tried
}

struct Vendor {
    desk: Desk,
    stream: TcpStream,
    framer: Framer,
    charset: Charset,
    sequence: u8,
    said: Vec<String>,
}

impl Vendor {
    async fn connect(desk: Desk, address: SocketAddr, charset: Charset) -> io::Result<Vendor> {
        let stream = TcpStream::connect(address).await?;
        Ok(Vendor { desk, stream, framer: Framer::new(), charset, sequence: 0, said: Vec::new() })
    }

    async fn ask_all(mut self, party: &Party, secret: &str, patron: Guest<'_>) -> Tried {
        let mut tried = Tried::default();
        if let Err(why) = self.go_through(party, secret, patron).await {
            tried = tried.broken(CHECK, why);
        }
        tried.said = self.said;
        tried
    }

    async fn go_through(&mut self, party: &Party, secret: &str, patron: Guest<'_>) -> Result<(), String> {
        if !party.asker.is_known_by_address() {
            let login = Login {
                user_algorithm: '0',
                password_algorithm: '0',
                user: party.asker.key.clone(),
                password: Secret::new(secret),
                location: party.location.clone(),
            };
            let answer = self.ask(&Request::Login(login), &[secret]).await?;
            expect(answer.fixed == "1", "the login was refused: the secret here is not the one that was applied")?;
        }
        let status = Status { status_code: '0', max_print_width: Some(80), protocol_version: "2.00".into() };
        let answer = self.ask(&Request::Status(status), &[]).await?;
        expect(answer.fixed.starts_with('Y'), "the status says that we are not there")?;

        let fields = |pin: Option<&str>| PatronFields {
            institution: party.institution.clone().unwrap_or_else(|| "LIB".into()),
            card: patron.card.to_owned(),
            terminal_password: None,
            pin: pin.map(Secret::new),
        };
        let answer = self.ask(&information(fields(Some(patron.pin))), &[patron.pin]).await?;
        let good = [answer.field("BL"), answer.field("CQ")];
        match patron.verdict {
            Ok(told) => {
                expect(good == [Some("Y"), Some("Y")], "the test patron's PIN was refused, and policy lets it in")?;
                let kept = party.asker.identifier(patron.card, told);
                expect(answer.field("AA") == Some(kept), "AA is not what the vendor should keep")?;
            }
            Err(reason) => {
                let why = format!("policy refuses the test patron ({}), and the answer is a yes", reason.code());
                expect(good == [Some("N"), Some("N")], &why)?;
            }
        }
        let answer = self.ask(&information(fields(None)), &[]).await?;
        expect(answer.field("CQ") == Some("N"), "without a PIN, CQ is not N")?;
        expect(party.asker.look_up || answer.field("BL") == Some("N"), "a card was looked up, which is not allowed")?;
        let answer = self.ask(&Request::EndSession(EndSession { patron: fields(None) }), &[]).await?;
        expect(answer.fixed.starts_with('Y'), "the session did not end")
    }

    async fn ask(&mut self, request: &Request, secrets: &[&str]) -> Result<Reply, String> {
        let bytes = request.write(self.charset, Trailer::Numbered(self.sequence), &self.desk.date());
        self.sequence = (self.sequence + 1) % 10;
        self.said.push(format!("> {}", masked(&self.charset.decode(&bytes), secrets)));
        let answer = timeout(PATIENCE, async {
            self.stream.write_all(&bytes).await?;
            let mut chunk = [0; 512];
            loop {
                if let Some(line) = self.framer.next_line() {
                    return line.map(<[u8]>::to_vec).map_err(io::Error::other);
                }
                match self.stream.read(&mut chunk).await? {
                    0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                    read => self.framer.push(chunk.get(..read).unwrap_or_default()),
                }
            }
        });
        let line = match answer.await {
            Ok(Ok(line)) => line,
            Ok(Err(_)) => return Err("the connection was hung up on".into()),
            Err(_) => return Err("no answer came within three seconds".into()),
        };
        self.said.push(format!("< {}", masked(&self.charset.decode(&line), secrets)));
        Reply::read(&line, self.charset).map_err(|error| error.to_string())
    }
}

fn information(patron: PatronFields) -> Request {
    let language = Language::ENGLISH;
    Request::PatronInformation(PatronInformation { language, summary: None, patron, start_item: None, end_item: None })
}

fn expect(good: bool, why: &str) -> Result<(), String> {
    if good { Ok(()) } else { Err(why.to_owned()) }
}

/// The checksum goes with what is masked: it would tell of it.
fn masked(line: &str, secrets: &[&str]) -> String {
    let line = line.trim_end();
    let line = line.rfind("AZ").filter(|_| !secrets.is_empty()).map_or(line, |at| line.get(..at).unwrap_or(line));
    secrets.iter().filter(|secret| !secret.is_empty()).fold(line.to_owned(), |line, secret| line.replace(secret, "***"))
}
