//! Changing the key-encryption key.

use std::path::Path;

use serde_json::json;

use super::{TRIES, contended};
use crate::{
    domain::{
        audit::{AuditEvent, Kind},
        clock::Timestamp,
    },
    keyring::{
        Error, KeyRing,
        kek::{self, Kek, Seal},
        unwrap_all,
    },
    store::{Db, audit},
};

/// A change of the key-encryption key.
#[derive(Debug)]
pub struct Rewrapped {
    pub keys: usize,
    /// Why the files could not change names, as on a mount that is read alone: everything goes on with `kek.next`.
    pub misnamed: Option<Error>,
}

impl KeyRing {
    /// Wraps every key anew, by the key of `new` or one made now, and puts that file in the place of the old one, which
    /// stays beside it as `kek.old`. Broken off at any point, nothing is lost, and doing
    /// it again goes on from there.
    ///
    /// # Errors
    /// As `open`; `Kek` where `new` cannot be used.
    pub async fn rewrap(&self, db: &Db, new: Option<&Path>, now: Timestamp) -> Result<Rewrapped, Error> {
        let next = kek::next(&self.kek);
        for _ in 0..TRIES {
            let snapshot = db.keys().load().await?;
            let secrets = unwrap_all(&snapshot, &self.kek)?;
            let places =
                snapshot.material.iter().map(|row| (row.id.as_str(), row.purpose.as_str(), row.wrapped.as_str()));
            let (_, in_use) = Kek::for_rows(&self.kek, places)?;
            if in_use == next {
                // Broken off between the rows and the files.
                return Ok(Rewrapped { keys: secrets.len(), misnamed: kek::change_names(&self.kek).err() });
            }
            let fresh = match new {
                Some(file) => Kek::copy(file, &next)?,
                None => Kek::create(&next)?,
            };
            let mut tx = db.begin().await?;
            if !tx.keys().claim(snapshot.version).await? {
                continue;
            }
            for row in &snapshot.material {
                // A row that this release does not know cannot be left behind under a key that goes.
                let secret = secrets.get(row.id.as_str()).ok_or_else(|| Error::Key {
                    id: row.id.clone(),
                    why: "a newer release made it: change the key-encryption key with that one".into(),
                })?;
                tx.keys().rewrap(&row.id, &fresh.wrap(&row.id, &row.purpose, secret)?).await?;
            }
            let payload =
                json!({ "what": "key-encryption key changed", "keys": snapshot.material.len(), "by": "command" });
            audit::append_alone(&mut tx, &[AuditEvent { at: now, kind: Kind::KeyTurn, payload }]).await?;
            tx.commit().await?;
            return Ok(Rewrapped { keys: snapshot.material.len(), misnamed: kek::change_names(&self.kek).err() });
        }
        Err(contended())
    }
}
