//! A night as a delivery of changes: what this district has that the one before it had not, or had otherwise.

use std::{io, path::Path};

use super::{
    columns::{DEMOGRAPHICS, ORGS, ROLES, USERS_1P1, USERS_1P2},
    district::District,
    rows::{Before, Pass, Rows, row},
    write::{Delivery, Told},
};
use crate::directory::oneroster::{Progress, Version};

/// Where roles.csv names the person, who is told even of a role that is no more.
const USER_OF_A_ROLE: &[usize] = &[3];

impl District {
    /// Writes what changed since `before`, as `write` does a whole one.
    ///
    /// # Errors
    /// Where the place cannot be written.
    pub fn write_changes(
        &self,
        before: &District,
        path: &Path,
        version: Version,
        progress: &dyn Fn(Progress),
    ) -> io::Result<()> {
        let files = if version == Version::V1p2 { 3 } else { 2 };
        let mut told = Told { done: 0, total: (self.len() + before.len()) * files, progress };
        let mut delivery = Delivery::open(path)?;
        delivery.file("manifest.csv", &["propertyName", "value"], Pass::All, |rows| manifest(rows, version))?;
        let mut changed = |name: &str, header: &[&str], legible, fill: &Fill<'_>| {
            let mut was = Before::new(header.len(), legible);
            let mut noting = Rows::new(Box::new(io::sink()), header, Pass::Noting(&mut was))?;
            fill(before, &mut noting, &mut told)?;
            drop(noting);
            delivery.file(name, header, Pass::Changed(&mut was), |rows| fill(self, rows, &mut told))
        };
        changed("orgs.csv", ORGS, &[], &|district, rows, _| district.orgs(rows))?;
        let users = if version == Version::V1p1 { USERS_1P1 } else { USERS_1P2 };
        changed("users.csv", users, &[], &|district, rows, told| district.users(rows, version, told))?;
        if version == Version::V1p2 {
            changed("roles.csv", ROLES, USER_OF_A_ROLE, &|district, rows, told| district.roles(rows, told))?;
        }
        changed("demographics.csv", DEMOGRAPHICS, &[], &|district, rows, told| district.demographics(rows, told))?;
        delivery.close()?;
        told.finish();
        Ok(())
    }
}

/// Writes one file of a district.
type Fill<'f> = dyn Fn(&District, &mut Rows<'_>, &mut Told<'_>) -> io::Result<()> + 'f;

fn manifest(rows: &mut Rows<'_>, version: Version) -> io::Result<()> {
    row(rows, ["manifest.version", "1.0"])?;
    row(rows, ["oneroster.version", &version.to_string()])?;
    for file in ["demographics", "orgs", "users"] {
        row(rows, [&format!("file.{file}"), "delta"])?;
    }
    if version == Version::V1p2 {
        row(rows, ["file.roles", "delta"])?;
        row(rows, ["file.userProfiles", "absent"])?;
    }
    for file in ["academicSessions", "categories", "classes", "classResources", "courses", "courseResources"] {
        row(rows, [&format!("file.{file}"), "absent"])?;
    }
    for file in ["enrollments", "lineItems", "resources", "results"] {
        row(rows, [&format!("file.{file}"), "absent"])?;
    }
    row(rows, ["source.systemName", "Fictional Student System"])?;
    row(rows, ["source.systemCode", "FSS"])
}
