//! A delivery brought into force with its event in the audit, or nothing of it: the one way, whether a person brings it or
//! a job fetched it.

use serde_json::json;

use super::{ImportError, ImportOptions, ImportOutcome, Merge};
use crate::{
    directory::source::Delivery,
    domain::{
        audit::{AuditEvent, Kind},
        id::SourceId,
    },
    store::audit,
};

impl Merge<'_> {
    /// With `options.dry_run` only says what the delivery would change.
    ///
    /// # Errors
    /// As `import`; then nothing is changed.
    pub async fn deliver(
        &self,
        source: &SourceId,
        delivery: Delivery,
        options: ImportOptions,
    ) -> Result<ImportOutcome, ImportError> {
        let Delivery { roster, origin, bookmark } = delivery;
        if options.dry_run {
            return self.import(source, &origin, roster, options).await;
        }
        let staged = self.stage(source, &origin, roster, options).await?;
        let switched = async {
            let mut tx = self.db.begin().await?;
            let ended = self.switch(&mut tx, &staged, bookmark.as_deref()).await?;
            let totals = &staged.preview.totals;
            let payload = json!({
                "source": source.as_str(), "run": staged.preview.run, "origin": origin, "added": totals.added,
                "changed": totals.changed, "withdrawn": totals.withdrawn, "returning": totals.returning,
                "refused": totals.refused, "removals_accepted": options.accept_removals,
            });
            audit::append_alone(&mut tx, &[AuditEvent { at: self.clock.now(), kind: Kind::Import, payload }]).await?;
            tx.commit().await?;
            Ok::<_, ImportError>(ended)
        };
        match switched.await {
            Ok(ended) => {
                let (preview, report, shifts) = (staged.preview, staged.report, staged.shifts);
                Ok(ImportOutcome { preview, report, movements: Vec::new(), shifts, applied: true, ended })
            }
            Err(error) => {
                self.abandon(&staged).await;
                Err(error)
            }
        }
    }
}
