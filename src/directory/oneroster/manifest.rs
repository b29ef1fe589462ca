//! `manifest.csv`: which version, and which files are bulk, delta or absent.

use super::{Options, archive::Archive, error::ReadError, table};
use crate::directory::Report;

const MANIFEST: &str = "manifest.csv";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    /// Role and organisations stand in users.csv.
    V1p1,
    /// They stand in roles.csv.
    V1p2,
}

/// What the manifest says, held against the files that are there.
pub(super) fn read(
    archive: &mut Archive<'_>,
    options: &Options<'_>,
    report: &mut Report,
) -> Result<Version, ReadError> {
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
    let version = match value("oneroster.version").map(|(_, text, line)| (text.as_str(), *line)) {
        Some(("1.2" | "1.2.0" | "v1p2" | "V1P2", _)) => Version::V1p2,
        Some(("1.1" | "1.1.0" | "v1p1" | "V1P1", line)) if roles => {
            let what = "roles.csv is there, which 1.1 does not have: read as 1.2";
            report.repaired(MANIFEST, line, "oneroster.version", "version", what);
            Version::V1p2
        }
        Some(("1.1" | "1.1.0" | "v1p1" | "V1P1", _)) => Version::V1p1,
        Some(("", _)) | None => {
            let (version, name) = if roles { (Version::V1p2, "1.2") } else { (Version::V1p1, "1.1") };
            if !said.is_empty() {
                let what = format!("no version is named; read as {name}, by the files that are there");
                report.repaired(MANIFEST, 0, "oneroster.version", "version", what);
            }
            version
        }
        Some((other, _)) => return Err(ReadError::UnsupportedVersion(other.to_owned())),
    };

    let mut needed = vec!["orgs", "users"];
    if version == Version::V1p2 {
        needed.push("roles");
    }
    if options.birthdays && archive.name("demographics.csv").is_some() {
        needed.push("demographics");
    }
    for name in needed {
        let file = format!("{name}.csv");
        let there = archive.name(&file).is_some();
        match value(&format!("file.{name}")) {
            Some((_, how, _)) if how.eq_ignore_ascii_case("delta") => return Err(ReadError::Delta(file)),
            Some((_, how, line)) if !how.eq_ignore_ascii_case("bulk") && there => {
                let what = format!("the manifest says {how:?}, but the file is there: read as bulk");
                report.repaired(MANIFEST, *line, &format!("file.{name}"), "manifest-file", what);
            }
            _ if !there => return Err(ReadError::MissingFile(file)),
            _ => {}
        }
    }
    Ok(version)
}
