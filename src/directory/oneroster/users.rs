//! `users.csv`: the people. In 1.1 a row also says what they are and where; in 1.2 `roles` has said so already.

use secrecy::SecretString;

use super::{
    archive::Archive,
    demographics::Birthdays,
    error::ReadError,
    manifest::Version,
    orgs::Orgs,
    roles::{Held, HeldPost, Roles},
    row::Seen,
    table::{Place, Row, Table, need, want},
    values::{self, Read, Standing, short},
};
use crate::{
    directory::{Person, Post, Report},
    domain::{grade::Grade, patron::Role},
};

const FILE: &str = "users.csv";

pub(super) fn read(
    archive: &mut Archive<'_>,
    orgs: &Orgs,
    mut roles: Option<Roles>,
    birthdays: Birthdays,
    report: &mut Report,
) -> Result<Vec<Person>, ReadError> {
    let (mut table, columns) = Columns::open(archive, roles.is_some(), report)?;
    let mut people = Vec::new();
    let mut seen = Seen::default();
    while let Some(row) = table.next(report)? {
        let sourced_id = row.text(columns.id);
        if sourced_id.is_empty() {
            report.refused(row.file, row.line, "sourcedId", "no-sourced-id", "a person without sourcedId");
            continue;
        }
        seen.once(&row, sourced_id)?;
        row.note_date(columns.modified, report);
        let held = roles.as_mut().map(|roles| roles.take(sourced_id));
        if columns.is_shifted(&row) {
            report.refused(row.file, row.line, "", "shifted-row", SHIFTED);
            continue;
        }
        if !row.is_active(columns.status, report) {
            continue;
        }
        let posts = match (held, &roles) {
            (Some(held), Some(roles)) => columns.posts_by_role(&row, held, roles, orgs, report),
            _ => columns.posts_by_row(&row, orgs, report),
        };
        let Some(posts) = posts else { continue };
        let person = columns.person(&row, posts, report);
        people.extend(person.map(|person| Person { birthday: birthdays.of(sourced_id), ..person }));
    }
    if table.rows() == 0 {
        return Err(ReadError::Empty(table.file().to_owned()));
    }
    for _ in 0..roles.map_or(0, |roles| roles.orphans()) {
        report.left_out("role-of-nobody");
    }
    Ok(people)
}

/// People who are new or changed, and the sourcedIds of those who are no more or get no card any more. A person whose
/// row is refused stays as before.
pub(super) fn read_changes(
    archive: &mut Archive<'_>,
    version: Version,
    report: &mut Report,
) -> Result<(Vec<Person>, Vec<String>), ReadError> {
    let (mut table, columns) = Columns::open(archive, version == Version::V1p2, report)?;
    let (mut people, mut gone, mut seen) = (Vec::new(), Vec::new(), Seen::default());
    while let Some(row) = table.next(report)? {
        let sourced_id = row.text(columns.id);
        if sourced_id.is_empty() {
            report.refused(row.file, row.line, "sourcedId", "no-sourced-id", "a person without sourcedId");
            continue;
        }
        seen.once(&row, sourced_id)?;
        row.note_date(columns.modified, report);
        // Of who is no more often nothing stands there but the sourcedId.
        let Some(active) = row.status(columns.status, report) else { continue };
        if !active {
            gone.push(sourced_id.to_owned());
            continue;
        }
        if columns.is_shifted(&row) {
            report.refused(row.file, row.line, "", "shifted-row", SHIFTED);
            continue;
        }
        let posts = match version {
            // roles.csv has told of them, or leaves them as they are.
            Version::V1p2 => Vec::new(),
            Version::V1p1 => match row.standing(columns.role, report) {
                None => continue,
                Some(Standing::NoCard) => {
                    report.left_out("no-card-role");
                    gone.push(sourced_id.to_owned());
                    continue;
                }
                Some(Standing::Card(role)) => {
                    let Some(posts) = columns.posts_as_named(&row, role, report) else { continue };
                    posts
                }
            },
        };
        people.extend(columns.person(&row, posts, report));
    }
    Ok((people, gone))
}

const SHIFTED: &str = "there are more fields than columns, and e-mail or grade is not what it should be: an unquoted \
                       comma has pushed the fields to the right";

/// Where users.csv has what.
struct Columns {
    id: Place,
    status: Place,
    modified: Place,
    enabled: Place,
    username: Place,
    user_ids: Place,
    given: Place,
    family: Place,
    preferred_given: Place,
    preferred_family: Place,
    identifier: Place,
    email: Place,
    grades: Place,
    password: Place,
    /// 1.2: the organisation to name first.
    primary_org: Place,
    /// 1.1 only.
    role: Place,
    orgs: Place,
}

impl Columns {
    fn open<'a>(
        archive: &'a mut Archive<'_>,
        has_roles: bool,
        report: &mut Report,
    ) -> Result<(Table<'a>, Columns), ReadError> {
        let if_1p1 = |name| if has_roles { want(name) } else { need(name) };
        let wanted = [
            need("sourcedId"),
            want("status"),
            want("dateLastModified"),
            need("enabledUser"),
            need("username"),
            want("userIds"),
            need("givenName").words(),
            need("familyName").words(),
            want("preferredGivenName").words(),
            want("preferredFamilyName").words(),
            want("identifier"),
            want("email"),
            want("grades"),
            want("password"),
            want("primaryOrgSourcedId"),
            if_1p1("role"),
            if_1p1("orgSourcedIds"),
        ];
        let (table, places) = Table::open(archive, FILE, wanted, report)?;
        let [id, status, modified, enabled, username, user_ids, given, family, places @ ..] = places;
        let [preferred_given, preferred_family, identifier, email, grades, password, primary_org, role, orgs] = places;
        let columns = Columns {
            id,
            status,
            modified,
            enabled,
            username,
            user_ids,
            given,
            family,
            preferred_given,
            preferred_family,
            identifier,
            email,
            grades,
            password,
            primary_org,
            role,
            orgs,
        };
        Ok((table, columns))
    }

    /// A surplus field is harmless at the end of a row and means another PIN in the middle of one.
    fn is_shifted(&self, row: &Row<'_>) -> bool {
        let (email, grades) = (row.text(self.email), row.text(self.grades));
        row.has_surplus()
            && ((!email.is_empty() && !email.contains('@'))
                || values::list(grades).any(|grade| grade.parse::<Grade>().is_err())
                || matches!(values::boolean(row.text(self.enabled)), Read::Unreadable))
    }

    /// 1.1: one role at every organisation of the list.
    fn posts_by_row(&self, row: &Row<'_>, orgs: &Orgs, report: &mut Report) -> Option<Vec<Post>> {
        let Standing::Card(role) = row.standing(self.role, report)? else {
            report.left_out("no-card-role");
            return None;
        };
        let mut held: Vec<HeldPost> = Vec::new();
        let mut unknown = Vec::new();
        for id in values::list(row.text(self.orgs)) {
            match orgs.find(id) {
                Some(org) if held.iter().any(|post| post.org == org) => {}
                Some(org) => held.push(HeldPost { org, role, primary: false, id: None, from: None, until: None }),
                None => unknown.push(id),
            }
        }
        let what = match unknown.as_slice() {
            [] => "no organisation is named".to_owned(),
            ids => format!("not in orgs.csv: {}", short(&ids.join(", "))),
        };
        if held.is_empty() {
            report.refused(row.file, row.line, "orgSourcedIds", "unknown-org", what);
            return None;
        }
        if !unknown.is_empty() {
            report.repaired(row.file, row.line, "orgSourcedIds", "unknown-org", format!("{what}; the others count"));
        }
        Some(self.posts(row, held, None, orgs, report))
    }

    /// 1.1: the same where the organisations may be known from an earlier delivery.
    fn posts_as_named(&self, row: &Row<'_>, role: Role, report: &mut Report) -> Option<Vec<Post>> {
        let grade = if role == Role::Student { self.grade(row, true, report) } else { None };
        let mut posts: Vec<Post> = Vec::new();
        for org in values::list(row.text(self.orgs)) {
            if !posts.iter().any(|post| *post.org == *org) {
                posts.push(Post::new(org, role, grade));
            }
        }
        if posts.is_empty() {
            report.refused(row.file, row.line, "orgSourcedIds", "unknown-org", "no organisation is named");
            return None;
        }
        Some(posts)
    }

    /// 1.2: what roles.csv says, the primary one first.
    fn posts_by_role(
        &self,
        row: &Row<'_>,
        held: Held,
        roles: &Roles,
        orgs: &Orgs,
        report: &mut Report,
    ) -> Option<Vec<Post>> {
        let mut posts = held.posts();
        if posts.is_empty() {
            if held.without_card {
                report.left_out("no-card-role");
            } else {
                report.refused(
                    row.file,
                    row.line,
                    "sourcedId",
                    "no-role",
                    "roles.csv has no usable row for this person",
                );
            }
            return None;
        }
        if posts.len() > 1 {
            let first = orgs.find(row.text(self.primary_org));
            posts.sort_by_key(|post| (!post.primary, Some(post.org) != first));
        }
        Some(self.posts(row, posts, Some(roles), orgs, report))
    }

    fn posts(
        &self,
        row: &Row<'_>,
        held: Vec<HeldPost>,
        roles: Option<&Roles>,
        orgs: &Orgs,
        report: &mut Report,
    ) -> Vec<Post> {
        let student = held.iter().any(|post| post.role == Role::Student);
        let grade = if student { self.grade(row, true, report) } else { None };
        let as_post = |held: HeldPost| Post {
            primary: held.primary,
            id: roles.map_or("", |roles| roles.sourced_id(&held)).to_owned(),
            from: held.from,
            until: held.until,
            ..Post::new(orgs.sourced_id(held.org), held.role, grade.filter(|_| held.role == Role::Student))
        };
        held.into_iter().map(as_post).collect()
    }

    /// The first readable grade of the list. Without one a student counts as the youngest, the narrowest shelf.
    fn grade(&self, row: &Row<'_>, student: bool, report: &mut Report) -> Option<Grade> {
        let text = row.text(self.grades);
        let mut note = |kind: &str, what: String| report.repaired(row.file, row.line, "grades", kind, what);
        let mut found = None;
        let mut several = false;
        for entry in values::list(text) {
            match (entry.parse::<Grade>(), found) {
                (Ok(grade), None) => {
                    if grade.code() != entry {
                        note("grade-spelling", format!("{entry:?} read as {grade}"));
                    }
                    found = Some(grade);
                }
                (Ok(grade), Some(first)) => several |= grade != first,
                (Err(_), _) => note("grade", format!("{} is no grade; passed over", short(entry))),
            }
        }
        match found {
            None if student => note("no-grade", "a student without a readable grade counts as the youngest".into()),
            Some(first) if several => {
                note("several-grades", format!("{}: the first one, {first}, was taken", short(text)))
            }
            None | Some(_) => {}
        }
        found
    }

    /// The row as a person; `None` where it is refused.
    fn person(&self, row: &Row<'_>, posts: Vec<Post>, report: &mut Report) -> Option<Person> {
        let name = |preferred: Place, legal: Place| match row.words(preferred) {
            words if words.is_empty() => row.words(legal).into_owned(),
            words => words.into_owned(),
        };
        let given_name = name(self.preferred_given, self.given);
        let family_name = name(self.preferred_family, self.family);
        if given_name.is_empty() && family_name.is_empty() {
            report.refused(row.file, row.line, "givenName", "no-name", "neither given nor family name");
            return None;
        }
        let enabled = self.is_enabled(row, report)?;
        let (user_ids, strange) = values::user_ids(row.text(self.user_ids));
        if strange {
            let what = format!("not {{Type:id}} throughout; {} of its pairs could be read", user_ids.len());
            report.repaired(row.file, row.line, "userIds", "user-ids", what);
        }
        // What its posts say already was told of with them.
        let grade = match posts.first() {
            Some(_) => posts.iter().find_map(|post| post.grade),
            None => self.grade(row, false, report),
        };
        let some = |place: Place| Some(row.text(place)).filter(|text| !text.is_empty());
        Some(Person {
            sourced_id: row.text(self.id).to_owned(),
            given_name,
            family_name,
            identifier: some(self.identifier).map(str::to_owned),
            username: some(self.username).map(str::to_owned),
            email: some(self.email).map(str::to_owned),
            user_ids,
            enabled,
            grade,
            primary_org: some(self.primary_org).filter(|_| posts.is_empty()).map(str::to_owned),
            posts,
            password: some(self.password).map(SecretString::from),
            birthday: None,
            line: row.line,
        })
    }

    fn is_enabled(&self, row: &Row<'_>, report: &mut Report) -> Option<bool> {
        let text = row.text(self.enabled);
        let (enabled, what) = match values::boolean(text) {
            Read::Plain(enabled) => return Some(enabled),
            Read::Repaired(enabled) => (enabled, format!("{text:?} read as {enabled}")),
            Read::Unreadable if text.is_empty() => (true, "empty: read as true, since the row is active".to_owned()),
            Read::Unreadable => {
                let what = format!("{} is neither true nor false", short(text));
                report.refused(row.file, row.line, "enabledUser", "boolean", what);
                return None;
            }
        };
        report.repaired(row.file, row.line, "enabledUser", "boolean", what);
        Some(enabled)
    }
}
