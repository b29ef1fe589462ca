//! `oneaccess keys …`.

mod certificates;

use std::path::PathBuf;

use anyhow::{Result, ensure};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use super::{
    output::{Output, bold, counted, dim, green, warn, yellow},
    table::Table,
};
use crate::{
    admin::operations::{
        Desk,
        keys::{self, Emergency, KeyView, Overview, Use},
    },
    domain::{
        clock::Date,
        holding::How,
        key::{Life, Reader, Reading, SAML, State},
    },
};

#[derive(Debug, Subcommand)]
pub enum Keys {
    /// Where each key stands, and which vendors are on which.
    List {
        /// Retired and lost keys too.
        #[arg(long)]
        all: bool,
    },
    /// Begins a rotation: the next key is published now and used when every vendor can have it.
    Rotate(RotateArgs),
    /// Ends a retiring key before its time.
    Retire {
        /// Its id or kid.
        #[arg(allow_hyphen_values = true)]
        key: String,
        /// Even where tokens that it signed may still be good.
        #[arg(long)]
        force: bool,
    },
    /// Moves the deadline of pinned vendors in the rotation under way.
    Defer {
        /// The last day on which they stay on their key, `2026-12-01`.
        until: Date,
        /// Only this algorithm's; `saml` for the certificate's. Those of tokens without it.
        #[arg(long, value_parser = of)]
        algorithm: Vec<Use>,
    },
    /// Prints the published keys, for vendors that keep them by hand.
    Export {
        /// As PEM instead of a JWK set.
        #[arg(long)]
        pem: bool,
        /// The certificates that SAML service providers know us by, as PEM: the one that signs today first.
        #[arg(long, conflicts_with = "pem")]
        saml: bool,
    },
    /// Records that a SAML service provider has the next certificate, so that it moves when the others do.
    Attest {
        /// Its entityID, or its vendor's id where that has no other.
        #[arg(value_name = "ENTITY_ID")]
        who: String,
        /// It has it not, whatever was seen or said: it stays on the one of before until the deadline.
        #[arg(long)]
        withdraw: bool,
    },
    /// Changes the key-encryption key: every key is wrapped anew, and a running server goes on.
    Rewrap {
        /// Take this file's key instead of making one.
        #[arg(long, value_name = "FILE")]
        new_kek: Option<PathBuf>,
    },
}

#[derive(Debug, Args)]
pub struct RotateArgs {
    /// Only this algorithm's key: RS256, ES256, PS256 or EdDSA, or `saml` (RSA-SHA256), whose new certificate must be
    /// announced to vendors and is therefore made only when asked for. All of tokens without it.
    #[arg(long, value_parser = of)]
    algorithm: Vec<Use>,
    /// The last day on which pinned vendors stay on their key, `2026-12-01`.
    #[arg(long, value_name = "DATE", conflicts_with = "emergency")]
    pinned_until: Option<Date>,
    /// Even where a rotation of the same algorithm is under way.
    #[arg(long, conflicts_with = "emergency")]
    force: bool,
    /// A key is lost: refuse it everywhere now, and use another one at once. Name the key, or its --algorithm.
    #[arg(long, value_name = "KEY", num_args = 0..=1)]
    emergency: Option<Option<String>>,
}

fn of(name: &str) -> Result<Use, String> {
    let of = Use::named(name).or_else(|| name.eq_ignore_ascii_case("saml").then_some(Use::Saml));
    of.ok_or_else(|| format!("{name:?}: use RS256, ES256, PS256, EdDSA, or saml for the certificate's RSA-SHA256"))
}

pub async fn run(desk: &Desk, command: Keys, output: Output) -> Result<()> {
    match command {
        Keys::List { all } => list(desk, all, output).await,
        Keys::Rotate(RotateArgs { algorithm, emergency: Some(key), .. }) => {
            emergency(desk, key, algorithm, output).await
        }
        Keys::Rotate(args) => rotate(desk, args, output).await,
        Keys::Retire { key, force } => retire(desk, &key, force, output).await,
        Keys::Defer { until, algorithm } => defer(desk, until, &algorithm, output).await,
        Keys::Export { saml: true, .. } => certificates::export(desk, output),
        Keys::Export { pem, .. } => export(desk, pem, output),
        Keys::Attest { who, withdraw } => certificates::attest(desk, &who, withdraw, output).await,
        Keys::Rewrap { new_kek } => rewrap(desk, new_kek, output).await,
    }
}

async fn list(desk: &Desk, all: bool, output: Output) -> Result<()> {
    let overview = keys::overview(desk).await?;
    output.document(&overview, |overview| {
        let over = |key: &&KeyView| matches!(key.state, State::Retired | State::Lost);
        let mut table = Table::new(["KEY", "STATE", "PUBLISHED", "SIGNS FROM", "GONE", "SIGNS FOR", "KID"]);
        for key in overview.keys.iter().filter(|key| all || !over(key)) {
            table.row([
                key.id.clone(),
                key.state.as_str().to_owned(),
                key.published_at.clone(),
                key.active_from.clone(),
                key.gone_at.clone().unwrap_or_else(|| "-".into()),
                if key.signs_for.is_empty() { "-".into() } else { key.signs_for.join(", ") },
                key.kid.clone(),
            ]);
        }
        table.print();
        let hidden = overview.keys.iter().filter(over).count();
        if hidden > 0 && !all {
            say!("{}", dim(&format!("{} retired or lost: --all shows them.", counted(hidden, "key"))));
        }
        vendors(overview);
        notes(overview);
    })
}

fn vendors(overview: &Overview) {
    if overview.vendors.is_empty() {
        return;
    }
    say!("");
    let mut table = Table::new(["VENDOR", "PARTY", "READS", "ALGORITHM", "SIGNED WITH", "READY"]);
    for vendor in &overview.vendors {
        let known = match vendor.known.filter(|_| vendor.algorithm == SAML) {
            Some(How::Fetched) => ", seen fetching it",
            Some(_) => ", attested",
            None if vendor.algorithm == SAML && vendor.jwks == Reader::Pinned => ", not known to have it",
            None => "",
        };
        let ready = match (&vendor.moves_to, &vendor.moves_at) {
            (Some(key), Some(at)) => format!("moves to {key} at {at}{known}"),
            _ if vendor.ready => "yes".into(),
            _ => "its key is being made".into(),
        };
        table.row([
            vendor.vendor.clone(),
            vendor.client.clone(),
            vendor.jwks.to_string(),
            vendor.algorithm.clone(),
            vendor.signed_with.clone().unwrap_or_else(|| "-".into()),
            ready,
        ]);
    }
    table.print();
}

fn notes(overview: &Overview) {
    say!("");
    match &overview.fetches {
        Some(seen) => {
            say!("The key set as it is now was fetched {}, last at {}.", counted_times(seen.count), seen.last_at);
        }
        None => say!("No fetch of the key set as it is now was seen yet; most clients wait for an unknown kid."),
    }
    for key in &overview.keys {
        if let Some(at) = &key.next_at {
            say!("The successor of {} is published at {at}.", key.id);
        }
    }
    for weakness in &overview.weaknesses {
        say!("{} {weakness}", yellow("weak:"));
    }
}

fn counted_times(count: i64) -> String {
    if count == 1 { "once".into() } else { format!("{count} times") }
}

async fn rotate(desk: &Desk, args: RotateArgs, output: Output) -> Result<()> {
    let begun = keys::rotate(desk, args.algorithm, args.pinned_until, args.force).await?;
    let overview = keys::overview(desk).await?;
    let documents: Vec<Value> = begun.iter().map(|rotation| rotation_document(rotation, &overview)).collect();
    output.document(&json!({ "begun": documents }), |_| {
        for keys::Rotation { next, before } in &begun {
            let before = before.as_ref().map_or("nothing", |life| &life.id);
            say!("{} is published now. {before} goes on signing until {}.", bold(&next.id), next.active_from.rfc3339());
            for vendor in overview.vendors.iter().filter(|vendor| vendor.moves_to.as_ref() == Some(&next.id)) {
                let at = vendor.moves_at.as_deref().unwrap_or_default();
                match vendor.jwks {
                    Reader::Normal => say!("  {:<24} at {at}", vendor.client),
                    Reader::Periodic(_) => say!("  {:<24} at {at}, {}", vendor.client, vendor.jwks),
                    Reader::Pinned if vendor.algorithm == SAML => say!(
                        "  {:<24} at {at} unless it fetches our metadata before: send its vendor `oneaccess keys export --saml`, \
                         then `oneaccess keys attest`",
                        vendor.client,
                    ),
                    Reader::Pinned => say!(
                        "  {:<24} at {at}, {}: send its vendor the key from `oneaccess keys export`",
                        vendor.client,
                        yellow("pinned")
                    ),
                }
            }
        }
        let by_hand = overview.vendors.iter().any(|vendor| vendor.jwks == Reader::Pinned && vendor.moves_to.is_some());
        let rest = if by_hand { "Nothing else is to be done" } else { "Nothing is to be done" };
        say!("{rest}; `oneaccess keys list` shows how far it is.");
    })
}

fn rotation_document(rotation: &keys::Rotation, overview: &Overview) -> Value {
    let next = &rotation.next;
    let moving = overview.vendors.iter().filter(|vendor| vendor.moves_to.as_ref() == Some(&next.id));
    json!({
        "id": next.id, "kid": next.kid, "algorithm": next.algorithm,
        "published_at": next.published_at.rfc3339(), "active_from": next.active_from.rfc3339(),
        "pinned_from": next.pinned_from.rfc3339(), "before": rotation.before.as_ref().map(|life| &life.id),
        "vendors": moving.collect::<Vec<_>>(),
    })
}

async fn emergency(desk: &Desk, key: Option<String>, uses: Vec<Use>, output: Output) -> Result<()> {
    let which = match key {
        Some(key) => {
            ensure!(uses.is_empty(), "name the lost key or its --algorithm, not both");
            Emergency::Key(key)
        }
        None => {
            ensure!(!uses.is_empty(), "name what is lost: --emergency KEY, or --emergency --algorithm RS256");
            Emergency::All(uses)
        }
    };
    let (lost, tell) = keys::lose(desk, &which).await?;
    let ids = |lives: &[Life]| lives.iter().map(|life| life.id.clone()).collect::<Vec<_>>();
    let (gone, instead) = (ids(&lost.lost), ids(&lost.instead));
    let document = json!({
        "lost": lost.lost.iter().map(|l| json!({ "id": l.id, "kid": l.kid })).collect::<Vec<_>>(),
        "instead": lost.instead.iter().map(|l| json!({ "id": l.id, "kid": l.kid })).collect::<Vec<_>>(),
        "tell": tell.iter().map(|r| json!({
            "vendor": r.vendor, "client": r.party, "jwks": r.reader, "what": what_to_tell(r),
        })).collect::<Vec<_>>(),
    });
    output.document(&document, |_| {
        say!("{} is published no longer, and refused everywhere.", bold(&gone.join(", ")));
        if instead.is_empty() {
            say!("It signed for nobody; nothing takes its place now.");
        } else {
            say!("{} signs from now on. Sessions go on.", green(&instead.join(", ")));
        }
        if !tell.is_empty() {
            say!("\nTell these vendors that what the lost key signed proves nothing:");
            for reading in &tell {
                say!(
                    "  {} ({}, {}): {}",
                    bold(reading.vendor.as_str()),
                    reading.party,
                    reading.reader,
                    what_to_tell(reading)
                );
            }
        }
    })
}

fn what_to_tell(reading: &Reading) -> &'static str {
    if reading.algorithms.iter().any(|name| name == SAML) {
        return match reading.reader {
            Reader::Pinned => {
                "put the new certificate in (oneaccess keys export --saml) and take the lost one out; until then its \
                 sign-ins fail"
            }
            _ => "fetch our metadata now; until then its sign-ins fail",
        };
    }
    match reading.reader {
        Reader::Normal => "drop cached keys now; without that it has the new key when its cache is over",
        Reader::Periodic(_) => "fetch the JWKS now; until then its sign-ins fail",
        Reader::Pinned => {
            "put the new key in (oneaccess keys export) and take the lost one out; until then its sign-ins fail"
        }
    }
}

async fn retire(desk: &Desk, key: &str, force: bool, output: Output) -> Result<()> {
    let life = keys::retire(desk, key, force).await?;
    output.document(&json!({ "id": life.id, "kid": life.kid, "state": "retired" }), |_| {
        say!("{} is retired: published no longer, its private half forgotten.", life.id);
    })
}

async fn defer(desk: &Desk, until: Date, uses: &[Use], output: Output) -> Result<()> {
    let moved = keys::defer(desk, uses, until).await?;
    let document: Vec<Value> = moved
        .iter()
        .map(|m| json!({ "id": m.next.id, "was": m.was.rfc3339(), "pinned_from": m.next.pinned_from.rfc3339() }))
        .collect();
    output.document(&document, |_| {
        for m in &moved {
            say!(
                "Pinned vendors move to {} at {} instead of {}.",
                m.next.id,
                m.next.pinned_from.rfc3339(),
                m.was.rfc3339()
            );
        }
    })
}

fn export(desk: &Desk, pem: bool, output: Output) -> Result<()> {
    let exported = keys::export(desk)?;
    if pem && !output.json {
        for key in &exported {
            say!("# {} ({}), kid {}", key.id, key.state.as_str(), key.jwk["kid"].as_str().unwrap_or_default());
            say!("{}", key.pem.trim_end());
        }
        return Ok(());
    }
    let set = match pem {
        true => json!(exported),
        false => json!({ "keys": exported.iter().map(|key| &key.jwk).collect::<Vec<_>>() }),
    };
    say!("{}", serde_json::to_string_pretty(&set)?);
    Ok(())
}

async fn rewrap(desk: &Desk, new: Option<PathBuf>, output: Output) -> Result<()> {
    let file = &desk.config.key_encryption_key_file;
    let done = keys::rewrap(desk, new.as_deref()).await?;
    let old = desk.keyring.file_of_before();
    let named = done.misnamed.is_none();
    output.document(&json!({ "keys": done.keys, "key_encryption_key_file": file, "files_renamed": named }), |_| {
        say!("{} are wrapped by the new key.", counted(done.keys, "key"));
        if named {
            say!(
                "Back it up now: {}. The one of before is {}, which older backups need.",
                file.display(),
                old.display()
            );
        }
    })?;
    if let Some(why) = &done.misnamed {
        let file = file.display();
        warn(format!(
            "the files could not change names ({why}): servers go on with {file}.next; make it {file} yourself"
        ));
    }
    Ok(())
}
