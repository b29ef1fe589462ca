//! `oneaccess explain CARD VENDOR`: why somebody is let in or refused, and exactly what would be released.

use anyhow::Result;
use clap::Args;

use super::output::Output;
use crate::{
    admin::operations::{Desk, explain},
    compose,
    domain::claims::Group,
};

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
    let rehearsed = match &told.told {
        Some((catalogue, vendor, told)) => compose::rehearse(desk, catalogue, vendor, told),
        None => Vec::new(),
    };
    let mut document = serde_json::to_value(&told)?;
    if !rehearsed.is_empty() {
        document["documents"] = serde_json::to_value(&rehearsed)?;
    }
    output.document(&document, |_| {
        let mark = |passes: bool| if passes { "yes" } else { " no" };
        match told.reason {
            Some(code) => say!("Refused ({code}): {}.", told.sentence),
            None => say!("Allowed: {}.", told.sentence),
        }
        say!("\nHow it was decided");
        for line in &told.trace {
            say!("  {}  {}", mark(line.passes), line.what);
        }
        if let Some(release) = &told.release {
            say!("\nWhat {} would be told", told.vendor);
            say!("  sub            {}", release.sub);
            say!("  scope          {}", release.scope);
            say!("  audience_band  {}", release.audience_band);
            say!("  patron_type    {}", release.patron_type);
            if let Some(card) = &release.card_number {
                say!("  card_number    {card}");
            }
            say!("  until          {}", release.until);
            if !release.standard.is_empty() {
                say!("\nand when it asks for the scope");
                for group in Group::ALL {
                    let claims = serde_json::to_value(release.standard.only(&[group])).unwrap_or_default();
                    for (claim, value) in claims.as_object().into_iter().flatten() {
                        say!(
                            "  {:<13}  {claim}: {}",
                            group.scope(),
                            value.as_str().map_or(value.to_string(), str::to_owned)
                        );
                    }
                }
            }
        }
        for sent in &rehearsed {
            say!("\nWhat {} would be sent by {}", sent.relying_party, sent.protocol);
            say!("{}", sent.text.trim_end());
            say!("\nand why each of it");
            for part in &sent.parts {
                say!("  {:<28} {}", part.name, part.why);
            }
            for part in &sent.withheld {
                say!("  {:<28} not told: {}", part.name, part.why);
            }
        }
    })
}
