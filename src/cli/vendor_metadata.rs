//! `oneaccess vendor metadata ID`: what a vendor's service providers publish, and what of it waits for a decision.

use anyhow::{Result, bail};
use clap::Args;
use serde_json::{Value, json};

use super::{
    output::{Output, bold, green, yellow},
    table::Table,
};
use crate::{
    admin::operations::Desk,
    compose::metadata::{self, Decision, Place},
    domain::published::Published,
};

#[derive(Debug, Args)]
pub struct Metadata {
    /// The vendor's id.
    id: String,
    /// Only this service provider, by its entityID (or by the URL of its metadata, where the file names no other).
    #[arg(long, value_name = "ENTITY_ID")]
    party: Option<String>,
    /// Looks at its address now.
    #[arg(long, conflicts_with_all = ["accept", "decline"])]
    refresh: bool,
    /// Takes over the copy that waits.
    #[arg(long, conflicts_with = "decline")]
    accept: bool,
    /// Turns the copy down that waits; another one may come.
    #[arg(long)]
    decline: bool,
}

pub async fn run(desk: &Desk, command: Metadata, output: Output) -> Result<()> {
    let find = || metadata::places(desk, &command.id, command.party.as_deref());
    let places = find().await?;
    let decision = match (command.accept, command.decline) {
        (true, _) => Some(Decision::Accept),
        (_, true) => Some(Decision::Decline),
        _ => None,
    };
    if let Some(decision) = decision {
        let [place] = waiting(&places)[..] else {
            bail!("say which one by --party: {} of them have a copy that waits", waiting(&places).len());
        };
        metadata::decide(desk, place, decision).await?;
    }
    if command.refresh {
        for place in &places {
            metadata::refresh(desk, place).await?;
        }
    }
    let places = find().await?;
    let documents: Vec<Value> = places.iter().map(document).collect();
    output.document(&documents, |_| places.iter().for_each(say_place))
}

fn waiting(places: &[Place]) -> Vec<&Place> {
    match places {
        [only] => vec![only],
        several => several.iter().filter(|place| place.known.staged.is_some()).collect(),
    }
}

fn document(place: &Place) -> Value {
    let Published { live, staged, checked_at, next_at, trouble, url, .. } = &place.known;
    json!({
        "vendor": place.vendor,
        "relying_party": place.party.key,
        "url": url,
        "state": state(&place.known),
        "fetched_at": live.as_ref().map(|copy| copy.fetched_at.rfc3339()),
        "valid_until": live.as_ref().and_then(|copy| copy.valid_until).map(|at| at.rfc3339()),
        "checked_at": checked_at.map(|at| at.rfc3339()),
        "next_at": next_at.rfc3339(),
        "trouble": trouble.as_ref().map(|trouble| json!({
            "code": trouble.code, "detail": trouble.detail, "since": trouble.since.rfc3339(), "times": trouble.times,
        })),
        "waits": staged.as_ref().map(|copy| json!({ "since": copy.fetched_at.rfc3339(), "changes": place.changes })),
    })
}

fn state(known: &Published) -> &'static str {
    match known {
        Published { live: None, .. } => "missing",
        Published { staged: Some(_), .. } => "waits",
        Published { trouble: Some(_), .. } => "stale",
        _ => "good",
    }
}

fn say_place(place: &Place) {
    let Published { live, staged, checked_at, next_at, trouble, url, .. } = &place.known;
    let state = match state(&place.known) {
        "good" => green("good"),
        other => yellow(other),
    };
    say!("{} {}", bold(&place.party.key), state);
    say!("  From      {url}");
    match live {
        None => say!("  Copy      none yet: nobody can go there"),
        Some(copy) => {
            let until = copy.valid_until.map(|at| format!(", valid until {}", at.rfc3339())).unwrap_or_default();
            say!("  Copy      of {}{until}", copy.fetched_at.rfc3339());
        }
    }
    if let Some(at) = checked_at {
        say!("  Looked    {}, next {}", at.rfc3339(), next_at.rfc3339());
    }
    if let Some(trouble) = trouble {
        let since = trouble.since.rfc3339();
        say!("  {}   {} ({}), {} times since {since}", yellow("Trouble"), trouble.detail, trouble.code, trouble.times);
    }
    if let Some(copy) = staged {
        say!("\n  {} a copy of {}, because of what is marked:", yellow("Waits:"), copy.fetched_at.rfc3339());
        let mut table = Table::new(["", "WHAT", "NOW", "THEN", "WHY IT WAITS"]);
        for change in &place.changes {
            table.row([
                if change.weakens.is_some() { "  !".into() } else { String::new() },
                change.what.to_owned(),
                change.before.clone(),
                change.after.clone(),
                change.weakens.unwrap_or("-").to_owned(),
            ]);
        }
        table.print();
        say!("  Take it over with --accept, or turn it down with --decline.");
    }
}
