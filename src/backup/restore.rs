//! Reads a backup, into a database or only to see that it is whole.
//!
//! Everything happens in one transaction: where anything does not hold, nothing of it stays.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use flate2::read::DeflateDecoder;

use super::{
    Contents, Counted, Error, Progress, Result, Secret,
    key::{Head, LONGEST_LINE},
    records::{self, Record, Sum, Total},
    sealed::Unsealer,
    take,
};
use crate::domain::audit::AuditEvent;
use crate::store::{
    Db, Tx,
    audit::append_alone,
    backup::{Row, Table, at_once},
    migrate,
};

/// A backup whose first line was read.
pub struct Opened {
    path: PathBuf,
    file: BufReader<File>,
    line: String,
    head: Head,
    bytes: u64,
}

impl Opened {
    /// # Errors
    /// `Form` where it is none.
    pub fn open(path: &Path) -> Result<Opened> {
        let file = File::open(path)?;
        let bytes = file.metadata()?.len();
        let mut file = BufReader::with_capacity(256 * 1024, file);
        let mut line = Vec::new();
        (&mut file).take(LONGEST_LINE as u64).read_until(b'\n', &mut line)?;
        let line = String::from_utf8(line).unwrap_or_default();
        let head = Head::read(&line)?;
        Ok(Opened { path: path.into(), file, line, head, bytes })
    }

    /// Whether it was sealed with a passphrase, not with a key file.
    pub fn wants_passphrase(&self) -> bool {
        self.head.wants_passphrase()
    }

    fn unseal(self, secret: &Secret) -> Result<Reading> {
        let key = self.head.open(&self.line, secret)?;
        let unsealer = Unsealer::new(&key, self.file)?;
        Ok(Reading { from: BufReader::new(DeflateDecoder::new(unsealer)), head: self.head, bytes: self.bytes })
    }
}

struct Reading {
    from: BufReader<DeflateDecoder<Unsealer<BufReader<File>>>>,
    head: Head,
    bytes: u64,
}

/// What is done with what is read.
enum Goal<'t> {
    Nothing,
    Database { tx: &'t mut Tx, tables: Vec<Table> },
}

impl Reading {
    /// Reads all of it, table by table.
    async fn all(mut self, into: &mut Goal<'_>, progress: Progress<'_>) -> Result<Contents> {
        let mut tables: Vec<Counted> = Vec::new();
        let mut rows = 0;
        loop {
            match records::next(&mut self.from)? {
                Record::Table(table) => {
                    if let Goal::Database { tables, .. } = into
                        && !tables.contains(&table)
                    {
                        return Err(Error::Form(format!("its table {} is not as this release knows it", table.name)));
                    }
                    if tables.iter().any(|before| before.table == table.name) {
                        return Err(Error::Form(format!("it has two tables {}", table.name)));
                    }
                    tables.push(self.table(&table, into, &mut rows, progress).await?);
                }
                Record::Close(total) => {
                    if total != (Total { tables: tables.len() as u64, rows }) {
                        return Err(Error::Form("it holds other than it says at its end".into()));
                    }
                    break;
                }
                Record::Row(_) | Record::End(_) => return Err(Error::Form("it has rows outside of a table".into())),
            }
        }
        self.from.into_inner().into_inner().drain()?;
        progress(rows, rows);
        Ok(Contents { about: self.head.about, tables, rows, bytes: self.bytes })
    }

    async fn table(
        &mut self,
        table: &Table,
        into: &mut Goal<'_>,
        done: &mut u64,
        progress: Progress<'_>,
    ) -> Result<Counted> {
        let (mut sum, mut bytes) = (Sum::default(), Vec::new());
        let mut waiting: Vec<Row> = Vec::new();
        let told = loop {
            match records::next(&mut self.from)? {
                Record::Row(row) => {
                    if row.len() != table.columns.len() {
                        return Err(Error::Form(format!("a row of {} has other columns", table.name)));
                    }
                    records::encode(&row, &mut bytes);
                    sum.add(&bytes);
                    *done += 1;
                    if done.is_multiple_of(1000) {
                        progress(*done, 0);
                    }
                    if let Goal::Database { tx, .. } = into {
                        waiting.push(row);
                        if waiting.len() == at_once(table) {
                            tx.put_rows(table, &waiting).await?;
                            waiting.clear();
                        }
                    }
                }
                Record::End(told) => break told,
                Record::Table(_) | Record::Close(_) => {
                    return Err(Error::Form(format!("its table {} has no end", table.name)));
                }
            }
        };
        if let Goal::Database { tx, .. } = into {
            tx.put_rows(table, &waiting).await?;
        }
        let counted = sum.of(&table.name);
        if counted != told {
            return Err(Error::Form(format!("its table {} holds other than it says", table.name)));
        }
        Ok(counted)
    }
}

/// Reads the whole backup without any database, and says what is in it.
///
/// # Errors
/// Where the key is another one, or a byte was changed, or the end is missing.
pub async fn verify(opened: Opened, secret: &Secret, progress: Progress<'_>) -> Result<Contents> {
    opened.unseal(secret)?.all(&mut Goal::Nothing, progress).await
}

/// Where a backup goes.
pub struct Target<'d> {
    pub db: &'d Db,
    /// As it is told to people.
    pub name: String,
    /// What is there may be lost.
    pub replace: bool,
}

/// Restores a backup: all of it, or nothing. What was written is read again and compared before it holds. `event` says
/// what the audit is told, and becomes part of what is restored.
///
/// # Errors
/// Those of `verify`; `Target` where the database is not empty, `Differs` where it does not hold what was written.
pub async fn restore(
    opened: Opened,
    secret: &Secret,
    target: &Target<'_>,
    event: impl FnOnce(&Contents) -> AuditEvent,
    progress: Progress<'_>,
) -> Result<Contents> {
    let path = opened.path.display().to_string();
    let reading = opened.unseal(secret)?;
    let schema = reading.head.about.schema;
    if schema > migrate::newest() || schema < 1 {
        let release = &reading.head.about.release;
        return Err(Error::Form(format!("release {release} made it, which is newer: restore it with that one")));
    }
    let standing = target.db.schema().await?;
    if let Some(step) = standing.newer.first() {
        let name = &target.name;
        return Err(Error::Target(format!(
            "{name} belongs to a newer release (step {step}): give it an empty database"
        )));
    }
    let mut tx = target.db.begin_long().await?;
    if !target.replace
        && let Some(table) = tx.occupied().await?
    {
        return Err(Error::Target(format!(
            "{} is not empty: its table {table} has rows. Restore into an empty one, or lose what it holds with --replace",
            target.name
        )));
    }
    let tables = tx.found(schema).await?;
    let mut into = Goal::Database { tx: &mut tx, tables: tables.clone() };
    let contents = reading.all(&mut into, progress).await?;
    if let Some(table) = tables.iter().find(|table| contents.tables.iter().all(|told| told.table != table.name)) {
        return Err(Error::Form(format!("{path} has no table {}", table.name)));
    }
    for (table, told) in tables.iter().filter_map(|table| {
        let told = contents.tables.iter().find(|told| told.table == table.name)?;
        Some((table, told))
    }) {
        let there = take::rows(&mut tx, table, |_| Ok(())).await?;
        if there != *told {
            let name = &table.name;
            return Err(Error::Differs(format!(
                "the database does not hold in {name} what was written: nothing was kept"
            )));
        }
    }
    tx.bring_forward().await?;
    append_alone(&mut tx, &[event(&contents)]).await?;
    tx.commit().await?;
    target.db.analyze().await?;
    Ok(contents)
}
