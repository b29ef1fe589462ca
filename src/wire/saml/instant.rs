//! Times as XML Schema writes them, to and from numbers: `xs:dateTime` as milliseconds since 1970, `xs:duration` as
//! seconds. No clock here; what has expired is the caller's to say.

const DAY: i64 = 86_400_000;
/// Days from 0001-01-01 to 1970-01-01.
const EPOCH: i64 = 719_162;
/// The instants that four digits of a year can say.
const FIRST: i64 = -EPOCH * DAY;
const LAST: i64 = 2_932_897 * DAY - 1;

/// Milliseconds since 1970. A time without a zone is UTC (SAML core 1.3.3), finer fractions are cut off. `None` for
/// what is no such time: among others years before 0001 and after 9999, and leap seconds, which SAML forbids.
pub fn parse(text: &str) -> Option<i64> {
    let text = trimmed(text);
    // A fraction may have any number of digits; nobody means more than this.
    if text.len() > 64 {
        return None;
    }
    let (date, time) = text.split_once('T')?;
    let mut date = date.split('-');
    let (year, month, day) = (digits(date.next()?, 4)?, digits(date.next()?, 2)?, digits(date.next()?, 2)?);
    if date.next().is_some() || year < 1 || !(1..=days_of(year, month)?).contains(&day) {
        return None;
    }
    let (time, offset) = zone(time)?;
    let days = before_year(year) + before_month(year, month) + day - 1;
    Some((days - EPOCH) * DAY + of_day(time)? - offset)
}

/// Always in UTC, with milliseconds: `2026-11-27T09:30:00.000Z`. What four digits of a year cannot say becomes the
/// nearest that they can.
pub fn write(millis: i64) -> String {
    let millis = millis.clamp(FIRST, LAST);
    let (mut days, of_day) = (millis.div_euclid(DAY) + EPOCH, millis.rem_euclid(DAY));
    // The guess is at most one year too late.
    let mut year = days / 365 + 1;
    while before_year(year) > days {
        year -= 1;
    }
    days -= before_year(year);
    let month = (1..=12).rev().find(|month| before_month(year, *month) <= days).unwrap_or(1);
    let day = days - before_month(year, month) + 1;
    let (hour, minute) = (of_day / 3_600_000, of_day / 60_000 % 60);
    let (second, fraction) = (of_day / 1000 % 60, of_day % 1000);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{fraction:03}Z")
}

/// Seconds of an `xs:duration` such as `P7D` or `PT6H`. A year counts 365 days and a month 30, fractions are cut off.
/// `None` for what is none, and for negative ones.
pub fn parse_duration(text: &str) -> Option<u64> {
    let rest = trimmed(text).strip_prefix('P').filter(|rest| rest.len() <= 64)?;
    let (date, time) = match rest.split_once('T') {
        Some((_, "")) => return None,
        Some((date, time)) => (date, time),
        None if rest.is_empty() => return None,
        None => (rest, ""),
    };
    const DATE: [(char, u64); 3] = [('Y', 365 * 86_400), ('M', 30 * 86_400), ('D', 86_400)];
    const TIME: [(char, u64); 3] = [('H', 3600), ('M', 60), ('S', 1)];
    parts(date, &DATE)?.checked_add(parts(time, &TIME)?)
}

pub fn write_duration(seconds: u64) -> String {
    format!("PT{seconds}S")
}

/// Numbers with their units, each unit once and in this order.
fn parts(mut text: &str, units: &[(char, u64)]) -> Option<u64> {
    let mut sum: u64 = 0;
    for (unit, worth) in units {
        let Some((number, rest)) = text.split_once(*unit) else { continue };
        let whole = match number.split_once('.') {
            Some((whole, fraction)) if *unit == 'S' && all_digits(fraction) => whole,
            _ => number,
        };
        if !all_digits(whole) {
            return None;
        }
        sum = sum.checked_add(whole.parse::<u64>().ok()?.checked_mul(*worth)?)?;
        text = rest;
    }
    text.is_empty().then_some(sum)
}

/// The time of day, and how many milliseconds its zone is ahead of UTC.
fn zone(text: &str) -> Option<(&str, i64)> {
    if let Some(time) = text.strip_suffix('Z') {
        return Some((time, 0));
    }
    let Some(at) = text.rfind(['+', '-']) else { return Some((text, 0)) };
    let (time, zone) = text.split_at_checked(at)?;
    let (sign, zone) = zone.split_at_checked(1)?;
    let (hours, minutes) = zone.split_once(':')?;
    let minutes = digits(hours, 2)? * 60 + digits(minutes, 2).filter(|minutes| *minutes < 60)?;
    let millis = (minutes <= 14 * 60).then_some(minutes * 60_000)?;
    Some((time, if sign == "-" { -millis } else { millis }))
}

/// Milliseconds since midnight. `24:00:00` is the end of the day.
fn of_day(text: &str) -> Option<i64> {
    let (clock, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut clock = clock.split(':');
    let (hour, minute) = (digits(clock.next()?, 2)?, digits(clock.next()?, 2)?);
    let second = digits(clock.next()?, 2)?;
    if clock.next().is_some() || minute > 59 || second > 59 || !all_digits(fraction) {
        return None;
    }
    let milli = fraction.bytes().chain(*b"00").take(3).fold(0, |n, digit| n * 10 + i64::from(digit - b'0'));
    let millis = ((hour * 60 + minute) * 60 + second) * 1000 + milli;
    (hour < 24 || millis == DAY).then_some(millis)
}

fn days_of(year: i64, month: i64) -> Option<i64> {
    match month {
        4 | 6 | 9 | 11 => Some(30),
        2 => Some(if is_leap(year) { 29 } else { 28 }),
        1..=12 => Some(31),
        _ => None,
    }
}

/// Days of the year before its month.
fn before_month(year: i64, month: i64) -> i64 {
    (1..month).filter_map(|month| days_of(year, month)).sum()
}

/// Days from 0001-01-01 to the first of this year.
fn before_year(year: i64) -> i64 {
    let whole = year - 1;
    whole * 365 + whole / 4 - whole / 100 + whole / 400
}

fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    (text.len() == count && all_digits(text)).then(|| text.parse().ok())?
}

fn all_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// XML Schema collapses blanks around a value.
fn trimmed(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\r', '\n'])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_time_is_milliseconds_since_1970() {
        for (text, millis) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1970-01-01T00:00:00.001Z", 1),
            ("1969-12-31T23:59:59.999Z", -1),
            ("2000-02-29T12:00:00Z", 951_825_600_000),
            ("2026-11-27T09:30:00Z", 1_795_771_800_000),
            ("0001-01-01T00:00:00Z", FIRST),
            ("9999-12-31T23:59:59.999Z", LAST),
            (" 2026-11-27T09:30:00Z\n", 1_795_771_800_000),
        ] {
            assert_eq!(parse(text), Some(millis), "{text}");
        }
        assert_eq!(write(1_795_771_800_000), "2026-11-27T09:30:00.000Z");
        assert_eq!(write(951_825_600_007), "2000-02-29T12:00:00.007Z");
    }

    #[test]
    fn zones_are_reckoned_and_a_time_without_one_is_utc() {
        let noon = parse("2026-11-27T12:00:00Z").unwrap();
        for text in [
            "2026-11-27T12:00:00",
            "2026-11-27T13:00:00+01:00",
            "2026-11-27T07:00:00-05:00",
            "2026-11-28T02:00:00+14:00",
            "2026-11-27T17:45:00+05:45",
            "2026-11-27T12:00:00-00:00",
        ] {
            assert_eq!(parse(text), Some(noon), "{text}");
        }
    }

    #[test]
    fn fractions_may_be_long_and_are_cut_off() {
        let whole = parse("2026-11-27T12:00:00Z").unwrap();
        for (fraction, millis) in [("5", 500), ("05", 50), ("1239", 123), ("000000001", 0), ("99999999999999999", 999)]
        {
            assert_eq!(parse(&format!("2026-11-27T12:00:00.{fraction}Z")), Some(whole + millis), "{fraction}");
        }
        assert_eq!(parse("2026-11-27T24:00:00Z"), Some(whole + DAY / 2), "the end of the day");
        assert_eq!(parse("2000-02-29T00:00:00Z").map(write).unwrap(), "2000-02-29T00:00:00.000Z");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "now",
            "2026-11-27",
            "2026-11-27T",
            "2026-11-27T09:30Z",
            "2026-11-27t09:30:00z",
            "2026-11-27 09:30:00Z",
            "0000-01-01T00:00:00Z",
            "-0001-01-01T00:00:00Z",
            "12026-01-01T00:00:00Z",
            "26-01-01T00:00:00Z",
            "+2026-01-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-01-00T00:00:00Z",
            "2026-04-31T00:00:00Z",
            "2026-02-29T00:00:00Z",
            "1900-02-29T00:00:00Z",
            "2026-01-01-01T00:00:00Z",
            "2026-06-30T23:59:60Z",
            "2026-01-01T00:60:00Z",
            "2026-01-01T25:00:00Z",
            "2026-01-01T24:00:01Z",
            "2026-01-01T24:00:00.001Z",
            "2026-01-01T00:00:00.Z",
            "2026-01-01T00:00:00.1.2Z",
            "2026-01-01T00:00:00:00Z",
            "2026-01-01T00:00:00+1:00",
            "2026-01-01T00:00:00+0100",
            "2026-01-01T00:00:00+14:01",
            "2026-01-01T00:00:00+01:60",
            "2026-01-01T00:00:00ZZ",
            "2026-01-01T00:00:0\u{0661}Z",
            "2026-01-01T00:00:00\u{a0}",
            "2026-01-01T00:00:00.1234567890123456789012345678901234567890123456789Z",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn durations_are_seconds() {
        for (text, seconds) in [
            ("PT0S", 0),
            ("PT6H", 21_600),
            ("P7D", 604_800),
            ("P1DT1H1M1.9S", 90_061),
            ("P1Y", 31_536_000),
            ("P1M", 2_592_000),
            ("PT1M", 60),
            ("PT604800S", 604_800),
            (" PT1M ", 60),
        ] {
            assert_eq!(parse_duration(text), Some(seconds), "{text}");
        }
        for text in [
            "",
            "P",
            "PT",
            "P1DT",
            "1D",
            "-P1D",
            "P-1D",
            "P1",
            "PT1D",
            "P1H",
            "PT1S1M",
            "P1D1D",
            "PT1.5M",
            "PT.5S",
            "P1.S",
            "PT1.S",
            "P99999999999999999999D",
            "P999999999999999999Y",
        ] {
            assert_eq!(parse_duration(text), None, "{text}");
        }
        assert_eq!(parse_duration(&write_duration(u64::from(u32::MAX))), Some(u64::from(u32::MAX)));
    }

    #[test]
    fn a_time_beyond_the_calendar_is_written_as_its_edge() {
        assert_eq!(write(i64::MAX), "9999-12-31T23:59:59.999Z");
        assert_eq!(write(i64::MIN), "0001-01-01T00:00:00.000Z");
    }

    proptest! {
        #[test]
        fn what_is_written_reads_the_same(millis in FIRST..=LAST) {
            prop_assert_eq!(parse(&write(millis)), Some(millis));
        }

        #[test]
        fn no_text_is_too_odd_to_be_judged(text in "[0-9TZ:.+PYMDHS-]{0,40}|\\PC{0,40}") {
            let _ = (parse(&text), parse_duration(&text));
        }
    }
}
