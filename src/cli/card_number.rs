//! `oneaccess card reissue`, `link` and `unlink`: which numbers a card has.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;

use super::{output::Output, secret};
use crate::{
    admin::operations::{Desk, links, reissue},
    compose,
    domain::numbers::Way,
};

#[derive(Debug, Args)]
pub struct Reissue {
    card: String,
    /// The new number. Without it, one by the organisation's scheme.
    #[arg(long)]
    number: Option<String>,
    /// Brings the roster's number back instead.
    #[arg(long, conflicts_with = "number")]
    undo: bool,
    /// Why: kept in the audit.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub struct Link {
    card: String,
    /// The library card that the patron had before.
    #[arg(long, value_name = "NUMBER")]
    library_card: String,
    /// A file whose first line is the library card's PIN, which the ILS is asked about; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "staff")]
    pin_file: Option<PathBuf>,
    /// You saw the card and know that it is this patron's; nobody is asked.
    #[arg(long)]
    staff: bool,
    /// Why: kept in the audit.
    #[arg(long)]
    reason: String,
}

#[derive(Debug, Args)]
pub struct Unlink {
    card: String,
    /// Why: kept in the audit.
    #[arg(long)]
    reason: String,
}

pub async fn reissue(desk: &Desk, command: Reissue, output: Output) -> Result<()> {
    let Reissue { card, number, undo, reason } = command;
    let done = match undo {
        true => reissue::undo(desk, &card, &reason).await?,
        false => reissue::reissue(desk, &card, number.as_deref(), &reason).await?,
    };
    output.document(&done, |done| {
        say!("The card is {} now. {} opens nothing any more, and its sessions have ended.", done.card, done.before);
    })
}

pub async fn link(desk: &Desk, command: Link, output: Output) -> Result<()> {
    let Link { card, library_card, pin_file, staff, reason } = command;
    let pin = if staff { None } else { Some(secret::read(pin_file.as_deref(), "PIN of the library card: ")?) };
    let done = compose::ils::link(desk, &card, &library_card, pin.as_deref(), &reason).await?;
    output.document(&done, |done| {
        say!("Library card {} signs this patron in as well, with the PIN of the student card.", done.library_card);
        match done.way {
            Way::Parallel => say!("What is told of the card stays {}.", done.card),
            Way::Merge => say!("It is the number that is told from now on."),
        }
    })
}

pub async fn unlink(desk: &Desk, command: Unlink, output: Output) -> Result<()> {
    let done = links::unlink(desk, &command.card, &command.reason).await?;
    output.document(&done, |done| {
        say!("Library card {} signs nobody in any more. The card is {}.", done.library_card, done.card);
    })
}
