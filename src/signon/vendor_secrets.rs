//! Secrets that vendors' servers show, from an address: guessing them is slow. They have entropy of their own, so this is
//! a second fence, and a wide one: a vendor that mends its configuration is not kept waiting.

use std::{net::IpAddr, time::Duration};

use super::{
    Fault, SignOn,
    guesses::{Gate, network, short_hash},
};
use crate::policy::throttle::Limit;

/// Of one vendor, from one place: several may come by way of one proxy, and one that is set up wrongly must not keep the
/// others out.
const WRONG_OF_ONE: Limit = Limit { tries: 30, window: Duration::from_secs(60) };
/// From one place, where the secret is all that is shown.
const WRONG: Limit = Limit { tries: 300, window: Duration::from_secs(60) };

impl SignOn {
    /// Looks a secret up by `look`, unless there were too many wrong ones from there: then nothing is looked at, and it is
    /// as wrong as any. `whose`: the name that was shown with it, where there is one.
    ///
    /// # Errors
    /// A fault where the shelf does not answer.
    pub async fn try_vendor_secret<T>(
        &self,
        address: IpAddr,
        whose: Option<&str>,
        look: impl FnOnce() -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        let shelf = &self.app().shelf;
        let gate = match whose {
            Some(whose) => {
                Gate { key: format!("vendor secret {} {}", network(address), short_hash(whose)), limit: WRONG_OF_ONE }
            }
            None => Gate { key: format!("vendor secret {}", network(address)), limit: WRONG },
        };
        let (wrong, left) = gate.wrong(shelf, 0).await?;
        if gate.limit.admits(wrong, left).is_err() {
            tracing::warn!(%address, "too many wrong secrets of vendors from there; none is looked at for a minute");
            return Ok(None);
        }
        let found = look();
        if found.is_none() {
            gate.wrong(shelf, 1).await?;
        }
        Ok(found)
    }
}
