//! `oneaccess directory …`: rosters.

mod fetch;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{
    output::{Output, bold, dim, grouped},
    progress::Meter,
    table::Table,
};
use crate::{
    admin::operations::{
        Desk,
        directory::{self, Change, Counts, ImportError, ImportOptions, Movement, Preview, Reading, Report, Step},
        generate, sources,
        sources::{FetchOptions, ImportOutcome},
    },
    compose,
};

#[derive(Debug, Subcommand)]
pub enum Directory {
    /// Writes a fictional district as a OneRoster delivery. The same size makes the same people.
    Generate {
        /// A zip where the name ends in .zip, else a folder.
        path: PathBuf,
        /// Students and staff, all schools together.
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(10..=2_000_000))]
        people: u32,
        /// The OneRoster version.
        #[arg(long, value_name = "VERSION", default_value = "1.2", value_parser = generate::VERSIONS)]
        oneroster: String,
        /// As it is after this many nights; each night 2 % have joined, left, moved or changed.
        #[arg(long, value_name = "K", default_value_t = 0)]
        night: u32,
        /// Only what the last of these nights has changed.
        #[arg(long)]
        delta: bool,
    },
    /// Brings a delivery into force: previewed, guarded, all at once.
    Import {
        /// The source's id, as the configuration declares it.
        source: String,
        /// A zip or a folder.
        path: PathBuf,
        /// Only say who would be added, changed, withdrawn.
        #[arg(long)]
        dry_run: bool,
        /// Go on although more than 10 % of an organisation would be withdrawn.
        #[arg(long)]
        accept_removals: bool,
    },
    /// Fetches what a source has to hand over, and brings it into force: what its timetable does by itself.
    Pull {
        source: String,
        /// Ask for everything, not for changes alone.
        #[arg(long)]
        whole: bool,
        /// Only say who would be added, changed, withdrawn by the first delivery.
        #[arg(long)]
        dry_run: bool,
        /// Go on although more than 10 % of an organisation would be withdrawn.
        #[arg(long)]
        accept_removals: bool,
    },
    /// How each source stands: what is in force, how the last fetch went, when the next one is.
    Status {
        /// Exit with 1 where a fetch failed, was stopped or is overdue: for whoever watches at night.
        #[arg(long)]
        check: bool,
    },
    /// What came in, the newest first.
    Runs {
        /// Of this source only.
        source: Option<String>,
    },
    /// Takes the last import of a source back: what held before it holds again.
    Undo {
        source: String,
        /// This run; without --and-later only if it is the last one.
        #[arg(long, value_name = "N")]
        run: Option<i64>,
        /// With --run: take back the later runs that build upon it as well.
        #[arg(long, requires = "run")]
        and_later: bool,
    },
}

pub async fn run(config: &Path, command: Directory, output: Output) -> Result<()> {
    match command {
        Directory::Generate { path, people, oneroster, night, delta } => {
            write(&path, people, &oneroster, (night, delta), output)
        }
        Directory::Import { source, path, dry_run, accept_removals } => {
            let options = ImportOptions { dry_run, accept_removals };
            import(&super::desk(config).await?, &source, &path, options, output).await
        }
        Directory::Pull { source, whole, dry_run, accept_removals } => {
            let options =
                FetchOptions { import: ImportOptions { dry_run, accept_removals }, whole, ..FetchOptions::default() };
            fetch::pull(&super::desk(config).await?, &source, options, output).await
        }
        Directory::Status { check } => fetch::status(&super::desk(config).await?, check, output).await,
        Directory::Runs { source } => runs(&super::desk(config).await?, source.as_deref(), output).await,
        Directory::Undo { source, run, and_later } => {
            undo(&super::desk(config).await?, &source, run, and_later, output).await
        }
    }
}

fn write(path: &Path, people: u32, version: &str, (nights, delta): (u32, bool), output: Output) -> Result<()> {
    let meter = Meter::default();
    let tell = |at: Reading| meter.tell("Writing rows", at.done, at.total);
    let written = generate::generate(path, usize::try_from(people)?, version, nights, delta, &tell)?;
    meter.end();
    let document = json!({ "path": path, "people": written, "oneroster": version, "night": nights, "delta": delta });
    output.document(&document, |_| {
        say!("{} fictional people, OneRoster {version}: {}", grouped(written as u64), path.display());
    })
}

async fn import(desk: &Desk, source: &str, path: &Path, options: ImportOptions, output: Output) -> Result<()> {
    let meter = Arc::new(Meter::default());
    let reading = {
        let meter = meter.clone();
        move |at: Reading| meter.tell("Reading bytes", at.done, at.total)
    };
    let merging = |step: Step, done: u64, total: u64| meter.tell(name_of(step), done, total);
    let opened = compose::source(desk, source).await?;
    let outcome = directory::import(desk, &opened, source, path, options, reading, &merging).await;
    meter.end();
    let outcome = match outcome {
        Ok(outcome) => outcome,
        Err(error) => return stopped(error, output),
    };
    let consequences = sources::consequences(desk, &outcome.preview.source, &outcome.shifts).await?;
    output.document(&document(&outcome, &consequences), |_| tell(&outcome, &consequences))
}

fn document(outcome: &ImportOutcome, consequences: &[sources::Change]) -> Value {
    json!({
        "applied": outcome.applied,
        "preview": outcome.preview,
        "privileges": consequences,
        "report": outcome.report,
        "people": outcome.movements,
        "sessions_ended": outcome.ended.sessions,
        "grants_ended": outcome.ended.passages,
    })
}

fn tell(outcome: &ImportOutcome, consequences: &[sources::Change]) {
    tell_preview(&outcome.preview);
    tell_consequences(consequences, outcome.applied);
    tell_movements(&outcome.movements);
    tell_report(&outcome.report);
    say!();
    match outcome.preview.run.filter(|_| outcome.applied) {
        None => say!("A dry run: nothing was changed."),
        Some(run) => {
            let (present, source) = (grouped(outcome.preview.totals.present_after), &outcome.preview.source);
            say!("Run {run} is in force: {present} people of {source} have cards.");
            if outcome.ended.sessions > 0 {
                say!("{} sessions of people who left have ended.", grouped(outcome.ended.sessions));
            }
        }
    }
}

/// "312 lose library.ebooks": what the delivery means for what cards open.
fn tell_consequences(consequences: &[sources::Change], applied: bool) {
    if consequences.is_empty() {
        return;
    }
    say!("\n{}", bold(if applied { "What that means for people" } else { "What that would mean for people" }));
    for change in consequences {
        let at = change.organisation.as_ref().map(ToString::to_string).unwrap_or_default();
        let mut parts = Vec::new();
        parts.extend((change.begin > 0).then(|| format!("{} cards open something anew", grouped(change.begin))));
        parts.extend((change.lapse > 0).then(|| format!("{} cards open nothing any more", grouped(change.lapse))));
        parts.extend(change.gain.iter().map(|(scope, n)| format!("{} gain {scope}", grouped(*n))));
        parts.extend(change.lose.iter().map(|(scope, n)| format!("{} lose {scope}", grouped(*n))));
        say!("  {at:<12}  {}", parts.join(", "));
    }
}

/// The guard's no comes with the numbers that it rests on.
fn stopped(error: anyhow::Error, output: Output) -> Result<()> {
    if let Some(ImportError::TooManyRemoved { preview, report }) = error.downcast_ref::<ImportError>() {
        let document = json!({ "applied": false, "refused": error.to_string(), "preview": preview, "report": report });
        output.document(&document, |_| {
            tell_preview(preview);
            tell_report(report);
        })?;
    }
    Err(error)
}

fn name_of(step: Step) -> &'static str {
    match step {
        Step::Sweep => "Sweeping old rows",
        Step::Read => "Reading who is here",
        Step::Compare => "Comparing people",
        Step::Stage => "Writing what changed",
    }
}

fn tell_preview(preview: &Preview) {
    let mut table = Table::new([
        "ORGANISATION",
        "#BEFORE",
        "#ADDED",
        "#CHANGED",
        "#RETURNING",
        "#WITHDRAWN",
        "#BRIDGED",
        "#UNCHANGED",
        "#REFUSED",
        "#AFTER",
    ]);
    let mut row = |name: String, c: &Counts| {
        let numbers = [
            c.present_before,
            c.added,
            c.changed,
            c.returning,
            c.withdrawn,
            c.bridged,
            c.unchanged,
            c.refused,
            c.present_after,
        ];
        table.row(std::iter::once(name).chain(numbers.map(grouped)).collect::<Vec<_>>());
    };
    for (organisation, counts) in &preview.by_organisation {
        row(organisation.to_string(), counts);
    }
    if preview.by_organisation.len() > 1 {
        row("all".to_owned(), &preview.totals);
    }
    table.print();
    if preview.elsewhere > 0 {
        say!("{} people belong to no organisation of the configuration.", grouped(preview.elsewhere));
    }
}

/// How many notes are told word for word; `--json` has them all.
const TOLD: usize = 20;

/// Who moves where, some of each kind, by card and the directory's own key.
fn tell_movements(movements: &[Movement]) {
    for change in Change::ALL {
        let of_kind: Vec<&Movement> = movements.iter().filter(|movement| movement.change == change).collect();
        if of_kind.is_empty() {
            continue;
        }
        say!("\n{}", bold(&format!("Would be {}", change.word())));
        for movement in of_kind.iter().take(TOLD) {
            say!("  {:<12}  {:<16}  {}", movement.organisation.as_str(), movement.card.as_str(), movement.sourced_id);
        }
        if of_kind.len() > TOLD {
            say!("  {}", dim(&format!("and {} more: --json has them", of_kind.len() - TOLD)));
        }
    }
}

fn tell_report(report: &Report) {
    if report.counts.is_empty() {
        return;
    }
    say!("\n{}", bold("Left out, repaired or refused"));
    for (kind, count) in &report.counts {
        say!("  {:>9}  {kind}", grouped(*count));
    }
    if !report.notes.is_empty() {
        say!();
    }
    for note in report.notes.iter().take(TOLD) {
        let place = match (note.line, note.column.as_str()) {
            (0, _) => note.file.clone(),
            (line, "") => format!("{}:{line}", note.file),
            (line, column) => format!("{}:{line} {column}", note.file),
        };
        say!("  {place}: {}", note.what);
    }
    if report.notes.len() > TOLD {
        say!("  {}", dim(&format!("and {} more: --json has them", report.notes.len() - TOLD)));
    }
}

async fn runs(desk: &Desk, source: Option<&str>, output: Output) -> Result<()> {
    let all = directory::runs(desk, source).await?;
    let document: Vec<_> = all
        .iter()
        .map(|run| {
            json!({
                "run": run.id,
                "source": run.source,
                "origin": run.origin,
                "state": run.state,
                "started_at": run.started_at.rfc3339(),
                "finished_at": run.finished_at.map(|at| at.rfc3339()),
                "preview": run.preview,
            })
        })
        .collect();
    output.document(&document, |_| {
        if all.is_empty() {
            say!("Nothing was imported yet.");
            return;
        }
        let mut table =
            Table::new(["#RUN", "SOURCE", "STATE", "STARTED", "#ADDED", "#CHANGED", "#WITHDRAWN", "#PEOPLE", "FROM"]);
        for run in &all {
            let totals = run.preview.as_ref().map(|preview| preview.totals.clone()).unwrap_or_default();
            table.row([
                run.id.to_string(),
                run.source.to_string(),
                run.state.clone(),
                run.started_at.rfc3339(),
                grouped(totals.added),
                grouped(totals.changed),
                grouped(totals.withdrawn),
                grouped(totals.present_after),
                run.origin.clone(),
            ]);
        }
        table.print();
    })
}

async fn undo(desk: &Desk, source: &str, run: Option<i64>, and_later: bool, output: Output) -> Result<()> {
    let meter = Meter::default();
    let merging = |step: Step, done: u64, total: u64| meter.tell(name_of(step), done, total);
    let undone = directory::undo(desk, source, run, and_later, &merging).await;
    meter.end();
    let undone = match undone {
        Ok(undone) => undone,
        Err(error) => bail!("nothing was undone: {error:#}"),
    };
    let document =
        json!({ "source": source, "undone": undone.run, "live": undone.live, "sessions_ended": undone.ended.sessions });
    output.document(&document, |_| match undone.live {
        0 => say!("Run {} is undone. Nothing came before it: {source} has no people now.", undone.run),
        live => say!("Run {} is undone. Run {live} holds again.", undone.run),
    })
}
