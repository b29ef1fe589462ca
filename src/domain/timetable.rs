//! When something is done by itself: at times of the day, or every so often.

use std::{fmt, str::FromStr, time::Duration};

use serde::{Deserialize, Serialize};

use super::clock::{TimeZone, Timestamp};

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timetable {
    /// In the library's time zone.
    #[serde(default)]
    pub at: Vec<TimeOfDay>,
    /// Seconds.
    #[serde(default)]
    pub every: Option<u64>,
}

impl Timetable {
    /// Nothing is done by itself.
    pub fn is_empty(&self) -> bool {
        self.at.is_empty() && self.every.is_none()
    }

    /// The first instant after `now` that the table names; `None` where it names none.
    pub fn next(&self, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
        let today = zone.date(now);
        let days = [today, today.tomorrow()];
        let by_the_clock = days.into_iter().flat_map(|day| self.at.iter().map(move |time| zone.at(day, *time)));
        let by_the_span = self.every.map(|every| now + Duration::from_secs(every));
        by_the_clock.filter(|at| *at > now).chain(by_the_span).min()
    }
}

/// A minute of the day, `02:30`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct TimeOfDay {
    pub hour: i8,
    pub minute: i8,
}

impl FromStr for TimeOfDay {
    type Err = String;
    fn from_str(text: &str) -> Result<TimeOfDay, String> {
        let digits = |part: &str, below: i8| {
            let plain = part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit());
            part.parse().ok().filter(|n: &i8| plain && *n < below)
        };
        let read = text
            .split_once(':')
            .and_then(|(hour, minute)| Some(TimeOfDay { hour: digits(hour, 24)?, minute: digits(minute, 60)? }));
        read.ok_or_else(|| format!("{text:?} is not a time of the day such as 02:30"))
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.hour, self.minute)
    }
}

impl TryFrom<String> for TimeOfDay {
    type Error = String;
    fn try_from(text: String) -> Result<TimeOfDay, String> {
        text.parse()
    }
}

impl From<TimeOfDay> for String {
    fn from(time: TimeOfDay) -> String {
        time.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_time_is_the_first_that_comes() {
        let zone = TimeZone::named("America/New_York").unwrap();
        let at = |day: &str, time: &str| zone.at(day.parse().unwrap(), time.parse().unwrap());
        let nightly = Timetable { at: vec!["02:30".parse().unwrap(), "12:00".parse().unwrap()], every: None };
        assert_eq!(nightly.next(at("2026-11-27", "02:29"), &zone), Some(at("2026-11-27", "02:30")));
        assert_eq!(nightly.next(at("2026-11-27", "02:30"), &zone), Some(at("2026-11-27", "12:00")));
        assert_eq!(nightly.next(at("2026-11-27", "12:00"), &zone), Some(at("2026-11-28", "02:30")));
        let often = Timetable { every: Some(900), ..nightly };
        assert_eq!(often.next(at("2026-11-27", "09:00"), &zone), Some(at("2026-11-27", "09:15")));
        assert_eq!(Timetable::default().next(Timestamp(0), &zone), None);
        // A time that the change of clocks leaves out comes all the same, an hour later by the clock.
        assert_eq!(at("2026-03-08", "02:30"), at("2026-03-08", "03:30"));
        for wrong in ["2:30", "24:00", "12:60", "noon", "12:0", "+1:00"] {
            assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
        }
    }
}
