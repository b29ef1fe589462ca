//! What a service provider is spared that others are held to, or will soon be in trouble for, by stable codes.

use std::time::Duration;

use super::documents;
use crate::domain::{clock::Timestamp, vendor::RelyingParty};

/// How long before its end expiring metadata is worth a word.
const SOON: Duration = Duration::from_secs(7 * 24 * 3600);

pub(super) fn of(party: &RelyingParty, now: Timestamp) -> Vec<&'static str> {
    let setting = |name: &str| party.settings[name].as_str().unwrap_or_default();
    let cbc = setting("encryption_method").ends_with("-cbc");
    let unsolicited = party.settings["idp_initiated"] == true;
    let known = documents::known(party);
    let live = known.as_ref().and_then(|known| known.live.as_ref());
    let until = live.and_then(|live| live.valid_until);
    [
        (cbc, "encryption-cbc"),
        (unsolicited, "idp-initiated"),
        (until.is_some_and(|until| until <= now + SOON), "metadata-expires"),
        (known.as_ref().is_some_and(|known| known.staged.is_some()), "metadata-waits"),
        (known.as_ref().is_some_and(|known| known.trouble.is_some()), "metadata-stale"),
        (known.as_ref().is_some_and(|known| known.live.is_none()), "metadata-missing"),
    ]
    .into_iter()
    .filter_map(|(is, code)| is.then_some(code))
    .collect()
}
