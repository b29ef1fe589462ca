//! Whether a vendor may be told: what it will be told and what not, yes or no.

use axum::{
    extract::{Path, State},
    http::StatusCode,
    response::Response,
};
use serde::{Deserialize, Serialize};

use super::{
    Failure,
    browser::{Browser, is_ticket, see, with_cookie},
    card::Privilege,
    guard::Posted,
    refusal,
};
use crate::{
    domain::{
        catalogue::Catalogue,
        claims::Group,
        clock::Timestamp,
        vendor::{Attribute, Vendor},
    },
    pages::Frame,
    signon::{Asked, Consenting, SignOn},
};

#[derive(Deserialize)]
pub struct Answer {
    #[serde(default)]
    answer: String,
}

#[derive(Serialize)]
struct Page<'a> {
    frame: Frame,
    vendor: &'a str,
    action: String,
    /// The code that another device shows; absent where the reader goes on right here.
    device: Option<&'a str>,
    told: Told<'a>,
    not_told: Vec<&'static str>,
    /// Days for which the device goes on by itself.
    stays: Option<u64>,
}

#[derive(Serialize)]
struct Told<'a> {
    /// Band and type; absent where only a token is asked for.
    band: Option<&'static str>,
    patron_type: Option<&'static str>,
    privileges: Vec<Privilege>,
    card: Option<Card<'a>>,
    /// Groups of standard claims: `profile` …
    standard: Vec<&'static str>,
}

#[derive(Serialize)]
struct Card<'a> {
    number: &'a str,
    purpose: &'a str,
}

pub async fn show(
    State(signon): State<SignOn>,
    Path(ticket): Path<String>,
    browser: Browser,
) -> Result<Response, Failure> {
    let asked = if is_ticket(&ticket) { signon.consenting(&ticket, &browser.visitor).await? } else { None };
    match asked {
        Some(Asked::Now(consenting)) => page(&signon, browser, &ticket, &consenting),
        Some(Asked::Elsewhere(path)) => see(&path),
        None => refusal::expired(&signon, &browser).await,
    }
}

/// Nothing but the button says yes.
pub async fn answer(
    State(signon): State<SignOn>,
    Path(ticket): Path<String>,
    Posted { browser, form }: Posted<Answer>,
) -> Result<Response, Failure> {
    let yes = match form.answer.as_str() {
        "allow" => true,
        "deny" => false,
        _ => return Err(Failure::status(StatusCode::BAD_REQUEST)),
    };
    let to = if is_ticket(&ticket) { signon.consent(&ticket, yes, &browser.visitor).await? } else { None };
    match to {
        Some(to) => see(&to),
        None => refusal::expired(&signon, &browser).await,
    }
}

fn page(signon: &SignOn, browser: Browser, ticket: &str, consenting: &Consenting) -> Result<Response, Failure> {
    let browser = browser.preferring(&consenting.ask.languages);
    let catalogue = signon.app().catalogue();
    let (csrf, cookie) = browser.token()?;
    let told = told(consenting, &catalogue, signon.app().clock.now());
    let days = signon.app().config.session.offline.as_secs() / 86_400;
    let page = Page {
        frame: Frame { csrf, ticket: Some(ticket.to_owned()), ..browser.frame(Some(&consenting.who)) },
        vendor: &consenting.vendor.name,
        action: format!("/consent/{ticket}"),
        device: consenting.question.device.as_deref(),
        not_told: not_told(&told),
        told,
        stays: consenting.ask.offline.then_some(days),
    };
    Ok(with_cookie(browser.page_on_the_way(StatusCode::OK, "consent/consent.html", page)?, cookie))
}

fn told<'a>(consenting: &'a Consenting, catalogue: &Catalogue, now: Timestamp) -> Told<'a> {
    let Consenting { question, release, vendor, scopes, .. } = consenting;
    let groups = Group::ALL.into_iter().filter(|group| !release.standard.only(&[*group]).is_empty());
    let card = release.card_number.as_ref();
    Told {
        band: question.reader.then(|| release.audience_band.as_str()),
        patron_type: question.reader.then(|| release.patron_type.as_str()),
        privileges: scopes.iter().filter_map(|id| Privilege::of(id, catalogue, now)).collect(),
        card: card.filter(|_| question.reader).map(|card| Card { number: card.as_str(), purpose: purpose(vendor) }),
        standard: if question.reader { groups.map(Group::scope).collect() } else { Vec::new() },
    }
}

/// Why the card number is released: what the agreement says.
fn purpose(vendor: &Vendor) -> &str {
    let rule = vendor.release.iter().find(|item| item.name == Attribute::CardNumber);
    rule.map(|item| item.purpose.trim()).unwrap_or_default()
}

/// Keys of texts. What nobody is ever told comes last.
fn not_told(told: &Told<'_>) -> Vec<&'static str> {
    let mut keys = Vec::new();
    for (group, key) in [
        ("profile", "consent-not-profile"),
        ("email", "consent-not-email"),
        ("phone", "consent-not-phone"),
        ("address", "consent-not-address"),
    ] {
        if !told.standard.contains(&group) {
            keys.push(key);
        }
    }
    if keys.len() == Group::ALL.len() {
        keys = vec!["consent-not-personal"];
    }
    if told.card.is_none() {
        keys.push("consent-not-card");
    }
    keys.extend(["consent-not-school", "consent-not-pin"]);
    keys
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_never_listed_as_not_told() {
        let told = |standard: &[&'static str], card: bool| Told {
            band: None,
            patron_type: None,
            privileges: Vec::new(),
            card: card.then_some(Card { number: "4417", purpose: "holds" }),
            standard: standard.to_vec(),
        };
        assert_eq!(
            not_told(&told(&[], false)),
            ["consent-not-personal", "consent-not-card", "consent-not-school", "consent-not-pin"]
        );
        assert_eq!(
            not_told(&told(&["profile", "email"], true)),
            ["consent-not-phone", "consent-not-address", "consent-not-school", "consent-not-pin"]
        );
    }
}
