//! `/go/{vendor}`: a reader clicks, and is on the way. Whoever is not signed in does that first and comes back here, so
//! that the address stays the same whatever came before: some vendors look at it.

use axum::{
    extract::{Path, Query, State},
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{
    Desk, NAME, Peer,
    address::{Values, encoded},
    party::{Kind, Party},
    rehearse::patron_type,
    sign, ticket,
};
use crate::{
    domain::{exchange::Exchange, handle},
    pages::Frame,
    protocols::answer::{broken_for_people, frame, locale_of, no_store, page, see_other},
    signon::{Ask, Assertion, Fault, Next, Ready, visitor::Visitor},
};

const BACK: &str = "/go/back/";

#[derive(Deserialize)]
pub(super) struct Asked {
    /// Where EZproxy goes on to.
    url: Option<String>,
}

pub(super) async fn go(
    State(desk): State<Desk>,
    Path(vendor): Path<String>,
    Query(asked): Query<Asked>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let app = desk.app();
    let Some(party) = desk.parties.first(&app.catalogue(), |party| party.vendor.as_str() == vendor) else {
        return page(app, &headers, StatusCode::NOT_FOUND, "unknown-vendor", "");
    };
    let target = match (&party.kind, asked.url) {
        (Kind::EzProxy(proxy), Some(target)) => match proxy.hosts.admit(&target) {
            Some(target) => Some(target),
            None => {
                desk.note(&party, "refused", "a target whose host is none of target_hosts");
                let hint = "the address behind url= is at a host that the library has not named for this proxy";
                return page(app, &headers, StatusCode::BAD_REQUEST, "target-not-allowed", hint);
            }
        },
        _ => None,
    };
    let visitor = Visitor::from_request(app, &headers, peer.0.ip());
    let outcome = match desk.signon.begin(ask(&party, target.as_deref()), &visitor).await {
        Ok(Next::Issue(ready)) => depart(&desk, &party, *ready, target.as_deref(), &headers, &visitor).await,
        Ok(next) => Ok(onward(next)),
        Err(fault) => Err(fault),
    };
    outcome.unwrap_or_else(|fault| broken_for_people(app, &headers, &fault))
}

/// The browser comes back from our own pages.
pub(super) async fn back(
    State(desk): State<Desk>,
    Path(ticket): Path<String>,
    peer: Peer,
    headers: HeaderMap,
) -> Response {
    let app = desk.app();
    let visitor = Visitor::from_request(app, &headers, peer.0.ip());
    match desk.signon.resume(&ticket, &visitor).await {
        Ok(Some((ask, Next::Issue(_)))) if ask.protocol == NAME => {
            let target = ask.state["url"].as_str().map(|url| format!("?url={}", encoded(url))).unwrap_or_default();
            see_other(&format!("/go/{}{target}", ask.vendor))
        }
        Ok(Some((ask, next))) if ask.protocol == NAME => onward(next),
        Ok(_) => {
            page(app, &headers, StatusCode::GONE, "expired", "this step is over or was taken already; begin again")
        }
        Err(fault) => broken_for_people(app, &headers, &fault),
    }
}

fn ask(party: &Party, target: Option<&str>) -> Ask {
    Ask {
        protocol: NAME.to_owned(),
        relying_party: party.key.clone(),
        vendor: party.vendor.clone(),
        scopes: party.scopes.clone(),
        fresh_after: None,
        password: false,
        interactive: true,
        card_hint: None,
        languages: Vec::new(),
        consent: None,
        offline: false,
        renewable: None,
        resume: BACK.to_owned(),
        state: json!({ "url": target }),
    }
}

fn onward(next: Next) -> Response {
    match next {
        Next::Page(path) | Next::Refuse { page: Some(path), .. } => see_other(&path),
        // Told already, and the vendor has no ear for it.
        _ => see_other("/"),
    }
}

/// Written down first; then the reader goes.
async fn depart(
    desk: &Desk,
    party: &Party,
    ready: Ready,
    target: Option<&str>,
    headers: &HeaderMap,
    visitor: &Visitor,
) -> Result<Response, Fault> {
    let app = desk.app();
    let (_, assertion) = desk.signon.finish(ready).await?;
    desk.note(party, "ok", "the reader was sent on");
    let catalogue = app.catalogue();
    let gone = || Fault::Broken(format!("vendor {} went away", party.vendor));
    let vendor = catalogue.vendors.get(&party.vendor).ok_or_else(gone)?;
    let id = handle::random()?;
    let values = values(party, &assertion, &id);
    let path = format!("/go/{}", party.vendor);
    let around = frame(&desk.signon, visitor, &path);
    Ok(match &party.kind {
        Kind::Signed(_) => {
            let secret = sign::secret(&app.keyring, vendor.uid, party);
            see_other(&sign::signed(party, &secret, &values))
        }
        Kind::EzProxy(proxy) => {
            let secret = sign::secret(&app.keyring, vendor.uid, party);
            see_other(&ticket::address(proxy, &secret, values.pseudonym, values.band, values.time, target))
        }
        Kind::Referrer(referrer) => {
            let to = party.url.fill(&values, None);
            let leaf = Leaf { template: "link/referrer.html", number: None, referrer: referrer.as_str() };
            shown(desk, headers, party, &to, leaf, around.await)?
        }
        Kind::Card => {
            let to = party.url.fill(&values, None);
            let number = assertion.release.card_number.as_ref().map(ToString::to_string);
            let leaf = Leaf { template: "link/card.html", number, referrer: "no-referrer" };
            shown(desk, headers, party, &to, leaf, around.await)?
        }
    })
}

fn values<'a>(party: &'a Party, assertion: &'a Assertion, id: &'a str) -> Values<'a> {
    let time = assertion.issued_at.millis() / 1000;
    let end = match party.kind {
        Kind::Signed(life) => assertion.expires_at.min(assertion.issued_at + life),
        _ => assertion.expires_at,
    };
    Values {
        pseudonym: &assertion.subject,
        band: party.bands.of(assertion.release.audience_band),
        patron_type: patron_type(assertion.release.patron_type),
        time,
        expires: end.millis() / 1000,
        id,
    }
}

/// What the page on the way to a vendor shows, and lets the vendor see of where the reader comes from.
struct Leaf {
    template: &'static str,
    number: Option<String>,
    referrer: &'static str,
}

fn shown(
    desk: &Desk,
    headers: &HeaderMap,
    party: &Party,
    to: &str,
    leaf: Leaf,
    frame: Frame,
) -> Result<Response, Fault> {
    /// The link leads to the vendor; the script is the page's own.
    const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                          frame-ancestors 'none'; base-uri 'none'";
    #[derive(Serialize)]
    struct Page<'a> {
        frame: Frame,
        vendor: &'a str,
        to: &'a str,
        host: String,
        number: Option<String>,
    }
    let Leaf { template, number, referrer } = leaf;
    let page = Page { frame, vendor: &party.vendor_name, to, host: party.url.host(), number };
    let html = desk.app().pages.render(template, locale_of(headers), page);
    let html = html.map_err(|error| Fault::Broken(error.to_string()))?;
    let mut response = (StatusCode::OK, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response();
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    response.headers_mut().insert(header::REFERRER_POLICY, HeaderValue::from_static(referrer));
    Ok(no_store(response))
}

impl Desk {
    fn note(&self, party: &Party, outcome: &'static str, detail: &str) {
        let exchange = Exchange {
            at: self.app().clock.now(),
            protocol: NAME,
            relying_party: party.key.clone(),
            step: "go",
            outcome,
            detail: detail.to_owned(),
            times: 1,
        };
        self.app().note(&party.vendor, exchange);
    }
}
