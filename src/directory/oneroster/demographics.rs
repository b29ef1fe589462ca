//! `demographics.csv`: month and day of birth, where a birthday PIN is configured. Race, sex and the rest of the file
//! are not even looked at.

use super::{
    archive::Archive,
    error::ReadError,
    row::Seen,
    table::{Table, need, want},
    values::{self, Day},
};
use crate::directory::Report;

/// Month and day by the user's sourcedId.
#[derive(Default)]
pub(super) struct Birthdays {
    users: Seen,
    days: Vec<Option<(u8, u8)>>,
}

impl Birthdays {
    pub fn of(&self, user: &str) -> Option<(u8, u8)> {
        self.users.find(user).and_then(|number| self.days.get(number as usize).copied().flatten())
    }
}

impl Birthdays {
    /// All that are told.
    pub fn into_list(self) -> Vec<(String, (u8, u8))> {
        let told = (0u32..).zip(&self.days).filter_map(|(number, day)| Some((number, (*day)?)));
        told.map(|(number, day)| (self.users.id(number).to_owned(), day)).collect()
    }
}

const FILE: &str = "demographics.csv";

pub(super) fn read(archive: &mut Archive<'_>, report: &mut Report) -> Result<Birthdays, ReadError> {
    let mut birthdays = Birthdays::default();
    if archive.name(FILE).is_none() {
        let what = "a birthday PIN is configured, but there is no such file: nobody gets one from this delivery";
        report.repaired(FILE, 0, "", "no-demographics", what);
        return Ok(birthdays);
    }
    let columns = [need("sourcedId"), want("status"), need("birthDate")];
    let (mut table, [id, status, birth]) = Table::open(archive, FILE, columns, report)?;
    while let Some(row) = table.next(report)? {
        let (sourced_id, text) = (row.text(id), row.text(birth));
        if sourced_id.is_empty() {
            report.refused(row.file, row.line, "sourcedId", "no-sourced-id", "a row without the user's sourcedId");
            continue;
        }
        birthdays.users.once(&row, sourced_id)?;
        birthdays.days.push(None);
        if !row.is_active(status, report) || text.is_empty() {
            continue;
        }
        // The date itself is personal: a note says what shape it had, never what it was.
        let day = match values::day(text) {
            Day::Iso(day) => day,
            Day::Other(day) => {
                report.repaired(row.file, row.line, "birthDate", "date-format", "another form than 2023-06-15, read");
                day
            }
            Day::Either(..) => {
                let what = "day and month cannot be told apart: no birthday PIN from this row";
                report.refused(row.file, row.line, "birthDate", "ambiguous-date", what);
                continue;
            }
            Day::Unreadable => {
                report.refused(row.file, row.line, "birthDate", "date", "no date: no birthday PIN from this row");
                continue;
            }
        };
        if let (Ok(month), Ok(day)) = (u8::try_from(day.month()), u8::try_from(day.day())) {
            birthdays.days.pop();
            birthdays.days.push(Some((month, day)));
        }
    }
    Ok(birthdays)
}
