//! `oneaccess scope …`.

use std::time::Duration;

use anyhow::Result;
use clap::Subcommand;

use super::{output::Output, table::Table};
use crate::{
    admin::operations::{
        Desk,
        scopes::{self, ScopeView, Turned},
    },
    domain::{
        clock::{Date, span},
        id::ScopeName,
        scope::State,
    },
};

#[derive(Debug, Subcommand)]
pub enum Scope {
    /// All scopes by each of their names: its state and successor, who grants it, and who asks by it.
    List,
    /// Gives a scope a new name. Vendors may use either for the time of the overlap, and tokens carry both.
    Rotate {
        /// Its name now.
        from: ScopeName,
        /// Its name to be. An earlier one of its own may come back.
        to: ScopeName,
        /// How long the old name goes on beside the new one: 90s, 12h, 60d.
        #[arg(long, value_name = "DURATION", default_value = "60d", value_parser = duration)]
        overlap: Duration,
        /// The day on which the new name comes into use, 2027-01-04; at once without it.
        #[arg(long, value_name = "DAY")]
        start: Option<Date>,
    },
    /// Ends a name: an old one before its overlap is over, the newest one together with its scope, one that is still to
    /// come by calling it off.
    Retire {
        name: ScopeName,
        /// Ends it only after this time, counted from now: 12h, 60d.
        #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
        overlap: Duration,
        /// Ends it at once although vendors asked for it within the last day.
        #[arg(long)]
        anyway: bool,
    },
}

pub async fn run(desk: &Desk, command: Scope, output: Output) -> Result<()> {
    match command {
        Scope::List => list(desk, output).await,
        Scope::Rotate { from, to, overlap, start } => {
            let turned = scopes::rotate(desk, &from, &to, overlap, start).await?;
            tell(desk, &turned, output)
        }
        Scope::Retire { name, overlap, anyway } => {
            let turned = scopes::retire(desk, &name, overlap, anyway).await?;
            tell(desk, &turned, output)
        }
    }
}

async fn list(desk: &Desk, output: Output) -> Result<()> {
    let all = scopes::list(desk).await?;
    output.document(&all, |all| {
        if all.is_empty() {
            say!("No scope yet: declare one with [[scope]] and apply the file.");
            return;
        }
        let mut table = Table::new(["SCOPE", "STATE", "SUCCESSOR", "UNTIL", "GRANTED BY", "MAY ASK", "LAST ASKED BY"]);
        for scope in all {
            let successor = scope.successor.clone().unwrap_or_else(|| "-".to_owned());
            table.row([
                scope.name.clone(),
                scope.state.as_str().to_owned(),
                successor,
                until(desk, scope),
                names(&scope.agreements),
                names(&scope.vendors),
                asked(desk, scope),
            ]);
        }
        table.print();
    })
}

fn tell(desk: &Desk, turned: &Turned, output: Output) -> Result<()> {
    output.document(turned, |turned| {
        if !turned.changed {
            say!("Nothing to do: that is so already.");
        }
        for scope in &turned.names {
            let state = match scope.state {
                State::Next => "is next: vendors may use it once it is active",
                State::Active => "is active",
                State::Retiring => "is retiring: still accepted and issued",
                State::Retired => "is retired: ignored like any unknown scope",
            };
            match scope.until {
                Some(_) => say!("{} {state}, until {}.", scope.name, until(desk, scope)),
                None => say!("{} {state}.", scope.name),
            }
            if scope.successor.is_some() && !scope.asked.is_empty() {
                say!("  Who has asked by that name: {}. Tell them.", asked(desk, scope));
            }
        }
    })
}

fn until(desk: &Desk, scope: &ScopeView) -> String {
    scope.ends.map_or_else(|| "-".to_owned(), |ends| desk.config.library.time_zone.minute(ends))
}

fn asked(desk: &Desk, scope: &ScopeView) -> String {
    let zone = &desk.config.library.time_zone;
    names(&scope.asked.iter().map(|asked| format!("{} {}", asked.vendor, zone.minute(asked.at))).collect::<Vec<_>>())
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "-".to_owned() } else { names.join(", ") }
}

fn duration(text: &str) -> Result<Duration, String> {
    span(text).ok_or_else(|| format!("{text:?} is not a duration such as 90s, 30m, 12h or 60d"))
}
