//! The rows of a plain CSV file as people.

use std::{collections::BTreeSet, path::Path};

use secrecy::SecretString;

use super::{
    super::{
        Org, Person, Post, ReadError, Report, Roster,
        oneroster::{
            Options, Progress,
            archive::{ALONE, Archive},
            row::Seen,
            table::{Place, Row, Spot, Table, want},
            values::{self, Day, Read, Standing, short},
        },
        share,
        source::Reading,
    },
    mapping::Mapping,
};
use crate::domain::{class::ClassKinds, clock::Date, grade::Grade, patron::Role};

pub(super) fn read(path: &Path, mapping: &Mapping, reading: &Reading<'_>) -> Result<Roster, ReadError> {
    let progress = |at: Progress| (reading.progress)(at.done, at.total);
    let options =
        Options { birthdays: reading.birthdays, classes: ClassKinds::None, today: reading.today, progress: &progress };
    let mut archive = Archive::of_one_file(path, mapping.windows, &options)?;
    let mut roster = Roster::default();
    let report = &mut roster.report;
    let (mut table, columns) = Columns::open(&mut archive, mapping, reading.birthdays, report)?;
    let (mut seen, mut orgs) = (Seen::default(), BTreeSet::new());
    while let Some(row) = table.next(report)? {
        let sourced_id = row.text(columns.id);
        if sourced_id.is_empty() {
            report.refused(row.file, row.line, "sourced_id", "no-sourced-id", "a person without a key");
            continue;
        }
        seen.once(&row, sourced_id)?;
        if row.has_surplus() {
            let what = "there are more fields than columns: an unquoted delimiter has pushed the fields to the right";
            report.refused(row.file, row.line, "", "shifted-row", what);
            continue;
        }
        let Some(mut person) = columns.person(&row, mapping, report) else { continue };
        for post in &mut person.posts {
            share(&mut orgs, &mut post.org);
        }
        roster.people.push(person);
    }
    if table.rows() == 0 {
        return Err(ReadError::Empty(table.file().to_owned()));
    }
    let name = |org: &str| mapping.org_names.get(org).cloned().unwrap_or_else(|| org.to_owned());
    let above = mapping.org.as_deref().filter(|above| !orgs.contains(*above));
    roster.orgs = orgs
        .iter()
        .map(|org| Org { sourced_id: org.clone(), parent: above.map(str::to_owned), name: name(org) })
        .chain(above.map(|above| Org { sourced_id: above.into(), parent: None, name: name(above) }))
        .collect();
    Ok(roster)
}

struct Columns {
    id: Place,
    given: Place,
    family: Place,
    identifier: Place,
    username: Place,
    email: Place,
    org: Place,
    role: Place,
    grade: Place,
    password: Place,
    birthday: Place,
}

impl Columns {
    fn open<'a>(
        archive: &'a mut Archive<'_>,
        mapping: &Mapping,
        birthdays: bool,
        report: &mut Report,
    ) -> Result<(Table<'a>, Columns), ReadError> {
        let wanted = [
            want("sourced_id"),
            want("given_name").words(),
            want("family_name").words(),
            want("identifier"),
            want("username"),
            want("email"),
            want("org"),
            want("role"),
            want("grade"),
            want("password"),
        ];
        let wanted = wanted.map(|column| (column, mapping.spot(column.name)));
        let [id, given, family, identifier, username, email, org, role, grade, password] = wanted;
        // A birth date that nobody needs is not looked at.
        let spot = if birthdays { mapping.spot("birthday") } else { Spot::Nowhere };
        let birthday = (want("birthday"), spot);
        let all = [id, given, family, identifier, username, email, org, role, grade, password, birthday];
        let (table, places) = Table::open_as(archive, ALONE, mapping.layout(), all, report)?;
        let [id, given, family, identifier, username, email, org, role, grade, password, birthday] = places;
        Ok((table, Columns { id, given, family, identifier, username, email, org, role, grade, password, birthday }))
    }

    /// The row as a person; `None` where it is refused or gets no card.
    fn person(&self, row: &Row<'_>, mapping: &Mapping, report: &mut Report) -> Option<Person> {
        let role = self.role(row, mapping, report)?;
        let org = match (self.org.is_there(), &mapping.org) {
            (false, Some(org)) => org.as_str(),
            _ => row.text(self.org),
        };
        if org.is_empty() {
            report.refused(row.file, row.line, "org", "unknown-org", "no organisation is named");
            return None;
        }
        let (given_name, family_name) = (row.words(self.given).into_owned(), row.words(self.family).into_owned());
        if given_name.is_empty() && family_name.is_empty() {
            report.refused(row.file, row.line, "given_name", "no-name", "neither given nor family name");
            return None;
        }
        let grade = if role == Role::Student { self.grade(row, report) } else { None };
        let some = |place: Place| Some(row.text(place)).filter(|text| !text.is_empty()).map(str::to_owned);
        Some(Person {
            sourced_id: row.text(self.id).to_owned(),
            given_name,
            family_name,
            identifier: some(self.identifier),
            username: some(self.username),
            email: some(self.email),
            enabled: true,
            posts: vec![Post::new(org, role, grade)],
            grade,
            password: some(self.password).map(SecretString::from),
            birthday: self.birthday(row, mapping, report),
            line: row.line,
            ..Person::default()
        })
    }

    fn role(&self, row: &Row<'_>, mapping: &Mapping, report: &mut Report) -> Option<Role> {
        if let Some(role) = mapping.role {
            return Some(role);
        }
        let word = row.text(self.role);
        let meant = if mapping.role_values.is_empty() {
            match values::role(word) {
                Read::Plain(Standing::Card(role)) | Read::Repaired(Standing::Card(role)) => Some(Some(role)),
                Read::Plain(Standing::NoCard) | Read::Repaired(Standing::NoCard) => Some(None),
                Read::Unreadable => word.eq_ignore_ascii_case("staff").then_some(Some(Role::Staff)),
            }
        } else {
            mapping.role_values.get(&word.to_lowercase()).copied()
        };
        match meant {
            Some(Some(role)) => Some(role),
            Some(None) => {
                report.left_out("no-card-role");
                None
            }
            None => {
                let what = format!("{} is no role that is known: say what it means in role_values", short(word));
                report.refused(row.file, row.line, "role", "unknown-role", what);
                None
            }
        }
    }

    /// Without one a student counts as the youngest, the narrowest shelf.
    fn grade(&self, row: &Row<'_>, report: &mut Report) -> Option<Grade> {
        let text = row.text(self.grade);
        let found = text.parse::<Grade>().ok();
        let mut note = |kind: &str, what: String| report.repaired(row.file, row.line, "grade", kind, what);
        match found {
            Some(grade) if grade.code() != text => note("grade-spelling", format!("{text:?} read as {grade}")),
            None if self.grade.is_there() => {
                note("no-grade", format!("{} is no grade: this student counts as the youngest", short(text)));
            }
            _ => {}
        }
        found
    }

    /// The date itself is personal: a note says what shape it had, never what it was.
    fn birthday(&self, row: &Row<'_>, mapping: &Mapping, report: &mut Report) -> Option<(u8, u8)> {
        let text = row.text(self.birthday);
        if text.is_empty() {
            return None;
        }
        let month_and_day = |day: Date| Some((u8::try_from(day.month()).ok()?, u8::try_from(day.day()).ok()?));
        match (values::day(text), mapping.month_first) {
            (Day::Iso(day) | Day::Other(day), _) => month_and_day(day),
            (Day::Either(_, month_first), Some(true)) => month_and_day(month_first),
            (Day::Either(day_first, _), Some(false)) => month_and_day(day_first),
            (Day::Either(..), None) => {
                let what =
                    "day and month cannot be told apart: no birthday PIN from this row; say in dates which is first";
                report.refused(row.file, row.line, "birthday", "ambiguous-date", what);
                None
            }
            (Day::Unreadable, _) => {
                report.refused(row.file, row.line, "birthday", "date", "no date: no birthday PIN from this row");
                None
            }
        }
    }
}
