//! `oneaccess audit …`: what happened, and whether anybody changed the record of it.

use anyhow::{Result, bail};
use clap::Subcommand;
use serde_json::json;

use super::output::Output;
use crate::admin::operations::Desk;

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Shows the newest events, oldest first.
    Tail {
        /// How many.
        #[arg(long, short = 'n', default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=10_000))]
        lines: i64,
    },
    /// Walks every chain from its beginning; exits with 1 where anything was changed, taken out or cut off.
    Verify,
}

pub async fn run(desk: &Desk, command: Audit, output: Output) -> Result<()> {
    match command {
        Audit::Tail { lines } => tail(desk, lines, output).await,
        Audit::Verify => verify(desk, output).await,
    }
}

async fn tail(desk: &Desk, lines: i64, output: Output) -> Result<()> {
    let events = desk.db.audit().tail(lines).await?;
    let rows: Vec<_> = events
        .iter()
        .map(|event| {
            json!({
                "at": event.at.rfc3339(),
                "kind": event.kind,
                "chain": event.chain,
                "seq": event.seq,
                "payload": event.payload,
            })
        })
        .collect();
    output.document(&rows, |_| {
        if events.is_empty() {
            say!("Nothing has happened yet.");
        }
        for event in &events {
            let payload = event.payload.as_ref().map_or("(erased: its time was over)".into(), words);
            say!("{}  {:<12}  {payload}", event.at.rfc3339(), event.kind);
        }
    })
}

/// `vendor=maple scopes="library.ebooks"`: the payload on one line.
fn words(payload: &serde_json::Value) -> String {
    let Some(map) = payload.as_object() else { return payload.to_string() };
    let known = map.iter().filter(|(_, value)| !value.is_null());
    known.map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
}

async fn verify(desk: &Desk, output: Output) -> Result<()> {
    let verdict = desk.db.audit().verify().await?;
    let holds = verdict.breaks.is_empty();
    let document = json!({
        "holds": holds,
        "chains": verdict.chains,
        "events": verdict.events,
        "erased": verdict.erased,
        "breaks": verdict.breaks,
    });
    output.document(&document, |_| {
        say!("{} events in {} chains; {} erased after their time.", verdict.events, verdict.chains, verdict.erased);
        if holds {
            say!("Every chain holds.");
        }
    })?;
    if !holds {
        bail!("the audit log was changed:\n  {}", verdict.breaks.join("\n  "));
    }
    Ok(())
}
