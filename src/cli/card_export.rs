//! `oneaccess card export`: lines about cards for the library's ILS, to a file that only its owner reads, or on standard
//! output.

use std::{io, path::PathBuf};

use anyhow::{Result, ensure};
use clap::Args;

use super::{
    draft::Draft,
    output::{Output, grouped},
    patron::reason,
};
use crate::admin::operations::{
    Desk,
    export::{self, Made, Since},
};

#[derive(Debug, Args)]
pub struct Export {
    /// The export, as the configuration names it; may be left away where there is one
    name: Option<String>,
    /// Why: kept in the audit.
    #[arg(long, value_parser = reason)]
    reason: String,
    /// Only lines that have changed since: a day, the number of a roster's run, or `last` for this export's last time
    #[arg(long, value_name = "DATE|RUN|last")]
    changed_since: Option<Since>,
    /// Where to; standard output without it
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Although the file is there already
    #[arg(long, requires = "out")]
    force: bool,
}

pub async fn run(desk: &Desk, wish: Export, output: Output) -> Result<()> {
    let (name, since) = (wish.name.as_deref(), wish.changed_since.unwrap_or(Since::Always));
    let Some(path) = &wish.out else {
        ensure!(!output.json, "--json needs --out FILE: the lines themselves would stand on standard output");
        let made = export::export(desk, name, since, &wish.reason, io::stdout().lock(), || Ok(())).await?;
        eprintln!("{}", sentence(&made));
        return Ok(());
    };
    ensure!(wish.force || !path.exists(), "{} is there already; --force writes over it", path.display());
    let draft = Draft::beside(path)?;
    let file = draft.file.try_clone()?;
    let made = export::export(desk, name, since, &wish.reason, file, || draft.place(path)).await?;
    let document = serde_json::json!({ "file": path, "made": made });
    output.document(&document, |_| say!("{} They are in {}.", sentence(&made), path.display()))
}

fn sentence(made: &Made) -> String {
    let by_status: Vec<String> = made.by_status.iter().map(|(status, n)| format!("{} {status}", grouped(*n))).collect();
    let which = match made.changed_since.as_deref() {
        None => String::new(),
        Some("last") => " changed since the last export".to_owned(),
        Some(at) => format!(" changed since {at}"),
    };
    let detail = if by_status.is_empty() { String::new() } else { format!(" ({})", by_status.join(", ")) };
    let lines = if made.lines == 1 { "line" } else { "lines" };
    format!("{}: {} {lines}{which}{detail}, SHA-256 {}.", made.export, grouped(made.lines), made.sha256)
}
