//! Dates as the standard writes them: `YYYYMMDDZZZZHHMMSS`, where `ZZZZ` is four blanks for local time and `   Z` for
//! universal time. Dates that others send are never read: they are garbage too often, and nothing hangs on them.

/// Bytes of a date on the wire.
pub const DATE_LENGTH: usize = 18;

/// A date and time, written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Date([u8; DATE_LENGTH]);

/// What the clock shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Zone {
    /// The library's own time.
    Local,
    /// UTC.
    Utc,
}

impl Date {
    /// Of a civil date and time. What has no room is pressed into it: 9999 for later years, 99 for the rest.
    pub fn from_civil(year: i16, month: i8, day: i8, hour: i8, minute: i8, second: i8, zone: Zone) -> Date {
        let year = year.clamp(0, 9999);
        let [thousands, hundreds, tens, ones] = [1000, 100, 10, 1].map(|unit| digit(year / unit));
        let [month, day, hour, minute, second] = [month, day, hour, minute, second].map(|part| {
            let part = i16::from(part.clamp(0, 99));
            [digit(part / 10), digit(part)]
        });
        let zone = match zone {
            Zone::Local => b' ',
            Zone::Utc => b'Z',
        };
        let [[m1, m2], [d1, d2], [h1, h2], [n1, n2], [s1, s2]] = [month, day, hour, minute, second];
        Date([thousands, hundreds, tens, ones, m1, m2, d1, d2, b' ', b' ', b' ', zone, h1, h2, n1, n2, s1, s2])
    }

    /// As it goes over the wire.
    pub fn bytes(&self) -> &[u8; DATE_LENGTH] {
        &self.0
    }
}

/// The last decimal digit of a number that is not negative.
fn digit(number: i16) -> u8 {
    u8::try_from(number % 10).map_or(b'0', |digit| b'0' + digit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_has_eighteen_characters_with_its_zone_in_the_middle() {
        let local = Date::from_civil(2026, 11, 7, 9, 5, 31, Zone::Local);
        assert_eq!(local.bytes(), b"20261107    090531");
        let universal = Date::from_civil(2026, 1, 31, 23, 59, 0, Zone::Utc);
        assert_eq!(universal.bytes(), b"20260131   Z235900");
    }

    #[test]
    fn a_date_beyond_all_calendars_still_has_its_length() {
        assert_eq!(Date::from_civil(-5, -1, 127, 0, 0, 0, Zone::Local).bytes(), b"00000099    000000");
    }
}
