//! `oneaccess check`: is the file right, and what would it do? Changes nothing, and makes nothing.

use std::path::Path;

use anyhow::Result;
use serde::Serialize;

use super::output::{Output, counted, green, warn, without_password};
use crate::{
    admin::operations::{
        apply::{self, Hand, Options},
        difference::{Action, Difference},
    },
    compose,
    config::Declared,
    domain::{catalogue::Catalogue, clock::Clock},
};

#[derive(Serialize)]
struct Checked {
    right: bool,
    warnings: Vec<String>,
    /// Absent where there is no database yet.
    difference: Option<Difference>,
}

pub async fn run(file: &Path, output: Output) -> Result<()> {
    let settings = match compose::settings_of(file) {
        Ok(settings) => settings,
        // With the rest of what is wrong, so that one round mends it all.
        Err(problems) => return Err(compose::load(file, &Catalogue::default()).err().unwrap_or(problems).into()),
    };
    let db = match &settings {
        Some(settings) => compose::existing_database(settings).await?,
        None => None,
    };
    let known = match &db {
        Some(db) => db.catalogue().load().await?,
        None => Catalogue::default(),
    };
    let loaded = compose::load(file, &known)?;
    let contents = contents(&loaded.declared);
    let difference = match &db {
        Some(db) => {
            let dry = Options { dry_run: true, prune: false };
            let clock = Clock::system();
            let hand = Hand { db, clock: &clock, pins: None };
            Some(apply::apply(hand, loaded.declared, dry, "check").await?)
        }
        None => None,
    };
    let warnings: Vec<String> = loaded.warnings.iter().map(ToString::to_string).collect();
    warnings.iter().for_each(warn);
    output.document(&Checked { right: true, warnings, difference }, |checked| {
        say!("{} {}", green("Right:"), file.display());
        say!("It declares {contents}.");
        if let Some(settings) = &settings {
            let database = without_password(&settings.database);
            say!("It would serve {} on {}, from {database}.", settings.issuer, settings.listen);
            if let Some(shelf) = &settings.shelf {
                say!("Its shelf is {shelf}, shared by every replica that names it.");
            }
        }
        match &checked.difference {
            None if settings.is_some() => say!("There is no database yet: all of it would be new."),
            None => {}
            Some(difference) if difference.is_empty() => say!("All of it is in force already."),
            Some(difference) => {
                let (added, changed) = (difference.count(Action::Added), difference.count(Action::Changed));
                say!("Applying it would add {added} and change {changed}:\n{difference}");
            }
        }
    })
}

fn contents(declared: &Declared) -> String {
    let parts = [
        (declared.scopes.len(), "scope"),
        (declared.organisations.len(), "organisation"),
        (declared.agreements.len(), "agreement"),
        (declared.vendors.len(), "vendor"),
        (declared.sources.len(), "source"),
        (declared.opt_outs.len(), "opt-out"),
        (declared.exports.len(), "export"),
        (declared.test_patrons.len(), "test patron"),
    ];
    let some: Vec<String> = parts.iter().filter(|(n, _)| *n > 0).map(|(n, noun)| counted(*n, noun)).collect();
    if some.is_empty() { "nothing, only settings".to_owned() } else { some.join(", ") }
}
