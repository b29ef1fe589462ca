//! Asks the library's own system by SIP2 whether a card and a PIN belong together. What a vendor's server asks of us, we
//! ask of it here, and take nothing but a whole yes.

use std::{net::IpAddr, time::Duration};

use rustls::pki_types::ServerName;
use secrecy::ExposeSecret;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    time::timeout,
};

use super::{Outbound, Refused, connect};
use crate::{
    domain::{
        card::CardNumber,
        clock::{TimeZone, Timestamp},
        ils::{Ils, Unproven},
    },
    wire::sip2::{
        Charset, Date, Framer, Reply, Request, Trailer, Zone,
        patron::Language,
        request::{Login, PatronFields, PatronInformation, Secret},
    },
};

/// From the first look-up to the last answer: a patron waits.
const WITHIN: Duration = Duration::from_secs(3);
/// Where the patron status says that the card was reported lost.
const REPORTED_LOST: usize = 4;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

impl Outbound {
    /// Whether `pin` is this library card's. Of neither anything is kept or logged.
    ///
    /// # Errors
    /// Why that is not so, or cannot be known.
    pub async fn ask_ils(
        &self,
        ils: &Ils,
        card: &CardNumber,
        pin: &str,
        now: Timestamp,
        time_zone: &TimeZone,
    ) -> Result<(), Unproven> {
        // No PIN must never count as a right one, whatever the ILS thinks of that.
        if pin.trim().is_empty() {
            return Err(Unproven::WrongPin);
        }
        let (date, [hour, minute, second]) = time_zone.civil(now);
        let date = Date::from_civil(date.year(), date.month(), date.day(), hour, minute, second, Zone::Local);
        self.ask_ils_within(WITHIN, ils, card, pin, date).await
    }

    pub(super) async fn ask_ils_within(
        &self,
        within: Duration,
        ils: &Ils,
        card: &CardNumber,
        pin: &str,
        date: Date,
    ) -> Result<(), Unproven> {
        match timeout(within, self.converse(ils, card, pin, date)).await {
            Ok(outcome) => outcome,
            Err(_) => Err(away(Refused::TimedOut)),
        }
    }

    async fn converse(&self, ils: &Ils, card: &CardNumber, pin: &str, date: Date) -> Result<(), Unproven> {
        let stream = self.reach_ils(ils).await.map_err(|refused| match refused {
            Refused::NotHttps => away("without TLS it may only be in one of private_destinations"),
            other => away(other),
        })?;
        let mut line = Line { stream, framer: Framer::new(), sequence: 0, date };
        if let Some(login) = &ils.login {
            let login = Login {
                user_algorithm: '0',
                password_algorithm: '0',
                user: login.user.clone(),
                password: Secret::new(login.password.expose_secret()),
                location: None,
            };
            let answer = line.ask(&Request::Login(login), *b"94").await?;
            if answer.fixed != "1" {
                return Err(away("it refuses our login: see login and password_file in [ils]"));
            }
        }
        let patron = PatronFields {
            institution: ils.institution.clone(),
            card: card.as_str().to_owned(),
            terminal_password: None,
            pin: Some(Secret::new(pin)),
        };
        let asked =
            PatronInformation { language: Language::UNKNOWN, summary: None, patron, start_item: None, end_item: None };
        judge(&line.ask(&Request::PatronInformation(asked), *b"64").await?, card)
    }

    async fn reach_ils(&self, ils: &Ils) -> Result<Box<dyn Stream>, Refused> {
        let addresses = match ils.host.parse::<IpAddr>() {
            Ok(address) => vec![address],
            Err(_) => (self.resolve)(ils.host.clone()).await.map_err(|_| Refused::UnknownHost)?,
        };
        let stream = connect(&self.allowed(addresses, ils.port, !ils.tls)?).await?;
        if !ils.tls {
            return Ok(Box::new(stream));
        }
        let name = ServerName::try_from(ils.host.clone()).map_err(|error| Refused::Tls(error.to_string()))?;
        Ok(Box::new(self.tls.connect(name, stream).await.map_err(|error| Refused::Tls(error.to_string()))?))
    }
}

/// Many systems leave out what they do not know: what is not said is not so.
fn judge(answer: &Reply, card: &CardNumber) -> Result<(), Unproven> {
    let says = |field| answer.field(field).is_some_and(|value| value.trim() == "Y");
    if !says("BL") {
        return Err(Unproven::UnknownCard);
    }
    if !says("CQ") {
        return Err(Unproven::WrongPin);
    }
    if answer.field("AA").and_then(CardNumber::read).as_ref() != Some(card) {
        return Err(Unproven::AnotherNumber);
    }
    if answer.fixed.as_bytes().get(REPORTED_LOST) == Some(&b'Y') {
        return Err(Unproven::ReportedLost);
    }
    Ok(())
}

struct Line {
    stream: Box<dyn Stream>,
    framer: Framer,
    sequence: u8,
    date: Date,
}

impl Line {
    /// The answer, which must be the one that belongs to the question.
    async fn ask(&mut self, request: &Request, code: [u8; 2]) -> Result<Reply, Unproven> {
        let bytes = request.write(Charset::Utf8, Trailer::Numbered(self.sequence), &self.date);
        self.sequence = (self.sequence + 1) % 10;
        let broken = |_| away("the connection broke off");
        self.stream.write_all(&bytes).await.map_err(broken)?;
        self.stream.flush().await.map_err(broken)?;
        let mut chunk = [0; 512];
        let line = loop {
            if let Some(line) = self.framer.next_line() {
                break line.map_err(away)?;
            }
            match self.stream.read(&mut chunk).await.map_err(broken)? {
                0 => return Err(away("it hung up without an answer")),
                read => self.framer.push(chunk.get(..read).unwrap_or_default()),
            }
        };
        let answer = Reply::read(line, Charset::Utf8).map_err(away)?;
        if answer.code.bytes() == code { Ok(answer) } else { Err(away("it answers something else than it was asked")) }
    }
}

fn away(why: impl std::fmt::Display) -> Unproven {
    Unproven::Away(why.to_string())
}
