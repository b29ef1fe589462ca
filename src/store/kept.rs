//! What the library keeps with a patron, as one JSON column: read with everybody, written by staff one at a time.

use super::{Result, corrupt, patrons::Patrons, rosters::BUMP};
use crate::{
    domain::{id::PatronId, kept::Kept},
    store::Tx,
};

impl Patrons<'_> {
    /// Lets `change` at what is kept, and tells every process by the version `patrons`. `None` where there is no such
    /// patron; else what `change` returned.
    ///
    /// # Errors
    /// `Unavailable` or `Corrupt`.
    pub async fn keep<T>(&self, tx: &mut Tx, id: PatronId, change: impl FnOnce(&mut Kept) -> T) -> Result<Option<T>> {
        // The version first: whoever else changes patrons waits here, and then reads what this one left.
        within!(tx, conn => sqlx::query(BUMP).execute(conn).await.map(drop))?;
        let ask = "SELECT kept FROM patron WHERE id = $1";
        let found: Option<(Option<String>,)> =
            within!(tx, conn => sqlx::query_as(ask).bind(id.to_string()).fetch_optional(conn).await)?;
        let Some((text,)) = found else { return Ok(None) };
        let mut kept = read(text.as_deref())?;
        let outcome = change(&mut kept);
        let text = if kept.is_empty() { None } else { Some(serde_json::to_string(&kept).map_err(corrupt)?) };
        let put = "UPDATE patron SET kept = $1 WHERE id = $2";
        within!(tx, conn => sqlx::query(put).bind(text).bind(id.to_string()).execute(conn).await.map(drop))?;
        Ok(Some(outcome))
    }
}

pub(super) fn read(text: Option<&str>) -> Result<Kept> {
    text.map(serde_json::from_str).transpose().map_err(corrupt).map(Option::unwrap_or_default)
}
