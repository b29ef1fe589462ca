//! The marks that servers put on changes, and from which of them on to ask.

use super::settings::Incremental;
use crate::domain::{
    clock::{Date, TimeZone, Timestamp},
    timetable::TimeOfDay,
};

/// What another server of the same directory changed may arrive so much later than what was seen already; entries that
/// come a second time are merged as unchanged.
const LATE: std::time::Duration = std::time::Duration::from_secs(600);

/// The first mark that the next question asks for, where `at` is the latest that was seen. `None`: it cannot be read.
pub(super) fn after(incremental: Incremental, at: &str) -> Option<String> {
    match incremental {
        Incremental::UsnChanged => at.parse::<u64>().ok().map(|usn| usn.saturating_add(1).to_string()),
        Incremental::EntryCsn => Some(format!("{}.000000Z#000000#000#000000", earlier(at)?)),
        Incremental::ModifyTimestamp => Some(format!("{}Z", earlier(at)?)),
        Incremental::None => None,
    }
}

/// `20261127101500`, which the mark begins with, a while earlier.
fn earlier(at: &str) -> Option<String> {
    let digits = at.get(..14).filter(|digits| digits.bytes().all(|b| b.is_ascii_digit()))?;
    let part = |from: usize, to: usize| digits.get(from..to)?.parse::<i8>().ok();
    let date = Date::new(digits.get(..4)?.parse().ok()?, part(4, 6)?, part(6, 8)?)?;
    let time = TimeOfDay { hour: part(8, 10)?, minute: part(10, 12)? };
    let seconds = u64::try_from(part(12, 14)?).ok()?;
    if time.hour > 23 || time.minute > 59 {
        return None;
    }
    let utc = TimeZone::utc();
    let begin: Timestamp = utc.at(date, time) + std::time::Duration::from_secs(seconds) - LATE;
    let (date, [hour, minute, second]) = utc.civil(begin);
    Some(format!("{:04}{:02}{:02}{hour:02}{minute:02}{second:02}", date.year(), date.month(), date.day()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_question_begins_where_the_last_one_ended_or_a_little_before() {
        let csn = after(Incremental::EntryCsn, "20261127000500.123456Z#00000a#001#000000");
        assert_eq!(csn.as_deref(), Some("20261126235500.000000Z#000000#000#000000"));
        assert_eq!(after(Incremental::ModifyTimestamp, "20240301000001Z").as_deref(), Some("20240229235001Z"));
        assert_eq!(after(Incremental::UsnChanged, "4711").as_deref(), Some("4712"));
        for nonsense in ["", "2026", "20261327101500Z", "20261127251500Z", "2026112710150xZ"] {
            assert_eq!(after(Incremental::EntryCsn, nonsense), None, "{nonsense}");
        }
        assert_eq!(after(Incremental::UsnChanged, "*"), None);
    }
}
