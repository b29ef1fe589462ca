//! A part of each year: from when to when a card outlives its place on the roster.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

use super::clock::Date;

/// Both days included; it may run over the turn of the year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Season {
    pub from: MonthDay,
    pub until: MonthDay,
}

impl Season {
    /// The last day of the season that `today` is in; `None` where it is in none.
    pub fn last_day(self, today: Date) -> Option<Date> {
        let now = MonthDay { month: today.month(), day: today.day() };
        let this_year = self.until.in_year(today.year());
        let next_year = || self.until.in_year(today.year() + 1);
        match self.from <= self.until {
            true => (self.from <= now && now <= self.until).then_some(this_year)?,
            false if now <= self.until => this_year,
            false => (self.from <= now).then(next_year)?,
        }
    }
}

/// `09-15`: month and day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct MonthDay {
    month: i8,
    day: i8,
}

impl MonthDay {
    /// The 29th of February is the 28th in most years.
    fn in_year(self, year: i16) -> Option<Date> {
        Date::new(year, self.month, self.day).or_else(|| Date::new(year, self.month, self.day - 1))
    }
}

impl FromStr for MonthDay {
    type Err = String;
    fn from_str(text: &str) -> Result<MonthDay, String> {
        let wrong = || format!("{text:?} is not a month and a day such as 09-15");
        let (month, day) = text.split_once('-').filter(|_| text.len() == 5).ok_or_else(wrong)?;
        let (month, day) = (month.parse().map_err(|_| wrong())?, day.parse().map_err(|_| wrong())?);
        // A leap year, so that every day that ever is will do.
        Date::new(2024, month, day).map(|_| MonthDay { month, day }).ok_or_else(wrong)
    }
}

impl fmt::Display for MonthDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}-{:02}", self.month, self.day)
    }
}

impl TryFrom<String> for MonthDay {
    type Error = String;
    fn try_from(text: String) -> Result<MonthDay, String> {
        text.parse()
    }
}

impl From<MonthDay> for String {
    fn from(day: MonthDay) -> String {
        day.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_summer_ends_this_year_and_a_winter_the_next() {
        let season = |from: &str, until: &str| Season { from: from.parse().unwrap(), until: until.parse().unwrap() };
        let last = |season: Season, today: &str| season.last_day(today.parse().unwrap()).map(|day| day.to_string());
        let summer = season("05-15", "09-15");
        assert_eq!(last(summer, "2026-05-14"), None);
        assert_eq!(last(summer, "2026-05-15").as_deref(), Some("2026-09-15"));
        assert_eq!(last(summer, "2026-09-15").as_deref(), Some("2026-09-15"));
        assert_eq!(last(summer, "2026-09-16"), None);
        let winter = season("11-15", "02-29");
        assert_eq!(last(winter, "2026-12-01").as_deref(), Some("2027-02-28"));
        assert_eq!(last(winter, "2027-01-01").as_deref(), Some("2027-02-28"));
        assert_eq!(last(winter, "2027-03-01"), None);
        for wrong in ["9-15", "13-01", "02-30", "0915", "02/28"] {
            assert!(wrong.parse::<MonthDay>().is_err(), "{wrong}");
        }
    }
}
