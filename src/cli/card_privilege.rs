//! `oneaccess card grant` and `card revoke`: a privilege for one card, with a last day.

use anyhow::Result;
use clap::Args;

use super::{output::Output, patron::reason};
use crate::{
    admin::operations::{
        Desk,
        privileges::{self, Given},
    },
    domain::{clock::Date, id::ScopeName},
};

#[derive(Debug, Args)]
pub struct Grant {
    card: String,
    /// The scope, as `oneaccess scope list` names it
    scope: ScopeName,
    /// Its last day, `2027-06-30`
    #[arg(long, value_name = "DATE")]
    until: Date,
    /// Why: kept in the audit.
    #[arg(long, value_parser = reason)]
    reason: String,
}

#[derive(Debug, Args)]
pub struct Revoke {
    card: String,
    /// The scope, as `oneaccess card show` names it
    scope: ScopeName,
    /// Why: kept in the audit.
    #[arg(long, value_parser = reason)]
    reason: String,
}

pub async fn grant(desk: &Desk, wish: Grant, output: Output) -> Result<()> {
    let given = privileges::grant(desk, &wish.card, &wish.scope, wish.until, &wish.reason).await?;
    output.document(&given, tell)
}

pub async fn revoke(desk: &Desk, wish: Revoke, output: Output) -> Result<()> {
    let given = privileges::revoke(desk, &wish.card, &wish.scope, &wish.reason).await?;
    output.document(&given, tell)
}

fn tell(given: &Given) {
    let Given { card, scope, until, changed } = given;
    match (until, changed) {
        (Some(until), true) => {
            say!("Card {card} has {scope} until {until}, as long as an agreement covers its holder.")
        }
        (Some(until), false) => say!("Card {card} had {scope} until {until} already."),
        (None, true) => say!("Card {card} has {scope} no more, unless an agreement grants it."),
        (None, false) => say!("Card {card} was not given {scope}."),
    }
}
