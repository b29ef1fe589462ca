//! `oneaccess patron …`: one person at a time. Every look at a person takes a reason and leaves an event.

use std::io::BufRead;

use anyhow::{Context, Result, ensure};
use clap::{Subcommand, ValueEnum};

use super::{
    card,
    output::{Output, counted},
    table::Table,
};
use crate::{
    admin::operations::{
        Desk,
        erase::{self, Erasure},
        patrons::{self, KeptView, PatronView},
    },
    domain::grade::AudienceBand,
};

#[derive(Debug, Subcommand)]
pub enum Patron {
    /// Shows everything that is kept of a person. Where they went is told as a number for each vendor, no more.
    Show {
        /// The card, or the patron's id
        card: String,
        /// Why you look: kept in the audit.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Erases a person: card, PIN, roster rows, sessions, grants, what the audit tells. For ever.
    Erase {
        /// The card, or the patron's id
        card: String,
        /// Why: kept in the audit. Do not name the person.
        #[arg(long, value_parser = reason)]
        reason: String,
        /// Do not ask
        #[arg(long)]
        yes: bool,
        /// Although the roster lists them, and the next import brings them back as somebody new
        #[arg(long)]
        though_enrolled: bool,
    },
    /// Enters a family's no: the card is off on every face within a second, whatever later rosters say.
    OptOut {
        card: String,
        /// Why: kept in the audit.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Takes a family's no back, because they changed their mind.
    OptIn {
        card: String,
        /// Why: kept in the audit.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Lowers a pupil's audience, as a parent wishes. It never raises the one that follows from the grade.
    Audience {
        card: String,
        /// The highest band allowed; `default` lets the grade alone speak again
        highest: Highest,
        /// Why: kept in the audit.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub enum Highest {
    Juvenile,
    YoungAdult,
    Default,
}

/// A reason that says something.
pub fn reason(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() { Err("say why".into()) } else { Ok(text.to_owned()) }
}

pub async fn run(desk: &Desk, command: Patron, output: Output) -> Result<()> {
    match command {
        Patron::Show { card, reason } => {
            let view = patrons::show(desk, &card, &reason).await?;
            output.document(&view, tell)
        }
        Patron::Erase { card, reason, yes, though_enrolled } => {
            if !yes {
                confirm(&card)?;
            }
            let erasure = erase::erase(desk, &card, &reason, though_enrolled).await?;
            output.document(&erasure, tell_erasure)
        }
        Patron::OptOut { card, reason } => {
            let changed = patrons::opt_out(desk, &card, &reason).await?;
            let document = serde_json::json!({ "card": card, "opted_out": true, "changed": changed });
            output.document(&document, |_| match changed {
                true => say!("Card {card} is off, and stays off whatever rosters say."),
                false => say!("An opt-out stood against card {card} already."),
            })
        }
        Patron::OptIn { card, reason } => {
            let changed = patrons::opt_in(desk, &card, &reason).await?;
            let document = serde_json::json!({ "card": card, "opted_out": false, "changed": changed });
            output.document(&document, |_| match changed {
                true => say!("No opt-out stands against card {card} any more."),
                false => say!("No opt-out stood against card {card}."),
            })
        }
        Patron::Audience { card, highest, reason } => {
            let band = match highest {
                Highest::Juvenile => Some(AudienceBand::Juvenile),
                Highest::YoungAdult => Some(AudienceBand::YoungAdult),
                Highest::Default => None,
            };
            let changed = patrons::audience(desk, &card, band, &reason).await?;
            let document = serde_json::json!({ "card": card, "audience": band, "changed": changed });
            output.document(&document, |_| match (band, changed) {
                (Some(band), true) => say!("Card {card} is for {} readers at most.", band.as_str()),
                (None, true) => say!("The audience of card {card} follows from the grade alone."),
                (_, false) => say!("It was so already."),
            })
        }
    }
}

/// The card number again: what is erased nobody brings back.
fn confirm(card: &str) -> Result<()> {
    eprint!("Everything that is kept of the holder of {card} will be erased for ever. Type {card} to go on: ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).context("standard input cannot be read")?;
    ensure!(line.trim() == card, "that was not {card}; nothing was erased");
    Ok(())
}

fn tell_erasure(done: &Erasure) {
    say!(
        "Erased: {}, {}, {}, and what {} told.",
        counted(done.roster_rows as usize, "roster row"),
        counted(done.sessions as usize, "session"),
        counted(done.passages as usize, "grant"),
        counted(done.audit_events as usize, "audit event")
    );
    if done.opt_out_stays {
        say!("The opt-out stays: it keeps the card off when a roster names this person again.");
    }
}

fn tell(view: &PatronView) {
    card::tell(&view.card);
    say!("Patron        {}", view.patron);
    say!("Directory     {} as {}", view.source, view.sourced_id);
    say!("Known since   {}", view.known_since);
    if let Some(since) = &view.withdrawn_since {
        say!("Withdrawn     {since}");
    }
    for opt_out in &view.opt_outs {
        let since = opt_out.since.map(|day| format!(" since {day}")).unwrap_or_default();
        say!("Opt-out       {}{since}, by {}", opt_out.key, opt_out.by);
    }
    say!("Roster rows   {}", view.roster_rows);
    say!("Sessions      {} open, {} ended", view.open_sessions, view.ended_sessions);
    say!("Apps          {}", counted(view.lasting_grants as usize, "lasting grant"));
    say!("Audit         {}", counted(view.audit_events as usize, "event"));
    if !view.exports.is_empty() {
        say!("Exports       {}", view.exports.join(", "));
    }
    if !view.passages.is_empty() {
        say!();
        let mut table = Table::new(["VENDOR", "PASSAGES"]);
        for (vendor, n) in &view.passages {
            table.row([vendor.to_string(), n.to_string()]);
        }
        table.print();
    }
}

/// What the library keeps with a card, for whoever shows a card.
pub fn tell_kept(view: &KeptView) {
    if let Some(block) = &view.block {
        say!("Blocked       {}: {}", block.since_here, block.reason);
    }
    if let Some(band) = view.audience {
        say!("Audience      {} at most, as a parent wishes", band.as_str());
    }
    for given in &view.privileges {
        let over = if given.over { ", over" } else { "" };
        say!("Privilege     {} until {}{over}", given.scope, given.until);
    }
}
