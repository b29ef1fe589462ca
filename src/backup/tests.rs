//! Backups between databases of both engines, and those of an earlier release.

use std::io::Write;

use flate2::{Compression, write::DeflateEncoder};
use serde_json::json;

use super::{
    key::Head,
    records::{self, Total},
    sealed::Sealer,
    *,
};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        clock::Timestamp,
        id::PatronId,
    },
    store::{
        Db,
        audit::append_alone,
        migrate,
        rosters::trial::{databases, sign_in},
    },
};

const NOW: Timestamp = Timestamp(1_790_000_000_000);

fn quiet(_: u64, _: u64) {}

fn restored(_: &Contents) -> AuditEvent {
    AuditEvent { at: NOW, kind: Kind::Restore, payload: json!({}) }
}

struct File(std::path::PathBuf);

impl File {
    fn new() -> File {
        File(std::env::temp_dir().join(format!("oneaccess-backup-{}", uuid::Uuid::now_v7().simple())))
    }
}

impl Drop for File {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

async fn filled(db: &Db) {
    for n in 0..600 {
        sign_in(db, PatronId::new(), NOW.millis() + n).await;
    }
    let mut tx = db.begin().await.unwrap();
    let event = AuditEvent { at: NOW, kind: Kind::Apply, payload: json!({ "naïve": "Ünïcode 📚" }) };
    append_alone(&mut tx, &[event]).await.unwrap();
    tx.commit().await.unwrap();
}

async fn restored_into(db: &Db, file: &File, secret: &Secret, replace: bool) -> Result<Contents> {
    let target = Target { db, name: "it".into(), replace };
    restore(Opened::open(&file.0)?, secret, &target, restored, &quiet).await
}

#[tokio::test]
async fn everything_goes_from_each_engine_to_each_and_says_the_same() {
    let (from, to) = (databases().await, databases().await);
    let secret = Secret::Passphrase("a long walk in the rain".into());
    for (from, ..) in &from {
        filled(from).await;
        let file = File::new();
        let out = std::fs::File::create(&file.0).unwrap();
        let taken = take(from, &secret, NOW, out, &quiet).await.unwrap();
        assert_eq!(taken.bytes, std::fs::metadata(&file.0).unwrap().len());
        let read = verify(Opened::open(&file.0).unwrap(), &secret, &quiet).await.unwrap();
        assert_eq!(read, taken);
        for (to, ..) in &to {
            assert_eq!(restored_into(to, &file, &secret, true).await.unwrap(), taken);
            let verdict = to.audit().verify().await.unwrap();
            assert!(verdict.breaks.is_empty() && verdict.chains == 2, "{verdict:?}");
            let again = restored_into(to, &file, &secret, false).await.unwrap_err();
            assert!(matches!(again, Error::Target(_)), "{again}");
        }
    }
}

/// A backup at the step before the newest, as the release before wrote it.
async fn of_the_release_before(db: &Db, file: &File, secret: &Secret) {
    let before = migrate::newest() - 1;
    let mut tx = db.begin().await.unwrap();
    let tables = tx.found(before).await.unwrap();
    let about = About { made_at: NOW.rfc3339(), release: "0.0.1".into(), schema: before, engine: "sqlite".into() };
    let (line, key) = Head::make(about, secret).unwrap();
    let mut out = std::fs::File::create(&file.0).unwrap();
    out.write_all(line.as_bytes()).unwrap();
    let mut out = DeflateEncoder::new(Sealer::new(&key, out).unwrap(), Compression::fast());
    for table in &tables {
        records::put_table(&mut out, table).unwrap();
        records::put_end(&mut out, &records::Sum::default().of(&table.name)).unwrap();
    }
    records::put_close(&mut out, Total { tables: tables.len() as u64, rows: 0 }).unwrap();
    out.finish().unwrap().finish().unwrap();
}

#[tokio::test]
async fn a_backup_of_an_earlier_release_is_brought_forward() {
    let secret = Secret::key("q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s=").unwrap();
    for (db, ..) in databases().await {
        let file = File::new();
        of_the_release_before(&db, &file, &secret).await;
        restored_into(&db, &file, &secret, false).await.unwrap();
        assert!(db.schema().await.unwrap().is_current());
        take(&db, &secret, NOW, std::io::sink(), &quiet).await.unwrap();
    }
}

#[tokio::test]
async fn a_broken_backup_leaves_nothing_behind() {
    let secret = Secret::key("q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s").unwrap();
    let (from, to) = (databases().await, databases().await);
    filled(&from[0].0).await;
    let file = File::new();
    take(&from[0].0, &secret, NOW, std::fs::File::create(&file.0).unwrap(), &quiet).await.unwrap();
    let whole = std::fs::read(&file.0).unwrap();
    for place in [20, whole.len() / 2, whole.len() - 1] {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        std::fs::write(&file.0, changed).unwrap();
        for (to, ..) in &to {
            assert!(restored_into(to, &file, &secret, false).await.is_err());
            let mut tx = to.begin().await.unwrap();
            assert_eq!(tx.occupied().await.unwrap(), None);
            assert_eq!(tx.tables().await.unwrap().len(), crate::store::backup::TABLES.len());
        }
    }
    std::fs::write(&file.0, &whole).unwrap();
    let other = Secret::key("rKysrKysrKysrKysrKysrKysrKysrKysrKysrKysrKw=").unwrap();
    let wrong = restored_into(&to[0].0, &file, &other, false).await.unwrap_err();
    assert!(matches!(wrong, Error::Key(_)), "{wrong}");
}
