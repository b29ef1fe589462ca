//! `orgs.csv`: the tree of offices and schools, and the numbers that the other files' references become.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use super::{
    archive::Archive,
    error::ReadError,
    row::Seen,
    table::{Table, need, want},
    values::short,
};
use crate::directory::{Org, Report};

pub(super) struct Orgs {
    list: Vec<Org>,
    by_id: HashMap<String, u32>,
}

impl Orgs {
    pub fn find(&self, sourced_id: &str) -> Option<u32> {
        self.by_id.get(sourced_id).copied()
    }

    pub fn sourced_id(&self, number: u32) -> Arc<str> {
        self.list.get(number as usize).map_or_else(Arc::default, |org| org.sourced_id.clone())
    }

    pub fn into_list(self) -> Vec<Org> {
        self.list
    }
}

pub(super) fn read(archive: &mut Archive<'_>, report: &mut Report) -> Result<Orgs, ReadError> {
    let File { name, rows, mut orgs, lines, gone } = read_rows(archive, report)?;
    for _ in gone {
        report.left_out("tobedeleted");
    }
    if rows == 0 {
        return Err(ReadError::Empty(name));
    }
    orgs.make_a_tree(&name, &lines, report);
    Ok(orgs)
}

/// Those that are new or changed, and the sourcedIds of those that are no more. Their parents may be known already, so
/// that whether there are such is not for this file to say.
pub(super) fn read_changes(
    archive: &mut Archive<'_>,
    report: &mut Report,
) -> Result<(Vec<Org>, Vec<String>), ReadError> {
    let File { orgs, gone, .. } = read_rows(archive, report)?;
    Ok((orgs.into_list(), gone))
}

struct File {
    name: String,
    rows: u64,
    orgs: Orgs,
    /// Of each of `orgs`.
    lines: Vec<u64>,
    gone: Vec<String>,
}

fn read_rows(archive: &mut Archive<'_>, report: &mut Report) -> Result<File, ReadError> {
    let columns = [
        need("sourcedId"),
        want("status"),
        need("name").words(),
        need("type"),
        want("parentSourcedId"),
        want("dateLastModified"),
    ];
    let (mut table, [id, status, name, _, parent, modified]) = Table::open(archive, "orgs.csv", columns, report)?;
    let mut orgs = Orgs { list: Vec::new(), by_id: HashMap::new() };
    let mut seen = Seen::default();
    let (mut lines, mut gone) = (Vec::new(), Vec::new());
    while let Some(row) = table.next(report)? {
        let sourced_id = row.text(id);
        if sourced_id.is_empty() {
            report.refused(row.file, row.line, "sourcedId", "no-sourced-id", "an organisation without sourcedId");
            continue;
        }
        seen.once(&row, sourced_id)?;
        row.note_date(modified, report);
        match row.status(status, report) {
            None => continue,
            Some(false) => {
                gone.push(sourced_id.to_owned());
                continue;
            }
            Some(true) => {}
        }
        let mut words = row.words(name).into_owned();
        if words.is_empty() {
            report.repaired(row.file, row.line, "name", "no-name", "no name; its sourcedId stands for it");
            words = sourced_id.to_owned();
        }
        let parent = Some(row.text(parent)).filter(|parent| !parent.is_empty()).map(str::to_owned);
        orgs.by_id.insert(sourced_id.to_owned(), u32::try_from(orgs.list.len()).unwrap_or(u32::MAX));
        orgs.list.push(Org { sourced_id: sourced_id.into(), parent, name: words });
        lines.push(row.line);
    }
    Ok(File { name: table.file().to_owned(), rows: table.rows(), orgs, lines, gone })
}

impl Orgs {
    /// Cuts parents that are not there, and rings: whoever walks upwards comes to an end.
    fn make_a_tree(&mut self, file: &str, lines: &[u64], report: &mut Report) {
        let parents: Vec<Option<u32>> =
            self.list.iter().map(|org| org.parent.as_deref().and_then(|p| self.find(p))).collect();
        let rings = rings(&parents);
        for (number, org) in self.list.iter_mut().enumerate() {
            let line = lines.get(number).copied().unwrap_or(0);
            let Some(parent) = &org.parent else { continue };
            if parents.get(number).copied().flatten().is_none() {
                let what = format!("its parent {} is not in this file; it stands alone", short(parent));
                report.repaired(file, line, "parentSourcedId", "unknown-parent", what);
                org.parent = None;
            } else if rings.contains(&number) {
                report.repaired(
                    file,
                    line,
                    "parentSourcedId",
                    "parent-ring",
                    "it is its own ancestor; it stands alone",
                );
                org.parent = None;
            }
        }
    }
}

/// Every node that comes back to itself by walking upwards.
fn rings(parents: &[Option<u32>]) -> HashSet<usize> {
    let above = |node: usize| parents.get(node).copied().flatten().map(|parent| parent as usize);
    // The walk that came by first, from 1; 0 is nobody.
    let mut walked = vec![0usize; parents.len()];
    let mut rings = HashSet::new();
    for start in 0..parents.len() {
        let mut next = Some(start);
        while let Some(node) = next {
            match walked[node] {
                0 => walked[node] = start + 1,
                walk if walk == start + 1 => {
                    let round = std::iter::successors(Some(node), |node| above(*node)).skip(1);
                    rings.extend(round.take_while(|other| *other != node).chain([node]));
                    break;
                }
                _ => break,
            }
            next = above(node);
        }
    }
    rings
}
