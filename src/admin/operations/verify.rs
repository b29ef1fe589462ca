//! What is this token, and is it worth anything? Judged by the key ring, and then the grant behind it by the same policy
//! as a click. Who the reader is takes a reason, and leaves a look-up in the audit.

mod shape;

use anyhow::Result;
use serde::Serialize;
use serde_json::{Value, json};

pub use self::shape::Kind;
use super::Desk;
use crate::{
    domain::{
        audit::{AuditEvent, Kind as Event},
        catalogue::Catalogue,
        clock::Timestamp,
        grant::Grant,
        id::GrantId,
        patron::Patron,
    },
    keyring::{Expect, Invalid, Lifetime},
    policy::{
        Facts,
        entitlement::{allow, entitled},
        subject::subject,
    },
    store::audit,
};

/// The protocol whose tokens these are.
const PROTOCOL: &str = "oidc";

#[derive(Debug, Default, Serialize)]
pub struct Verdict {
    pub valid: bool,
    /// Why not, as a stable code.
    pub reason: Option<&'static str>,
    pub sentence: String,
    pub kind: Kind,
    /// What the header names; proven only where the token is signed by it.
    pub key: Option<KeyView>,
    pub issuer: Option<String>,
    pub vendor: Option<String>,
    pub client: Option<String>,
    pub subject: Option<String>,
    pub audience: Vec<String>,
    pub scope: Option<String>,
    /// In the library's time zone.
    pub issued_at: Option<String>,
    pub expires_at: Option<String>,
    pub grant: Option<GrantView>,
    /// Only where a reason was given and the grant is known.
    pub patron: Option<PatronView>,
    /// Everything that it says. Nothing of it is proven where the signature does not fit.
    pub claims: Value,
}

#[derive(Debug, Serialize)]
pub struct KeyView {
    pub kid: String,
    pub algorithm: String,
    /// Whether it is published to vendors now.
    pub published: bool,
}

#[derive(Debug, Serialize)]
pub struct GrantView {
    pub id: String,
    pub holds: bool,
    /// Why it does not, as a stable code.
    pub reason: Option<&'static str>,
    pub ends_at: String,
}

#[derive(Debug, Serialize)]
pub struct PatronView {
    pub card: String,
    pub name: String,
    pub test_patron: bool,
}

/// Why a token is worth nothing: a stable code and a sentence.
type Flaw = (&'static str, &'static str);

/// # Errors
/// Where the database does not answer. A token that is worth nothing is an answer.
pub async fn verify(desk: &Desk, token: &str, why: Option<&str>) -> Result<Verdict> {
    let token = token.trim();
    let mut verdict = Verdict::default();
    let parts = match shape::read(token) {
        Ok(parts) => parts,
        Err((kind, flaw)) => {
            verdict.kind = kind;
            return Ok(refused(verdict, flaw));
        }
    };
    let catalogue = desk.db.catalogue().load().await?;
    tell(&mut verdict, desk, &catalogue, &parts);
    let proven = match judge(desk, token, &parts) {
        Ok(()) => Ok(()),
        // What a wrong hand wrote says nothing of any grant.
        Err(flaw @ (_, true)) => Err(flaw.0),
        Err((flaw, false)) => return Ok(refused(verdict, flaw)),
    };
    let standing = stands(desk, &catalogue, &mut verdict, &parts, why).await?;
    Ok(match proven.and(standing) {
        Err(flaw) => refused(verdict, flaw),
        Ok(()) => Verdict { valid: true, sentence: "signed by this library, and it holds".into(), ..verdict },
    })
}

fn refused(verdict: Verdict, (reason, sentence): Flaw) -> Verdict {
    Verdict { valid: false, reason: Some(reason), sentence: sentence.to_owned(), ..verdict }
}

/// What it says of itself, for people.
fn tell(verdict: &mut Verdict, desk: &Desk, catalogue: &Catalogue, parts: &shape::Parts) {
    let zone = &desk.config.library.time_zone;
    let text = |name: &str| parts.claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let time = |name: &str| {
        let seconds = parts.claims.get(name).and_then(Value::as_i64)?;
        Some(zone.minute(Timestamp(seconds.saturating_mul(1000))))
    };
    verdict.kind = parts.kind();
    verdict.key = parts.kid().map(|kid| KeyView {
        published: published(desk, kid).is_some(),
        kid: kid.to_owned(),
        algorithm: parts.alg().to_owned(),
    });
    verdict.audience = parts.audience();
    verdict.client = text("client_id").or_else(|| verdict.audience.first().cloned());
    let party = verdict.client.as_deref().and_then(|client| catalogue.relying_party(PROTOCOL, client));
    verdict.vendor = party.map(|(vendor, _)| vendor.id.to_string());
    (verdict.issuer, verdict.subject, verdict.scope) = (text("iss"), text("sub"), text("scope"));
    (verdict.issued_at, verdict.expires_at) = (time("iat"), time("exp"));
    verdict.claims = parts.claims.clone();
}

/// The algorithm of a published key.
fn published(desk: &Desk, kid: &str) -> Option<String> {
    let jwks: Value = serde_json::from_str(&desk.keyring.jwks().body).ok()?;
    let key = jwks["keys"].as_array()?.iter().find(|key| key["kid"] == kid)?.clone();
    Some(key["alg"].as_str().unwrap_or_default().to_owned())
}

/// Whether it is a token of ours at this time. With a flaw: whether it was written by us all the same.
fn judge(desk: &Desk, token: &str, parts: &shape::Parts) -> Result<(), (Flaw, bool)> {
    let not_ours = |flaw| (flaw, false);
    parts.algorithm_is_asymmetric().map_err(not_ours)?;
    let expect = Expect { typ: parts.typ(), issuer: &desk.config.issuer, lifetime: Lifetime::Any };
    let named = parts.kid().and_then(|kid| published(desk, kid));
    desk.keyring.verify::<Value>(token, &expect).map_err(|invalid| {
        not_ours(match invalid {
            Invalid::UnknownKey if named.as_deref().is_some_and(|alg| alg != parts.alg()) => {
                ("wrong-algorithm", "its key signs with another algorithm than its header says")
            }
            Invalid::UnknownKey => ("unknown-key", "no key of this library has signed it"),
            Invalid::Signature => {
                ("wrong-signature", "the signature does not fit: it was changed, or is no work of ours")
            }
            Invalid::WrongIssuer => ("wrong-issuer", "it speaks in another issuer's name"),
            Invalid::WrongType => ("wrong-type", "its header says another type"),
            Invalid::Expired => EXPIRED,
            Invalid::Malformed => {
                ("malformed", "its header holds what no token of ours does, or exp or iss is missing")
            }
        })
    })?;
    if parts.kind() == Kind::Unknown {
        return Err(not_ours(("unknown-type", "this library writes no token of this type")));
    }
    let now = desk.clock.now().seconds();
    let at = |name: &str| parts.claims.get(name).and_then(Value::as_i64);
    if at("exp").is_none_or(|exp| now >= exp) {
        return Err((EXPIRED, true));
    }
    if at("nbf").or(at("iat")).is_some_and(|from| from > now + SKEW) {
        return Err((("not-yet", "it begins in the future"), true));
    }
    Ok(())
}

const EXPIRED: Flaw = ("expired", "it is over");
/// Clocks of two replicas may differ.
const SKEW: i64 = 60;

/// Whether what it was issued by stands today.
async fn stands(
    desk: &Desk,
    catalogue: &Catalogue,
    verdict: &mut Verdict,
    parts: &shape::Parts,
    why: Option<&str>,
) -> Result<Result<(), Flaw>> {
    let Some((vendor, _)) = verdict.client.as_deref().and_then(|client| catalogue.relying_party(PROTOCOL, client))
    else {
        return Ok(Err(("unknown-client", "the vendor that it is for is no longer known here")));
    };
    if vendor.disabled {
        return Ok(Err(("vendor-disabled", "the vendor that it is for is switched off")));
    }
    // A token of a vendor's own back end is of no grant; an ID token does not say which.
    let Some(id) = parts.grant() else { return Ok(Ok(())) };
    let Some(grant) = desk.db.passages().by_id(id).await? else {
        return Ok(Err(("unknown-grant", "the grant that it comes from is no longer known")));
    };
    let patron = desk.db.patrons().by_id(grant.patron).await?.map(|record| record.patron);
    let flaw = match &patron {
        None => Some(("withdrawn", "the patron is no longer known")),
        Some(patron) => weigh(desk, catalogue, &grant, patron, verdict.subject.as_deref()),
    };
    verdict.grant = Some(GrantView {
        id: id.to_string(),
        holds: flaw.is_none(),
        reason: flaw.map(|(code, _)| code),
        ends_at: desk.config.library.time_zone.minute(grant.expires_at),
    });
    if let (Some(why), Some(patron)) = (why, patron) {
        look_up(desk, &patron, id, why).await?;
        verdict.patron = Some(PatronView {
            card: patron.card.to_string(),
            name: format!("{} {}", patron.given_name, patron.family_name),
            test_patron: patron.is_test(),
        });
    }
    Ok(flaw.map_or(Ok(()), Err))
}

fn weigh(desk: &Desk, catalogue: &Catalogue, grant: &Grant, patron: &Patron, sub: Option<&str>) -> Option<Flaw> {
    let now = desk.clock.now();
    if grant.revoked_at.is_some() {
        return Some(("revoked", "the grant was taken back, or the reader signed out"));
    }
    if !grant.is_live(now) {
        return Some(("grant-over", "the grant that it comes from is over"));
    }
    let Some(vendor) = catalogue.vendors.get(&grant.vendor) else {
        return Some(("unknown-client", "the vendor of its grant is no longer known here"));
    };
    if sub != Some(subject(desk.keyring.pseudonym_key(), vendor.uid, patron.id).as_str()) {
        return Some(("wrong-subject", "it names another reader than its grant"));
    }
    let facts = Facts {
        patron,
        opted_out: catalogue.has_opted_out(patron),
        agreements: &catalogue.agreements,
        scopes: &catalogue.scopes,
        bands: &desk.config.bands,
        time_zone: &desk.config.library.time_zone,
        narrow: None,
    };
    let allowed = entitled(&facts, now, &mut |_| ()).and_then(|yes| allow(&yes, vendor, &grant.scopes, &mut |_| ()));
    allowed.err().map(|reason| (reason.code(), "the reader is not entitled any more"))
}

async fn look_up(desk: &Desk, patron: &Patron, grant: GrantId, why: &str) -> Result<()> {
    let payload = json!({
        "patron": patron.id.to_string(), "grant": grant.to_string(), "why": why, "what": "verify",
    });
    let mut tx = desk.db.begin().await?;
    audit::append_alone(&mut tx, &[AuditEvent { at: desk.clock.now(), kind: Event::LookUp, payload }]).await?;
    tx.commit().await?;
    Ok(())
}

#[cfg(test)]
mod tests;
