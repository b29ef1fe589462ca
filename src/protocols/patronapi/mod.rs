//! Innovative's PATRONAPI, as vendors ask it of a library's system: is this card there (`dump`), and is this its PIN
//! (`pintest`)? Its clients can send no key but the address itself, so the vendor's secret stands in the path, and paths
//! of requests are written nowhere.

mod record;
mod settings;
mod trial;

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, Path, State},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;

use self::record::{Answer, Record};
use super::{
    Misfit, Part, Protocol, Rehearsed, Stage, Voucher,
    answer::{no_store, page, patient, report},
    asker::{self, Asker, Askers},
    bands,
    trial::{Trial, Trying},
};
use crate::{
    domain::{
        clock::{TimeZone, Timestamp},
        field::Field,
        reason::Reason,
        vendor::{RelyingParty, Vendor},
    },
    keyring::KeyRing,
    signon::{Fault, SignOn, Told, visitor::Visitor},
};

/// The name that relying parties are kept under.
const NAME: &str = "patronapi";

pub struct PatronApi;

impl Protocol for PatronApi {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> &'static [Field] {
        settings::FIELDS
    }

    fn check(&self, vendor: &Vendor, party: &RelyingParty) -> Result<(), Misfit> {
        Party::read(vendor, party).map(drop)
    }

    fn try_out<'a>(&'a self, trial: Trial<'a>) -> Option<Trying<'a>> {
        Some(Box::pin(trial::run(trial)))
    }

    fn routes(&self, signon: SignOn) -> Router {
        let desk = askers(&signon);
        Router::new()
            .route("/f/{secret}/PATRONAPI/{card}/dump", get(dump).post(dump))
            .route("/f/{secret}/PATRONAPI/{card}/{pin}/pintest", get(pin_test).post(pin_test))
            .with_state(desk)
    }

    fn weaknesses(&self, _vendor: &Vendor, party: &RelyingParty, _now: Timestamp) -> Vec<&'static str> {
        std::iter::once("secret-in-address").chain(asker::weaknesses(party)).collect()
    }

    fn entrance(&self, issuer: &str, _keyring: &KeyRing, _vendor: &Vendor, _party: &RelyingParty) -> Option<String> {
        Some(format!("{issuer}/f/SECRET/PATRONAPI/"))
    }

    fn voucher(&self, signon: &SignOn) -> Option<Box<dyn Voucher>> {
        Some(Box::new(askers(signon)))
    }

    fn rehearse(&self, stage: &Stage<'_>, vendor: &Vendor, party: &RelyingParty) -> Option<Rehearsed> {
        let party = Party::read(vendor, party).ok()?;
        let record = party.record("(the card as sent)", stage.told, stage.time_zone);
        let why = [
            "patron_identifier says whether it is the vendor's pseudonym or the card as sent",
            "the audience band, in the words of patron_types",
            "the last day of what the reader's agreements grant",
            "not blocked: who is, is not found",
        ];
        let parts = record.fields().into_iter().zip(why).map(|((name, value), why)| Part {
            name: name.to_owned(),
            values: vec![value],
            why: why.to_owned(),
        });
        Some(Rehearsed {
            protocol: NAME,
            relying_party: party.asker.key.clone(),
            text: Answer::Record(record).text(),
            parts: parts.collect(),
            withheld: Vec::new(),
        })
    }
}

struct Party {
    asker: Asker,
    patron_types: bands::Words,
}

#[derive(Deserialize)]
struct Settings {
    #[serde(default = "usual")]
    patron_types: String,
}

fn usual() -> String {
    "1 2 3".to_owned()
}

impl Party {
    fn read(vendor: &Vendor, party: &RelyingParty) -> Result<Party, Misfit> {
        let misfit = |why: String| Misfit { field: "patron_types", why };
        let asker = Asker::read(vendor, party, "secret_sha256")?;
        let settings = Settings::deserialize(&party.settings).map_err(|error| misfit(error.to_string()))?;
        let words = bands::Words::read(&settings.patron_types);
        Ok(Party {
            asker,
            patron_types: words.ok_or_else(|| misfit("must be three words, youngest readers first".into()))?,
        })
    }

    fn record(&self, sent: &str, told: &Told, time_zone: &TimeZone) -> Record {
        Record {
            barcode: self.asker.identifier(sent, told).to_owned(),
            patron_type: self.patron_types.of(told.release.audience_band).to_owned(),
            until: time_zone.date(Timestamp(told.until.millis().saturating_sub(1))),
        }
    }
}

type Desk = Askers<Party>;

fn askers(signon: &SignOn) -> Desk {
    Askers::new(signon, NAME, Party::read, |party| &party.asker)
}

type Peer = ConnectInfo<SocketAddr>;

/// What the vendor is told of a card, without its PIN.
async fn dump(
    State(desk): State<Desk>,
    Path((secret, card)): Path<(String, String)>,
    ConnectInfo(peer): Peer,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::from_request(desk.signon.app(), &headers, peer.ip());
    let party = match desk.by_secret(&secret, &visitor).await {
        Ok(Some(party)) => party,
        Ok(None) => return nobody(&desk, &headers),
        Err(fault) => return broken(&fault),
    };
    let verdict = match party.asker.look_up {
        true => desk.signon.look_up(&party.asker.door(NAME), &card).await,
        false => Ok(Err(Reason::SignInFailed)),
    };
    party.asker.note_verdict(&desk.signon, NAME, "dump", &verdict);
    match verdict {
        Ok(Ok(told)) => {
            answered(&Answer::Record(party.record(&card, &told, &desk.signon.app().config.library.time_zone)))
        }
        Ok(Err(reason)) => answered(&Answer::NotFound(reason)),
        Err(fault) => broken(&fault),
    }
}

async fn pin_test(
    State(desk): State<Desk>,
    Path((secret, card, pin)): Path<(String, String, String)>,
    ConnectInfo(peer): Peer,
    headers: HeaderMap,
) -> Response {
    let visitor = Visitor::from_request(desk.signon.app(), &headers, peer.ip());
    let party = match desk.by_secret(&secret, &visitor).await {
        Ok(Some(party)) => party,
        Ok(None) => return nobody(&desk, &headers),
        Err(fault) => return broken(&fault),
    };
    let verdict = desk.signon.verify(&party.asker.door(NAME), &card, &pin, visitor.address).await;
    party.asker.note_verdict(&desk.signon, NAME, "pintest", &verdict);
    match verdict {
        Ok(Ok(_)) => answered(&Answer::PinIsRight),
        Ok(Err(reason)) => answered(&Answer::PinIsWrong(reason)),
        Err(fault) => broken(&fault),
    }
}

/// The same as for any address that is none of ours.
fn nobody(desk: &Desk, headers: &HeaderMap) -> Response {
    page(desk.signon.app(), headers, StatusCode::NOT_FOUND, "", "")
}

fn answered(answer: &Answer) -> Response {
    no_store(([(header::CONTENT_TYPE, "text/html; charset=utf-8")], answer.text()).into_response())
}

fn broken(fault: &Fault) -> Response {
    let (status, retry_after, _) = report(fault);
    patient(no_store(status.into_response()), retry_after)
}
