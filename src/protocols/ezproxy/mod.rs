//! EZproxy's external-script authentication: the library's proxy has a sign-in page of its own, and asks here whether what
//! was typed is good. Tickets, by which its readers sign in here instead, are `link`'s.

mod settings;

use std::net::SocketAddr;

use axum::{
    Form, Router,
    extract::{ConnectInfo, DefaultBodyLimit, Path, State, rejection::FormRejection},
    http::{HeaderMap, StatusCode, header},
    response::{IntoResponse, Response},
    routing::post,
};
use serde::Deserialize;

use super::{
    Misfit, Protocol, Voucher,
    answer::{no_store, page, patient, report},
    asker::{self, Asker, Askers},
    bands,
};
use crate::{
    domain::{
        clock::Timestamp,
        field::Field,
        vendor::{RelyingParty, Vendor},
    },
    keyring::KeyRing,
    signon::{Fault, SignOn, visitor::Visitor},
};

/// The name that relying parties are kept under.
const NAME: &str = "ezproxy";
/// A form of EZproxy is far smaller.
const FORM_LIMIT: usize = 4 * 1024;

pub struct EzProxy;

impl Protocol for EzProxy {
    fn name(&self) -> &'static str {
        NAME
    }

    fn settings(&self) -> &'static [Field] {
        settings::FIELDS
    }

    fn check(&self, vendor: &Vendor, party: &RelyingParty) -> Result<(), Misfit> {
        Party::read(vendor, party).map(drop)
    }

    fn routes(&self, signon: SignOn) -> Router {
        let desk = askers(&signon);
        let all = Router::new().route("/f/{secret}/ezproxy", post(valid)).with_state(desk);
        all.layer(DefaultBodyLimit::max(FORM_LIMIT))
    }

    fn weaknesses(&self, _vendor: &Vendor, party: &RelyingParty, _now: Timestamp) -> Vec<&'static str> {
        std::iter::once("secret-in-address").chain(asker::weaknesses(party)).collect()
    }

    fn voucher(&self, signon: &SignOn) -> Option<Box<dyn Voucher>> {
        Some(Box::new(askers(signon)))
    }

    fn entrance(&self, issuer: &str, _keyring: &KeyRing, _vendor: &Vendor, _party: &RelyingParty) -> Option<String> {
        Some(format!("::external={issuer}/f/SECRET/ezproxy,post=user=^u&pass=^p"))
    }
}

struct Party {
    asker: Asker,
    /// EZproxy's names for the audience bands; absent: it is told of none.
    groups: Option<bands::Words>,
}

#[derive(Deserialize)]
struct Settings {
    groups: Option<String>,
}

impl Party {
    fn read(vendor: &Vendor, party: &RelyingParty) -> Result<Party, Misfit> {
        let misfit = |why: String| Misfit { field: "groups", why };
        let asker = Asker::read(vendor, party, "secret_sha256")?;
        let settings = Settings::deserialize(&party.settings).map_err(|error| misfit(error.to_string()))?;
        let groups = match settings.groups {
            Some(groups) => Some(
                bands::Words::read(&groups)
                    .ok_or_else(|| misfit("must be three words, youngest readers first".to_owned()))?,
            ),
            None => None,
        };
        Ok(Party { asker, groups })
    }
}

type Desk = Askers<Party>;

fn askers(signon: &SignOn) -> Desk {
    Askers::new(signon, NAME, Party::read, |party| &party.asker)
}

/// As `post=user=^u&pass=^p` sends it.
#[derive(Deserialize)]
struct Typed {
    #[serde(default)]
    user: String,
    #[serde(default)]
    pass: String,
}

async fn valid(
    State(desk): State<Desk>,
    Path(secret): Path<String>,
    ConnectInfo(peer): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    typed: Result<Form<Typed>, FormRejection>,
) -> Response {
    let app = desk.signon.app();
    let visitor = Visitor::from_request(app, &headers, peer.ip());
    let party = match desk.by_secret(&secret, &visitor).await {
        Ok(Some(party)) => party,
        Ok(None) => return page(app, &headers, StatusCode::NOT_FOUND, "", ""),
        Err(fault) => return broken(&fault),
    };
    let Ok(Form(typed)) = typed else {
        party.asker.note(&desk.signon, NAME, "form", "invalid", "send a form with user and pass");
        return said(StatusCode::BAD_REQUEST, "REFUSED invalid-form\n".to_owned());
    };
    // The reader stands behind the proxy, which is all of them.
    let verdict = desk.signon.verify(&party.asker.door(NAME), &typed.user, &typed.pass, visitor.address).await;
    party.asker.note_verdict(&desk.signon, NAME, "external", &verdict);
    match verdict {
        Ok(Ok(told)) => {
            let group = party.groups.as_ref().map(|groups| groups.of(told.release.audience_band));
            let group = group.map(|group| format!("ezproxy_group={group}\n")).unwrap_or_default();
            said(StatusCode::OK, format!("+VALID\n{group}"))
        }
        Ok(Err(reason)) => said(StatusCode::OK, format!("REFUSED {}\n", reason.code())),
        Err(fault) => broken(&fault),
    }
}

fn said(status: StatusCode, text: String) -> Response {
    no_store((status, [(header::CONTENT_TYPE, "text/plain; charset=utf-8")], text).into_response())
}

fn broken(fault: &Fault) -> Response {
    let (status, retry_after, _) = report(fault);
    patient(said(status, "REFUSED not-now\n".to_owned()), retry_after)
}
