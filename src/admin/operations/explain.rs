//! Why was this child refused? The decision of one card at one vendor, with its trace, and exactly what the vendor
//! would be told. Asks the same policy as a click, and grants nothing.

use anyhow::{Context, Result};
use serde::Serialize;
use serde_json::json;

use super::Desk;
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        card::CardNumber,
        catalogue::Catalogue,
        claims::StandardClaims,
        scope::Scopes,
        vendor::Vendor,
    },
    policy::{
        Facts, Finding,
        entitlement::{allow, entitled},
        release::release,
        subject::subject,
    },
    signon::Told,
    store::{audit, patrons::Pin},
};

#[derive(Debug, Serialize)]
pub struct Explanation {
    pub card: String,
    pub vendor: String,
    /// `allowed` or `refused`.
    pub decision: &'static str,
    /// The reason's stable code, where refused.
    pub reason: Option<&'static str>,
    pub sentence: String,
    pub trace: Vec<TraceLine>,
    /// What the vendor would be told; absent where refused.
    pub release: Option<Released>,
    /// The same as policy says it, for who says it in a protocol's words.
    #[serde(skip)]
    pub told: Option<(Catalogue, Vendor, Told)>,
}

#[derive(Debug, Serialize)]
pub struct TraceLine {
    pub passes: bool,
    pub what: String,
}

#[derive(Debug, Serialize)]
pub struct Released {
    pub sub: String,
    pub scope: String,
    pub audience_band: &'static str,
    pub patron_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card_number: Option<String>,
    /// Standard claims that the vendor gets when it asks for them, by the scopes `profile`, `email`, `address`, `phone`.
    #[serde(skip_serializing_if = "StandardClaims::is_empty")]
    pub standard: StandardClaims,
    /// When this stops to hold, RFC 3339.
    pub until: String,
}

/// Decides as a click would, for everything the vendor is allowed to ask. Leaves a look-up in the audit.
///
/// # Errors
/// Where card or vendor are unknown, or the database does not answer.
pub async fn explain(desk: &Desk, card: &str, vendor: &str, why: Option<&str>) -> Result<Explanation> {
    let number = CardNumber::read(card).with_context(|| format!("{card:?} is no card number"))?;
    let catalogue = desk.db.catalogue().load().await?;
    let vendor = catalogue.vendors.get(vendor).with_context(|| format!("there is no vendor {vendor:?}"))?;
    let record = desk.db.patrons().by_card(&number).await?.with_context(|| format!("there is no card {number}"))?;
    let patron = &record.patron;
    let now = desk.clock.now();

    let payload =
        json!({ "patron": patron.id.to_string(), "vendor": vendor.id.as_str(), "why": why, "what": "explain" });
    let mut tx = desk.db.begin().await?;
    audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Kind::LookUp, payload }]).await?;
    tx.commit().await?;

    let mut trace = Vec::new();
    let names = |scopes: &Scopes| {
        let names: Vec<String> = catalogue.shown(scopes, now).into_iter().map(String::from).collect();
        names.join(" ")
    };
    let mut note = |finding: Finding<'_>| {
        trace.push(TraceLine { passes: finding.passes(), what: finding.sentence(&names) });
    };
    let facts = Facts {
        patron,
        opted_out: catalogue.has_opted_out(patron),
        agreements: &catalogue.agreements,
        scopes: &catalogue.scopes,
        bands: &desk.config.bands,
        time_zone: &desk.config.library.time_zone,
        narrow: None,
    };
    let verdict =
        entitled(&facts, now, &mut note).and_then(|entitlement| allow(&entitlement, vendor, &vendor.scopes, &mut note));
    if patron.is_test() {
        trace.push(TraceLine { passes: true, what: "this is a test patron, declared in the configuration".into() });
    }
    if let Some(line) = pin_line(&record.pin) {
        trace.push(line);
    }
    Ok(match verdict {
        Err(reason) => Explanation {
            card: number.to_string(),
            vendor: vendor.id.to_string(),
            decision: "refused",
            reason: Some(reason.code()),
            sentence: reason.to_string(),
            trace,
            release: None,
            told: None,
        },
        Ok(allowance) => {
            let told = release(&allowance, vendor, patron);
            let subject = pseudonym(desk, vendor, patron.id);
            let as_policy_says = Told {
                subject: subject.clone(),
                release: told.clone(),
                scopes: allowance.scopes().clone(),
                numbers: patron.numbers.clone(),
                until: allowance.until(),
            };
            Explanation {
                card: number.to_string(),
                vendor: vendor.id.to_string(),
                decision: "allowed",
                reason: None,
                sentence: format!("{} may be told of this reader", vendor.name),
                trace,
                release: Some(Released {
                    sub: subject,
                    scope: catalogue.spelled(allowance.scopes(), now),
                    audience_band: told.audience_band.as_str(),
                    patron_type: told.patron_type.as_str(),
                    card_number: told.card_number.map(String::from),
                    standard: told.standard,
                    until: allowance.until().rfc3339(),
                }),
                told: Some((catalogue.clone(), vendor.clone(), as_policy_says)),
            }
        }
    })
}

fn pseudonym(desk: &Desk, vendor: &Vendor, patron: crate::domain::id::PatronId) -> String {
    subject(desk.keyring.pseudonym_key(), vendor.uid, patron)
}

fn pin_line(pin: &Pin) -> Option<TraceLine> {
    let (passes, what) = match pin {
        Pin::None => (false, "the card has no PIN yet: nobody can sign in with it"),
        Pin::Initial(_) => (true, "the PIN is the initial one: the sign-in page asks for a new one first"),
        Pin::Chosen { change_due: true, .. } => {
            (true, "the PIN was set by staff: the sign-in page asks for a new one first")
        }
        Pin::Chosen { .. } => return None,
    };
    Some(TraceLine { passes, what: what.to_owned() })
}
