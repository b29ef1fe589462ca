//! Metadata in: what service providers publish at an address, looked at when it is due. A copy replaces the one before by
//! itself only where it weakens nothing; else it waits for the operator. The last good copy goes on when an address
//! brings nothing. Where copies are kept is `store`'s.

use std::{sync::Arc, time::Duration};

use aws_lc_rs::digest;
use serde_json::json;
use tokio::sync::Semaphore;

pub use super::difference::Change;
use super::{NAME, difference, party};
use crate::{
    app::App,
    domain::{
        audit::{AuditEvent, Kind},
        clock::Timestamp,
        published::{Copy, Published, Trouble},
        vendor::RelyingParty,
    },
    outbound::Outbound,
    signon::SignOn,
    wire::{
        dsig,
        saml::{
            instant,
            metadata::{self, ServiceProvider},
        },
        xml,
    },
};

/// How often is looked whether something is due: a service provider that was just declared is there within a second or
/// two.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// Between two looks at one address, whatever its publisher says of caching.
const SOONEST: Duration = Duration::from_secs(5 * 60);
const LATEST: Duration = Duration::from_secs(24 * 3600);
/// Where its publisher says nothing.
const USUAL: Duration = Duration::from_secs(6 * 3600);
/// After a look that failed; the last one again and again.
const PAUSES: [Duration; 5] = [
    Duration::from_secs(10),
    Duration::from_secs(60),
    Duration::from_secs(5 * 60),
    Duration::from_secs(30 * 60),
    Duration::from_secs(2 * 3600),
];
/// For a federation's whole metadata.
const WITHIN: Duration = Duration::from_secs(60);
/// Looks at the same time: an aggregate takes much memory.
const AT_ONCE: usize = 2;

/// What a relying party's address brought.
pub struct Found {
    pub copy: Copy,
    /// How long its publisher lets it be kept.
    pub cache: Duration,
}

/// The address that a service provider's settings name.
pub fn url(party: &RelyingParty) -> Option<&str> {
    party.settings["metadata"].as_str().filter(|_| party.protocol == NAME)
}

/// Looks at what is due, until the process ends.
pub(super) async fn keep_fresh(signon: SignOn) {
    let app = signon.app();
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let busy: Arc<std::sync::Mutex<std::collections::HashSet<String>>> = Arc::default();
    loop {
        let now = app.clock.now();
        for (known, party) in due(app, now) {
            let begun = busy.lock().unwrap_or_else(|e| e.into_inner()).insert(known.id());
            if !begun {
                continue;
            }
            let (signon, places, busy) = (signon.clone(), places.clone(), busy.clone());
            tokio::spawn(async move {
                let app = signon.app();
                let _place = places.acquire().await;
                let id = known.id();
                let (after, event) = look(&app.outbound, &known, &party, app.clock.now()).await;
                match app.store.published().replace(&known, &after, event).await {
                    Ok(true) => {
                        if let Err(error) = app.reload().await {
                            tracing::warn!(%error, "the programme is read again later");
                        }
                    }
                    // Somebody else looked, or decided; what counts now is seen in a moment.
                    Ok(false) => {}
                    Err(error) => tracing::warn!(%error, "what a vendor publishes cannot be written down"),
                }
                busy.lock().unwrap_or_else(|e| e.into_inner()).remove(&id);
            });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What is known of each address that is due, with its relying party.
fn due(app: &App, now: Timestamp) -> Vec<(Published, RelyingParty)> {
    let catalogue = app.catalogue();
    let parties = catalogue.vendors.values().flat_map(|vendor| &vendor.relying_parties);
    parties
        .filter_map(|party| {
            let known = known(party)?;
            (known.next_at <= now).then(|| (known, party.clone()))
        })
        .collect()
}

/// What is known of a service provider's address; `None` where it has none.
pub fn known(party: &RelyingParty) -> Option<Published> {
    let url = url(party)?;
    let kept = party.published.as_deref().filter(|published| published.url == url);
    Some(kept.cloned().unwrap_or_else(|| Published::unknown(NAME, &party.key, url)))
}

/// One look: what is known afterwards, and an event where something changed that counts.
pub async fn look(
    outbound: &Outbound,
    known: &Published,
    party: &RelyingParty,
    now: Timestamp,
) -> (Published, Option<AuditEvent>) {
    match fetch(outbound, &known.url, party, now).await {
        Ok(found) => match another_entity(known, &found.copy) {
            None => taken(known, found, now),
            Some(useless) => (failed(known, useless, now), None),
        },
        Err(useless) => (failed(known, useless, now), None),
    }
}

/// Whether an address brings something of use now: a code and what to mend where it does not.
pub(super) async fn try_out(outbound: &Outbound, url: &str, party: &RelyingParty) -> Result<(), (String, String)> {
    // Whether it is over by now is the look's to say that counts.
    let found = fetch(outbound, url, party, Timestamp(0)).await;
    found.map(drop).map_err(|useless| (useless.code, useless.detail))
}

/// Why an address brought nothing of use.
struct Useless {
    code: String,
    detail: String,
}

async fn fetch(outbound: &Outbound, url: &str, party: &RelyingParty, now: Timestamp) -> Result<Found, Useless> {
    let fetched = outbound.get(url, "application/samlmetadata+xml, */*;q=0.5", xml::AGGREGATE.bytes, WITHIN).await;
    let fetched =
        fetched.map_err(|refused| Useless { code: refused.code().into_owned(), detail: refused.to_string() })?;
    let party = party.clone();
    // An aggregate takes seconds of a core.
    let read = tokio::task::spawn_blocking(move || read(&fetched.body, &party, now));
    read.await.map_err(|e| Useless { code: "broken".into(), detail: e.to_string() })?
}

/// The one entity that is wanted, of a document that is signed as the operator demands, as a text of its own.
fn read(body: &[u8], party: &RelyingParty, now: Timestamp) -> Result<Found, Useless> {
    let useless =
        |code: &str, detail: &dyn std::fmt::Display| Useless { code: code.into(), detail: detail.to_string() };
    let limits = if body.len() <= xml::METADATA.bytes { &xml::METADATA } else { &xml::AGGREGATE };
    let text = xml::utf8(body).map_err(|e| useless(e.code(), &e))?;
    let document = xml::parse(text, limits).map_err(|e| useless(e.code(), &e))?;
    let mut root = document.root_element();
    if let Some(pem) = party.settings["metadata_certificate_document"].as_str() {
        let key = party::certificate_key(pem).map_err(|misfit| useless("metadata-certificate", &misfit))?;
        // From here on only what was signed is read.
        root = dsig::verify(root, &[key]).map_err(|e| useless(e.code(), &e))?.node();
    }
    let wanted = Some(party.key.as_str()).filter(|key| url(party) != Some(key));
    let entity = metadata::find_entity(root, wanted).map_err(|e| useless(e.code(), &e))?;
    let read = metadata::read(entity).map_err(|e| useless(e.code(), &e))?;
    if read.valid_until.is_some_and(|until| until <= now.millis()) {
        let until = read.valid_until.map(instant::write).unwrap_or_default();
        return Err(useless("metadata-expired", &format!("it was valid until {until}: its publisher must renew it")));
    }
    let text = xml::c14n::exclusive(entity, &[], None);
    if text.len() > xml::METADATA.bytes {
        return Err(useless("xml-too-large", &"the entity's metadata is larger than is read here"));
    }
    // The text stands alone from here on: it must be readable so.
    party::service_provider(&text, Some(&read.entity_id)).map_err(|misfit| useless("metadata", &misfit))?;
    let cache = read.cache_duration.map_or(USUAL, Duration::from_secs).clamp(SOONEST, LATEST);
    Ok(Found { copy: Copy { text, fetched_at: now, valid_until: read.valid_until.map(Timestamp) }, cache })
}

/// Where the operator names no entityID the first one that came is meant: an address that turns to somebody else is a
/// mistake, or an attack.
fn another_entity(known: &Published, copy: &Copy) -> Option<Useless> {
    let name = |text: &str| party::service_provider(text, None).ok().map(|read| read.entity_id);
    let (before, now) = (name(&known.live.as_ref()?.text)?, name(&copy.text)?);
    let detail =
        format!("it brings metadata of {now:?} now, and was of {before:?}: name the one that is meant as entity_id");
    (before != now).then(|| Useless { code: "another-entity".into(), detail })
}

/// A good copy came.
fn taken(known: &Published, found: Found, now: Timestamp) -> (Published, Option<AuditEvent>) {
    let Found { copy, cache } = found;
    let next_at = copy.valid_until.map_or(now + cache, |until| (now + cache).min(until).max(now + SOONEST));
    let mut after = Published { checked_at: Some(now), next_at, trouble: None, ..known.clone() };
    let Some(live) = &known.live else {
        let event = event(now, &after, "first", &[], "fetch");
        after.live = Some(copy);
        return (after, Some(event));
    };
    if live.text == copy.text {
        // What it takes back is waiting for nobody.
        (after.live, after.staged) = (Some(copy), None);
        return (after, None);
    }
    let changes = changes(&live.text, &copy.text);
    if changes.iter().any(|change| change.weakens.is_some()) {
        let seen = known.staged.as_ref().is_some_and(|staged| staged.text == copy.text);
        let declined = known.declined.as_deref() == Some(&fingerprint(&copy.text));
        if seen || declined {
            return (after, None);
        }
        let event = event(now, &after, "staged", &changes, "fetch");
        after.staged = Some(copy);
        return (after, Some(event));
    }
    let event = event(now, &after, "changed", &changes, "fetch");
    (after.live, after.staged) = (Some(copy), None);
    (after, (!changes.is_empty()).then_some(event))
}

fn failed(known: &Published, useless: Useless, now: Timestamp) -> Published {
    let same = known.trouble.as_ref().filter(|trouble| trouble.code == useless.code);
    let times = known.trouble.as_ref().map_or(1, |trouble| trouble.times.saturating_add(1));
    let pause = PAUSES.get(times as usize - 1).or(PAUSES.last()).copied().unwrap_or(USUAL);
    let trouble =
        Trouble { code: useless.code, detail: useless.detail, since: same.map_or(now, |trouble| trouble.since), times };
    Published { checked_at: Some(now), next_at: now + pause, trouble: Some(trouble), ..known.clone() }
}

/// What the operator says of a copy that waits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    Accept,
    Decline,
}

/// `None` where nothing waits.
pub fn decided(known: &Published, decision: Decision, now: Timestamp) -> Option<(Published, AuditEvent)> {
    let staged = known.staged.clone()?;
    let before = known.live.as_ref().map_or("", |live| live.text.as_str());
    let changes = changes(before, &staged.text);
    let mut after = Published { staged: None, ..known.clone() };
    let what = match decision {
        Decision::Accept => {
            after.live = Some(staged);
            "accepted"
        }
        Decision::Decline => {
            after.declined = Some(fingerprint(&staged.text));
            "declined"
        }
    };
    let event = event(now, &after, what, &changes, "command");
    Some((after, event))
}

/// What differs between two texts; nothing where one of them cannot be read.
pub fn changes(before: &str, after: &str) -> Vec<Change> {
    let read = |text: &str| -> Option<ServiceProvider> { party::service_provider(text, None).ok() };
    match (read(before), read(after)) {
        (Some(before), Some(after)) => difference::between(&before, &after),
        (None, Some(_)) => vec![difference::unknown()],
        _ => Vec::new(),
    }
}

fn fingerprint(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

fn event(at: Timestamp, published: &Published, what: &str, changes: &[Change], by: &str) -> AuditEvent {
    let payload = json!({
        "what": format!("metadata {what}"),
        "protocol": published.protocol,
        "relying_party": published.party,
        "url": published.url,
        "changes": changes,
        "by": by,
    });
    AuditEvent { at, kind: Kind::Apply, payload }
}
