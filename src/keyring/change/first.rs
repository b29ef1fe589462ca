//! The first start: what is missing is made, and what an older release made is taken over.

use std::{collections::HashMap, path::Path};

use super::{Change, Lives, Make, TRIES, contended, scheduled, write};
use crate::{
    domain::{clock::Clock, key::Schedules},
    keyring::{
        Error, Made, SIGN, Secret, Use,
        kek::Kek,
        plan::{self, Turn},
        unwrap_all,
    },
    store::{
        Db,
        keys::{SigningRow, Snapshot, WrappedKey},
    },
    wire::jose::SigningKey,
};

/// All keys of the database, with what a first start must make.
pub async fn with_first_keys(db: &Db, path: &Path, clock: &Clock) -> Result<(Snapshot, Vec<Made>), Error> {
    let mut made = Vec::new();
    for _ in 0..TRIES {
        let snapshot = db.keys().load().await?;
        if snapshot.material.is_empty() && Kek::read(path)?.is_none() {
            Kek::create(path)?;
        }
        let secrets = unwrap_all(&snapshot, path)?;
        let mut change = Change { put: adopted(&snapshot, &secrets)?, ..Change::default() };
        let now = clock.now();
        let known: Vec<SigningRow> = snapshot.signing.iter().chain(&change.put).cloned().collect();
        let lives = Lives { rows: &known, holdings: &[] };
        let turns = plan::plan(&lives.all(), &Schedules::default(), &[], now);
        let firsts = turns.into_iter().filter(|turn| matches!(turn, Turn::Make { first: true, .. }));
        change.make = scheduled(&lives, &Schedules::default(), &firsts.collect::<Vec<_>>(), now).make;
        let secrets = Secret::ALL.into_iter().filter(|what| !secrets.contains_key(what.id()));
        let missing: Vec<Secret> = secrets.collect();
        if change.put.is_empty() && change.make.is_empty() && missing.is_empty() {
            return Ok((snapshot, made));
        }
        let of_keys = change.make.iter().map(|make| (make.id.clone(), SIGN, make.of.as_str()));
        let of_secrets = missing.iter().map(|what| (what.id().to_owned(), what.purpose(), what.algorithm()));
        let all = of_keys.chain(of_secrets);
        let all: Vec<Made> =
            all.map(|(id, purpose, alg)| Made { id, purpose: purpose.into(), algorithm: alg.into() }).collect();
        if write(db, path, clock, &snapshot, change, &missing).await? {
            made = all;
        }
    }
    Err(contended())
}

/// Signing keys of a release that kept no dates: in use since they were made.
fn adopted(snapshot: &Snapshot, secrets: &HashMap<&str, Vec<u8>>) -> Result<Vec<SigningRow>, Error> {
    let unknown = |row: &&WrappedKey| row.purpose == SIGN && !snapshot.signing.iter().any(|key| key.life.id == row.id);
    let mut rows = Vec::new();
    for row in snapshot.material.iter().filter(unknown) {
        let (Some(of), Some(secret)) = (Use::named(&row.algorithm), secrets.get(row.id.as_str())) else { continue };
        let broken = |why: String| Error::Key { id: row.id.clone(), why };
        if of == Use::Saml {
            // No release kept such a key without its dates, and a second certificate would be a stranger to everybody.
            return Err(broken("its certificate is missing".into()));
        }
        let key = SigningKey::from_pkcs8(of.pair(), secret).map_err(|e| broken(e.to_string()))?;
        let at = row.created_at;
        rows.push(Make { of, id: row.id.clone(), at, active_from: at, pinned_from: at }.row(key.kid(), key.jwk()));
    }
    Ok(rows)
}
