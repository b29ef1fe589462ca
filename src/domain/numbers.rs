//! The numbers of one patron's card: the roster's, those that the library gave out in its place, and an existing library
//! card's. Which one is told and which ones open is said here; how a number is made from an ID is `card`'s.

use serde::{Deserialize, Serialize};

use super::card::CardNumber;

/// What belongs to one patron and to nobody else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Numbers {
    /// As the roster makes it tonight. Opens nothing while there is a `reissued` one.
    pub roster: CardNumber,
    /// What the library gave out in the roster's place.
    pub reissued: Option<CardNumber>,
    /// What was replaced: opens nothing, and is given to nobody else.
    pub earlier: Vec<CardNumber>,
    /// The library card that this patron had before.
    pub linked: Option<Linked>,
}

/// An existing library card that is this patron's as well.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    pub number: CardNumber,
    pub way: Way,
}

/// What an existing library card is beside the student card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// It opens as well; the student card is what is told.
    Parallel,
    /// Either opens, and the library card is what is told.
    Merge,
}

impl Way {
    pub fn as_str(self) -> &'static str {
        match self {
            Way::Parallel => "parallel",
            Way::Merge => "merge",
        }
    }
}

impl Numbers {
    /// As a roster makes them, with nothing of the library's.
    pub fn of_roster(roster: CardNumber) -> Numbers {
        Numbers { roster, reissued: None, earlier: Vec::new(), linked: None }
    }

    /// The student card's: the reissued one, or else the roster's.
    pub fn student(&self) -> &CardNumber {
        self.reissued.as_ref().unwrap_or(&self.roster)
    }

    /// What stands on the card and goes to whoever is told of it.
    pub fn told(&self) -> &CardNumber {
        match &self.linked {
            Some(Linked { number, way: Way::Merge }) => number,
            _ => self.student(),
        }
    }

    /// Whether this number, with the patron's PIN, signs the patron in.
    pub fn opens(&self, number: &CardNumber) -> bool {
        self.student() == number || self.linked.as_ref().is_some_and(|linked| linked.number == *number)
    }

    /// Every number that is or was this patron's; some may come twice.
    pub fn all(&self) -> impl Iterator<Item = &CardNumber> {
        let linked = self.linked.as_ref().map(|linked| &linked.number);
        std::iter::once(&self.roster).chain(&self.reissued).chain(&self.earlier).chain(linked)
    }

    /// What somebody keeps who keeps the number that they sent: that, as it was typed, unless it is another number of
    /// the same card. Of two numbers for one reader a vendor would make two readers.
    pub fn kept_for<'a>(&'a self, sent: &'a str) -> &'a str {
        match CardNumber::read(sent) {
            Some(number) if number != *self.told() && self.opens(&number) => self.told().as_str(),
            _ => sent,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> CardNumber {
        CardNumber::read(text).unwrap()
    }

    fn numbers(reissued: Option<&str>, linked: Option<(&str, Way)>) -> Numbers {
        Numbers {
            roster: number("4417"),
            reissued: reissued.map(number),
            earlier: reissued.map(|_| number("4417")).into_iter().collect(),
            linked: linked.map(|(card, way)| Linked { number: number(card), way }),
        }
    }

    #[test]
    fn what_is_told_and_what_opens() {
        let library = |way| Some(("30234000517861", way));
        for (numbers, told, opens) in [
            (numbers(None, None), "4417", [true, false, false]),
            (numbers(Some("4417-2"), None), "4417-2", [false, true, false]),
            (numbers(None, library(Way::Parallel)), "4417", [true, false, true]),
            (numbers(None, library(Way::Merge)), "30234000517861", [true, false, true]),
            (numbers(Some("4417-2"), library(Way::Merge)), "30234000517861", [false, true, true]),
        ] {
            assert_eq!(numbers.told().as_str(), told);
            assert_eq!(["4417", "4417-2", "30234000517861"].map(|card| numbers.opens(&number(card))), opens, "{told}");
        }
    }

    #[test]
    fn who_keeps_the_number_that_was_sent_keeps_one_for_each_reader() {
        let merged = numbers(None, Some(("30234000517861", Way::Merge)));
        assert_eq!(merged.kept_for("4417"), "30234000517861");
        assert_eq!(merged.kept_for("3023 4000 517861"), "3023 4000 517861", "as it was typed");
        assert_eq!(merged.kept_for("a-pseudonym"), "a-pseudonym");
        let beside = numbers(None, Some(("30234000517861", Way::Parallel)));
        assert_eq!(beside.kept_for("30234000517861"), "4417");
    }
}
