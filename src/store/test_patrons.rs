//! Test patrons as patrons: written by `apply`, one at a time, under a source of their own that no import touches. They
//! are read with everybody else, by `patrons`.

use super::{Db, Result, Tx, corrupt, rosters::BUMP, sessions};
use crate::domain::{
    card::CardNumber,
    clock::Timestamp,
    id::PatronId,
    test_patron::{SOURCE, TestPatron},
};

impl Db {
    /// Whether somebody else who is enrolled holds this number, or the library keeps it for somebody.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn card_is_taken(&self, card: &CardNumber, by_other_than: PatronId, now: Timestamp) -> Result<bool> {
        if self.kept_numbers().await?.get(card).is_some_and(|id| *id != by_other_than) {
            return Ok(true);
        }
        let holder = self.patrons().by_card(card).await?;
        Ok(holder.is_some_and(|holder| holder.patron.id != by_other_than && holder.patron.standing.counts(now)))
    }
}

impl Tx {
    pub fn test_patrons(&mut self) -> TestPatrons<'_> {
        TestPatrons(self)
    }
}

pub struct TestPatrons<'t>(&'t mut Tx);

impl TestPatrons<'_> {
    /// The patron whom this id has ever named.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn patron(&mut self, id: &str) -> Result<Option<PatronId>> {
        let sql = "SELECT id FROM patron WHERE source = $1 AND sourced_id = $2";
        let found: Option<(String,)> =
            within!(self.0, conn => sqlx::query_as(sql).bind(SOURCE).bind(id).fetch_optional(conn).await)?;
        found.map(|(id,)| id.parse().map_err(corrupt)).transpose()
    }

    /// Declared, or declared otherwise: what is said of the patron holds when this commits. With `verifier`, the PIN is
    /// set, and what the old one opened ends.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn put(&mut self, patron: &TestPatron, verifier: Option<&str>, now: Timestamp) -> Result<()> {
        let run = self.turn().await?;
        let id = patron.patron.to_string();
        let claims = patron.claims.as_ref().map(serde_json::to_string).transpose().map_err(corrupt)?;
        let person = "INSERT INTO patron (id, source, sourced_id, created_at, card_status, pin_change_due, standard_claims) \
                      VALUES ($1, $2, $3, $4, 'active', FALSE, $5) \
                      ON CONFLICT (id) DO UPDATE SET standard_claims = excluded.standard_claims";
        within!(self.0, conn => sqlx::query(person).bind(&id).bind(SOURCE).bind(patron.id.as_str()).bind(now.millis())
            .bind(claims).execute(conn).await.map(drop))?;
        if let Some(verifier) = verifier {
            let pin = "UPDATE patron SET pin_verifier = $1, pin_change_due = FALSE, pin_set_at = $2 WHERE id = $3";
            within!(self.0, conn => sqlx::query(pin).bind(verifier).bind(now.millis()).bind(&id).execute(conn).await
                .map(drop))?;
            sessions::end_all_of(self.0, patron.patron, None, now).await?;
        }
        let forget = "DELETE FROM roster_entry WHERE patron = $1";
        within!(self.0, conn => sqlx::query(forget).bind(&id).execute(conn).await.map(drop))?;
        let entry = "INSERT INTO roster_entry (patron, run, source, present, given_name, family_name, affiliations, \
                     card, initial_pin, digest) VALUES ($1, $2, $3, TRUE, $4, $5, $6, $7, NULL, '')";
        within!(self.0, conn => sqlx::query(entry).bind(&id).bind(run).bind(SOURCE).bind(&patron.given_name)
            .bind(&patron.family_name).bind(patron.affiliation.to_string()).bind(patron.card.as_str())
            .execute(conn).await.map(drop))?;
        Ok(())
    }

    /// No longer declared: withdrawn like somebody who left a roster, without PIN and claims.
    ///
    /// # Errors
    /// `Unavailable`.
    pub async fn withdraw(&mut self, id: PatronId, now: Timestamp) -> Result<()> {
        let run = self.turn().await?;
        let leave = "UPDATE roster_entry SET present = FALSE, run = $1 WHERE patron = $2";
        let forget = "UPDATE patron SET pin_verifier = NULL, pin_set_at = NULL, standard_claims = NULL WHERE id = $1";
        within!(self.0, conn => sqlx::query(leave).bind(run).bind(id.to_string()).execute(conn).await.map(drop))?;
        within!(self.0, conn => sqlx::query(forget).bind(id.to_string()).execute(conn).await.map(drop))?;
        sessions::end_all_of(self.0, id, None, now).await?;
        Ok(())
    }

    /// The source's next run: imports that compared their cards with it look again, as do all processes.
    async fn turn(&mut self) -> Result<i64> {
        within!(self.0, conn => sqlx::query(BUMP).execute(conn).await.map(drop))?;
        let next = "INSERT INTO roster_source (source, live_run, holder, beat_at) VALUES ($1, 1, NULL, 0) \
                    ON CONFLICT (source) DO UPDATE SET live_run = roster_source.live_run + 1 RETURNING live_run";
        let (run,): (i64,) = within!(self.0, conn => sqlx::query_as(next).bind(SOURCE).fetch_one(conn).await)?;
        Ok(run)
    }
}
