//! Keys: the one that wraps the others, and those that sign.

use std::collections::BTreeMap;

use super::Finding;
use crate::{
    config::Config,
    domain::{
        clock::Timestamp,
        key::{Life, SAML, State},
    },
    keyring::{KeyRing, rotation_due},
    store::Db,
    wire::certificate,
};

const KEK: &str = "key-encryption-key";
const KEYS: &str = "signing-keys";
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;
/// Before a SAML certificate's end: vendors that keep it by hand need the new one first.
const SOON: i64 = 60 * DAY;

pub async fn all(db: &Db, config: &Config, now: Timestamp) -> Vec<Finding> {
    let snapshot = match db.keys().load().await {
        Ok(snapshot) => snapshot,
        Err(error) => return vec![Finding::failed(KEYS, error.to_string(), "the database cannot be read")],
    };
    if snapshot.material.is_empty() {
        return file(config);
    }
    let path = config.key_encryption_key_file.display().to_string();
    let mut found = vec![match KeyRing::opens(db, &config.key_encryption_key_file).await {
        Ok(()) => Finding::ok(KEK, format!("it opens all {} keys of the database", snapshot.material.len())).of(path),
        Err(error) => {
            let todo = "put back the file that belongs to this database, yours alone (chmod 600); without it no PIN and no \
                        signature can be checked";
            Finding::failed(KEK, error.to_string(), todo).of(path)
        }
    }];
    let lives: Vec<&Life> = snapshot.signing.iter().map(|row| &row.life).collect();
    found.extend(turns(&lives, config, now));
    for row in snapshot.signing.iter().filter(|row| row.life.algorithm == SAML && row.life.is_published()) {
        let jwk: serde_json::Value = serde_json::from_str(&row.jwk).unwrap_or_default();
        let der = jwk["x5c"][0].as_str().and_then(certificate::from_base64);
        let Some(read) = der.and_then(|der| certificate::Certificate::of(&der).ok()) else { continue };
        let left = read.not_after - now.seconds();
        if left < SOON {
            let found_ = format!("its certificate ends in {} days", left.div_euclid(DAY));
            let todo = "`oneaccess keys rotate --algorithm RSA-SHA256`, and hand the new certificate to vendors that keep it by hand";
            found.push(Finding::warning(KEYS, found_, todo).of(row.life.id.clone()));
        }
    }
    found
}

/// Before there is a database.
pub fn file(config: &Config) -> Vec<Finding> {
    let path = &config.key_encryption_key_file;
    let finding = match KeyRing::reads(path) {
        Ok(true) => Finding::ok(KEK, "it is there, and wraps nothing yet"),
        Ok(false) => Finding::ok(KEK, "it is not there yet; the first command makes it"),
        Err(error) => {
            Finding::failed(KEK, error.to_string(), "make it yours alone, and let it hold 32 bytes as base64url")
        }
    };
    vec![finding.of(path.display().to_string())]
}

fn turns(lives: &[&Life], config: &Config, now: Timestamp) -> Vec<Finding> {
    let mut of_each: BTreeMap<&str, Vec<&Life>> = BTreeMap::new();
    for life in lives.iter().filter(|life| life.is_published() && life.retiring_from.is_none()) {
        of_each.entry(&life.algorithm).or_default().push(life);
    }
    let one = |(algorithm, lives): (&str, Vec<&Life>)| {
        let schedule = config.keys.of(algorithm);
        let newest = lives.iter().max_by_key(|life| (life.active_from, life.published_at, &life.id))?;
        let age = now.since(newest.active_from).as_secs() / 86_400;
        let state = if newest.state(now) == State::Next { "waits" } else { "signs" };
        let Some(every) = schedule.rotate_every else {
            let found = format!("{} {state} since {age} days; turned by command alone", newest.id);
            return Some(Finding::ok(KEYS, found).of(algorithm));
        };
        let due = rotation_due(newest, schedule, every);
        let late = now.seconds() - due.seconds();
        Some(if late > HOUR {
            let found = format!("{} {state} since {age} days, and its successor is overdue", newest.id);
            Finding::warning(KEYS, found, "keys turn while a server runs: is one running, and what does its log say?")
                .of(algorithm)
        } else {
            let found = format!("{} {state} since {age} days; the next is due {}", newest.id, due.rfc3339());
            Finding::ok(KEYS, found).of(algorithm)
        })
    };
    of_each.into_iter().filter_map(one).collect()
}
