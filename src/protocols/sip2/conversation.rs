//! One vendor's connection, message by message: who is there, and what is answered. Sockets are the listener's.

use std::{net::IpAddr, sync::Arc};

use super::{Desk, NAME, Party};
use crate::{
    pages::Locale,
    protocols::answer::text,
    signon::Fault,
    wire::sip2::{
        Charset, Request, Response, Trailer, Unreadable,
        request::{Circulation, Login},
        response::{EndSession, Function, Notices, Status},
    },
};

/// Whoever logs in wrongly so often on one connection is no vendor.
const MOST_WRONG_LOGINS: u8 = 3;
/// Nor is who says so much in a row that is not SIP2.
const MOST_UNREADABLE: u8 = 10;

pub(super) struct Conversation {
    pub(super) desk: Desk,
    pub(super) peer: IpAddr,
    /// Its key; looked up again at each message, since it may be changed or gone.
    party: Option<String>,
    wrong_logins: u8,
    unreadable: u8,
    /// For whoever did not get it.
    last: Vec<u8>,
}

/// What is sent, and whether that is all.
pub(super) struct Said {
    pub bytes: Vec<u8>,
    pub hang_up: bool,
}

impl Conversation {
    pub fn new(desk: Desk, peer: IpAddr) -> Conversation {
        let known = |party: &Party| party.asker.is_known_by_address() && party.asker.may_come_from(peer);
        let party = desk.parties.first(&desk.app().catalogue(), known).map(|party| party.asker.key.clone());
        Conversation { desk, peer, party, wrong_logins: 0, unreadable: 0, last: Vec::new() }
    }

    /// Whether anybody may ask from there.
    pub fn is_welcome(&self) -> bool {
        self.desk.parties.any(&self.desk.app().catalogue(), |party| party.asker.may_come_from(self.peer))
    }

    /// Whether it is known who is there.
    pub fn has_party(&self) -> bool {
        self.party.is_some()
    }

    fn party(&self) -> Option<Arc<Party>> {
        self.desk.parties.find(&self.desk.app().catalogue(), self.party.as_deref()?)
    }

    /// The answer to one line without its end.
    pub async fn answer(&mut self, line: &[u8]) -> Said {
        let party = self.party();
        let charset = party.as_ref().map_or(Charset::Utf8, |party| party.charset);
        let incoming = match Request::read(line, charset) {
            Ok(incoming) => incoming,
            Err(unreadable) => return self.ask_again(charset, unreadable),
        };
        self.unreadable = 0;
        let (response, hang_up) = match (incoming.request, party) {
            (Request::Resend, _) => return self.say_again(charset),
            (Request::Login(login), _) => self.log_in(&login).await,
            (Request::Status(_), party) => (self.status(party.as_deref()), false),
            (_, None) => {
                tracing::warn!(peer = %self.peer, "SIP2: asked without a login; hung up");
                return Said { bytes: Vec::new(), hang_up: true };
            }
            (request, Some(party)) => (self.ask(&party, request).await, false),
        };
        Said { bytes: self.write(charset, incoming.trailer, &response), hang_up }
    }

    async fn ask(&self, party: &Party, request: Request) -> Response {
        match request {
            Request::PatronStatus(asked) => self.patron_status(party, &asked).await,
            Request::PatronInformation(asked) => self.patron_information(party, &asked).await,
            Request::EndSession(asked) => {
                party.asker.note(&self.desk.signon, NAME, "35", "ok", "");
                Response::EndSession(EndSession {
                    ended: true,
                    institution: institution(party, &asked.patron.institution),
                    card: asked.patron.card,
                    notices: Notices::default(),
                })
            }
            Request::Circulation(asked) => self.refuse(party, asked),
            _ => {
                party.asker.note(&self.desk.signon, NAME, "message", "unknown", "a message that SIP2 does not have");
                Response::Resend
            }
        }
    }

    /// Loans are the library system's; whoever asks us is told so in the form that it awaits.
    fn refuse(&self, party: &Party, asked: Circulation) -> Response {
        party.asker.note(&self.desk.signon, NAME, "circulation", "refused", "only card and PIN are checked here");
        let institution = institution(party, &asked.institution);
        Response::refusal(
            Circulation { institution, ..asked },
            text(self.desk.app(), Locale::default(), "sip2-no-loans"),
        )
    }

    /// 93. The answer is in ASCII whatever the charset, and the charset is the vendor's from here on.
    async fn log_in(&mut self, login: &Login) -> (Response, bool) {
        let good = match self.is_good(login).await {
            Ok(good) => good,
            Err(fault) => {
                tracing::error!(%fault, "SIP2: a login cannot be judged");
                false
            }
        };
        self.party = good.then(|| login.user.clone());
        if good {
            return (Response::Login(true), false);
        }
        self.wrong_logins = self.wrong_logins.saturating_add(1);
        (Response::Login(false), self.wrong_logins >= MOST_WRONG_LOGINS)
    }

    async fn is_good(&self, login: &Login) -> Result<bool, Fault> {
        let found = self.desk.parties.find(&self.desk.app().catalogue(), &login.user);
        let Some(party) = found.filter(|party| party.asker.may_come_from(self.peer)) else {
            tracing::warn!(peer = %self.peer, "SIP2: a login that nobody has, or not from there");
            return Ok(false);
        };
        let at_its_place = party.location.as_ref().is_none_or(|place| login.location.as_ref() == Some(place));
        // Some software logs in although nobody gave it a password.
        let proven = || party.asker.is_known_by_address() || party.asker.knows(login.password.reveal());
        let fits = || (login.is_plain() && at_its_place && proven()).then_some(());
        let known = self.desk.signon.try_vendor_secret(self.peer, Some(&login.user), fits).await?.is_some();
        if !known {
            tracing::warn!(peer = %self.peer, login = party.asker.key, "SIP2: a wrong login");
            let hint = match (login.is_plain(), at_its_place) {
                (false, _) => "user name and password must come as plain text (algorithm 0)",
                (_, false) => "the location code (CP) is another one than agreed",
                _ => "the password (CO) is wrong, or there were too many wrong ones from this address in a minute",
            };
            party.asker.note(&self.desk.signon, NAME, "93", "refused", hint);
        } else {
            party.asker.note(&self.desk.signon, NAME, "93", "ok", "");
        }
        Ok(known)
    }

    fn status(&self, party: Option<&Party>) -> Response {
        use Function::{EndPatronSession, Login, PatronInformation, PatronStatusRequest, Resend};
        Response::Status(Status {
            online: true,
            checkin: false,
            checkout: false,
            renewal: false,
            status_update: false,
            offline: false,
            timeout: 50,
            retries: 3,
            institution: party.and_then(|party| party.institution.clone()).unwrap_or_default(),
            library: Some(self.desk.app().config.library.name.clone()),
            supported: [PatronStatusRequest, Function::Status, Resend, Login, PatronInformation, EndPatronSession]
                .into_iter()
                .collect(),
            terminal_location: None,
            notices: Notices::default(),
        })
    }

    fn ask_again(&mut self, charset: Charset, why: Unreadable) -> Said {
        // One line of the log for each connection, whatever comes after.
        if self.unreadable == 0 {
            tracing::warn!(peer = %self.peer, login = self.party.as_deref(), "SIP2: {why}");
        }
        if let Some(party) = self.party() {
            party.asker.note(&self.desk.signon, NAME, "message", "unreadable", &why.to_string());
        }
        self.unreadable = self.unreadable.saturating_add(1);
        let hang_up = self.unreadable >= MOST_UNREADABLE;
        Said { bytes: Response::Resend.write(charset, Trailer::Absent, &self.desk.date()), hang_up }
    }

    fn say_again(&self, charset: Charset) -> Said {
        let nothing_yet = || Response::Resend.write(charset, Trailer::Absent, &self.desk.date());
        let bytes = if self.last.is_empty() { nothing_yet() } else { self.last.clone() };
        Said { bytes, hang_up: false }
    }

    fn write(&mut self, charset: Charset, trailer: Trailer, response: &Response) -> Vec<u8> {
        let bytes = response.write(charset, trailer, &self.desk.date());
        self.last.clone_from(&bytes);
        bytes
    }
}

pub(super) fn institution(party: &Party, sent: &str) -> String {
    party.institution.clone().unwrap_or_else(|| sent.to_owned())
}
