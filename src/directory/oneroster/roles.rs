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
    directory::{Post, Report},
    domain::{clock::Date, patron::Role},
};

/// What roles.csv says, taken out one user at a time.
#[derive(Default)]
pub(super) struct Roles {
    users: Ids,
    held: Vec<Held>,
    taken: usize,
    rows: Seen,
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
    /// The row's number among those with a sourcedId; 1.1 has none.
    pub id: Option<u32>,
    pub from: Option<Date>,
    pub until: Option<Date>,
}

impl Roles {
    /// The role's own sourcedId, empty where it has none.
    pub fn sourced_id(&self, post: &HeldPost) -> &str {
        post.id.map_or("", |number| self.rows.id(number))
    }

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
    let (mut table, columns) = Columns::open(archive, report)?;
    let mut roles = Roles::default();
    while let Some(row) = table.next(report)? {
        let (sourced_id, holder) = (row.text(columns.id), row.text(columns.user));
        let id = if sourced_id.is_empty() {
            // Nothing refers to it: the row says all the same who is what, and where.
            report.repaired(
                row.file,
                row.line,
                "sourcedId",
                "no-sourced-id",
                "a role without sourcedId, read all the same",
            );
            None
        } else {
            Some(roles.rows.once(&row, sourced_id)?)
        };
        row.note_date(columns.modified, report);
        if !row.is_active(columns.status, report) {
            continue;
        }
        if holder.is_empty() {
            report.refused(row.file, row.line, "userSourcedId", "no-user", "a role of nobody");
            continue;
        }
        let Some(standing) = row.standing(columns.role, report) else { continue };
        let Standing::Card(role) = standing else {
            roles.of(holder).without_card = true;
            continue;
        };
        let place = row.text(columns.org);
        let Some(org) = orgs.find(place) else {
            let what = format!("organisation {} is not in orgs.csv", short(place));
            report.refused(row.file, row.line, "orgSourcedId", "unknown-org", what);
            continue;
        };
        let Some((from, until)) = columns.term(&row, today, report) else { continue };
        if from.is_some_and(|from| from > today) || until.is_some_and(|until| until < today) {
            report.left_out("role-not-current");
            roles.of(holder).without_card = true;
            continue;
        }
        let primary = columns.is_primary(&row);
        roles.of(holder).add(HeldPost { org, role, primary, id, from, until });
    }
    let (file, rows) = (table.file().to_owned(), table.rows());
    if rows == 0 { Err(ReadError::Empty(file)) } else { Ok(roles) }
}

/// Posts that began, changed or ended, as `Changes::posts`. Whether today is within a post's term is not asked: what is
/// told today may begin tomorrow.
pub(super) fn read_changes(
    archive: &mut Archive<'_>,
    today: Date,
    report: &mut Report,
) -> Result<Vec<(String, String, Option<Post>)>, ReadError> {
    let (mut table, columns) = Columns::open(archive, report)?;
    let (mut seen, mut posts) = (Seen::default(), Vec::new());
    while let Some(row) = table.next(report)? {
        let (sourced_id, holder) = (row.text(columns.id), row.text(columns.user));
        if sourced_id.is_empty() {
            let what = "a role without sourcedId: which one has changed cannot be told";
            report.refused(row.file, row.line, "sourcedId", "no-sourced-id", what);
            continue;
        }
        seen.once(&row, sourced_id)?;
        row.note_date(columns.modified, report);
        let Some(active) = row.status(columns.status, report) else { continue };
        let mut tell = |post| posts.push((holder.to_owned(), sourced_id.to_owned(), post));
        if !active {
            tell(None);
            continue;
        }
        if holder.is_empty() {
            report.refused(row.file, row.line, "userSourcedId", "no-user", "a role of nobody");
            continue;
        }
        let Some(standing) = row.standing(columns.role, report) else { continue };
        let Standing::Card(role) = standing else {
            // It may have been one with a card before.
            tell(None);
            continue;
        };
        let org = row.text(columns.org);
        if org.is_empty() {
            report.refused(row.file, row.line, "orgSourcedId", "unknown-org", "no organisation is named");
            continue;
        }
        let Some((from, until)) = columns.term(&row, today, report) else { continue };
        let (id, primary) = (sourced_id.to_owned(), columns.is_primary(&row));
        tell(Some(Post { id, primary, from, until, ..Post::new(org, role, None) }));
    }
    Ok(posts)
}

/// Where roles.csv has what.
struct Columns {
    id: Place,
    status: Place,
    user: Place,
    kind: Place,
    role: Place,
    begin: Place,
    end: Place,
    org: Place,
    modified: Place,
}

impl Columns {
    fn open<'a>(archive: &'a mut Archive<'_>, report: &mut Report) -> Result<(Table<'a>, Columns), ReadError> {
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
        let (table, [id, status, user, kind, role, begin, end, org, modified]) =
            Table::open(archive, "roles.csv", columns, report)?;
        Ok((table, Columns { id, status, user, kind, role, begin, end, org, modified }))
    }

    fn is_primary(&self, row: &Row<'_>) -> bool {
        row.text(self.kind).eq_ignore_ascii_case("primary")
    }

    /// First and last day, where there are any; `None` where the row is refused.
    fn term(&self, row: &Row<'_>, today: Date, report: &mut Report) -> Option<(Option<Date>, Option<Date>)> {
        // Of two days that a date may be, the one that gives less access: both give the same today.
        let from = bound(row, self.begin, |day| day <= today, Date::max, report)?;
        let until = bound(row, self.end, |day| day >= today, Date::min, report)?;
        Some((from, until))
    }
}

/// A bound, where there is any. A date of two meanings counts where both give the same answer today; `None` where the
/// row is refused, since a guess would change who has access.
pub(super) fn bound(
    row: &Row<'_>,
    place: Place,
    holds: impl Fn(Date) -> bool,
    narrower: fn(Date, Date) -> Date,
    report: &mut Report,
) -> Option<Option<Date>> {
    let text = row.text(place);
    if text.is_empty() {
        return Some(None);
    }
    let mut other = |day: Date| {
        let what = format!("{} read, though not written as 2023-06-15", short(text));
        report.repaired(row.file, row.line, place.column, "date-format", what);
        Some(Some(day))
    };
    match values::day(text) {
        Day::Iso(day) => Some(Some(day)),
        Day::Other(day) => other(day),
        Day::Either(a, b) if holds(a) == holds(b) => other(narrower(a, b)),
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
