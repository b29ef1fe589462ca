//! Time, passed in: nothing else in the house asks the machine what time it is.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use jiff::{civil, tz};
use serde::{Deserialize, Serialize};

use super::timetable::TimeOfDay;

/// An instant: milliseconds since 1970-01-01T00:00:00Z.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    pub fn millis(self) -> i64 {
        self.0
    }

    /// Seconds since the epoch, as JWT's NumericDate wants them (RFC 7519 section 2).
    pub fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// How far two instants are from each other, whichever is the later one. What is kept for a while is asked by this how
    /// old it is: a clock that was set back must not keep it until it has caught up.
    pub fn apart(self, other: Timestamp) -> Duration {
        self.since(other).max(other.since(self))
    }

    /// RFC 3339 in UTC, to the second.
    pub fn rfc3339(self) -> String {
        match jiff::Timestamp::from_second(self.seconds()) {
            Ok(at) => at.to_string(),
            Err(_) => self.0.to_string(),
        }
    }
}

impl std::str::FromStr for Timestamp {
    type Err = jiff::Error;
    /// RFC 3339 with any offset, `2026-11-24T02:07:00.000Z`.
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse::<jiff::Timestamp>().map(|at| Timestamp(at.as_millisecond()))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Timestamp;
    fn add(self, more: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(more.as_millis()).unwrap_or(i64::MAX)))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Timestamp;
    fn sub(self, less: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(less.as_millis()).unwrap_or(i64::MAX)))
    }
}

/// A calendar day, as agreements and rosters name them: `2026-07-01`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Date(civil::Date);

impl Date {
    /// `None` where the calendar has no such day.
    pub fn new(year: i16, month: i8, day: i8) -> Option<Date> {
        civil::Date::new(year, month, day).ok().map(Date)
    }

    pub fn year(self) -> i16 {
        self.0.year()
    }

    pub fn month(self) -> i8 {
        self.0.month()
    }

    pub fn day(self) -> i8 {
        self.0.day()
    }

    /// The same day at the end of time.
    #[must_use]
    pub fn tomorrow(self) -> Date {
        Date(self.0.tomorrow().unwrap_or(self.0))
    }
}

impl fmt::Display for Date {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl std::str::FromStr for Date {
    type Err = jiff::Error;
    /// ISO 8601, `YYYY-MM-DD`.
    fn from_str(text: &str) -> Result<Self, jiff::Error> {
        text.parse().map(Date)
    }
}

/// The library's time zone: what makes "until 30 June" end at local midnight.
#[derive(Debug, Clone)]
pub struct TimeZone(tz::TimeZone);

impl TimeZone {
    /// An IANA name such as `America/New_York`; `None` where the database has no such zone.
    pub fn named(name: &str) -> Option<TimeZone> {
        tz::TimeZone::get(name).ok().map(TimeZone)
    }

    pub fn utc() -> TimeZone {
        TimeZone(tz::TimeZone::UTC)
    }

    pub fn date(&self, at: Timestamp) -> Date {
        let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        Date(self.0.to_datetime(instant).date())
    }

    /// Day, and hour, minute and second, as the clocks here show them.
    pub fn civil(&self, at: Timestamp) -> (Date, [i8; 3]) {
        let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let local = self.0.to_datetime(instant);
        (Date(local.date()), [local.hour(), local.minute(), local.second()])
    }

    /// As people here read an instant: `2026-11-24 02:07 EST`.
    pub fn minute(&self, at: Timestamp) -> String {
        let instant = jiff::Timestamp::from_millisecond(at.0).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
        let (local, zone) = (self.0.to_datetime(instant), self.0.to_offset_info(instant));
        format!("{} {}", local.strftime("%Y-%m-%d %H:%M"), zone.abbreviation())
    }

    /// `time` on `day` here; one that the change of clocks leaves out is as much later.
    pub fn at(&self, day: Date, time: TimeOfDay) -> Timestamp {
        let local = day.0.at(time.hour, time.minute, 0, 0);
        self.0.to_timestamp(local).map_or(Timestamp(i64::MAX), |at| Timestamp(at.as_millisecond()))
    }

    /// The first instant of `day` here.
    pub fn start_of(&self, day: Date) -> Timestamp {
        let midnight = day.0.to_datetime(civil::Time::midnight());
        self.0.to_timestamp(midnight).map_or(Timestamp(i64::MAX), |at| Timestamp(at.as_millisecond()))
    }

    /// The first instant after `day` here: an inclusive `to` date ends then.
    pub fn end_of(&self, day: Date) -> Timestamp {
        day.0.tomorrow().map_or(Timestamp(i64::MAX), |next| self.start_of(Date(next)))
    }
}

/// `90s`, `30m`, `12h`, `60d`.
pub fn span(text: &str) -> Option<Duration> {
    let unit = match text.chars().last()? {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u64 = text.get(..text.len() - 1)?.parse().ok()?;
    count.checked_mul(unit).map(Duration::from_secs)
}

/// The machine's clock, or one that a test turns by hand.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    pub fn system() -> Clock {
        Clock(None)
    }

    /// A clock that stands at `at` until somebody moves it.
    pub fn standing_at(at: Timestamp) -> Clock {
        Clock(Some(Arc::new(AtomicI64::new(at.0))))
    }

    /// Moves a standing clock; the machine's own is left alone.
    pub fn advance(&self, by: Duration) {
        if let Some(hand) = &self.0 {
            hand.fetch_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX), Ordering::SeqCst);
        }
    }

    #[allow(clippy::disallowed_methods, reason = "the one place that asks the machine")]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Some(hand) => Timestamp(hand.load(Ordering::SeqCst)),
            None => Timestamp(jiff::Timestamp::now().as_millisecond()),
        }
    }
}
