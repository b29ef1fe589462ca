//! `oneaccess directory pull` and `status`: what sources hand over by themselves.

use std::sync::Arc;

use anyhow::{Result, bail};
use serde_json::json;

use super::{
    super::{
        output::{Output, grouped},
        progress::Meter,
        table::Table,
    },
    document, name_of, tell,
};
use crate::{
    admin::operations::{
        Desk,
        directory::{ImportError, Step},
        sources::{self, FetchError, FetchOptions},
    },
    compose,
};

pub async fn pull(desk: &Desk, id: &str, options: FetchOptions, output: Output) -> Result<()> {
    let source = compose::source(desk, id).await?;
    let meter = Arc::new(Meter::default());
    let reading = |done: u64, total: u64| meter.tell("Fetching", done, total);
    let merging = |step: Step, done: u64, total: u64| meter.tell(name_of(step), done, total);
    let outcomes = sources::pull(desk, id, source.as_ref(), options, &reading, &merging).await;
    meter.end();
    let outcomes = match outcomes {
        Ok(outcomes) => outcomes,
        Err(error) => match error.downcast::<FetchError>() {
            Ok(FetchError::Import(error)) => return super::stopped(ImportError::into(error), output),
            Ok(other) => bail!("{id}: {other}"),
            Err(other) => return Err(other),
        },
    };
    let mut told = Vec::new();
    for outcome in outcomes {
        let consequences = sources::consequences(desk, &outcome.preview.source, &outcome.shifts).await?;
        told.push((outcome, consequences));
    }
    let documents: Vec<_> = told.iter().map(|(outcome, consequences)| document(outcome, consequences)).collect();
    output.document(&json!({ "source": id, "deliveries": documents }), |_| {
        if told.is_empty() {
            say!("{id} has nothing new.");
        }
        for (place, (outcome, consequences)) in told.iter().enumerate() {
            if place > 0 {
                say!();
            }
            tell(outcome, consequences);
        }
    })
}

pub async fn status(desk: &Desk, check: bool, output: Output) -> Result<()> {
    let all = sources::status(desk).await?;
    output.document(&all, |all| {
        if all.is_empty() {
            say!("No source is declared.");
            return;
        }
        let mut table = Table::new(["SOURCE", "KIND", "#RUN", "#PEOPLE", "SINCE", "LAST FETCH", "LAST GOOD", "NEXT"]);
        let or = |text: &Option<String>| text.clone().unwrap_or_else(|| "-".to_owned());
        for status in all {
            table.row([
                status.source.clone(),
                status.kind.clone(),
                or(&status.live_run.map(|run| run.to_string())),
                or(&status.people.map(grouped)),
                or(&status.since),
                status.last_fetch.unwrap_or("-").to_owned(),
                or(&status.last_good),
                or(&status.next),
            ]);
        }
        table.print();
        for status in all.iter().filter(|status| status.detail.is_some()) {
            say!("\n{}: {}", status.source, or(&status.detail));
        }
    })?;
    let bad: Vec<&str> = all.iter().filter(|status| !status.good).map(|status| status.source.as_str()).collect();
    if check && !bad.is_empty() {
        bail!("not as it should be: {}", bad.join(", "));
    }
    Ok(())
}
