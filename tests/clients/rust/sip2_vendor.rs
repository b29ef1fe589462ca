//! A vendor in Rust, with the crate `sip2`: what `docs/integrate/sip2.md` shows. It blocks: give it a thread.

// docs:begin connect
use anyhow::{Context, Result, bail, ensure};
use sip2::{Connection, Message, spec, util};

/// One connection, for many questions, one after another.
pub struct Library {
    connection: Connection,
    institution: String,
}

impl Library {
    /// `address`: where your end of the tunnel listens (stunnel, a VPN), as the crate speaks no TLS itself.
    pub fn open(address: &str, login: &str, password: &str, institution: &str) -> Result<Library> {
        let mut library = Library { connection: Connection::new(address)?, institution: institution.to_owned() };
        let fields = [(spec::F_LOGIN_UID.code, login), (spec::F_LOGIN_PWD.code, password)];
        let answer = library.ask(&Message::from_values(spec::M_LOGIN.code, &["0", "0"], &fields)?)?;
        let good = answer.fixed_fields().first().is_some_and(|ok| ok.value() == "1");
        ensure!(good, "the library does not know this login, or not from this address");
        Ok(library)
    }

    pub fn ask(&mut self, message: &Message) -> Result<Message> {
        self.connection.send_with_timeout(message, 10)?;
        self.connection.recv_with_timeout(10)?.context("no answer in ten seconds")
    }
}
// docs:end

// docs:begin check
impl Library {
    /// All that the library says: 63, answered by 64. Without a PIN, a card is only looked up.
    pub fn information(&mut self, card: &str, pin: Option<&str>, language: &str) -> Result<Message> {
        let fixed = [language, &util::sip_date_now(), "          "];
        let fields = [(spec::F_INSTITUTION_ID.code, &*self.institution), (spec::F_PATRON_ID.code, card)];
        let mut asked = Message::from_values(spec::M_PATRON_INFO.code, &fixed, &fields)?;
        asked.maybe_add_field(spec::F_PATRON_PWD.code, pin);
        self.ask(&asked)
    }

    /// Who reads with this card and PIN: key your records on it. The error is a sentence for her screen.
    pub fn reader(&mut self, card: &str, pin: &str) -> Result<String> {
        let answer = self.information(card, Some(pin), "001")?;
        let field = |code| answer.get_field_value(code).unwrap_or_default();
        if (field(spec::F_VALID_PATRON.code), field(spec::F_VALID_PATRON_PWD.code)) != ("Y", "Y") {
            bail!("{}", field(spec::F_SCREEN_MSG.code));
        }
        Ok(field(spec::F_PATRON_ID.code).to_owned())
    }
}
// docs:end

// What follows is the test's.

use serde_json::{Value, json};

impl Library {
    /// What `tests/actors/sip2_vendor.rs` says, without the connection.
    pub fn answer(&mut self, wish: &Value) -> Result<Value> {
        let (kind, asked) = wish.as_object().and_then(|wish| wish.iter().next()).context("no wish")?;
        let (card, pin) = (asked["card"].as_str().unwrap_or_default(), asked["pin"].as_str());
        let who = [(spec::F_INSTITUTION_ID.code, &*self.institution), (spec::F_PATRON_ID.code, card)];
        let now = util::sip_date_now();
        let message = match &**kind {
            "connect" => Message::from_ff_values(spec::M_SC_STATUS.code, &["0", "080", "2.00"])?,
            "reader" => return Ok(json!({ "reader": self.reader(card, pin.unwrap_or_default())? })),
            "information" => {
                return Ok(seen(&self.information(card, pin, asked["language"].as_str().unwrap_or("001"))?));
            }
            "status" => {
                let mut asked = Message::from_values(spec::M_PATRON_STATUS.code, &["001", &now], &who)?;
                asked.maybe_add_field(spec::F_PATRON_PWD.code, pin);
                asked
            }
            _ => Message::from_values(spec::M_END_PATRON_SESSION.code, &[&now], &who)?,
        };
        Ok(seen(&self.ask(&message)?))
    }
}

/// Fields under their identifiers, the fixed part under the crate's labels, written as Python's names are.
fn seen(answer: &Message) -> Value {
    let fixed = answer.fixed_fields().iter().map(|field| (field.spec().label.replace(' ', "_"), field.value()));
    let fields = answer.fields().iter().map(|field| (field.code().to_owned(), field.value()));
    let told = fixed.chain(fields).filter(|(_, value)| !value.is_empty()).map(|(name, value)| (name, json!(value)));
    let mut said: serde_json::Map<String, Value> = told.collect();
    said.insert("code".into(), json!(answer.spec().code));
    Value::Object(said)
}
