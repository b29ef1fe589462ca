//! `oneaccess upstream …`: who is bound to which account at a school's own sign-in.

use anyhow::Result;
use clap::Subcommand;
use serde_json::json;

use super::output::Output;
use crate::admin::operations::{Desk, upstreams};

#[derive(Debug, Subcommand)]
pub enum Upstream {
    /// Lists upstreams, with how many patrons are bound to an account at each.
    List,
    /// Shows at which upstreams a card is bound, and since when.
    Show {
        card: String,
        /// Why you look: kept in the audit.
        #[arg(long)]
        reason: String,
    },
    /// Unbinds a card from its account, so that the next matching account is bound to it; or everybody at one upstream.
    Unlink {
        #[arg(required_unless_present = "everybody")]
        card: Option<String>,
        /// At this upstream alone; every one without it.
        #[arg(long, value_name = "ID")]
        upstream: Option<String>,
        /// Everybody: the school gives out new accounts.
        #[arg(long, conflicts_with = "card", requires = "upstream")]
        everybody: bool,
        /// Why: kept in the audit.
        #[arg(long)]
        reason: String,
    },
}

pub async fn run(desk: &Desk, command: Upstream, output: Output) -> Result<()> {
    match command {
        Upstream::List => {
            let views = upstreams::list(desk).await?;
            output.document(&views, |views| {
                if views.is_empty() {
                    say!("No upstream is declared: everybody signs in by card and PIN.");
                }
                for view in views {
                    let name = view.name.as_deref().unwrap_or("(not declared any more)");
                    say!("{:<16} {:>8} bound   {name}", view.id, view.bound);
                }
            })
        }
        Upstream::Show { card, reason } => {
            let links = upstreams::show(desk, &card, &reason).await?;
            output.document(&links, |links| {
                if links.is_empty() {
                    say!("Card {card} is bound to no account.");
                }
                for link in links {
                    say!("{:<16} since {}", link.upstream, link.linked_at);
                }
            })
        }
        Upstream::Unlink { card: Some(card), upstream, reason, .. } => {
            let gone = upstreams::unlink(desk, &card, upstream.as_deref(), &reason).await?;
            output.document(&json!({ "card": card, "unlinked": gone }), |_| match gone.as_slice() {
                [] => say!("Card {card} was bound to no such account."),
                _ => say!("Card {card} is no longer bound to its account at {}.", gone.join(", ")),
            })
        }
        Upstream::Unlink { card: None, upstream, reason, .. } => {
            let upstream = upstream.unwrap_or_default();
            let gone = upstreams::unlink_all(desk, &upstream, &reason).await?;
            output.document(&json!({ "upstream": upstream, "unlinked": gone }), |_| {
                say!("{gone} patrons are no longer bound to their accounts at {upstream}.");
            })
        }
    }
}
