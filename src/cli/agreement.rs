//! `oneaccess agreement …`.

use anyhow::Result;
use clap::Subcommand;

use super::{agreement_simulate, output::Output, table::Table};
use crate::admin::operations::{
    Desk,
    agreements::{self, State},
};

#[derive(Debug, Subcommand)]
pub enum Agreement {
    /// All agreements, and whether each is in force today.
    List,
    /// What an agreement's end, or another end, would change: cards that lapse, privileges lost, by organisation.
    Simulate(agreement_simulate::Simulate),
}

pub async fn run(desk: &Desk, command: Agreement, output: Output) -> Result<()> {
    match command {
        Agreement::List => list(desk, output).await,
        Agreement::Simulate(wish) => agreement_simulate::run(desk, wish, output).await,
    }
}

async fn list(desk: &Desk, output: Output) -> Result<()> {
    let all = agreements::list(desk).await?;
    output.document(&all, |all| {
        if all.is_empty() {
            say!("No agreement yet: declare one with [[agreement]] and apply the file.");
            return;
        }
        let mut table = Table::new(["ID", "ORGANISATION", "STATE", "FROM", "TO", "ROLES", "GRADES", "PRIVILEGES"]);
        for agreement in all {
            let state = match agreement.state {
                State::NotBegun => "not begun",
                State::InForce => "in force",
                State::Ended => "ended",
            };
            let roles: Vec<&str> = agreement.roles.iter().map(|role| role.as_str()).collect();
            table.row([
                agreement.id.to_string(),
                agreement.organisation.to_string(),
                state.to_owned(),
                agreement.from.to_string(),
                agreement.to.to_string(),
                roles.join(", "),
                agreement.grades.map_or_else(|| "all".to_owned(), |(from, to)| format!("{from} to {to}")),
                agreement.privileges.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
            ]);
        }
        table.print();
    })
}
