//! What messages say about a patron in places of fixed width: language, which privileges are denied, which list is
//! asked for, and how many items there are.

/// A language by the standard's number of three digits: `001` is English.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Language([u8; 3]);

impl Language {
    /// Unknown, or the library's usual one.
    pub const UNKNOWN: Language = Language(*b"000");
    /// English.
    pub const ENGLISH: Language = Language(*b"001");

    /// `UNKNOWN` where it is not three digits.
    pub fn of(bytes: [u8; 3]) -> Language {
        if bytes.iter().all(u8::is_ascii_digit) { Language(bytes) } else { Language::UNKNOWN }
    }

    /// As it goes over the wire.
    pub fn bytes(self) -> [u8; 3] {
        self.0
    }
}

/// Why a patron may not do something; the places of the patron status in the standard's order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    Charge,
    Renewal,
    Recall,
    Hold,
    CardReportedLost,
    TooManyCharged,
    TooManyOverdue,
    TooManyRenewals,
    TooManyClaimedReturned,
    TooManyLost,
    ExcessiveFines,
    ExcessiveFees,
    RecallOverdue,
    TooManyBilled,
}

/// The patron status, fourteen places of `Y` or blank.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Denials(u16);

impl Denials {
    /// All is allowed.
    pub const NONE: Denials = Denials(0);
    const PLACES: u32 = 14;

    /// As it goes over the wire.
    pub fn bytes(self) -> impl Iterator<Item = u8> {
        (0..Denials::PLACES).map(move |place| if self.0 >> place & 1 == 1 { b'Y' } else { b' ' })
    }
}

impl FromIterator<Denial> for Denials {
    fn from_iter<T: IntoIterator<Item = Denial>>(denials: T) -> Denials {
        Denials(denials.into_iter().fold(0, |set, denial| set | 1 << denial as u16))
    }
}

/// Which list a patron information request asks for, by its place in the summary. The standard allows one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Summary {
    Holds,
    Overdue,
    Charged,
    Fines,
    Recalls,
    UnavailableHolds,
}

impl Summary {
    const PLACES: usize = 10;
    const ALL: [Summary; 6] = [
        Summary::Holds,
        Summary::Overdue,
        Summary::Charged,
        Summary::Fines,
        Summary::Recalls,
        Summary::UnavailableHolds,
    ];

    /// The first that is asked for, if any. Places that the standard does not name are passed over.
    pub(super) fn read(places: [u8; Summary::PLACES]) -> Option<Summary> {
        places.into_iter().zip(Summary::ALL).find(|(place, _)| *place == b'Y').map(|(_, summary)| summary)
    }

    /// As it goes over the wire.
    pub(super) fn write(asked: Option<Summary>) -> impl Iterator<Item = u8> {
        (0..Summary::PLACES).map(move |place| if asked.is_some_and(|a| a as usize == place) { b'Y' } else { b' ' })
    }
}

/// How many items of each kind a patron has. What is beyond 9999 is written as 9999.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    pub holds: u16,
    pub overdue: u16,
    pub charged: u16,
    pub fines: u16,
    pub recalls: u16,
    pub unavailable_holds: u16,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_stands_at_its_place_in_the_patron_status() {
        let status = |denials: &[Denial]| -> Vec<u8> { denials.iter().copied().collect::<Denials>().bytes().collect() };
        assert_eq!(status(&[]), b"              ");
        assert_eq!(status(&[Denial::Charge, Denial::CardReportedLost]), b"Y   Y         ");
        assert_eq!(status(&[Denial::TooManyBilled]), b"             Y");
    }

    #[test]
    fn a_language_that_is_not_three_digits_is_unknown() {
        assert_eq!(Language::of(*b"001"), Language::ENGLISH);
        assert_eq!(Language::of(*b"  1"), Language::UNKNOWN);
        assert_eq!(Language::of(*b"\r|A"), Language::UNKNOWN);
    }

    #[test]
    fn the_first_list_asked_for_counts() {
        assert_eq!(Summary::read(*b"          "), None);
        assert_eq!(Summary::read(*b"  Y  Y    "), Some(Summary::Charged));
        assert_eq!(Summary::read(*b"      Y   "), None);
    }
}
