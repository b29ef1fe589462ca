//! `manifest.csv`: which version, and which files are bulk, delta or absent.

use std::{fmt, str::FromStr};

use super::{Options, archive::Archive, error::ReadError, table};
use crate::directory::Report;

const MANIFEST: &str = "manifest.csv";

/// A version that is read and written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// Role and organisations stand in users.csv.
    V1p1,
    /// They stand in roles.csv.
    V1p2,
}

impl FromStr for Version {
    type Err = ReadError;
    fn from_str(text: &str) -> Result<Version, ReadError> {
        match text.trim().trim_start_matches(['v', 'V']).replace('p', ".").as_str() {
            "1.1" | "1.1.0" => Ok(Version::V1p1),
            "1.2" | "1.2.0" => Ok(Version::V1p2),
            _ => Err(ReadError::UnsupportedVersion(text.to_owned())),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V1p1 => "1.1",
            Version::V1p2 => "1.2",
        })
    }
}

/// What was delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Delivered {
    /// Everything there is.
    Whole(Version),
    Changes(Version, Changed),
}

/// Which files of a delivery of changes there are to read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Changed {
    pub users: bool,
    pub roles: bool,
    pub orgs: Sent,
    /// Those of demographics.csv, where they are wanted.
    pub birthdays: bool,
}

/// How a file is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    Bulk,
    Delta,
    Absent,
}

/// What the manifest says, held against the files that are there.
pub(super) fn read(
    archive: &mut Archive<'_>,
    options: &Options<'_>,
    report: &mut Report,
) -> Result<Delivered, ReadError> {
    let said = if archive.name(MANIFEST).is_some() {
        table::pairs(archive, MANIFEST, report)?
    } else {
        for file in ["orgs.csv", "users.csv"] {
            if archive.name(file).is_none() {
                return Err(ReadError::NotOneRoster(format!("it holds no manifest.csv and no {file}")));
            }
        }
        let what = "the manifest is missing; the files that are there were read as bulk";
        report.repaired(MANIFEST, 0, "", "no-manifest", what);
        Vec::new()
    };
    let value = |property: &str| said.iter().find(|(name, ..)| name.eq_ignore_ascii_case(property));

    let roles = archive.name("roles.csv").is_some();
    let mut note = |line, what: String| report.repaired(MANIFEST, line, "oneroster.version", "version", what);
    let version = match value("oneroster.version").filter(|(_, text, _)| !text.is_empty()) {
        Some((_, text, line)) => match (text.parse()?, roles) {
            (Version::V1p1, true) => {
                note(*line, "roles.csv is there, which 1.1 does not have: read as 1.2".into());
                Version::V1p2
            }
            (version, _) => version,
        },
        None => {
            let version = if roles { Version::V1p2 } else { Version::V1p1 };
            if !said.is_empty() {
                note(0, format!("no version is named; read as {version}, by the files that are there"));
            }
            version
        }
    };

    let sent = |name: &str| match value(&format!("file.{name}")) {
        Some((_, how, _)) if how.eq_ignore_ascii_case("delta") => Sent::Delta,
        Some((_, how, _)) if how.eq_ignore_ascii_case("bulk") => Sent::Bulk,
        _ => Sent::Absent,
    };
    let [users, orgs, roles, births] = ["users", "orgs", "roles", "demographics"].map(sent);
    let of_people = [Some(("users", users)), (version == Version::V1p2).then_some(("roles", roles))];
    let births_alone = births == Sent::Delta && !of_people.iter().flatten().any(|(_, sent)| *sent == Sent::Bulk);
    if of_people.iter().flatten().any(|(_, sent)| *sent == Sent::Delta) || orgs == Sent::Delta || births_alone {
        if let Some((name, _)) = of_people.into_iter().flatten().find(|(_, sent)| *sent == Sent::Bulk) {
            return Err(ReadError::Mixed(format!("{name}.csv is bulk and another file is delta")));
        }
        let birthdays = options.birthdays && births != Sent::Absent;
        let (users, roles) = (users == Sent::Delta, version == Version::V1p2 && roles == Sent::Delta);
        let read = [("users", users), ("roles", roles), ("orgs", orgs != Sent::Absent), ("demographics", birthdays)];
        for (name, wanted) in read {
            let file = format!("{name}.csv");
            let there = archive.name(&file).is_some();
            if wanted && !there {
                return Err(ReadError::MissingFile(file));
            }
            if there && !wanted && name != "demographics" && sent(name) == Sent::Absent {
                let what = "the manifest does not call it delta or bulk: it was not read";
                report.repaired(MANIFEST, 0, &format!("file.{name}"), "manifest-file", what);
            }
        }
        return Ok(Delivered::Changes(version, Changed { users, roles, orgs, birthdays }));
    }
    if options.birthdays && births == Sent::Delta {
        return Err(ReadError::Mixed("demographics.csv is delta and users.csv is bulk".into()));
    }
    if options.classes.any()
        && users == Sent::Bulk
        && let Some(name) = ["classes", "enrollments"].into_iter().find(|name| sent(name) == Sent::Delta)
    {
        return Err(ReadError::Mixed(format!("{name}.csv is delta and users.csv is bulk")));
    }

    let mut needed = vec!["orgs", "users"];
    if version == Version::V1p2 {
        needed.push("roles");
    }
    if options.birthdays && archive.name("demographics.csv").is_some() {
        needed.push("demographics");
    }
    if options.classes.any() {
        needed.extend(
            ["classes", "enrollments"].into_iter().filter(|name| archive.name(&format!("{name}.csv")).is_some()),
        );
    }
    for name in needed {
        let file = format!("{name}.csv");
        let there = archive.name(&file).is_some();
        match value(&format!("file.{name}")) {
            Some((_, how, line)) if !how.eq_ignore_ascii_case("bulk") && there => {
                let what = format!("the manifest says {how:?}, but the file is there: read as bulk");
                report.repaired(MANIFEST, *line, &format!("file.{name}"), "manifest-file", what);
            }
            _ if !there => return Err(ReadError::MissingFile(file)),
            _ => {}
        }
    }
    Ok(Delivered::Whole(version))
}
