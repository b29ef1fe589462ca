//! `oneaccess verify TOKEN`: what a token is, and whether it is worth anything.

use std::{io::Read, path::Path};

use anyhow::{Context, Result, bail};
use clap::Args;

use super::output::{Output, bold, green, yellow};
use crate::admin::operations::{
    Desk,
    verify::{self, Verdict},
};

#[derive(Debug, Args)]
pub struct Verify {
    /// The token; `-` reads it from standard input, `@FILE` from a file. What stands on a command line, other users of
    /// this machine can read.
    #[arg(default_value = "-")]
    token: String,
    /// Why you want to know who the reader is: kept in the audit. Without it nobody is named.
    #[arg(long, value_name = "WHY")]
    reason: Option<String>,
}

pub async fn run(desk: &Desk, command: Verify, output: Output) -> Result<()> {
    let token = read(&command.token)?;
    let verdict = verify::verify(desk, &token, command.reason.as_deref()).await?;
    output.document(&verdict, tell)?;
    match verdict.reason {
        Some(reason) if !verdict.valid => bail!("not valid ({reason}): {}", verdict.sentence),
        _ => Ok(()),
    }
}

fn read(token: &str) -> Result<String> {
    match token.strip_prefix('@') {
        Some(file) => std::fs::read_to_string(Path::new(file)).with_context(|| format!("{file} cannot be read")),
        None if token == "-" => {
            let mut text = String::new();
            std::io::stdin().read_to_string(&mut text).context("standard input cannot be read")?;
            Ok(text)
        }
        None => Ok(token.to_owned()),
    }
}

fn tell(verdict: &Verdict) {
    match verdict.reason {
        Some(code) => say!("{} ({code}): {}.", yellow("Not valid"), verdict.sentence),
        None => say!("{}: {}.", green("Valid"), verdict.sentence),
    }
    say!("It is {}.\n", verdict.kind.words());
    let line = |name: &str, value: &str| say!("{name:<12}{value}");
    let maybe = |name: &str, value: &Option<String>| value.iter().for_each(|value| line(name, value));
    maybe("Issued by", &verdict.issuer);
    if let Some(key) = &verdict.key {
        let state = if key.published { "published" } else { "not published" };
        line("Key", &format!("{} ({}, {state})", key.kid, key.algorithm));
    }
    match (&verdict.vendor, &verdict.client) {
        (Some(vendor), Some(client)) => line("For", &format!("{} (client {client})", bold(vendor))),
        (None, Some(client)) => line("For", &format!("client {client}, unknown here")),
        (_, None) => {}
    }
    if !verdict.audience.is_empty() {
        line("Audience", &verdict.audience.join(", "));
    }
    maybe("Reader", &verdict.subject);
    maybe("Scopes", &verdict.scope);
    maybe("From", &verdict.issued_at);
    maybe("Until", &verdict.expires_at);
    if let Some(grant) = &verdict.grant {
        let state = match grant.reason {
            None => "holds".to_owned(),
            Some(code) => format!("holds no more ({code})"),
        };
        line("Grant", &format!("{} {state}, ends {}", grant.id, grant.ends_at));
    }
    if let Some(patron) = &verdict.patron {
        let nobody = if patron.test_patron { " (a test patron: nobody)" } else { "" };
        line("Who it is", &format!("{}, card {}{nobody}", patron.name, patron.card));
    }
}
