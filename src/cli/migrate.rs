//! `oneaccess migrate`: the database's schema, brought forward or only looked at.

use std::path::Path;

use anyhow::{Context, Result, bail};
use clap::Args;
use serde_json::json;

use super::output::{Output, counted, without_password};
use crate::{
    admin::operations::backup::{self, Schema},
    compose,
};

#[derive(Debug, Args)]
pub struct Migrate {
    /// Change nothing; exit with 0 where the schema fits this release, with 1 where steps are waiting.
    #[arg(long)]
    check: bool,
}

pub async fn run(config: &Path, command: &Migrate, output: Output) -> Result<()> {
    let settings = compose::read_settings(config)?;
    let database = without_password(&settings.database);
    if command.check {
        let schema = match compose::existing_database(&settings).await? {
            Some(db) => db.schema().await?,
            None => backup::of_nothing(),
        };
        return told(&database, &schema, output);
    }
    let before = backup::migrate(&settings).await.with_context(|| format!("{database} was not brought forward"))?;
    let document = json!({ "database": database, "schema": "current", "taken": before.waiting });
    output.document(&document, |_| match before.waiting.len() {
        0 => say!("The schema of {database} is that of this release."),
        n => say!("The schema of {database} is that of this release now: {} taken.", counted(n, "step")),
    })
}

fn told(database: &str, schema: &Schema, output: Output) -> Result<()> {
    let standing = match (schema.is_current(), schema.misfit()) {
        (true, _) => "current",
        (false, None) => "waiting",
        (false, Some(_)) => "unfit",
    };
    let document = json!({ "database": database, "schema": standing, "standing": schema });
    output.document(&document, |_| {
        if schema.is_current() {
            say!("The schema of {database} fits this release.");
            if !schema.newer.is_empty() {
                say!("A newer release was there already: {}.", schema.newer.join(", "));
            }
        }
    })?;
    if let Some(why) = schema.misfit() {
        bail!("{database}: {why}");
    }
    if !schema.waiting.is_empty() {
        bail!("{database}: still to be taken by `oneaccess migrate`: {}", schema.waiting.join(", "));
    }
    Ok(())
}
