//! Codes that another device shows and a reader types: guessing them is slow from one place and from all together
//! (RFC 8628 section 5.1). Wrong ones count; right ones do not, nor do they clear the count.

use std::time::Duration;

use super::{
    Fault, SignOn, Visitor,
    begin::refusal_event,
    guesses::{Gate, enter, leave, network},
};
use crate::{domain::reason::Reason, policy::throttle::Limit};

/// Of some 2^34 codes, so many wrong ones a minute find one that lives for ten minutes about never, and a city of
/// readers mistypes fewer.
pub(super) const EVERYWHERE: Limit = Limit { tries: 300, window: Duration::from_secs(60) };

impl SignOn {
    /// Looks a typed code up by `look`, unless there were too many wrong ones: then nothing is looked at.
    ///
    /// # Errors
    /// Inside: `TooManyTries`. A fault where the shelf does not answer, and what `look` says.
    pub async fn try_code<T>(
        &self,
        visitor: &Visitor,
        look: impl Future<Output = Result<Option<T>, Fault>>,
    ) -> Result<Result<Option<T>, Reason>, Fault> {
        let (app, limits) = (self.app(), &self.0.limits);
        let gates = [
            Gate { key: format!("device code {}", network(visitor.address)), limit: limits.device_code },
            Gate { key: "device codes".to_owned(), limit: limits.device_codes },
        ];
        if let Err(reason) = enter(&app.shelf, &gates).await? {
            let event = refusal_event(app.clock.now(), &reason, None, None);
            app.journal.keep(Vec::new(), vec![event]).await?;
            return Ok(Err(reason));
        }
        let found = look.await;
        if matches!(found, Ok(None)) {
            for gate in &gates {
                gate.wrong(&app.shelf, 1).await?;
            }
        }
        leave(&app.shelf, &gates).await?;
        found.map(Ok)
    }
}
