//! `oneaccess apply FILE`: configuration as code.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use serde::Serialize;

use super::output::{Output, counted, warn};
use crate::{
    admin::operations::{
        Desk,
        apply::{self, Options},
        difference::{Action, Difference},
    },
    compose,
    config::Problem,
    domain::{catalogue::Catalogue, clock::Clock},
};

#[derive(Debug, Args)]
pub struct Apply {
    /// What to bring into force. Its own settings say where; those of --config, where it has none.
    file: PathBuf,
    /// Only print what would change.
    #[arg(long)]
    dry_run: bool,
    /// Remove what the file does not declare.
    #[arg(long)]
    prune: bool,
}

#[derive(Serialize)]
struct Applied {
    applied: bool,
    warnings: Vec<String>,
    difference: Difference,
}

pub async fn run(config: &Path, command: Apply, output: Output) -> Result<()> {
    let Apply { file, dry_run, prune } = command;
    let settings = match compose::settings_of(&file) {
        Ok(Some(settings)) => settings,
        Ok(None) => compose::read_settings(config).with_context(|| {
            format!("{} declares the programme alone; the settings come from --config", file.display())
        })?,
        // With the rest of what is wrong, so that one round mends it all.
        Err(problems) => return Err(compose::load(&file, &Catalogue::default()).err().unwrap_or(problems).into()),
    };
    let desk = compose::desk(settings, Clock::system()).await?;
    // A pruning file is the whole programme: it cannot lean on what it takes away.
    let known = desk.db.catalogue().load().await?;
    let known = if prune { known.names_alone() } else { known };
    let loaded = compose::load(&file, &known)?;
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    warnings.iter().for_each(warn);
    let difference = apply::apply(desk.hand(), loaded.declared, Options { dry_run, prune }, "apply").await?;
    let applied = !dry_run && !difference.is_empty();
    output.document(&Applied { applied, warnings, difference }, |told| {
        let difference = &told.difference;
        if difference.is_empty() {
            say!("Nothing to do: all of it is in force.");
            return;
        }
        say!("{difference}\n");
        let tense = if dry_run { "Would be" } else { "Done:" };
        say!(
            "{tense} {} added, {} changed, {} removed.",
            difference.count(Action::Added),
            difference.count(Action::Changed),
            difference.count(Action::Removed)
        );
        if difference.changes.iter().any(|change| change.kind == "organisation") {
            say!("Card numbers and first PINs follow an organisation with its next import.");
        }
    })
}

/// What `serve` does first: the declarations of its own file come into force. Returns what the file may not keep for
/// ever, for whoever runs it to be told.
///
/// # Errors
/// Where the file is wrong, or the database does not answer.
pub async fn own_declarations(desk: &Desk, file: &Path) -> Result<Vec<Problem>> {
    let known = desk.db.catalogue().load().await?;
    let loaded = compose::load(file, &known)?;
    let difference = apply::apply(desk.hand(), loaded.declared, Options::default(), "serve").await?;
    if !difference.is_empty() {
        tracing::info!("applied {}", counted(difference.changes.len(), "change"));
    }
    Ok(loaded.warnings)
}
