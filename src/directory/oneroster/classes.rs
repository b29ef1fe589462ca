//! `classes.csv` and `enrollments.csv`: who learns and who teaches in which class. Opened only where a configuration asks
//! for classes; nothing in them gives anybody a card.

use std::collections::HashSet;

use super::{
    Options,
    archive::Archive,
    error::ReadError,
    roles::bound,
    row::Seen,
    table::{Table, need, want},
    values::short,
};
use crate::{
    directory::{Person, Report},
    domain::{
        class::{ClassRole, ClassRoll},
        clock::Date,
    },
};

pub(super) const CLASSES: &str = "classes.csv";
pub(super) const ENROLLMENTS: &str = "enrollments.csv";

/// The classes that were asked for, with their members. `None` where the delivery says nothing of classes: then those that
/// are known already stay as they are.
pub(super) fn read(
    archive: &mut Archive<'_>,
    options: &Options<'_>,
    people: &[Person],
    report: &mut Report,
) -> Result<Option<Vec<ClassRoll>>, ReadError> {
    for file in [CLASSES, ENROLLMENTS] {
        if archive.name(file).is_none() {
            let what = "classes are configured, but there is no such file: the classes known so far stay as they are";
            report.repaired(file, 0, "", "no-classes", what);
            return Ok(None);
        }
    }
    let mut classes = classes(archive, options, report)?;
    enrol(archive, options, people, &mut classes, report)?;
    let rolls = classes.rolls.into_iter().flatten().filter(|roll| !roll.members.is_empty());
    let sorted = rolls.map(|mut roll| {
        roll.members.sort_unstable();
        roll.members.dedup();
        roll
    });
    Ok(Some(sorted.collect()))
}

/// A delivery of changes says nothing that could stand for whole classes: says so where it brings any.
pub(super) fn leave(archive: &Archive<'_>, report: &mut Report) {
    if let Some(file) = [CLASSES, ENROLLMENTS].into_iter().find(|file| archive.name(file).is_some()) {
        let what = "classes are read in whole deliveries alone: those known so far stay as they are";
        report.repaired(file, 0, "", "classes-in-changes", what);
    }
}

/// By the number of the class; `None` for one that is not taken.
struct Classes {
    ids: Seen,
    rolls: Vec<Option<ClassRoll>>,
}

fn classes(archive: &mut Archive<'_>, options: &Options<'_>, report: &mut Report) -> Result<Classes, ReadError> {
    let columns = [
        need("sourcedId"),
        want("status"),
        need("title").words(),
        want("grades"),
        need("classType"),
        need("schoolSourcedId"),
    ];
    let (mut table, [id, status, title, grades, kind, school]) = Table::open(archive, CLASSES, columns, report)?;
    let mut classes = Classes { ids: Seen::default(), rolls: Vec::new() };
    while let Some(row) = table.next(report)? {
        let sourced_id = row.text(id);
        if sourced_id.is_empty() {
            report.refused(row.file, row.line, "sourcedId", "no-sourced-id", "a class without sourcedId");
            continue;
        }
        classes.ids.once(&row, sourced_id)?;
        classes.rolls.push(None);
        if !row.is_active(status, report) {
            continue;
        }
        if !options.classes.take(row.text(kind)) {
            report.left_out("class-of-another-kind");
            continue;
        }
        let words = row.words(title);
        let roll = ClassRoll {
            sourced_id: sourced_id.to_owned(),
            title: if words.is_empty() { sourced_id.to_owned() } else { words.into_owned() },
            org: row.text(school).to_owned(),
            grades: row.text(grades).to_owned(),
            members: Vec::new(),
        };
        if let Some(place) = classes.rolls.last_mut() {
            *place = Some(roll);
        }
    }
    Ok(classes)
}

/// Puts everybody into their classes. A row that cannot be read is refused alone: it would say who may reset whose PIN.
fn enrol(
    archive: &mut Archive<'_>,
    options: &Options<'_>,
    people: &[Person],
    classes: &mut Classes,
    report: &mut Report,
) -> Result<(), ReadError> {
    let known: HashSet<&str> = people.iter().map(|person| person.sourced_id.as_str()).collect();
    let columns = [
        want("status"),
        need("classSourcedId"),
        need("userSourcedId"),
        need("role"),
        want("beginDate"),
        want("endDate"),
    ];
    let (mut table, [status, class, user, role, begin, end]) = Table::open(archive, ENROLLMENTS, columns, report)?;
    let mut orphans = 0;
    while let Some(row) = table.next(report)? {
        if !row.is_active(status, report) {
            continue;
        }
        let Some(number) = classes.ids.find(row.text(class)) else {
            let what = format!("class {} is not in classes.csv", short(row.text(class)));
            report.refused(row.file, row.line, "classSourcedId", "unknown-class", what);
            continue;
        };
        let Some(roll) = classes.rolls.get_mut(number as usize).and_then(Option::as_mut) else { continue };
        let word = row.text(role);
        let role = match word.to_ascii_lowercase().as_str() {
            "student" => ClassRole::Student,
            "teacher" => ClassRole::Teacher,
            "administrator" | "aide" | "proctor" => {
                report.left_out("enrollment-without-part");
                continue;
            }
            _ => {
                let what = format!("{} is no role of an enrollment", short(word));
                report.refused(row.file, row.line, "role", "unknown-role", what);
                continue;
            }
        };
        if row.has_surplus() {
            let what = "more fields than columns: which is which would be a guess";
            report.refused(row.file, row.line, "", "shifted-row", what);
            continue;
        }
        let (begun, lasting) = (|first: Date| first <= options.today, |last: Date| last >= options.today);
        let (first, last) =
            (bound(&row, begin, begun, Date::max, report), bound(&row, end, lasting, Date::min, report));
        let (Some(first), Some(last)) = (first, last) else { continue };
        if !(first.is_none_or(begun) && last.is_none_or(lasting)) {
            report.left_out("enrollment-not-current");
            continue;
        }
        if !known.contains(row.text(user)) {
            orphans += 1;
            continue;
        }
        roll.members.push((row.text(user).to_owned(), role));
    }
    if orphans > 0 {
        let what = format!("{orphans} enrollments of people who get no card from this delivery were passed over");
        report.repaired(ENROLLMENTS, 0, "userSourcedId", "orphan-enrollment", what);
    }
    Ok(())
}
