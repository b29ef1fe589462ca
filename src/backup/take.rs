//! Writes a backup: one state of the database, table by table, a few hundred rows in memory at a time.

use std::io::{self, BufWriter, Write};

use flate2::{Compression, write::DeflateEncoder};

use super::{
    About, Contents, Counted, Error, Progress, Result, Secret,
    key::Head,
    records::{self, Sum, Total},
    sealed::Sealer,
};
use crate::{
    domain::clock::Timestamp,
    store::{
        Db, Tx,
        backup::{Scan, Table},
    },
};

/// Counts what goes by.
struct Counting<W> {
    inner: W,
    bytes: u64,
}

impl<W: Write> Write for Counting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.bytes += taken as u64;
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Whether a backup can be taken of `db`: it must be as this release knows it. Says at which step it stands.
///
/// # Errors
/// `Target` where it is not.
pub async fn fits(db: &Db) -> Result<i64> {
    let schema = db.schema().await?;
    if let Some(why) = schema.misfit() {
        return Err(Error::Target(why));
    }
    if !schema.waiting.is_empty() || !schema.newer.is_empty() {
        return Err(Error::Target(
            "its schema is another release's: take the backup with that one, or run `oneaccess migrate` first".into(),
        ));
    }
    Ok(schema.at)
}

/// Writes all that `db` holds to `out`, sealed with `secret`.
///
/// # Errors
/// `Target` where the schema is not this release's; else those of the database and of `out`.
pub async fn take(
    db: &Db,
    secret: &Secret,
    now: Timestamp,
    out: impl Write,
    progress: Progress<'_>,
) -> Result<Contents> {
    let schema = fits(db).await?;
    let about = About {
        made_at: now.rfc3339(),
        release: env!("CARGO_PKG_VERSION").to_owned(),
        schema,
        engine: db.engine_name().to_owned(),
    };
    let (line, key) = Head::make(about.clone(), secret)?;
    let mut counting = Counting { inner: BufWriter::new(out), bytes: 0 };
    counting.write_all(line.as_bytes())?;
    let mut out = DeflateEncoder::new(Sealer::new(&key, counting)?, Compression::fast());

    let mut tx = db.snapshot().await?;
    let tables = tx.tables().await?;
    let mut all = 0;
    for table in &tables {
        all += tx.count(table).await?;
    }
    let (mut told, mut done) = (Vec::new(), 0);
    for table in &tables {
        records::put_table(&mut out, table)?;
        let counted = rows(&mut tx, table, |row| {
            records::put_row(&mut out, row)?;
            done += 1;
            if u64::is_multiple_of(done, 1000) {
                progress(done, all);
            }
            Ok(())
        })
        .await?;
        records::put_end(&mut out, &counted)?;
        told.push(counted);
    }
    progress(done, all);
    records::put_close(&mut out, Total { tables: told.len() as u64, rows: done })?;
    let mut counting = out.finish()?.finish()?;
    counting.flush()?;
    Ok(Contents { about, tables: told, rows: done, bytes: counting.bytes })
}

/// Reads a table, hands each row's bytes on, and counts.
pub(super) async fn rows(tx: &mut Tx, table: &Table, mut each: impl FnMut(&[u8]) -> io::Result<()>) -> Result<Counted> {
    let (mut scan, mut sum, mut bytes) = (Scan::of(table), Sum::default(), Vec::new());
    loop {
        let page = scan.next(tx).await?;
        if page.is_empty() {
            return Ok(sum.of(&table.name));
        }
        for row in &page {
            records::encode(row, &mut bytes);
            sum.add(&bytes);
            each(&bytes)?;
        }
    }
}
