//! The database as a whole: its schema brought forward, copied into a sealed file, and put back.

use std::io::Write;

use anyhow::Result;
use serde::Serialize;
use serde_json::json;

use crate::{
    backup::{self, Target},
    config::Config,
    domain::{
        audit::{AuditEvent, Kind},
        clock::Clock,
    },
    keyring::KeyRing,
    store::{Db, audit::append_alone, migrate},
};
pub use crate::{
    backup::{Contents, Opened, Progress, Secret, verify},
    store::migrate::Schema,
};

/// The schema of a database that is not there yet.
pub fn of_nothing() -> Schema {
    migrate::none()
}

/// Brings the schema forward, and says how it was before. Needs no key.
///
/// # Errors
/// Those of `Db::migrate`.
pub async fn migrate(config: &Config) -> Result<Schema> {
    let db = Db::open_with(&config.database, &config.database_pool).await?;
    let before = db.schema().await?;
    db.migrate().await?;
    db.close().await;
    Ok(before)
}

/// Copies everything into `out`. The audit says so before, and so the copy says it, too.
///
/// # Errors
/// Where the schema is another release's; those of the database and of `out`.
pub async fn take(
    db: &Db,
    clock: &Clock,
    secret: &Secret,
    file: &str,
    out: impl Write,
    progress: Progress<'_>,
) -> Result<Contents> {
    backup::fits(db).await?;
    let now = clock.now();
    let event =
        AuditEvent { at: now, kind: Kind::Backup, payload: json!({ "file": file, "sealed_by": sealed_by(secret) }) };
    let mut tx = db.begin().await?;
    append_alone(&mut tx, &[event]).await?;
    tx.commit().await?;
    Ok(backup::take(db, secret, now, out, progress).await?)
}

fn sealed_by(secret: &Secret) -> &'static str {
    match secret {
        Secret::Key(_) => "key file",
        Secret::Passphrase(_) => "passphrase",
    }
}

/// What a restore came to.
#[derive(Debug, Serialize)]
pub struct Restored {
    pub contents: Contents,
    /// Why the key-encryption key of the configuration does not open the keys that came with the backup.
    pub keys_closed: Option<String>,
}

/// Puts a backup into the database of `config`, which must be empty unless `replace`: all of it, or nothing.
///
/// # Errors
/// Where the backup does not open or is not whole, or the database is not empty.
pub async fn restore(
    config: &Config,
    clock: &Clock,
    opened: Opened,
    secret: &Secret,
    goal: Goal,
    progress: Progress<'_>,
) -> Result<Restored> {
    let db = Db::open_with(&config.database, &config.database_pool).await?;
    let target = Target { db: &db, name: goal.name, replace: goal.replace };
    let event = |contents: &Contents| {
        let about = &contents.about;
        let payload =
            json!({ "made_at": about.made_at, "from": about.engine, "release": about.release, "rows": contents.rows });
        AuditEvent { at: clock.now(), kind: Kind::Restore, payload }
    };
    let restored = backup::restore(opened, secret, &target, event, progress).await;
    let outcome = match restored {
        Ok(contents) => {
            let keys = KeyRing::opens(&db, &config.key_encryption_key_file).await;
            Ok(Restored { contents, keys_closed: keys.err().map(|error| error.to_string()) })
        }
        Err(error) => Err(error.into()),
    };
    db.close().await;
    outcome
}

/// The database of a restore.
#[derive(Debug)]
pub struct Goal {
    /// As it is told to people.
    pub name: String,
    pub replace: bool,
}
