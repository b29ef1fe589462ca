//! `oneaccess vendor test ID`: would a click work today, and if not, on whose side?

use std::path::Path;

use anyhow::{Result, bail};
use serde::Serialize;

use super::{
    output::{Output, bold, counted, green, yellow},
    table::Table,
};
use crate::{
    admin::operations::{Desk, checks},
    compose::{self, trial::Exchange},
    domain::{
        check::{Check, Outcome, Whose},
        id::VendorId,
    },
};

#[derive(Serialize)]
struct Tested {
    vendor: VendorId,
    checks: Vec<Check>,
    /// What its servers said to us, and we to them, as we played both.
    exchanges: Vec<Exchange>,
}

/// `file` holds secrets and PINs, without which nothing can be asked as the vendor would.
pub async fn run(desk: &Desk, file: &Path, id: &str, output: Output) -> Result<()> {
    let (vendor, mut checks) = checks::of_programme(desk, id).await?;
    checks.extend(compose::examine(&desk.config, &vendor).await?);
    let exchanges = compose::trial::try_out(file, desk, &vendor).await?;
    checks.extend(exchanges.iter().flat_map(|exchange| exchange.tried.checks.clone()));
    let tested = Tested { vendor: vendor.id, checks, exchanges };
    output.document(&tested, tell)?;
    let to_mend = |whose| tested.checks.iter().filter(|check| check.whose == Some(whose)).count();
    match (to_mend(Whose::Ours), to_mend(Whose::Theirs)) {
        (0, 0) => Ok(()),
        (ours, theirs) => {
            bail!("{} to mend: {ours} on our side, {theirs} on the vendor's", counted(ours + theirs, "thing"))
        }
    }
}

fn tell(tested: &Tested) {
    let mut table = Table::new(["OUTCOME", "CHECK", "CLIENT", "WHOSE", "DETAIL"]);
    for check in &tested.checks {
        let outcome = match check.outcome {
            Outcome::Ok => "ok",
            Outcome::Mend => "MEND",
            Outcome::Skipped => "skipped",
        };
        table.row([
            outcome.to_owned(),
            check.check.to_owned(),
            check.client.clone().unwrap_or_else(|| "-".to_owned()),
            check.whose.map_or("-", Whose::as_str).to_owned(),
            check.detail.clone(),
        ]);
    }
    table.print();
    for exchange in tested.exchanges.iter().filter(|exchange| !exchange.tried.said.is_empty()) {
        say!("\n{} as {} would speak it, with a test patron:", bold(&exchange.protocol), exchange.client);
        exchange.tried.said.iter().for_each(|line| say!("  {line}"));
    }
    if tested.exchanges.iter().any(|exchange| !exchange.tried.said.is_empty()) {
        say!();
    }
    match tested.checks.iter().any(|check| check.outcome == Outcome::Mend) {
        true => say!("{}: a click does not work as it should.", yellow("Not green")),
        false => say!("{}: from our side, nothing stands in the way of {}.", green("Green"), tested.vendor),
    }
}
