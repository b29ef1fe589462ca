//! A card at a face without pages: a vendor's server asks whether it is good, and hears what policy lets it hear. The
//! same throttle, the same hash and the same policy as at the sign-in page; what a page would ask for is refused here.

use std::{borrow::Cow, net::IpAddr, time::Duration};

use serde_json::json;

use super::{
    Fault, Release, SignOn,
    answer::Verified,
    begin::{Place, refusal_event},
    guesses::{self, Gate},
    known::Generation,
};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        card::{CardNumber, InitialPin},
        catalogue::Catalogue,
        clock::Timestamp,
        id::{PatronId, VendorId},
        method::Method,
        numbers::Numbers,
        patron::Patron,
        pin::KeyedPin,
        reason::Reason,
        scope::Scopes,
        vendor::Vendor,
    },
    policy::{
        Allowance,
        release::release,
        step::without_pages,
        subject::{Subject, subject},
        throttle::Limit,
    },
    store::patrons::PatronRecord,
};

/// The relying party that asks.
#[derive(Debug, Clone, Copy)]
pub struct Door<'a> {
    pub vendor: &'a VendorId,
    pub protocol: &'static str,
    /// Its key within the protocol.
    pub relying_party: &'a str,
}

/// What a vendor is told of a patron, in no protocol's words.
#[derive(Debug, Clone)]
pub struct Told {
    /// The pairwise pseudonym at this vendor: `[a-z0-9]`.
    pub subject: String,
    pub release: Release,
    pub scopes: Scopes,
    /// For who keeps the number that was sent, and for nobody else.
    pub numbers: Numbers,
    /// When it ends unless the agreement is renewed.
    pub until: Timestamp,
}

/// Unknown cards that one vendor may look up in a minute: far more than readers mistype, far fewer than a number range
/// has.
const LOOK_UPS: Limit = Limit { tries: 300, window: Duration::from_secs(60) };

impl SignOn {
    /// Whether this PIN opens this card at this vendor. `card` is a card number or the vendor's own pseudonym of a
    /// patron. Inside `Err`: why not; an unknown card and a wrong PIN are `SignInFailed`, and cost the same.
    ///
    /// # Errors
    /// `Busy` where too many PIN checks wait; else a fault where store or shelf do not answer.
    pub async fn verify(
        &self,
        door: &Door<'_>,
        card: &str,
        pin: &str,
        address: IpAddr,
    ) -> Result<Result<Told, Reason>, Fault> {
        let app = self.app();
        let card = self.card_of(door, card).await?;
        let generation = self.0.known.generation();
        let key = self.remembered_by(door, &card, Some(pin));
        if let Some(known) = self.0.known.shown(generation, &key) {
            let pattern = app.keyring.pin_key().pattern(pin);
            let typed = CardNumber::read(&card);
            let typed = typed.as_ref().map_or(&*card, CardNumber::as_str);
            // Whoever guesses at a card must not learn by this memory which guess was right.
            if guesses::are_open(&app.shelf, &self.0.limits.of_servers(), typed, &pattern, address).await?
                && let Some(patron) = self.patron_by(known.patron).await?
            {
                return self
                    .decide(
                        door,
                        &patron,
                        known.pin_change_due,
                        Memory { generation, key: Some(key), known: Some(known) },
                    )
                    .await;
            }
        }
        let place = Place { vendor: door.vendor, protocol: door.protocol, ticket: None };
        let verified = match self.check(&card, pin, address, Some(place)).await? {
            Err(reason) => return Ok(Err(reason)),
            Ok(verified) => verified,
        };
        let pin_change_due = verified.pin_change_due && !self.is_supplied_by_district(&verified);
        // A directory does not tell us when a password changes: the next question goes to it again.
        let key = verified.directory.is_none().then_some(key);
        self.decide(door, &verified.patron, pin_change_due, Memory { generation, key, known: None }).await
    }

    /// The same without a PIN, for vendors that are allowed to look a card up. Whoever may do that can find out which
    /// numbers are cards; so unknown ones are counted.
    ///
    /// # Errors
    /// A fault where store or shelf do not answer.
    pub async fn look_up(&self, door: &Door<'_>, card: &str) -> Result<Result<Told, Reason>, Fault> {
        let app = self.app();
        let gate = [Gate { key: format!("look-up {}", door.vendor), limit: LOOK_UPS }];
        let place = Place { vendor: door.vendor, protocol: door.protocol, ticket: None };
        let refuse = async |reason: Reason| {
            let event = refusal_event(app.clock.now(), &reason, None, Some(place));
            app.journal.keep(Vec::new(), vec![event]).await?;
            Ok(Err(reason))
        };
        if let Err(reason) = guesses::enter(&app.shelf, &gate).await? {
            return refuse(reason).await;
        }
        let card = self.card_of(door, card).await;
        let record = match &card {
            Ok(card) => self.record_of(card).await,
            Err(_) => Ok(None),
        };
        if matches!(record, Ok(None)) {
            gate[0].wrong(&app.shelf, 1).await?;
        }
        guesses::leave(&app.shelf, &gate).await?;
        let card = card?;
        let Some(record) = record? else { return refuse(Reason::SignInFailed).await };
        let generation = self.0.known.generation();
        let key = self.remembered_by(door, &card, None);
        let known = self.0.known.shown(generation, &key);
        self.decide(door, &record.patron, false, Memory { generation, key: Some(key), known }).await
    }

    /// What policy says of a patron at this door, written down unless the same was said a moment ago.
    async fn decide(
        &self,
        door: &Door<'_>,
        patron: &Patron,
        pin_change_due: bool,
        memory: Memory,
    ) -> Result<Result<Told, Reason>, Fault> {
        let app = self.app();
        let (catalogue, now) = (app.catalogue(), app.clock.now());
        let allowed = match catalogue.vendors.get(door.vendor) {
            None => Err(Reason::VendorDisabled),
            Some(vendor) => without_pages(vendor, &self.facts(patron, &catalogue, &Method::Pin), pin_change_due, now)
                .map(|allowance| (vendor, allowance)),
        };
        let said = allowed.as_ref().map_or_else(Reason::code, |_| SAID_YES);
        if memory.known.as_ref().is_none_or(|known| known.said != said) {
            let event = match &allowed {
                Ok((_, allowance)) => issue_event(now, door, patron, allowance),
                Err(reason) => {
                    let place = Place { vendor: door.vendor, protocol: door.protocol, ticket: None };
                    refusal_event(now, reason, Some(patron.id), Some(place))
                }
            };
            app.journal.keep(Vec::new(), vec![event]).await?;
            let shown = Shown { patron: patron.id, pin_change_due, said };
            if let Some(key) = memory.key {
                self.0.known.remember_shown(memory.generation, key, shown);
            }
        }
        Ok(allowed.map(|(vendor, allowance)| self.told(vendor, patron, &allowance)))
    }

    pub(super) fn told(&self, vendor: &Vendor, patron: &Patron, allowance: &Allowance) -> Told {
        Told {
            subject: subject(self.app().keyring.pseudonym_key(), vendor.uid, patron.id),
            release: release(allowance, vendor, patron),
            scopes: allowance.scopes().clone(),
            numbers: patron.numbers.clone(),
            until: allowance.until(),
        }
    }

    /// The card itself, where what was sent is the pseudonym that this vendor knows its holder by.
    async fn card_of<'c>(&self, door: &Door<'_>, sent: &'c str) -> Result<Cow<'c, str>, Fault> {
        let Some(subject) = Subject::read(sent) else { return Ok(Cow::Borrowed(sent)) };
        let catalogue = self.app().catalogue();
        let Some(vendor) = catalogue.vendors.get(door.vendor) else { return Ok(Cow::Borrowed(sent)) };
        let Some(patron) = self.patron_named(vendor.uid, &subject).await? else { return Ok(Cow::Borrowed(sent)) };
        Ok(self.patron_by(patron).await?.map_or(Cow::Borrowed(sent), |patron| Cow::Owned(patron.card.to_string())))
    }

    async fn record_of(&self, card: &str) -> Result<Option<PatronRecord>, Fault> {
        match CardNumber::read(card) {
            Some(card) => Ok(self.app().store.patrons().by_card(&card).await?),
            None => Ok(None),
        }
    }

    /// A PIN that everybody could know opens nothing but its own change; one that the district gave out is as good as any.
    fn is_supplied_by_district(&self, verified: &Verified) -> bool {
        let catalogue = self.app().catalogue();
        verified.is_initial && initial_pin(&catalogue, &verified.patron) == Some(InitialPin::Password)
    }

    /// Holds neither card nor PIN, and is good for this process only.
    fn remembered_by(&self, door: &Door<'_>, card: &str, pin: Option<&str>) -> KeyedPin {
        let how: &[u8] = if pin.is_some() { b"shown" } else { b"looked up" };
        let card = CardNumber::read(card).map_or_else(|| card.to_owned(), String::from);
        let parts = [how, door.vendor.as_str().as_bytes(), door.protocol.as_bytes(), door.relying_party.as_bytes()];
        let pin = pin.unwrap_or_default().trim();
        self.app().keyring.pin_key().digest(&[&parts[..], &[card.as_bytes(), pin.as_bytes()]].concat())
    }
}

fn initial_pin(catalogue: &Catalogue, patron: &Patron) -> Option<InitialPin> {
    let organisation = &patron.affiliations.first()?.organisation;
    catalogue.organisations.get(organisation).map(|organisation| organisation.initial_pin)
}

/// What was lately shown and said at one door.
#[derive(Debug, Clone)]
pub(super) struct Shown {
    pub patron: PatronId,
    pub pin_change_due: bool,
    /// `SAID_YES`, or the code of the reason.
    said: &'static str,
}

#[cfg(test)]
impl Shown {
    pub fn yes(patron: PatronId) -> Shown {
        Shown { patron, pin_change_due: false, said: SAID_YES }
    }
}

const SAID_YES: &str = "yes";

/// Where an answer is looked for and put.
struct Memory {
    generation: Generation,
    /// `None`: it is not remembered.
    key: Option<KeyedPin>,
    known: Option<Shown>,
}

/// There is no session, and so no grant: the event alone says that the vendor was told.
fn issue_event(at: Timestamp, door: &Door<'_>, patron: &Patron, allowance: &Allowance) -> AuditEvent {
    let mut payload = json!({
        "patron": patron.id.to_string(),
        "organisation": patron.affiliations.first().map(|a| a.organisation.as_str()),
        "vendor": door.vendor.as_str(),
        "protocol": door.protocol,
        "relying_party": door.relying_party,
        "scopes": allowance.scopes().to_string(),
        "agreements": allowance.agreements(),
    });
    if patron.is_test() {
        payload["test"] = true.into();
    }
    AuditEvent { at, kind: Kind::Issue, payload }
}
