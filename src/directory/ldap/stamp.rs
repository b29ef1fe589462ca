//! The marks that servers put on changes, and from which of them on to ask.

use std::time::Duration;

use super::settings::Incremental;
use crate::domain::{
    clock::{Date, TimeZone, Timestamp},
    timetable::TimeOfDay,
};

/// What another server of the same directory changed may arrive so much later than what was seen already; entries that
/// come a second time are merged as unchanged.
const LATE: Duration = Duration::from_secs(600);
/// So long after a mark, whatever bears an earlier one has arrived, even where our clock is not theirs.
const SETTLED: Duration = Duration::from_secs(1_200);

/// The first mark that the next question asks for, where `at` is the latest that was seen, and `settled` that nothing
/// earlier can arrive any more. `None`: it cannot be read.
pub(super) fn after(incremental: Incremental, at: &str, settled: bool) -> Option<String> {
    let begin = || Some(if settled { second(at)? } else { written(time(at)? - LATE) });
    match incremental {
        Incremental::UsnChanged => at.parse::<u64>().ok().map(|usn| usn.saturating_add(1).to_string()),
        Incremental::EntryCsn => Some(format!("{}.000000Z#000000#000#000000", begin()?)),
        Incremental::ModifyTimestamp => Some(format!("{}Z", begin()?)),
        Incremental::None => None,
    }
}

/// Whether nothing with an earlier mark than `at` can arrive any more.
pub(super) fn is_settled(at: &str, now: Timestamp) -> bool {
    time(at).is_some_and(|at| now.since(at) > SETTLED)
}

/// The part of a mark that tells the second.
pub(super) fn second(at: &str) -> Option<String> {
    at.get(..14).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit())).map(str::to_owned)
}

/// `20261127101500`, which the mark begins with.
fn time(at: &str) -> Option<Timestamp> {
    let digits = second(at)?;
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let date = Date::new(digits.get(..4)?.parse().ok()?, part(4, 6)?, part(6, 8)?)?;
    let time = TimeOfDay { hour: part(8, 10)?, minute: part(10, 12)? };
    let seconds = u64::try_from(part(12, 14)?).ok()?;
    (time.hour < 24 && time.minute < 60).then(|| TimeZone::utc().at(date, time) + Duration::from_secs(seconds))
}

fn written(at: Timestamp) -> String {
    let (date, [hour, minute, second]) = TimeZone::utc().civil(at);
    format!("{:04}{:02}{:02}{hour:02}{minute:02}{second:02}", date.year(), date.month(), date.day())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_question_begins_where_the_last_one_ended_or_a_little_before() {
        let csn = "20261127000500.123456Z#00000a#001#000000";
        let from = |settled| after(Incremental::EntryCsn, csn, settled);
        assert_eq!(from(false).as_deref(), Some("20261126235500.000000Z#000000#000#000000"));
        assert_eq!(from(true).as_deref(), Some("20261127000500.000000Z#000000#000#000000"));
        let march = after(Incremental::ModifyTimestamp, "20240301000001Z", false);
        assert_eq!(march.as_deref(), Some("20240229235001Z"));
        assert_eq!(after(Incremental::UsnChanged, "4711", false).as_deref(), Some("4712"));
        let at = time(csn).unwrap();
        assert!(!is_settled(csn, at) && !is_settled(csn, at + SETTLED) && is_settled(csn, at + SETTLED * 2));
        for nonsense in ["", "2026", "20261327101500Z", "20261127251500Z", "2026112710150xZ"] {
            assert_eq!(after(Incremental::EntryCsn, nonsense, false), None, "{nonsense}");
        }
        assert_eq!(after(Incremental::UsnChanged, "*", false), None);
    }
}
