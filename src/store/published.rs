//! What relying parties publish about themselves, a row of the catalogue each. Who looks and what it means is their
//! protocol's.

use super::{Db, Result, audit, catalogue::Kind, corrupt};
use crate::domain::{audit::AuditEvent, published};

pub struct Published<'d>(&'d Db);

impl Db {
    pub fn published(&self) -> Published<'_> {
        Published(self)
    }
}

impl Published<'_> {
    /// Puts `after` in place of `before`, with its event, unless somebody else was quicker: then `false`, and nothing
    /// is written.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn replace(
        &self,
        before: &published::Published,
        after: &published::Published,
        event: Option<AuditEvent>,
    ) -> Result<bool> {
        let mut tx = self.0.begin().await?;
        tx.catalogue().changed().await?;
        let key = (Kind::Published, before.id());
        let kept = tx.catalogue().bodies().await?.remove(&key);
        let kept: Option<published::Published> = kept.map(serde_json::from_value).transpose().map_err(corrupt)?;
        // What was kept of another address is nothing that anybody saw.
        let as_seen = kept.as_ref().is_none_or(|kept| kept == before || kept.url != before.url);
        if !as_seen {
            return Ok(false);
        }
        tx.catalogue().put(Kind::Published, &after.id(), after, after.checked_at.unwrap_or(after.next_at)).await?;
        if let Some(event) = event {
            audit::append_alone(&mut tx, &[event]).await?;
        }
        tx.commit().await?;
        Ok(true)
    }
}
