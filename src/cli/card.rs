//! `oneaccess card …`: one card at a time. Every look at a person takes a reason and leaves an event.

use std::path::PathBuf;

use anyhow::Result;
use clap::Subcommand;

use super::{
    card_export, card_number, card_privilege,
    output::Output,
    patron::{reason, tell_kept},
    secret,
};
use crate::{
    admin::operations::{
        Desk,
        cards::{self, CardView},
        resets::{self, Asker},
    },
    domain::card::CardStatus,
};

#[derive(Debug, Subcommand)]
pub enum Card {
    /// Shows a card: status, standing, affiliations, whether its PIN is the patron's own.
    Show {
        card: String,
        /// Why you look: kept in the audit.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Blocks a card: its sessions and tokens end at once.
    Block {
        card: String,
        /// Why: kept with the card, for staff, and in the audit.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Lifts a block.
    Unblock {
        card: String,
        /// Why: kept in the audit.
        #[arg(long, value_parser = reason)]
        reason: String,
    },
    /// Sets a card's PIN, read from a prompt, a file or standard input; ends the patron's sessions.
    SetPin {
        card: String,
        /// A file whose first line is the PIN; `-` is standard input.
        #[arg(long, value_name = "FILE")]
        pin_file: Option<PathBuf>,
        /// The patron must change it at the next sign-in.
        #[arg(long)]
        temporary: bool,
    },
    /// Gives a forgotten PIN anew: a temporary one, said once, to be changed at its first use. Ends the patron's sessions.
    ResetPin {
        card: String,
        /// The teacher who asks, by her own card: for pupils of her classes.
        #[arg(
            long = "as",
            value_name = "STAFF_CARD",
            conflicts_with = "as_librarian",
            required_unless_present = "as_librarian"
        )]
        staff: Option<String>,
        /// The librarian who asks, by a name of `[[librarian]]`.
        #[arg(long, value_name = "NAME")]
        as_librarian: Option<String>,
        /// Why: kept in the audit.
        #[arg(long)]
        reason: String,
    },
    /// Gives a card another number: the old one opens nothing at once, and later rosters do not bring it back.
    Reissue(card_number::Reissue),
    /// Links a library card that the patron had before, once the ILS or staff say that it is theirs.
    Link(card_number::Link),
    /// Takes such a link back.
    Unlink(card_number::Unlink),
    /// Gives one card a privilege besides what agreements grant, until a day.
    Grant(card_privilege::Grant),
    /// Takes back what `card grant` gave.
    Revoke(card_privilege::Revoke),
    /// Writes lines about cards for the library's ILS, as `[[export]]` declares: everybody, or whose line has changed.
    Export(card_export::Export),
}

pub async fn run(desk: &Desk, command: Card, output: Output) -> Result<()> {
    match command {
        Card::Show { card, reason } => {
            let view = cards::show(desk, &card, &reason).await?;
            output.document(&view, tell)
        }
        Card::Block { card, reason } => status(desk, &card, CardStatus::Blocked, &reason, output).await,
        Card::Unblock { card, reason } => status(desk, &card, CardStatus::Active, &reason, output).await,
        Card::Reissue(command) => card_number::reissue(desk, command, output).await,
        Card::Link(command) => card_number::link(desk, command, output).await,
        Card::Unlink(command) => card_number::unlink(desk, command, output).await,
        Card::Grant(wish) => card_privilege::grant(desk, wish, output).await,
        Card::Revoke(wish) => card_privilege::revoke(desk, wish, output).await,
        Card::Export(wish) => card_export::run(desk, wish, output).await,
        Card::SetPin { card, pin_file, temporary } => {
            let pin = secret::read(pin_file.as_deref(), "New PIN: ")?;
            cards::set_pin(desk, &card, &pin, temporary).await?;
            output.document(&serde_json::json!({ "card": card, "pin": "set", "temporary": temporary }), |_| {
                say!("The PIN of card {card} is set; every session of this patron has ended.");
            })
        }
        Card::ResetPin { card, staff, as_librarian, reason } => {
            let by = match (staff.as_deref(), as_librarian.as_deref()) {
                (Some(staff), _) => Asker::Staff(staff),
                (None, Some(name)) => Asker::Librarian(name),
                (None, None) => anyhow::bail!("say who asks: --as or --as-librarian"),
            };
            let temporary = resets::reset(desk, &card, by, &reason).await?;
            output.document(&temporary, |temporary| {
                say!("Temporary PIN of card {}: {}", temporary.card, temporary.pin);
                say!("It is shown this once, and opens nothing but its own change. Every session of this patron has ended.");
            })
        }
    }
}

/// A card in words.
pub fn tell(view: &CardView) {
    say!("Card          {}", view.card);
    if let Some(roster) = &view.roster_card {
        say!("              in the place of the roster's {roster}, which opens nothing");
    }
    if let (Some(library), Some(way)) = (&view.library_card, &view.library_card_way) {
        say!("Library card  {library} ({}): signs in as well", way.as_str());
    }
    let nobody = if view.test_patron { "  (a test patron: nobody)" } else { "" };
    say!("Name          {}{nobody}", view.name);
    say!("Status        {}", word(&view.status));
    let until = view.last_day.map(|day| format!(" until {day}")).unwrap_or_default();
    say!("Standing      {}{until}{}", view.standing, if view.opted_out { ", opted out" } else { "" });
    say!("Affiliations  {}", view.affiliations.join(", "));
    say!("PIN           {}", view.pin);
    tell_kept(&view.kept);
}

async fn status(desk: &Desk, card: &str, status: CardStatus, reason: &str, output: Output) -> Result<()> {
    let changed = cards::set_status(desk, card, status, reason).await?;
    let now = word(&status);
    output.document(&serde_json::json!({ "card": card, "status": now, "changed": changed }), |_| match changed {
        true => say!("Card {card} is {now} now."),
        false => say!("Card {card} was {now} already."),
    })
}

/// The word that serde writes.
fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default()
}
