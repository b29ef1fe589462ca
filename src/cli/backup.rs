//! `oneaccess backup` and `oneaccess restore`: everything as one sealed file, and back.

use std::{
    fs,
    io::IsTerminal,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};
use clap::Args;
use serde_json::json;

use super::{
    draft::Draft,
    output::{Output, grouped, warn, without_password},
    progress::Meter,
    secret,
    table::Table,
};
use crate::{
    admin::operations::backup::{self, Contents, Goal, Opened, Secret},
    compose,
    domain::clock::Clock,
};

/// A passphrase is tried by whoever gets the file, as fast as their machines go.
const SHORTEST: usize = 12;

#[derive(Debug, Args)]
pub struct Seal {
    /// A file, mode 0600, with 32 bytes as base64: `openssl rand -base64 32`.
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    key_file: Option<PathBuf>,
    /// A file whose first line is the passphrase, `-` for standard input; without either option it is asked for.
    #[arg(long, value_name = "FILE")]
    passphrase_file: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct Backup {
    /// Where to. Written beside it first, so that half a backup never stands under this name.
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    seal: Seal,
    /// Although the file is there already.
    #[arg(long)]
    force: bool,
}

#[derive(Debug, Args)]
pub struct Restore {
    /// The backup. It goes into the database that `--config` names.
    #[arg(long, value_name = "FILE")]
    from: PathBuf,
    #[command(flatten)]
    seal: Seal,
    /// Only read it to its end, and say what is in it: no database is touched, no configuration needed.
    #[arg(long, conflicts_with = "replace")]
    verify: bool,
    /// Into a database that is not empty: all that it holds is lost. End its servers first.
    #[arg(long)]
    replace: bool,
}

impl Seal {
    fn key(&self) -> Result<Option<Secret>> {
        let Some(path) = &self.key_file else { return Ok(None) };
        let meta = fs::metadata(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let mode = meta.mode() & 0o777;
        ensure!(
            mode & 0o077 == 0,
            "others may read {} (mode {mode:o}); make it yours alone: chmod 600",
            path.display()
        );
        let text = fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        let key = Secret::key(&text);
        Ok(Some(key.with_context(|| format!("{} does not hold 32 bytes as base64", path.display()))?))
    }

    fn passphrase(&self) -> Result<String> {
        secret::read(self.passphrase_file.as_deref(), "Passphrase of the backup: ").context("the passphrase")
    }

    /// For a new backup.
    fn make(&self) -> Result<Secret> {
        if let Some(key) = self.key()? {
            return Ok(key);
        }
        let passphrase = self.passphrase()?;
        let long = passphrase.chars().count() >= SHORTEST;
        ensure!(long, "a passphrase needs {SHORTEST} characters: whoever gets the file may guess for years");
        if self.passphrase_file.is_none() && std::io::stdin().is_terminal() {
            ensure!(secret::read(None, "Once more: ")? == passphrase, "these are two different passphrases");
        }
        Ok(Secret::Passphrase(passphrase))
    }

    fn open(&self, backup: &Opened) -> Result<Secret> {
        match self.key()? {
            Some(key) => Ok(key),
            None => {
                ensure!(backup.wants_passphrase(), "it was sealed with a key file: name it with --key-file");
                Ok(Secret::Passphrase(self.passphrase()?))
            }
        }
    }
}

pub async fn run(config: &Path, command: &Backup, output: Output) -> Result<()> {
    let settings = compose::read_settings(config)?;
    let (out, database) = (&command.out, without_password(&settings.database));
    ensure!(command.force || !out.exists(), "{} is there already; --force writes over it", out.display());
    let db = compose::existing_database(&settings).await?;
    let db = db.with_context(|| format!("there is no database {database}"))?;
    let secret = command.seal.make()?;
    let draft = Draft::beside(out)?;
    let meter = Meter::default();
    let progress = |done, all| meter.tell("backing up", done, all);
    let name = out.file_name().unwrap_or_default().to_string_lossy();
    let contents = backup::take(&db, &Clock::system(), &secret, &name, &draft.file, &progress).await;
    meter.end();
    let contents = contents.with_context(|| format!("{database} was not backed up"))?;
    db.close().await;
    draft.place(out)?;
    let kek = &settings.key_encryption_key_file;
    let document = json!({ "file": out, "database": database, "contents": contents, "not_in_it": [kek] });
    output.document(&document, |_| {
        say!("{} is in {}: {}.", database, out.display(), size(&contents));
        say!("Not in it is the key-encryption key {}: keep a copy of that file, apart from this one.", kek.display());
    })
}

pub async fn restore(config: &Path, command: &Restore, output: Output) -> Result<()> {
    let from = command.from.display();
    let opened = Opened::open(&command.from).with_context(|| format!("{from} cannot be restored"))?;
    let secret = command.seal.open(&opened)?;
    let meter = Meter::default();
    if command.verify {
        let contents = backup::verify(opened, &secret, &|done, all| meter.tell("reading", done, all)).await;
        meter.end();
        let contents = contents.with_context(|| format!("{from} cannot be restored"))?;
        let document = json!({ "whole": true, "file": command.from, "contents": contents });
        return output.document(&document, |_| tell(&command.from, &contents));
    }
    let settings = compose::read_settings(config)?;
    let database = without_password(&settings.database);
    let goal = Goal { name: database.clone(), replace: command.replace };
    let progress = |done, all| meter.tell("restoring", done, all);
    let restored = backup::restore(&settings, &Clock::system(), opened, &secret, goal, &progress).await;
    meter.end();
    let restored = restored.with_context(|| format!("{from} was not restored, and nothing of it is in {database}"))?;
    if let Some(why) = &restored.keys_closed {
        warn(format!("no server can start on it yet: {why}"));
    }
    let contents = &restored.contents;
    let document = json!({ "database": database, "contents": contents, "keys_closed": restored.keys_closed });
    output.document(&document, |_| {
        say!("{database} holds the backup of {}: {}.", contents.about.made_at, size(contents));
        say!("Each table was read again and is what was backed up.");
    })
}

fn size(contents: &Contents) -> String {
    let (rows, tables) = (grouped(contents.rows), contents.tables.len());
    format!("{rows} rows of {tables} tables, {} bytes", grouped(contents.bytes))
}

fn tell(path: &Path, contents: &Contents) {
    let about = &contents.about;
    say!("{} is whole: {}.", path.display(), size(contents));
    let (at, release, schema) = (&about.made_at, &about.release, about.schema);
    say!("Made at {at} by release {release} (schema {schema}), from {}.", about.engine);
    let mut table = Table::new(["TABLE", "ROWS", "CHECKSUM"]);
    for counted in &contents.tables {
        let checksum = counted.checksum.get(..16).unwrap_or_default().to_owned();
        table.row([counted.table.clone(), grouped(counted.rows), checksum]);
    }
    table.print();
}
