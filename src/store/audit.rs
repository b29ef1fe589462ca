//! The audit log: one hash chain for each writer, over salted commitments, so that what tells of a patron can be
//! erased when its time is over and the chain still verifies.

use aws_lc_rs::{digest, rand};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Row};
use uuid::Uuid;

use super::{Db, Error, Result, Tx, corrupt};
use crate::domain::{
    audit::{AuditEvent, Kind},
    clock::Timestamp,
};

/// Where a writer's chain stands: what the next event is bound to.
#[derive(Debug, Clone)]
pub struct Chain {
    id: String,
    length: i64,
    head: [u8; 32],
}

impl Chain {
    /// A chain of this writer's own; its row is made with the first event.
    pub fn begin() -> Chain {
        let id = Uuid::now_v7().simple().to_string();
        let head = sha256(&[b"oneaccess audit chain", id.as_bytes()]);
        Chain { id, length: 0, head }
    }

    /// Adds `events` within `tx`. The chain moves on only in the value returned: keep it when `tx` was committed,
    /// and go on with the old one when it was not.
    pub async fn append(&self, tx: &mut Tx, events: &[AuditEvent]) -> Result<Chain> {
        let mut next = self.clone();
        let links: Vec<Link> = events.iter().map(|event| next.link(event)).collect::<Result<_>>()?;
        for rows in links.chunks(ROWS_AT_ONCE) {
            insert(tx, &next.id, rows).await?;
        }
        if links.is_empty() {
            return Ok(next);
        }
        let head = hex::encode(next.head);
        if self.length == 0 {
            let started_at = events.first().map_or(0, |event| event.at.0);
            const BEGIN: &str = "INSERT INTO audit_chain (id, started_at, length, head) VALUES ($1, $2, $3, $4)";
            within!(tx, conn => sqlx::query(BEGIN).bind(&next.id).bind(started_at).bind(next.length).bind(head).execute(conn).await.map(drop))?;
        } else {
            const ADVANCE: &str = "UPDATE audit_chain SET length = $2, head = $3 WHERE id = $1";
            within!(tx, conn => sqlx::query(ADVANCE).bind(&next.id).bind(next.length).bind(head).execute(conn).await.map(drop))?;
        }
        Ok(next)
    }

    fn link(&mut self, event: &AuditEvent) -> Result<Link> {
        let mut salt = [0; 16];
        rand::fill(&mut salt).map_err(|_| Error::Unavailable("no randomness".into()))?;
        let payload = event.payload.to_string();
        let commitment = sha256(&[&salt, payload.as_bytes()]);
        self.length += 1;
        self.head = bind(&self.head, self.length, event.at.0, event.kind.as_str(), &commitment);
        Ok(Link {
            seq: self.length,
            at: event.at.0,
            kind: event.kind.as_str(),
            commitment: hex::encode(commitment),
            hash: hex::encode(self.head),
            salt: hex::encode(salt),
            payload,
        })
    }
}

/// Adds `events` as a chain of their own: for writers of one transaction, such as a command.
///
/// # Errors
/// Those of the database.
pub async fn append_alone(tx: &mut Tx, events: &[AuditEvent]) -> Result<()> {
    Chain::begin().append(tx, events).await.map(drop)
}

struct Link {
    seq: i64,
    at: i64,
    kind: &'static str,
    commitment: String,
    hash: String,
    salt: String,
    payload: String,
}

const ROWS_AT_ONCE: usize = 64;

async fn insert(tx: &mut Tx, chain: &str, links: &[Link]) -> Result<()> {
    const HEAD: &str = "INSERT INTO audit_event (chain, seq, at, kind, commitment, hash, salt, payload)";
    let sql = format!("{HEAD} VALUES {}", super::values(tx.is_sqlite(), links.len(), 8, ""));
    within!(tx, conn => {
        let mut query = sqlx::query(AssertSqlSafe(sql));
        for link in links {
            query = query
                .bind(chain)
                .bind(link.seq)
                .bind(link.at)
                .bind(link.kind)
                .bind(&link.commitment)
                .bind(&link.hash)
                .bind(&link.salt)
                .bind(&link.payload);
        }
        query.execute(conn).await.map(drop)
    })?;
    Ok(())
}

fn bind(head: &[u8; 32], seq: i64, at: i64, kind: &str, commitment: &[u8]) -> [u8; 32] {
    sha256(&[
        head,
        &seq.to_be_bytes(),
        &at.to_be_bytes(),
        &(kind.len() as u64).to_be_bytes(),
        kind.as_bytes(),
        commitment,
    ])
}

fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in parts {
        context.update(part);
    }
    let mut out = [0; 32];
    out.copy_from_slice(context.finish().as_ref());
    out
}

/// An event as it is kept; `payload` is gone once its time was over.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    pub chain: String,
    pub seq: i64,
    pub at: Timestamp,
    pub kind: String,
    pub payload: Option<Value>,
}

/// What a verification found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    pub chains: u64,
    pub events: u64,
    /// Events whose payload was erased; their links hold nevertheless.
    pub erased: u64,
    /// One sentence for each break; empty when everything holds.
    pub breaks: Vec<String>,
}

pub struct Audit<'a>(&'a Db);

impl Db {
    pub fn audit(&self) -> Audit<'_> {
        Audit(self)
    }
}

impl Audit<'_> {
    /// The newest `limit` events, oldest first.
    ///
    /// # Errors
    /// `Corrupt` where a payload is no JSON.
    pub async fn tail(&self, limit: i64) -> Result<Vec<Kept>> {
        const SQL: &str =
            "SELECT chain, seq, at, kind, payload FROM audit_event ORDER BY at DESC, chain DESC, seq DESC LIMIT $1";
        let mut events = on!(self.0, pool => {
            let rows = sqlx::query(SQL).bind(limit).fetch_all(pool).await?;
            rows.iter()
                .map(|row| {
                    let payload: Option<String> = row.try_get(4)?;
                    Ok(Kept {
                        chain: row.try_get(0)?,
                        seq: row.try_get(1)?,
                        at: Timestamp(row.try_get(2)?),
                        kind: row.try_get(3)?,
                        payload: payload.map(|p| serde_json::from_str(&p)).transpose().map_err(corrupt)?,
                    })
                })
                .collect::<Result<Vec<_>>>()
        })?;
        events.reverse();
        Ok(events)
    }

    /// Walks every chain from its beginning.
    ///
    /// # Errors
    /// Those of the database; what does not hold is told in the verdict.
    pub async fn verify(&self) -> Result<Verdict> {
        let mut verdict = self.verify_newest(i64::MAX).await?;
        const ORPHANS: &str = "SELECT COUNT(*) FROM audit_event WHERE chain NOT IN (SELECT id FROM audit_chain)";
        let orphans: i64 = on!(self.0, pool => sqlx::query(ORPHANS).fetch_one(pool).await?.try_get(0))?;
        if orphans > 0 {
            verdict.breaks.push(format!("{orphans} events belong to a chain that is not there"));
        }
        Ok(verdict)
    }

    /// The same of so many chains that began last, the newest first.
    ///
    /// # Errors
    /// As `verify`.
    pub async fn verify_newest(&self, most: i64) -> Result<Verdict> {
        const CHAINS: &str = "SELECT id, length, head FROM audit_chain ORDER BY started_at DESC, id LIMIT $1";
        let chains: Vec<(String, i64, String)> = on!(self.0, pool => {
            let rows = sqlx::query(CHAINS).bind(most).fetch_all(pool).await?;
            rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?, row.try_get(2)?))).collect::<Result<Vec<_>>>()
        })?;
        let mut verdict = Verdict { chains: 0, events: 0, erased: 0, breaks: Vec::new() };
        for (id, length, head) in chains {
            verdict.chains += 1;
            self.verify_chain(&id, length, &head, &mut verdict).await?;
        }
        Ok(verdict)
    }

    async fn verify_chain(&self, id: &str, length: i64, head: &str, verdict: &mut Verdict) -> Result<()> {
        const PAGE: &str = "SELECT seq, at, kind, commitment, hash, salt, payload FROM audit_event \
                            WHERE chain = $1 AND seq > $2 ORDER BY seq LIMIT 1000";
        let mut seen = 0i64;
        let mut hash = sha256(&[b"oneaccess audit chain", id.as_bytes()]);
        loop {
            let page: Vec<Stored> = on!(self.0, pool => {
                let rows = sqlx::query(PAGE).bind(id).bind(seen).fetch_all(pool).await?;
                rows.iter()
                    .map(|row| {
                        Ok(Stored {
                            seq: row.try_get(0)?,
                            at: row.try_get(1)?,
                            kind: row.try_get(2)?,
                            commitment: row.try_get(3)?,
                            hash: row.try_get(4)?,
                            salt: row.try_get(5)?,
                            payload: row.try_get(6)?,
                        })
                    })
                    .collect::<Result<Vec<_>>>()
            })?;
            if page.is_empty() {
                break;
            }
            for event in page {
                seen += 1;
                verdict.events += 1;
                if event.seq != seen {
                    verdict.breaks.push(format!("chain {id}: event {seen} is missing"));
                    return Ok(());
                }
                let commitment = hex::decode(&event.commitment).unwrap_or_default();
                hash = bind(&hash, event.seq, event.at, &event.kind, &commitment);
                if hex::encode(hash) != event.hash {
                    verdict.breaks.push(format!("chain {id}: event {seen} does not follow from the one before it"));
                    return Ok(());
                }
                match event.opens() {
                    Opening::Erased => verdict.erased += 1,
                    Opening::Holds => {}
                    Opening::Broken => verdict.breaks.push(format!("chain {id}: what event {seen} tells was changed")),
                }
            }
        }
        if seen != length || hex::encode(hash) != head {
            verdict.breaks.push(format!("chain {id}: it should have {length} events and has {seen}"));
        }
        Ok(())
    }
}

struct Stored {
    seq: i64,
    at: i64,
    kind: String,
    commitment: String,
    hash: String,
    salt: Option<String>,
    payload: Option<String>,
}

enum Opening {
    Holds,
    Erased,
    Broken,
}

impl Stored {
    /// Only what tells of a patron may have been erased; everything else must open its commitment.
    fn opens(&self) -> Opening {
        match (&self.salt, &self.payload) {
            (None, None) => {
                let erasable = Kind::ALL.iter().any(|kind| kind.as_str() == self.kind && kind.tells_of_a_patron());
                if erasable { Opening::Erased } else { Opening::Broken }
            }
            (Some(salt), Some(payload)) => {
                let salt = hex::decode(salt).unwrap_or_default();
                let same = hex::encode(sha256(&[&salt, payload.as_bytes()])) == self.commitment;
                if same { Opening::Holds } else { Opening::Broken }
            }
            _ => Opening::Broken,
        }
    }
}
