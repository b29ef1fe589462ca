//! `oneaccess agreement simulate ID`: who would lose what when an agreement ends, or ends sooner or later.

use anyhow::Result;
use clap::Args;

use super::{
    output::{Output, counted, green, yellow},
    table::Table,
};
use crate::{
    admin::operations::{
        Desk,
        simulate::{self, Change, Simulation, Wish},
    },
    domain::clock::Date,
};

#[derive(Debug, Args)]
pub struct Simulate {
    /// The agreement's id
    id: String,
    /// The day to look at, `2031-07-01`; without it, the first on which the agreement no longer holds
    #[arg(long, value_name = "DATE")]
    at: Option<Date>,
    /// As if this were the agreement's last day
    #[arg(long, value_name = "DATE")]
    ends: Option<Date>,
}

pub async fn run(desk: &Desk, wish: Simulate, output: Output) -> Result<()> {
    let supposed = Wish { at: wish.at, ends: wish.ends };
    let simulation = simulate::simulate(desk, &wish.id, supposed, |_| ()).await?;
    output.document(&simulation, tell)
}

fn tell(simulation: &Simulation) {
    let Simulation { agreement, today, at, ends, organisations, total } = simulation;
    say!("If {agreement} ends with {ends}, then on {at}, against today, {today}:");
    if organisations.is_empty() {
        say!(
            "\n{}: nobody's card changes. {} open something on either day.",
            green("Quiet"),
            counted_cards(total.cards_today)
        );
        return;
    }
    say!();
    let mut table = Table::new(["ORGANISATION", "CARDS TODAY", "THEN", "LAPSE", "BEGIN", "LOSE", "GAIN"]);
    for change in organisations {
        row(&mut table, change, change.organisation.as_ref().map_or("-", |id| id.as_str()));
    }
    if organisations.len() > 1 {
        row(&mut table, total, "all");
    }
    table.print();
    say!("\n{} would open nothing any more.", yellow(&counted_cards(total.lapse)));
}

fn row(table: &mut Table, change: &Change, name: &str) {
    let listed = |all: &std::collections::BTreeMap<_, u64>| {
        let each: Vec<String> =
            all.iter().map(|(scope, n): (&crate::domain::id::ScopeName, _)| format!("{n} {scope}")).collect();
        if each.is_empty() { "-".to_owned() } else { each.join(", ") }
    };
    table.row([
        name.to_owned(),
        change.cards_today.to_string(),
        change.cards_then.to_string(),
        change.lapse.to_string(),
        change.begin.to_string(),
        listed(&change.lose),
        listed(&change.gain),
    ]);
}

fn counted_cards(cards: u64) -> String {
    counted(usize::try_from(cards).unwrap_or(usize::MAX), "card")
}
