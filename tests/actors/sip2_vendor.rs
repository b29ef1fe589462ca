//! Vendors that ask by SIP2 with stock client libraries, whose programs are in `tests/clients/` and on the page
//! `docs/integrate/sip2.md`.
//!
//! Python's runs beside the test and learns from `LIBRARY_…` variables whom to ask; Rust's has a thread of the test.
//!
//! | To the vendor | From the vendor |
//! |---|---|
//! | `{"connect": true}`: connect, log in, ask for the status | the 98 |
//! | `{"information": {"card", "pin", "language"}}` | the 64 |
//! | `{"reader": {"card", "pin"}}`: as the page shows it | `{"reader": NAME}` |
//! | `{"status": {"card", "pin"}}` | the 24 |
//! | `{"end": {"card"}}` | the 36 |
//! | anything that it refuses | `{"error": WHY}`, and it goes on |
//!
//! Of a message: `code`, each field that is there under its two letters, and the fixed part under its names.

use std::{
    path::Path,
    sync::{Arc, Mutex},
};

use serde_json::{Value, json};

use super::{
    beside::{Beside, Program},
    library::Library,
    rust_sip2_vendor as rust,
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sip2Peer {
    /// Python's pysip2: strict about form, with error detection.
    Pysip2,
    /// Rust's sip2, without.
    Sip2,
}

impl Sip2Peer {
    pub const ALL: [Sip2Peer; 2] = [Sip2Peer::Pysip2, Sip2Peer::Sip2];
}

/// What the library's staff gave a vendor.
#[derive(Debug, Clone)]
pub struct Account {
    pub address: String,
    pub login: String,
    pub password: String,
    pub institution: String,
}

impl Account {
    /// The demo's vendor's.
    pub fn of(library: &Library) -> Account {
        let of = |key: &str| library.welcome["sip2"][key].as_str().unwrap().to_owned();
        Account { address: of("address"), login: of("login"), password: of("password"), institution: of("institution") }
    }
}

pub struct Sip2Vendor {
    account: Account,
    line: Line,
}

enum Line {
    Beside(Beside),
    Here(Arc<Mutex<Option<rust::Library>>>),
}

/// What a vendor understood of an answer.
#[derive(Debug)]
pub struct Understood(Value);

impl Understood {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.0[name].as_str()
    }

    /// Valid card, right PIN.
    pub fn verdict(&self) -> (Option<&str>, Option<&str>) {
        (self.field("BL"), self.field("CQ"))
    }

    /// The reason's code, at the end of the screen message.
    pub fn reason(&self) -> Option<&str> {
        self.field("AF")?.rsplit_once('(')?.1.strip_suffix(')')
    }
}

impl Sip2Vendor {
    /// Over plain TCP. `None` where its toolchain is absent, which is then a named skip.
    pub fn start(peer: Sip2Peer, account: Account) -> Option<Sip2Vendor> {
        match peer {
            Sip2Peer::Pysip2 => Sip2Vendor::pysip2(account, ("LIBRARY_SIP2_PLAIN", "1")),
            Sip2Peer::Sip2 => Some(Sip2Vendor { account, line: Line::Here(Arc::default()) }),
        }
    }

    /// Python's over TLS, trusting this certificate.
    pub fn over_tls(account: Account, trusted: &Path) -> Option<Sip2Vendor> {
        Sip2Vendor::pysip2(account, ("LIBRARY_SIP2_CA", &trusted.to_string_lossy()))
    }

    fn pysip2(account: Account, how: (&str, &str)) -> Option<Sip2Vendor> {
        let program = Program::python("pysip2_vendor", "the SIP2 client of Python")?;
        let env = [
            ("LIBRARY_SIP2", &*account.address),
            ("LIBRARY_SIP2_LOGIN", &account.login),
            ("LIBRARY_SIP2_PASSWORD", &account.password),
            ("LIBRARY_INSTITUTION", &account.institution),
            how,
        ];
        let line = Line::Beside(Beside::start("pysip2".into(), program, &env));
        Some(Sip2Vendor { account, line })
    }

    /// Connects, logs in and asks whether the library is there: its 98.
    pub async fn connect(&mut self) -> Result<Understood, String> {
        self.ask(json!({ "connect": true })).await
    }

    /// 63; no PIN: no AD.
    pub async fn information(&mut self, card: &str, pin: Option<&str>) -> Result<Understood, String> {
        self.ask(json!({ "information": { "card": card, "pin": pin } })).await
    }

    /// The same in another language, by its number.
    pub async fn information_in(&mut self, language: &str, card: &str, pin: &str) -> Result<Understood, String> {
        self.ask(json!({ "information": { "card": card, "pin": pin, "language": language } })).await
    }

    /// 23.
    pub async fn status(&mut self, card: &str, pin: Option<&str>) -> Result<Understood, String> {
        self.ask(json!({ "status": { "card": card, "pin": pin } })).await
    }

    /// 35.
    pub async fn end(&mut self, card: &str) -> Result<Understood, String> {
        self.ask(json!({ "end": { "card": card } })).await
    }

    /// What the page lets an engineer write: the name to keep a reader under.
    pub async fn reader(&mut self, card: &str, pin: &str) -> Result<String, String> {
        let said = self.ask(json!({ "reader": { "card": card, "pin": pin } })).await?;
        Ok(said.field("reader").unwrap().to_owned())
    }

    async fn ask(&mut self, wish: Value) -> Result<Understood, String> {
        match &mut self.line {
            Line::Beside(program) => program.ask(&wish).map(Understood),
            Line::Here(line) => {
                let (line, account) = (line.clone(), self.account.clone());
                let asked = tokio::task::spawn_blocking(move || {
                    let mut line = line.lock().unwrap();
                    if wish.get("connect").is_some() {
                        let Account { address, login, password, institution } = &account;
                        *line = Some(rust::Library::open(address, login, password, institution)?);
                    }
                    line.as_mut().expect("a connection").answer(&wish)
                });
                asked.await.unwrap().map(Understood).map_err(|why| format!("sip2: {why:#}"))
            }
        }
    }
}
