//! What a field means, in the spellings that student systems write. Pure.

use crate::domain::{clock::Date, patron::Role};

/// A value, and whether it was written as OneRoster writes it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::directory) enum Read<T> {
    Plain(T),
    /// Spelled otherwise, but plain in meaning.
    Repaired(T),
    Unreadable,
}

/// `true` or `false`; also `TRUE`, `yes`, `1` and their opposites.
pub(in crate::directory) fn boolean(text: &str) -> Read<bool> {
    match text {
        "true" => return Read::Plain(true),
        "false" => return Read::Plain(false),
        _ => {}
    }
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "t" | "1" => Read::Repaired(true),
        "false" | "no" | "n" | "f" | "0" => Read::Repaired(false),
        _ => Read::Unreadable,
    }
}

/// Whether the row counts: `active` or blank, as against `tobedeleted`.
pub(in crate::directory) fn is_active(status: &str) -> Read<bool> {
    match status {
        "" | "active" => return Read::Plain(true),
        "tobedeleted" => return Read::Plain(false),
        _ => {}
    }
    match status.to_ascii_lowercase().replace([' ', '_', '-'], "").as_str() {
        "active" => Read::Repaired(true),
        "tobedeleted" | "inactive" => Read::Repaired(false),
        _ => Read::Unreadable,
    }
}

/// What a role word means for a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::directory) enum Standing {
    Card(Role),
    /// Guardian, parent or relative.
    NoCard,
}

/// The role words of 1.1 and 1.2, in any case.
pub(in crate::directory) fn role(text: &str) -> Read<Standing> {
    match ROLES.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
        Some((word, standing)) if *word == text => Read::Plain(*standing),
        Some((_, standing)) => Read::Repaired(*standing),
        None => Read::Unreadable,
    }
}

const ROLES: [(&str, Standing); 13] = [
    ("student", Standing::Card(Role::Student)),
    ("teacher", Standing::Card(Role::Staff)),
    ("administrator", Standing::Card(Role::Staff)),
    ("aide", Standing::Card(Role::Staff)),
    ("proctor", Standing::Card(Role::Staff)),
    ("counselor", Standing::Card(Role::Staff)),
    ("principal", Standing::Card(Role::Staff)),
    ("districtAdministrator", Standing::Card(Role::Staff)),
    ("siteAdministrator", Standing::Card(Role::Staff)),
    ("systemAdministrator", Standing::Card(Role::Staff)),
    ("guardian", Standing::NoCard),
    ("parent", Standing::NoCard),
    ("relative", Standing::NoCard),
];

/// A calendar day as it was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::directory) enum Day {
    /// `2023-06-15`, with or without a time of day.
    Iso(Date),
    /// `15/06/2023`, `6/15/2023`, `2023/06/15`, `15.06.2023`, `20230615`: in another form, with one meaning.
    Other(Date),
    /// `03/04/2023` is two days: the day-first and the month-first one.
    Either(Date, Date),
    Unreadable,
}

pub(in crate::directory) fn day(text: &str) -> Day {
    let bytes = text.as_bytes();
    if bytes.len() >= 10 && bytes.is_ascii() && bytes[4] == b'-' && bytes[7] == b'-' {
        let rest = text.get(10..).unwrap_or_default();
        return match calendar(text.get(0..4), text.get(5..7), text.get(8..10)) {
            Some(date) if rest.is_empty() || rest.starts_with(['T', 't', ' ']) => Day::Iso(date),
            _ => Day::Unreadable,
        };
    }
    let date = text.split([' ', 'T']).next().unwrap_or_default();
    if date.len() == 8 && date.bytes().all(|b| b.is_ascii_digit()) {
        return one(date.get(0..4), date.get(4..6), date.get(6..8));
    }
    let mut parts = date.split(['/', '.', '-']);
    let (first, second, third) = (parts.next(), parts.next(), parts.next());
    if parts.next().is_some() {
        return Day::Unreadable;
    }
    if first.is_some_and(|year| year.len() == 4) {
        return one(first, second, third);
    }
    match (calendar(third, second, first), calendar(third, first, second)) {
        (Some(day_first), Some(month_first)) if day_first != month_first => Day::Either(day_first, month_first),
        (Some(date), _) | (None, Some(date)) => Day::Other(date),
        (None, None) => Day::Unreadable,
    }
}

fn one(year: Option<&str>, month: Option<&str>, day: Option<&str>) -> Day {
    calendar(year, month, day).map_or(Day::Unreadable, Day::Other)
}

/// The year needs its four digits: `04` may be a century ago.
fn calendar(year: Option<&str>, month: Option<&str>, day: Option<&str>) -> Option<Date> {
    let digits = |text: Option<&str>, most: usize| {
        text.filter(|t| t.len() <= most && t.bytes().all(|b| b.is_ascii_digit()))?.parse::<i16>().ok()
    };
    let year = digits(year.filter(|year| year.len() == 4), 4)?;
    let number = |text| i8::try_from(digits(text, 2)?).ok();
    Date::new(year, number(month)?, number(day)?)
}

/// The entries of `a,b`; each may stand in quotation marks of its own.
pub(in crate::directory) fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(|entry| entry.trim().trim_matches(['"', '\'']).trim()).filter(|entry| !entry.is_empty())
}

/// The pairs of `{Type:id},{Type:id}`, quoted or bare, and whether anything else stood there.
pub(in crate::directory) fn user_ids(text: &str) -> (Vec<(String, String)>, bool) {
    let mut pairs = Vec::with_capacity(text.matches('{').count().max(1));
    let mut strange = false;
    if !text.contains('{') {
        // Without braces only one pair can be told from a list.
        match pair(text) {
            Some(found) if !text.contains(',') => pairs.push(found),
            _ => return (pairs, !text.is_empty()),
        }
        return (pairs, true);
    }
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        strange |= !is_joint(before);
        let Some((inside, behind)) = after.split_once('}') else { return (pairs, true) };
        match pair(inside) {
            Some(found) => pairs.push(found),
            None => strange = true,
        }
        rest = behind;
    }
    (pairs, strange || !is_joint(rest))
}

/// What may stand between two pairs.
fn is_joint(between: &str) -> bool {
    between.chars().all(|c| matches!(c, ',' | ' ' | '"' | '\'' | '[' | ']'))
}

fn pair(text: &str) -> Option<(String, String)> {
    let bare = |part: &str| part.trim().trim_matches(['"', '\'']).trim().to_owned();
    let (kind, id) = text.trim().trim_matches(['"', '\'']).split_once(':')?;
    let (kind, id) = (bare(kind), bare(id));
    (!kind.is_empty() && !id.is_empty()).then_some((kind, id))
}

/// A found value as a note quotes it: so much of it as a person needs to find it again.
pub(in crate::directory) fn short(text: &str) -> String {
    let mut start: String = text.chars().take(40).collect();
    if start.len() < text.len() {
        start.push('…');
    }
    format!("{start:?}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn date(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn a_day_is_read_in_every_form_that_has_one_meaning() {
        let day_meant = date("2023-06-15");
        assert_eq!(day("2023-06-15"), Day::Iso(day_meant));
        assert_eq!(day("2023-06-15T04:00:00.000Z"), Day::Iso(day_meant));
        for text in ["15/06/2023", "6/15/2023", "2023/06/15", "15.06.2023", "15-06-2023", "20230615", "6/15/2023 12:00"]
        {
            assert_eq!(day(text), Day::Other(day_meant), "{text}");
        }
        assert_eq!(day("04/04/2023"), Day::Other(date("2023-04-04")));
    }

    #[test]
    fn a_day_of_two_meanings_is_not_guessed() {
        assert_eq!(day("03/04/2023"), Day::Either(date("2023-04-03"), date("2023-03-04")));
        for text in ["", "15/06/23", "31/02/2023", "2023-13-01", "soon", "1/2/3/2023", "2023-06-15x", "é023-06-15"] {
            assert_eq!(day(text), Day::Unreadable, "{text}");
        }
    }

    #[test]
    fn a_boolean_is_read_in_capitals_and_nothing_is_guessed() {
        assert_eq!(boolean("true"), Read::Plain(true));
        assert_eq!(boolean("TRUE"), Read::Repaired(true));
        assert_eq!(boolean("False"), Read::Repaired(false));
        assert_eq!(boolean("perhaps"), Read::Unreadable);
    }

    #[test]
    fn guardians_get_no_card_and_every_other_known_role_is_staff() {
        assert_eq!(role("student"), Read::Plain(Standing::Card(Role::Student)));
        for word in ["guardian", "parent", "relative"] {
            assert_eq!(role(word), Read::Plain(Standing::NoCard));
        }
        for word in ["administrator", "aide", "proctor", "teacher", "counselor", "principal"] {
            assert_eq!(role(word), Read::Plain(Standing::Card(Role::Staff)), "{word}");
        }
        for word in ["districtAdministrator", "siteAdministrator", "systemAdministrator"] {
            assert_eq!(role(word), Read::Plain(Standing::Card(Role::Staff)), "{word}");
            assert_eq!(role(&word.to_lowercase()), Read::Repaired(Standing::Card(Role::Staff)), "{word}");
        }
        assert_eq!(role("Student"), Read::Repaired(Standing::Card(Role::Student)));
        assert_eq!(role("visitor"), Read::Unreadable);
        assert_eq!(role(""), Read::Unreadable);
    }

    #[test]
    fn user_ids_are_read_however_they_are_quoted() {
        let pair = |kind: &str, id: &str| (kind.to_owned(), id.to_owned());
        assert_eq!(user_ids("{SIS:123}"), (vec![pair("SIS", "123")], false));
        assert_eq!(user_ids("{SIS:123},{LDAP:a:b}"), (vec![pair("SIS", "123"), pair("LDAP", "a:b")], false));
        assert_eq!(user_ids("\"{SIS:123}\", \"{State:7}\""), (vec![pair("SIS", "123"), pair("State", "7")], false));
        assert_eq!(user_ids("{\"SIS\":\"123\"}"), (vec![pair("SIS", "123")], false));
        assert_eq!(user_ids("{DN:Pupils,Year 7}"), (vec![pair("DN", "Pupils,Year 7")], false));
        assert_eq!(user_ids("SIS:123"), (vec![pair("SIS", "123")], true));
        assert_eq!(user_ids("{SIS:123},{broken"), (vec![pair("SIS", "123")], true));
        assert_eq!(user_ids("{nothing}"), (vec![], true));
        assert_eq!(user_ids(""), (vec![], false));
    }
}
