//! The programme: whether the file's declarations fit what is in force, whether rosters come in, and what vendors publish.

use std::{fs, path::Path};

use super::{Finding, Wishes};
use crate::{
    compose::{examine, load},
    config::{Config, Problem},
    domain::{
        catalogue::{Catalogue, SourceSettings},
        check::Outcome,
        clock::Timestamp,
        vendor::{RelyingParty, Vendor},
    },
    store::Db,
};

const DECLARATIONS: &str = "declarations";
const SOURCE: &str = "source";
const DROP_FOLDER: &str = "drop-folder";
const VENDOR: &str = "vendor";
const METADATA: &str = "vendor-metadata";
const TOLD: usize = 3;
const DAY: i64 = 86_400;
/// Before what a vendor published ends.
const SOON: i64 = 3;

pub async fn all(db: &Db, file: &Path, config: &Config, now: Timestamp, wishes: Wishes) -> Vec<Finding> {
    let catalogue = match db.catalogue().load().await {
        Ok(catalogue) => catalogue,
        Err(error) => return vec![Finding::failed(DECLARATIONS, error.to_string(), "the programme cannot be read")],
    };
    let mut found = declarations(file, &catalogue);
    found.extend(sources(db, &catalogue, now).await);
    found.extend(drop_folders(&catalogue));
    found.extend(metadata(&catalogue, now));
    if wishes.reach {
        found.extend(vendors(config, &catalogue).await);
    }
    found
}

fn declarations(file: &Path, catalogue: &Catalogue) -> Vec<Finding> {
    match load(file, catalogue) {
        Err(problems) => {
            let all = problems.to_string();
            let failed = |line| Finding::failed(DECLARATIONS, line, "mend it: the next start would refuse the file");
            all.lines().map(failed).collect()
        }
        Ok(loaded) if loaded.warnings.is_empty() => vec![Finding::ok(DECLARATIONS, "they fit what is in force")],
        Ok(loaded) => {
            let warning =
                |problem: &Problem| Finding::warning(DECLARATIONS, problem.to_string(), "it works; plan to end it");
            loaded.warnings.iter().map(warning).collect()
        }
    }
}

/// The same judgement as `oneaccess directory status --check`.
async fn sources(db: &Db, catalogue: &Catalogue, now: Timestamp) -> Vec<Finding> {
    let (scheduled, live) = match (db.schedules().all().await, db.rosters().live_runs().await) {
        (Ok(scheduled), Ok(live)) => (scheduled, live),
        (Err(error), _) | (_, Err(error)) => {
            return vec![Finding::failed(SOURCE, error.to_string(), "the database cannot be read")];
        }
    };
    let one = |source: &SourceSettings| {
        let live = live.iter().find(|run| run.source == source.id.as_str());
        let fetched = scheduled.iter().find(|of| of.source == source.id).filter(|_| !source.timetable.is_empty());
        let finding = match (fetched, live) {
            (Some(of), _) if !of.is_good(now) => {
                let why = if of.detail.is_empty() { "overdue" } else { &of.detail };
                let found = format!("its last fetch: {}; {why}", of.outcome.as_str());
                Finding::failed(SOURCE, found, "`oneaccess directory status`; is a server running to fetch it?")
            }
            (Some(of), _) => {
                let last = of.good_at.map_or("never yet".into(), Timestamp::rfc3339);
                Finding::ok(SOURCE, format!("last well {last}, next {}", of.due_at.rfc3339()))
            }
            (None, Some(run)) => {
                let at = run.finished_at.map_or("some time".into(), Timestamp::rfc3339);
                Finding::ok(SOURCE, format!("run {} is in force since {at}; nothing is fetched by itself", run.id))
            }
            (None, None) if source.timetable.is_empty() && source.kind != "oidc" && source.kind != "ldap" => {
                let todo = format!("`oneaccess directory import {} FILE`, or a timetable", source.id);
                Finding::warning(SOURCE, "nothing came in yet, and nothing is fetched by itself", todo)
            }
            (None, None) => Finding::ok(SOURCE, "nothing came in yet"),
        };
        finding.of(source.id.as_str())
    };
    catalogue.sources.values().map(one).collect()
}

/// The server moves what it took into folders inside, so it must write there.
fn drop_folders(catalogue: &Catalogue) -> Vec<Finding> {
    let folders = catalogue.sources.values().filter(|source| !source.timetable.is_empty());
    let folders = folders.filter_map(|source| Some((source, source.text("path")?)));
    let one = |(source, path): (&SourceSettings, &str)| {
        let folder = Path::new(path);
        let finding = match fs::read_dir(folder) {
            Err(error) => Finding::failed(
                DROP_FOLDER,
                format!("{path}: {error}"),
                "make the folder, and let the server's user read it",
            ),
            Ok(_) if rustix::fs::access(folder, rustix::fs::Access::WRITE_OK).is_err() => {
                let todo = "let the server's user write there: it moves what it took into a folder inside";
                Finding::failed(DROP_FOLDER, format!("{path} can be read, and not written"), todo)
            }
            Ok(entries) => Finding::ok(DROP_FOLDER, format!("{path}, {} entries", entries.count())),
        };
        finding.of(source.id.as_str())
    };
    folders.map(one).collect()
}

/// What service providers publish at addresses of their own.
fn metadata(catalogue: &Catalogue, now: Timestamp) -> Vec<Finding> {
    let parties = catalogue.vendors.values().flat_map(|vendor| vendor.relying_parties.iter().map(move |p| (vendor, p)));
    let one = |(vendor, party): (&Vendor, &RelyingParty)| {
        let known = party.published.as_deref()?;
        let ends = known.live.as_ref().and_then(|live| live.valid_until);
        let days = ends.map(|end| (end.seconds() - now.seconds()).div_euclid(DAY));
        let look = format!("`oneaccess vendor metadata {}`", vendor.id);
        let url = &known.url;
        let finding = match (days, &known.trouble, &known.staged) {
            (Some(i64::MIN..0), ..) => Finding::failed(METADATA, format!("what {url} published is over"), look),
            (Some(0..SOON), ..) => Finding::warning(METADATA, format!("what {url} published ends within days"), look),
            (_, Some(trouble), _) => Finding::warning(METADATA, format!("{url}: {}", trouble.detail), look),
            (_, _, Some(_)) => Finding::warning(METADATA, "a change waits for your decision", look),
            _ => Finding::ok(METADATA, format!("{url} is up to date")),
        };
        Some(finding.of(vendor.id.as_str()))
    };
    parties.filter_map(one).collect()
}

/// What `oneaccess vendor test` finds, the first few of each vendor.
async fn vendors(config: &Config, catalogue: &Catalogue) -> Vec<Finding> {
    let mut found = Vec::new();
    for vendor in catalogue.vendors.values().filter(|vendor| !vendor.disabled) {
        let todo = format!("`oneaccess vendor test {}`", vendor.id);
        let checks = match examine(config, vendor).await {
            Ok(checks) => checks,
            Err(error) => {
                found.push(Finding::failed(VENDOR, format!("{error:#}"), todo).of(vendor.id.as_str()));
                continue;
            }
        };
        let wrong: Vec<String> =
            checks.into_iter().filter(|check| check.outcome == Outcome::Mend).map(|c| c.detail).collect();
        let finding = match wrong.len() {
            0 => Finding::ok(VENDOR, "what can be seen of it from here answers"),
            n => {
                let said = wrong.iter().take(TOLD).map(String::as_str).collect::<Vec<_>>().join("; ");
                Finding::warning(VENDOR, format!("{n} to mend: {said}"), todo)
            }
        };
        found.push(finding.of(vendor.id.as_str()));
    }
    found
}
