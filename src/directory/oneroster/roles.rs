//! `roles.csv` (1.2): who is what, where, and until when.

use super::{
    archive::Archive,
    error::ReadError,
    ids::Ids,
    orgs::Orgs,
    row::Seen,
    table::{Place, Row, Table, need, want},
    values::{self, Day, Read, Standing, short},
};
use crate::{
    directory::Report,
    domain::{clock::Date, patron::Role},
};

/// What roles.csv says, taken out one user at a time.
#[derive(Default)]
pub(super) struct Roles {
    users: Ids,
    held: Vec<Held>,
    taken: usize,
}

/// What it says of one user.
#[derive(Default)]
pub(super) struct Held {
    first: Option<HeldPost>,
    more: Vec<HeldPost>,
    /// There are rows that give no card, or none today: guardians, and roles that ended.
    pub without_card: bool,
}

#[derive(Clone, Copy)]
pub(super) struct HeldPost {
    pub org: u32,
    pub role: Role,
    pub primary: bool,
}

impl Roles {
    pub fn take(&mut self, user: &str) -> Held {
        let Some(held) = self.users.find(user).and_then(|number| self.held.get_mut(number as usize)) else {
            return Held::default();
        };
        self.taken += 1;
        std::mem::take(held)
    }

    /// How many users have roles but are not in users.csv.
    pub fn orphans(&self) -> usize {
        self.held.len() - self.taken
    }

    fn of(&mut self, user: &str) -> &mut Held {
        let (number, _) = self.users.number(user);
        let number = number as usize;
        if number >= self.held.len() {
            self.held.resize_with(number + 1, Held::default);
        }
        &mut self.held[number]
    }
}

impl Held {
    /// In the order of the file.
    pub fn posts(&self) -> Vec<HeldPost> {
        self.first.iter().chain(&self.more).copied().collect()
    }

    fn add(&mut self, post: HeldPost) {
        match self.first {
            None => self.first = Some(post),
            Some(_) => self.more.push(post),
        }
    }
}

pub(super) fn read(
    archive: &mut Archive<'_>,
    orgs: &Orgs,
    today: Date,
    report: &mut Report,
) -> Result<Roles, ReadError> {
    let columns = [
        need("sourcedId"),
        want("status"),
        need("userSourcedId"),
        want("roleType"),
        need("role"),
        want("beginDate"),
        want("endDate"),
        need("orgSourcedId"),
        want("dateLastModified"),
    ];
    let (mut table, [id, status, user, kind, role, begin, end, org, modified]) =
        Table::open(archive, "roles.csv", columns, report)?;
    let mut roles = Roles::default();
    let mut seen = Seen::default();
    while let Some(row) = table.next(report)? {
        let (sourced_id, holder) = (row.text(id), row.text(user));
        if sourced_id.is_empty() {
            // Nothing refers to it: the row says all the same who is what, and where.
            report.repaired(
                row.file,
                row.line,
                "sourcedId",
                "no-sourced-id",
                "a role without sourcedId, read all the same",
            );
        } else {
            seen.once(&row, sourced_id)?;
        }
        row.note_date(modified, report);
        if !row.is_active(status, report) {
            continue;
        }
        if holder.is_empty() {
            report.refused(row.file, row.line, "userSourcedId", "no-user", "a role of nobody");
            continue;
        }
        let Some(standing) = row.standing(role, report) else { continue };
        let Standing::Card(role) = standing else {
            roles.of(holder).without_card = true;
            continue;
        };
        let place = row.text(org);
        let Some(org) = orgs.find(place) else {
            let what = format!("organisation {} is not in orgs.csv", short(place));
            report.refused(row.file, row.line, "orgSourcedId", "unknown-org", what);
            continue;
        };
        let begun = |day: Date| day <= today;
        let lasting = |day: Date| day >= today;
        let (Some(begun), Some(lasting)) = (holds(&row, begin, begun, report), holds(&row, end, lasting, report))
        else {
            continue;
        };
        if !(begun && lasting) {
            report.left_out("role-not-current");
            roles.of(holder).without_card = true;
            continue;
        }
        let primary = row.text(kind).eq_ignore_ascii_case("primary");
        roles.of(holder).add(HeldPost { org, role, primary });
    }
    let (file, rows) = (table.file().to_owned(), table.rows());
    if rows == 0 { Err(ReadError::Empty(file)) } else { Ok(roles) }
}

/// Whether a bound holds today. A date of two meanings counts where both give the same answer; `None` where the row
/// is refused, since a guess would change who has access.
pub(super) fn holds(row: &Row<'_>, place: Place, test: impl Fn(Date) -> bool, report: &mut Report) -> Option<bool> {
    let text = row.text(place);
    if text.is_empty() {
        return Some(true);
    }
    let mut other = |answer: bool| {
        let what = format!("{} read, though not written as 2023-06-15", short(text));
        report.repaired(row.file, row.line, place.column, "date-format", what);
        Some(answer)
    };
    match values::day(text) {
        Day::Iso(day) => Some(test(day)),
        Day::Other(day) => other(test(day)),
        Day::Either(a, b) if test(a) == test(b) => other(test(a)),
        Day::Either(a, b) => {
            let what = format!("{} may be {a} or {b}, which makes a difference today", short(text));
            report.refused(row.file, row.line, place.column, "ambiguous-date", what);
            None
        }
        Day::Unreadable => {
            report.refused(row.file, row.line, place.column, "date", format!("{} is no date", short(text)));
            None
        }
    }
}

impl Row<'_> {
    /// What the role word means; `None` where the row is refused.
    pub fn standing(&self, role: Place, report: &mut Report) -> Option<Standing> {
        let word = self.text(role);
        match values::role(word) {
            Read::Plain(standing) => Some(standing),
            Read::Repaired(standing) => {
                report.repaired(
                    self.file,
                    self.line,
                    "role",
                    "role-case",
                    format!("{word:?} read in spite of its case"),
                );
                Some(standing)
            }
            Read::Unreadable => {
                report.refused(
                    self.file,
                    self.line,
                    "role",
                    "unknown-role",
                    format!("{} is no role of OneRoster", short(word)),
                );
                None
            }
        }
    }
}
