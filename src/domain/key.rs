//! A signing key's life, and who reads it: noun and dates, without the key itself. Which turn comes when is decided by
//! `keyring::plan`, kept by `store`.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Serialize, Serializer};
use serde_json::Value;

use super::{catalogue::Catalogue, clock::Timestamp, holding::Holding, id::VendorId};

/// What keys that sign for SAML are called among algorithms: RSASSA-PKCS1-v1_5 with SHA-256, over XML. Tokens have
/// RS256, which is the same to a mathematician and never the same key.
pub const SAML: &str = "RSA-SHA256";

/// No token that we sign is good for longer. A key stays published for as long after its last signature.
pub const LONGEST_TOKEN_LIFE: Duration = Duration::from_secs(300);

/// The operator's wishes: `[keys]` of the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedules {
    pub tokens: Schedule,
    /// Slower by far: SAML parties keep certificates by hand, or fetch metadata in hours.
    pub saml: Schedule,
}

impl Schedules {
    /// The one for keys of this algorithm.
    pub fn of(&self, algorithm: &str) -> &Schedule {
        if algorithm == SAML { &self.saml } else { &self.tokens }
    }
}

impl Default for Schedules {
    /// What `[keys]` says when nothing is written there.
    fn default() -> Schedules {
        let days = |days: u64| Duration::from_secs(days * 86_400);
        let margin = Duration::from_secs(60);
        let tokens = Schedule {
            rotate_every: Some(days(90)),
            cache_lifetime: Duration::from_secs(300),
            margin,
            pinned_for: days(30),
        };
        let saml = Schedule {
            rotate_every: Some(days(1095)),
            cache_lifetime: Duration::from_secs(6 * 3600),
            margin,
            pinned_for: days(90),
        };
        Schedules { tokens, saml }
    }
}

/// When keys of one kind turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// How long a key is the newest; `None`: turned by command alone.
    pub rotate_every: Option<Duration>,
    /// How long a reader may keep what we publish: the JWKS's `max-age`, the metadata's `cacheDuration`.
    pub cache_lifetime: Duration,
    /// What clocks may differ by, and a replica may lag behind.
    pub margin: Duration,
    /// How long pinned readers stay on their key after its successor was published.
    pub pinned_for: Duration,
}

impl Schedule {
    /// A key that was published at `at` is had by every ordinary reader from then on.
    pub fn had_by_all(&self, at: Timestamp) -> Timestamp {
        at + self.cache_lifetime + self.margin
    }

    /// A key that signed last at `at` is needed by nobody from then on.
    pub fn needed_by_none(&self, at: Timestamp) -> Timestamp {
        at + LONGEST_TOKEN_LIFE + self.cache_lifetime + self.margin
    }
}

/// One signing key's dates. All of them are planned or past instants, so every process reads the same state from them
/// by its own clock, without asking anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Life {
    /// Algorithm and generation, `rs256-2`.
    pub id: String,
    /// As tokens and the JWKS name it; for SAML in our own records alone.
    pub kid: String,
    /// `RS256` …, or `RSA-SHA256` for SAML.
    pub algorithm: String,
    pub published_at: Timestamp,
    /// Signs for ordinary readers from here on, until the next key does.
    pub active_from: Timestamp,
    /// Signs for pinned readers from here on: the deadline that the operator set.
    pub pinned_from: Timestamp,
    /// Signs for nobody any more.
    pub retiring_from: Option<Timestamp>,
    /// Not published any more; the private half is gone.
    pub retired_at: Option<Timestamp>,
    /// Somebody else may have it: refused everywhere.
    pub lost_at: Option<Timestamp>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Published, not used yet.
    Next,
    /// Signs, if only for those who are slow to change.
    Active,
    /// Published, not used any more.
    Retiring,
    /// Not published; verifies an old `id_token_hint` and nothing else.
    Retired,
    /// Verifies nothing.
    Lost,
}

impl State {
    pub fn as_str(self) -> &'static str {
        match self {
            State::Next => "next",
            State::Active => "active",
            State::Retiring => "retiring",
            State::Retired => "retired",
            State::Lost => "lost",
        }
    }
}

impl Life {
    pub fn state(&self, now: Timestamp) -> State {
        let past = |at: Option<Timestamp>| at.is_some_and(|at| at <= now);
        match self {
            _ if self.lost_at.is_some() => State::Lost,
            _ if past(self.retired_at) => State::Retired,
            _ if past(self.retiring_from) => State::Retiring,
            _ if now < self.active_from => State::Next,
            _ => State::Active,
        }
    }

    pub fn is_published(&self) -> bool {
        self.retired_at.is_none() && self.lost_at.is_none()
    }

    /// From when on this reader's tokens are signed with it. `margin` is what clocks and replicas may differ by.
    pub fn from(&self, reader: Reader, margin: Duration) -> Timestamp {
        match reader {
            Reader::Normal => self.active_from,
            Reader::Periodic(every) => self.active_from.max(self.published_at + every + margin),
            Reader::Pinned => self.pinned_from.max(self.active_from),
        }
    }
}

/// How a relying party comes by our keys: the setting `jwks`, for SAML `certificate`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reader {
    /// Reads what we publish anew when its cache is over, or when it meets an unknown `kid`.
    #[default]
    Normal,
    /// Reads it once in this time, and never in between.
    Periodic(Duration),
    /// Has the key in its configuration, put there by hand.
    Pinned,
}

impl FromStr for Reader {
    type Err = String;

    /// `normal`, `pinned`, or `periodic:` and a time, `periodic:24h`.
    fn from_str(text: &str) -> Result<Reader, String> {
        match text.split_once(':') {
            None if text == "normal" => Ok(Reader::Normal),
            None if text == "pinned" => Ok(Reader::Pinned),
            Some(("periodic", every)) => {
                let unit = every.chars().last().and_then(|unit| UNITS.iter().find(|(name, _)| *name == unit));
                let count = every.get(..every.len().saturating_sub(1)).and_then(|count| count.parse::<u64>().ok());
                let seconds = unit.zip(count).and_then(|((_, unit), count)| count.checked_mul(*unit));
                let bounds = LEAST_PERIOD..=MOST_PERIOD;
                seconds.filter(|s| bounds.contains(s)).map(|s| Reader::Periodic(Duration::from_secs(s))).ok_or_else(
                    || format!("{every:?} is not a time between 1s and 30d such as 24h: write periodic:24h"),
                )
            }
            _ => Err(format!("{text:?}: use normal, pinned or periodic:24h")),
        }
    }
}

const UNITS: [(char, u64); 4] = [('s', 1), ('m', 60), ('h', 3_600), ('d', 86_400)];
const LEAST_PERIOD: u64 = 1;
const MOST_PERIOD: u64 = 30 * 86_400;

impl fmt::Display for Reader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Reader::Normal => f.write_str("normal"),
            Reader::Pinned => f.write_str("pinned"),
            Reader::Periodic(every) => {
                let seconds = every.as_secs();
                let fits = UNITS.iter().rev().find(|(_, unit)| seconds.is_multiple_of(*unit));
                let (unit, size) = fits.copied().unwrap_or(('s', 1));
                write!(f, "periodic:{}{unit}", seconds / size)
            }
        }
    }
}

impl Serialize for Reader {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// A relying party that verifies what we sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reading {
    pub vendor: VendorId,
    /// Its key within its protocol: the client_id, the entityID.
    pub party: String,
    pub reader: Reader,
    /// What is signed for it with, each once.
    pub algorithms: Vec<String>,
    /// Which keys it is known to have. The registration says nothing of it: `keyring` does.
    pub holdings: Vec<Holding>,
}

impl Reading {
    /// As which reader it counts for this key.
    pub fn reader_for(&self, life: &Life) -> Reader {
        self.reader.holding(&self.holdings, &life.kid)
    }
}

/// Every relying party that verifies what we sign, in the order of vendors.
pub fn readings(catalogue: &Catalogue) -> Vec<Reading> {
    let parties = catalogue.vendors.values().flat_map(|vendor| vendor.relying_parties.iter().map(move |p| (vendor, p)));
    parties
        .filter_map(|(vendor, party)| {
            let (reader, algorithms) = match party.protocol.as_str() {
                "oidc" => (reader(&party.settings), algorithms(&party.settings)),
                "saml" => (certificate_reader(&party.settings), vec![SAML.to_owned()]),
                _ => return None,
            };
            let (vendor, party) = (vendor.id.clone(), party.key.clone());
            Some(Reading { vendor, party, reader, algorithms, holdings: Vec::new() })
        })
        .collect()
}

/// How a SAML party comes by our certificate: its setting `certificate`. By hand, unless it says otherwise.
pub fn certificate_reader(settings: &Value) -> Reader {
    settings["certificate"].as_str().and_then(|text| text.parse().ok()).unwrap_or(Reader::Pinned)
}

/// `jwks` as text says how ours are read; anything else under that name is a set of the party's own keys.
fn reader(settings: &Value) -> Reader {
    settings["jwks"].as_str().and_then(|text| text.parse().ok()).unwrap_or_default()
}

/// Registration metadata names what we sign for a client in `access_token_signing_alg` and in members that end in
/// `_signed_response_alg`. Unless it says otherwise ID tokens are RS256, with fapi2 ES256, and access tokens ES256.
fn algorithms(settings: &Value) -> Vec<String> {
    let said = |name: &str, default: &str| settings[name].as_str().unwrap_or(default).to_owned();
    let id_token = if settings["profile"] == "fapi2" { "ES256" } else { "RS256" };
    let mut all = vec![said("id_token_signed_response_alg", id_token), said("access_token_signing_alg", "ES256")];
    let named = settings.as_object().into_iter().flatten().filter(|(name, _)| name.ends_with("_signed_response_alg"));
    all.extend(named.filter_map(|(_, value)| value.as_str().map(str::to_owned)));
    all.sort();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_readers_word_is_read_and_written_alike() {
        let day = Reader::Periodic(Duration::from_secs(86_400));
        for (text, reader, said) in [
            ("normal", Reader::Normal, "normal"),
            ("pinned", Reader::Pinned, "pinned"),
            ("periodic:24h", day, "periodic:1d"),
            ("periodic:90s", Reader::Periodic(Duration::from_secs(90)), "periodic:90s"),
        ] {
            assert_eq!(text.parse(), Ok(reader));
            assert_eq!(reader.to_string(), said);
        }
        for wrong in ["", "Normal", "periodic", "periodic:", "periodic:h", "periodic:0s", "periodic:31d", "periodic:1é"]
        {
            assert!(wrong.parse::<Reader>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_a_party_wants_signed_is_read_from_its_registration() {
        assert_eq!(algorithms(&json!({})), ["ES256", "RS256"]);
        assert_eq!(algorithms(&json!({ "profile": "fapi2" })), ["ES256"]);
        let all = json!({
            "id_token_signed_response_alg": "PS256", "access_token_signing_alg": "PS256",
            "userinfo_signed_response_alg": "EdDSA",
        });
        assert_eq!(algorithms(&all), ["EdDSA", "PS256"]);
        assert_eq!(reader(&json!({ "jwks": "pinned" })), Reader::Pinned);
        assert_eq!(reader(&json!({ "jwks": { "keys": [] } })), Reader::Normal);
    }

    #[test]
    fn a_saml_party_keeps_its_certificate_by_hand_unless_it_says_otherwise() {
        assert_eq!(certificate_reader(&json!({})), Reader::Pinned);
        assert_eq!(certificate_reader(&json!({ "certificate": "normal" })), Reader::Normal);
        let daily = Reader::Periodic(Duration::from_secs(86_400));
        assert_eq!(certificate_reader(&json!({ "certificate": "periodic:24h" })), daily);
    }

    #[test]
    fn certificates_turn_by_a_schedule_of_their_own() {
        let schedules = Schedules::default();
        assert_eq!(*schedules.of("ES256"), schedules.tokens);
        assert_eq!(*schedules.of(SAML), schedules.saml);
    }
}
