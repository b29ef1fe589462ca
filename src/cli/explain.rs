//! `oneaccess explain CARD VENDOR`: why somebody is let in or refused, and exactly what would be released.

use anyhow::Result;
use clap::Args;

use super::output::Output;
use crate::admin::operations::{Desk, explain};

#[derive(Debug, Args)]
pub struct Explain {
    card: String,
    /// The vendor's id.
    vendor: String,
    /// Why you look: kept in the audit.
    #[arg(long)]
    reason: Option<String>,
}

pub async fn run(desk: &Desk, command: Explain, output: Output) -> Result<()> {
    let told = explain::explain(desk, &command.card, &command.vendor, command.reason.as_deref()).await?;
    output.document(&told, |told| {
        let mark = |passes: bool| if passes { "yes" } else { " no" };
        match told.reason {
            Some(code) => println!("Refused ({code}): {}.", told.sentence),
            None => println!("Allowed: {}.", told.sentence),
        }
        println!("\nHow it was decided");
        for line in &told.trace {
            println!("  {}  {}", mark(line.passes), line.what);
        }
        if let Some(release) = &told.release {
            println!("\nWhat {} would be told", told.vendor);
            println!("  sub            {}", release.sub);
            println!("  scope          {}", release.scope);
            println!("  audience_band  {}", release.audience_band);
            println!("  patron_type    {}", release.patron_type);
            if let Some(card) = &release.card_number {
                println!("  card_number    {card}");
            }
            println!("  until          {}", release.until);
        }
    })
}
