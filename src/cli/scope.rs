//! `oneaccess scope …`.

use anyhow::Result;
use clap::Subcommand;

use super::{output::Output, table::Table};
use crate::admin::operations::{Desk, scopes};

#[derive(Debug, Subcommand)]
pub enum Scope {
    /// All scopes, with who grants and who may ask for each.
    List,
}

pub async fn run(desk: &Desk, command: Scope, output: Output) -> Result<()> {
    let Scope::List = command;
    let all = scopes::list(desk).await?;
    output.document(&all, |all| {
        if all.is_empty() {
            say!("No scope yet: declare one with [[scope]] and apply the file.");
            return;
        }
        let mut table = Table::new(["SCOPE", "GRANTED BY", "ASKED BY", "OPENS"]);
        let names = |names: &[String]| if names.is_empty() { "-".to_owned() } else { names.join(", ") };
        for scope in all {
            let opens = scope.description.clone().unwrap_or_default();
            table.row([scope.name.clone(), names(&scope.agreements), names(&scope.vendors), opens]);
        }
        table.print();
    })
}
