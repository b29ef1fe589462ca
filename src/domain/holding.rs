//! Which relying parties are known to have which key of ours: for SAML, where a party is given certificates and the
//! protocol never says which of them it took. How a party comes by keys in general is `key::Reader`.

use std::collections::HashMap;

use serde::Serialize;

use super::{
    clock::Timestamp,
    key::{Reader, Reading},
};

/// How it came to be known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum How {
    /// The party was seen fetching our metadata while the certificate was in it.
    Fetched,
    /// An operator vouches for it.
    Attested,
    /// An operator knows that the party has it not, whatever was seen.
    Withdrawn,
}

impl How {
    const ALL: [How; 3] = [How::Fetched, How::Attested, How::Withdrawn];

    pub fn as_str(self) -> &'static str {
        match self {
            How::Fetched => "fetched",
            How::Attested => "attested",
            How::Withdrawn => "withdrawn",
        }
    }

    pub fn named(name: &str) -> Option<How> {
        How::ALL.into_iter().find(|how| how.as_str() == name)
    }
}

/// What is known of one party and one key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Holding {
    /// The party's key within its protocol: the entityID.
    pub party: String,
    pub kid: String,
    pub how: How,
    pub at: Timestamp,
}

/// All that is known, by party.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Holdings(HashMap<String, Vec<Holding>>);

impl Holdings {
    pub fn of(&self, party: &str) -> &[Holding] {
        self.0.get(party).map(Vec::as_slice).unwrap_or_default()
    }

    /// Who reads, with what is known of each.
    #[must_use]
    pub fn told(&self, readings: &[Reading]) -> Vec<Reading> {
        let one = |reading: &Reading| Reading { holdings: self.of(&reading.party).to_vec(), ..reading.clone() };
        readings.iter().map(one).collect()
    }
}

impl FromIterator<Holding> for Holdings {
    fn from_iter<I: IntoIterator<Item = Holding>>(all: I) -> Holdings {
        let mut by_party: HashMap<String, Vec<Holding>> = HashMap::new();
        for holding in all {
            by_party.entry(holding.party.clone()).or_default().push(holding);
        }
        Holdings(by_party)
    }
}

/// What is known of the key `kid`, and lets its party move to it.
pub fn held<'h>(holdings: &'h [Holding], kid: &str) -> Option<&'h Holding> {
    holdings.iter().find(|holding| holding.kid == kid && holding.how != How::Withdrawn)
}

impl Reader {
    /// As whom a party with these holdings counts for the key `kid`: who pins keys by hand, and is known to have this
    /// one, need not wait for the deadline.
    #[must_use]
    pub fn holding(self, holdings: &[Holding], kid: &str) -> Reader {
        match self {
            Reader::Pinned if held(holdings, kid).is_some() => Reader::Normal,
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn who_is_known_to_have_a_key_does_not_wait_for_the_deadline() {
        let holding =
            |kid: &str, how| Holding { party: "sp".into(), kid: kid.into(), how, at: Timestamp(1_790_000_000_000) };
        let all: Holdings = [holding("a", How::Fetched), holding("b", How::Attested), holding("c", How::Withdrawn)]
            .into_iter()
            .collect();
        let counts = |reader: Reader, kid| reader.holding(all.of("sp"), kid);
        for (kid, expected) in
            [("a", Reader::Normal), ("b", Reader::Normal), ("c", Reader::Pinned), ("d", Reader::Pinned)]
        {
            assert_eq!(counts(Reader::Pinned, kid), expected, "{kid}");
        }
        let daily = Reader::Periodic(Duration::from_secs(86_400));
        assert_eq!((counts(daily, "a"), counts(Reader::Normal, "d")), (daily, Reader::Normal), "by their own word");
        assert_eq!(Reader::Pinned.holding(all.of("another"), "a"), Reader::Pinned);
        assert!(How::ALL.into_iter().all(|how| How::named(how.as_str()) == Some(how)));
    }
}
